"""What policies may know about a patient and the caller: the facts every loader about a patient starts from."""

from dataclasses import replace
from datetime import date
from uuid import UUID

from service.access.caller import CallerKind, Role
from service.access.facts import Facts
from service.people import records
from service.people.emergency.records import grant_in_force
from service.people.merging.records import surviving
from service.people.relationships.records import staff_related
from service.work import Loaded, Work


def program_day(work: Work) -> date:
    """The day it is in the program: dates of consents, relationships and events are days of its calendar."""
    return work.now.astimezone(work.program.zone).date()


def patient_facts(work: Work, patient_id: UUID) -> Facts | None:
    """Facts for acts about this patient; None when there is no such patient in the caller's program.

    A staff relationship that is found stays locked (FOR SHARE), so that it cannot be ended before this act is
    committed. Nothing is opened.
    """
    if work.caller.kind is not CallerKind.STAFF:
        stored = records.patient_by_id(work.db, patient_id)
        return None if stored is None else facts_of(work, stored)
    found = records.patient_for_staff(work.db, patient_id, work.caller.account_id, program_day(work))
    return None if found is None else _with_survivor(work, found[0], related=found[1])


def load_patient(
    work: Work, patient_id: UUID, *, changing: bool = False
) -> Loaded[records.StoredPatient] | None:
    """A patient with the facts, for acts about the patient as a whole. `changing` locks the row for a change: what a
    decision about this patient rests on then waits, and the decision has seen it or comes first.
    """
    find = records.patient_for_update if changing else records.patient_by_id
    stored = find(work.db, patient_id)
    if stored is None:
        return None
    return Loaded(stored, facts_of(work, stored), "patient", stored.id, patient_id=patient_id)


def facts_of(work: Work, stored: records.StoredPatient) -> Facts:
    """The same for a patient row already loaded."""
    staff = work.caller.kind is CallerKind.STAFF
    related = staff and staff_related(work.db, stored.id, work.caller.account_id, program_day(work))
    return _with_survivor(work, stored, related=related)


def _with_survivor(work: Work, stored: records.StoredPatient, *, related: bool) -> Facts:
    facts = facts_about(work, stored.id, stored.program_id, related=related)
    if stored.state == records.DESTROYED:
        return replace(facts, destroyed=stored.id)
    return replace(facts, surviving=surviving(work.db, stored.id)) if stored.state == "merged" else facts


def facts_about(work: Work, patient_id: UUID, program_id: UUID, *, related: bool) -> Facts:
    """The same where a row about the patient, and whether there is a relationship, were read in one statement."""
    caller = work.caller
    return Facts(
        patient_is_caller=caller.kind is CallerKind.PATIENT and caller.patient_id == patient_id,
        relationship=related and caller.kind is CallerKind.STAFF,
        emergency_grant=not related and _has_grant(work, patient_id),
        program=program_id,
    )


def _has_grant(work: Work, patient_id: UUID) -> bool:
    """Whether a break-glass grant to this clinician for this patient is in force; it stays locked (FOR SHARE), so that
    a read under it is committed before it ends. Asked only of clinicians without a relationship: others need none.
    """
    caller = work.caller
    if caller.kind is not CallerKind.STAFF or Role.CLINICIAN not in caller.roles:
        return False
    return grant_in_force(work.db, patient_id, caller.account_id, work.now) is not None
