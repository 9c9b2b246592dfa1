"""Sealing and opening restrictions inside an act that is already authorised.

The sealed terms repeat the clear columns beside them (state and times), so that an agreed restriction which somebody
with the database turns into a declined one is noticed: for a decision it then counts as agreed, about everything.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from service.access.purposes import PurposeClass
from service.errors import IntegrityError
from service.people.records import patient_for_share
from service.rights import records
from service.rights.records import RESTRICTION_ROW, StoredRestriction
from service.rights.restricting import CLASSES
from service.rights.restriction import Restriction, RestrictionState
from service.vault.envelope import RowKey
from service.work import Json, Work


def restrictions_of(work: Work, patient_id: UUID) -> tuple[Restriction, ...]:
    """All restrictions of a patient, oldest first, for a decision that is allowed already; locked until the commit.

    The patient is locked too (FOR SHARE): a restriction becomes agreed only under a lock on the patient that excludes
    this one, so none can come into force beside a decision that did not see it. One that does not open is not left
    out: it counts. One that the trail knows of and that is not here any more stops the decision: nobody can say what
    it covered.
    """
    patient_for_share(work.db, patient_id)
    if records.restriction_lost(work.db, patient_id):
        raise IntegrityError
    return tuple(_as_found(work, stored) for stored in records.restrictions_for_share(work.db, patient_id))


def sealed(work: Work, restriction: Restriction) -> StoredRestriction:
    """The restriction as a row of its version."""
    program_id = work.caller.program_id
    key = RowKey(program_id, restriction.id, restriction.version, restriction.patient_id)
    requested_at = restriction.requested_at or work.now
    clear = _clear(restriction.state.value, requested_at, restriction.agreed_at, restriction.ended_at)
    terms: Mapping[str, Json] = {
        "of": clear,
        "kinds": "all" if restriction.kinds == "all" else sorted(restriction.kinds),
        "items": sorted(str(one) for one in restriction.items),
        "recipients": "all"
        if restriction.recipients == "all"
        else sorted(str(one) for one in restriction.recipients),
        "classes": sorted(restriction.classes),
        "paid_in_full": restriction.paid_in_full,
        "required_by_law": restriction.required_by_law,
        "owed": restriction.owed,
        "reason": restriction.reason,
        "answer": restriction.answer,
        "ending": restriction.ending,
        "only_until": None if restriction.only_until is None else restriction.only_until.isoformat(),
    }
    return StoredRestriction(
        id=restriction.id,
        program_id=program_id,
        patient_id=restriction.patient_id,
        state=restriction.state.value,
        version=restriction.version,
        terms=work.seal(RESTRICTION_ROW, key, {"terms": terms})["terms"],
        requested_at=requested_at,
        agreed_at=restriction.agreed_at,
        ended_at=restriction.ended_at,
        changed_at=work.now,
    )


def opened(work: Work, stored: StoredRestriction) -> Restriction:
    """The restriction in the clear. IntegrityError when its terms or the clear columns are not what was sealed."""
    if not stored.as_written:
        raise IntegrityError
    terms: Any = work.open(RESTRICTION_ROW, stored.key, {"terms": stored.terms})["terms"]
    clear = _clear(stored.state, stored.requested_at, stored.agreed_at, stored.ended_at)
    try:
        if terms["of"] != clear:
            raise IntegrityError
        return _restriction(stored, terms)
    except (KeyError, TypeError, ValueError):
        raise IntegrityError from None


def _as_found(work: Work, stored: StoredRestriction) -> Restriction:
    try:
        return opened(work, stored)
    except IntegrityError:
        return Restriction(
            id=stored.id,
            patient_id=stored.patient_id,
            state=RestrictionState.AGREED,
            kinds="all",
            items=frozenset(),
            recipients="all",
            classes=CLASSES,
            readable=False,
            version=stored.version,
        )


def _restriction(stored: StoredRestriction, terms: Mapping[str, Any]) -> Restriction:
    until = terms["only_until"]
    kinds: Literal["all"] | frozenset[str] = (
        "all" if terms["kinds"] == "all" else frozenset(map(str, terms["kinds"]))
    )
    recipients: Literal["all"] | frozenset[UUID] = (
        "all" if terms["recipients"] == "all" else frozenset(UUID(one) for one in terms["recipients"])
    )
    return Restriction(
        id=stored.id,
        patient_id=stored.patient_id,
        state=RestrictionState(stored.state),
        kinds=kinds,
        items=frozenset(UUID(one) for one in terms["items"]),
        recipients=recipients,
        classes=frozenset(PurposeClass(one).value for one in terms["classes"]),
        paid_in_full=bool(terms["paid_in_full"]),
        required_by_law=bool(terms["required_by_law"]),
        owed=bool(terms["owed"]),
        reason=str(terms["reason"]),
        answer=str(terms["answer"]),
        ending=str(terms["ending"]),
        requested_at=stored.requested_at,
        agreed_at=stored.agreed_at,
        ended_at=stored.ended_at,
        only_until=None if until is None else datetime.fromisoformat(until),
        version=stored.version,
    )


def _clear(
    state: str, requested_at: datetime, agreed_at: datetime | None, ended_at: datetime | None
) -> list[Json]:
    """The clear columns in one order; instants in seconds and microseconds since 1970, whatever the session's zone."""
    return [
        state,
        *(None if at is None else str(at.timestamp()) for at in (requested_at, agreed_at, ended_at)),
    ]
