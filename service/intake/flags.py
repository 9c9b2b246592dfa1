"""Flags: what an assessment makes somebody do, and the conditions on answers that raise them.

A flag is raised by a rule of data in the instrument's file. Conditions look at readings (an answer that has
passed its item's own value list), never at raw input, so that garbage in one item cannot hide a positive
answer in another.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Word(StrEnum):
    """What an item can hold instead of a value."""

    DECLINED = "declined"
    UNANSWERED = "unanswered"
    OUT_OF_RANGE = "out_of_range"


#: One item as it was read: a value from the item's own list, or a word.
Reading = int | Word


class Severity(StrEnum):
    """How soon somebody must act; `FORM` speaks about the form, not about the patient."""

    URGENT = "urgent"
    SAME_DAY = "same_day"
    REVIEW = "review"
    FORM = "form"


class Status(StrEnum):
    """What became of the form."""

    COMPLETE = "complete"
    PRORATED = "prorated"
    INCOMPLETE = "incomplete"
    NEEDS_REVIEW = "needs_review"
    REJECTED = "rejected"


class FlagState(StrEnum):
    """A raised flag stays open until somebody says what was done about it."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True, slots=True)
class ItemCondition:
    """Holds when any of the items has a value of at least `at_least`, or is declined or unanswered where
    that counts.
    """

    any_of: tuple[str, ...]
    at_least: int | None = None
    declined: bool = False
    unanswered: bool = False

    def holds(self, readings: Mapping[str, Reading]) -> bool:
        return any(self._counts(readings[key]) for key in self.any_of)

    def undecided(self, readings: Mapping[str, Reading]) -> bool:
        """It does not hold, but an item that could still make it hold has no valid answer yet."""
        open_words = (Word.UNANSWERED, Word.OUT_OF_RANGE)
        return not self.holds(readings) and any(readings[key] in open_words for key in self.any_of)

    def _counts(self, reading: Reading) -> bool:
        match reading:
            case Word.DECLINED:
                return self.declined
            case Word.UNANSWERED:
                return self.unanswered
            case Word.OUT_OF_RANGE:
                return False
            case _:
                return self.at_least is not None and reading >= self.at_least


@dataclass(frozen=True, slots=True)
class TotalCondition:
    """Holds when there is a total (estimated or not) of at least this; without a total it does not hold."""

    at_least: int


@dataclass(frozen=True, slots=True)
class FlagRule:
    """When a flag is raised, and what it asks for. `only` narrows it to some outcomes; empty means every
    outcome.
    """

    code: str
    severity: Severity
    message: str
    next_step: str
    task: str | None
    when: ItemCondition | TotalCondition
    unless: ItemCondition | None = None
    only: frozenset[Status] = frozenset()

    def raised(self, readings: Mapping[str, Reading], total: int | None, status: Status) -> bool:
        if self.only and status not in self.only:
            return False
        if self.unless is not None and self.unless.holds(readings):
            return False
        match self.when:
            case ItemCondition():
                return self.when.holds(readings)
            case TotalCondition():
                return total is not None and total >= self.when.at_least


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag as it was raised. A flag with a task is kept until somebody acknowledges it with an action."""

    code: str
    severity: Severity
    message: str
    next_step: str
    task: str | None

    @staticmethod
    def from_rule(rule: FlagRule) -> "Flag":
        return Flag(rule.code, rule.severity, rule.message, rule.next_step, rule.task)


#: Flags that belong to every instrument: they are about how the form was filled in.
OUT_OF_RANGE = Flag(
    code="out_of_range",
    severity=Severity.FORM,
    message="An answer is not one of the item's options, or the form has the wrong items.",
    next_step="Correct the answers that are listed.",
    task=None,
)
SKIP_CONFLICT = Flag(
    code="skip_conflict",
    severity=Severity.REVIEW,
    message="An item was answered that the earlier answers say is not asked.",
    next_step="Go through the form with the patient again and resolve the contradiction.",
    task="resolve_answers",
)
