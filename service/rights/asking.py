"""What a patient may ask for, and how a restriction is answered and ended (42 CFR 2.26; 45 CFR 164.522(a)).

Anybody may ask for anything about treatment, payment and operations; nothing here weighs a request. Two things are
refused as they stand: a restriction on what the law requires or permits otherwise, because agreeing would promise what
the program cannot keep, and a request in which something that must be agreed to is mixed with something that need not
be, because declining the whole would then decline the part.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

from service.errors import FieldError
from service.rights.restricting import CLASSES, PLAN_CLASSES
from service.rights.restriction import Restriction

#: A restriction ends by the program's own word only for records made later (164.522(a)(2)(iii)).
ENDING_CITATION: Final = "45 CFR 164.522(a)(2)"


class Ending(StrEnum):
    """How a restriction is ended."""

    PATIENT_WRITTEN = "patient_written"
    PATIENT_ORAL_DOCUMENTED = "patient_oral_documented"
    PROGRAM_NOTICE = "program_notice"


@dataclass(frozen=True, slots=True, repr=False)
class NewRestriction:
    """What is asked for, as given. `kinds` None: only the items named. `classes`: legal classes of purpose."""

    kinds: Literal["all"] | frozenset[str] | None
    items: frozenset[UUID]
    recipients: Literal["all"] | frozenset[UUID]
    classes: frozenset[str]
    #: Purposes of use by code; each stands for its legal class.
    purposes: frozenset[str] = frozenset()
    paid_in_full: bool = False
    required_by_law: bool = False
    reason: str = ""


def faults_of(new: NewRestriction, plans: frozenset[UUID]) -> tuple[FieldError, ...]:
    """Everything that keeps a request from being recorded as it is; `plans` are the health plans it names."""
    faults: list[FieldError] = []
    if not new.kinds and not new.items:
        faults.append(
            FieldError("kinds", "missing", "Say which kinds of records, or which items, it is about.")
        )
    if new.kinds == "all" and new.items:
        faults.append(FieldError("items", "contradicts_all", "All records are meant already."))
    if not new.recipients:
        faults.append(FieldError("recipients", "missing", "Say whom it is about."))
    if not new.classes:
        faults.append(FieldError("classes", "missing", "Say which purposes it is about."))
    if new.classes - CLASSES:
        faults.append(
            FieldError(
                "classes",
                "not_restrictable",
                "Only treatment, payment and health care operations can be restricted.",
                "42 CFR 2.26(a)(5); 45 CFR 164.522(a)(1)(v)",
            )
        )
    return (*faults, *_mixed(new, plans))


def _mixed(new: NewRestriction, plans: frozenset[UUID]) -> list[FieldError]:
    """Faults of a request that holds one that must be agreed to, and more."""
    if not new.paid_in_full or new.required_by_law or not plans or not new.classes & PLAN_CLASSES:
        return []
    faults: list[FieldError] = []
    if new.classes - PLAN_CLASSES:
        faults.append(_ask_apart("classes", "Ask about payment and operations by themselves."))
    if plans != new.recipients:
        faults.append(_ask_apart("recipients", "Ask about the health plans by themselves."))
    if new.kinds == "all":
        faults.append(_ask_apart("kinds", "Name the items or kinds that were paid in full."))
    return faults


def _ask_apart(field: str, how: str) -> FieldError:
    because = "The program has to agree to what was paid in full, and need not agree to the rest."
    return FieldError(field, "ask_apart", f"{because} {how}", "42 CFR 2.26(a)(6)")


def ended_for_later(restriction: Restriction, now: datetime) -> Restriction:
    """The restriction after a notice of the program: what was there by now stays covered."""
    until = restriction.only_until
    return replace(restriction, only_until=now if until is None else min(until, now))
