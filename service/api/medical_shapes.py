"""The shapes of the medical intake over HTTP. Values arrive untyped: which type a question has, the book says."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from service.edge.models import IsoDate, LongText, ShortText, StrictModel, Uuid
from service.errors import Code, FieldError, Invalid
from service.intake.assessment import flag_to_json
from service.intake.medical.answer import Given
from service.intake.medical.book import Absent, Form, Question, Section, Source
from service.intake.medical.diagnosis import NewDiagnosis, Remission
from service.intake.medical.urgent import Notice
from service.intake.medical.views import FormView, Overview, SectionView
from service.intake.medical.writing import Writing

_MOST = 100
Key = Annotated[str, Field(min_length=1, max_length=60)]


class AnswerBody(StrictModel):
    """One answer: a value, or why there is none. Neither: the question is blank again."""

    value: Any = None
    absent: Literal["unknown", "declined", "not_asked", "not_applicable"] | None = None
    source: Literal["staff", "measured"] | None = Field(
        default=None, description="Of staff: staff unless said. A patient's answer is always the patient's."
    )
    certainty: Literal["exact", "about", "guess"] | None = None
    confirm: bool = Field(default=False, description="The value is outside of the expected range, and right.")


class FormBody(StrictModel):
    """Answers over those that are there; what is left out stays as it was."""

    answers: Annotated[dict[str, AnswerBody], Field(max_length=_MOST)]
    reason: LongText | None = Field(default=None, description="Needed once the form is complete.")
    unit: ShortText | None = None


class EntryBody(FormBody):
    """`completed`: nothing is missing; a draft may be incomplete."""

    completed: bool = True


class ClosingBody(StrictModel):
    reason: LongText | None = None


class ErrorBody(StrictModel):
    """Why it was an error."""

    reason: LongText


class DiagnosisBody(StrictModel):
    """What a clinician finds. `code` only where it is not the plain one of the class and its severity."""

    substance: Key | None = None
    specific: ShortText | None = None
    criteria: Annotated[list[Annotated[int, Field(ge=1, le=11)]], Field(max_length=11)] = Field(
        default_factory=list[int]
    )
    code: Annotated[str, Field(min_length=3, max_length=8)] | None = None
    remission: Remission | None = Field(default=None, strict=False)
    controlled_environment: bool = False
    dated_on: IsoDate
    unit: ShortText | None = None
    reason: LongText | None = None


class QuestionModel(BaseModel):
    key: str
    label: str
    why: str
    need: Literal["R", "C", "O"]
    type: str
    concept: str
    labels: list[str]
    choices: list[dict[str, str]]
    codes: list[dict[str, str]]
    unit: str | None
    asked_when: dict[str, Any] | None
    self_report: bool
    clinician_only: bool
    certainty: bool


class SectionModel(BaseModel):
    key: str
    number: int
    title: str
    kind: str
    labels: list[str]
    is_list: bool
    entry_title: str
    required_when: str | None
    self_report: bool
    questions: list[QuestionModel]
    entries: list[QuestionModel]


class SectionListModel(BaseModel):
    version: str
    non_answers: list[str]
    items: list[SectionModel]


class FormModel(BaseModel):
    section: str
    item_id: Uuid | None
    version: int
    state: Literal["not_begun", "draft", "current", "removed"]
    answers: dict[str, Any]
    labels: list[str]
    derived: dict[str, Any]
    reason: str | None
    author: Uuid | None
    changed_at: str | None
    reviewed_at: str | None
    reviewed_by: Uuid | None


class NoticeModel(BaseModel):
    code: str
    section: str
    text: str


class SectionStateModel(BaseModel):
    head: FormModel
    entries: list[FormModel]
    missing: list[str]
    notices: list[NoticeModel]
    flags: list[dict[str, Any]]
    own: dict[str, Any] | None
    withheld: bool


class OverviewModel(BaseModel):
    sections: list[SectionStateModel]
    notices: list[NoticeModel]
    withdrawal_risk: dict[str, Any] | None


class DiagnosisListModel(BaseModel):
    items: list[FormModel]
    next_cursor: str | None


class RemovedModel(BaseModel):
    id: Uuid
    state: Literal["entered_in_error"]


def writing_of(body: FormBody, *, patient: bool, expected: int | None, final: bool) -> Writing:
    """The body as the operation takes it; a patient's words are the patient's."""
    return Writing(
        given={key: _given(one, patient=patient) for key, one in body.answers.items()},
        expected=expected,
        final=final,
        reason=body.reason,
        unit=body.unit,
    )


def _given(one: AnswerBody, *, patient: bool) -> Given:
    source = Source.PATIENT if patient and one.source is None else Source(one.source or Source.STAFF)
    absent = None if one.absent is None else Absent(one.absent)
    return Given(
        value=one.value,
        absent=absent,
        source=source,
        certainty=one.certainty,
        confirmed=one.confirm,
        withdrawn=one.value is None and absent is None,
    )


def diagnosis_of(body: DiagnosisBody) -> NewDiagnosis:
    if len(set(body.criteria)) != len(body.criteria):
        twice = FieldError("criteria", "twice", "Each criterion once.")
        raise Invalid(Code.DIAGNOSIS_INVALID, "This diagnosis cannot be recorded as it is.", (twice,))
    return NewDiagnosis(
        substance=body.substance,
        specific=body.specific,
        criteria=tuple(body.criteria),
        code=body.code,
        remission=body.remission,
        controlled_environment=body.controlled_environment,
        dated_on=body.dated_on,
    )


def section_shape(section: Section) -> dict[str, Any]:
    """A section as it is asked."""
    return {
        "key": section.key,
        "number": section.number,
        "title": section.title,
        "kind": section.kind.value,
        "labels": sorted(label.value for label in section.labels),
        "is_list": section.entries is not None,
        "entry_title": section.entry_title,
        "required_when": section.required_when,
        "self_report": section.takes_patient,
        "questions": _questions(section.form),
        "entries": [] if section.entries is None else _questions(section.entries),
    }


def _questions(form: Form) -> list[dict[str, Any]]:
    return [_question(one) for one in form.questions]


def _question(one: Question) -> dict[str, Any]:
    when = one.when
    return {
        "key": one.key,
        "label": one.label,
        "why": one.why,
        "need": one.need.value,
        "type": one.type.value,
        "concept": one.concept,
        "labels": sorted(label.value for label in one.labels),
        "choices": [{"code": choice.code, "label": choice.label} for choice in one.choices],
        "codes": [{"system": code.system, "code": code.code, "source": code.source} for code in one.codes],
        "unit": one.unit,
        "asked_when": None
        if when is None
        else {"question": when.question, "values": list(when.values), "negated": when.negated},
        "self_report": one.self_report,
        "clinician_only": one.clinician_only,
        "certainty": one.certainty,
    }


def form_shape(one: FormView) -> dict[str, Any]:
    return {
        "section": one.section,
        "item_id": one.item_id,
        "version": one.version,
        "state": one.state,
        "answers": one.answers,
        "labels": list(one.labels),
        "derived": one.derived,
        "reason": one.reason,
        "author": one.author_id,
        "changed_at": one.changed_at,
        "reviewed_at": one.reviewed_at,
        "reviewed_by": one.reviewed_by,
    }


def state_shape(one: SectionView) -> dict[str, Any]:
    return {
        "head": form_shape(one.head),
        "entries": [form_shape(entry) for entry in one.entries],
        "missing": list(one.missing),
        "notices": [_notice(notice) for notice in one.notices],
        "flags": [flag_to_json(flag) for flag in one.flags],
        "own": one.own,
        "withheld": one.withheld,
    }


def overview_shape(one: Overview) -> dict[str, Any]:
    risk = one.risk
    return {
        "sections": [state_shape(section) for section in one.sections],
        "notices": [_notice(notice) for notice in one.notices],
        "withdrawal_risk": None if risk is None else {"level": risk.level, "facts": list(risk.facts)},
    }


def _notice(one: Notice) -> Mapping[str, str]:
    return {"code": one.code, "section": one.section, "text": one.text}
