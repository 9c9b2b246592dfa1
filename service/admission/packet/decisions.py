"""What people decide about an item, kept as one row for each: read, changed, or made, inside an act already allowed."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from service.admission.packet import records
from service.admission.packet.catalogue import ItemRule
from service.admission.packet.records import StoredDecision
from service.admission.packet.sealing import opened_decision, sealed_decision
from service.admission.packet.traces import Decided
from service.errors import Code, Stale
from service.ids import new_id
from service.people.episodes.episode import Episode
from service.work import Work

#: A form that could not be given is offered again within a day.
FOLLOW_UP = timedelta(hours=24)


def decided(
    work: Work, episode: Episode, rule: ItemRule, instance: str
) -> tuple[StoredDecision | None, Decided]:
    """The row of an item, locked, and what it says; a fresh decision when nobody has decided anything yet."""
    stored = records.decision(work.db, episode.id, rule.key, instance)
    if stored is None:
        return None, Decided(rule.key, instance, 0, rule.owner)
    return stored, opened_decision(work, stored)


def keep(
    work: Work, episode: Episode, stored: StoredDecision | None, now: Decided, *, state: str
) -> StoredDecision:
    """The decision as the next version of its row."""
    now = replace(now, version=now.version + 1)
    row_id = new_id(work.now) if stored is None else stored.id
    row = sealed_decision(
        work, now, row_id=row_id, patient_id=episode.patient_id, episode_id=episode.id, state=state
    )
    if stored is None:
        records.insert_decision(work.db, row, work.entry_id)
    else:
        records.replace_decision(work.db, row, work.entry_id)
    return row


def put_off(work: Work, episode: Episode, rule: ItemRule, instance: str, why: str) -> UUID:
    """A follow-up that asks for the item again; one that stands open already keeps its date. Returns its row's id."""
    stored, before = decided(work, episode, rule, instance)
    due_at = work.now + FOLLOW_UP
    now = replace(before, opened_at=work.now, reason=why, due_at=due_at)
    return keep(work, episode, stored, now, state="open").id


def check_version(stored: StoredDecision | None, version: int | None) -> None:
    """Stale when the caller read another version than there is."""
    if version is not None and version != (0 if stored is None else stored.version):
        raise Stale(Code.VERSION_STALE, "Somebody changed this item since you read it.")
