"""The life of a raised flag: kept with the act that showed it, listed, acknowledged with what was done
about it.

A flag outlives the answer that raised it: correcting item 9 from 2 to 0 does not take the flag back, a
person who saw the patient does. The code of a flag is about the patient and therefore sealed; the ledger
knows only that one was raised.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from service.access.actions import Action
from service.errors import Code, Conflict, FieldError, Invalid
from service.ids import new_id
from service.intake import records
from service.intake.assessment import flag_from_json, flag_to_json
from service.intake.flags import Flag, FlagState
from service.intake.records import FLAG_ROW, StoredFlag
from service.intake.subject import facts_about, subject_loader
from service.store.types import Sealed
from service.vault.envelope import RowKey
from service.work import Loaded, Work


@dataclass(frozen=True, slots=True, repr=False)
class RaisedFlag:
    """A flag somebody must act on. `action` and `acknowledged_by`: what was done about it, and by whom.

    `assessment_id` is None when the form that raised it was refused and never kept.
    """

    id: UUID
    patient_id: UUID
    assessment_id: UUID | None
    instrument: str
    flag: Flag
    state: FlagState
    version: int
    raised_at: datetime
    acknowledged_at: datetime | None = None
    action: str | None = None
    acknowledged_by: UUID | None = None


def raise_flags(
    work: Work,
    *,
    patient_id: UUID,
    assessment_id: UUID | None,
    instrument: str,
    flags: Iterable[Flag],
    known: Iterable[Flag] = (),
) -> None:
    """Keep the flags that ask somebody to act, each once: not those the form already had (`known`), nor those
    that stand open for the same form. Called after the act itself was recorded.
    """
    had = {flag.code for flag in known}
    new = [flag for flag in flags if flag.task is not None and flag.code not in had]
    if not new:
        return
    standing = {
        one.flag.code
        for one in (_opened(work, stored) for stored in records.open_flags(work.db, patient_id))
        if one.assessment_id == assessment_id and one.instrument == instrument
    }
    for flag in new:
        if flag.code in standing:
            continue
        raised = RaisedFlag(
            id=new_id(work.now),
            patient_id=patient_id,
            assessment_id=assessment_id,
            instrument=instrument,
            flag=flag,
            state=FlagState.OPEN,
            version=1,
            raised_at=work.now,
        )
        records.add_flag(work.db, _sealed(work, raised), work.caller.program_id, work.entry_id)
        work.record(
            action=Action.FLAG_RAISE, object_kind="safety_flag", object_id=raised.id, patient_id=patient_id
        )


def list_of(work: Work, patient_id: UUID, *, before: UUID | None, at_most: int) -> tuple[RaisedFlag, ...]:
    """The patient's flags, newest first: those of refused forms too, and those already acknowledged."""
    work.authorised(Action.ASSESSMENT_LIST, subject_loader(patient_id))
    stored = records.flags_of(work.db, patient_id, before=before, at_most=at_most)
    flags = tuple(_opened(work, one) for one in stored)
    work.record(
        action=Action.ASSESSMENT_LIST,
        object_kind="safety_flag",
        object_id=None,
        patient_id=patient_id,
        detail={"flags": [str(one.id) for one in flags]},
    )
    return flags


def acknowledge(work: Work, flag_id: UUID, action: str, *, replay: bool = False) -> RaisedFlag:
    """Close an open flag with what was done about it. Raises Conflict `flag_closed` when it is closed
    already.

    A `replay` of the same request shows the flag as the first one left it.
    """
    flag = _opened(work, work.authorised(Action.FLAG_ACKNOWLEDGE, _flag_loader(flag_id)))
    if not replay:
        flag = _close(work, flag, action.strip())
    work.record(
        action=Action.FLAG_ACKNOWLEDGE,
        object_kind="safety_flag",
        object_id=flag.id,
        object_version=flag.version,
        patient_id=flag.patient_id,
        detail={"replay": True} if replay else {},
    )
    return flag


def _close(work: Work, flag: RaisedFlag, action: str) -> RaisedFlag:
    if not action:
        missing = FieldError("action", "missing", "Say what was done.")
        raise Invalid(Code.INVALID_REQUEST, "Say what was done about the flag.", (missing,))
    if flag.state is not FlagState.OPEN:
        raise Conflict(Code.FLAG_CLOSED, "This flag has been acknowledged already.")
    closed = replace(
        flag,
        state=FlagState.ACKNOWLEDGED,
        version=flag.version + 1,
        acknowledged_at=work.now,
        action=action,
        acknowledged_by=work.caller.account_id,
    )
    records.close_flag(work.db, _sealed(work, closed), work.entry_id)
    return closed


def _flag_loader(flag_id: UUID) -> Callable[[Work], Loaded[StoredFlag] | None]:
    def load(work: Work) -> Loaded[StoredFlag] | None:
        stored = records.flag_for_update(work.db, flag_id)
        if stored is None:
            return None
        facts = facts_about(work, stored.patient_id)
        return Loaded(stored, facts, "safety_flag", stored.id, stored.patient_id)

    return load


def _sealed(work: Work, flag: RaisedFlag) -> StoredFlag:
    """The flag as a row of its version: both sealed columns are bound to it."""
    values: dict[str, Any] = {"finding": {"instrument": flag.instrument, **flag_to_json(flag.flag)}}
    if flag.acknowledged_by is not None:
        values["acknowledgement"] = {"action": flag.action, "by": str(flag.acknowledged_by)}
    row = RowKey(work.caller.program_id, flag.id, flag.version, flag.patient_id)
    sealed: dict[str, Sealed] = work.seal(FLAG_ROW, row, values)
    return StoredFlag(
        id=flag.id,
        patient_id=flag.patient_id,
        assessment_id=flag.assessment_id,
        state=flag.state,
        version=flag.version,
        raised_at=flag.raised_at,
        acknowledged_at=flag.acknowledged_at,
        finding=sealed["finding"],
        acknowledgement=sealed.get("acknowledgement"),
    )


def _opened(work: Work, stored: StoredFlag) -> RaisedFlag:
    row = RowKey(work.caller.program_id, stored.id, stored.version, stored.patient_id)
    opened = work.open(FLAG_ROW, row, {"finding": stored.finding, "acknowledgement": stored.acknowledgement})
    finding: Any = opened["finding"]
    acknowledgement: Any = opened["acknowledgement"] or {}
    by = acknowledgement.get("by")
    return RaisedFlag(
        id=stored.id,
        patient_id=stored.patient_id,
        assessment_id=stored.assessment_id,
        instrument=finding["instrument"],
        flag=flag_from_json(finding),
        state=stored.state,
        version=stored.version,
        raised_at=stored.raised_at,
        acknowledged_at=stored.acknowledged_at,
        action=acknowledgement.get("action"),
        acknowledged_by=None if by is None else UUID(by),
    )
