"""What is newest, for operations above and for whoever comes back: the last result of each instrument, the open drafts.

A screening answer is never carried over into a new form: a patient who is shown last month's answers confirms last
month. So there is nothing here, or anywhere, that fills one in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from service.access.actions import Action
from service.access.facts import Facts
from service.intake import records
from service.intake.assessment import Assessment, AssessmentStatus, Source
from service.intake.kept import as_assessment
from service.intake.subject import decide_use, facts_about, source_of, subject_loader
from service.record import items
from service.record.item import ItemState
from service.record.records import settled_items
from service.work import Work

#: A draft nobody touched for longer is no longer offered; it stays in the list of assessments.
RESUMABLE_FOR: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True, repr=False)
class Draft:
    """A form somebody can go on with. What was answered is read with the form itself."""

    id: UUID
    instrument: str
    instrument_version: int
    version: int
    answered: int
    created_at: datetime
    changed_at: datetime
    until: datetime


def latest(work: Work, patient_id: UUID) -> Mapping[str, Assessment]:
    """The newest completed or amended assessment of each instrument, opened, only those this caller may use. Inside an
    act already allowed.
    """
    about = facts_about(work, patient_id)
    stages = {stage.item_id: stage for stage in records.latest_of(work.db, patient_id)}
    if not stages:
        return {}
    found: dict[str, Assessment] = {}
    for stored in settled_items(work.db, patient_id, stages):
        if decide_use(work, stored, about).permitted:
            stage = stages[stored.id]
            found[stage.instrument] = as_assessment(items.opened(work, stored), stage)
    return found


def newest(
    work: Work, patient_id: UUID, about: Facts, instrument: str | None, before: UUID | None, at_most: int
) -> tuple[Assessment, ...]:
    """The patient's assessments that this caller may use, newest first, from the one before `before`."""
    stages = records.stages_of(work.db, patient_id, instrument=instrument, before=before, at_most=at_most)
    finished = [stage.item_id for stage in stages if stage.status is not AssessmentStatus.DRAFT]
    found = {one.id: one for one in settled_items(work.db, patient_id, finished)} if finished else {}
    opened: list[Assessment] = []
    for stage in stages:
        stored = found.get(stage.item_id) or items.find(work, stage.item_id, lock=False)
        if stored is not None and decide_use(work, stored, about).permitted:
            opened.append(as_assessment(items.opened(work, stored), stage))
    return tuple(opened)


def drafts_of(work: Work, patient_id: UUID, *, at_most: int) -> tuple[Draft, ...]:
    """Drafts this caller can go on with, the last saved first: a patient their own, staff those of staff."""
    own = source_of(work) is Source.PATIENT
    action = Action.ASSESSMENT_READ if own else Action.ASSESSMENT_LIST
    about = work.authorised(action, subject_loader(patient_id))
    drafts: list[Draft] = []
    since = work.now - RESUMABLE_FOR
    for stage in records.drafts_of(work.db, patient_id, since=since, at_most=at_most):
        stored = items.find(work, stage.item_id, lock=False)
        if (
            stored is None
            or stored.state != ItemState.DRAFT.value
            or stage.status is not AssessmentStatus.DRAFT
        ):
            continue
        if not own and not decide_use(work, stored, about).permitted:
            continue
        one = as_assessment(items.opened(work, stored), stage)
        if one.content.source is source_of(work):
            drafts.append(_draft(one))
    work.record(
        action=action,
        object_kind="assessment",
        object_id=None,
        patient_id=patient_id,
        detail={"drafts": [str(one.id) for one in drafts]},
    )
    return tuple(drafts)


def _draft(one: Assessment) -> Draft:
    return Draft(
        id=one.id,
        instrument=one.content.instrument,
        instrument_version=one.content.instrument_version,
        version=one.version,
        answered=one.content.result["answered"],
        created_at=one.created_at,
        changed_at=one.changed_at,
        until=one.changed_at + RESUMABLE_FOR,
    )
