"""What is to be done today, of all patients: one entry for each patient shown, safety first.

A page is so many open episodes, taken by the database in the order of the list (an open safety flag before none, the
sooner due the earlier, intakes before stays); every concept is then read once for the page (gathering.py), so the number
of statements depends on the page and never on how many patients the program has. Whom this caller may not know of is
left out by the same rule that guards a packet; everybody who is shown has an entry in the ledger.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from service.access.actions import Action
from service.access.caller import CallerKind
from service.access.facts import Facts
from service.admission.found import records as found
from service.admission.packet.gathering import Gathered, gather
from service.admission.packet.intake import Library, intake_of
from service.admission.packet.model import Block, PacketItem, Source, Status
from service.admission.packet.nudging import nudged_of
from service.admission.packet.shown import without_reason
from service.admission.packet.whole import packet_from
from service.admission.waiting import records as waiting
from service.people.episodes.operations import opened
from service.people.facts import program_day
from service.work import Work

EXPIRING: Final = timedelta(days=14)


class View(StrEnum):
    MINE = "mine"
    OVERDUE = "overdue"
    WAITING_PATIENT = "waiting_patient"
    WAITING_OUTSIDE = "waiting_outside"
    EXPIRING = "expiring"


@dataclass(frozen=True, slots=True, repr=False)
class Entry:
    """One patient of the list with what there is to do. Names only for whoever may read the patient."""

    patient_id: UUID
    episode_id: UUID
    state: str
    family_name: str | None
    given_name: str | None
    open_flags: int
    flag_due_at: datetime | None
    flag_severity: str | None
    blocking: Block | None
    call_patient: bool
    items: tuple[PacketItem, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """`last`: the episode to go on after; None when there are no more."""

    entries: tuple[Entry, ...]
    last: UUID | None


def work_list(work: Work, library: Library, view: View, *, after: UUID | None, at_most: int) -> Page:
    """A page of the list. It may hold fewer entries than asked for, and still go on."""
    work.require(Action.WORK_LIST_READ, object_kind="work_list")
    stored = waiting.open_episodes(work.db, work.caller.program_id, after, at_most + 1)
    page = stored[:at_most]
    mine = _related(work, [row.patient_id for row in page])
    allowed = {
        row.patient_id
        for row in page
        if work.permits(Action.PACKET_READ, _facts(work, row.patient_id in mine))
    }
    intakes = [
        intake_of(work, row.patient_id, row.opened_on, row.created_at, opened(work, row))
        for row in page
        if row.patient_id in allowed
    ]
    entries = [
        entry
        for one in gather(work, library, intakes)
        if (entry := _entry(work, library, one, view, one.intake.patient_id in mine)) is not None
    ]
    work.record(
        action=Action.WORK_LIST_READ,
        object_kind="work_list",
        object_id=None,
        detail={"view": view.value, "shown": len(entries)},
    )
    for entry in entries:
        work.record(
            action=Action.WORK_LIST_READ,
            object_kind="episode",
            object_id=entry.episode_id,
            patient_id=entry.patient_id,
            detail={"view": view.value, "items": len(entry.items)},
        )
    return Page(tuple(sorted(entries, key=_urgency)), page[-1].id if len(stored) > at_most else None)


def _related(work: Work, patients: Sequence[UUID]) -> frozenset[UUID]:
    if work.caller.kind is not CallerKind.STAFF or not patients:
        return frozenset()
    return found.related(work.db, work.caller.account_id, patients, program_day(work))


def _facts(work: Work, related: bool) -> Facts:
    return Facts(relationship=related, program=work.caller.program_id)


def _entry(work: Work, library: Library, one: Gathered, view: View, related: bool) -> Entry | None:
    episode = one.intake.episode
    items = [item for item in packet_from(work, library, one).items if _in_view(work, item, view)]
    if episode is None or not items:
        return None
    flags = sorted(
        (flag for flag in one.flags if flag.state.value != "acknowledged"), key=lambda f: f.urgency
    )
    items.sort(key=_item_urgency)
    if not work.permits(Action.ASSESSMENT_LIST, _facts(work, related)):
        items = [without_reason(item) for item in items]
    named = work.permits(Action.PATIENT_READ, _facts(work, related))
    blocking = [item.blocks[0] for item in items if item.blocks]
    return Entry(
        patient_id=one.intake.patient_id,
        episode_id=episode.id,
        state=episode.state.value,
        family_name=str(one.demographics.get("family_name")) if named else None,
        given_name=str(one.demographics.get("given_name")) if named else None,
        open_flags=len(flags),
        flag_due_at=min((flag.due_at for flag in flags), default=None),
        flag_severity=flags[0].flag.severity.value if flags else None,
        blocking=min(blocking, key=list(Block).index, default=None),
        call_patient=nudged_of(one).called,
        items=tuple(items),
    )


def _in_view(work: Work, item: PacketItem, view: View) -> bool:
    to_do = item.required and not item.settled
    match view:
        case View.MINE:
            own = item.assignee_id in (None, work.caller.account_id)
            return to_do and own and item.owner in {role.value for role in work.caller.roles}
        case View.OVERDUE:
            return to_do and item.due is not None and item.due.at is not None and item.due.at < work.now
        case View.WAITING_PATIENT:
            return to_do and item.source is Source.PATIENT
        case View.WAITING_OUTSIDE:
            return to_do and item.source is Source.OUTSIDE
        case View.EXPIRING:
            soon = program_day(work) + EXPIRING
            return item.status is Status.DONE and item.expires_on is not None and item.expires_on <= soon


def _item_urgency(item: PacketItem) -> tuple[int, bool, float, str]:
    """What blocks the next step first, then by the clock."""
    rank = list(Block).index(item.blocks[0]) if item.blocks else len(Block)
    due = item.due.at if item.due is not None else None
    return rank, due is None, due.timestamp() if due is not None else 0.0, item.key


def _urgency(entry: Entry) -> tuple[bool, float, int, tuple[int, bool, float, str]]:
    """An open flag before none, by its clock; then what blocks the next step; then what is due first."""
    flagged = entry.flag_due_at is not None
    due = entry.flag_due_at.timestamp() if entry.flag_due_at is not None else 0.0
    rank = list(Block).index(entry.blocking) if entry.blocking is not None else len(Block)
    return not flagged, due, rank, _item_urgency(entry.items[0])
