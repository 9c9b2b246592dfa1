"""What can be done with assessments. The rules are in `scoring` and `assessment`; the item is kept by
`record/items`.

A form is scored on every save, drafts too, because an urgent answer must not wait for the last question. A
form with a value that is no answer is refused whole and its flags are kept: `answer_with` commits them,
then the caller hears 422. An operation that ends so returns None in place of the assessment. Repeated under
its idempotency key (`replay`), it is judged anew and keeps nothing again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from service.access.actions import Action
from service.access.facts import Facts
from service.access.program import Regime, Unit
from service.errors import Code, FieldError, Invalid, NotFound
from service.ids import new_id
from service.intake import records
from service.intake.assessment import Assessment, AssessmentStatus, Form, NewAssessment, Source, fault_of
from service.intake.instrument import Catalogue, Instrument
from service.intake.kept import (
    Kept,
    add,
    as_assessment,
    known,
    load,
    rules_of,
    shown,
    take_back,
    write,
)
from service.intake.late import refuse_late, why_too_late
from service.intake.latest import newest
from service.intake.own import is_self_report
from service.intake.packs.operations import licence_fault
from service.intake.refusing import fault_of_form, refuse_form, shown_with_fault
from service.intake.retold import said_for
from service.intake.safety.flag import FlagSource
from service.intake.safety.raising import raise_flags
from service.intake.scoring import score
from service.intake.subject import chart_fault, hearing_loader, source_of, subject_loader
from service.intake.trends import Figures, TrendPoint, no_figures, trends
from service.people.episodes.operations import current_episode
from service.record import items
from service.record.item import Kind, NoteClass
from service.work import Work

#: So many assessments of a patient make the trends; older ones stay in the list.
TREND_LENGTH = 200


@dataclass(frozen=True, slots=True, repr=False)
class AssessmentPage:
    """Newest first. `trends` by instrument, oldest first, over the patient's forms, not only this page's."""

    assessments: tuple[Assessment, ...]
    trends: Mapping[str, tuple[TrendPoint, ...]]
    more: bool


def save(
    work: Work, catalogue: Catalogue, command: NewAssessment, *, replay: UUID | None = None
) -> tuple[UUID, Assessment | None]:
    """A new assessment, as a draft or completed at once; (its id, None) when the form is not accepted.

    `replay` is the id that the same request was given before.
    """
    if replay is not None and records.find_stage(work.db, replay) is not None:
        return replay, read(work, replay)
    action = Action.ASSESSMENT_COMPLETE if command.completed else Action.ASSESSMENT_SAVE
    about = work.authorised(action, hearing_loader(command.patient_id))
    instrument = known(catalogue, command.instrument, command.version)
    unit = _unit(work, command.unit)
    if about.patient_is_caller:
        _is_theirs_to_fill_in(instrument, command)
        unit = _unit_of_care(work, command.patient_id) or unit
    else:
        _may_file(work, replace(about, surviving=None), command.patient_id, unit)
    result = score(instrument, command.form.answers, command.form.context)
    along = shown_with_fault(work, result, command.form.context or {})
    fault = (
        chart_fault(work, about)
        or licence_fault(work, instrument, along)
        or fault_of_form(
            work,
            instrument,
            result,
            command.form.context or {},
            command.patient_id,
            completing=command.completed,
            claimed_total=command.form.total,
        )
    )
    assessment_id = replay or new_id(work.now)
    made = None
    if fault is None:
        made = add(work, action, assessment_id, unit, instrument, command, result)
    else:
        refuse_form(work, action, fault, command.patient_id, None)
    if replay is None:
        raise_flags(
            work,
            patient_id=about.surviving or command.patient_id,
            source=FlagSource.ASSESSMENT,
            subject_id=None if made is None else made.id,
            instrument=instrument.key,
            flags=result.flags,
            fresh=made is not None,
            said=said_for(instrument, command.form.answers, command.form.context),
        )
    return assessment_id, made


def update_draft(
    work: Work, catalogue: Catalogue, assessment_id: UUID, form: Form, *, expected: int
) -> Assessment | None:
    """Save the whole form again. Raises Stale when the draft has changed since version `expected`, Conflict when
    the answers are the patient's own: nobody overwrites those.
    """
    kept = load(work, Action.ASSESSMENT_SAVE, assessment_id, None)
    if fault := why_too_late(work, Action.ASSESSMENT_SAVE, kept, expected):
        return refuse_late(work, catalogue, Action.ASSESSMENT_SAVE, kept, form, fault)
    return write(work, catalogue, Action.ASSESSMENT_SAVE, kept, form)


def complete(
    work: Work,
    catalogue: Catalogue,
    assessment_id: UUID,
    *,
    claimed_total: int | None,
    expected: int | None = None,
    replay: bool = False,
) -> Assessment | None:
    """Complete a draft as it was last saved; None, and the draft stays, when it cannot be scored."""
    kept = load(work, Action.ASSESSMENT_COMPLETE, assessment_id, expected)
    _no_total_from_patient(work, claimed_total)
    if replay and kept.now.status is not AssessmentStatus.DRAFT:
        return shown(work, Action.ASSESSMENT_COMPLETE, kept.now, kept.use)
    form = Form(answers=kept.now.content.answers, total=claimed_total)
    return write(work, catalogue, Action.ASSESSMENT_COMPLETE, kept, form)


def amend(
    work: Work,
    catalogue: Catalogue,
    assessment_id: UUID,
    form: Form,
    *,
    reason: str,
    expected: int | None = None,
    replay: bool = False,
) -> Assessment | None:
    """A new version of a completed assessment, with the reason; the version before stays as it was."""
    kept = load(work, Action.ASSESSMENT_AMEND, assessment_id, None)
    if fault := why_too_late(work, Action.ASSESSMENT_AMEND, kept, expected):
        return refuse_late(work, catalogue, Action.ASSESSMENT_AMEND, kept, form, fault)
    if replay:
        context = kept.now.content.context if form.context is None else form.context
        result = score(rules_of(catalogue, kept.now), form.answers, context)
        if fault_of(result, completing=True, claimed_total=form.total) is None:
            return shown(work, Action.ASSESSMENT_AMEND, kept.now, kept.use)
    return write(work, catalogue, Action.ASSESSMENT_AMEND, kept, form, reason=reason)


def mark_error(
    work: Work, assessment_id: UUID, reason: str, *, expected: int | None = None, replay: bool = False
) -> Assessment:
    """Entered in error: of the wrong patient, or never asked. It stays readable, and its flags stay open."""
    kept = load(work, Action.ASSESSMENT_AMEND, assessment_id, expected)
    if replay and kept.now.status is AssessmentStatus.ENTERED_IN_ERROR:
        return shown(work, Action.ASSESSMENT_AMEND, kept.now, kept.use)
    return take_back(work, kept, reason)


def read(work: Work, assessment_id: UUID, version: int | None = None) -> Assessment:
    """One assessment as it is now, or as it was at `version`. Raises NotFound for a version that never was.

    A patient reads what they typed: what staff made of it since is not put into their mouth.
    """
    kept = load(work, Action.ASSESSMENT_READ, assessment_id, None)
    if source_of(work) is Source.PATIENT:
        return shown(work, Action.ASSESSMENT_READ, _as_typed(work, kept, version), kept.use)
    if version is None or version == kept.now.version:
        return shown(work, Action.ASSESSMENT_READ, kept.now, kept.use)
    former = items.version_of(work, kept.stored, version)
    if former is None:
        raise NotFound(Code.NOT_FOUND, "There is no such version.")
    return shown(work, Action.ASSESSMENT_READ, as_assessment(former, kept.stage), kept.use)


def list_of(
    work: Work,
    patient_id: UUID,
    *,
    instrument: str | None,
    before: UUID | None,
    at_most: int,
    figures: Figures = no_figures,
) -> AssessmentPage:
    """The patient's assessments as they are now, newest first, with the trend of each instrument."""
    about = work.authorised(Action.ASSESSMENT_LIST, subject_loader(patient_id))
    latest = newest(work, patient_id, about, instrument, None, max(at_most + 1, TREND_LENGTH))
    page = latest if before is None else newest(work, patient_id, about, instrument, before, at_most + 1)
    visible = page[:at_most]
    work.record(
        action=Action.ASSESSMENT_LIST,
        object_kind="assessment",
        object_id=None,
        patient_id=patient_id,
        detail={"items": [str(one.id) for one in visible], "in_trends": len(latest)},
    )
    return AssessmentPage(visible, trends(latest, figures), more=len(page) > at_most)


def _is_theirs_to_fill_in(instrument: Instrument, command: NewAssessment) -> None:
    """What a patient cannot do with a form of their own: answer for a clinician, file it somewhere, add it up."""
    faults: list[FieldError] = []
    if not is_self_report(instrument):
        faults.append(FieldError("instrument", "not_self_report", "This form is filled in by a clinician."))
    if command.unit is not None:
        faults.append(FieldError("unit", "not_yours", "Where a form is filed is for the program to say."))
    if command.form.total is not None:
        faults.append(FieldError("total", "not_yours", "Leave it out."))
    if faults:
        raise Invalid(Code.INVALID_REQUEST, "This form cannot be sent like this.", faults)


def _no_total_from_patient(work: Work, claimed_total: int | None) -> None:
    """A total that is confirmed or denied would tell the result one guess at a time."""
    if claimed_total is not None and source_of(work) is Source.PATIENT:
        given = FieldError("total", "not_yours", "Leave it out.")
        raise Invalid(Code.INVALID_REQUEST, "This form cannot be sent like this.", (given,))


def _as_typed(work: Work, kept: Kept, version: int | None) -> Assessment:
    """The newest version whose answers the patient gave, or the one asked for if they gave those."""
    numbers = range(kept.now.version, 0, -1) if version is None else (version,)
    for number in numbers:
        former = None if number == kept.now.version else items.version_of(work, kept.stored, number)
        one = kept.now if number == kept.now.version else former and as_assessment(former, kept.stage)
        if one is not None and one.content.typed_by is Source.PATIENT:
            return one
    raise NotFound(Code.NOT_FOUND, "There is no such version.")


def _may_file(work: Work, about: Facts, patient_id: UUID, unit: Unit) -> None:
    """A form is an item of the record, so whoever files it may write items there: the unit decides which law
    governs it, and nobody files out of Part 2 by naming a unit that is not theirs.
    """
    kind, note_class = Kind.ASSESSMENT.value, NoteClass.ORDINARY.value
    assigned = unit.key in work.caller.units
    facts = replace(about, unit_assigned=assigned, kind=kind, note_class=note_class)
    work.require(Action.ITEM_WRITE, facts, object_kind="assessment", patient_id=patient_id)


def _unit_of_care(work: Work, patient_id: UUID) -> Unit | None:
    """Where the patient is treated: whoever treats them must be able to read what they wrote."""
    episode = current_episode(work, patient_id)
    return None if episode is None else work.program.units.get(episode.unit)


def _unit(work: Work, asked: str | None) -> Unit:
    """The unit the form belongs to. Not said: the caller's own, and where there are several, one under Part
    2, because a record must not lose its protection by being filed in a hurry.
    """
    units = work.program.units
    if asked is not None:
        unit = units.get(asked)
        if unit is None:
            unknown = FieldError("unit", "unknown", "Not a unit of this program.")
            raise Invalid(Code.ITEM_INVALID, "The form names a unit that is not there.", (unknown,))
        return unit
    own = [unit for key, unit in units.items() if key in work.caller.units] or list(units.values())
    return min(own, key=lambda unit: (unit.regime is not Regime.PART2, unit.key))
