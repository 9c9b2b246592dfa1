"""Placing, lifting and reading legal holds."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from service.access.actions import Action
from service.access.caller import CallerKind
from service.access.facts import Facts
from service.custody.holds import records
from service.custody.holds.hold import Hold, HoldState, NewHold, check_lifting
from service.custody.holds.records import HOLD_ROW, StoredHold
from service.errors import Code, FieldError, IntegrityError, Invalid, Stale
from service.identity.model import AccountState
from service.identity.records import account_for_share
from service.ids import new_id
from service.people.facts import load_patient
from service.store.types import Sealed
from service.work import Json, Loaded, Work

KIND = "legal_hold"


@dataclass(frozen=True, slots=True)
class Page:
    """Holds, newest first."""

    holds: tuple[Hold, ...]
    more: bool


def place_hold(work: Work, new: NewHold) -> Hold:
    """Hold a patient's record, or the program. The patient is locked: what is being destroyed is destroyed before, or
    not at all.
    """
    patient_id = new.patient_id
    if patient_id is None:
        work.require(Action.HOLD_PLACE, Facts(program=work.caller.program_id), object_kind=KIND)
    else:
        work.authorised(Action.HOLD_PLACE, lambda work: load_patient(work, patient_id, changing=True))
    _check_owner(work, new.owner_id)
    stored = StoredHold(
        id=new_id(work.now),
        program_id=work.caller.program_id,
        patient_id=patient_id,
        state=HoldState.PLACED,
        owner_id=new.owner_id,
        placed_by=work.caller.account_id,
        placed_at=work.now,
        version=1,
        particulars=records.NOTHING,
    )
    said = _said(stored, new.reason, None)
    stored = replace(stored, particulars=_sealed(work, stored, said))
    records.insert_hold(work.db, stored, work.entry_id)
    _record(work, stored, Action.HOLD_PLACE, said)
    return _opened(work, stored)


def lift_hold(work: Work, hold_id: UUID, reason: str, *, version: int | None = None) -> Hold:
    """Lift a hold. Conflict `hold_lifted` when it was lifted before."""
    stored = work.authorised(Action.HOLD_LIFT, _loader(hold_id, changing=True))
    if version is not None and stored.version != version:
        raise Stale(Code.VERSION_STALE, "Somebody changed this hold since you read it.")
    check_lifting(stored.state)
    before = _opened(work, stored)
    lifted = replace(
        stored,
        state=HoldState.LIFTED,
        version=stored.version + 1,
        lifted_by=work.caller.account_id,
        lifted_at=work.now,
    )
    said = _said(lifted, before.reason or "", reason)
    lifted = replace(lifted, particulars=_sealed(work, lifted, said))
    records.lift_hold(
        work.db,
        hold_id,
        by=work.caller.account_id,
        now=work.now,
        version=lifted.version,
        particulars=lifted.particulars,
        entry_id=work.entry_id,
    )
    _record(work, lifted, Action.HOLD_LIFT, said)
    return _opened(work, lifted)


def read_hold(work: Work, hold_id: UUID) -> Hold:
    """One hold."""
    stored = work.authorised(Action.HOLD_READ, _loader(hold_id))
    _record(work, stored, Action.HOLD_READ, None)
    return _opened(work, stored)


def list_holds(work: Work, *, patient_id: UUID | None, before: UUID | None, at_most: int) -> Page:
    """Holds of the program, or of one patient, newest first, whatever came of them."""
    work.require(Action.HOLD_READ, Facts(program=work.caller.program_id), object_kind=KIND)
    page = records.holds_page(work.db, patient_id, before, at_most + 1)
    found = tuple(_opened(work, one) for one in page[:at_most])
    work.record(
        action=Action.HOLD_READ,
        object_kind=KIND,
        object_id=None,
        patient_id=patient_id,
        detail={"listed": len(found)},
    )
    return Page(found, more=len(page) > at_most)


# -- for operations above


def in_force(work: Work, patient_id: UUID) -> tuple[UUID, ...]:
    """Holds that forbid destroying this patient's record, inside an act that is allowed already.

    Every hold is opened, the lifted ones too: one that somebody with the database lifted by hand is an IntegrityError,
    and so is one that the trail knows of and that is not here any more.
    """
    if records.hold_lost(work.db, work.caller.program_id, patient_id):
        raise IntegrityError
    found = records.holds_about(work.db, work.caller.program_id, patient_id)
    return tuple(hold.id for hold in (_opened(work, one) for one in found) if hold.state is HoldState.PLACED)


# -- inside


def _loader(hold_id: UUID, *, changing: bool = False) -> Callable[[Work], Loaded[StoredHold] | None]:
    def load(work: Work) -> Loaded[StoredHold] | None:
        find = records.hold_for_update if changing else records.hold_by_id
        stored = find(work.db, hold_id)
        if stored is None:
            return None
        return Loaded(stored, Facts(program=stored.program_id), KIND, stored.id, patient_id=stored.patient_id)

    return load


def _check_owner(work: Work, owner_id: UUID) -> None:
    account = account_for_share(work.db, owner_id)
    if account is None or account.kind is not CallerKind.STAFF or account.state is not AccountState.ACTIVE:
        fault = FieldError("owner_id", "unknown", "A hold is owned by a member of staff.")
        raise Invalid(Code.HOLD_INVALID, "This hold cannot be placed as it is.", (fault,))


def _said(stored: StoredHold, reason: str, lifting: str | None) -> dict[str, Json]:
    """What is sealed: the reasons, and the clear columns that decide, so that a hold lifted by hand is noticed."""
    return {"reason": reason, "lifting": lifting, "of": [stored.state.value, str(stored.owner_id)]}


def _sealed(work: Work, stored: StoredHold, said: dict[str, Json]) -> Sealed:
    return work.seal(HOLD_ROW, stored.key, {"particulars": said})["particulars"]


def _opened(work: Work, stored: StoredHold) -> Hold:
    reason: str | None = None
    lifting: str | None = None
    if not stored.destroyed:
        said = work.open(HOLD_ROW, stored.key, {"particulars": stored.particulars})["particulars"]
        if not isinstance(said, dict) or said.get("of") != [stored.state.value, str(stored.owner_id)]:
            raise IntegrityError
        reason = str(said["reason"])
        lifting = None if said["lifting"] is None else str(said["lifting"])
    return Hold(
        id=stored.id,
        patient_id=stored.patient_id,
        state=stored.state,
        owner_id=stored.owner_id,
        placed_by=stored.placed_by,
        placed_at=stored.placed_at,
        version=stored.version,
        reason=reason,
        lifted_by=stored.lifted_by,
        lifted_at=stored.lifted_at,
        lifting=lifting,
    )


def _record(work: Work, stored: StoredHold, action: Action, said: Json) -> None:
    work.record(
        action=action,
        object_kind=KIND,
        object_id=stored.id,
        object_version=stored.version,
        patient_id=stored.patient_id,
        detail={"state": stored.state.value, "of": "program" if stored.patient_id is None else "patient"},
        payload=said,
    )
