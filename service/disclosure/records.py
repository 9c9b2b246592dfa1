"""The only SQL of disclosures, of the accounting, and of what outside requesters asked.

Rows are written once and never changed: a package that left cannot be edited afterwards.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, Uuid, bindparam, insert, or_, select

from service.disclosure.accounting import Entered, Rule
from service.store.tables.disclosure import accounting, disclosure, record_request
from service.store.types import Sealed
from service.vault.envelope import RowKey, SealedTable
from service.work import Json, Work

DISCLOSURE_ROW: Final = SealedTable("disclosure", ("package", "decision"))
ACCOUNTING_ROW: Final = SealedTable("accounting", ("particulars",))
REQUEST_ROW: Final = SealedTable("record_request", ("asked",))

_ADD = insert(disclosure)
_ONE = select(disclosure).where(disclosure.c.id == bindparam("id"))
_PAGE = (
    select(disclosure)
    .where(
        disclosure.c.patient_id == bindparam("patient_id"),
        or_(bindparam("before", type_=Uuid()).is_(None), disclosure.c.id < bindparam("before", type_=Uuid())),
    )
    .order_by(disclosure.c.id.desc())
    .limit(bindparam("at_most"))
)
_ADD_ACCOUNTING = insert(accounting)
_LISTED = (
    select(accounting)
    .where(
        accounting.c.patient_id == bindparam("patient_id"),
        accounting.c.disclosed_at >= bindparam("since"),
        accounting.c.disclosed_at < bindparam("until"),
    )
    .order_by(accounting.c.disclosed_at, accounting.c.id)
)
_LISTED_BY = {
    Rule.PART2: _LISTED.where(accounting.c.part2),
    Rule.HIPAA: _LISTED.where(accounting.c.hipaa),
}
_ADD_REQUEST = insert(record_request)
_ONE_REQUEST = select(record_request).where(record_request.c.id == bindparam("id"))


@dataclass(frozen=True, slots=True, repr=False)
class StoredDisclosure:
    """A disclosure as it was made."""

    id: UUID
    patient_id: UUID
    recipient_id: UUID
    consent_id: UUID | None
    evidence_id: UUID | None
    basis: str
    purpose: str
    channel: str
    disclosed_by: UUID
    disclosed_at: datetime
    package: Sealed
    decision: Sealed
    package_hash: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Listed:
    """One line of an accounting, opened."""

    disclosure_id: UUID
    disclosed_at: datetime
    particulars: dict[str, Any]


@dataclass(frozen=True, slots=True, repr=False)
class StoredRequest:
    """What came of a request; what was asked stays sealed."""

    id: UUID
    account_id: UUID
    outcome: str
    disclosure_id: UUID | None


def add(work: Work, made: StoredDisclosure) -> None:
    """A disclosure, under the unit's own entry."""
    work.db.execute(
        _ADD,
        {
            "id": made.id,
            "program_id": work.caller.program_id,
            "patient_id": made.patient_id,
            "recipient_id": made.recipient_id,
            "consent_id": made.consent_id,
            "evidence_id": made.evidence_id,
            "basis": made.basis,
            "purpose": made.purpose,
            "channel": made.channel,
            "disclosed_by": made.disclosed_by,
            "disclosed_at": made.disclosed_at,
            "package": made.package,
            "decision": made.decision,
            "package_hash": made.package_hash,
            "entry_id": work.entry_id,
        },
    )


def disclosure_key(work: Work, disclosure_id: UUID, patient_id: UUID) -> RowKey:
    """A disclosure never changes: its sealed columns are those of version 1."""
    return RowKey(work.caller.program_id, disclosure_id, 1, patient_id)


def find(work: Work, disclosure_id: UUID) -> StoredDisclosure | None:
    row = work.db.execute(_ONE, {"id": disclosure_id}).one_or_none()
    return None if row is None else _stored(row)


def page(work: Work, patient_id: UUID, *, before: UUID | None, at_most: int) -> list[StoredDisclosure]:
    """The patient's disclosures, newest first, from the one before `before`; nothing is opened."""
    parameters = {"patient_id": patient_id, "before": before, "at_most": at_most}
    return [_stored(row) for row in work.db.execute(_PAGE, parameters).all()]


def opened(work: Work, made: StoredDisclosure) -> tuple[dict[str, Any], dict[str, Any]]:
    """Package and decision, opened; raises IntegrityError when either is not what was sealed."""
    key = disclosure_key(work, made.id, made.patient_id)
    values: dict[str, Any] = work.open(
        DISCLOSURE_ROW, key, {"package": made.package, "decision": made.decision}
    )
    return values["package"], values["decision"]


def opened_decision(work: Work, made: StoredDisclosure) -> dict[str, Any]:
    """The decision alone: whoever reads it does not unseal the records with it."""
    key = disclosure_key(work, made.id, made.patient_id)
    values: dict[str, Any] = work.open(DISCLOSURE_ROW, key, {"decision": made.decision})
    return values["decision"]


def add_accounting(
    work: Work, row_id: UUID, made: StoredDisclosure, entered: Entered, particulars: Json
) -> None:
    """The line a disclosure has in the accountings it belongs to."""
    key = RowKey(work.caller.program_id, row_id, 1, made.patient_id)
    work.db.execute(
        _ADD_ACCOUNTING,
        {
            "id": row_id,
            "program_id": work.caller.program_id,
            "disclosure_id": made.id,
            "patient_id": made.patient_id,
            "part2": entered.part2,
            "hipaa": entered.hipaa,
            "disclosed_at": made.disclosed_at,
            "entry_id": work.entry_id,
            **work.seal(ACCOUNTING_ROW, key, {"particulars": particulars}),
        },
    )


def listed(work: Work, patient_id: UUID, rule: Rule, since: datetime, until: datetime) -> list[Listed]:
    """The lines of one accounting from `since` until before `until`, oldest first, opened."""
    rows = work.db.execute(_LISTED_BY[rule], {"patient_id": patient_id, "since": since, "until": until}).all()
    return [_line(work, row) for row in rows]


def add_request(
    work: Work,
    *,
    request_id: UUID,
    recipient_id: UUID,
    outcome: str,
    disclosure_id: UUID | None,
    asked: Json,
    entry_id: UUID,
) -> None:
    """What an outside requester asked, under the program's key: there may be no patient it is about."""
    key = RowKey(work.caller.program_id, request_id, 1, None)
    work.db.execute(
        _ADD_REQUEST,
        {
            "id": request_id,
            "program_id": work.caller.program_id,
            "account_id": work.caller.account_id,
            "recipient_id": recipient_id,
            "outcome": outcome,
            "disclosure_id": disclosure_id,
            "asked_at": work.now,
            "entry_id": entry_id,
            **work.seal(REQUEST_ROW, key, {"asked": asked}),
        },
    )


def find_request(work: Work, request_id: UUID) -> StoredRequest | None:
    row = work.db.execute(_ONE_REQUEST, {"id": request_id}).one_or_none()
    if row is None:
        return None
    return StoredRequest(row.id, row.account_id, row.outcome, row.disclosure_id)


def _line(work: Work, row: Row[Any]) -> Listed:
    key = RowKey(row.program_id, row.id, 1, row.patient_id)
    values: dict[str, Any] = work.open(ACCOUNTING_ROW, key, {"particulars": row.particulars})
    return Listed(row.disclosure_id, row.disclosed_at, values["particulars"])


def _stored(row: Row[Any]) -> StoredDisclosure:
    return StoredDisclosure(
        id=row.id,
        patient_id=row.patient_id,
        recipient_id=row.recipient_id,
        consent_id=row.consent_id,
        evidence_id=row.evidence_id,
        basis=row.basis,
        purpose=row.purpose,
        channel=row.channel,
        disclosed_by=row.disclosed_by,
        disclosed_at=row.disclosed_at,
        package=row.package,
        decision=row.decision,
        package_hash=bytes(row.package_hash),
    )
