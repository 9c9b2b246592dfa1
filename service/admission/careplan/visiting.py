"""Visits: recorded as they were held or missed, listed, added up against what was planned; and the gates they open.

A visit is a record item of kind `attendance`: what a consent to tell of attendance releases is that, and nothing about
use or about what was said. Planned and delivered hours are two ledgers that are shown side by side.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from service.access.actions import Action
from service.admission.careplan import kept, records
from service.admission.careplan.book import CarePlanBook
from service.admission.careplan.gate_facts import gate_facts
from service.admission.careplan.gates import Gate, gates, ready
from service.admission.careplan.gathering import Books, visit_labels
from service.admission.careplan.goals import raise_step_up
from service.admission.careplan.hours import WeekOfHours, weeks
from service.admission.careplan.plan import CarePlan
from service.admission.careplan.visit import Outcome, Visit
from service.errors import Code, FieldError, Invalid, NotFound
from service.ids import new_id
from service.people.at_law import years
from service.people.episodes.episode import Episode, EpisodeState
from service.people.episodes.operations import authorised_episode
from service.people.facts import program_day
from service.people.operations import open_patient_name
from service.work import Work

FORMATS: Final = frozenset({"group", "individual", "family", "assessment", "medication", "other"})
KIND: Final = "visit"


@dataclass(frozen=True, slots=True, repr=False)
class NewVisit:
    held_on: date
    minutes: int
    outcome: Outcome
    format: str
    remote: bool = False
    code: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """One week of both ledgers; `short` says that it has to be looked at, and why."""

    week: WeekOfHours
    short: str | None


@dataclass(frozen=True, slots=True)
class Gates:
    """How far a step down is; `ready` is for a clinician to act on."""

    gates: tuple[Gate, ...]
    ready: bool


def record_visit(work: Work, books: Books, episode_id: UUID, new: NewVisit) -> tuple[UUID, Visit]:
    """Keep a visit of an episode; days missed in a row raise a flag."""
    episode = authorised_episode(work, Action.VISIT_RECORD, episode_id)
    _check(work, books.plans, episode, new)
    form = f"{new.format}:remote" if new.remote else new.format
    visit = kept.add_visit(
        work,
        Visit(
            id=new_id(work.now),
            patient_id=episode.patient_id,
            episode_id=episode.id,
            held_on=new.held_on,
            minutes=new.minutes,
            outcome=new.outcome,
            format=form,
            code=new.code,
            reason=new.reason,
        ),
        episode.unit,
        visit_labels(episode),
    )
    work.record(
        action=Action.VISIT_RECORD,
        object_kind=KIND,
        object_id=visit.id,
        object_version=visit.version,
        patient_id=visit.patient_id,
        detail={"episode": str(episode.id), "outcome": visit.outcome.value},
    )
    if new.outcome is Outcome.MISSED:
        raise_step_up(work, books, visit.patient_id, episode.id, kept.visits_of(work, episode.id), ())
    return visit.id, visit


def mark_error(work: Work, visit_id: UUID, reason: str, *, replay: bool = False) -> Visit:
    """Entered in error, by whoever may record visits: nothing counts it any more. A flag that rested on it stands."""
    visit = _visit(work, visit_id)
    if visit.error is None or not replay:
        visit = kept.take_back_visit(work, visit, reason)
    work.record(
        action=Action.VISIT_RECORD,
        object_kind=KIND,
        object_id=visit.id,
        object_version=visit.version,
        patient_id=visit.patient_id,
        detail={"state": "entered_in_error"},
    )
    return visit


def read_visit(work: Work, visit_id: UUID) -> Visit:
    """One visit, for whoever may record visits of its episode: the answer to a repeated request."""
    visit = _visit(work, visit_id)
    work.record(
        action=Action.VISIT_RECORD,
        object_kind=KIND,
        object_id=visit.id,
        object_version=visit.version,
        patient_id=visit.patient_id,
        detail={"read": True},
    )
    return visit


def list_visits(
    work: Work, episode_id: UUID, *, before: UUID | None, at_most: int
) -> tuple[tuple[Visit, ...], UUID | None]:
    """Visits of an episode, last recorded first, and the last id of the page if there are more."""
    episode = authorised_episode(work, Action.EPISODE_READ, episode_id)
    page = records.visits_page(work.db, episode.id, before, at_most + 1)
    found = tuple(one for one in (kept.open_visit(work, row) for row in page[:at_most]) if one is not None)
    _record_reading(work, episode, {"visits": len(found)})
    return found, page[at_most - 1].item_id if len(page) > at_most else None


def hours_of(work: Work, books: Books, episode_id: UUID) -> tuple[Ledger, ...]:
    """Every week of the episode until today, oldest first."""
    episode = authorised_episode(work, Action.EPISODE_READ, episode_id)
    plan, visits = kept.plan_of(work, episode.id), kept.visits_of(work, episode.id)
    today = program_day(work)
    last = min(today, episode.ended_on or today)
    ledger = weeks(
        None if plan is None else plan.content,
        books.plans,
        visits,
        episode.admitted_on or episode.opened_on,
        last,
    )
    born = date.fromisoformat(open_patient_name(work, episode.patient_id)["birth_date"])
    found = tuple(
        Ledger(week, _short(week, books.plans, plan, years(born, week.first), work.program.state, today))
        for week in ledger
    )
    _record_reading(
        work, episode, {"weeks": len(found), "short": sum(one.short is not None for one in found)}
    )
    return found


def gates_of(work: Work, books: Books, episode_id: UUID) -> Gates:
    """How the gates of a step down stand. Nothing is moved. They show scores and the word of staff about them: whoever
    reads their own plan does not for that read these.
    """
    authorised_episode(work, Action.EPISODE_READ, episode_id)
    episode = authorised_episode(work, Action.CARE_PLAN_READ, episode_id)
    found = gates(gate_facts(work, books, episode, kept.plan_of(work, episode.id)), books.plans)
    work.record(
        action=Action.CARE_PLAN_READ,
        object_kind="episode",
        object_id=episode.id,
        patient_id=episode.patient_id,
        detail={"gates": {one.id: one.state.value for one in found}},
    )
    return Gates(found, ready(found))


def _visit(work: Work, visit_id: UUID) -> Visit:
    row = records.visit_row(work.db, visit_id)
    if row is None:
        raise NotFound(Code.NOT_FOUND, "There is nothing here for you.")
    authorised_episode(work, Action.VISIT_RECORD, row.episode_id)
    visit = kept.open_visit(work, row)
    if visit is None:
        raise NotFound(Code.NOT_FOUND, "There is nothing here for you.")
    return visit


def _short(
    week: WeekOfHours, book: CarePlanBook, plan: CarePlan | None, age: int, state: str, today: date
) -> str | None:
    """A whole week that is over, with fewer hours than the level asks for, and nothing that explains it."""
    limit = None if plan is None else book.hour_limit(plan.content.level, age, state)
    whole = (
        plan is not None and week.first >= plan.content.starts_on and week.first + timedelta(days=6) < today
    )
    if limit is None or not whole or week.delivered // 15 * 15 >= limit.least:
        return None
    if week.transition or week.excused:
        return None
    return f"Below the {limit.least / 60:g} hours of level {limit.level}, with no transition and no excuse."


def _check(work: Work, book: CarePlanBook, episode: Episode, new: NewVisit) -> None:
    faults: list[FieldError] = []
    today = program_day(work)
    if episode.state is EpisodeState.NOT_ADMITTED:
        faults.append(FieldError("held_on", "no_episode", "Nobody was admitted."))
    if not episode.opened_on <= new.held_on <= min(today, episode.ended_on or today):
        faults.append(FieldError("held_on", "implausible", "A day of the episode, up to today."))
    if new.format not in FORMATS:
        faults.append(FieldError("format", "unknown_code", f"One of: {', '.join(sorted(FORMATS))}."))
    if new.code is not None and new.code not in book.offers:
        faults.append(FieldError("code", "unknown_code", "Not in the catalogue."))
    if new.outcome is Outcome.EXCUSED and not (new.reason or "").strip():
        faults.append(FieldError("reason", "missing", "Say why it is excused."))
    if faults:
        raise Invalid(Code.VISIT_INVALID, "The visit cannot be recorded like this.", faults)


def _record_reading(work: Work, episode: Episode, detail: dict[str, int]) -> None:
    work.record(
        action=Action.EPISODE_READ,
        object_kind="episode",
        object_id=episode.id,
        object_version=episode.version,
        patient_id=episode.patient_id,
        detail=detail,
    )
