"""An assessment as it is kept: a record item with its stage beside it, loaded, written and shown.

For the operations of this folder, inside an act they have had authorised. One place knows that the item's
state and the assessment's status move together, and that a form that is not accepted leaves nothing behind
but its flags.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from service.access.actions import Action
from service.access.decision import Decision
from service.access.facts import Facts
from service.access.program import Unit
from service.errors import Code, Conflict, FieldError, Invalid, Stale
from service.intake import records
from service.intake.assessment import (
    Assessment,
    AssessmentStatus,
    Content,
    Form,
    Json,
    NewAssessment,
    Source,
    after,
    can_be_taken_back,
    result_to_json,
)
from service.intake.instrument import Catalogue, Instrument
from service.intake.own import seen_by_patient
from service.intake.records import Stage
from service.intake.refusing import fault_of_form, refuse_form
from service.intake.retold import known_flags
from service.intake.safety.flag import FlagSource, with_contact
from service.intake.safety.raising import raise_flags
from service.intake.scoring import Result, score
from service.intake.subject import (
    chart_fault,
    decide_use,
    facts_about,
    refuse_not_own,
    refuse_use,
    source_of,
)
from service.record import items
from service.record.item import Item, ItemState, Kind, NewItem
from service.record.records import StoredItem
from service.work import Loaded, Work

_ITEM_STATE: Mapping[AssessmentStatus, ItemState] = {
    AssessmentStatus.DRAFT: ItemState.DRAFT,
    AssessmentStatus.COMPLETED: ItemState.FINAL,
    AssessmentStatus.AMENDED: ItemState.AMENDED,
    AssessmentStatus.ENTERED_IN_ERROR: ItemState.ENTERED_IN_ERROR,
}
_STATUS = {state: status for status, state in _ITEM_STATE.items()}


@dataclass(frozen=True, slots=True, repr=False)
class Kept:
    """One assessment as loaded: where it stands, its sealed item, and the item opened."""

    stage: Stage
    stored: StoredItem
    now: Assessment
    #: What is known of the patient: a chart merged into another one takes no form, and its flags go to the other.
    about: Facts
    #: The law's word on staff's use; None for a patient's own form, which is theirs by their role (2.23).
    use: Decision | None


def load(work: Work, action: Action, assessment_id: UUID, expected: int | None) -> Kept:
    """The assessment, if this caller may do this to it; locked for a change when the act is one.

    Raises Denied (to be recorded), or Stale when it is no longer at version `expected`.
    """
    lock = action is not Action.ASSESSMENT_READ
    stage, stored, about = work.authorised(action, _loader(assessment_id, lock=lock))
    use = None
    if not about.patient_is_caller:
        use = decide_use(work, stored, about)
        if not use.permitted:
            refuse_use(work, action, stored, use)
    now = as_assessment(items.opened(work, stored), stage)
    if about.patient_is_caller and now.content.source is not Source.PATIENT:
        refuse_not_own(work, action, stored)
    if expected is not None and expected != stored.version:
        # which version it is now, not what is in it: reading that is an act with an entry of its own
        raise Stale(
            Code.VERSION_STALE, "This assessment has changed since you read it.", current=stored.version
        )
    return Kept(stage, stored, now, about, use)


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
            # what was typed is heard before it is refused (write)
            surviving=None,
            unit_assigned=stored.unit in work.caller.units,
            author_is_caller=stored.author_id == work.caller.account_id,
            kind=stored.kind,
            note_class=stored.note_class,
            state=stage.status.value,
        )
        return Loaded((stage, stored, about), facts, "assessment", stored.id, stored.patient_id)

    return find


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
        raise wrong_status(action, None)
    item = items.add(
        work,
        NewItem(
            id=assessment_id,
            patient_id=command.patient_id,
            kind=Kind.ASSESSMENT,
            unit=unit.key,
            labels=result.labels,
            state=_ITEM_STATE[status],
            content=_content(
                instrument,
                command.form,
                command.form.context or {},
                result,
                (source_of(work), source_of(work)),
            ).to_json(),
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
        raise wrong_status(action, before.status)
    instrument = rules_of(catalogue, before)
    completing = status is not AssessmentStatus.DRAFT
    context = before.content.context if form.context is None else form.context
    result = score(instrument, form.answers, context)
    fault = chart_fault(work, kept.about) or fault_of_form(
        work,
        instrument,
        result,
        context,
        before.patient_id,
        completing=completing,
        claimed_total=form.total,
    )
    now = None
    if fault is None:
        typed_by = before.content.typed_by if action is Action.ASSESSMENT_COMPLETE else source_of(work)
        content = _content(instrument, form, context, result, (before.content.source, typed_by), reason)
        item = items.change(
            work,
            kept.stored,
            content=content.to_json(),
            # answers can make a form more sensitive, never less
            labels=before.labels | result.labels,
            state=_ITEM_STATE[status],
            keep_former=completing or before.author_id != work.caller.account_id,
        )
        completed_at = (kept.stage.completed_at or work.now) if completing else None
        stage = replace(kept.stage, status=status, completed_at=completed_at)
        records.move_stage(work.db, stage, work.entry_id)
        now = shown(work, action, as_assessment(item, stage), kept.use, written=True)
    else:
        refuse_form(work, action, fault, before.patient_id, before.id)
    raise_flags(
        work,
        patient_id=kept.about.surviving or before.patient_id,
        source=FlagSource.ASSESSMENT,
        subject_id=before.id,
        instrument=instrument.key,
        flags=result.flags,
        known=known_flags(instrument, before.content, form.answers, context, result.flags),
    )
    return now


def take_back(work: Work, kept: Kept, reason: str) -> Assessment:
    """Entered in error: the version before stays readable, nothing rests on the form any more. Its flags stand: somebody
    gave those answers, and only who saw that person ends a flag.
    """
    if not can_be_taken_back(kept.now.status):
        raise wrong_status(Action.ASSESSMENT_AMEND, kept.now.status)
    content = replace(kept.now.content, reason=reason)
    item = items.change(work, kept.stored, content=content.to_json(), state=ItemState.ENTERED_IN_ERROR)
    stage = replace(kept.stage, status=AssessmentStatus.ENTERED_IN_ERROR)
    records.move_stage(work.db, stage, work.entry_id)
    return shown(work, Action.ASSESSMENT_AMEND, as_assessment(item, stage), kept.use, written=True)


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
    book, content = work.access.safety, one.content
    if source_of(work) is Source.STAFF:
        flags = tuple(with_contact(flag, work.program.on_call) for flag in content.flags)
        return replace(one, content=replace(content, flags=flags))
    return replace(one, own=seen_by_patient(book, work.program, content.flags, content.context))


def _content(
    instrument: Instrument,
    form: Form,
    context: Mapping[str, Json],
    result: Result,
    sources: tuple[Source, Source],
    reason: str | None = None,
) -> Content:
    source, typed_by = sources
    return Content(
        instrument=instrument.key,
        instrument_version=instrument.version,
        answers=form.answers,
        context=context,
        result=result_to_json(result),
        flags=result.flags,
        reason=reason,
        source=source,
        typed_by=typed_by,
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


def wrong_status(action: Action, status: AssessmentStatus | None) -> Conflict:
    if status is AssessmentStatus.ENTERED_IN_ERROR:
        return Conflict(Code.ASSESSMENT_IN_ERROR, "This assessment was entered in error. Begin another one.")
    if action is Action.ASSESSMENT_AMEND:
        return Conflict(Code.ASSESSMENT_NOT_COMPLETED, "Only a completed assessment is amended.")
    return Conflict(Code.ASSESSMENT_NOT_DRAFT, "This assessment is completed. It can be amended.")
