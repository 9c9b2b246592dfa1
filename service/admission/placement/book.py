"""What `policies/placement` says, read: rules, levels and dimensions of both editions, what an override has to say."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from service.admission.placement.rules import Rule, RuleSet

#: The two editions whose codes and dimensions are told apart.
EDITIONS: Final = (3, 4)


@dataclass(frozen=True, slots=True)
class Level:
    """One level of care; `hours` of clinical service a week by age group, where the code sets them."""

    code: str
    editions: tuple[int, ...]
    title: str
    hours: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Dimensions:
    """The dimensions of one edition: names in order, which of them carry a rating, and where each belongs in the 4th."""

    edition: int
    names: tuple[str, ...]
    rated: frozenset[int]
    in_fourth: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class OverrideCode:
    """A reason to decide otherwise; `needs` names the fields without which it is not accepted."""

    code: str
    title: str
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reevaluation:
    """When a placement is looked at again, in numbers."""

    day: int
    missed_in_a_row: int
    step_up_rules: frozenset[str]
    step_up_missed_days: int
    step_up_use_days_of_7: int
    step_up_relapses_of_14: int


@dataclass(frozen=True, slots=True)
class Demands:
    """What decisions are held to."""

    override_codes: Mapping[str, OverrideCode]
    least_characters: int
    follow_up_hours: int
    suggestion_hours: int
    alert_percent: int
    reevaluation: Reevaluation


@dataclass(frozen=True, slots=True)
class StateProfile:
    """Rules one state adds; in force only where decisions.yaml names it and the program is of that state."""

    key: str
    state: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class PlacementBook:
    """Everything of the folder. `core` is the table without any state's rules."""

    core: RuleSet
    levels: Mapping[str, Level]
    offered: frozenset[str]
    dimensions: Mapping[int, Dimensions]
    demands: Demands
    profiles: Mapping[str, StateProfile]
    profiles_on: frozenset[str]

    def rules_for(self, state: str) -> RuleSet:
        """The table for a program of this state."""
        added = [one for key, one in self.profiles.items() if key in self.profiles_on and one.state == state]
        if not added:
            return self.core
        version = "+".join((self.core.version, *(one.key for one in added)))
        extra = tuple(rule for one in added for rule in one.rules)
        return replace(self.core, version=version, rules=self.core.rules + extra)

    def place(self, level: str) -> int:
        """Where a level stands on the ladder; 0 is the least intensive."""
        return self.core.ladder.index(level)

    def in_fourth(self, edition: int, dimension: int) -> int | None:
        """The dimension of the 4th edition a rating belongs to; None where it has none. For showing side by side: the
        rating itself stays what it was given as.
        """
        return self.dimensions[edition].in_fourth.get(dimension)
