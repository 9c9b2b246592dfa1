"""Who a page is about, on every page (M7: name and birth date stand on each), and who of the staff did something."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from service.access.actions import Action
from service.access.caller import CallerKind
from service.identity.operations import open_account
from service.identity.records import account_by_id
from service.people.facts import patient_facts
from service.people.operations import open_patient_name
from service.work import Work


@dataclass(frozen=True, slots=True, repr=False)
class Heading:
    """The patient of a page. `name` None: this caller may not read the patient's entry."""

    patient_id: UUID
    name: str | None
    born: str | None


def heading_of(work: Work, patient_id: UUID) -> Heading:
    """Inside an act about this patient that is allowed and recorded."""
    facts = patient_facts(work, patient_id)
    if facts is None or not work.permits(Action.PATIENT_READ, facts):
        return Heading(patient_id, None, None)
    known = open_patient_name(work, patient_id)
    return Heading(patient_id, f"{known['given_name']} {known['family_name']}", _day(known["birth_date"]))


def staff_names(work: Work, ids: Iterable[UUID | None]) -> Mapping[UUID, str]:
    """Display names of these accounts; a patient's is never among them."""
    names: dict[UUID, str] = {}
    for one in {one for one in ids if one is not None}:
        stored = account_by_id(work.db, one)
        if stored is not None and stored.kind is CallerKind.STAFF:
            names[one] = open_account(work, stored).display_name
    return names


def us_day(day: date) -> str:
    """`04/12/1988`, as people here write a day."""
    return f"{day:%m/%d/%Y}"


def _day(text: str) -> str:
    try:
        return us_day(date.fromisoformat(text))
    except ValueError:
        return text
