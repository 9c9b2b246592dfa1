"""Placement as the API shows it."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from service.admission.placement.book import PlacementBook
from service.admission.placement.decision import (
    HandOff,
    Override,
    Safeguard,
    ToolResult,
)
from service.admission.placement.kept import PlacementDecision
from service.admission.placement.reevaluation import Trigger
from service.admission.placement.rules import Outcome
from service.admission.placement.shown import suggestion_then


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
