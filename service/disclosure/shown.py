"""Decisions as they are shown to staff, and as the ledger keeps them (which holds no patient information)."""

from typing import Any

from service.disclosure.asking import Gathered
from service.disclosure.decide import DisclosureDecision
from service.work import Json


def decision_document(decision: DisclosureDecision) -> dict[str, Any]:
    """The decision as JSON; `category` of what is withheld is the kind of item, `categories` are its
    labels.
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
        "evaluated_at": decision.evaluated_at.isoformat().replace("+00:00", "Z"),
        "policy_version": decision.policy_version,
    }


def entry_detail(found: Gathered) -> dict[str, Json]:
    """What an entry says about a decision: ids, rules, paragraphs and reason codes; never a kind, label or
    name.
    """
    decision = found.decision
    detail: dict[str, Json] = {
        "effect": decision.effect.value,
        "for": found.purpose.code,
        "channel": found.channel.value,
        "items": [
            {
                "item": str(ruling.item.id),
                "permitted": ruling.permitted,
                "rules": list(ruling.rules),
                "reason": ruling.reason,
            }
            for ruling in decision.rulings
        ],
        "obligations": [duty.value for duty in decision.obligations],
        "citations": {one.rule: one.citation for one in decision.reasons},
        "consents": [str(one.consent_id) for one in found.consents],
    }
    if decision.accounting is not None:
        detail["accounting"] = {"part2": decision.accounting.part2, "hipaa": decision.accounting.hipaa}
    return detail
