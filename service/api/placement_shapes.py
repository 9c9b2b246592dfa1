"""Bodies and answers of placement."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from service.admission.placement.book import PlacementBook
from service.admission.placement.decision import (
    Ground,
    HandOff,
    NewDecision,
    Override,
    PatientView,
    Safeguard,
    Seen,
    ToolResult,
)
from service.admission.placement.kept import PlacementDecision
from service.admission.placement.reevaluation import Trigger
from service.admission.placement.rules import Outcome
from service.admission.placement.shown import suggestion_then
from service.edge.models import Instant, IsoDate, LongText, ShortText, StrictModel, Uuid

_View = Annotated[PatientView, Field(strict=False)]
_Ground = Annotated[Ground, Field(strict=False)]
_Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Dimension = Annotated[int, Field(ge=1, le=6)]
_Rating = Annotated[int, Field(ge=0, le=4)]
_Edition = Literal[3, 4]


class SeenBody(StrictModel):
    """The suggestion on the screen, as it named itself."""

    computed_at: Instant
    hash: _Hash


class RatingBody(StrictModel):
    dimension: _Dimension
    rating: _Rating


class ToolBody(StrictModel):
    """The result of a licensed placement tool, with its own edition and dimensions: it is kept as it was given."""

    name: ShortText
    edition: _Edition
    level: ShortText
    ratings: Annotated[list[RatingBody], Field(max_length=6)]
    completed_on: IsoDate


class OverrideBody(StrictModel):
    """Why the decision is not what the rules suggest."""

    code: ShortText
    text: LongText
    interim_plan: LongText | None = None
    denial_id: ShortText | None = None
    appeal_offered: bool | None = None
    wrong_fact: ShortText | None = None


class SafeguardBody(StrictModel):
    """Asked for below an EMERGENCY or HIGHER: when the patient is seen again, and what was made sure."""

    follow_up_at: Instant
    safety_plan_id: Uuid | None = None
    clearance_id: Uuid | None = None


class HandOffBody(StrictModel):
    """Who takes over, when, on what ground, and what was sent and given."""

    facility: ShortText
    at: Instant
    ground: _Ground
    sent: Annotated[list[ShortText], Field(max_length=50)]
    consent_id: Uuid | None = None
    naloxone_given: bool = False
    crisis_card_given: bool = False


class DecisionBody(StrictModel):
    """The clinician's decision. `edition` is that of `level`."""

    level: ShortText
    edition: _Edition = 4
    start_date: IsoDate
    patient_view: _View
    suggestion: SeenBody
    rationale: LongText | None = None
    offered_alternatives: Annotated[list[ShortText], Field(max_length=20)] = Field(
        default_factory=list[ShortText]
    )
    arranged: Annotated[list[ShortText], Field(max_length=20)] = Field(
        default_factory=list[ShortText],
        description="What a rule asks for together with a level, such as safe_shelter or recovery_housing.",
    )
    tool: ToolBody | None = None
    override: OverrideBody | None = None
    safeguard: SafeguardBody | None = None
    hand_off: HandOffBody | None = None


class SecondBody(StrictModel):
    """What the second clinician says to it."""

    note: LongText


class TargetModel(BaseModel):
    level: str
    title: str
    given: str | None


class DimensionModel(BaseModel):
    edition: int
    number: int
    name: str


class FactModel(BaseModel):
    fact: str
    value: bool | int | str | None
    stale: bool
    source: str | None
    item_id: str | None
    recorded_at: str | None
    author_id: str | None


class FiredModel(BaseModel):
    """A rule that fired. `class` is a member too."""

    id: str
    outcome: Outcome = Field(alias="class")
    dimensions: list[DimensionModel]
    reason: str
    step: str
    target_levels: list[TargetModel]
    facts: list[FactModel]


class ChangeModel(BaseModel):
    rule: str
    facts: list[str]


class UndecidedModel(BaseModel):
    rule: str
    outcome: Outcome = Field(alias="class")
    facts: list[str]


class ProfileModel(BaseModel):
    id: str
    key: str
    says: str


class ThenModel(BaseModel):
    """A suggestion as it stood when it was decided on."""

    statement: str
    suggestion: Outcome
    target_levels: list[TargetModel]
    rules: list[FiredModel]
    missing: list[str]
    stale: list[str]
    would_change: list[ChangeModel]
    undecided: list[UndecidedModel]
    profiles: list[ProfileModel]
    rule_set_version: str


class LookAgainModel(BaseModel):
    """Why the decision in force is looked at again; `same_day`: it cannot wait for tomorrow."""

    trigger: Trigger
    same_day: bool


class SuggestionModel(ThenModel):
    look_again: list[LookAgainModel]
    computed_at: str
    expires_at: str
    hash: str = Field(description="Names this suggestion in a decision.")


class DecisionModel(BaseModel):
    id: str
    patient_id: str
    episode_id: str
    state: Literal["awaiting_second", "signed", "superseded"]
    level: str
    edition: int
    level_title: str
    start_date: str
    patient_view: str
    rationale: str
    offered_alternatives: list[str]
    arranged: list[str]
    tool: dict[str, Any] | None
    overridden: bool
    override: dict[str, Any] | None
    needs_second: bool
    safeguard: dict[str, Any] | None
    hand_off: dict[str, Any] | None
    decided_by: str
    decided_at: str
    second_by: str | None
    second_at: str | None
    second_note: str
    look_again_at: str
    basis: ThenModel
    version: int


class DecisionsModel(BaseModel):
    items: list[DecisionModel]
    next_cursor: str | None


class ClassFiguresModel(BaseModel):
    decided: int
    overridden: int


class PlacementReportModel(BaseModel):
    since: str = Field(alias="from")
    until: str = Field(alias="to")
    decided: int
    overridden: int
    rate_percent: int | None
    awaiting_second: int
    by_code: dict[str, int]
    by_class: dict[str, ClassFiguresModel]
    unreadable: int
    alerts: list[Literal["override_rate", "unsigned_emergency_override"]]


def decision_of(body: DecisionBody) -> NewDecision:
    """The decision a body gives."""
    tool, override = body.tool, body.override
    return NewDecision(
        level=body.level,
        edition=body.edition,
        start_date=body.start_date,
        patient_view=body.patient_view,
        seen=Seen(body.suggestion.computed_at, body.suggestion.hash),
        rationale=body.rationale or "",
        offered_alternatives=tuple(body.offered_alternatives),
        arranged=frozenset(body.arranged),
        tool=None
        if tool is None
        else ToolResult(
            tool.name,
            tool.edition,
            tool.level,
            {one.dimension: one.rating for one in tool.ratings},
            tool.completed_on,
        ),
        override=None if override is None else Override(**override.model_dump()),
        safeguard=None if body.safeguard is None else Safeguard(**body.safeguard.model_dump()),
        hand_off=None if body.hand_off is None else _hand_off(body.hand_off),
    )


def _hand_off(body: HandOffBody) -> HandOff:
    return HandOff(
        facility=body.facility,
        at=body.at,
        ground=body.ground,
        sent=tuple(body.sent),
        consent_id=body.consent_id,
        naloxone_given=body.naloxone_given,
        crisis_card_given=body.crisis_card_given,
    )


def decision_view(book: PlacementBook, one: PlacementDecision) -> dict[str, Any]:
    """A decision as the API shows it to staff: with the suggestion it stood beside."""
    given, basis = one.basis.given, one.basis
    return {
        "id": one.id,
        "patient_id": one.patient_id,
        "episode_id": one.episode_id,
        "state": one.state.value,
        "level": given.level,
        "edition": given.edition,
        "level_title": book.levels[given.level].title if given.level in book.levels else "",
        "start_date": given.start_date,
        "patient_view": given.patient_view.value,
        "rationale": given.rationale,
        "offered_alternatives": list(given.offered_alternatives),
        "arranged": sorted(given.arranged),
        "tool": None if given.tool is None else _tool(book, given.tool),
        "overridden": one.overridden,
        "override": None if given.override is None else _members(given.override),
        "needs_second": basis.downwards,
        "safeguard": None if given.safeguard is None else _members(given.safeguard),
        "hand_off": None if given.hand_off is None else _members(given.hand_off),
        "decided_by": one.decided_by,
        "decided_at": one.decided_at,
        "second_by": one.second_by,
        "second_at": one.second_at,
        "second_note": basis.second_note,
        "look_again_at": one.expires,
        "basis": suggestion_then(book, basis.suggestion, basis.readings, basis.stale),
        "version": one.version,
    }


def _tool(book: PlacementBook, tool: ToolResult) -> dict[str, Any]:
    """Each rating under the name it was given in; `in_fourth` says where it belongs beside ratings of the 4th."""
    names = book.dimensions[tool.edition].names
    return {
        "name": tool.name,
        "edition": tool.edition,
        "level": tool.level,
        "completed_on": tool.completed_on.isoformat(),
        "ratings": [
            {
                "dimension": number,
                "name": names[number - 1],
                "rating": rating,
                "in_fourth": book.in_fourth(tool.edition, number),
            }
            for number, rating in sorted(tool.ratings.items())
        ],
    }


def _members(one: Override | Safeguard | HandOff) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__dataclass_fields__}
