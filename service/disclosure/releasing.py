"""The release itself: open what was granted, wrap it with notice and explanation, keep it sealed, count it,
record it.

This is the act of disclosing, done once, in the transaction that holds the consent's lock: whoever fetches
the package later is only handed what left here (and is decided about again).
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from service.access.actions import Action
from service.consent.model import ConsentRecord
from service.consent.rulebook import ConsentText
from service.consent.validity import signed_day
from service.disclosure import records
from service.disclosure.asking import Gathered
from service.disclosure.decide import DisclosureDecision
from service.disclosure.explanation import Explainable, Words, scope_explanation
from service.disclosure.notice import Notice, missing_duty
from service.disclosure.package import Envelope, Package, PackagedItem, build
from service.disclosure.records import StoredDisclosure
from service.disclosure.rulebook import DisclosureRules
from service.disclosure.shown import decision_document, entry_detail
from service.errors import Code, IntegrityError, Refused
from service.ids import new_id
from service.people.operations import open_patient_name
from service.record.item import Item
from service.record.operations import items_opened
from service.work import Denial, Work


@dataclass(frozen=True, slots=True, repr=False)
class Made:
    """A disclosure that has been made."""

    id: UUID
    decision: DisclosureDecision
    package: Package
    notice: Notice
    explanation: str


def release(work: Work, rules: DisclosureRules, found: Gathered) -> Made:
    """Disclose what the decision grants. The caller has checked that it grants something."""
    consent, basis = found.relied_on, found.decision.basis
    if consent is None or basis is None:
        raise IntegrityError  # a basis without its consent cannot be explained to anyone
    notice, explanation = rules.notices.full, _explanation(rules, found, consent)
    undone = missing_duty(rules.notices, notice_text=notice.text, consent_copy=None, explanation=explanation)
    if undone is not None:
        work.refuse(
            Refused(Code.DISCLOSURE_DENIED, "A duty that comes with this disclosure cannot be met."),
            Denial(action=Action.DISCLOSURE_MAKE, patient_id=found.patient_id, detail={"reason": undone}),
        )
    disclosure_id = new_id(work.now)
    granted = [item.id for item in found.decision.granted]
    opened = items_opened(work, found.patient_id, granted)
    if {item.id for item in opened} != set(granted):
        raise IntegrityError
    envelope = Envelope(
        disclosure_id=disclosure_id,
        disclosed_at=work.now,
        program=work.program.name,
        recipient_id=found.recipient.id,
        recipient=found.recipient.name,
        patient={"id": str(found.patient_id), **open_patient_name(work, found.patient_id)},
        purpose=found.purpose.code,
        channel=found.channel.value,
        basis=basis.id,
        citation=basis.citation,
        notice=notice,
        explanation=explanation,
    )
    package = build(envelope, [_packaged(work, item) for item in opened])
    made = Made(disclosure_id, found.decision, package, notice, explanation)
    _keep(work, found, made)
    return made


def _keep(work: Work, found: Gathered, made: Made) -> None:
    """Rows and entry of the disclosure: all of it or none, with the unit."""
    decision, basis = made.decision, made.decision.basis
    entered = decision.accounting
    if basis is None or entered is None:
        raise IntegrityError
    key = records.disclosure_key(work, made.id, found.patient_id)
    kept = {
        "decision": decision_document(decision),
        "items": [str(item.id) for item in decision.granted],
        "sha256": made.package.sha256,
        "notice": made.notice.id,
        "scope_explanation": made.explanation,
    }
    sealed = work.seal(records.DISCLOSURE_ROW, key, {"package": made.package.document, "decision": kept})
    stored = StoredDisclosure(
        id=made.id,
        patient_id=found.patient_id,
        recipient_id=found.recipient.id,
        consent_id=basis.consent_id,
        basis=basis.id,
        purpose=found.purpose.code,
        channel=found.channel.value,
        disclosed_by=work.caller.account_id,
        disclosed_at=work.now,
        package=sealed["package"],
        decision=sealed["decision"],
        package_hash=work.keyed_hash(made.package.document),
    )
    records.add(work, stored)
    if entered.part2 or entered.hipaa:
        records.add_accounting(work, new_id(work.now), stored, entered, _particulars(found, decision))
    work.record(
        action=Action.DISCLOSURE_MAKE,
        object_kind="disclosure",
        object_id=made.id,
        patient_id=found.patient_id,
        consent_id=basis.consent_id,
        recipient_id=found.recipient.id,
        basis=basis.id,
        policies=[rule for ruling in decision.rulings for rule in ruling.rules],
        detail={**entry_detail(found), "notice": made.notice.id},
        payload=made.package.document,
    )


def _particulars(found: Gathered, decision: DisclosureDecision) -> dict[str, Any]:
    """What 45 CFR 164.528(b)(2) asks of one line: to whom, what in brief, what for; the date is the row's."""
    kinds: dict[str, int] = {}
    for item in decision.granted:
        kinds[item.kind] = kinds.get(item.kind, 0) + 1
    return {
        "recipient": {"id": str(found.recipient.id), "name": found.recipient.name},
        "address": found.recipient.address,
        "description": [{"kind": kind, "count": count} for kind, count in sorted(kinds.items())],
        "purpose": {"code": found.purpose.code, "display": found.purpose.display},
        "basis": decision.basis.id if decision.basis else None,
        "channel": found.channel.value,
    }


def _explanation(rules: DisclosureRules, found: Gathered, consent: ConsentRecord) -> str:
    text: ConsentText | None = rules.book.text(consent.text_version)
    if text is None:
        raise IntegrityError
    return scope_explanation(
        Explainable(
            kind=consent.terms.kind,
            recipient=found.recipient.name,
            purpose=found.purpose.display,
            scope=consent.terms.scope,
            signed_on=signed_day(consent, found.today.timezone),
            expiry=consent.terms.expiry,
        ),
        Words(text.kinds, text.labels, text.events),
    )


def _packaged(work: Work, item: Item) -> PackagedItem:
    unit = work.program.units[item.unit]
    return PackagedItem(
        id=item.id,
        kind=item.kind.value,
        dated_on=item.dated_on,
        unit=unit.name,
        regime=unit.regime,
        labels=tuple(sorted(label.value for label in item.labels)),
        content=item.content,
    )
