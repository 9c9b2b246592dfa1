"""A patient's packet as of now: items and gates, worked out from everything gathered, inside an act already allowed."""

from dataclasses import dataclass
from uuid import UUID

from service.admission.found import records as found
from service.admission.packet.derive import packet_of
from service.admission.packet.gate import gates_of
from service.admission.packet.gathering import Gathered, gather
from service.admission.packet.intake import Intake, Library, intake_of
from service.admission.packet.model import Block, Gate, PacketItem
from service.errors import Code, NotFound
from service.people.episodes.episode import Episode
from service.people.episodes.operations import current_episode
from service.people.records import StoredPatient, patient_by_id
from service.work import Work


@dataclass(frozen=True, slots=True, repr=False)
class Packet:
    """A patient's packet as of now."""

    gathered: Gathered
    items: tuple[PacketItem, ...]
    gates: tuple[Gate, ...]

    @property
    def ready_for_admission(self) -> bool:
        return all(gate.open for gate in self.gates if gate.block is Block.ADMIT)

    @property
    def episode(self) -> Episode | None:
        return self.gathered.intake.episode


def packet_in(work: Work, library: Library, intake: Intake) -> Packet:
    """A packet worked out closely, inside an act already allowed."""
    (gathered,) = gather(work, library, [intake], closely=True)
    return packet_from(work, library, gathered)


def packet_from(work: Work, library: Library, gathered: Gathered) -> Packet:
    """The packet that follows from what was gathered."""
    items = packet_of(
        library.books,
        gathered.profile,
        work.program.zone,
        gathered.situation,
        gathered.traces,
        work.now,
    )
    return Packet(gathered, items, gates_of(library.books.packet, items, gathered.standing))


def intake_of_episode(work: Work, episode: Episode) -> Intake:
    """An episode as something to be worked out, inside an act already allowed."""
    (row,) = found.episodes(work.db, [episode.id])
    return intake_of(work, episode.patient_id, episode.opened_on, row.created_at, episode)


def intake_now(work: Work, stored: StoredPatient) -> Intake:
    """The open episode, or, before anybody has opened one, the time since the patient was registered."""
    episode = current_episode(work, stored.id)
    if episode is not None:
        return intake_of_episode(work, episode)
    registered = stored.created_at
    return intake_of(work, stored.id, registered.astimezone(work.program.zone).date(), registered, None)


def intake_for(work: Work, patient_id: UUID) -> Intake:
    """The intake a patient is in, inside an act already allowed."""
    stored = patient_by_id(work.db, patient_id)
    if stored is None:
        raise NotFound(Code.NOT_FOUND, "There is nothing here for you.")
    return intake_now(work, stored)
