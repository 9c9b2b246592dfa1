"""Everything found about the intakes of some patients, gathered in so many statements however many they are.

A packet of one and a work list of fifty come from here alike: each concept is read once, by clear columns, for all of
them; opened is what must be (name and birth date, the episode's terms, flags, what people decided), under keys that
stay cached. `closely`, for one patient on whose packet something rests, signatures and consents are opened too, so that
a row changed behind our back admits nobody, and the medical facts are read.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from service.admission.found import records as found
from service.admission.packet import records
from service.admission.packet.derive import Books
from service.admission.packet.gate import Standing
from service.admission.packet.model import Outcome
from service.admission.packet.sealing import opened_decision, opened_signature
from service.admission.packet.situation import Situation, any_of, birthday
from service.admission.packet.traces import (
    AssessmentTrace,
    ConsentTrace,
    SectionTrace,
    SignatureTrace,
    Timed,
    Traces,
)
from service.admission.profile import Profile
from service.consent import records as consent_records
from service.consent.rulebook import Rulebook
from service.consent.texts import records as adopted
from service.consent.texts.adoption import needs_recollection
from service.errors import IntegrityError
from service.intake.flags import Severity
from service.intake.medical.book import MedicalBook
from service.intake.medical.facts import FactReading
from service.intake.medical.reading import SectionState, medical_facts, sections_of
from service.intake.safety.flag import RaisedFlag
from service.intake.safety.kept import opened_flag
from service.intake.safety.records import StoredFlag
from service.people.at_law import years
from service.people.contacts import unsaid
from service.people.episodes.episode import Episode, EpisodeState
from service.people.facts import program_day
from service.people.merging import records as merging
from service.people.records import PATIENT_ROW
from service.people.standing import patient_at_law
from service.people.state_rules import USUAL_MAJORITY
from service.vault.envelope import RowKey
from service.work import Work

#: Tasks of flags that mean: a question about suicide was answered in a way that somebody must look into.
SUICIDE_TASKS = frozenset({"suicide_screen", "safety_evaluation", "safety_assessment"})
_NONE_OPENED: Mapping[UUID, tuple[frozenset[str], bool]] = {}
_NOT_ASKED: Mapping[str, SectionState] = {}
_KINDS = frozenset({"diagnosis", "progress_note"})


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


class _By(defaultdict[UUID, list[Any]]):
    """Rows by the patient or episode they belong to."""

    def __init__(self, rows: Iterable[tuple[UUID, Any]]) -> None:
        super().__init__(list)
        for owner, row in rows:
            self[owner].append(row)


def gather(
    work: Work, library: Library, intakes: Sequence[Intake], *, closely: bool = False
) -> list[Gathered]:
    """In the order of `intakes`; inside an act already allowed."""
    patients = list({one.patient_id for one in intakes})
    episodes = [one.episode.id for one in intakes if one.episode is not None]
    if not patients:
        return []
    shelf = _Shelf(work, library, patients, episodes)
    return [shelf.about(one, closely=closely) for one in intakes]


class _Shelf:
    """One read of each concept for all patients of a call."""

    def __init__(self, work: Work, library: Library, patients: list[UUID], episodes: list[UUID]) -> None:
        db = work.db
        self.work, self.library = work, library
        self.zone, self.today = work.program.zone, program_day(work)
        kinds = {
            name
            for rule in library.books.packet.items.values()
            if rule.done_by.how == "records"
            for name in rule.done_by.names
        }
        self.patients = {row.id: row for row in found.patients(db, patients)}
        self.consents = _By((row.patient_id, row) for row in found.consents(db, patients))
        self.assessments = _By((row.owner, row) for row in found.assessments(db, patients))
        self.sections = _By((row.owner, row) for row in found.sections(db, patients))
        self.items = _By((row.owner, row) for row in found.items(db, patients, kinds | _KINDS))
        self.attachments = _By((row.owner, row) for row in found.attachments(db, patients))
        self.sent = _By((row.owner, row) for row in found.sent(db, patients))
        self.flags = _By(self._flags(patients))
        self.signatures = _By((row.patient_id, row) for row in records.signatures(db, patients))
        self.placements = _By((row.owner, row) for row in found.placements(db, episodes))
        self.plans = _By((row.owner, row) for row in found.plans(db, episodes))
        self.visits = _By(found.visits(db, episodes))
        self.level_changes = _By(found.level_changes(db, episodes))
        self.decisions = _By((row.episode_id, row) for row in records.decisions(db, episodes))
        self.adoptions = adopted.adoptions(work)

    def _flags(self, patients: list[UUID]) -> Iterable[tuple[UUID, StoredFlag]]:
        """By person: a flag that stands open on a chart merged into this one keeps shut what it kept shut before."""
        absorbed = merging.absorbed(self.work.db, patients)
        charts: dict[UUID, UUID] = {one: survivor for survivor, many in absorbed.items() for one in many}
        for row in found.flags(self.work.db, {*patients, *charts}):
            if row.patient_id in self.patients:
                yield row.patient_id, row
            if row.patient_id in charts:
                yield charts[row.patient_id], row

    # -- one intake

    def about(self, intake: Intake, *, closely: bool) -> Gathered:
        work = self.work
        document = self._demographics(intake.patient_id)
        flags = tuple(opened_flag(work, row) for row in self.flags[intake.patient_id])
        facts: Mapping[str, FactReading] = {}
        if closely:
            facts = medical_facts(work, self.library.medical, intake.patient_id)
        traces = self._traces(intake, document, flags, closely=closely)
        return Gathered(
            intake=intake,
            demographics=document,
            profile=self._profile(intake),
            situation=self._situation(intake, document, traces, facts),
            standing=self._standing(intake, flags),
            traces=traces,
            flags=flags,
            facts=facts,
        )

    def _demographics(self, patient_id: UUID) -> Mapping[str, Any]:
        row = self.patients[patient_id]
        key = RowKey(row.program_id, row.id, row.version, row.id)
        document: Any = self.work.open(PATIENT_ROW, key, {"demographics": row.demographics})["demographics"]
        if not isinstance(document, dict):
            raise IntegrityError
        return document  # pyright: ignore[reportUnknownVariableType] -- a JSON object, whatever is in it

    def _profile(self, intake: Intake) -> Profile:
        program, episode = self.work.program, intake.episode
        return Profile(
            state=program.state,
            payer="" if episode is None else episode.payer or "",
            accreditor=program.accreditor,
            track="" if episode is None else episode.track.value,
        )

    def _situation(
        self,
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
            minor=self._minor(intake.patient_id, document),
            telehealth=self._by_video(intake),
            court_mandated=True if referral == "court" else _truth(facts, "mandated"),
            self_pay=None if payer is None else payer in ("self_pay", "self"),
            positive_suicide_screen=True if traces.suicide_flags else None,
            withdrawal_risk=_withdrawal(facts),
            priority_group=any_of([pregnant]),
        )

    def _minor(self, patient_id: UUID, document: Mapping[str, Any]) -> bool | None:
        """By birth date; what else makes somebody an adult is looked up only for those who are not by their age."""
        born = _day(document.get("birth_date"))
        if born is None:
            return None
        rule = self.library.consents.states.on(self.work.program.state, self.today)
        majority = USUAL_MAJORITY if rule is None else rule.age_of_majority
        if years(born, self.today) >= majority:
            return False
        return patient_at_law(self.work, self.library.consents.states, patient_id).minor

    def _by_video(self, intake: Intake) -> bool | None:
        for row in self.signatures[intake.patient_id]:
            if row.form == "F16" and row.outcome == Outcome.SIGNED:
                said = opened_signature(self.work, row).answers.get("video")
                return said if isinstance(said, bool) else None
        return None

    def _standing(self, intake: Intake, flags: Iterable[RaisedFlag]) -> Standing:
        episode = intake.episode
        waiting = [one for one in flags if one.state.value != "acknowledged"]
        # of somebody who comes back: what was found and written this time
        kinds = {row.kind for row in self.items[intake.patient_id] if row.at >= intake.opened_at}
        return Standing(
            admitted=episode is not None
            and episode.state in (EpisodeState.ADMITTED, EpisodeState.STEPPED_DOWN),
            emergencies=tuple(one.next_step for one in waiting if one.flag.severity is Severity.URGENT),
            tb_suspected=any(one.flag.code.startswith(("tb_", "tuberculosis")) for one in waiting),
            diagnosed="diagnosis" in kinds,
            note_signed="progress_note" in kinds,
        )

    # -- what happened

    def _traces(
        self,
        intake: Intake,
        document: Mapping[str, Any],
        flags: Iterable[RaisedFlag],
        *,
        closely: bool,
    ) -> Traces:
        patient, episode = intake.patient_id, intake.episode
        episode_id = patient if episode is None else episode.id
        born = _day(document.get("birth_date"))
        adult = None if born is None else self._instant(birthday(born))
        admitted = None if episode is None or episode.admitted_on is None else episode.admitted_on
        decided = [opened_decision(self.work, row) for row in self.decisions[episode_id]]
        return Traces(
            opened_at=intake.opened_at,
            started_at=intake.started_at,
            admitted_at=None if admitted is None else self._instant(admitted),
            birthday_18=adult,
            unsaid=unsaid(document),
            signatures=self._signatures(patient, adult, closely=closely),
            consents=self._consents(patient, adult, closely=closely),
            assessments=tuple(
                AssessmentTrace(row.kind, row.at, row.until) for row in self.assessments[patient]
            ),
            sections=self._sections(patient, closely=closely),
            records=_timed(self.items[patient]),
            attachments=_timed(self.attachments[patient]),
            placements=_timed(self.placements[episode_id]),
            plans=_timed(self.plans[episode_id]),
            visits=tuple(self.visits[episode_id]),
            sent_at=tuple(row.at for row in self.sent[patient]),
            suicide_flags=tuple(
                one.raised_at
                for one in flags
                if one.flag.task in SUICIDE_TASKS and one.raised_at >= intake.opened_at
            ),
            level_changes=tuple(self._instant(day) for day in self.level_changes[episode_id]),
            decided={(one.item, one.instance): one for one in decided},
        )

    def _signatures(
        self, patient: UUID, adult: datetime | None, *, closely: bool
    ) -> tuple[SignatureTrace, ...]:
        traces: list[SignatureTrace] = []
        for row in self.signatures[patient]:
            one = SignatureTrace(
                row.form, Outcome(row.outcome), row.signed_at, row.text_version, row.expires_on
            )
            if closely or _grown_since(row.signed_at, adult, self.work.now):
                event = opened_signature(self.work, row)
                one = replace(one, by_parent=event.by_parent, reason=event.reason)
            traces.append(one)
        return tuple(traces)

    def _consents(self, patient: UUID, adult: datetime | None, *, closely: bool) -> tuple[ConsentTrace, ...]:
        rows = self.consents[patient]
        grown = any(
            _grown_since(row.activated_at, adult, self.work.now)
            for row in rows
            if row.activated_at is not None
        )
        opened = self._opened_consents(patient) if rows and (closely or grown) else _NONE_OPENED
        traces: list[ConsentTrace] = []
        for row in rows:
            known = opened.get(row.id)
            active = row.state == "active"
            traces.append(
                ConsentTrace(
                    kind=row.kind,
                    state=row.state,
                    created_at=row.created_at,
                    activated_at=row.activated_at,
                    ended_at=row.ended_at,
                    expires_on=row.expires_on,
                    recipients=row.recipients,
                    purposes=None if known is None else known[0],
                    by_parent=None if known is None else known[1],
                    recollect_by=needs_recollection(row.text_version, self.adoptions, self.today)
                    if active
                    else None,
                )
            )
        return tuple(traces)

    def _opened_consents(self, patient: UUID) -> Mapping[UUID, tuple[frozenset[str], bool]]:
        page = consent_records.page(self.work, patient, before=None, at_most=200)
        return {
            one.record.consent_id: (
                frozenset(one.record.terms.purposes),
                any(signature.role in ("parent", "guardian") for signature in one.record.signatures),
            )
            for one in consent_records.opened(self.work, page)
        }

    def _sections(self, patient: UUID, *, closely: bool) -> Mapping[str, SectionTrace]:
        """By clear columns. What a section lacks is read closely, or where only that tells whether it is asked at all;
        a caller who may not see it is told what its state says. Several entries make one section.
        """
        rows = self.sections[patient]
        there = {row.kind for row in rows}
        ask = rows and (closely or ("substances" in there and "withdrawal" not in there))
        states = sections_of(self.work, self.library.medical, patient) if ask else _NOT_ASKED
        traces: dict[str, SectionTrace] = {}
        for row in rows:
            known, state = traces.get(row.kind), states.get(row.kind)
            missing: tuple[str, ...] = () if row.state == "current" else ("not finished",)
            if state is not None and "withheld" not in state.missing:
                missing = state.missing
            changed = row.until or row.at
            traces[row.kind] = SectionTrace(
                started_at=row.at if known is None else min(row.at, known.started_at),
                changed_at=changed if known is None else max(changed, known.changed_at),
                missing=tuple(dict.fromkeys((*(known.missing if known else ()), *missing))),
            )
        last = max((one.changed_at for one in traces.values()), default=None)
        for key, state in states.items():
            if last is not None and key not in traces and not state.missing:
                traces[key] = SectionTrace(last, last)  # nothing is asked of this patient
        return traces

    def _instant(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone).astimezone(UTC)


def intake_of(
    work: Work, patient_id: UUID, day: date, created_at: datetime, episode: Episode | None
) -> Intake:
    """An intake that counts from the beginning of `day`; its deadlines from when it was written down, if that was the
    same day.
    """
    begins = datetime.combine(day, time(), work.program.zone).astimezone(UTC)
    same_day = created_at.astimezone(work.program.zone).date() == day
    return Intake(patient_id, begins, created_at if same_day else begins, episode)


def _grown_since(signed_at: datetime, adult: datetime | None, now: datetime) -> bool:
    return adult is not None and signed_at < adult <= now


def _timed(rows: Iterable[found.Found]) -> tuple[Timed, ...]:
    return tuple(Timed(row.kind, row.state, row.at) for row in rows)


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


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None
