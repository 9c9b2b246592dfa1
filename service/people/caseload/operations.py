"""A member of staff's own patients by name, and those in care who are nobody's. Being shown is being seen: each patient
shown has an entry of their own.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from service.access.actions import Action
from service.access.facts import Facts
from service.errors import Code, Invalid
from service.ids import PatientId
from service.people.caseload.records import unassigned
from service.people.episodes.records import open_episodes
from service.people.facts import program_day
from service.people.operations import open_demographics
from service.people.records import DESTROYED, StoredPatient, patients
from service.people.relationships.records import caseload
from service.people.relationships.roles import StaffRole
from service.people.relationships.standing import role_of
from service.vault.blindindex import normalise_name
from service.work import Work


@dataclass(frozen=True, slots=True)
class Care:
    """Where a patient is in care: the clear part of an open episode."""

    episode_id: UUID
    unit: str
    state: str
    opened_on: date


@dataclass(frozen=True, slots=True, repr=False)
class Carried:
    """A patient in a list, with no more than it takes to know who is meant. Of a record that was destroyed nothing but
    the id and the state is left.
    """

    patient_id: PatientId
    family_name: str
    given_name: str
    name_used: str | None
    birth_date: str | None
    state: str
    roles: tuple[StaffRole, ...]
    since: date | None
    care: tuple[Care, ...]


def my_caseload(work: Work, *, after: UUID | None, at_most: int) -> tuple[tuple[Carried, ...], bool]:
    """The caller's patients of today by name, and whether there are more. A patient who left the caseload while it was
    being read ends the reading (`cursor_invalid`): it is begun again.
    """
    work.require(Action.CASELOAD_READ, object_kind="patient")
    today = program_day(work)
    roles: dict[UUID, set[StaffRole]] = {}
    since: dict[UUID, date] = {}
    for stored in caseload(work.db, work.caller.account_id, today):
        role = role_of(work, stored)
        roles.setdefault(stored.patient_id, set()).update([] if role is None else [role])
        since[stored.patient_id] = min(stored.starts_on, since.get(stored.patient_id, stored.starts_on))
    care = _care(work, [*roles])
    found = [
        _carried(work, one, tuple(sorted(roles[one.id])), since[one.id], care.get(one.id, ()))
        for one in _patients(work, [*roles])
    ]
    found.sort(key=_by_name)
    page = found[_place(found, after) :]
    _record(work, page[:at_most], "mine")
    return tuple(page[:at_most]), len(page) > at_most


def nobodys(work: Work, *, after: UUID | None, at_most: int) -> tuple[tuple[Carried, ...], UUID | None]:
    """Patients in care, or waiting for it, to whom nobody of the staff is assigned: the longest waiting first, and the
    episode to go on after. For whoever reads patients without a relationship: the front desk assigns them.
    """
    work.require(Action.CASELOAD_READ, object_kind="patient")
    work.require(Action.PATIENT_READ, Facts(program=work.caller.program_id), object_kind="patient")
    rows = unassigned(work.db, work.caller.program_id, program_day(work), after, at_most + 1)
    known = {one.id: one for one in _patients(work, [patient_id for _, patient_id, *_ in rows[:at_most]])}
    found = tuple(
        _carried(work, known[PatientId(patient_id)], (), None, (Care(episode_id, unit, state, opened_on),))
        for episode_id, patient_id, unit, state, opened_on in rows[:at_most]
    )
    _record(work, found, "unassigned")
    return found, rows[at_most - 1][0] if len(rows) > at_most else None


# -- inside ----------------------------------------------------------------------------------------


def _patients(work: Work, ids: list[UUID]) -> list[StoredPatient]:
    return patients(work.db, ids) if ids else []


def _care(work: Work, ids: list[UUID]) -> dict[UUID, tuple[Care, ...]]:
    found: dict[UUID, tuple[Care, ...]] = {}
    for one in open_episodes(work.db, ids) if ids else []:
        care = Care(one.id, one.unit, one.state, one.opened_on)
        found[one.patient_id] = (*found.get(one.patient_id, ()), care)
    return found


def _carried(
    work: Work,
    stored: StoredPatient,
    roles: tuple[StaffRole, ...],
    since: date | None,
    care: tuple[Care, ...],
) -> Carried:
    document: dict[str, Any] = {} if stored.state == DESTROYED else open_demographics(work, stored)
    return Carried(
        patient_id=stored.id,
        family_name=str(document.get("family_name", "")),
        given_name=str(document.get("given_name", "")),
        name_used=document.get("name_used"),
        birth_date=document.get("birth_date"),
        state=stored.state,
        roles=roles,
        since=since,
        care=care,
    )


def _by_name(one: Carried) -> tuple[str, str, str, str]:
    names = normalise_name(one.family_name), normalise_name(one.given_name)
    return (*names, one.birth_date or "", str(one.patient_id))


def _place(found: list[Carried], after: UUID | None) -> int:
    if after is None:
        return 0
    for place, one in enumerate(found):
        if one.patient_id == after:
            return place + 1
    raise Invalid(Code.CURSOR_INVALID, "This list has changed; begin again.")


def _record(work: Work, shown: tuple[Carried, ...] | list[Carried], which: str) -> None:
    work.record(
        action=Action.CASELOAD_READ,
        object_kind="patient",
        object_id=None,
        detail={"listed": len(shown), "which": which},
    )
    for patient_id in dict.fromkeys(one.patient_id for one in shown):
        work.record(
            action=Action.CASELOAD_READ, object_kind="patient", object_id=patient_id, patient_id=patient_id
        )
