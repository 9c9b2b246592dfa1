"""The patient as the law asks, loaded: birth date and events, locked until commit (42 CFR 2.11, 2.14, 2.15)."""

from datetime import date
from uuid import UUID

from service.people.at_law import PatientAtLaw, at_law
from service.people.events import events_of
from service.people.facts import program_day
from service.people.operations import open_patient_name
from service.people.state_rules import StateRules
from service.work import Work


def patient_at_law(work: Work, states: StateRules, patient_id: UUID) -> PatientAtLaw:
    """The patient today, inside an act about that patient that is allowed already; events locked until commit."""
    today = program_day(work)
    born = _date(open_patient_name(work, patient_id)["birth_date"])
    happened = [(event.kind.value, event.occurred_on) for event in events_of(work, patient_id)]
    return at_law(patient_id, born, happened, states.on(work.program.state, today), today)


def _date(written: str) -> date | None:
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None
