"""The SQL of break-glass grants and of reviews. What somebody wrote about them stays sealed here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, Text, Uuid, bindparam, insert, or_, select, update

from service.store.tables.emergency import emergency_grant, review
from service.store.types import Sealed
from service.vault.envelope import SealedTable

GRANT_ROW: Final = SealedTable("emergency_grant", ("particulars",))
REVIEW_ROW: Final = SealedTable("review", ("finding",))

#: How long a grant holds. Asked of every row too, so that one with a later end holds no longer.
LONGEST: Final = timedelta(minutes=60)

_ADD_GRANT = insert(emergency_grant)
_GRANT = select(emergency_grant).where(emergency_grant.c.id == bindparam("id"))
_GRANT_CHANGING = _GRANT.with_for_update()
_GRANT_IN_FORCE = (
    select(emergency_grant)
    .where(
        emergency_grant.c.patient_id == bindparam("patient_id"),
        emergency_grant.c.account_id == bindparam("account_id"),
        emergency_grant.c.starts_at <= bindparam("at"),
        emergency_grant.c.starts_at > bindparam("since"),
        emergency_grant.c.ends_at > bindparam("at"),
    )
    .order_by(emergency_grant.c.id.desc())
    .limit(1)
    .with_for_update(read=True)
)
_END_GRANT = (
    update(emergency_grant)
    .where(emergency_grant.c.id == bindparam("the_id"))
    .values(ends_at=bindparam("new_end"), entry_id=bindparam("entry"))
)
_ADD_REVIEW = insert(review)
_REVIEW = select(review).where(review.c.id == bindparam("id"))
_REVIEW_CHANGING = _REVIEW.with_for_update()
_REVIEWS = (
    select(review)
    .where(
        or_(bindparam("state", type_=Text()).is_(None), review.c.state == bindparam("state", type_=Text())),
        or_(bindparam("after", type_=Uuid()).is_(None), review.c.id > bindparam("after", type_=Uuid())),
    )
    .order_by(review.c.id)
    .limit(bindparam("at_most"))
)
_WAITING = (
    select(review.c.id)
    .where(
        review.c.subject_id == bindparam("subject_id"),
        review.c.kind == bindparam("kind"),
        review.c.state == "open",
    )
    .limit(1)
)
_CLOSE_REVIEW = (
    update(review)
    .where(review.c.id == bindparam("the_id"))
    .values(
        state=bindparam("new_state"),
        closed_at=bindparam("now"),
        closed_by=bindparam("reviewer"),
        finding=bindparam("new_finding"),
        entry_id=bindparam("entry"),
    )
)


@dataclass(frozen=True, slots=True, repr=False)
class StoredGrant:
    """A grant to one member of staff for one patient; why is sealed under the patient's key."""

    id: UUID
    program_id: UUID
    patient_id: UUID
    account_id: UUID
    starts_at: datetime
    ends_at: datetime
    particulars: Sealed


@dataclass(frozen=True, slots=True, repr=False)
class StoredReview:
    """A review row; `account_id` is whose act it is about, `subject_id` the thing it is about."""

    id: UUID
    program_id: UUID
    kind: str
    patient_id: UUID | None
    subject_id: UUID
    account_id: UUID | None
    state: str
    opened_at: datetime
    closed_at: datetime | None = None
    closed_by: UUID | None = None
    finding: Sealed | None = None


def insert_grant(db: Connection, stored: StoredGrant, entry_id: UUID) -> None:
    db.execute(
        _ADD_GRANT,
        {
            "id": stored.id,
            "program_id": stored.program_id,
            "patient_id": stored.patient_id,
            "account_id": stored.account_id,
            "starts_at": stored.starts_at,
            "ends_at": stored.ends_at,
            "particulars": stored.particulars,
            "entry_id": entry_id,
        },
    )


def grant_by_id(db: Connection, grant_id: UUID) -> StoredGrant | None:
    return _grant(db.execute(_GRANT, {"id": grant_id}).one_or_none())


def grant_for_update(db: Connection, grant_id: UUID) -> StoredGrant | None:
    return _grant(db.execute(_GRANT_CHANGING, {"id": grant_id}).one_or_none())


def grant_in_force(db: Connection, patient_id: UUID, account_id: UUID, at: datetime) -> StoredGrant | None:
    """The newest grant this account holds for this patient at an instant, locked against ending. Its last instant is
    not part of it.
    """
    parameters = {"patient_id": patient_id, "account_id": account_id, "at": at, "since": at - LONGEST}
    return _grant(db.execute(_GRANT_IN_FORCE, parameters).one_or_none())


def end_grant(db: Connection, grant_id: UUID, at: datetime, entry_id: UUID) -> None:
    db.execute(_END_GRANT, {"the_id": grant_id, "new_end": at, "entry": entry_id})


def insert_review(db: Connection, stored: StoredReview, entry_id: UUID) -> None:
    db.execute(
        _ADD_REVIEW,
        {
            "id": stored.id,
            "program_id": stored.program_id,
            "kind": stored.kind,
            "patient_id": stored.patient_id,
            "subject_id": stored.subject_id,
            "account_id": stored.account_id,
            "state": stored.state,
            "opened_at": stored.opened_at,
            "entry_id": entry_id,
        },
    )


def review_by_id(db: Connection, review_id: UUID) -> StoredReview | None:
    return _review(db.execute(_REVIEW, {"id": review_id}).one_or_none())


def review_for_update(db: Connection, review_id: UUID) -> StoredReview | None:
    return _review(db.execute(_REVIEW_CHANGING, {"id": review_id}).one_or_none())


def reviews(db: Connection, state: str | None, after: UUID | None, at_most: int) -> Sequence[StoredReview]:
    """Reviews in the order they were opened, all or those in one state."""
    rows = db.execute(_REVIEWS, {"state": state, "after": after, "at_most": at_most}).all()
    return [one for row in rows if (one := _review(row)) is not None]


def review_waits(db: Connection, kind: str, subject_id: UUID) -> bool:
    """Whether a review of this kind about this thing is open."""
    return db.execute(_WAITING, {"kind": kind, "subject_id": subject_id}).first() is not None


def close_review(db: Connection, closed: StoredReview, entry_id: UUID) -> None:
    db.execute(
        _CLOSE_REVIEW,
        {
            "the_id": closed.id,
            "new_state": closed.state,
            "now": closed.closed_at,
            "reviewer": closed.closed_by,
            "new_finding": closed.finding,
            "entry": entry_id,
        },
    )


def _grant(row: Row[Any] | None) -> StoredGrant | None:
    if row is None:
        return None
    return StoredGrant(
        id=row.id,
        program_id=row.program_id,
        patient_id=row.patient_id,
        account_id=row.account_id,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        particulars=row.particulars,
    )


def _review(row: Row[Any] | None) -> StoredReview | None:
    if row is None:
        return None
    return StoredReview(
        id=row.id,
        program_id=row.program_id,
        kind=row.kind,
        patient_id=row.patient_id,
        subject_id=row.subject_id,
        account_id=row.account_id,
        state=row.state,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        finding=row.finding,
    )
