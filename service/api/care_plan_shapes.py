"""Care plans as the API takes and shows them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from service.admission.careplan import hours
from service.admission.careplan.book import CarePlanBook
from service.admission.careplan.content import Content
from service.admission.careplan.lifecycle import acts_from
from service.admission.careplan.operations import Shown
from service.admission.careplan.parts import Decided, GoalState, Number, SignerKind, Weeks
from service.admission.careplan.plan import CarePlan
from service.edge.models import Instant, IsoDate, LongText, ShortText, StrictModel, Uuid

StatusName = Literal["draft", "active", "on_hold", "completed", "revoked"]


class PlanBody(Content):
    """A draft, whole: what is left out is not in the plan. Findings say what it still lacks."""


class NewPlanBody(PlanBody):
    episode_id: Uuid | None = Field(
        default=None, description="The patient's open episode, unless it is named."
    )


class SignatureBody(StrictModel):
    """`name` and `decision` of a patient who signs; `reason` when the word is anything but agreement."""

    kind: SignerKind = Field(strict=False)
    name: ShortText | None = None
    decision: Annotated[Decided, Field(strict=False)] | None = None
    reason: ShortText | None = None
    trainee: bool = Field(default=False, description="A supervisor co-signs within the hours of the profile.")


class ReviewBody(StrictModel):
    """`plan`: a new text; without one the plan goes on as it is until `next_on`."""

    summary: LongText
    next_on: IsoDate
    patient_took_part: bool
    plan: PlanBody | None = None


class StatusBody(StrictModel):
    act: Literal["hold", "resume", "complete", "revoke"]
    reason: LongText


class ActivationBody(StrictModel):
    """Nothing to say: the draft says it."""


class ValueBody(StrictModel):
    """A value measured on a day: an instrument's score by its key, `uds` (0 negative, 1 positive), `use_day` (1 or 0),
    `use_days` (days of use counted over two weeks), or the code of an event.
    """

    code: Annotated[str, Field(min_length=1, max_length=40)]
    value: Number
    on: IsoDate
    goal: ShortText | None = None
    objective: ShortText | None = None
    note: Annotated[str, Field(min_length=1, max_length=4000)] | None = None


class GoalStatusBody(StrictModel):
    state: GoalState = Field(strict=False)
    note: Annotated[str, Field(min_length=1, max_length=4000)] | None = None
    value: ValueBody | None = None


class FindingModel(BaseModel):
    rule: str
    code: str
    severity: Literal["E", "W"]
    field: str
    message: str
    source: str


class SignatureModel(BaseModel):
    kind: str
    account_id: Uuid
    at: str
    name: str | None
    decision: str | None
    reason: str | None
    trainee: bool
    current: bool = Field(description="On the text as it stands.")


class ReviewModel(BaseModel):
    on: IsoDate
    at: str
    account_id: Uuid
    summary: str
    next_on: IsoDate
    patient_took_part: bool


class SharingModel(BaseModel):
    recipient_id: Uuid
    consent: Literal["active", "ended", "none"]
    blocked: bool


class CarePlanModel(BaseModel):
    id: Uuid
    patient_id: Uuid
    episode_id: Uuid
    unit: str
    status: StatusName
    version: int
    labels: list[str]
    plan: Content
    hours_per_week: list[float] = Field(description="Planned therapeutic hours of odd and of even weeks.")
    basis: dict[str, Any]
    signatures: list[SignatureModel]
    reviews: list[ReviewModel]
    values: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    findings: list[FindingModel]
    carried_over: list[str] = Field(
        description="Places whose text an earlier plan or version of this patient's said: no fault."
    )
    sharing: list[SharingModel]
    overdue: bool
    can: list[str]
    activated_at: str | None
    ended_reason: str | None
    created_at: Instant
    changed_at: Instant


class PlanLineModel(BaseModel):
    id: Uuid
    episode_id: Uuid
    status: StatusName
    preliminary: bool
    level: str
    starts_on: IsoDate
    review_on: IsoDate
    version: int


class PlansModel(BaseModel):
    items: list[PlanLineModel]
    next_cursor: str | None


class PatientGoalModel(BaseModel):
    in_your_words: str
    state: str
    steps: list[dict[str, Any]]
    helped_by: list[str]


class PatientPlanModel(BaseModel):
    """The patient's copy: nothing anybody else said."""

    id: Uuid
    patient_id: Uuid
    episode_id: Uuid
    status: StatusName
    version: int
    starts_on: IsoDate
    review_on: IsoDate
    problems: list[dict[str, Any]]
    goals: list[PatientGoalModel]
    week: list[str]
    medicines: list[str]
    strengths: list[str]
    preferences: list[str]
    team: list[dict[str, str]]
    safety_plan_id: Uuid | None
    overdose_plan: str | None
    done_when: list[str]
    next: dict[str, Any]


class BundleModel(BaseModel):
    """A FHIR R4 Bundle of type collection."""

    resourceType: Literal["Bundle"]  # noqa: N815 -- the name is FHIR's
    type: Literal["collection"]
    timestamp: str
    entry: list[dict[str, Any]]


def content_of(body: PlanBody) -> Content:
    """The plan alone, without what only the request says."""
    return Content(**{name: getattr(body, name) for name in Content.model_fields})


def plan_view(shown: Shown, book: CarePlanBook) -> dict[str, Any]:
    """A plan as staff see it."""
    plan = shown.plan
    kept = plan.kept.to_json()
    current = plan.kept.content_version
    return {
        "id": plan.id,
        "patient_id": plan.patient_id,
        "episode_id": plan.episode_id,
        "unit": plan.unit,
        "status": plan.status.value,
        "version": plan.version,
        "labels": sorted(label.value for label in plan.labels),
        "plan": kept["content"],
        "hours_per_week": [
            hours.rounded(hours.planned(plan.content, book, kind)) for kind in (Weeks.ODD, Weeks.EVEN)
        ],
        "basis": kept["basis"],
        "signatures": [
            {
                "kind": one.kind.value,
                "account_id": one.account_id,
                "at": one.at,
                "name": one.name,
                "decision": None if one.decision is None else one.decision.value,
                "reason": one.reason,
                "trainee": one.trainee,
                "current": one.content_version == current,
            }
            for one in plan.kept.signatures
        ],
        "reviews": [{name: one[name] for name in ReviewModel.model_fields} for one in kept["reviews"]],
        "values": kept["taken"],
        "steps": kept["steps"],
        "findings": [
            {name: getattr(one, name) for name in FindingModel.model_fields} for one in shown.findings
        ],
        "carried_over": list(shown.carried),
        "sharing": [
            {"recipient_id": recipient, "consent": word, "blocked": word != "active"}
            for recipient, word in sorted(shown.sharing.items())
        ],
        "overdue": shown.overdue,
        "can": [act.value for act in acts_from(plan.status)],
        "activated_at": plan.kept.activated_at,
        "ended_reason": plan.kept.ended_reason,
        "created_at": plan.created_at,
        "changed_at": plan.changed_at,
    }


def plan_line(plan: CarePlan) -> dict[str, Any]:
    """A plan in a list."""
    return {
        "id": plan.id,
        "episode_id": plan.episode_id,
        "status": plan.status.value,
        "preliminary": plan.content.preliminary,
        "level": plan.content.level,
        "starts_on": plan.content.starts_on,
        "review_on": plan.content.review_on,
        "version": plan.version,
    }
