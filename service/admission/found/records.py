"""The SQL of what others keep, as far as a packet asks: kinds, states and times. Every statement takes a list of
patients, so that a work list of fifty costs as many statements as a packet of one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    String,
    Uuid,
    and_,
    bindparam,
    case,
    exists,
    func,
    not_,
    or_,
    select,
)

from service.admission.placement.records import StoredPlacement, placement_of_row
from service.intake.safety.records import StoredFlag, flag_of_row
from service.people.episodes.records import StoredEpisode, episode_of_row
from service.store.tables.admission import care_plan, placement, visit
from service.store.tables.consent import consent, consent_recipient
from service.store.tables.delivery import message
from service.store.tables.intake import assessment, intake_entry, safety_flag
from service.store.tables.ledger import audit_entry
from service.store.tables.people import patient, recipient, relationship
from service.store.tables.people_care import episode, episode_step
from service.store.tables.record import attachment, record_item, record_item_version
from service.store.types import Sealed

T = TypeVar("T")
_PATIENTS = bindparam("patients", expanding=True, type_=Uuid())
_EPISODES = bindparam("episodes", expanding=True, type_=Uuid())

_CONSENTS = (
    select(
        consent.c.id,
        consent.c.patient_id,
        consent.c.kind,
        consent.c.state,
        consent.c.text_version,
        consent.c.created_at,
        consent.c.activated_at,
        consent.c.ended_at,
        consent.c.expires_on,
        func.array_agg(recipient.c.kind).label("recipients"),
    )
    .outerjoin(
        consent_recipient,
        and_(consent_recipient.c.consent_id == consent.c.id, consent_recipient.c.state == "named"),
    )
    .outerjoin(recipient, recipient.c.id == consent_recipient.c.recipient_id)
    .where(consent.c.patient_id.in_(_PATIENTS))
    .group_by(consent.c.id)
)
_ASSESSMENTS = (
    select(
        assessment.c.patient_id,
        assessment.c.instrument,
        assessment.c.completed_at,
        record_item.c.created_at,
    )
    .join(record_item, record_item.c.id == assessment.c.item_id)
    .where(assessment.c.patient_id.in_(_PATIENTS), record_item.c.state != "entered_in_error")
)
#: What changes who may see an item and nothing of what it says.
_LABELLING: Final = ("label.raise", "label.lower")


def _labelling(entry_id: ColumnElement[Any]) -> ColumnElement[bool]:
    return exists().where(audit_entry.c.id == entry_id, audit_entry.c.action.in_(_LABELLING))


#: Since when the item says what it says: a label raised today makes no old answer a fresh one.
_SAID_AT: Final = case(
    (
        _labelling(record_item.c.entry_id),
        func.coalesce(
            select(func.max(record_item_version.c.replaced_at))
            .where(
                record_item_version.c.item_id == record_item.c.id,
                not_(_labelling(record_item_version.c.entry_id)),
            )
            .correlate(record_item)
            .scalar_subquery(),
            record_item.c.created_at,
        ),
    ),
    else_=record_item.c.changed_at,
).label("said_at")
_SECTIONS = (
    select(
        intake_entry.c.patient_id,
        intake_entry.c.section,
        intake_entry.c.state,
        record_item.c.created_at,
        _SAID_AT,
    )
    .join(record_item, record_item.c.id == intake_entry.c.item_id)
    .where(intake_entry.c.patient_id.in_(_PATIENTS), intake_entry.c.state != "removed")
)
_ITEMS = select(record_item.c.patient_id, record_item.c.kind, record_item.c.state, _SAID_AT).where(
    record_item.c.patient_id.in_(_PATIENTS),
    record_item.c.state.in_(("final", "amended")),
    record_item.c.kind.in_(bindparam("kinds", expanding=True, type_=String())),
)
_ATTACHMENTS = select(
    attachment.c.patient_id, attachment.c.kind, attachment.c.state, attachment.c.added_at
).where(attachment.c.patient_id.in_(_PATIENTS), attachment.c.state == "kept")
_PLACEMENTS = select(placement).where(placement.c.episode_id.in_(_EPISODES))
_PLANS = (
    select(care_plan.c.episode_id, care_plan.c.status, _SAID_AT)
    .join(record_item, record_item.c.id == care_plan.c.item_id)
    .where(care_plan.c.episode_id.in_(_EPISODES))
)
_VISITS = (
    select(visit.c.episode_id, visit.c.held_on)
    .join(record_item, record_item.c.id == visit.c.item_id)
    .where(
        visit.c.episode_id.in_(_EPISODES),
        visit.c.outcome == "attended",
        record_item.c.state != "entered_in_error",
    )
)
_SENT = select(message.c.patient_id, message.c.created_at, message.c.kind).where(
    message.c.patient_id.in_(_PATIENTS), message.c.kind == "packet_link", message.c.state != "cancelled"
)
_STEPS = select(episode_step.c.episode_id, episode_step.c.kind, episode_step.c.occurred_on).where(
    episode_step.c.episode_id.in_(_EPISODES), episode_step.c.kind.in_(("step_down", "transfer"))
)
_FLAGS = select(safety_flag).where(safety_flag.c.patient_id.in_(_PATIENTS)).order_by(safety_flag.c.id)
_PATIENT_ROWS = select(patient).where(patient.c.id.in_(_PATIENTS))
_EPISODE_ROWS = select(episode).where(episode.c.id.in_(_EPISODES))
_RELATED = select(relationship.c.patient_id).where(
    relationship.c.patient_id.in_(_PATIENTS),
    relationship.c.kind == "staff",
    relationship.c.account_id == bindparam("account_id"),
    relationship.c.starts_on <= bindparam("today"),
    or_(relationship.c.ends_on.is_(None), relationship.c.ends_on >= bindparam("today")),
)


@dataclass(frozen=True, slots=True)
class Found:
    """One row of another concept, by what the packet asks of it."""

    owner: UUID
    kind: str
    state: str
    at: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class FoundConsent:
    id: UUID
    patient_id: UUID
    kind: str
    state: str
    text_version: str | None
    created_at: datetime
    activated_at: datetime | None
    ended_at: datetime | None
    expires_on: date | None
    recipients: frozenset[str]


@dataclass(frozen=True, slots=True, repr=False)
class FoundPatient:
    id: UUID
    program_id: UUID
    version: int
    demographics: Sealed
    created_at: datetime
    changed_at: datetime


def consents(db: Connection, patients: Iterable[UUID]) -> Sequence[FoundConsent]:
    rows = db.execute(_CONSENTS, {"patients": list(patients)}).all()
    return [
        FoundConsent(
            id=row.id,
            patient_id=row.patient_id,
            kind=row.kind,
            state=row.state,
            text_version=row.text_version,
            created_at=row.created_at,
            activated_at=row.activated_at,
            ended_at=row.ended_at,
            expires_on=row.expires_on,
            recipients=frozenset(kind for kind in row.recipients if kind is not None),
        )
        for row in rows
    ]


def assessments(db: Connection, patients: Iterable[UUID]) -> Sequence[Found]:
    rows = db.execute(_ASSESSMENTS, {"patients": list(patients)}).all()
    return [Found(row.patient_id, row.instrument, "", row.created_at, row.completed_at) for row in rows]


def sections(db: Connection, patients: Iterable[UUID]) -> Sequence[Found]:
    rows = db.execute(_SECTIONS, {"patients": list(patients)}).all()
    return [Found(row.patient_id, row.section, row.state, row.created_at, row.said_at) for row in rows]


def items(db: Connection, patients: Iterable[UUID], kinds: Iterable[str]) -> Sequence[Found]:
    rows = db.execute(_ITEMS, {"patients": list(patients), "kinds": sorted(kinds)}).all()
    return [Found(row.patient_id, row.kind, row.state, row.said_at) for row in rows]


def attachments(db: Connection, patients: Iterable[UUID]) -> Sequence[Found]:
    rows = db.execute(_ATTACHMENTS, {"patients": list(patients)}).all()
    return [Found(row.patient_id, row.kind, row.state, row.added_at) for row in rows]


def placements(db: Connection, episodes: Iterable[UUID]) -> Sequence[StoredPlacement]:
    """Decisions on the level of care in any state, still sealed: how long one holds is said inside."""
    return [placement_of_row(row) for row in db.execute(_PLACEMENTS, {"episodes": list(episodes)}).all()]


def plans(db: Connection, episodes: Iterable[UUID]) -> Sequence[Found]:
    rows = db.execute(_PLANS, {"episodes": list(episodes)}).all()
    return [Found(row.episode_id, "plan", row.status, row.said_at) for row in rows]


def visits(db: Connection, episodes: Iterable[UUID]) -> Sequence[tuple[UUID, date]]:
    return [(row.episode_id, row.held_on) for row in db.execute(_VISITS, {"episodes": list(episodes)}).all()]


def sent(db: Connection, patients: Iterable[UUID]) -> Sequence[Found]:
    rows = db.execute(_SENT, {"patients": list(patients)}).all()
    return [Found(row.patient_id, row.kind, "", row.created_at) for row in rows]


def level_changes(db: Connection, episodes: Iterable[UUID]) -> Sequence[tuple[UUID, date]]:
    return [
        (row.episode_id, row.occurred_on) for row in db.execute(_STEPS, {"episodes": list(episodes)}).all()
    ]


def flags(db: Connection, patients: Iterable[UUID]) -> Sequence[StoredFlag]:
    """Safety flags in any state, oldest first, still sealed."""
    return [flag_of_row(row) for row in db.execute(_FLAGS, {"patients": list(patients)}).all()]


def patients(db: Connection, ids: Iterable[UUID]) -> Sequence[FoundPatient]:
    rows = db.execute(_PATIENT_ROWS, {"patients": list(ids)}).all()
    return [
        FoundPatient(row.id, row.program_id, row.version, row.demographics, row.created_at, row.changed_at)
        for row in rows
    ]


def episodes(db: Connection, ids: Iterable[UUID]) -> Sequence[StoredEpisode]:
    return [episode_of_row(row) for row in db.execute(_EPISODE_ROWS, {"episodes": list(ids)}).all()]


def related(db: Connection, account_id: UUID, patients: Iterable[UUID], today: date) -> frozenset[UUID]:
    """Which of these patients this member of staff works with today."""
    parameters = {"account_id": account_id, "patients": list(patients), "today": today}
    return frozenset(row.patient_id for row in db.execute(_RELATED, parameters).all())
