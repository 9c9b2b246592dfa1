"""Watching a chart, and saying what likeness of staff with patients is judged by.

Watching restricts nobody: whoever may open the chart still may, and who did is asked why. Compliance sets it and ends
it, with a reason each time. What is said of staff (name, birth date, address) is written by an administrator and shown
to nobody again: it is opened only where it is compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from service.access.actions import Action
from service.access.caller import CallerKind
from service.access.facts import Facts
from service.custody.findings.watching import records
from service.custody.findings.watching.records import STAFF_ROW, WATCH_ROW, StoredStaff, StoredWatch
from service.errors import Code, Conflict, IntegrityError
from service.identity import records as identity
from service.ids import new_id
from service.people.facts import load_patient
from service.vault.envelope import RowKey
from service.work import Loaded, Work

KIND: Final = "patient_watch"
_WATCHED: Final = "watched"


class WatchKind(StrEnum):
    """Why a chart draws looks."""

    VIP = "vip"
    COWORKER = "coworker"


@dataclass(frozen=True, slots=True, repr=False)
class Watch:
    """A watch on a patient's chart. `reason`: why it was set; `ended_reason`: why it was ended."""

    id: UUID
    patient_id: UUID
    kind: WatchKind
    state: str
    version: int
    reason: str
    set_at: datetime
    set_by: UUID
    ended_at: datetime | None = None
    ended_reason: str | None = None


def watch(work: Work, patient_id: UUID, kind: WatchKind, reason: str) -> Watch:
    """Watch a chart. Conflict `transition_refused` where a watch of this kind stands."""
    work.authorised(Action.PATIENT_WATCH, lambda work: load_patient(work, patient_id, changing=True))
    standing = records.watches(work.db, [patient_id])
    if any(one.kind == kind.value and one.state == _WATCHED for one in standing):
        raise Conflict(Code.TRANSITION_REFUSED, "This chart is watched already.")
    watch_id, said = new_id(work.now), {"reason": reason, "by": str(work.caller.account_id)}
    row = RowKey(work.caller.program_id, watch_id, 1, patient_id)
    sealed = work.seal(WATCH_ROW, row, {"particulars": said})["particulars"]
    stored = StoredWatch(
        id=watch_id,
        program_id=work.caller.program_id,
        patient_id=patient_id,
        kind=kind.value,
        state=_WATCHED,
        version=1,
        particulars=sealed,
        set_at=work.now,
        ended_at=None,
        entry_id=work.entry_id,
    )
    records.add_watch(work.db, stored)
    _record(work, stored, "set", said)
    return _opened(work, stored)


def read_watch(work: Work, watch_id: UUID) -> Watch:
    """One watch, for whoever may set it."""
    stored = work.authorised(Action.PATIENT_WATCH, lambda work: _load(work, watch_id))
    _record(work, stored, "none", None)
    return _opened(work, stored)


def watches_of(work: Work, patient_id: UUID) -> tuple[Watch, ...]:
    """Every watch of a patient, ended ones with them, oldest first."""
    work.authorised(Action.PATIENT_WATCH, lambda work: load_patient(work, patient_id))
    found = tuple(_opened(work, one) for one in records.watches(work.db, [patient_id]))
    work.record(
        action=Action.PATIENT_WATCH,
        object_kind=KIND,
        object_id=None,
        patient_id=patient_id,
        detail={"change": "none", "listed": len(found)},
    )
    return found


def end_watch(work: Work, watch_id: UUID, reason: str) -> Watch:
    """Watch it no longer. Conflict `transition_refused` where that was said already."""
    stored = work.authorised(Action.PATIENT_WATCH, lambda work: _load(work, watch_id))
    if stored.state != _WATCHED:
        raise Conflict(Code.TRANSITION_REFUSED, "This chart is not watched any more.")
    said = _said(work, stored) | {"ended_reason": reason, "ended_by": str(work.caller.account_id)}
    row = RowKey(stored.program_id, stored.id, stored.version + 1, stored.patient_id)
    ended = replace(
        stored,
        state="ended",
        version=stored.version + 1,
        particulars=work.seal(WATCH_ROW, row, {"particulars": said})["particulars"],
        ended_at=work.now,
        entry_id=work.entry_id,
    )
    records.end_watch(work.db, ended)
    _record(work, ended, "ended", said)
    return _opened(work, ended)


def keep_staff(work: Work, account_id: UUID, particulars: Mapping[str, Any]) -> tuple[str, ...]:
    """Keep what likeness of this member of staff is judged by, and say which fields; what was there is replaced."""
    work.authorised(Action.USER_MANAGE, lambda work: _load_staff(work, account_id))
    version = records.staff_version(work.db, account_id) + 1
    row = RowKey(work.caller.program_id, account_id, version, None)
    sealed = work.seal(STAFF_ROW, row, {"particulars": dict(particulars)})["particulars"]
    stored = StoredStaff(account_id, work.caller.program_id, version, sealed)
    records.keep_staff(work.db, stored, work.now, work.entry_id)
    work.record(
        action=Action.USER_MANAGE,
        object_kind="account",
        object_id=account_id,
        detail={"change": "particulars", "fields": sorted(particulars)},
        payload=dict(particulars),
    )
    return tuple(sorted(particulars))


def fields_of_staff(work: Work, account_id: UUID) -> tuple[str, ...]:
    """Which fields are known of a member of staff, for whoever repeats saying them; no value is shown."""
    work.authorised(Action.USER_MANAGE, lambda work: _load_staff(work, account_id))
    found = [one for one in records.staff(work.db, work.caller.program_id) if one.id == account_id]
    fields = tuple(sorted(name for one in found for name in staff_particulars(work, one)))
    work.record(
        action=Action.USER_MANAGE, object_kind="account", object_id=account_id, detail={"change": "none"}
    )
    return fields


def staff_particulars(work: Work, stored: StoredStaff) -> Mapping[str, Any]:
    """What is known of a member of staff, inside an act that is allowed."""
    row = RowKey(stored.program_id, stored.id, stored.version, None)
    opened = work.open(STAFF_ROW, row, {"particulars": stored.particulars})["particulars"]
    if not isinstance(opened, Mapping):
        raise IntegrityError
    return opened


# -- inside -----------------------------------------------------------------------------------------------------------


def _load(work: Work, watch_id: UUID) -> Loaded[StoredWatch] | None:
    stored = records.watch_for_update(work.db, watch_id)
    if stored is None:
        return None
    facts = Facts(program=stored.program_id)
    return Loaded(stored, facts, KIND, stored.id, patient_id=stored.patient_id)


def _load_staff(work: Work, account_id: UUID) -> Loaded[UUID] | None:
    stored = identity.account_for_update(work.db, account_id)
    if stored is None or stored.kind is not CallerKind.STAFF:
        return None
    return Loaded(account_id, Facts(), "account", account_id)


def _record(work: Work, stored: StoredWatch, change: str, said: Mapping[str, Any] | None) -> None:
    work.record(
        action=Action.PATIENT_WATCH,
        object_kind=KIND,
        object_id=stored.id,
        object_version=stored.version,
        patient_id=stored.patient_id,
        detail={"change": change},
        payload=None if said is None else dict(said),
    )


def _said(work: Work, stored: StoredWatch) -> dict[str, Any]:
    row = RowKey(stored.program_id, stored.id, stored.version, stored.patient_id)
    opened = work.open(WATCH_ROW, row, {"particulars": stored.particulars})["particulars"]
    if not isinstance(opened, Mapping):
        raise IntegrityError
    return dict(opened)


def _opened(work: Work, stored: StoredWatch) -> Watch:
    said = _said(work, stored)
    return Watch(
        id=stored.id,
        patient_id=stored.patient_id,
        kind=WatchKind(stored.kind),
        state=stored.state,
        version=stored.version,
        reason=str(said["reason"]),
        set_at=stored.set_at,
        set_by=UUID(str(said["by"])),
        ended_at=stored.ended_at,
        ended_reason=said.get("ended_reason"),
    )
