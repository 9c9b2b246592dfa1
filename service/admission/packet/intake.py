"""What a packet is worked out of: the books, and one intake of one patient to look at."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from uuid import UUID

from service.admission.packet.derive import Books
from service.consent.rulebook import Rulebook
from service.intake.medical.book import MedicalBook
from service.people.episodes.episode import Episode
from service.work import Work


@dataclass(frozen=True, slots=True)
class Library:
    """What packets are worked out with, and the books of others that they ask."""

    books: Books
    consents: Rulebook
    medical: MedicalBook


@dataclass(frozen=True, slots=True, repr=False)
class Intake:
    """One intake to look at: an episode, or a patient who has none yet (`episode` None)."""

    patient_id: UUID
    opened_at: datetime
    started_at: datetime
    episode: Episode | None = None


def intake_of(
    work: Work, patient_id: UUID, day: date, created_at: datetime, episode: Episode | None
) -> Intake:
    """An intake that counts from the beginning of `day`; its deadlines from when it was written down, if that was the
    same day.
    """
    begins = datetime.combine(day, time(), work.program.zone).astimezone(UTC)
    same_day = created_at.astimezone(work.program.zone).date() == day
    return Intake(patient_id, begins, created_at if same_day else begins, episode)
