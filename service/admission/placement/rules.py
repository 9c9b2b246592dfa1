"""The programme admission check as a table: rules and facts as they are in force, and what a suggestion says.

Whether a table of rules is the right one is for its owner; `evaluating` only reads it the same way every time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from service.admission.placement.conditions import Condition, Value

STATEMENT = "Suggestion from entered facts. The clinician decides."


class Outcome(StrEnum):
    """What a rule asks for, strongest first."""

    EMERGENCY = "EMERGENCY"
    HIGHER = "HIGHER"
    MEDICAL_REVIEW = "MEDICAL_REVIEW"
    INCOMPLETE = "INCOMPLETE"
    LOWER = "LOWER"
    IOP_CONDITIONS = "IOP_CONDITIONS"
    IOP = "IOP"

    @property
    def rank(self) -> int:
        """0 is the strongest."""
        return _ORDER[self]


_ORDER = {outcome: place for place, outcome in enumerate(Outcome)}
#: An override of these downwards takes two clinicians.
GUARDED = frozenset({Outcome.EMERGENCY, Outcome.HIGHER})
#: Rules that can say one of these listen to values that have grown old.
HEEDING = frozenset({Outcome.EMERGENCY, Outcome.HIGHER, Outcome.MEDICAL_REVIEW})


class Status(StrEnum):
    """How sure the source of a rule is."""

    SEEN = "seen"
    MEMORY = "memory"
    DESIGN = "design"


@dataclass(frozen=True, slots=True)
class Target:
    """A level a rule points to; with `given`, only together with what it names (a shelter, a recovery house)."""

    level: str
    given: str | None = None


@dataclass(frozen=True, slots=True)
class Branch:
    """What a firing rule says instead, when this holds too."""

    when: Condition
    outcome: Outcome
    targets: tuple[Target, ...]
    step: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table. `dimensions` are those of the 4th edition; `step` is what to do."""

    id: str
    owner: str
    version: int
    dimensions: tuple[int, ...]
    when: Condition
    outcome: Outcome
    targets: tuple[Target, ...]
    step: str
    reason: str
    source: str
    status: Status
    branches: tuple[Branch, ...] = ()

    @property
    def outcomes(self) -> frozenset[Outcome]:
        """Everything it can say."""
        return frozenset({self.outcome, *(branch.outcome for branch in self.branches)})


class FactType(StrEnum):
    YES_NO = "yes_no"
    WHOLE = "whole"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class FactRule:
    """One fact the rules may ask for: what values it has, where it comes from, how long it is fresh."""

    name: str
    title: str
    type: FactType
    choices: tuple[str, ...] = ()
    least: int = 0
    most: int = 0
    instruments: tuple[str, ...] = ()
    fresh_hours: int | None = None
    #: It changes by time alone: hours since, days since, years.
    ages: bool = False

    def admits(self, value: object) -> bool:
        """Whether this can be its value at all."""
        match self.type:
            case FactType.YES_NO:
                return isinstance(value, bool)
            case FactType.WHOLE:
                return type(value) is int and self.least <= value <= self.most
            case FactType.CHOICE:
                return value in self.choices


@dataclass(frozen=True, slots=True)
class ProfileRule:
    """A rule that chooses whom the table is read for, and says nothing about the level."""

    id: str
    key: str
    when: Condition
    says: str


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The table as it is in force. `rules` stand so that a rule comes after those it asks about; `ladder` lists the
    codes of levels from the least intensive to the most.
    """

    version: str
    facts: Mapping[str, FactRule]
    rules: tuple[Rule, ...]
    profiles: tuple[ProfileRule, ...]
    ladder: tuple[str, ...]
    fresh_hours: int = 24


@dataclass(frozen=True, slots=True)
class Fired:
    """A rule that fired, and the facts it rests on as they were."""

    id: str
    dim: tuple[int, ...]
    outcome: Outcome
    facts: Mapping[str, Value | None]
    reason: str
    step: str
    targets: tuple[Target, ...]
    stale: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Undecided:
    """A rule that could fire if these facts were known."""

    id: str
    outcome: Outcome
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What would have to be different for one rule of the strongest class to fall silent."""

    rule: str
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """Whom the table was read for (adolescent, mental health), and what that brings with it."""

    id: str
    key: str
    says: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What the rules say. `levels` are the targets of the strongest class; empty when none can be named before its step
    is done.
    """

    outcome: Outcome
    fired: tuple[Fired, ...]
    missing: tuple[str, ...]
    levels: tuple[Target, ...]
    would_change: tuple[Change, ...]
    undecided: tuple[Undecided, ...]
    profiles: tuple[Profile, ...]
    rule_set_version: str

    @property
    def insisted(self) -> frozenset[str]:
        """Unknown facts without which the table says INCOMPLETE."""
        return frozenset(
            name for one in self.fired if one.outcome is Outcome.INCOMPLETE for name in one.facts
        )
