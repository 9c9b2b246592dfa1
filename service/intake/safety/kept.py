"""A raised flag as a row of its version, sealed and opened, inside an act that is already authorised.

What is sealed repeats the clear columns that must not be changed behind our back: whose clock it is and when it runs
out. A flag somebody put off by hand does not open.
"""

from typing import Any
from uuid import UUID

from service.errors import IntegrityError
from service.intake.assessment import flag_from_json, flag_to_json
from service.intake.safety.flag import Done, RaisedFlag
from service.intake.safety.records import FLAG_ROW, StoredFlag
from service.store.types import Sealed
from service.vault.envelope import RowKey
from service.work import Work


def sealed_flag(work: Work, flag: RaisedFlag) -> StoredFlag:
    """Both sealed columns are bound to the row and its version."""
    finding: dict[str, Any] = {"instrument": flag.instrument, "of": _clear(flag), **flag_to_json(flag.flag)}
    if flag.said:
        finding["said"] = dict(flag.said)
    if flag.also is not None:
        finding["also"] = str(flag.also)
    values: dict[str, Any] = {"finding": finding}
    if flag.done is not None:
        values["acknowledgement"] = {
            "action": flag.done.action,
            "code": flag.done.code,
            "seen_by": flag.done.seen_by,
            "outcome": flag.done.outcome,
            "by": str(flag.acknowledged_by),
        }
    program_id = work.caller.program_id
    row = RowKey(program_id, flag.id, flag.version, flag.patient_id)
    sealed: dict[str, Sealed] = work.seal(FLAG_ROW, row, values)
    return StoredFlag(
        id=flag.id,
        program_id=program_id,
        patient_id=flag.patient_id,
        source=flag.source,
        subject_id=flag.subject_id,
        state=flag.state,
        version=flag.version,
        raised_at=flag.raised_at,
        due_at=flag.due_at,
        owner_role=flag.owner_role,
        owner_id=flag.owner_id,
        escalated_at=flag.escalated_at,
        acknowledged_at=flag.acknowledged_at,
        finding=sealed["finding"],
        acknowledgement=sealed.get("acknowledgement"),
    )


def opened_flag(work: Work, stored: StoredFlag) -> RaisedFlag:
    """Raises IntegrityError when a sealed value, or a clear one it speaks of, is not what was written."""
    row = RowKey(stored.program_id, stored.id, stored.version, stored.patient_id)
    opened = work.open(FLAG_ROW, row, {"finding": stored.finding, "acknowledgement": stored.acknowledgement})
    finding: Any = opened["finding"]
    said: Any = opened["acknowledgement"] or {}
    # flags of before there was a clock are bound to their row alone
    if finding.get("of", _clear(stored)) != _clear(stored):
        raise IntegrityError
    by = said.get("by")
    done = Done(said["action"], said.get("code"), said.get("seen_by"), said.get("outcome")) if said else None
    return RaisedFlag(
        id=stored.id,
        patient_id=stored.patient_id,
        source=stored.source,
        subject_id=stored.subject_id,
        instrument=finding["instrument"],
        flag=flag_from_json(finding),
        state=stored.state,
        version=stored.version,
        raised_at=stored.raised_at,
        due_at=stored.due_at,
        owner_role=stored.owner_role,
        owner_id=stored.owner_id,
        escalated_at=stored.escalated_at,
        contact=work.program.on_call,
        acknowledged_at=stored.acknowledged_at,
        done=done,
        acknowledged_by=None if by is None else UUID(by),
        said=finding.get("said") or {},
        also=None if finding.get("also") is None else UUID(finding["also"]),
    )


def _clear(flag: RaisedFlag | StoredFlag) -> list[str]:
    return [
        flag.source.value,
        str(flag.subject_id),
        str(flag.raised_at.timestamp()),
        str(flag.due_at.timestamp()),
    ]
