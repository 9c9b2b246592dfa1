"""What a form can raise: flags that ask somebody to act, and findings that only inform.

A flag is raised by a rule of data in the instrument's file, when its condition certainly holds
(`conditions.py`). A refused or unfinished form raises the flags of the answers that are acceptable.
"""

from dataclasses import dataclass
from enum import StrEnum

from service.intake.conditions import Condition, Situation


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


@dataclass(frozen=True, slots=True)
class FlagRule:
    """When a flag is raised, and what it asks for. `only` narrows it to some outcomes; empty means every
    outcome. `follow_up`: the instrument to give next.
    """

    code: str
    severity: Severity
    message: str
    next_step: str
    task: str | None
    when: Condition
    unless: Condition | None = None
    only: frozenset[Status] = frozenset()
    follow_up: str | None = None

    def raised(self, situation: Situation, status: Status) -> bool:
        if self.only and status not in self.only:
            return False
        if self.unless is not None and self.unless.truth(situation):
            return False
        return self.when.truth(situation) is True


@dataclass(frozen=True, slots=True)
class FindingRule:
    """What a pattern of answers means to a clinician, beside total and band; only of a complete form."""

    code: str
    text: str
    when: Condition


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding as it was made: it informs a clinician and asks nobody to act."""

    code: str
    text: str


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
MEASURE_CONFLICT = Flag(
    code="measure_conflict",
    severity=Severity.REVIEW,
    message="An answer differs from what the measurement beside it amounts to.",
    next_step="Measure again and correct whichever is wrong.",
    task="resolve_answers",
)
