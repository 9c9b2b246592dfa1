"""From new entries of the trail to the facts the rules weigh: what stands beside them, who knows whom, who is watched.

All of it is clear columns and, for accesses to a patient's chart, what `known` compares.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from service.access.actions import Action
from service.access.review_rules import Counts, Excuse, ReviewBook
from service.custody.findings import likeness
from service.custody.findings.known import Known
from service.custody.findings.rules import Calendar, Facts, Pair, Seen
from service.custody.findings.trail import records as trail
from service.custody.findings.trail.records import Entry, Grant, Relation
from service.custody.findings.watching import records as watching
from service.custody.findings.watching.operations import WatchKind
from service.work import Work

_PERMIT, _DENY = "permit", "deny"
_PATIENT_RULES: Final = (Counts.SAME_SURNAME, Counts.SAME_ADDRESS, Counts.COWORKER, Counts.VIP)


@dataclass(frozen=True, slots=True)
class News:
    """New entries by what they are: only these make anything to weigh."""

    emergencies: Sequence[Entry]
    denials: Sequence[Entry]
    reads: Sequence[Entry]

    def __bool__(self) -> bool:
        return bool(self.emergencies or self.denials or self.reads)


def news_of(book: ReviewBook, entries: Iterable[Entry]) -> News:
    """What of new entries the rules look at: acts of staff, refusals to staff and to requesters from outside."""
    emergencies: list[Entry] = []
    denials: list[Entry] = []
    reads: list[Entry] = []
    for one in entries:
        if one.actor_id is None or one.actor_kind not in ("staff", "requester"):
            continue
        if one.outcome == _DENY:
            denials.append(one)
        elif one.actor_kind == "staff" and one.action == Action.EMERGENCY_OPEN.value:
            emergencies.append(one)
        elif one.actor_kind == "staff" and one.action in book.reads and one.patient_id is not None:
            reads.append(one)
    return News(emergencies, denials, reads)


def calendar_of(work: Work) -> Calendar:
    return Calendar(work.program.zone, work.program.closed_days)


def facts_at_once(work: Work, news: News, known: Known) -> Facts:
    """Facts about what is new, in an act that is allowed already."""
    book = work.access.reviews
    reads = _with_those_beside(
        work, news.reads, book.longest(*_PATIENT_RULES, Counts.OFF_HOURS), _PERMIT, book.reads
    )
    pairs = {pair for one in news.reads if (pair := _pair(one)) is not None}
    patients = {patient_id for _, patient_id in pairs}
    surname, address = set[Pair](), set[Pair]()
    for actor_id, patient_id in sorted(pairs):
        caller, patient = known.caller(actor_id), known.patient(patient_id)
        if caller is None or patient is None:
            continue
        if likeness.same_surname(caller, patient):
            surname.add((actor_id, patient_id))
        if likeness.same_address(caller, patient):
            address.add((actor_id, patient_id))
    marks = [one for one in watching.watches(work.db, patients) if one.ended_at is None]
    here = {one.patient_id for one in marks if one.kind == WatchKind.COWORKER}
    here |= {patient_id for patient_id in sorted(patients) if known.works_here(patient_id)}
    watched = {one.patient_id for one in marks if one.kind == WatchKind.VIP}
    like = surname | address | {pair for pair in pairs if pair[1] in here | watched}
    seen = [_seen(one) for one in reads]
    to_excuse = [one for one in seen if one.pair in like]
    return Facts(
        new=frozenset(one.id for one in (*news.emergencies, *news.denials, *news.reads)),
        emergencies=_all_seen(
            work,
            news.emergencies,
            book.longest(Counts.EMERGENCIES),
            _PERMIT,
            frozenset({Action.EMERGENCY_OPEN}),
        ),
        denials=_all_seen(work, news.denials, book.longest(Counts.DENIALS), _DENY, None),
        reads=seen,
        same_surname=frozenset(surname),
        same_address=frozenset(address),
        coworkers=frozenset(here),
        watched=frozenset(watched),
        excused={
            Excuse.RELATIONSHIP: _related(work, to_excuse),
            Excuse.EMERGENCY: _granted(work, to_excuse),
        },
    )


def facts_later(work: Work, reads: Sequence[Entry]) -> Facts:
    """Facts about accesses so long ago that what was done for the patient around them is on record."""
    book = work.access.reviews
    settled = [_seen(one) for one in reads]
    return Facts(
        new=frozenset(one.id for one in reads),
        settled=settled,
        excused={
            Excuse.RELATIONSHIP: _related(work, settled),
            Excuse.EMERGENCY: _granted(work, settled),
            Excuse.CARE: _cared_for(work, reads, timedelta(days=book.care_days)),
        },
    )


# -- inside -----------------------------------------------------------------------------------------------------------


def _seen(entry: Entry) -> Seen:
    if entry.actor_id is None:
        raise ValueError("an entry of nobody is not weighed")
    return Seen(entry.id, entry.occurred_at, entry.actor_id, entry.patient_id)


def _pair(entry: Entry) -> Pair | None:
    return _seen(entry).pair


def _all_seen(
    work: Work, new: Sequence[Entry], within: timedelta, outcome: str, actions: frozenset[Action] | None
) -> list[Seen]:
    return [_seen(one) for one in _with_those_beside(work, new, within, outcome, actions)]


def _with_those_beside(
    work: Work, new: Sequence[Entry], within: timedelta, outcome: str, actions: frozenset[Action] | None
) -> list[Entry]:
    """The new entries, and those of the same callers near them in time."""
    found: dict[UUID, Entry] = {one.id: one for one in new}
    named = None if actions is None else [action.value for action in actions]
    for actor_id, near in _by_actor(new).items():
        for one in trail.beside(
            work.db, work.caller.program_id, actor_id, near, within, outcome=outcome, actions=named
        ):
            found.setdefault(one.id, one)
    return list(found.values())


def _by_actor(entries: Iterable[Entry]) -> dict[UUID, list[Entry]]:
    found: defaultdict[UUID, list[Entry]] = defaultdict(list)
    for one in entries:
        if one.actor_id is not None:
            found[one.actor_id].append(one)
    return dict(found)


def _related(work: Work, reads: Sequence[Seen]) -> frozenset[UUID]:
    """Accesses within a relationship that was on record before them."""
    return _within(work, reads, trail.relationships(work.db, *_both(reads)))


def _granted(work: Work, reads: Sequence[Seen]) -> frozenset[UUID]:
    """Accesses under a break-glass grant."""
    return _within(work, reads, trail.grants(work.db, *_both(reads)))


def _both(reads: Sequence[Seen]) -> tuple[set[UUID], set[UUID]]:
    return {one.actor_id for one in reads}, {one.patient_id for one in reads if one.patient_id is not None}


def _within(work: Work, reads: Sequence[Seen], spells: Sequence[Relation | Grant]) -> frozenset[UUID]:
    of_pair: defaultdict[Pair, list[Relation | Grant]] = defaultdict(list)
    for spell in spells:
        of_pair[spell.actor_id, spell.patient_id].append(spell)
    calendar = calendar_of(work)
    return frozenset(
        one.id
        for one in reads
        if one.pair is not None
        and any(spell.holds(one.at, calendar.day(one.at)) for spell in of_pair.get(one.pair, ()))
    )


def _cared_for(work: Work, reads: Sequence[Entry], within: timedelta) -> frozenset[UUID]:
    """Accesses around which the caller did something for the patient."""
    acts = [action.value for action in work.access.reviews.care]
    done: defaultdict[Pair, list[datetime]] = defaultdict(list)
    for actor_id, near in _by_actor(reads).items():
        for act in trail.beside(
            work.db, work.caller.program_id, actor_id, near, within, outcome=_PERMIT, actions=acts
        ):
            if act.patient_id is not None:
                done[actor_id, act.patient_id].append(act.occurred_at)
    return frozenset(
        one.id
        for one in reads
        if (pair := _pair(one)) is not None
        and any(abs(at - one.occurred_at) <= within for at in done.get(pair, ()))
    )
