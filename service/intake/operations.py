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
from service.intake.assessment import Assessment, AssessmentStatus, TrendPoint, fault_of, trends
from service.intake.instrument import Catalogue
from service.intake.kept import (
    Form,
    NewAssessment,
    add,
    as_assessment,
    known,
    load,
    newest,
    refuse_form,
    rules_of,
    shown,
    write,
)
from service.intake.raised import raise_flags
from service.intake.scoring import score
from service.intake.subject import subject_loader
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
    about = work.authorised(action, subject_loader(command.patient_id))
    instrument = known(catalogue, command.instrument, command.version)
    unit = _unit(work, command.unit)
    _may_file(work, about, command.patient_id, unit)
    result = score(instrument, command.form.answers)
    fault = fault_of(result, completing=command.completed, claimed_total=command.form.total)
    assessment_id = replay or new_id(work.now)
    made = None
    if fault is None:
        made = add(work, action, assessment_id, unit, instrument, command, result)
    else:
        refuse_form(work, action, fault, command.patient_id, None)
    if replay is None:
        raise_flags(
            work,
            patient_id=command.patient_id,
            assessment_id=None if made is None else made.id,
            instrument=instrument.key,
            flags=result.flags,
        )
    return assessment_id, made


def update_draft(
    work: Work, catalogue: Catalogue, assessment_id: UUID, form: Form, *, expected: int
) -> Assessment | None:
    """Save the whole form again. Raises Stale when the draft has changed since version `expected`."""
    kept = load(work, Action.ASSESSMENT_SAVE, assessment_id, expected)
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
    kept = load(work, Action.ASSESSMENT_AMEND, assessment_id, expected)
    if replay:
        result = score(rules_of(catalogue, kept.now), form.answers)
        if fault_of(result, completing=True, claimed_total=form.total) is None:
            return shown(work, Action.ASSESSMENT_AMEND, kept.now, kept.use)
    return write(work, catalogue, Action.ASSESSMENT_AMEND, kept, form, reason=reason)


def read(work: Work, assessment_id: UUID, version: int | None = None) -> Assessment:
    """One assessment as it is now, or as it was at `version`. Raises NotFound for a version that never was."""
    kept = load(work, Action.ASSESSMENT_READ, assessment_id, None)
    if version is None or version == kept.now.version:
        return shown(work, Action.ASSESSMENT_READ, kept.now, kept.use)
    former = items.version_of(work, kept.stored, version)
    if former is None:
        raise NotFound(Code.NOT_FOUND, "There is no such version.")
    return shown(work, Action.ASSESSMENT_READ, as_assessment(former, kept.stage), kept.use)


def list_of(
    work: Work, patient_id: UUID, *, instrument: str | None, before: UUID | None, at_most: int
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
    return AssessmentPage(visible, trends(latest), more=len(page) > at_most)


def _may_file(work: Work, about: Facts, patient_id: UUID, unit: Unit) -> None:
    """A form is an item of the record, so whoever files it may write items there: the unit decides which law
    governs it, and nobody files out of Part 2 by naming a unit that is not theirs.
    """
    kind, note_class = Kind.ASSESSMENT.value, NoteClass.ORDINARY.value
    assigned = unit.key in work.caller.units
    facts = replace(about, unit_assigned=assigned, kind=kind, note_class=note_class)
    work.require(Action.ITEM_WRITE, facts, object_kind="assessment", patient_id=patient_id)


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
