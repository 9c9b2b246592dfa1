"""What happens to a patient: recorded once, on a day of the program's calendar, by somebody who can know it.

A consent may end with an event (42 CFR 2.31(a)(7)), and some events change who decides for the patient at all (2.14,
2.15). Recording one is therefore an act with consequences: the consents it ends are ended above, in the same
transaction (service/consent/ending_by_event.py).
"""

from collections.abc import Mapping
from datetime import date
from typing import Final
from uuid import UUID

from service.access.actions import Action
from service.access.caller import Role
from service.errors import Code, Conflict, FieldError, Invalid, NotFound, Refused
from service.ids import new_id
from service.people import patient, records
from service.people.facts import load_patient, program_day
from service.people.patient import Event
from service.people.records import PatientEvent
from service.work import Denial, Work

#: What changes who decides for the patient is recorded by somebody who has seen it or the papers; the front desk hears
#: of it, and tells them.
_STANDING: Final = frozenset({Role.CLINICIAN, Role.COMPLIANCE})
RECORDED_BY: Final[Mapping[Event, frozenset[Role]]] = {
    Event.DEATH: _STANDING,
    Event.INCAPACITY_ADJUDICATED: _STANDING,
    Event.CAPACITY_RESTORED: _STANDING,
    Event.EMANCIPATION: _STANDING,
}

#: Happens to nobody twice, whatever the day.
ONCE: Final = frozenset({Event.DEATH, Event.EMANCIPATION})


def record_event(work: Work, patient_id: UUID, kind: Event, occurred_on: date) -> PatientEvent:
    """Something happened on a day of the program's calendar. Conflict `event_already_recorded` for a second time: the
    consents it ended must not be ended twice, nor the patient admitted twice on one day.
    """
    stored = work.authorised(Action.EVENT_RECORD, lambda work: load_patient(work, patient_id, changing=True))
    if kind in RECORDED_BY and not work.caller.roles & RECORDED_BY[kind]:
        work.refuse(
            Refused(Code.NOT_PERMITTED, "A clinician or the compliance officer records this."),
            Denial(
                action=Action.EVENT_RECORD,
                object_kind="patient_event",
                patient_id=stored.id,
                detail={"reason": "not_permitted", "kind": kind.value},
            ),
        )
    if not patient.EARLIEST_BIRTH <= occurred_on <= program_day(work):
        raise Invalid(
            Code.EVENT_INVALID,
            "An event is recorded when it has happened.",
            [FieldError("occurred_on", "implausible", "A day up to today.")],
        )
    # the patient is locked, so nobody records the same meanwhile
    if any(
        one.kind is kind and (kind in ONCE or one.occurred_on == occurred_on)
        for one in records.events(work.db, stored.id)
    ):
        raise Conflict(Code.EVENT_ALREADY_RECORDED, "This event has been recorded already.")
    event = PatientEvent(new_id(work.now), kind, occurred_on, work.now)
    records.insert_event(work.db, work.caller.program_id, stored.id, event, work.entry_id)
    work.record(
        action=Action.EVENT_RECORD,
        object_kind="patient_event",
        object_id=event.id,
        patient_id=stored.id,
        detail={"kind": kind.value},
    )
    return event


def list_events(
    work: Work, patient_id: UUID, *, after: UUID | None, at_most: int
) -> tuple[list[PatientEvent], bool]:
    """What happened to a patient, by day, and whether there is more. Events are few: a page is cut from all of them."""
    stored = work.authorised(Action.PATIENT_READ, lambda work: load_patient(work, patient_id))
    every = records.events(work.db, stored.id)
    ids = [one.id for one in every]
    if after is not None and after not in ids:
        raise Invalid(Code.CURSOR_INVALID, "This cursor is not one of ours.")
    page = every[0 if after is None else ids.index(after) + 1 :]
    found = page[:at_most]
    work.record(
        action=Action.PATIENT_READ,
        object_kind="patient_event",
        object_id=None,
        patient_id=stored.id,
        detail={"listed": len(found)},
    )
    return found, len(page) > at_most


def read_event(work: Work, event_id: UUID) -> PatientEvent:
    """One event, for whoever may record events of this patient: the answer to a repeated request."""
    known = records.event_by_id(work.db, event_id)
    if known is None:
        raise NotFound(Code.NOT_FOUND, "There is nothing here for you.")
    patient_id, event = known
    work.authorised(Action.EVENT_RECORD, lambda work: load_patient(work, patient_id))
    work.record(
        action=Action.EVENT_RECORD,
        object_kind="patient_event",
        object_id=event_id,
        patient_id=patient_id,
        detail={"kind": event.kind.value, "read": True},
    )
    return event


# -- for operations above --------------------------------------------------------------------------


def events_of(work: Work, patient_id: UUID) -> list[PatientEvent]:
    """What happened to a patient, by day, for a decision that is recorded by its own act.

    An event that is being recorded holds the patient row locked, as a decision that must not miss it does.
    """
    records.patient_for_share(work.db, patient_id)
    return records.events(work.db, patient_id)
