"""Decisions as they are shown to staff, and as the ledger keeps them (which holds no patient information)."""

from typing import Any

from service.disclosure.decide import DisclosureDecision, Effect
from service.disclosure.gathering import Gathered
from service.disclosure.paragraph import paragraph
from service.disclosure.words import Words
from service.ledger.entry import Outcome
from service.work import Json


def decision_document(decision: DisclosureDecision, words: Words, language: str = "en") -> dict[str, Any]:
    """The decision as JSON; `category` of what is withheld is the kind of item, `categories` are its labels. The
    `explanation` says the same in one paragraph, in this language.
    """
    basis = decision.basis
    return {
        "effect": decision.effect.value,
        "basis": None
        if basis is None
        else {
            "id": basis.id,
            "citation": basis.citation,
            "consent_id": None if basis.consent_id is None else str(basis.consent_id),
            "evidence_id": None if basis.evidence_id is None else str(basis.evidence_id),
        },
        "granted": [
            {"item": str(item.id), "kind": item.kind, "categories": list(item.labels)}
            for item in decision.granted
        ],
        "withheld": [
            {"category": one.category, "count": one.count, "reason": one.reason, "citation": one.citation}
            for one in decision.withheld
        ],
        "obligations": [duty.value for duty in decision.obligations],
        "reasons": [
            {"rule": one.rule, "citation": one.citation, "conf": one.conf.value, "text": one.text}
            for one in decision.reasons
        ],
        "explanation": paragraph(decision, words, language),
        "evaluated_at": decision.evaluated_at.isoformat().replace("+00:00", "Z"),
        "policy_version": decision.policy_version,
    }


def entry_detail(found: Gathered, words: Words) -> dict[str, Json]:
    """What an entry says about a decision: ids, rules, paragraphs and reason codes, and the paragraph that is made of
    them; never a kind, label or name.
    """
    decision, situation = found.decision, found.situation
    detail: dict[str, Json] = {
        "effect": decision.effect.value,
        "for": situation.purpose.code,
        "channel": situation.channel.value,
        "items": [
            {
                "item": str(ruling.item.id),
                "permitted": ruling.permitted,
                "rules": list(ruling.rules),
                "reason": ruling.reason,
                **({"review": True} if ruling.review else {}),
            }
            for ruling in decision.rulings
        ],
        "obligations": [duty.value for duty in decision.obligations],
        "citations": {one.rule: one.citation for one in decision.reasons},
        "confidence": {one.rule: one.conf.value for one in decision.reasons},
        "consents": [str(one.consent_id) for one in situation.consents],
        "evidence": [str(one.id) for one in situation.evidence],
        "relied_on": None
        if decision.basis is None or decision.basis.evidence_id is None
        else str(decision.basis.evidence_id),
        "via": None if situation.via is None else str(situation.via),
        "explanation": paragraph(decision, words),
    }
    if decision.accounting is not None:
        detail["accounting"] = {"part2": decision.accounting.part2, "hipaa": decision.accounting.hipaa}
    return detail


def outcome_of(decision: DisclosureDecision) -> Outcome:
    """How the ledger says it ended: what a person may still settle has not been permitted."""
    match decision.effect:
        case Effect.PERMIT:
            return Outcome.PERMIT
        case Effect.PARTIAL:
            return Outcome.PARTIAL
        case Effect.DENY | Effect.NEEDS_REVIEW:
            return Outcome.DENY


def rules_of(decision: DisclosureDecision) -> list[str]:
    """The rules that decided, item by item, for the entry."""
    return sorted({rule for ruling in decision.rulings for rule in ruling.rules})
