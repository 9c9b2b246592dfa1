"""Admission: the gate, and what goes through it, in one transaction.

What is missing is named whole, never the first of it; the attempt is in the ledger either way. Somebody who is admitted
has the event recorded as anybody's is, and the consents that end with it end.
"""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from service.access.actions import Action
from service.admission.gating import missing_for, refuse
from service.admission.packet.intake import Library
from service.admission.packet.model import Block
from service.admission.packet.traces import AFTER_EMERGENCY
from service.admission.packet.whole import intake_of_episode, packet_in
from service.admission.placement.operations import decision_of
from service.consent.ending_by_event import record_event
from service.errors import Code
from service.people.episodes.episode import Episode, Step, after
from service.people.episodes.operations import authorised_episode, move
from service.people.events import events_of
from service.people.facts import program_day
from service.people.patient import Event
from service.work import Work


@dataclass(frozen=True, slots=True, repr=False)
class Admission:
    """A patient who was admitted, and what was put off for it."""

    episode: Episode
    put_off: tuple[str, ...]


def admit(work: Work, library: Library, episode_id: UUID, on: date | None = None) -> Admission:
    """Admit on a day (None: today). Conflict `admission_blocked` with everything that is missing; Conflict
    `episode_state` when there is nobody to admit.
    """
    episode = authorised_episode(work, Action.EPISODE_ADMIT, episode_id, changing=True)
    after(episode.state, Step.ADMIT)
    packet = packet_in(work, library, intake_of_episode(work, episode))
    if missing := missing_for(packet, (Block.ADMIT, Block.SCREEN)):
        words = "The patient cannot be admitted yet: everything that is missing is named."
        refuse(work, Action.EPISODE_ADMIT, Code.ADMISSION_BLOCKED, words, episode, missing)
    put_off = tuple(item.key for item in packet.items if item.instance == AFTER_EMERGENCY)
    placed = decision_of(work, episode.id)
    particulars = {"put_off": list(put_off)}
    level = {} if placed is None else {"level": placed.level}
    moved = move(work, episode, Step.ADMIT, on or program_day(work), particulars | level)
    work.record(
        action=Action.EPISODE_ADMIT,
        object_kind="episode",
        object_id=moved.id,
        object_version=moved.version,
        patient_id=moved.patient_id,
        detail={"state": moved.state.value, "put_off": list(put_off)},
    )
    _record_event(work, library, moved)
    return Admission(moved, put_off)


def read_admission(work: Work, library: Library, episode_id: UUID) -> Admission:
    """The admission as it stands: the answer to a repeated request."""
    episode = authorised_episode(work, Action.EPISODE_ADMIT, episode_id)
    packet = packet_in(work, library, intake_of_episode(work, episode))
    work.record(
        action=Action.EPISODE_READ,
        object_kind="episode",
        object_id=episode.id,
        object_version=episode.version,
        patient_id=episode.patient_id,
    )
    return Admission(episode, tuple(one.key for one in packet.items if one.instance == AFTER_EMERGENCY))


def _record_event(work: Work, library: Library, episode: Episode) -> None:
    """Once for a day, whoever recorded it: an admission entered by hand is not entered again."""
    day = episode.admitted_on or program_day(work)
    known = {(one.kind, one.occurred_on) for one in events_of(work, episode.patient_id)}
    if (Event.ADMISSION, day) not in known:
        record_event(work, library.consents, episode.patient_id, Event.ADMISSION, day)
