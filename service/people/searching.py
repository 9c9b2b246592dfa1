"""Finding patients: who may be found by whom, and that being found is recorded (42 CFR 2.13(c))."""

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from service.access.actions import Action
from service.people import finding, records
from service.people.duplicates import people_with
from service.people.facts import facts_of
from service.people.operations import Patient, opened_patient
from service.people.patient import REQUIRED
from service.people.records import StoredPatient
from service.work import Work

#: A search shows no more than this; every patient shown has an entry of its own.
MOST_FOUND: Final = 20


@dataclass(frozen=True, slots=True, repr=False)
class Search:
    """What somebody looks for; `identifier` as (system or None, value)."""

    family_name: str | None = None
    given_name: str | None = None
    birth_date: date | None = None
    identifier: tuple[str | None, str] | None = field(default=None)


def find_patients(work: Work, search: Search) -> list[Patient]:
    """Patients who match all that was given, exactly after normalisation, by the name on record, a former one or the
    one in use; Invalid when it is too little.

    Who was looked for is in the entry as a keyed hash; each patient found has an entry of their own, because
    being shown in a search is being seen. Of patients whom the caller may not read, the answer says only who
    they are.
    """
    work.require(Action.PATIENT_SEARCH, object_kind="patient")
    groups = finding.search_terms(
        family_name=search.family_name,
        given_name=search.given_name,
        birth_date=search.birth_date,
        number=search.identifier,
    )
    ids = people_with(work, groups)[:MOST_FOUND]
    found = [_hit(work, stored) for stored in (records.patients(work.db, ids) if ids else [])]
    work.record(
        action=Action.PATIENT_SEARCH,
        object_kind="patient",
        object_id=None,
        detail={"by": sorted(term.index.value for (term, *_) in groups), "found": len(found)},
        payload=sorted(term.value for (term, *_) in groups),
    )
    for one in found:
        work.record(action=Action.PATIENT_SEARCH, object_kind="patient", object_id=one.id, patient_id=one.id)
    return found


def _hit(work: Work, stored: StoredPatient) -> Patient:
    """A patient as a search shows them: name and birth date, and the rest to whoever may read it anyway."""
    found = opened_patient(work, stored)
    if work.permits(Action.PATIENT_READ, facts_of(work, stored)):
        return found
    return replace(found, demographics={name: found.demographics[name] for name in REQUIRED})
