"""The patient as the law asks, worked out from birth date and events (42 CFR 2.11, 2.14, 2.15)."""

from collections.abc import Iterable
from datetime import date
from typing import Final
from uuid import UUID

from service.people.at_law import PatientAtLaw
from service.people.facts import program_day
from service.people.operations import events_of, open_patient_name
from service.people.patient import Event
from service.people.state_rules import USUAL_MAJORITY, StateRule, StateRules
from service.work import Work

_CAPACITY: Final = frozenset({Event.INCAPACITY_ADJUDICATED.value, Event.CAPACITY_RESTORED.value})


def patient_at_law(work: Work, states: StateRules, patient_id: UUID) -> PatientAtLaw:
    """The patient today, inside an act about that patient that is allowed already; events locked until commit."""
    today = program_day(work)
    born = _date(open_patient_name(work, patient_id)["birth_date"])
    happened = [(event.kind.value, event.occurred_on) for event in events_of(work, patient_id)]
    return at_law(patient_id, born, happened, states.on(work.program.state, today), today)


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


def years(born: date, on: date) -> int:
    """Completed years of life on a day; somebody born on February 29 completes one on March 1."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def _date(written: str) -> date | None:
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None
