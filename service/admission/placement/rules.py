"""The programme admission check: facts in, a suggestion with every reason out. The clinician decides.

All rules are looked at, and every rule that fires is shown with the facts it rests on. The suggestion is the strongest
class among them: there is no average, no weight and no score. Whether a table of rules is the right one is for its
owner; here it is only read the same way every time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from service.admission.placement.conditions import Condition, Situation, Truth, Value

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


def evaluate(rules: RuleSet, facts: Mapping[str, Value | None], stale: Iterable[str] = ()) -> Suggestion:
    """What the table says of these facts. A fact that is absent, None or of a value it cannot have is unknown; `stale`
    names those that have grown old.
    """
    known = {
        name: value
        for name, value in facts.items()
        if name in rules.facts and value is not None and rules.facts[name].admits(value)
    }
    old = frozenset(stale) & known.keys()
    fired: list[Fired] = []
    changes: list[Change] = []
    undecided: list[Undecided] = []
    for rule in rules.rules:
        names = frozenset(one.id for one in fired)
        situation = Situation(known, old, names, heeds_stale=not HEEDING.isdisjoint(rule.outcomes))
        found = rule.when.judge(situation)
        if found.truth is Truth.UNKNOWN:
            strongest = min(rule.outcomes, key=lambda one: one.rank)
            undecided.append(Undecided(rule.id, strongest, _in_order(rules, found.open)))
        if found.truth is Truth.TRUE:
            said, rests_on, lifted_by = _said(rule, situation, found.rests_on, found.lifted_by)
            fired.append(_fired(rules, rule, said, known, old, rests_on))
            changes.append(Change(rule.id, _in_order(rules, rests_on | lifted_by)))
    outcome = strongest_of(one.outcome for one in fired)
    strongest = frozenset(one.id for one in fired if one.outcome is outcome)
    return Suggestion(
        outcome=outcome,
        fired=tuple(sorted(fired, key=lambda one: (one.outcome.rank, one.id))),
        missing=_missing(rules, outcome, fired, undecided),
        levels=levels_of(rules, [one for one in fired if one.id in strongest]),
        would_change=tuple(
            sorted((one for one in changes if one.rule in strongest), key=lambda one: one.rule)
        ),
        undecided=tuple(sorted(undecided, key=lambda one: (one.outcome.rank, one.id))),
        profiles=tuple(
            Profile(one.id, one.key, one.says)
            for one in rules.profiles
            if one.when.judge(Situation(known, old)).truth is Truth.TRUE
        ),
        rule_set_version=rules.version,
    )


def strongest_of(outcomes: Iterable[Outcome]) -> Outcome:
    """The strongest class; when nothing fired, nothing is established."""
    return min(outcomes, key=lambda one: one.rank, default=Outcome.INCOMPLETE)


def levels_of(rules: RuleSet, strongest: Iterable[Fired]) -> tuple[Target, ...]:
    """Targets of the rules of the strongest class that satisfy the most demanding of them. None, when one of them names
    no level: its step comes first.
    """
    each = [one.targets for one in strongest]
    if not all(each):
        return ()
    place = {level: at for at, level in enumerate(rules.ladder)}
    floor = max((min(place[one.level] for one in targets) for targets in each), default=0)
    kept = {one for targets in each for one in targets if place[one.level] >= floor}
    return tuple(sorted(kept, key=lambda one: (place[one.level], one.given or "")))


# -- inside


def _said(
    rule: Rule, situation: Situation, rests_on: frozenset[str], lifted_by: frozenset[str]
) -> tuple[Branch, frozenset[str], frozenset[str]]:
    """The strongest thing the rule says here, and what that rests on."""
    said = Branch(rule.when, rule.outcome, rule.targets, rule.step)
    for branch in rule.branches:
        found = branch.when.judge(situation)
        if found.truth is Truth.TRUE and branch.outcome.rank < said.outcome.rank:
            said, rests_on, lifted_by = branch, rests_on | found.rests_on, lifted_by | found.lifted_by
    return said, rests_on, lifted_by


def _fired(
    rules: RuleSet,
    rule: Rule,
    said: Branch,
    known: Mapping[str, Value],
    old: frozenset[str],
    rests_on: frozenset[str],
) -> Fired:
    names = _in_order(rules, rests_on)
    shown = ", ".join(_shown(rules.facts[name], known.get(name)) for name in names)
    reason = rule.reason.replace("{facts}", shown or "nothing of the table applies")
    return Fired(
        id=rule.id,
        dim=rule.dimensions,
        outcome=said.outcome,
        facts={name: known.get(name) for name in names},
        reason=reason,
        step=said.step,
        targets=said.targets,
        stale=tuple(name for name in names if name in old),
    )


def _shown(fact: FactRule, value: Value | None) -> str:
    if value is None:
        return f"{fact.title}: not known"
    word = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value).replace("_", " ")
    return f"{fact.title}: {word}"


def _missing(
    rules: RuleSet, outcome: Outcome, fired: Iterable[Fired], undecided: Iterable[Undecided]
) -> tuple[str, ...]:
    """What somebody has to find out: the facts the table insists on, or else those that would let it say something."""
    insisted = {name for one in fired if one.outcome is Outcome.INCOMPLETE for name in one.facts}
    if not insisted and outcome is Outcome.INCOMPLETE:
        insisted = {name for one in undecided for name in one.facts}
    return _in_order(rules, insisted)


def _in_order(rules: RuleSet, names: Iterable[str]) -> tuple[str, ...]:
    wanted = frozenset(names)
    return tuple(name for name in rules.facts if name in wanted)
