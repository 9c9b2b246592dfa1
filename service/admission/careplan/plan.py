"""A care plan: what is hard, what the person wants instead, how both will see it, and who does what when.

The content is one document, sealed as the content of a record item, so its parts are strict models: what a body may
say, what is stored and what a rule reads have one shape. Signatures, reviews and what was measured since stand beside
the content; every change of any of them is a version of the item. Shapes follow FHIR R4 CarePlan, Goal and
ServiceRequest where those have a word for it (https://hl7.org/fhir/R4/careplan.html).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import Field, model_validator

from service.admission.careplan.parts import (
    Area,
    Clock,
    Code,
    Comparator,
    Day,
    Decided,
    FamilyWord,
    Few,
    Format,
    GoalState,
    Id,
    Key,
    Line,
    Number,
    Part,
    ProblemState,
    SignerKind,
    Source,
    Status,
    Text,
    Weeks,
)
from service.labels import Label


class Evidence(Part):
    """A score with its date, or a fact. `third_party`: somebody else said it; it stays out of the patient's copy."""

    statement: Line
    instrument: Code | None = None
    score: Number | None = None
    dated_on: Day | None = None
    item_id: Id | None = None
    third_party: bool = False


class Problem(Part):
    key: Key
    area: Annotated[Area, Field(strict=False)]
    statement: Line
    priority: Annotated[int, Field(ge=1, le=9)]
    code: Code | None = Field(default=None, description="ICD-10-CM, when there is a diagnosis.")
    state: Annotated[ProblemState, Field(strict=False)] = ProblemState.ACTIVE
    evidence: Few[Evidence] = ()
    labels: Few[Annotated[Label, Field(strict=False)]] = ()
    #: Flags that this problem answers.
    flags: Few[Id] = ()


class Measure(Part):
    source: Annotated[Source, Field(strict=False)]
    code: Code
    comparator: Annotated[Comparator, Field(strict=False)] | None = None
    target: Number | None = None
    unit: Line | None = None
    window_days: Annotated[int, Field(ge=1, le=366)] | None = None
    baseline: Number | None = None
    baseline_on: Day | None = None


class Milestone(Part):
    due: Day
    target: Number
    statement: Line | None = None


class Objective(Part):
    key: Key
    statement: Text
    measure: Measure
    due: Day | None = None
    responsible: Few[Line] = ()
    milestones: Few[Milestone] = ()


class Goal(Part):
    """What the person wants, in their own words (Joint Commission CTS.03.01.03 EP 2), and how both will see it."""

    key: Key
    problem: Key
    own_words: Annotated[str, Field(max_length=4000)] = ""
    template: Code | None = None
    objectives: Few[Objective] = ()
    interventions: Few[Key] = ()
    state: Annotated[GoalState, Field(strict=False)] = GoalState.PROPOSED


class Intervention(Part):
    key: Key
    code: Code
    format: Annotated[Format, Field(strict=False)]
    role: Line | None = None
    times: Annotated[int, Field(ge=1, le=60)] | None = None
    per_days: Annotated[int, Field(ge=1, le=366)] | None = None
    minutes: Annotated[int, Field(ge=1, le=600)] | None = None
    weeks: Annotated[int, Field(ge=1, le=104)] | None = None


class Slot(Part):
    """An hour of the week, on the wall clock of the plan's zone. Without an intervention it is a break."""

    key: Key
    weekday: Annotated[int, Field(ge=0, le=6, description="0 is Monday.")]
    starts: Clock
    minutes: Annotated[int, Field(ge=1, le=720)]
    intervention: Key | None = None
    weeks: Annotated[Weeks, Field(strict=False)] = Weeks.EVERY
    group: Line | None = None
    enrolled: Annotated[int, Field(ge=0, le=500)] | None = Field(
        default=None, description="With this person."
    )
    capacity: Annotated[int, Field(ge=1, le=500)] | None = None
    site: Line | None = None
    remote: bool = False


class Closure(Part):
    on: Day
    reason: Line


class Transition(Part):
    """Fewer hours than the level asks for, on the way out of it: once, for days that are counted."""

    starts_on: Day
    ends_on: Day
    reason: Text


class Medicine(Part):
    name: Line
    purpose: Annotated[str, Field(pattern="^(moud|maud|psychotropic|other)$")]
    prescriber: Line
    note: Line | None = None


class Safety(Part):
    """Links and words; the safety plan itself is a record item of its own."""

    safety_plan: Id | None = None
    overdose_plan: Text | None = None
    naloxone: Annotated[str, Field(pattern="^(given|has|declined|not_indicated)$")] | None = None
    emergency_contact: Line | None = None
    moud_offered_on: Day | None = None
    maud_offered_on: Day | None = None
    #: What a clinician says about a flag that no problem answers, by flag.
    flag_notes: Annotated[dict[str, Text], Field(max_length=30)] = Field(default_factory=dict[str, str])


class Remark(Part):
    text: Line
    third_party: bool = False


class Person(Part):
    """The person beside the problems, in both directions."""

    strengths: Few[Remark] = ()
    barriers: Few[Remark] = ()
    preferences: Few[Remark] = ()
    culture: Line | None = None
    language: Line | None = None
    interpreter_needed: bool = False
    interpreter_arranged: bool = False
    unreachable_sites: Few[Line] = ()


class Busy(Part):
    """When the person works, learns or cares for somebody, as they stated it."""

    weekday: Annotated[int, Field(ge=0, le=6)]
    starts: Clock
    minutes: Annotated[int, Field(ge=1, le=1440)]
    what: Line


class TeamMember(Part):
    """Somebody on the team. Who is outside the program is a recipient of the register."""

    name: Line
    role: Line
    recipient_id: Id | None = None
    purpose: Code = "TREAT"


class Repeated(Part):
    instrument: Code
    every_days: Annotated[int, Field(ge=1, le=366)]


class Aftercare(Part):
    """Where next: also what stands in the discharge summary."""

    level: Code | None = None
    provider: Line | None = None
    first_on: Day | None = None
    last_group_on: Day | None = None
    medicines: Few[Medicine] = ()
    naloxone: bool | None = None
    meetings: Line | None = None
    relapse_plan_given_on: Day | None = None
    follow_up_30: bool = False
    follow_up_90: bool = False


class Leaving(Part):
    """What must be true to move on, and when that was talked over (CTS.03.01.03)."""

    criteria: Few[Line] = ()
    discussed_on: Day | None = None
    aftercare: Aftercare = Aftercare()


class CopyOffered(Part):
    on: Day
    form: Line


class Content(Part):
    """Everything a plan says. What is missing is for the rules: a draft may be far from done."""

    starts_on: Day
    ends_on: Day | None = None
    level: Code = "2.1"
    preliminary: bool = False
    time_zone: Line
    review_on: Day
    reviewer: Line | None = None
    problems: Few[Problem] = ()
    goals: Few[Goal] = ()
    interventions: Few[Intervention] = ()
    slots: Few[Slot] = ()
    closures: Few[Closure] = ()
    transition: Transition | None = None
    authorised_units: Annotated[int, Field(ge=0, le=500)] | None = Field(
        default=None, description="Days of service a week that the payer authorised."
    )
    medicines: Few[Medicine] = ()
    safety: Safety = Safety()
    person: Person = Person()
    busy: Few[Busy] = ()
    team: Few[TeamMember] = ()
    measures: Few[Repeated] = ()
    family: Annotated[FamilyWord, Field(strict=False)] | None = None
    family_note: Line | None = None
    leaving: Leaving = Leaving()
    copy_offered: CopyOffered | None = None
    #: A clinician's word on a gate, by gate.
    gate_notes: Annotated[dict[str, Text], Field(max_length=20)] = Field(default_factory=dict[str, str])

    @model_validator(mode="after")
    def _tells_its_parts_apart(self) -> "Content":
        """A zone there is, and no key twice: what refers to a part means one."""
        if self.time_zone not in available_timezones():
            raise ValueError("not a zone of the IANA time zone database")
        objectives = [f"{goal.key}.{one.key}" for goal in self.goals for one in goal.objectives]
        for keys in (
            [one.key for one in self.problems],
            [one.key for one in self.goals],
            objectives,
            [one.key for one in self.interventions],
            [one.key for one in self.slots],
        ):
            if len(set(keys)) != len(keys):
                raise ValueError("a key stands twice")
        return self


class Signature(Part):
    """Somebody's word on one version of the content. `decision` is the patient's, or why there is none."""

    kind: Annotated[SignerKind, Field(strict=False)]
    account_id: Id
    at: str
    content_version: int
    name: Line | None = None
    decision: Annotated[Decided, Field(strict=False)] | None = None
    reason: Line | None = None
    trainee: bool = False


class Taken(Part):
    """A value measured on a day: the score of an instrument, a test, a day of use, something done."""

    code: Code
    value: Number
    on: Day
    at: str
    account_id: Id
    goal: Key | None = None
    objective: Key | None = None
    note: Text | None = None


class GoalStep(Part):
    """A goal that changed its state, by a measured value or a clinician's note (what it rested on is kept)."""

    goal: Key
    before: Annotated[GoalState, Field(strict=False)]
    after: Annotated[GoalState, Field(strict=False)]
    at: str
    account_id: Id
    note: Text | None = None
    taken: Few[Taken] = ()


class Review(Part):
    """The plan gone through with the person, and the day by which it is gone through again."""

    at: str
    on: Day
    account_id: Id
    summary: Text
    next_on: Day
    patient_took_part: bool
    content_version: int


class Used(Part):
    """An assessment the plan rests on, at the version it had."""

    item_id: Id
    instrument: Code
    version: int


class Basis(Part):
    placement: Id | None = None
    assessments: Few[Used] = ()


class Kept(Part):
    """What is sealed: the content, and what has happened to it."""

    content: Content
    content_version: int = 1
    basis: Basis = Basis()
    signatures: Few[Signature] = ()
    reviews: Few[Review] = ()
    taken: Annotated[tuple[Taken, ...], Field(strict=False)] = ()
    steps: Annotated[tuple[GoalStep, ...], Field(strict=False)] = ()
    activated_at: str | None = None
    ended_reason: Text | None = None

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")

    @staticmethod
    def from_json(stored: Mapping[str, Any]) -> "Kept":
        return Kept.model_validate(stored)


@dataclass(frozen=True, slots=True, repr=False)
class CarePlan:
    """One version of a plan. `review_on` and `starts_on` are clear in its row; the rest is sealed."""

    id: UUID
    patient_id: UUID
    episode_id: UUID
    unit: str
    status: Status
    version: int
    author_id: UUID
    labels: frozenset[Label]
    kept: Kept
    created_at: datetime
    changed_at: datetime

    @property
    def content(self) -> Content:
        return self.kept.content

    @property
    def signatures(self) -> tuple[Signature, ...]:
        """Those that are on the content as it stands."""
        return tuple(one for one in self.kept.signatures if one.content_version == self.kept.content_version)


class Outcome(StrEnum):
    """What became of a session."""

    ATTENDED = "attended"
    MISSED = "missed"
    EXCUSED = "excused"


@dataclass(frozen=True, slots=True, repr=False)
class Visit:
    """A session that was to be held. `code` is the catalogue's; `format` in person, by video, in a group ...; `error`
    why it was entered in error.
    """

    id: UUID
    patient_id: UUID
    episode_id: UUID
    held_on: date
    minutes: int
    outcome: Outcome
    format: str = ""
    code: str | None = None
    reason: str | None = None
    version: int = 1
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """Minutes on one axis, the end not included."""

    starts: int
    ends: int
    key: str = field(default="", compare=False)
