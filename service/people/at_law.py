"""The patient as the law asks: alive, of age, able to decide, and since when (42 CFR 2.11, 2.14, 2.15)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from service.people.patient import Event
from service.people.state_rules import USUAL_MAJORITY, StateRule, may_sign_alone

_CAPACITY: Final = frozenset({Event.INCAPACITY_ADJUDICATED.value, Event.CAPACITY_RESTORED.value})


@dataclass(frozen=True, slots=True)
class PatientAtLaw:
    """What decides who may sign, and which bases exist at all. `age` None: the birth date is not known."""

    id: UUID
    age: int | None = None
    #: Under the age of majority of the program's state and not emancipated; None when the age is not known.
    minor: bool | None = None
    emancipated: bool = False
    deceased_on: date | None = None
    #: A court has found that the patient cannot decide, and has not taken it back (2.15(a)(1)).
    adjudicated: bool = False
    #: Declined fundraising (45 CFR 164.514(f)(2)).
    fundraising_opt_out: bool = False


def at_law(
    patient_id: UUID,
    birth_date: date | None,
    events: Iterable[tuple[str, date]],
    rule: StateRule | None,
    today: date,
) -> PatientAtLaw:
    """Pure. `events` are kind and day; what is entered for a day to come has not happened. Of two findings about
    capacity of one day, the loss counts: the other reading would let somebody sign who may not.
    """
    happened = [(kind, day) for kind, day in events if day <= today]
    kinds = {kind for kind, _ in happened}
    age = None if birth_date is None else years(birth_date, today)
    emancipated = Event.EMANCIPATION.value in kinds
    majority = USUAL_MAJORITY if rule is None else rule.age_of_majority
    findings = sorted(
        (day, kind == Event.INCAPACITY_ADJUDICATED.value) for kind, day in happened if kind in _CAPACITY
    )
    return PatientAtLaw(
        id=patient_id,
        age=age,
        minor=None if age is None else age < majority and not emancipated,
        emancipated=emancipated,
        deceased_on=min((day for kind, day in happened if kind == Event.DEATH.value), default=None),
        adjudicated=bool(findings) and findings[-1][1],
        fundraising_opt_out=Event.FUNDRAISING_OPT_OUT.value in kinds,
    )


def decided_for(one: PatientAtLaw, rule: StateRule | None) -> bool:
    """Whether somebody else decides about the treatment, alone or beside the patient: for who was found unable to, and
    for a minor whom the law of the state does not let consent alone (42 CFR 2.14(b); an unknown state does not).
    """
    return one.adjudicated or (one.minor is True and not may_sign_alone(rule, one.age or 0))


def years(born: date, on: date) -> int:
    """Completed years of life on a day; somebody born on February 29 completes one on March 1."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))
