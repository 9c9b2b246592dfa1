"""What goes in and comes out of the routes of assessments.

Answers arrive untyped on purpose: what is no answer is for the scorer to refuse, so that a positive suicide
item in the same form is heard. Everything around them is typed strictly.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field

from service.api.flags import ContactModel, FlagModel
from service.edge.models import LongText, ShortText, StrictModel

#: The answers by item key. A value is one of the item's numbers, null (unanswered) or "declined".
Answers = Annotated[
    dict[str, Any],
    Field(max_length=200, description='By item key: one of the item\'s values, null, or "declined".'),
]


def _scalars(context: dict[str, Any]) -> dict[str, Any]:
    """Judged as a whole: an error that named the member would repeat what the caller wrote."""
    if not all(0 < len(name) <= 200 and _is_scalar(value) for name, value in context.items()):
        raise ValueError("names of up to 200 characters; texts, whole numbers, true, false or null")
    return context


def _is_scalar(value: object) -> bool:
    return value is None or type(value) in (bool, int) or (isinstance(value, str) and len(value) <= 10_000)


#: What the result must be read with, such as the time of the last drink.
Context = Annotated[
    dict[str, Any],
    Field(
        max_length=50,
        description="Texts, whole numbers, true, false or null, by name: what the instrument asks for, and "
        "`interpreter_id` where somebody interpreted (`interpreter_relative`: true for family).",
    ),
    AfterValidator(_scalars),
]


class NewAssessmentBody(StrictModel):
    """A form for a patient. `total`: the sum the client believes in; the service computes its own."""

    instrument: ShortText
    instrument_version: int | None = None
    status: Literal["draft", "completed"]
    answers: Answers
    context: Context = Field(default_factory=dict)
    total: int | None = None
    unit: ShortText | None = None


class DraftBody(StrictModel):
    """The whole form as it is now; what is left out is unanswered."""

    answers: Answers
    context: Context = Field(default_factory=dict)


class CompletionBody(StrictModel):
    total: int | None = None


class AmendmentBody(StrictModel):
    """The whole corrected form, and why it is corrected."""

    answers: Answers
    reason: LongText
    context: Context | None = None
    total: int | None = None


class ErrorBody(StrictModel):
    """Why the form should not be in this chart."""

    reason: LongText


class FindingModel(BaseModel):
    code: str
    text: str


class ResultModel(BaseModel):
    status: Literal["complete", "prorated", "incomplete", "needs_review", "rejected"]
    total: int | None
    band: str | None
    subscores: dict[str, int | None]
    answered: int
    missing: list[str]
    rule_version: str
    form: dict[str, str] = Field(description="What keeps results apart: period, coding.")
    findings: list[FindingModel]


class AssessmentModel(BaseModel):
    id: UUID
    patient_id: UUID
    instrument: str
    instrument_version: int
    status: Literal["draft", "completed", "amended", "entered_in_error"]
    version: int
    unit: str
    labels: list[str]
    answers: dict[str, Any]
    context: dict[str, Any]
    result: ResultModel
    flags: list[FlagModel]
    reason: str | None
    source: Literal["staff", "patient"]
    typed_by: Literal["staff", "patient"] = Field(description="Who gave the answers of this version.")
    author: UUID
    created_at: str
    changed_at: str
    completed_at: str | None


class HelpModel(BaseModel):
    """Neutral words and whom to call, when an answer asks for somebody; both empty otherwise."""

    words: str | None
    contacts: list[ContactModel]


class OwnAssessmentModel(BaseModel):
    """A form as the patient who filled it in sees it: the answers, no result."""

    id: UUID
    patient_id: UUID
    instrument: str
    instrument_version: int
    status: Literal["draft", "completed", "entered_in_error"]
    version: int
    answers: dict[str, Any]
    context: dict[str, Any]
    missing: list[str]
    help: HelpModel
    created_at: str
    changed_at: str
    completed_at: str | None


class DraftModel(BaseModel):
    """A form that can be gone on with; the answers are read with the form."""

    id: UUID
    instrument: str
    instrument_version: int
    version: int
    answered: int
    created_at: str
    changed_at: str
    until: str


class DraftListModel(BaseModel):
    items: list[DraftModel]


class TrendModel(BaseModel):
    """One result. Changes are from the last result of the same version and form, and of no other."""

    id: UUID
    completed_at: str
    instrument_version: int
    form: str | None
    total: int | None
    band: str | None
    change: int | None
    subscores: dict[str, int]
    subscore_changes: dict[str, int]
    reliable: bool | None
    note: str | None


class AssessmentListModel(BaseModel):
    items: list[AssessmentModel]
    next_cursor: str | None
    trends: dict[str, list[TrendModel]]
