"""The closed language in which a placement rule says when it fires.

Facts have three states: a value, or nothing known. Conditions follow Kleene's strong logic over them: what is not known
is neither yes nor no, and `unless` is lifted only by what is known. Every judgement names the facts it rests on, so that
a reason can show them, and those that would have to be known, so that a screen can ask for them.

An old value can worry and cannot reassure: where a rule heeds it, a stale fact counts if it makes the rule fire, and is
unknown otherwise. A suicide screen of last week that was high is not taken back by its age.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

Value = bool | int | str
_NONE: frozenset[str] = frozenset()


class Truth(StrEnum):
    """Kleene's three."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Judgement:
    """How a condition came out. `rests_on`: facts that make it true. `lifted_by`: facts that could take it back by
    becoming known or different. `open`: facts that are not known and keep it from being decided.
    """

    truth: Truth
    rests_on: frozenset[str] = _NONE
    lifted_by: frozenset[str] = _NONE
    open: frozenset[str] = _NONE


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known of one patient. `heeds_stale`: this rule listens to values that have grown old."""

    facts: Mapping[str, Value | None]
    stale: frozenset[str] = _NONE
    fired: frozenset[str] = _NONE
    heeds_stale: bool = False

    def known(self, fact: str) -> bool:
        """Known as of now."""
        return self.facts.get(fact) is not None and fact not in self.stale


class Operator(StrEnum):
    """How a fact is compared. There is no "is not": a negation would make something of what is not known."""

    IS = "is"
    ONE_OF = "one_of"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"


class Condition(Protocol):
    """Anything of this module that can be judged."""

    def judge(self, situation: Situation) -> Judgement: ...


@dataclass(frozen=True, slots=True)
class Compare:
    """One fact against a value, or against several of which one must be it."""

    fact: str
    operator: Operator
    values: tuple[Value, ...]

    def judge(self, situation: Situation) -> Judgement:
        value = situation.facts.get(self.fact)
        if value is None:
            return Judgement(Truth.UNKNOWN, open=frozenset({self.fact}))
        if self.fact in situation.stale and not (situation.heeds_stale and self._holds(value)):
            return Judgement(Truth.UNKNOWN, open=frozenset({self.fact}))
        if self._holds(value):
            return Judgement(Truth.TRUE, rests_on=frozenset({self.fact}))
        return Judgement(Truth.FALSE)

    def _holds(self, value: Value) -> bool:
        if self.operator in (Operator.IS, Operator.ONE_OF):
            return any(type(value) is type(one) and value == one for one in self.values)
        wanted = self.values[0]
        if isinstance(value, str) or isinstance(wanted, str):
            return False
        return value >= wanted if self.operator is Operator.AT_LEAST else value <= wanted


@dataclass(frozen=True, slots=True)
class Unknown:
    """True while a fact is not known as of now: the one condition that asks for ignorance."""

    fact: str

    def judge(self, situation: Situation) -> Judgement:
        if situation.known(self.fact):
            return Judgement(Truth.FALSE)
        return Judgement(Truth.TRUE, rests_on=frozenset({self.fact}))


@dataclass(frozen=True, slots=True)
class NotFired:
    """True when none of these rules fired."""

    rules: tuple[str, ...]

    def judge(self, situation: Situation) -> Judgement:
        fired = any(rule in situation.fired for rule in self.rules)
        return Judgement(Truth.FALSE if fired else Truth.TRUE)


@dataclass(frozen=True, slots=True)
class Unless:
    """True until the part is known to be true; a stale value never lifts anything."""

    part: Condition

    def judge(self, situation: Situation) -> Judgement:
        found = self.part.judge(Situation(situation.facts, situation.stale, situation.fired))
        if found.truth is Truth.TRUE:
            return Judgement(Truth.FALSE)
        return Judgement(Truth.TRUE, lifted_by=facts_in(self.part))


@dataclass(frozen=True, slots=True)
class Every:
    """True when every part is; false as soon as one part is false."""

    parts: tuple[Condition, ...]

    def judge(self, situation: Situation) -> Judgement:
        found = [part.judge(situation) for part in self.parts]
        if any(one.truth is Truth.FALSE for one in found):
            return Judgement(Truth.FALSE)
        if any(one.truth is Truth.UNKNOWN for one in found):
            return Judgement(Truth.UNKNOWN, open=_NONE.union(*(one.open for one in found)))
        return _true(found)


@dataclass(frozen=True, slots=True)
class Some:
    """True when a part is; false only when every part is false."""

    parts: tuple[Condition, ...]

    def judge(self, situation: Situation) -> Judgement:
        found = [part.judge(situation) for part in self.parts]
        if holding := [one for one in found if one.truth is Truth.TRUE]:
            return _true(holding)
        if any(one.truth is Truth.UNKNOWN for one in found):
            return Judgement(Truth.UNKNOWN, open=_NONE.union(*(one.open for one in found)))
        return Judgement(Truth.FALSE)


def _true(found: list[Judgement]) -> Judgement:
    return Judgement(
        Truth.TRUE,
        rests_on=_NONE.union(*(one.rests_on for one in found)),
        lifted_by=_NONE.union(*(one.lifted_by for one in found)),
    )


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything a condition names, for whoever checks the table."""

    compared: tuple[Compare, ...] = ()
    asked_unknown: frozenset[str] = field(default=_NONE)
    not_fired: frozenset[str] = field(default=_NONE)


def parts_of(condition: Condition) -> Parts:
    """What stands in a condition, at any depth."""
    match condition:
        case Compare():
            return Parts(compared=(condition,))
        case Unknown(fact=fact):
            return Parts(asked_unknown=frozenset({fact}))
        case NotFired(rules=rules):
            return Parts(not_fired=frozenset(rules))
        case Unless(part=part):
            return parts_of(part)
        case Every(parts=parts) | Some(parts=parts):
            found = [parts_of(part) for part in parts]
            return Parts(
                compared=tuple(one for each in found for one in each.compared),
                asked_unknown=_NONE.union(*(each.asked_unknown for each in found)),
                not_fired=_NONE.union(*(each.not_fired for each in found)),
            )
        case _:
            raise TypeError("not a condition of this language")


def facts_in(condition: Condition) -> frozenset[str]:
    """Every fact a condition looks at."""
    parts = parts_of(condition)
    return frozenset(one.fact for one in parts.compared) | parts.asked_unknown
