"""An assessment as it is kept: a record item with its stage beside it, loaded, written and shown.

For the operations of this folder, inside an act they have had authorised. One place knows that the item's
state and the assessment's status move together, and that a form that is not accepted leaves nothing behind
but its flags.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from service.access.actions import Action
from service.access.decision import Decision
from service.access.facts import Facts
from service.access.program import Unit
from service.errors import Code, Conflict, ConsentryError, FieldError, Invalid, Stale
from service.intake import records
from service.intake.assessment import (
    Assessment,
    AssessmentStatus,
    Content,
    Json,
    after,
    fault_of,
    result_to_json,
)
from service.intake.instrument import Catalogue, Instrument
from service.intake.raised import raise_flags
from service.intake.records import Stage
from service.intake.scoring import Result, score
from service.intake.subject import decide_use, facts_about, refuse_use
from service.record import items
from service.record.item import Item, ItemState, Kind, NewItem
from service.record.records import StoredItem, settled_items
from service.work import Loaded, Work

_ITEM_STATE: Mapping[AssessmentStatus, ItemState] = {
    AssessmentStatus.DRAFT: ItemState.DRAFT,
    AssessmentStatus.COMPLETED: ItemState.FINAL,
    AssessmentStatus.AMENDED: ItemState.AMENDED,
}
_STATUS = {state: status for status, state in _ITEM_STATE.items()}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Form:
    """Answers as they arrived, untyped, and what came with them. `context` None: as it was. `total` is the
    sum the client believes in.
    """

    answers: Mapping[str, Any]
    context: Mapping[str, Json] | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class NewAssessment:
    """A form for a patient. `unit` None: the caller's own. `version` None: the current one of the
    instrument.
    """

    patient_id: UUID
    instrument: str
    version: int | None
    completed: bool
    form: Form
    unit: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Kept:
    """One assessment as loaded: where it stands, its sealed item, and the item opened."""

    stage: Stage
    stored: StoredItem
    now: Assessment
    use: Decision


def load(work: Work, action: Action, assessment_id: UUID, expected: int | None) -> Kept:
    """The assessment, if this caller may do this to it; locked for a change when the act is one.

    Raises Denied (to be recorded), or Stale when it is no longer at version `expected`.
    """
    lock = action is not Action.ASSESSMENT_READ
    stage, stored, about = work.authorised(action, _loader(assessment_id, lock=lock))
    use = decide_use(work, stored, about)
    if not use.permitted:
        refuse_use(work, action, stored, use)
    if expected is not None and expected != stored.version:
        raise Stale(Code.VERSION_STALE, "This assessment has changed since you read it.")
    return Kept(stage, stored, as_assessment(items.opened(work, stored), stage), use)


def _loader(
    assessment_id: UUID, *, lock: bool
) -> Callable[[Work], Loaded[tuple[Stage, StoredItem, Facts]] | None]:
    def find(work: Work) -> Loaded[tuple[Stage, StoredItem, Facts]] | None:
        find_stage = records.stage_for_update if lock else records.find_stage
        stage = find_stage(work.db, assessment_id)
        stored = items.find(work, assessment_id, lock=lock)
        if stage is None or stored is None:
            return None
        about = facts_about(work, stored.patient_id)
        facts = replace(
            about,
            unit_assigned=stored.unit in work.caller.units,
            author_is_caller=stored.author_id == work.caller.account_id,
            kind=stored.kind,
            note_class=stored.note_class,
            state=stage.status.value,
        )
        return Loaded((stage, stored, about), facts, "assessment", stored.id, stored.patient_id)

    return find


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


def add(
    work: Work,
    action: Action,
    assessment_id: UUID,
    unit: Unit,
    instrument: Instrument,
    command: NewAssessment,
    result: Result,
) -> Assessment:
    status = after(action, None)
    if status is None:
        raise _wrong_status(action)
    item = items.add(
        work,
        NewItem(
            id=assessment_id,
            patient_id=command.patient_id,
            kind=Kind.ASSESSMENT,
            unit=unit.key,
            labels=result.labels,
            state=_ITEM_STATE[status],
            content=_content(instrument, command.form, command.form.context or {}, result, None).to_json(),
        ),
    )
    stage = Stage(
        item_id=item.id,
        patient_id=item.patient_id,
        instrument=instrument.key,
        instrument_version=instrument.version,
        status=status,
        completed_at=None if status is AssessmentStatus.DRAFT else work.now,
    )
    records.add_stage(work.db, stage, work.caller.program_id, work.entry_id)
    return shown(work, action, as_assessment(item, stage), None, written=True)


def write(
    work: Work, catalogue: Catalogue, action: Action, kept: Kept, form: Form, *, reason: str | None = None
) -> Assessment | None:
    """Score and keep a changed form, or refuse it and keep only its flags."""
    before, status = kept.now, after(action, kept.now.status)
    if status is None:
        raise _wrong_status(action)
    instrument = rules_of(catalogue, before)
    result = score(instrument, form.answers)
    completing = status is not AssessmentStatus.DRAFT
    fault = fault_of(result, completing=completing, claimed_total=form.total)
    now = None
    if fault is None:
        context = before.content.context if form.context is None else form.context
        content = _content(instrument, form, context, result, reason)
        item = items.change(work, kept.stored, content=content.to_json(), state=_ITEM_STATE[status])
        completed_at = (kept.stage.completed_at or work.now) if completing else None
        stage = replace(kept.stage, status=status, completed_at=completed_at)
        records.move_stage(work.db, stage, work.entry_id)
        now = shown(work, action, as_assessment(item, stage), kept.use, written=True)
    else:
        refuse_form(work, action, fault, before.patient_id, before.id)
    raise_flags(
        work,
        patient_id=before.patient_id,
        assessment_id=before.id,
        instrument=instrument.key,
        flags=result.flags,
        known=before.content.flags,
    )
    return now


def shown(
    work: Work, action: Action, one: Assessment, use: Decision | None, *, written: bool = False
) -> Assessment:
    """Record that this version was written or read, and show it."""
    work.record(
        action=action,
        object_kind="assessment",
        object_id=one.id,
        object_version=one.version,
        patient_id=one.patient_id,
        basis=None if use is None else use.basis,
        policies=() if use is None else use.policies,
        detail={"status": one.status.value},
        payload=one.content.to_json() if written else None,
    )
    return one


def refuse_form(
    work: Work, action: Action, fault: ConsentryError, patient_id: UUID, assessment_id: UUID | None
) -> None:
    """Record that a form was not accepted, and have the caller hear why after the commit."""
    work.record(
        action=action,
        object_kind="assessment",
        object_id=assessment_id,
        patient_id=patient_id,
        detail={"not_accepted": fault.code.value},
    )
    work.answer_with(fault)


def _content(
    instrument: Instrument, form: Form, context: Mapping[str, Json], result: Result, reason: str | None
) -> Content:
    return Content(
        instrument=instrument.key,
        instrument_version=instrument.version,
        answers=form.answers,
        context=context,
        result=result_to_json(result),
        flags=result.flags,
        reason=reason,
    )


def as_assessment(item: Item, stage: Stage) -> Assessment:
    """The item as an assessment; of a former version it is the item that says how far it had come."""
    status = _STATUS[item.state]
    return Assessment(
        id=item.id,
        patient_id=item.patient_id,
        unit=item.unit,
        author_id=item.author_id,
        status=status,
        version=item.version,
        labels=item.labels,
        content=Content.from_json(item.content),
        created_at=item.created_at,
        changed_at=item.changed_at,
        completed_at=None if status is AssessmentStatus.DRAFT else stage.completed_at,
    )


def known(catalogue: Catalogue, key: str, version: int | None) -> Instrument:
    instrument = catalogue.find(key, version)
    if instrument is None:
        unknown = FieldError("instrument", "unknown", "Not an instrument, or not a version, of this service.")
        raise Invalid(Code.INSTRUMENT_UNKNOWN, "This instrument is not known here.", (unknown,))
    return instrument


def rules_of(catalogue: Catalogue, one: Assessment) -> Instrument:
    """The rules an assessment was begun with: a new version of the instrument does not change an old form."""
    return known(catalogue, one.content.instrument, one.content.instrument_version)


def _wrong_status(action: Action) -> Conflict:
    if action is Action.ASSESSMENT_AMEND:
        return Conflict(Code.ASSESSMENT_NOT_COMPLETED, "Only a completed assessment is amended.")
    return Conflict(Code.ASSESSMENT_NOT_DRAFT, "This assessment is completed. It can be amended.")
