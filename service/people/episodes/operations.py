"""Episodes: opened by a referral, moved step by step, read.

Admission and discharge are decided above (what is missing, what follows); they and the steps of this module go through
`move`, the only place that changes an episode.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from service.access.actions import Action
from service.access.facts import Facts
from service.access.program import Regime
from service.errors import Code, Conflict, FieldError, Stale
from service.ids import new_id
from service.people.episodes import episode as rules
from service.people.episodes import records
from service.people.episodes.episode import Episode, EpisodeState, EpisodeStep, Step, Track
from service.people.episodes.kept import keep_step, opened, sealed, steps_of
from service.people.episodes.records import StoredEpisode
from service.people.facts import load_patient, patient_facts, program_day
from service.people.merging.charts import chart_ids, charts_of_person
from service.people.patient import EARLIEST_BIRTH
from service.people.records import patient_for_update
from service.work import Loaded, Work

#: What a loader for `work.authorised` finds.
Loader = Callable[[Work], "Loaded[tuple[StoredEpisode, Facts]] | None"]


@dataclass(frozen=True, slots=True, repr=False)
class NewEpisode:
    """A referral. `track` None: by the unit's law, substance use or mental health."""

    unit: str
    opened_on: date
    track: Track | None = None
    referral: str | None = None
    payer: str | None = None
    coming_from: str | None = None
    level: str | None = None
    readmission_of: UUID | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class NewStep:
    """A step to record here: `step_down`, `transfer` or `not_admit`."""

    kind: Step
    on: date
    reason: str
    level: str | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Course:
    """An episode with all that happened in it."""

    episode: Episode
    steps: tuple[EpisodeStep, ...]


def open_episode(work: Work, patient_id: UUID, new: NewEpisode) -> Course:
    """A referral to a unit. Conflict `episode_open` while another one of that unit has not ended."""
    work.authorised(Action.EPISODE_OPEN, lambda work: load_patient(work, patient_id, changing=True))
    _check_new(work, new)
    charts: list[UUID] = [*chart_ids(work, patient_id)]
    others = records.open_episodes(work.db, charts)
    if any(one.unit == new.unit for one in others):
        raise Conflict(Code.EPISODE_OPEN, "This patient is in an episode of this unit already.")
    opened = Episode(
        id=new_id(work.now),
        patient_id=patient_id,
        unit=new.unit,
        state=EpisodeState.REFERRED,
        opened_on=new.opened_on,
        admitted_on=None,
        ended_on=None,
        version=1,
        track=new.track or _track(work, new.unit),
        payer=new.payer,
        level=new.level,
        referral=new.referral,
        coming_from=new.coming_from,
        readmission_of=_former(work, charts, new),
    )
    records.insert_episode(work.db, sealed(work, opened), work.entry_id)
    step = keep_step(work, opened, Step.REFER, new.opened_on, {"note": new.note} if new.note else {})
    _record(work, opened, Action.EPISODE_OPEN, readmission=opened.readmission_of is not None)
    return Course(opened, (step,))


def take_step(work: Work, episode_id: UUID, new: NewStep, *, version: int | None = None) -> Course:
    """A step down, a transfer, or the decision not to admit. Admission and discharge have acts of their own above."""
    action = Action.EPISODE_ADMIT if new.kind is Step.NOT_ADMIT else Action.EPISODE_MOVE
    episode = authorised_episode(work, action, episode_id, changing=True)
    if version is not None and episode.version != version:
        raise Stale(Code.VERSION_STALE, "Somebody changed this episode since you read it.")
    particulars: dict[str, Any] = {"reason": new.reason}
    particulars |= {} if new.level is None else {"level": new.level}
    particulars |= {} if new.unit is None else {"unit": new.unit}
    rules.refuse_faults(_step_faults(new))
    moved = move(work, episode, new.kind, new.on, particulars)
    _record(work, moved, action, step=new.kind.value)
    return Course(moved, steps_of(work, moved))


def read_episode(work: Work, episode_id: UUID) -> Course:
    """One episode with its steps."""
    episode = authorised_episode(work, Action.EPISODE_READ, episode_id)
    steps = steps_of(work, episode)
    _record(work, episode, Action.EPISODE_READ)
    return Course(episode, steps)


def list_episodes(
    work: Work, patient_id: UUID, *, before: UUID | None, at_most: int
) -> tuple[tuple[Episode, ...], bool]:
    """Episodes of a patient, newest first, and whether there are more."""
    work.authorised(Action.EPISODE_READ, lambda work: load_patient(work, patient_id))
    page = records.episodes_page(work.db, patient_id, before, at_most + 1)
    found = tuple(opened(work, stored) for stored in page[:at_most])
    work.record(
        action=Action.EPISODE_READ,
        object_kind="episode",
        object_id=None,
        patient_id=patient_id,
        detail={"listed": len(found)},
    )
    return found, len(page) > at_most


# -- for operations above --------------------------------------------------------------------------


def episode_loader(episode_id: UUID, *, changing: bool = False) -> Loader:
    """Loads an episode, still sealed (`opened` opens it), for `work.authorised`. `changing` locks the patient, then the
    episode: in that order, as every decision about a patient does, so the two never wait for each other.
    """

    def load(work: Work) -> Loaded[tuple[StoredEpisode, Facts]] | None:
        stored = records.episode_by_id(work.db, episode_id)
        if stored is not None and changing:
            patient_for_update(work.db, stored.patient_id)
            stored = records.episode_for_update(work.db, episode_id)
        facts = None if stored is None else patient_facts(work, stored.patient_id)
        if stored is None or facts is None:
            return None
        facts = replace(facts, state=stored.state)
        return Loaded((stored, facts), facts, "episode", stored.id, patient_id=stored.patient_id)

    return load


def authorised_episode(work: Work, action: Action, episode_id: UUID, *, changing: bool = False) -> Episode:
    """The episode, opened, if this caller may do `action` to it: what operations about an episode begin with."""
    stored, _ = work.authorised(action, episode_loader(episode_id, changing=changing))
    return opened(work, stored)


def current_episode(work: Work, patient_id: UUID) -> Episode | None:
    """The open episode of a patient, the one opened last if there are several; inside an act already allowed."""
    found = records.open_episodes(work.db, [patient_id])
    return opened(work, found[0]) if found else None


def is_in_care(work: Work, patient_id: UUID) -> bool:
    """Whether the person is in an open episode, in whichever of their charts; inside an act already allowed."""
    return bool(records.open_episodes(work.db, [*charts_of_person(work, patient_id)]))


def move(work: Work, episode: Episode, step: Step, on: date, particulars: Mapping[str, Any]) -> Episode:
    """Take a step on a day of the program's calendar, inside an act already allowed, which the caller records.

    `particulars` are kept with the step; `level`, `unit` and `payer` in them become the episode's. Raises Conflict
    `episode_state` where the step is not possible, Invalid `episode_invalid` for a day or unit that cannot be.
    """
    transition = rules.after(episode.state, step)
    last = records.last_day(work.db, episode.id) or episode.opened_on
    rules.refuse_faults(
        [
            *rules.day_faults(on, today=program_day(work), not_before=last, field="on"),
            *_unit_faults(work, particulars.get("unit")),
            *rules.code_faults({name: particulars.get(name) for name in ("level", "payer")}),
        ]
    )
    moved = replace(
        episode,
        state=transition.to,
        unit=str(particulars.get("unit", episode.unit)),
        level=particulars.get("level", episode.level),
        payer=particulars.get("payer", episode.payer),
        admitted_on=on if step is Step.ADMIT else episode.admitted_on,
        ended_on=None if transition.to in rules.OPEN else on,
        version=episode.version + 1,
    )
    if moved.unit != episode.unit and moved.is_open:
        others = records.open_episodes(work.db, [*chart_ids(work, episode.patient_id)])
        if any(one.unit == moved.unit for one in others):
            raise Conflict(Code.EPISODE_OPEN, "This patient is in an episode of this unit already.")
    records.replace_episode(work.db, sealed(work, moved), work.entry_id)
    keep_step(work, moved, step, on, particulars)
    return moved


# -- inside ----------------------------------------------------------------------------------------


def _check_new(work: Work, new: NewEpisode) -> None:
    codes = {
        "referral": new.referral,
        "payer": new.payer,
        "coming_from": new.coming_from,
        "level": new.level,
    }
    rules.refuse_faults(
        [
            *_unit_faults(work, new.unit),
            *rules.day_faults(
                new.opened_on, today=program_day(work), not_before=EARLIEST_BIRTH, field="opened_on"
            ),
            *rules.code_faults(codes),
        ]
    )


def _unit_faults(work: Work, unit: str | None) -> list[FieldError]:
    if unit is None or unit in work.program.units:
        return []
    return [FieldError("unit", "unknown", "This program has no such unit.")]


def _step_faults(new: NewStep) -> list[FieldError]:
    """A step down or a transfer says where to; a refusal to admit goes nowhere."""
    if not new.reason.strip():
        return [FieldError("reason", "missing", "Say why.")]
    match new.kind:
        case Step.STEP_DOWN if new.level is None:
            return [FieldError("level", "missing", "Say to which level of care.")]
        case Step.TRANSFER if new.level is None and new.unit is None:
            return [FieldError("level", "missing", "Say to which level of care, or to which unit.")]
        case Step.NOT_ADMIT if new.level or new.unit:
            return [FieldError("level", "not_applicable", "Nobody is admitted to a level here.")]
        case Step.STEP_DOWN | Step.TRANSFER | Step.NOT_ADMIT:
            return []
        case _:
            return [FieldError("kind", "elsewhere", "Admission and discharge are acts of their own.")]


def _track(work: Work, unit: str) -> Track:
    return Track.SUD if work.program.units[unit].regime is Regime.PART2 else Track.MH


def _former(work: Work, charts: list[UUID], new: NewEpisode) -> UUID | None:
    """The episode this one follows: the one that was named, if it was discharged, or else the last of the unit."""
    discharged = records.discharged_episodes(work.db, charts)
    if new.readmission_of is None:
        return next((one.id for one in discharged if one.unit == new.unit), None)
    if new.readmission_of not in {one.id for one in discharged}:
        fault = FieldError(
            "readmission_of", "unknown", "Name an episode of this patient that was discharged."
        )
        rules.refuse_faults([fault])
    return new.readmission_of


def _record(work: Work, episode: Episode, action: Action, **detail: str | bool) -> None:
    work.record(
        action=action,
        object_kind="episode",
        object_id=episode.id,
        object_version=episode.version,
        patient_id=episode.patient_id,
        detail={"state": episode.state.value, **detail},
    )
