"""Reading what the rules of review found, and deciding about it.

Nothing closes itself. A decision has a reason and stays; a later one stands beside it, and a new fact opens the finding
again. Nobody decides about their own acts (45 CFR 164.308(a)(1)(ii)(D)).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, cast
from uuid import UUID

from service.access.actions import Action
from service.access.facts import Facts
from service.custody.findings import records
from service.custody.findings.explaining import GONE, Explained, explain
from service.custody.findings.lifecycle import AFTER, WAITING, FindingDecision, FindingState
from service.custody.findings.raising import KIND
from service.custody.findings.records import DECISION_ROW, FINDING_ROW, Fact, StoredDecision, StoredFinding
from service.errors import Code, IntegrityError, Refused
from service.identity import records as identity
from service.identity.operations import open_account
from service.ids import new_id
from service.vault.envelope import RowKey
from service.work import Denial, Loaded, Work

#: What one finding shows of what it rests on; the rest is found in the trail by its caller.
MOST_FACTS = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which findings are listed; None: all. `waiting`: those that wait for somebody, or those that do not."""

    waiting: bool | None = None
    rule: str | None = None
    actor_id: UUID | None = None
    patient_id: UUID | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Decided:
    """What somebody decided, and why."""

    id: UUID
    decision: FindingDecision
    decided_by: UUID
    decided_at: datetime
    reason: str


@dataclass(frozen=True, slots=True, repr=False)
class Finding:
    """A finding with its explanation; `entries` and `decisions` only where one is read."""

    id: UUID
    rule: str
    severity: str
    actor_id: UUID
    actor_name: str | None
    patient_id: UUID | None
    day: date
    begins_at: datetime
    ends_at: datetime
    state: FindingState
    facts: int
    version: int
    raised_at: datetime
    changed_at: datetime
    explained: Explained
    entries: tuple[Fact, ...] = ()
    decisions: tuple[Decided, ...] = ()


def list_findings(work: Work, wanted: Wanted, *, after: UUID | None, at_most: int) -> tuple[Finding, ...]:
    """Findings in the order they were raised; the longest waiting first."""
    work.require(Action.FINDING_LIST, object_kind=KIND, patient_id=wanted.patient_id)
    stored = records.findings(
        work.db,
        states=_states(wanted.waiting),
        rule=wanted.rule,
        actor_id=wanted.actor_id,
        patient_id=wanted.patient_id,
        after=after,
        at_most=at_most,
    )
    names: dict[UUID, str | None] = {}
    listed = tuple(_opened(work, one, names) for one in stored)
    work.record(
        action=Action.FINDING_LIST,
        object_kind=KIND,
        object_id=None,
        patient_id=wanted.patient_id,
        detail={"listed": len(listed)},
    )
    return listed


def find_finding(work: Work, finding_id: UUID) -> bool:
    """Whether there is such a finding in this program: which of two kinds of review an id names. Nothing is opened."""
    return records.finding_by_id(work.db, finding_id) is not None


def read_finding(work: Work, finding_id: UUID) -> Finding:
    """One finding: what was counted, what it rests on, what was decided."""
    stored = work.authorised(Action.FINDING_LIST, lambda work: _load(work, finding_id))
    work.record(
        action=Action.FINDING_LIST, object_kind=KIND, object_id=finding_id, patient_id=stored.patient_id
    )
    return _whole(work, stored)


def decide(work: Work, finding_id: UUID, decision: FindingDecision, reason: str) -> Finding:
    """Say what came of it. A second look is possible: what was decided before stays, and the newest counts. Refused for
    the one whose act it is.
    """
    stored = work.authorised(Action.FINDING_DECIDE, lambda work: _load(work, finding_id, changing=True))
    if stored.actor_id == work.caller.account_id:
        work.refuse(
            Refused(Code.NOT_PERMITTED, "Nobody reviews their own act."),
            Denial(
                action=Action.FINDING_DECIDE,
                object_kind=KIND,
                object_id=finding_id,
                patient_id=stored.patient_id,
                detail={"reason": "own_act"},
            ),
        )
    version = stored.version + 1
    decision_id = new_id(work.now)
    said = {"reason": reason, "of": [str(finding_id), version, decision.value, str(work.caller.account_id)]}
    row = RowKey(stored.program_id, decision_id, 1, stored.patient_id)
    records.add_decision(
        work.db,
        StoredDecision(
            id=decision_id,
            program_id=stored.program_id,
            finding_id=finding_id,
            patient_id=stored.patient_id,
            decision=decision.value,
            decided_by=work.caller.account_id,
            decided_at=work.now,
            reason=work.seal(DECISION_ROW, row, {"reason": said})["reason"],
        ),
        work.entry_id,
    )
    changed = replace(
        stored,
        state=AFTER[decision].value,
        version=version,
        particulars=_sealed_anew(work, stored, version),
        changed_at=work.now,
        entry_id=work.entry_id,
    )
    records.change_finding(work.db, changed)
    work.record(
        action=Action.FINDING_DECIDE,
        object_kind=KIND,
        object_id=finding_id,
        object_version=version,
        patient_id=stored.patient_id,
        detail={"decision": decision.value, "from": stored.state, "subject": str(stored.actor_id)},
        payload=said,
    )
    return _whole(work, changed)


# -- inside -----------------------------------------------------------------------------------------------------------


def _states(waiting: bool | None) -> tuple[str, ...] | None:
    if waiting is None:
        return None
    return tuple(sorted(state.value for state in FindingState if (state in WAITING) is waiting))


def _load(work: Work, finding_id: UUID, *, changing: bool = False) -> Loaded[StoredFinding] | None:
    stored = records.finding_by_id(work.db, finding_id, changing=changing)
    if stored is None:
        return None
    return Loaded(stored, Facts(program=stored.program_id), KIND, stored.id, patient_id=stored.patient_id)


def _particulars(work: Work, stored: StoredFinding) -> Mapping[str, Any]:
    row = RowKey(stored.program_id, stored.id, stored.version, stored.patient_id)
    opened = work.open(FINDING_ROW, row, {"particulars": stored.particulars})["particulars"]
    if not isinstance(opened, Mapping):
        raise IntegrityError
    return opened


def _explained(work: Work, stored: StoredFinding) -> Explained:
    row = RowKey(stored.program_id, stored.id, stored.version, stored.patient_id)
    if work.open_if_kept(FINDING_ROW, row, {"particulars": stored.particulars}) is None:
        return GONE
    return explain(_particulars(work, stored))


def _sealed_anew(work: Work, stored: StoredFinding, version: int) -> Any:
    row = RowKey(stored.program_id, stored.id, version, stored.patient_id)
    return work.seal(FINDING_ROW, row, {"particulars": dict(_particulars(work, stored))})["particulars"]


def _opened(work: Work, stored: StoredFinding, names: dict[UUID, str | None]) -> Finding:
    if stored.actor_id not in names:
        account = identity.account_by_id(work.db, stored.actor_id)
        names[stored.actor_id] = None if account is None else open_account(work, account).display_name
    name = names[stored.actor_id]
    return Finding(
        id=stored.id,
        rule=stored.rule,
        severity=stored.severity,
        actor_id=stored.actor_id,
        actor_name=name,
        patient_id=stored.patient_id,
        day=stored.day,
        begins_at=stored.begins_at,
        ends_at=stored.ends_at,
        state=FindingState(stored.state),
        facts=stored.facts,
        version=stored.version,
        raised_at=stored.raised_at,
        changed_at=stored.changed_at,
        explained=_explained(work, stored),
    )


def _whole(work: Work, stored: StoredFinding) -> Finding:
    return replace(
        _opened(work, stored, {}),
        entries=tuple(records.facts_of(work.db, stored.id, MOST_FACTS)),
        decisions=tuple(_decided(work, one) for one in records.decisions_of(work.db, stored.id)),
    )


def _decided(work: Work, stored: StoredDecision) -> Decided:
    """IntegrityError for a decision that is not of this finding, of this person or not this one."""
    row = RowKey(stored.program_id, stored.id, 1, stored.patient_id)
    opened = work.open(DECISION_ROW, row, {"reason": stored.reason})["reason"]
    said = cast("Mapping[str, Any]", opened if isinstance(opened, Mapping) else {})
    of = cast("list[Any]", said.get("of") or [])
    if len(of) != 4 or [of[0], *of[2:]] != [str(stored.finding_id), stored.decision, str(stored.decided_by)]:
        raise IntegrityError
    return Decided(
        stored.id,
        FindingDecision(stored.decision),
        stored.decided_by,
        stored.decided_at,
        str(said["reason"]),
    )
