"""Looking through the trail, a batch at a time: what is new is weighed once, what the rules find waits for somebody.

Two questions, each with a mark of its own over the positions of the program's tree. At once: what an access is by
itself, or with others near it. Later: an access around which nothing was done for the patient, which can be told only
`care_days` after it. A mark moves in the transaction that raises the findings, so nothing is looked at twice and
nothing is passed over, whatever stops in between; what is committed late has a later position.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from service.access.actions import Action
from service.custody.findings import records
from service.custody.findings.gathering import calendar_of, facts_at_once, facts_later, news_of
from service.custody.findings.known import Known
from service.custody.findings.lifecycle import FindingState, with_new_facts
from service.custody.findings.records import FINDING_ROW, StoredFinding
from service.custody.findings.rules import Facts, Found, Seen, found
from service.custody.findings.trail import records as trail
from service.ids import new_id
from service.store.types import Sealed
from service.vault.envelope import RowKey
from service.work import Work

KIND: Final = "finding"
AT_ONCE: Final = "at_once"
LATER: Final = "later"
#: So many entries in one unit: well within what a transaction of a job may take.
BATCH: Final = 500


def look_at_once(work: Work) -> int:
    """Weigh the next entries nobody looked at; returns how many there were. The unit of a job, as the system caller."""
    program_id = work.caller.program_id
    before = records.mark(work.db, program_id, AT_ONCE)
    entries = trail.entries_after(work.db, program_id, before, BATCH)
    if not entries:
        return 0
    if news := news_of(work.access.reviews, entries):
        known = _begin(work, AT_ONCE, len(entries))
        _raise_all(work, facts_at_once(work, news, known))
    records.move_mark(work.db, program_id, AT_ONCE, _last(entries), work.now)
    return len(entries)


def look_later(work: Work) -> int:
    """Weigh the next accesses that are `care_days` old; returns how many entries were looked at. The first that is not
    so old ends the batch: those behind it wait, too.
    """
    program_id, book = work.caller.program_id, work.access.reviews
    settled_by = work.now - timedelta(days=book.care_days)
    before = records.mark(work.db, program_id, LATER)
    ripe: list[trail.Entry] = []
    for one in trail.entries_after(work.db, program_id, before, BATCH):
        if one.occurred_at > settled_by:
            break
        ripe.append(one)
    if not ripe:
        return 0
    if reads := news_of(book, ripe).reads:
        facts = facts_later(work, reads)
        if found(book, facts, calendar_of(work)):
            _begin(work, LATER, len(ripe))
            _raise_all(work, facts)
    records.move_mark(work.db, program_id, LATER, _last(ripe), work.now)
    return len(ripe)


# -- inside -----------------------------------------------------------------------------------------------------------


def _begin(work: Work, question: str, looked_at: int) -> Known:
    """The act of this unit: allowed, and on record before anything is opened for it."""
    work.require(Action.FINDING_RAISE, object_kind=KIND)
    work.record(
        action=Action.FINDING_RAISE,
        object_kind=KIND,
        object_id=None,
        detail={"looked_at": looked_at, "question": question},
    )
    return Known(work)


def _last(entries: Sequence[trail.Entry]) -> int:
    return max(one.position for one in entries if one.position is not None)


def _raise_all(work: Work, facts: Facts) -> None:
    for one in found(work.access.reviews, facts, calendar_of(work)):
        _raise(work, one)


def _raise(work: Work, what: Found) -> None:
    """Keep a finding, or add to the one there is of this rule, caller, patient and day."""
    program_id = work.caller.program_id
    standing = records.same_finding(
        work.db, program_id, what.rule.key, what.actor_id, what.patient_id, what.day
    )
    known = frozenset[UUID]() if standing is None else records.known_facts(work.db, standing.id)
    new = [one for one in what.entries if one.id not in known]
    if not new:
        return
    finding_id = new_id(work.now) if standing is None else standing.id
    version = 1 if standing is None else standing.version + 1
    reopened = standing is not None and FindingState(standing.state) is not with_new_facts(
        FindingState(standing.state)
    )
    entry_id = work.record(
        action=Action.FINDING_RAISE,
        object_kind=KIND,
        object_id=finding_id,
        object_version=version,
        patient_id=what.patient_id,
        detail={"facts": len(new), "reopened": reopened, "subject": str(what.actor_id)},
    )
    row = RowKey(program_id, finding_id, version, what.patient_id)
    particulars = work.seal(FINDING_ROW, row, {"particulars": _particulars(work, what)})["particulars"]
    if standing is None:
        records.add_finding(
            work.db,
            StoredFinding(
                id=finding_id,
                program_id=program_id,
                rule=what.rule.key,
                severity=what.rule.severity,
                actor_id=what.actor_id,
                patient_id=what.patient_id,
                day=what.day,
                begins_at=what.entries[0].at,
                ends_at=what.entries[-1].at,
                state=FindingState.OPEN.value,
                facts=len(new),
                version=version,
                particulars=particulars,
                raised_at=work.now,
                changed_at=work.now,
                entry_id=entry_id,
            ),
        )
    else:
        _add_to(work, replace(standing, version=version, entry_id=entry_id), what, len(new), particulars)
    records.add_facts(
        work.db,
        [
            {
                "id": new_id(work.now),
                "program_id": program_id,
                "finding_id": finding_id,
                "about_id": one.id,
                "occurred_at": one.at,
                "noted_at": work.now,
                "entry_id": entry_id,
            }
            for one in new
        ],
    )


def _add_to(work: Work, standing: StoredFinding, what: Found, new: int, particulars: Sealed) -> None:
    entries: Sequence[Seen] = what.entries
    records.change_finding(
        work.db,
        replace(
            standing,
            state=with_new_facts(FindingState(standing.state)).value,
            begins_at=min(standing.begins_at, entries[0].at),
            ends_at=max(standing.ends_at, entries[-1].at),
            facts=standing.facts + new,
            particulars=particulars,
            changed_at=work.now,
        ),
    )


def _particulars(work: Work, what: Found) -> dict[str, str | int]:
    """What was counted, and the rule as it was: a file that is changed later does not change what was found."""
    rule = what.rule
    return {
        "counts": rule.counts.value,
        "count": what.count,
        "threshold": rule.threshold,
        "window_minutes": rule.window_minutes,
        "care_days": work.access.reviews.care_days,
        "text": rule.text,
        "look": rule.look,
        "cite": rule.cite,
        "conf": rule.conf,
    }
