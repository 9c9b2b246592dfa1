"""The release itself: open what was granted, wrap it with what must travel, keep it sealed, count it, record it.

This is the act of disclosing, done once, in the transaction that holds the locks of the decision: whoever fetches the
package later is only handed what left here (and is decided about again). Every duty is discharged in this act, or the
act is refused.
"""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from service.access.actions import Action
from service.access.decision import Obligation
from service.access.purposes import PurposeClass
from service.consent.model import ConsentRecord, SignerRole
from service.consent.validity import signed_day
from service.disclosure import records
from service.disclosure.accounting import Entered
from service.disclosure.decide import Basis, DisclosureDecision
from service.disclosure.duties import NO_FURTHER_USE, Discharge, undischarged
from service.disclosure.explanation import Explainable, Words, scope_explanation
from service.disclosure.gathering import Gathered
from service.disclosure.notice import Notice
from service.disclosure.package import Envelope, Package, PackagedItem, build
from service.disclosure.records import StoredDisclosure
from service.disclosure.redisclosure import Ground, Marked, labels_for, may_redisclose
from service.disclosure.rulebook import DisclosureRules
from service.disclosure.shown import decision_document, entry_detail, outcome_of
from service.errors import Code, IntegrityError, Refused
from service.ids import new_id
from service.people.operations import open_patient_name
from service.people.reviews import ReviewKind, open_review
from service.record.item import Item, ItemForDecision
from service.record.operations import items_opened
from service.rights.restricting import restricts
from service.work import Denial, Work


@dataclass(frozen=True, slots=True, repr=False)
class Made:
    """A disclosure that has been made."""

    id: UUID
    decision: DisclosureDecision
    package: Package
    notice: Notice | None
    explanation: str | None


def release(work: Work, rules: DisclosureRules, found: Gathered) -> Made:
    """Disclose what the decision grants. The caller has checked that it grants something."""
    basis, entered = found.decision.basis, found.decision.accounting
    if basis is None or entered is None:
        raise IntegrityError
    done = discharge(rules, found, entered)
    lacking = undischarged(found.decision.obligations, done, rules.standards)
    if lacking:
        work.refuse(
            Refused(Code.DISCLOSURE_DENIED, "A duty that comes with this disclosure cannot be met."),
            Denial(
                action=Action.DISCLOSURE_MAKE,
                patient_id=found.patient_id,
                detail={"reason": lacking[0][1], "undischarged": [duty.value for duty, _ in lacking]},
            ),
        )
    disclosure_id = new_id(work.now)
    granted = [item.id for item in found.decision.granted]
    opened = items_opened(work, found.patient_id, granted)
    if {item.id for item in opened} != set(granted):
        raise IntegrityError
    package = _package(work, rules, found, done, disclosure_id, basis, opened)
    made = Made(disclosure_id, found.decision, package, done.notice, done.explanation)
    _keep(work, rules, found, made, done)
    return made


def discharge(rules: DisclosureRules, found: Gathered, entered: Entered) -> Discharge:
    """What this act does about the duties: from what is at hand, and only where a duty asks for it."""
    duties, consent = set(found.decision.obligations), found.relied_on
    director = consent is not None and any(
        signature.role == SignerRole.PROGRAM_DIRECTOR for signature in consent.signatures
    )
    return Discharge(
        notice=rules.notices.full if Obligation.NOTICE_2_32 in duties else None,
        explanation=None if consent is None else _explanation(rules, found, consent),
        asked=NO_FURTHER_USE if Obligation.ASK_RECIPIENT_NO_FURTHER_USE_2_26 in duties else None,
        evidence=found.paper,
        director_consented=director,
        entered=entered,
        # every emergency is looked at afterwards, whether or not a rule asks for the patient to be told
        review=not duties.isdisjoint({Obligation.NOTIFY_PATIENT, Obligation.DOCUMENT_EMERGENCY_2_51C}),
        rechecked=True,  # operations.fetch
    )


def _package(
    work: Work,
    rules: DisclosureRules,
    found: Gathered,
    done: Discharge,
    disclosure_id: UUID,
    basis: Basis,
    opened: tuple[Item, ...],
) -> Package:
    situation, consent = found.situation, found.relied_on
    ground = Ground(
        basis=basis.id,
        consent=None if consent is None else consent.terms.kind,
        purpose=situation.purpose.legal_class,
        accounted=done.entered is not None and (done.entered.part2 or done.entered.hipaa),
    )
    marked = {item.id: _marked(found, item) for item in situation.items}
    strict = any(marked[item.id].under_part2 for item in opened)
    envelope = Envelope(
        disclosure_id=disclosure_id,
        disclosed_at=work.now,
        program=work.program.name,
        recipient_id=found.recipient.id,
        recipient=found.recipient.name,
        patient={"id": str(found.patient_id), **open_patient_name(work, found.patient_id)},
        purpose=situation.purpose.code,
        channel=situation.channel.value,
        basis=basis.id,
        citation=basis.citation,
        notice=done.notice,
        explanation=done.explanation,
        asked=done.asked,
        may_redisclose=may_redisclose(
            situation.recipient, ground, rules.redisclosure, law="part2" if strict else "hipaa"
        ),
    )
    items = [
        PackagedItem(
            id=item.id,
            kind=item.kind.value,
            dated_on=item.dated_on,
            unit=work.program.units[item.unit].name,
            labels=labels_for(marked[item.id], situation.recipient, ground, rules.redisclosure),
            content=item.content,
        )
        for item in opened
    ]
    return build(envelope, items)


def _marked(found: Gathered, item: ItemForDecision) -> Marked:
    """What the labels of an item follow from. Paid in full is marked for every recipient: it is about the item."""
    situation = found.situation
    paid = [replace(one, recipients="all") for one in situation.restrictions if one.paid_in_full]
    return Marked(
        regime=item.regime,
        note_class=item.note_class,
        labels=item.labels,
        provenance=item.provenance,
        self_pay=restricts(
            paid, item, situation.recipient.id, PurposeClass.PAYMENT.value, situation.today.now
        ),
    )


def _keep(work: Work, rules: DisclosureRules, found: Gathered, made: Made, done: Discharge) -> None:
    """Rows and entries of the disclosure: all of it or none, with the unit."""
    decision, basis, situation = made.decision, made.decision.basis, found.situation
    if basis is None or done.entered is None:
        raise IntegrityError
    kept = {
        "decision": decision_document(decision, rules.words),
        "items": [str(item.id) for item in decision.granted],
        "sha256": made.package.sha256,
        "notice": None if made.notice is None else made.notice.id,
        "scope_explanation": made.explanation,
        "via": None if situation.via is None else str(situation.via),
    }
    key = records.disclosure_key(work, made.id, found.patient_id)
    sealed = work.seal(records.DISCLOSURE_ROW, key, {"package": made.package.document, "decision": kept})
    stored = StoredDisclosure(
        id=made.id,
        patient_id=found.patient_id,
        recipient_id=found.recipient.id,
        consent_id=basis.consent_id,
        evidence_id=basis.evidence_id,
        basis=basis.id,
        purpose=situation.purpose.code,
        channel=situation.channel.value,
        disclosed_by=work.caller.account_id,
        disclosed_at=work.now,
        package=sealed["package"],
        decision=sealed["decision"],
        package_hash=work.keyed_hash(made.package.document),
    )
    records.add(work, stored)
    if done.entered.part2 or done.entered.hipaa:
        records.add_accounting(work, new_id(work.now), stored, done.entered, _particulars(found, decision))
    work.record(
        action=Action.DISCLOSURE_MAKE,
        object_kind="disclosure",
        object_id=made.id,
        patient_id=found.patient_id,
        consent_id=basis.consent_id,
        recipient_id=found.recipient.id,
        basis=basis.id,
        outcome=outcome_of(decision),
        policies=[rule for ruling in decision.rulings for rule in ruling.rules],
        detail={
            **entry_detail(found, rules.words),
            "notice": kept["notice"],
            "relied_on_evidence": None if basis.evidence_id is None else str(basis.evidence_id),
        },
        payload=made.package.document,
    )
    if done.review:
        open_review(
            work,
            kind=ReviewKind.EMERGENCY_DISCLOSURE,
            patient_id=found.patient_id,
            subject_id=made.id,
            account_id=work.caller.account_id,
        )


def _particulars(found: Gathered, decision: DisclosureDecision) -> dict[str, Any]:
    """What 45 CFR 164.528(b)(2) asks of one line: to whom, what in brief, what for; the date is the row's."""
    purpose = found.situation.purpose
    kinds: dict[str, int] = {}
    for item in decision.granted:
        kinds[item.kind] = kinds.get(item.kind, 0) + 1
    return {
        "recipient": {"id": str(found.recipient.id), "name": found.recipient.name},
        "address": found.recipient.address,
        "description": [{"kind": kind, "count": count} for kind, count in sorted(kinds.items())],
        "purpose": {"code": purpose.code, "display": purpose.display},
        "basis": decision.basis.id if decision.basis else None,
        "channel": found.situation.channel.value,
    }


def _explanation(rules: DisclosureRules, found: Gathered, consent: ConsentRecord) -> str:
    text = rules.book.text(consent.text_version)
    if text is None:
        raise IntegrityError
    return scope_explanation(
        Explainable(
            kind=consent.terms.kind,
            recipient=found.recipient.name,
            purpose=found.situation.purpose.display,
            scope=consent.terms.scope,
            signed_on=signed_day(consent, found.situation.today.timezone),
            expiry=consent.terms.expiry,
        ),
        Words(text.kinds, text.labels, text.events),
    )
