"""What a care plan says: what is hard, what the person wants instead, how both will see it, and who does what when.

The content is one document, sealed as the content of a record item, so its parts are strict models: what a body may
say, what is stored and what a rule reads have one shape. Shapes follow FHIR R4 CarePlan, Goal and ServiceRequest where
those have a word for it (https://hl7.org/fhir/R4/careplan.html).
"""

from typing import Annotated
from zoneinfo import available_timezones

from pydantic import Field, model_validator

from service.admission.careplan.parts import (
    Area,
    Clock,
    Code,
    Comparator,
    Day,
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
    Source,
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
