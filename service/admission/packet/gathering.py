"""Everything found about the intakes of some patients, gathered in so many statements however many they are.

A packet of one and a work list of fifty come from here alike: each concept is read once, by clear columns, for all of
them; opened is what must be (name and birth date, the episode's terms, flags, what people decided), under keys that
stay cached. `closely`, for one patient on whose packet something rests, signatures and consents are opened too, so that
a row changed behind our back admits nobody, and the medical facts are read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from service.admission.packet.gate import Standing
from service.admission.packet.intake import Intake, Library
from service.admission.packet.model import Outcome
from service.admission.packet.sealing import opened_signature
from service.admission.packet.shelf import Shelf
from service.admission.packet.situation import Situation, any_of, day_of
from service.admission.packet.traces import Traces
from service.admission.packet.tracing import traces_of
from service.admission.profile import Profile
from service.errors import IntegrityError
from service.intake.flags import Severity
from service.intake.medical.facts import FactReading
from service.intake.medical.reading import medical_facts, notices_of, sections_of
from service.intake.safety.flag import RaisedFlag
from service.intake.safety.kept import opened_flag
from service.people.at_law import years
from service.people.episodes.episode import EpisodeState
from service.people.records import PATIENT_ROW
from service.people.standing import patient_at_law
from service.people.state_rules import USUAL_MAJORITY
from service.vault.envelope import RowKey
from service.work import Work

#: What the medical intake says to an answer that may be tuberculosis, and where it is asked.
TB_REVIEW: Final = "tb_review"
TB_SECTION: Final = "tuberculosis_screen"


@dataclass(frozen=True, slots=True, repr=False)
class Gathered:
    """Everything about one intake that a packet, a gate or a list asks. Never printed."""

    intake: Intake
    demographics: Mapping[str, Any]
    profile: Profile
    situation: Situation
    standing: Standing
    traces: Traces
    flags: tuple[RaisedFlag, ...]
    facts: Mapping[str, FactReading]


def gather(
    work: Work, library: Library, intakes: Sequence[Intake], *, closely: bool = False
) -> list[Gathered]:
    """In the order of `intakes`; inside an act already allowed."""
    patients = list({one.patient_id for one in intakes})
    episodes = [one.episode.id for one in intakes if one.episode is not None]
    if not patients:
        return []
    shelf = Shelf(work, library, patients, episodes)
    return [_about(shelf, one, closely=closely) for one in intakes]


def _about(shelf: Shelf, intake: Intake, *, closely: bool) -> Gathered:
    work = shelf.work
    document = _demographics(shelf, intake.patient_id)
    flags = tuple(opened_flag(work, row) for row in shelf.flags[intake.patient_id])
    facts: Mapping[str, FactReading] = {}
    if closely:
        facts = medical_facts(work, shelf.library.medical, intake.patient_id)
    traces = traces_of(shelf, intake, document, flags, closely=closely)
    return Gathered(
        intake=intake,
        demographics=document,
        profile=_profile(shelf, intake),
        situation=_situation(shelf, intake, document, traces, facts),
        standing=_standing(shelf, intake, flags, closely=closely),
        traces=traces,
        flags=flags,
        facts=facts,
    )


def _demographics(shelf: Shelf, patient_id: UUID) -> Mapping[str, Any]:
    row = shelf.patients[patient_id]
    key = RowKey(row.program_id, row.id, row.version, row.id)
    document: Any = shelf.work.open(PATIENT_ROW, key, {"demographics": row.demographics})["demographics"]
    if not isinstance(document, dict):
        raise IntegrityError
    return document  # pyright: ignore[reportUnknownVariableType] -- a JSON object, whatever is in it


def _profile(shelf: Shelf, intake: Intake) -> Profile:
    program, episode = shelf.work.program, intake.episode
    return Profile(
        state=program.state,
        payer="" if episode is None else episode.payer or "",
        accreditor=program.accreditor,
        track="" if episode is None else episode.track.value,
        closed_days=program.closed_days,
    )


def _situation(
    shelf: Shelf,
    intake: Intake,
    document: Mapping[str, Any],
    traces: Traces,
    facts: Mapping[str, FactReading],
) -> Situation:
    episode = intake.episode
    referral = None if episode is None else episode.referral
    payer = None if episode is None else episode.payer
    pregnant = False if document.get("sex") == "male" else _truth(facts, "pregnant")
    return Situation(
        minor=_minor(shelf, intake.patient_id, document),
        telehealth=_by_video(shelf, intake),
        court_mandated=True if referral == "court" else _truth(facts, "mandated"),
        self_pay=None if payer is None else payer in ("self_pay", "self"),
        positive_suicide_screen=True if traces.suicide_flags else None,
        withdrawal_risk=_withdrawal(facts),
        priority_group=any_of([pregnant]),
    )


def _minor(shelf: Shelf, patient_id: UUID, document: Mapping[str, Any]) -> bool | None:
    """By birth date; what else makes somebody an adult is looked up only for those who are not by their age."""
    born = day_of(document.get("birth_date"))
    if born is None:
        return None
    rule = shelf.library.consents.states.on(shelf.work.program.state, shelf.today)
    majority = USUAL_MAJORITY if rule is None else rule.age_of_majority
    if years(born, shelf.today) >= majority:
        return False
    return patient_at_law(shelf.work, shelf.library.consents.states, patient_id).minor


def _by_video(shelf: Shelf, intake: Intake) -> bool | None:
    for row in shelf.signatures[intake.patient_id]:
        if row.form == "F16" and row.outcome == Outcome.SIGNED:
            said = opened_signature(shelf.work, row).answers.get("video")
            return said if isinstance(said, bool) else None
    return None


def _standing(shelf: Shelf, intake: Intake, flags: Iterable[RaisedFlag], *, closely: bool) -> Standing:
    episode = intake.episode
    waiting = [one for one in flags if one.state.value != "acknowledged"]
    # of somebody who comes back: what was found and written this time
    kinds = {row.kind for row in shelf.items[intake.patient_id] if row.at >= intake.opened_at}
    return Standing(
        admitted=episode is not None and episode.state in (EpisodeState.ADMITTED, EpisodeState.STEPPED_DOWN),
        emergencies=tuple(one.next_step for one in waiting if one.flag.severity is Severity.URGENT),
        tb_suspected=closely and _tb_suspected(shelf, intake.patient_id),
        diagnosed="diagnosis" in kinds,
        note_signed="progress_note" in kinds,
    )


def _tb_suspected(shelf: Shelf, patient_id: UUID) -> bool:
    """An answer of the tuberculosis questions asks for a medical review, and no clinician has reviewed them since."""
    work, book = shelf.work, shelf.library.medical
    if TB_REVIEW not in notices_of(work, book, patient_id):
        return False
    return not sections_of(work, book, patient_id)[TB_SECTION].reviewed


def _truth(facts: Mapping[str, FactReading], name: str) -> bool | None:
    reading = facts.get(name)
    return reading.value if reading is not None and isinstance(reading.value, bool) else None


def _withdrawal(facts: Mapping[str, FactReading]) -> bool | None:
    """Risk while something known makes one; none when nothing was used for a week; else nobody knows."""
    daily = [_truth(facts, name) for name in ("alcohol_daily", "benzo_daily", "seizure_or_dt_history")]
    last = facts.get("last_use_d_any")
    if True in daily:
        return True
    if (
        last is not None
        and isinstance(last.value, int)
        and not isinstance(last.value, bool)
        and last.value >= 7
    ):
        return False
    return None
