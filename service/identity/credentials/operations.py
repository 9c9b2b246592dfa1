"""Credentials recorded, looked at and changed by an administrator.

Who holds a licence decides what somebody may do to patients, so nobody keeps their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

from service.access.actions import Action
from service.access.caller import CallerKind
from service.access.facts import Facts
from service.errors import Code, Conflict, FieldError, IntegrityError, Invalid, Stale
from service.identity import records as identity
from service.identity.credentials import records
from service.identity.credentials.model import (
    TRANSITIONS,
    Credential,
    CredentialBook,
    CredentialState,
    Particulars,
)
from service.identity.credentials.records import StoredCredential
from service.ids import new_id
from service.store.types import Sealed
from service.work import Json, Loaded, Work

_KIND = "credential"


@dataclass(frozen=True, slots=True, repr=False)
class NewCredential:
    """A licence as somebody saw it. `ends_on`: the last day on which it holds."""

    kind: str
    starts_on: date
    ends_on: date | None
    particulars: Particulars


def record_credential(work: Work, book: CredentialBook, account_id: UUID, new: NewCredential) -> Credential:
    """Record what a member of staff holds; in force from their next call on, on every worker."""
    work.authorised(Action.CREDENTIAL_MANAGE, lambda work: _staff(work, account_id))
    if account_id == work.caller.account_id:
        raise _ones_own()
    if faults := _faults(book, new):
        raise Invalid(Code.CREDENTIAL_INVALID, "This credential cannot be recorded.", faults)
    credential_id = new_id(work.now)
    made = StoredCredential(
        id=credential_id,
        program_id=work.caller.program_id,
        account_id=account_id,
        kind=new.kind,
        state=CredentialState.ACTIVE,
        starts_on=new.starts_on,
        ends_on=new.ends_on,
        version=1,
        particulars=Sealed(b""),
        recorded_at=work.now,
    )
    stored = _sealed(work, made, _document(new.particulars, work.caller.account_id))
    records.insert_credential(work.db, stored, work.entry_id)
    return _done(work, stored, "recorded")


def change_credential(work: Work, credential_id: UUID, version: int, state: CredentialState) -> Credential:
    """Suspend, reinstate or withdraw; Stale for another version, Conflict for what cannot follow."""
    stored = work.authorised(Action.CREDENTIAL_MANAGE, lambda work: _load(work, credential_id, lock=True))
    if stored.account_id == work.caller.account_id:
        raise _ones_own()
    if stored.version != version:
        raise Stale(Code.VERSION_STALE, "Somebody changed this credential since you read it.")
    if state not in TRANSITIONS[stored.state]:
        raise Conflict(Code.TRANSITION_REFUSED, "A credential in this state does not become that.")
    changed = replace(stored, state=state, version=stored.version + 1)
    changed = _sealed(work, changed, _opened(work, stored))
    records.replace_credential(work.db, changed, work.entry_id)
    return _done(work, changed, state.value)


def read_credential(work: Work, credential_id: UUID) -> Credential:
    """One credential, for administration."""
    stored = work.authorised(Action.CREDENTIAL_MANAGE, lambda work: _load(work, credential_id, lock=False))
    return _done(work, stored, "none")


def credentials_of(work: Work, account_id: UUID, after: UUID, at_most: int) -> Sequence[Credential]:
    """What a member of staff holds and held, oldest first."""
    work.authorised(Action.CREDENTIAL_MANAGE, lambda work: _staff(work, account_id))
    return _listed(work, records.credentials_of(work.db, account_id, after, at_most), account_id)


def ending_soon(work: Work, within_days: int, after: UUID, at_most: int) -> Sequence[Credential]:
    """What ends in the next days, the last one included, in the whole program."""
    work.require(Action.CREDENTIAL_MANAGE, object_kind=_KIND)
    today = work.now.astimezone(work.program.zone).date()
    last = today + timedelta(days=within_days)
    return _listed(work, records.credentials_ending(work.db, today, last, after, at_most), None)


def _staff(work: Work, account_id: UUID) -> Loaded[identity.StoredAccount] | None:
    stored = identity.account_by_id(work.db, account_id)
    if stored is None or stored.kind is not CallerKind.STAFF:
        return None
    return Loaded(stored, Facts(program=stored.program_id), "account", stored.id)


def _load(work: Work, credential_id: UUID, *, lock: bool) -> Loaded[StoredCredential] | None:
    find = records.credential_for_update if lock else records.credential_by_id
    stored = find(work.db, credential_id)
    return None if stored is None else Loaded(stored, Facts(program=stored.program_id), _KIND, stored.id)


def _faults(book: CredentialBook, new: NewCredential) -> list[FieldError]:
    faults: list[FieldError] = []
    if new.kind not in book.kinds:
        faults.append(FieldError("kind", "unknown_code", f"One of: {', '.join(sorted(book.kinds))}."))
    if new.ends_on is not None and new.ends_on < new.starts_on:
        faults.append(FieldError("ends_on", "before_start", "It cannot end before it begins."))
    return faults


def _ones_own() -> Conflict:
    return Conflict(Code.TRANSITION_REFUSED, "Nobody keeps their own credentials.")


def _document(particulars: Particulars, verified_by: UUID) -> dict[str, Json]:
    return {
        "number": particulars.number,
        "issuer": particulars.issuer,
        "verified_with": particulars.verified_with,
        "verified_by": str(verified_by),
    }


def _sealed(work: Work, stored: StoredCredential, document: dict[str, Json]) -> StoredCredential:
    values = {"particulars": document}
    return replace(stored, particulars=work.seal(records.CREDENTIAL_ROW, stored.key, values)["particulars"])


def _opened(work: Work, stored: StoredCredential) -> dict[str, Json]:
    opened = work.open(records.CREDENTIAL_ROW, stored.key, {"particulars": stored.particulars})["particulars"]
    if not isinstance(opened, dict):
        raise IntegrityError
    return opened


def _credential(work: Work, stored: StoredCredential) -> Credential:
    document = _opened(work, stored)
    return Credential(
        id=stored.id,
        account_id=stored.account_id,
        kind=stored.kind,
        state=stored.state,
        starts_on=stored.starts_on,
        ends_on=stored.ends_on,
        version=stored.version,
        particulars=Particulars(
            str(document["number"]), str(document["issuer"]), str(document["verified_with"])
        ),
        verified_by=UUID(str(document["verified_by"])),
        recorded_at=stored.recorded_at,
    )


def _done(work: Work, stored: StoredCredential, change: str) -> Credential:
    work.record(
        action=Action.CREDENTIAL_MANAGE,
        object_kind=_KIND,
        object_id=stored.id,
        object_version=stored.version,
        detail={"change": change, "kind": stored.kind, "account": str(stored.account_id)},
    )
    return _credential(work, stored)


def _listed(work: Work, found: Sequence[StoredCredential], account_id: UUID | None) -> Sequence[Credential]:
    work.record(
        action=Action.CREDENTIAL_MANAGE,
        object_kind="account" if account_id else _KIND,
        object_id=account_id,
        detail={"change": "none", "listed": len(found)},
    )
    return [_credential(work, one) for one in found]
