"""The SQL of destructions: the requests, and what there is about a patient in numbers and days. What is taken away
beside the keys has its own (`wiping/records.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Date, Row, Uuid, bindparam, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from service.custody.shredding.destruction import ShreddingState
from service.people.records import DESTROYED
from service.store.rowcodes import change_row, coded, verified
from service.store.standing import newest_version, refuse_older
from service.store.tables.admission import form_signature
from service.store.tables.consent import consent
from service.store.tables.custody import shredding
from service.store.tables.disclosure import disclosure
from service.store.tables.emergency import review
from service.store.tables.intake import safety_flag
from service.store.tables.people import patient
from service.store.tables.people_care import episode, patient_merge
from service.store.tables.record import attachment, record_item
from service.store.tables.rights import restriction
from service.store.types import Sealed
from service.vault.envelope import RowKey, SealedTable

SHREDDING_ROW: Final = SealedTable("shredding", ("request",))

_ADD = (
    insert(shredding)
    .on_conflict_do_nothing(
        index_elements=["patient_id"], index_where=shredding.c.state != ShreddingState.DECLINED.value
    )
    .returning(shredding.c.id)
)
#: A request, and the newest version of it that the trail knows.
_KNOWN = select(shredding, newest_version(shredding.c.id).label("newest"))
_ONE = _KNOWN.where(shredding.c.id == bindparam("id"))
_ONE_CHANGING = _ONE.with_for_update(of=shredding)
_UNFINISHED = _KNOWN.where(
    shredding.c.program_id == bindparam("program_id"),
    shredding.c.state == ShreddingState.DESTROYED.value,
).order_by(shredding.c.id)
_MARK_DESTROYED = (
    update(patient)
    .where(patient.c.id == bindparam("the_id"))
    .values(state=DESTROYED, changed_at=bindparam("now"), entry_id=bindparam("entry"))
)

_WHO: Final = bindparam("patient_id", type_=Uuid())
_TODAY: Final = bindparam("today", type_=Date())


def _latest(column: Any, of: Any) -> Any:
    return select(func.max(column)).where(of == _WHO).scalar_subquery()


def _how_many(table: Any, *where: Any) -> Any:
    return select(func.count()).select_from(table).where(table.c.patient_id == _WHO, *where).scalar_subquery()


#: An active consent may still be relied on: its period has not begun.
_STILL_ACTIVE = (
    consent.c.state == "active",
    or_(consent.c.expires_on.is_(None), consent.c.expires_on >= _TODAY),
)
_FACTS = select(
    func.greatest(
        _latest(record_item.c.changed_at, record_item.c.patient_id),
        _latest(attachment.c.added_at, attachment.c.patient_id),
        _latest(form_signature.c.signed_at, form_signature.c.patient_id),
        _latest(safety_flag.c.raised_at, safety_flag.c.patient_id),
        _latest(safety_flag.c.acknowledged_at, safety_flag.c.patient_id),
        _latest(episode.c.changed_at, episode.c.patient_id),
        _latest(patient.c.changed_at, patient.c.id),
    ).label("last_entry"),
    _latest(func.coalesce(consent.c.ended_at, consent.c.changed_at), consent.c.patient_id).label(
        "consent_ended"
    ),
    _latest(consent.c.expires_on, consent.c.patient_id).label("consent_expired"),
    _how_many(consent, *_STILL_ACTIVE).label("consents_active"),
    _latest(disclosure.c.disclosed_at, disclosure.c.patient_id).label("last_disclosure"),
    _latest(restriction.c.changed_at, restriction.c.patient_id).label("last_restriction"),
    _how_many(restriction, restriction.c.state == "requested").label("open_requests"),
    _how_many(episode, episode.c.state.in_(("referred", "admitted", "stepped_down"))).label("open_episodes"),
    _how_many(safety_flag, safety_flag.c.state != "acknowledged").label("open_flags"),
    _how_many(review, review.c.state == "open").label("open_reviews"),
    select(func.count())
    .select_from(patient_merge)
    .where(
        patient_merge.c.state == "merged",
        or_(patient_merge.c.patient_id == _WHO, patient_merge.c.merged_id == _WHO),
    )
    .scalar_subquery()
    .label("merges"),
)


@dataclass(frozen=True, slots=True, repr=False)
class StoredShredding:
    """A request row, sealed. `epochs`: hex ids of the key-encryption keys to be ended."""

    id: UUID
    program_id: UUID
    patient_id: UUID
    state: ShreddingState
    basis: str
    asked_by: UUID
    asked_at: datetime
    version: int
    request: Sealed
    decided_by: UUID | None = None
    decided_at: datetime | None = None
    finished_at: datetime | None = None
    epochs: tuple[str, ...] = ()
    receipt: str | None = None
    note: str | None = None

    @property
    def key(self) -> RowKey:
        """Under the program's key: why a record was destroyed outlives it."""
        return RowKey(self.program_id, self.id, self.version, None)


@dataclass(frozen=True, slots=True)
class Known:
    """What the clear columns say about a patient: instants of last acts, days, and numbers of what is open."""

    last_entry: datetime | None
    consent_ended: datetime | None
    consent_expired: date | None
    consents_active: int
    last_disclosure: datetime | None
    last_restriction: datetime | None
    open_requests: int
    open_episodes: int
    open_flags: int
    open_reviews: int
    merges: int


def known(db: Connection, patient_id: UUID, today: date) -> Known:
    return Known(*db.execute(_FACTS, {"patient_id": patient_id, "today": today}).one())


def add_shredding(db: Connection, stored: StoredShredding, entry_id: UUID) -> bool:
    """False when one was asked for before and not declined."""
    values = {
        "id": stored.id,
        "program_id": stored.program_id,
        "patient_id": stored.patient_id,
        "state": stored.state.value,
        "basis": stored.basis,
        "asked_by": stored.asked_by,
        "asked_at": stored.asked_at,
        "version": stored.version,
        "request": stored.request,
        "entry_id": entry_id,
    }
    added = db.execute(_ADD, coded(db, shredding, values))
    return added.one_or_none() is not None


def change_shredding(db: Connection, new: StoredShredding, entry_id: UUID) -> None:
    """Put `new` in the place of the row, which is locked."""
    changes = {
        "state": new.state.value,
        "decided_by": new.decided_by,
        "decided_at": new.decided_at,
        "finished_at": new.finished_at,
        "epochs": " ".join(new.epochs) or None,
        "receipt": new.receipt,
        "note": new.note,
        "version": new.version,
        "request": new.request,
        "entry_id": entry_id,
    }
    change_row(db, shredding, {"id": new.id}, changes)


def shredding_by_id(db: Connection, shredding_id: UUID) -> StoredShredding | None:
    return _stored(db, db.execute(_ONE, {"id": shredding_id}).one_or_none())


def shredding_for_update(db: Connection, shredding_id: UUID) -> StoredShredding | None:
    return _stored(db, db.execute(_ONE_CHANGING, {"id": shredding_id}).one_or_none())


def unfinished(db: Connection, program_id: UUID) -> Sequence[StoredShredding]:
    """Records destroyed here whose wrapped keys an older copy of the database would still hold."""
    found = db.execute(_UNFINISHED, {"program_id": program_id})
    return [one for row in found if (one := _stored(db, row)) is not None]


def mark_patient_destroyed(db: Connection, patient_id: UUID, now: datetime, entry_id: UUID) -> None:
    db.execute(_MARK_DESTROYED, {"the_id": patient_id, "now": now, "entry": entry_id})


def _stored(db: Connection, row: Row[Any] | None) -> StoredShredding | None:
    if row is None:
        return None
    verified(db, shredding, row)
    refuse_older(row.version, row.newest)
    return StoredShredding(
        id=row.id,
        program_id=row.program_id,
        patient_id=row.patient_id,
        state=ShreddingState(row.state),
        basis=row.basis,
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        version=row.version,
        request=row.request,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        finished_at=row.finished_at,
        epochs=tuple((row.epochs or "").split()),
        receipt=row.receipt,
        note=row.note,
    )
