"""The SQL of the packet's own rows: what people decided about an item, and signature events. Sealed columns stay so."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, Uuid, and_, bindparam, insert, or_, select, update

from service.store.tables.admission import form_signature, packet_item
from service.store.types import Sealed
from service.vault.envelope import RowKey, SealedTable

ITEM_ROW: Final = SealedTable("packet_item", ("particulars",))
SIGNATURE_ROW: Final = SealedTable("form_signature", ("particulars", "document"))


@dataclass(frozen=True, slots=True, repr=False)
class StoredDecision:
    """A packet_item row, sealed. `state` is where the decision left the item; the packet itself is worked out anew."""

    id: UUID
    program_id: UUID
    patient_id: UUID
    episode_id: UUID
    item: str
    instance: str
    state: str
    assignee_role: str
    assignee_id: UUID | None
    due_at: datetime | None
    last_nudge_at: datetime | None
    version: int
    particulars: Sealed
    changed_at: datetime

    @property
    def key(self) -> RowKey:
        return RowKey(self.program_id, self.id, self.version, self.patient_id)


@dataclass(frozen=True, slots=True, repr=False)
class StoredSignature:
    """A form_signature row, sealed; never changed but for being superseded."""

    id: UUID
    program_id: UUID
    patient_id: UUID
    episode_id: UUID | None
    form: str
    text_version: str
    language: str
    text_sha256: str
    outcome: str
    signed_at: datetime
    expires_on: date | None
    superseded_at: datetime | None
    version: int
    particulars: Sealed
    document: Sealed
    recorded_by: UUID

    @property
    def key(self) -> RowKey:
        return RowKey(self.program_id, self.id, self.version, self.patient_id)


_PATIENTS = bindparam("patients", expanding=True, type_=Uuid())
_OF_EPISODES = select(packet_item).where(
    packet_item.c.episode_id.in_(bindparam("episodes", expanding=True, type_=Uuid()))
)
_ONE = (
    select(packet_item)
    .where(
        packet_item.c.episode_id == bindparam("episode_id"),
        packet_item.c.item == bindparam("item"),
        packet_item.c.instance == bindparam("instance"),
    )
    .with_for_update()
)
_BY_ID = select(packet_item).where(packet_item.c.id == bindparam("id"))
_ADD = insert(packet_item)
_CHANGE = (
    update(packet_item)
    .where(packet_item.c.id == bindparam("the_id"))
    .values(
        state=bindparam("new_state"),
        assignee_role=bindparam("new_role"),
        assignee_id=bindparam("new_account"),
        due_at=bindparam("new_due_at"),
        last_nudge_at=bindparam("new_last_nudge_at"),
        version=bindparam("new_version"),
        particulars=bindparam("new_particulars"),
        changed_at=bindparam("new_changed_at"),
        entry_id=bindparam("entry"),
    )
)
_CURRENT = select(form_signature).where(
    form_signature.c.patient_id.in_(_PATIENTS), form_signature.c.superseded_at.is_(None)
)
_SIGNATURE = select(form_signature).where(form_signature.c.id == bindparam("id"))
_LAST = (
    select(form_signature)
    .where(
        form_signature.c.patient_id == bindparam("patient_id"),
        form_signature.c.form == bindparam("form"),
        form_signature.c.superseded_at.is_(None),
    )
    .order_by(form_signature.c.id.desc())
    .limit(1)
)
_PAGE = (
    select(form_signature)
    .where(
        form_signature.c.patient_id == bindparam("patient_id"),
        or_(
            bindparam("form", type_=form_signature.c.form.type).is_(None),
            form_signature.c.form == bindparam("form", type_=form_signature.c.form.type),
        ),
        or_(
            bindparam("before", type_=Uuid()).is_(None),
            form_signature.c.id < bindparam("before", type_=Uuid()),
        ),
    )
    .order_by(form_signature.c.id.desc())
    .limit(bindparam("at_most"))
)
_SIGN = insert(form_signature)
_SUPERSEDE = (
    update(form_signature)
    .where(
        and_(
            form_signature.c.patient_id == bindparam("the_patient"),
            form_signature.c.form == bindparam("the_form"),
            form_signature.c.superseded_at.is_(None),
        )
    )
    .values(superseded_at=bindparam("now"), entry_id=bindparam("entry"))
)


def decisions(db: Connection, episodes: Iterable[UUID]) -> Sequence[StoredDecision]:
    """What people decided about the items of these episodes: one statement, however many they are."""
    return [_decision(row) for row in db.execute(_OF_EPISODES, {"episodes": list(episodes)}).all()]


def decision(db: Connection, episode_id: UUID, item: str, instance: str) -> StoredDecision | None:
    """The row of one item, locked for a change."""
    found = db.execute(_ONE, {"episode_id": episode_id, "item": item, "instance": instance}).one_or_none()
    return None if found is None else _decision(found)


def decision_by_id(db: Connection, row_id: UUID) -> StoredDecision | None:
    found = db.execute(_BY_ID, {"id": row_id}).one_or_none()
    return None if found is None else _decision(found)


def insert_decision(db: Connection, one: StoredDecision, entry_id: UUID) -> None:
    db.execute(
        _ADD,
        {
            "id": one.id,
            "program_id": one.program_id,
            "patient_id": one.patient_id,
            "episode_id": one.episode_id,
            "item": one.item,
            "instance": one.instance,
            "state": one.state,
            "assignee_role": one.assignee_role,
            "assignee_id": one.assignee_id,
            "due_at": one.due_at,
            "last_nudge_at": one.last_nudge_at,
            "version": one.version,
            "particulars": one.particulars,
            "changed_at": one.changed_at,
            "entry_id": entry_id,
        },
    )


def replace_decision(db: Connection, one: StoredDecision, entry_id: UUID) -> None:
    db.execute(
        _CHANGE,
        {
            "the_id": one.id,
            "new_state": one.state,
            "new_role": one.assignee_role,
            "new_account": one.assignee_id,
            "new_due_at": one.due_at,
            "new_last_nudge_at": one.last_nudge_at,
            "new_version": one.version,
            "new_particulars": one.particulars,
            "new_changed_at": one.changed_at,
            "entry": entry_id,
        },
    )


def signatures(db: Connection, patients: Iterable[UUID]) -> Sequence[StoredSignature]:
    """The last signature event on every form of these patients: one statement."""
    return [_signature(row) for row in db.execute(_CURRENT, {"patients": list(patients)}).all()]


def signature_by_id(db: Connection, signature_id: UUID) -> StoredSignature | None:
    found = db.execute(_SIGNATURE, {"id": signature_id}).one_or_none()
    return None if found is None else _signature(found)


def last_signature(db: Connection, patient_id: UUID, form: str) -> StoredSignature | None:
    found = db.execute(_LAST, {"patient_id": patient_id, "form": form}).one_or_none()
    return None if found is None else _signature(found)


def signatures_page(
    db: Connection, patient_id: UUID, form: str | None, before: UUID | None, at_most: int
) -> Sequence[StoredSignature]:
    """Signature events of a patient, newest first, superseded ones too, from the one before `before`."""
    parameters = {"patient_id": patient_id, "form": form, "before": before, "at_most": at_most}
    return [_signature(row) for row in db.execute(_PAGE, parameters).all()]


def insert_signature(db: Connection, one: StoredSignature, entry_id: UUID) -> None:
    """A new event; the one before it, of this patient and form, is superseded from now on."""
    superseded = {"the_patient": one.patient_id, "the_form": one.form, "now": one.signed_at}
    db.execute(_SUPERSEDE, superseded | {"entry": entry_id})
    db.execute(
        _SIGN,
        {
            "id": one.id,
            "program_id": one.program_id,
            "patient_id": one.patient_id,
            "episode_id": one.episode_id,
            "form": one.form,
            "text_version": one.text_version,
            "language": one.language,
            "text_sha256": one.text_sha256,
            "outcome": one.outcome,
            "signed_at": one.signed_at,
            "expires_on": one.expires_on,
            "superseded_at": one.superseded_at,
            "version": one.version,
            "particulars": one.particulars,
            "document": one.document,
            "recorded_by": one.recorded_by,
            "entry_id": entry_id,
        },
    )


def _decision(row: Row[Any]) -> StoredDecision:
    return StoredDecision(
        id=row.id,
        program_id=row.program_id,
        patient_id=row.patient_id,
        episode_id=row.episode_id,
        item=row.item,
        instance=row.instance,
        state=row.state,
        assignee_role=row.assignee_role,
        assignee_id=row.assignee_id,
        due_at=row.due_at,
        last_nudge_at=row.last_nudge_at,
        version=row.version,
        particulars=row.particulars,
        changed_at=row.changed_at,
    )


def _signature(row: Row[Any]) -> StoredSignature:
    return StoredSignature(
        id=row.id,
        program_id=row.program_id,
        patient_id=row.patient_id,
        episode_id=row.episode_id,
        form=row.form,
        text_version=row.text_version,
        language=row.language,
        text_sha256=row.text_sha256,
        outcome=row.outcome,
        signed_at=row.signed_at,
        expires_on=row.expires_on,
        superseded_at=row.superseded_at,
        version=row.version,
        particulars=row.particulars,
        document=row.document,
        recorded_by=row.recorded_by,
    )
