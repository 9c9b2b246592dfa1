"""An assessment: one instrument answered for one patient, as a draft, completed, amended since, or entered in error.

A completed assessment is never edited. An amendment is a new version with a reason, and the version it
replaces stays readable as it was: the rules it was scored with included.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from service.access.actions import Action
from service.access.program import Contact
from service.errors import Code, FieldError, Invalid
from service.intake.flags import Flag, Severity, Status
from service.intake.scoring import Result
from service.labels import Label

#: Data from a sealed column or for one: JSON.
Json = Any


class AssessmentStatus(StrEnum):
    DRAFT = "draft"
    COMPLETED = "completed"
    AMENDED = "amended"
    ENTERED_IN_ERROR = "entered_in_error"


class Source(StrEnum):
    """Who gave the answers: the patient on their own form, or staff who asked them."""

    STAFF = "staff"
    PATIENT = "patient"


@dataclass(frozen=True, slots=True)
class Transition:
    """One thing that can be done to an assessment: from where (None: there is none yet) to where. `takes_back`: it says
    that the form should not be in this chart; whoever may amend may say so.
    """

    action: Action
    before: AssessmentStatus | None
    after: AssessmentStatus
    label: str
    takes_back: bool = False


TRANSITIONS: Final = (
    Transition(Action.ASSESSMENT_SAVE, None, AssessmentStatus.DRAFT, "Save draft"),
    Transition(Action.ASSESSMENT_SAVE, AssessmentStatus.DRAFT, AssessmentStatus.DRAFT, "Save draft"),
    Transition(Action.ASSESSMENT_COMPLETE, None, AssessmentStatus.COMPLETED, "Complete"),
    Transition(Action.ASSESSMENT_COMPLETE, AssessmentStatus.DRAFT, AssessmentStatus.COMPLETED, "Complete"),
    Transition(Action.ASSESSMENT_AMEND, AssessmentStatus.COMPLETED, AssessmentStatus.AMENDED, "Amend"),
    Transition(Action.ASSESSMENT_AMEND, AssessmentStatus.AMENDED, AssessmentStatus.AMENDED, "Amend"),
    *(
        Transition(
            Action.ASSESSMENT_AMEND,
            before,
            AssessmentStatus.ENTERED_IN_ERROR,
            "Entered in error",
            takes_back=True,
        )
        for before in (AssessmentStatus.DRAFT, AssessmentStatus.COMPLETED, AssessmentStatus.AMENDED)
    ),
)
_AFTER: Final = {(step.action, step.before): step.after for step in TRANSITIONS if not step.takes_back}
_TAKEN_BACK: Final = frozenset(step.before for step in TRANSITIONS if step.takes_back)


def after(action: Action, before: AssessmentStatus | None) -> AssessmentStatus | None:
    """The status that follows, or None when this cannot be done to an assessment in that status."""
    return _AFTER.get((action, before))


def can_be_taken_back(before: AssessmentStatus) -> bool:
    """Whether an assessment in that status can be marked as entered in error: once, from everything else."""
    return before in _TAKEN_BACK


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
class Content:
    """What is sealed: the answers as given and what they amounted to under the rules named in the result.

    `source` is who began the form and stays; `typed_by` is who gave the answers of this version.
    """

    instrument: str
    instrument_version: int
    answers: Mapping[str, Json]
    context: Mapping[str, Json]
    result: Mapping[str, Json]
    flags: tuple[Flag, ...]
    reason: str | None = None
    source: Source = Source.STAFF
    typed_by: Source = Source.STAFF

    def to_json(self) -> dict[str, Json]:
        return {
            "instrument": self.instrument,
            "instrument_version": self.instrument_version,
            "answers": dict(self.answers),
            "context": dict(self.context),
            "result": dict(self.result),
            "flags": [flag_to_json(flag) for flag in self.flags],
            "reason": self.reason,
            "source": self.source.value,
            "typed_by": self.typed_by.value,
        }

    @staticmethod
    def from_json(stored: Mapping[str, Json]) -> "Content":
        return Content(
            instrument=stored["instrument"],
            instrument_version=stored["instrument_version"],
            answers=stored["answers"],
            context=stored["context"],
            result=stored["result"],
            flags=tuple(flag_from_json(flag) for flag in stored["flags"]),
            reason=stored["reason"],
            # forms of before patients filled in their own are staff's
            source=Source(stored.get("source", Source.STAFF.value)),
            typed_by=Source(stored.get("typed_by", Source.STAFF.value)),
        )


@dataclass(frozen=True, slots=True, repr=False)
class Own:
    """How a patient sees their own form: the answers, never what they amount to. `words` and `contacts` when the
    answers made a flag: neutral, and the way to somebody.
    """

    words: str | None = None
    contacts: tuple[Contact, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Assessment:
    """One version of an assessment. `completed_at` is when it was first completed; None for a draft."""

    id: UUID
    patient_id: UUID
    unit: str
    author_id: UUID
    status: AssessmentStatus
    version: int
    labels: frozenset[Label]
    content: Content
    created_at: datetime
    changed_at: datetime
    completed_at: datetime | None
    #: Set when the caller is the patient whose form it is: then nothing but this and the answers is shown.
    own: Own | None = None


def result_to_json(result: Result) -> dict[str, Json]:
    """The result as it is stored and shown."""
    return {
        "status": result.status.value,
        "total": result.total,
        "band": result.band,
        "subscores": dict(result.subscores),
        "answered": result.answered,
        "missing": list(result.missing),
        "rule_version": result.rule_version,
        "form": dict(result.form),
        "findings": [{"code": finding.code, "text": finding.text} for finding in result.findings],
    }


def flag_to_json(flag: Flag) -> dict[str, Json]:
    return {
        "code": flag.code,
        "severity": flag.severity.value,
        "message": flag.message,
        "next_step": flag.next_step,
        "task": flag.task,
    }


def flag_from_json(stored: Mapping[str, Json]) -> Flag:
    return Flag(
        code=stored["code"],
        severity=Severity(stored["severity"]),
        message=stored["message"],
        next_step=stored["next_step"],
        task=stored["task"],
    )


def fault_of(
    result: Result, *, completing: bool, claimed_total: int | None, along: Mapping[str, Json] | None = None
) -> Invalid | None:
    """Why this form is not accepted, with everything the caller may know about it; None when it is.

    The flags go along: a refusal that does not show a positive suicide item would be a defect. `along`: what goes in
    their place (to a patient, who is shown no result, the way to help). The answers themselves are never repeated.
    """
    extra = {"flags": [flag_to_json(flag) for flag in result.flags]} if along is None else dict(along)
    if result.status is Status.REJECTED:
        wrong = tuple(
            FieldError(f"answers.{key}", "out_of_range", "Not one of this item's options.")
            for key in result.refused
        )
        wrong += tuple(
            FieldError(f"context.{key}", "unknown_form", "Not a form of this instrument.")
            for key in result.unread
        )
        unknown = FieldError("answers", "unknown_item", "The form has an item that the instrument has not.")
        detail = "The form has answers that are not among the options. Nothing was saved"
        detail += "; flags were kept." if "flags" in extra else "."
        return Invalid(Code.ASSESSMENT_REJECTED, detail, wrong or (unknown,), **extra)
    lacking = result.missing if result.status is Status.INCOMPLETE else ()
    if completing and (lacking or result.unknown):
        beside = tuple(f"context.{key}" for key in result.unknown)
        return Invalid(
            Code.ASSESSMENT_INCOMPLETE,
            "Answers are missing, and this instrument does not allow an estimate without them.",
            (
                *(FieldError(f"answers.{key}", "missing", "An answer is needed.") for key in lacking),
                *(FieldError(at, "missing", 'Say it, or "unknown" if nobody knows.') for at in beside),
            ),
            missing=[*lacking, *beside],
            **_standing_band(result, extra),
            **extra,
        )
    if claimed_total is not None and claimed_total != result.total:
        return Invalid(
            Code.TOTAL_MISMATCH,
            "The total sent is not the total of the answers. The service computes totals itself.",
            (FieldError("total", "total_mismatch", "Leave it out, or check the form."),),
            **extra,
        )
    return None


def _standing_band(result: Result, extra: Mapping[str, Json]) -> dict[str, Json]:
    """A band that holds although answers are missing: the highest risk is not lowered by what nobody answered."""
    return {"band": result.band} if "flags" in extra and result.band is not None else {}
