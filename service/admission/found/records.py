"""The SQL of what others keep, as far as a packet asks: kinds, states and times. Every statement takes a list of
patients, so that a work list of fifty costs as many statements as a packet of one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    Uuid,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    tuple_,
)

from service.admission.placement.records import StoredPlacement
from service.intake.safety.records import StoredFlag, flag_of_row
from service.people.episodes.records import StoredEpisode, episode_of_row
from service.store.tables.admission import care_plan, packet_item, placement, visit
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
#: A flag somebody took waits like one nobody took.
_WAITING: Final = ("open", "taken")

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
# what a list of everybody is sorted by: an open flag, the sooner the earlier; then those not admitted yet, longest first
_NEVER: Final = datetime(9000, 1, 1, tzinfo=UTC)
_FLAG_DUE = (
    select(func.min(safety_flag.c.due_at))
    .where(safety_flag.c.patient_id == episode.c.patient_id, safety_flag.c.state.in_(_WAITING))
    .scalar_subquery()
)
_RANK = (
    func.coalesce(_FLAG_DUE, literal(_NEVER)),
    case((episode.c.state == "referred", 0), else_=1),
    episode.c.opened_on,
    episode.c.id,
)
_AFTER = select(*_RANK).where(episode.c.id == bindparam("after_id", type_=Uuid())).subquery()
_OPEN = (
    select(episode)
    .where(episode.c.program_id == bindparam("program_id"), episode.c.ended_on.is_(None))
    .order_by(*_RANK)
    .limit(bindparam("at_most"))
)
#: The row beside an episode's items that says how far its reminders have gone, and when to look again.
LADDER: Final = "reminders"
_LADDER = (
    select(packet_item.c.due_at)
    .where(packet_item.c.episode_id == episode.c.id, packet_item.c.item == LADDER)
    .scalar_subquery()
)
_TO_REMIND = (
    select(episode)
    .where(
        episode.c.program_id == bindparam("program_id"),
        episode.c.ended_on.is_(None),
        exists().where(
            message.c.patient_id == episode.c.patient_id,
            message.c.kind == "packet_link",
            message.c.state != "cancelled",
            message.c.created_at <= bindparam("sent_before"),
        ),
        or_(_LADDER.is_(None), bindparam("now") >= _LADDER),
    )
    .order_by(_LADDER.asc().nulls_first(), episode.c.id)
    .limit(bindparam("at_most"))
)
_TO_REVIEW = (
    select(episode)
    .join(care_plan, care_plan.c.episode_id == episode.c.id)
    .where(
        episode.c.program_id == bindparam("program_id"),
        episode.c.ended_on.is_(None),
        care_plan.c.status == "active",
        care_plan.c.review_on <= bindparam("today"),
        exists().where(placement.c.episode_id == episode.c.id, placement.c.state == "signed"),
    )
    .order_by(care_plan.c.review_on.desc(), episode.c.id)
    .limit(bindparam("at_most"))
)
_OPEN_AFTER = _OPEN.where(tuple_(*_RANK) > select(*_AFTER.c).scalar_subquery())


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
    rows = db.execute(_PLACEMENTS, {"episodes": list(episodes)}).all()
    return [
        StoredPlacement(
            item_id=row.item_id,
            program_id=row.program_id,
            patient_id=row.patient_id,
            episode_id=row.episode_id,
            state=row.state,
            rule_set=row.rule_set,
            overridden=row.overridden,
            version=row.version,
            basis=row.basis,
            decided_at=row.decided_at,
            decided_by=row.decided_by,
            second_at=row.second_at,
            second_by=row.second_by,
        )
        for row in rows
    ]


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
    return _episodes(db, _EPISODE_ROWS, {"episodes": list(ids)})


def open_episodes(
    db: Connection, program_id: UUID, after: UUID | None, at_most: int
) -> Sequence[StoredEpisode]:
    """Open episodes of the program, an open safety flag first, from the one after `after`."""
    parameters: dict[str, Any] = {"program_id": program_id, "at_most": at_most}
    if after is None:
        return _episodes(db, _OPEN, parameters)
    return _episodes(db, _OPEN_AFTER, parameters | {"after_id": after})


def to_be_reminded(
    db: Connection, program_id: UUID, *, now: datetime, sent_before: datetime, at_most: int
) -> Sequence[StoredEpisode]:
    """Open episodes of patients to whom a link went long enough ago, those looked at longest ago first."""
    parameters = {"program_id": program_id, "now": now, "sent_before": sent_before, "at_most": at_most}
    return _episodes(db, _TO_REMIND, parameters)


def to_be_reviewed(db: Connection, program_id: UUID, today: date, at_most: int) -> Sequence[StoredEpisode]:
    """Open episodes with a placement in force whose care plan is due for review, those due last first."""
    return _episodes(db, _TO_REVIEW, {"program_id": program_id, "today": today, "at_most": at_most})


def related(db: Connection, account_id: UUID, patients: Iterable[UUID], today: date) -> frozenset[UUID]:
    """Which of these patients this member of staff works with today."""
    parameters = {"account_id": account_id, "patients": list(patients), "today": today}
    return frozenset(row.patient_id for row in db.execute(_RELATED, parameters).all())


def _episodes(db: Connection, statement: Select[Any], parameters: dict[str, Any]) -> Sequence[StoredEpisode]:
    return [episode_of_row(row) for row in db.execute(statement, parameters).all()]
