"""What a form can say, and conditions over it: the vocabulary of skip rules, bands, flags and labels.

A condition is true, false, or open: open means that answers not yet given (or not acceptable) decide it. So
a flag rests only on what is certain. A partial sum that has reached its threshold can only rise, and
therefore holds; a sum that must stay low is open until the last item is answered. Conditions look at
readings (an answer that has passed its item's own value list), never at raw input, so that garbage in one
item cannot hide a positive answer in another.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Word(StrEnum):
    """What an item can hold instead of a value. `NOT_ASKED`: skipped by the instrument's own rule."""

    DECLINED = "declined"
    UNANSWERED = "unanswered"
    OUT_OF_RANGE = "out_of_range"
    NOT_ASKED = "not_asked"


#: One item as it was read: a value from the item's own list (of a multiple choice, the number of options
#: chosen that are not exclusive), or a word.
Reading = int | Word

#: True, False, or None while it is open.
Truth = bool | None


@dataclass(frozen=True, slots=True)
class Span:
    """Where a sum must end: between these, whatever is still answered. Equal when nothing is open."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Situation:
    """What a condition is asked about. `band` is None until it is known, and where there is none."""

    readings: Mapping[str, Reading]
    context: Mapping[str, str]
    span: Callable[[str], Span]
    band: str | None = None


@dataclass(frozen=True, slots=True)
class ItemCondition:
    """Holds when any of the items has a value from `at_least` to `at_most`, or the word that counts.

    A refusal that does not count leaves it open: it says neither yes nor no. A skipped item counts as 0.
    `refused` counts an answer that is not one of the item's options.
    """

    any_of: tuple[str, ...]
    at_least: int | None = None
    at_most: int | None = None
    declined: bool = False
    unanswered: bool = False
    refused: bool = False

    def truth(self, situation: Situation) -> Truth:
        return either(self._counts(situation.readings[key]) for key in self.any_of)

    def _counts(self, reading: Reading) -> Truth:
        match reading:
            case Word.DECLINED:
                return self.declined or None
            case Word.UNANSWERED:
                return self.unanswered or None
            case Word.OUT_OF_RANGE:
                return self.refused or None
            case Word.NOT_ASKED:
                return self._within(0)
            case _:
                return self._within(reading)

    def _within(self, value: int) -> bool:
        if self.at_least is None and self.at_most is None:
            return False
        high_enough = self.at_least is None or value >= self.at_least
        return high_enough and (self.at_most is None or value <= self.at_most)


@dataclass(frozen=True, slots=True)
class ScaleCondition:
    """Holds when the scale (`total`, or one of the instrument's subscales) ends from `at_least` to
    `at_most`, whatever is still open.
    """

    scale: str
    at_least: int | None = None
    at_most: int | None = None

    def truth(self, situation: Situation) -> Truth:
        span = situation.span(self.scale)
        if self.at_least is not None and span.most < self.at_least:
            return False
        if self.at_most is not None and span.least > self.at_most:
            return False
        certain = self.at_least is None or span.least >= self.at_least
        return (certain and (self.at_most is None or span.most <= self.at_most)) or None


@dataclass(frozen=True, slots=True)
class ExceedsCondition:
    """Holds when one scale ends above another, whatever is still open."""

    scale: str
    above: str

    def truth(self, situation: Situation) -> Truth:
        one, other = situation.span(self.scale), situation.span(self.above)
        if one.least > other.most:
            return True
        return False if one.most <= other.least else None


@dataclass(frozen=True, slots=True)
class ContextCondition:
    """Holds when what is known beside the answers is one of these; with `negated`, when it is none of them or
    not known.
    """

    key: str
    values: frozenset[str]
    negated: bool = False

    def truth(self, situation: Situation) -> Truth:
        return (situation.context.get(self.key) in self.values) is not self.negated


@dataclass(frozen=True, slots=True)
class BandCondition:
    """Holds when the form ended in one of these bands."""

    bands: frozenset[str]

    def truth(self, situation: Situation) -> Truth:
        return situation.band in self.bands


@dataclass(frozen=True, slots=True)
class AllOf:
    """Holds when every part does."""

    parts: "tuple[Condition, ...]"

    def truth(self, situation: Situation) -> Truth:
        found = [part.truth(situation) for part in self.parts]
        if False in found:
            return False
        return None if None in found else True


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds when at least one part does."""

    parts: "tuple[Condition, ...]"

    def truth(self, situation: Situation) -> Truth:
        return either(part.truth(situation) for part in self.parts)


Condition = (
    ItemCondition | ScaleCondition | ExceedsCondition | ContextCondition | BandCondition | AllOf | AnyOf
)


def either(found: Iterable[Truth]) -> Truth:
    """True when one is, False when all are, open otherwise."""
    seen = list(found)
    if True in seen:
        return True
    return None if None in seen else False


def parts_of(condition: Condition) -> Iterable[Condition]:
    """The condition and everything inside it."""
    yield condition
    if isinstance(condition, AllOf | AnyOf):
        for part in condition.parts:
            yield from parts_of(part)


def condition_to_json(condition: Condition) -> dict[str, Any]:
    """The condition as its file states it, for whoever renders the form."""
    match condition:
        case ItemCondition():
            limits = {"at_least": condition.at_least, "at_most": condition.at_most}
            words = {"declined": condition.declined, "unanswered": condition.unanswered}
            return {"any_of": list(condition.any_of), **limits, **words, "refused": condition.refused}
        case ScaleCondition():
            return {"scale": condition.scale, "at_least": condition.at_least, "at_most": condition.at_most}
        case ExceedsCondition():
            return {"scale": condition.scale, "above": condition.above}
        case ContextCondition():
            return {
                "context": condition.key,
                "is_not" if condition.negated else "is": sorted(condition.values),
            }
        case BandCondition():
            return {"band": sorted(condition.bands)}
        case AllOf():
            return {"all": [condition_to_json(part) for part in condition.parts]}
        case AnyOf():
            return {"any": [condition_to_json(part) for part in condition.parts]}
