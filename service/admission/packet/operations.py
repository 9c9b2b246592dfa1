"""The packet of a patient, read: by staff, by the patient, and what is known of somebody already.

Everything but what people decide (deciding.py) is worked out when it is read. So a status cannot be forgotten, and
nobody sets one.
"""

from uuid import UUID

from service.access.actions import Action
from service.access.caller import CallerKind
from service.admission.packet import records
from service.admission.packet.intake import Library
from service.admission.packet.model import Outcome
from service.admission.packet.prefill import Answered, Known, known_values
from service.admission.packet.sealing import opened_signature
from service.admission.packet.shown import own_list, without_findings
from service.admission.packet.whole import Packet, intake_now, packet_in
from service.people.facts import facts_of, load_patient
from service.people.operations import open_demographics
from service.work import Work


def read_packet(work: Work, library: Library, patient_id: UUID) -> Packet:
    """Everything there is to do, for staff; for the patient their own to-do list, and no word about anybody's work."""
    stored = work.authorised(Action.PACKET_READ, lambda work: load_patient(work, patient_id))
    packet = packet_in(work, library, intake_now(work, stored))
    if work.caller.kind is CallerKind.PATIENT:
        packet = own_list(packet)
    elif not work.permits(Action.ASSESSMENT_LIST, facts_of(work, stored)):
        packet = without_findings(library.books.packet, packet)
    work.record(
        action=Action.PACKET_READ,
        object_kind="packet_item",
        object_id=None,
        patient_id=patient_id,
        detail={"items": len(packet.items)},
    )
    return packet


def known_of(work: Work, library: Library, patient_id: UUID) -> tuple[Known, ...]:
    """What is known of the patient already, to be confirmed rather than typed."""
    stored = work.authorised(Action.FORM_READ, lambda work: load_patient(work, patient_id))
    intake = intake_now(work, stored)
    answered = [
        Answered(event.form, event.text_version, event.signed_at, event.answers)
        for row in records.signatures(work.db, [patient_id])
        if row.form in library.books.packet.items and row.outcome != Outcome.DECLINED
        for event in [opened_signature(work, row)]
    ]
    known = known_values(
        open_demographics(work, stored), stored.changed_at, answered, intake.opened_at, work.now
    )
    work.record(
        action=Action.FORM_READ,
        object_kind="prefill",
        object_id=None,
        patient_id=patient_id,
        detail={"fields": sorted({one.field for one in known})},
    )
    return known
