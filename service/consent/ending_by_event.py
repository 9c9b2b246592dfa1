"""Consents that end because something has happened, or because their last day is over (2.31(a)(7), (c)(1)).

A decision works the end out for itself and never waits for this; here the row learns it, once and for good. So a patient
who is admitted again finds the consents of the last stay ended, and an event recorded twice ends nothing twice.
"""

from dataclasses import replace
from datetime import date
from uuid import UUID

from service.access.actions import Action
from service.consent import records
from service.consent.acts import KIND
from service.consent.acts import day as today_here
from service.consent.lifecycle import Act, after
from service.consent.model import ConsentRecord, ConsentState, Today
from service.consent.rulebook import Rulebook
from service.consent.sealing import OpenedConsent
from service.consent.validity import expired
from service.people import events
from service.people.merging.charts import charts_of_person
from service.people.patient import Event
from service.people.records import PatientEvent
from service.work import Work

#: Rows one run of the nightly job changes in one transaction.
AT_ONCE = 200


def consents_ended_by(
    work: Work, book: Rulebook, patient_id: UUID, kind: Event, day: date
) -> tuple[UUID, ...]:
    """End the patient's consents that this event, of this day, ends, those of the person's other charts with them: in
    the transaction that records the event, and after it. An entry for each. Returns their ids.

    What happens, happens to a person. A consent stays with the chart it was given for (docs/decisions/0008), but "until
    I am discharged" was said by whoever is discharged now, under whatever number they were registered.
    """
    del book  # which consents end follows from their own terms; the rulebook adds nothing today
    happened = Today(work.now, work.program.timezone, frozenset({(kind.value, day)}))
    active = [
        one for chart in sorted(charts_of_person(work, patient_id)) for one in records.active_of(work, chart)
    ]
    return _expired(work, records.opened(work, active), happened, kind.value)


def record_event(
    work: Work, book: Rulebook, patient_id: UUID, kind: Event, occurred_on: date
) -> PatientEvent:
    """Record what happened to a patient, and end what ends with it."""
    event = events.record_event(work, patient_id, kind, occurred_on)
    consents_ended_by(work, book, patient_id, kind, occurred_on)
    return event


def expire_past(work: Work) -> tuple[UUID, ...]:
    """The nightly job of one program: write `expired` into the rows whose last day is over. Returns their ids, at most
    AT_ONCE of them: run it again until there are none.
    """
    work.require(Action.CONSENT_EXPIRE, object_kind=KIND)
    stored = records.past_their_day(work, today_here(work), AT_ONCE)
    today = Today(work.now, work.program.timezone)
    ended = _expired(work, records.opened(work, stored), today, "last_day")
    if not ended:
        work.record(action=Action.CONSENT_EXPIRE, object_kind=KIND, object_id=None, detail={"expired": 0})
    return ended


def _expired(work: Work, opened: list[OpenedConsent], today: Today, why: str) -> tuple[UUID, ...]:
    ended: list[UUID] = []
    for one in opened:
        if one.record.state is not ConsentState.ACTIVE or not expired(one.record, today):
            continue
        transition = after(one.record.state, Act.EXPIRE)
        record = replace(one.record, state=transition.to, version=one.record.version + 1)
        records.change(work, record, one.signed_text)
        _record(work, record, transition.action, why)
        ended.append(record.consent_id)
    return tuple(ended)


def _record(work: Work, record: ConsentRecord, action: Action, why: str) -> None:
    work.record(
        action=action,
        object_kind=KIND,
        object_id=record.consent_id,
        object_version=record.version,
        patient_id=record.patient_id,
        consent_id=record.consent_id,
        detail={"kind": record.terms.kind.value, "state": record.state.value, "by": why},
    )
