"""Why a form is not accepted, and what goes along when it is not: its flags are kept whatever the reason.

What the answers themselves make impossible is pure (`assessment.fault_of`). Here is what the patient's entry adds: a
suicide screen through an interpreter names who interpreted, and that is nobody of the family. A child who translates
that question for a parent leaves the parent no answer but no.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from service.access.actions import Action
from service.errors import Code, ConsentryError, FieldError, Invalid
from service.intake.assessment import Source, fault_of, flag_to_json
from service.intake.instrument import Instrument
from service.intake.medical.checks import interpreter_missing
from service.intake.own import own_to_json, seen_by_patient
from service.intake.safety.flag import with_contact
from service.intake.scoring import Result
from service.intake.subject import source_of
from service.people.contacts import needs_interpreter
from service.people.operations import open_demographics
from service.people.records import patient_for_share
from service.work import Work

Json = Any
#: What the context of an interpreted form says: the interpreter's id with the program, and whether they are family.
INTERPRETER: Final = "interpreter_id"
RELATIVE: Final = "interpreter_relative"


def fault_of_form(
    work: Work,
    instrument: Instrument,
    result: Result,
    context: Mapping[str, Json],
    patient_id: UUID,
    *,
    completing: bool,
    claimed_total: int | None,
) -> Invalid | None:
    """Why this form is not accepted, or None. Inside an act about this patient that is allowed already."""
    along = shown_with_fault(work, result, context)
    fault = fault_of(result, completing=completing, claimed_total=claimed_total, along=along)
    if fault is not None or not completing or not instrument.interpreted:
        return fault
    return _without_interpreter(work, context, patient_id, along)


def _without_interpreter(
    work: Work, context: Mapping[str, Json], patient_id: UUID, along: Mapping[str, Json]
) -> Invalid | None:
    patient = patient_for_share(work.db, patient_id)
    needed = patient is not None and needs_interpreter(open_demographics(work, patient))
    named, relative = context.get(INTERPRETER), context.get(RELATIVE) is True
    if not interpreter_missing(
        needed=needed, interpreter=named if isinstance(named, str) else None, is_relative=relative
    ):
        return None
    said = (
        FieldError(f"context.{RELATIVE}", "relative", "Nobody of the family interprets this form.")
        if relative
        else FieldError(f"context.{INTERPRETER}", "missing", "Name the interpreter, with their id.")
    )
    return Invalid(
        Code.INTERPRETER_MISSING,
        "This patient answers through an interpreter who is named.",
        (said,),
        **along,
    )


def shown_with_fault(work: Work, result: Result, context: Mapping[str, Json]) -> dict[str, Json]:
    """What goes along when a form is refused: to staff its flags, with whom to call; to a patient the way to help."""
    if source_of(work) is Source.STAFF:
        flags = [with_contact(flag, work.program.on_call) for flag in result.flags]
        return {"flags": [flag_to_json(flag) for flag in flags]}
    own = seen_by_patient(work.access.safety, work.program, result.flags, context)
    return {"help": own_to_json(own)}


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
