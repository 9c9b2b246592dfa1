"""Requests of outside parties: exactly what a consent lets them have, or one answer that says nothing (42
CFR 2.13(c)).

Unknown person, two people alike, no consent, expired, revoked, restricted, deceased, for review, another purpose,
only counseling notes: one refusal, the same in every byte and never sooner. A consent alone can answer, no paper and no
other basis. The request's own purpose alone counts. What was asked is sealed under the program's key, because there may
be no patient it is about; why it was refused stands in the ledger only.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from service.access.actions import Action
from service.disclosure import records
from service.disclosure.accounting import Channel
from service.disclosure.damage import report_damage
from service.disclosure.fetching import fetch
from service.disclosure.gathering import Gathered, Wanted, gather
from service.disclosure.releasing import Made, release
from service.disclosure.rulebook import DisclosureRules
from service.disclosure.shown import entry_detail
from service.errors import Code, IntegrityError, NotFound
from service.ids import PatientId, new_id
from service.ledger.entry import Outcome
from service.people.duplicates import find_exact
from service.people.recipient import Recipient
from service.people.recipients.operations import recipient_facts
from service.work import Denied, Json, Work

#: A request arrives through this interface, so it goes out through an electronic health record (2.25(b)).
CHANNEL = Channel.EHR


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RecordsAsked:
    """Whose records, as the requester knows the person, and what for."""

    family_name: str
    given_name: str
    birth_date: date
    purpose: str
    identifier: str | None = None
    categories: frozenset[str] | None = None

    def document(self) -> dict[str, Json]:
        """What is sealed, and hashed into the entry."""
        return {
            "family_name": self.family_name,
            "given_name": self.given_name,
            "birth_date": self.birth_date.isoformat(),
            "identifier": self.identifier,
            "purpose": self.purpose,
            "categories": None if self.categories is None else sorted(self.categories),
        }


def no_authorized_records() -> NotFound:
    """The one refusal. It neither confirms nor denies that anybody is or was a patient."""
    return NotFound(Code.NO_AUTHORIZED_RECORDS, "No records are available for this request.")


def request_records(
    work: Work, rules: DisclosureRules, asked: RecordsAsked
) -> tuple[UUID, dict[str, Any] | None]:
    """Id of the request, and the package; None when nothing may go: the refusal is then committed with its
    request and raised by the runner.
    """
    work.purpose = asked.purpose
    _require(work)
    request_id = new_id(work.now)
    matches = _who(work, asked)
    patient_id = matches[0] if len(matches) == 1 else None
    try:
        found = _decided(work, rules, patient_id, asked)
        if patient_id is not None and found is not None and found.decision.permits_something:
            # the person was found before the row was locked; whoever was corrected in between is somebody else
            if _who(work, asked) != matches:
                return request_id, _refuse(work, rules, request_id, asked, None, 0, None)
            made = _released(work, rules, found)
            return request_id, _deliver(work, request_id, asked, found, made)
    except IntegrityError as damage:
        # a stored value that does not open must not answer differently from nothing at all
        _refuse(work, rules, request_id, asked, patient_id, len(matches), None)
        work.record_incident(damage)
        return request_id, None
    return request_id, _refuse(work, rules, request_id, asked, patient_id, len(matches), found)


def request_again(
    work: Work, rules: DisclosureRules, asked: RecordsAsked, request_id: UUID
) -> dict[str, Any] | None:
    """The answer to a repeated request: decided anew, so that nothing revoked since comes back."""
    work.purpose = asked.purpose
    _require(work)
    stored = records.find_request(work, request_id)
    if stored is None or stored.account_id != work.caller.account_id or stored.disclosure_id is None:
        work.record(
            action=Action.RECORDS_REQUEST,
            object_kind="record_request",
            object_id=request_id,
            outcome=Outcome.DENY,
            detail={"repeated": True},
        )
        work.answer_with(no_authorized_records())
        return None
    try:
        return fetch(work, rules, stored.disclosure_id)
    except Denied as denied:
        raise Denied(no_authorized_records(), denied.denial) from None


def _require(work: Work) -> None:
    """May this caller ask at all? An outside caller hears the one refusal here too (a purpose nobody may
    state).
    """
    try:
        work.require(Action.RECORDS_REQUEST, object_kind="record_request")
    except Denied as denied:
        if work.caller.is_outside:
            raise Denied(no_authorized_records(), denied.denial) from None
        raise


def _decided(
    work: Work, rules: DisclosureRules, patient_id: UUID | None, asked: RecordsAsked
) -> Gathered | None:
    """The decision; for nobody, or several, the same steps about somebody who does not exist."""
    recipient = _recipient(work)
    purpose = work.access.purposes.find(asked.purpose)
    if recipient is None or purpose is None:
        return None
    wanted = Wanted(
        patient_id=patient_id if patient_id is not None else new_id(work.now),
        recipient=recipient,
        purpose=purpose,
        channel=CHANNEL,
        categories=asked.categories,
        outside=True,
        known=patient_id is not None,
    )
    return gather(work, rules, wanted)


def _who(work: Work, asked: RecordsAsked) -> list[PatientId]:
    return find_exact(work, asked.family_name, asked.given_name, asked.birth_date, asked.identifier)


def _released(work: Work, rules: DisclosureRules, found: Gathered) -> Made:
    """The release; a duty that cannot be met is no other answer than the one refusal."""
    try:
        return release(work, rules, found)
    except Denied as denied:
        raise Denied(no_authorized_records(), denied.denial) from None


def _recipient(work: Work) -> Recipient | None:
    """Whom these credentials speak for. Nothing in the request can change it."""
    if work.caller.recipient_id is None:
        return None
    found = recipient_facts(work, work.caller.recipient_id)
    return found if found is not None and found.state == "active" else None


def _refuse(
    work: Work,
    rules: DisclosureRules,
    request_id: UUID,
    asked: RecordsAsked,
    patient_id: UUID | None,
    matches: int,
    found: Gathered | None,
) -> None:
    detail: dict[str, Json] = {"matches": matches, "for": asked.purpose if found else None}
    if patient_id is not None and found is not None:
        detail |= entry_detail(found, rules.words)
    entry_id = work.record(
        action=Action.RECORDS_REQUEST,
        object_kind="record_request",
        object_id=request_id,
        patient_id=patient_id,
        recipient_id=work.caller.recipient_id,
        outcome=Outcome.DENY,
        policies=[] if found is None else [r for ruling in found.decision.rulings for r in ruling.rules],
        detail=detail,
        payload=asked.document(),
    )
    if patient_id is not None and found is not None:
        report_damage(work, rules, found)
    _keep(work, request_id, asked, "refused", None, entry_id)
    work.answer_with(no_authorized_records())


def _deliver(
    work: Work, request_id: UUID, asked: RecordsAsked, found: Gathered, made: Made
) -> dict[str, Any]:
    basis = made.decision.basis
    entry_id = work.record(
        action=Action.RECORDS_REQUEST,
        object_kind="record_request",
        object_id=request_id,
        patient_id=found.patient_id,
        consent_id=basis.consent_id if basis else None,
        recipient_id=found.recipient.id,
        basis=basis.id if basis else None,
        detail={"disclosure": str(made.id), "for": asked.purpose},
        payload=asked.document(),
    )
    _keep(work, request_id, asked, "released", made.id, entry_id)
    return dict(made.package.document)


def _keep(
    work: Work,
    request_id: UUID,
    asked: RecordsAsked,
    outcome: str,
    disclosure_id: UUID | None,
    entry_id: UUID,
) -> None:
    if work.caller.recipient_id is None:
        return  # credentials that speak for nobody: the entry is all there is to keep
    records.add_request(
        work,
        request_id=request_id,
        recipient_id=work.caller.recipient_id,
        outcome=outcome,
        disclosure_id=disclosure_id,
        asked=asked.document(),
        entry_id=entry_id,
    )
