"""What will not arrive is somebody's call to make: the packet's list says so, and no further reminder is written."""

from dataclasses import replace

from service.admission.packet import records
from service.admission.packet.decisions import keep
from service.admission.packet.nudging import LADDER
from service.admission.packet.reminders import FIRST
from service.admission.packet.sealing import opened_decision
from service.admission.packet.traces import ITSELF, Decided
from service.delivery.records import StoredMessage
from service.people.episodes.operations import current_episode
from service.work import Work


def call_instead(work: Work, undelivered: StoredMessage) -> None:
    """Note on the patient's intake that a call is due, in the transaction that notes the failure. A patient without an
    episode has no list: there the state of the message says it.
    """
    episode = current_episode(work, undelivered.patient_id)
    if episode is None:
        return
    stored = records.decision(work.db, episode.id, LADDER, ITSELF)
    before = Decided(LADDER, ITSELF, 0, "intake") if stored is None else opened_decision(work, stored)
    keep(work, episode, stored, replace(before, called_at=work.now, due_at=work.now + FIRST), state=LADDER)
