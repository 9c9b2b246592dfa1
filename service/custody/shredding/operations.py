"""Asking for a record to be destroyed, deciding about it, reading what came of it.

The destruction is one unit of work: keys, search values, ways in, the patient's state, the receipt and the ledger entry
are one transaction, so nothing is ever half destroyed. What an older copy of the database still holds ends outside of
it, with the key-encryption keys (`finishing`).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from service.access.actions import Action
from service.access.facts import Facts
from service.custody.holds.operations import in_force
from service.custody.shredding import destruction, records
from service.custody.shredding.destruction import Shredding, ShreddingState, Situation
from service.custody.shredding.receipt import note_over, receipt_of
from service.custody.shredding.records import SHREDDING_ROW, Known, StoredShredding
from service.custody.shredding.retention import RetentionBook, Since
from service.custody.wiping.taking import record_closed, take_away
from service.errors import Code, Conflict, ConsentryError, IntegrityError
from service.ids import new_id
from service.ledger.checkpoint import Signer
from service.people.facts import load_patient, program_day
from service.people.operations import open_demographics
from service.people.records import DESTROYED, StoredPatient, patient_for_update
from service.store.types import Sealed
from service.vault.shredding import destroy_patient_keys
from service.work import Denial, Json, Loaded, Work

KIND = "shredding"


@dataclass(frozen=True, slots=True, repr=False)
class Attester:
    """Who vouches for a receipt: the ledger's key and the name it signs the service's own tree by."""

    name: str
    signer: Signer


def ask(work: Work, book: RetentionBook, patient_id: UUID, basis: str, reason: str) -> Shredding:
    """Ask for a patient's record to be destroyed. Conflict `record_must_be_kept` with everything that stands against
    it now; it is looked at again when it is decided.
    """
    patient = work.authorised(
        Action.KEY_SHRED_ASK, lambda work: load_patient(work, patient_id, changing=True)
    )
    destruction.check_basis(basis, book.bases)
    if patient.state == DESTROYED:
        raise _asked_before()
    destruction.check_possible(_situation(work, book, patient, basis))
    stored = StoredShredding(
        id=new_id(work.now),
        program_id=work.caller.program_id,
        patient_id=patient_id,
        state=ShreddingState.ASKED,
        basis=basis,
        asked_by=work.caller.account_id,
        asked_at=work.now,
        version=1,
        request=Sealed(b""),
    )
    stored = replace(stored, request=_sealed(work, stored, reason))
    if not records.add_shredding(work.db, stored, work.entry_id):
        raise _asked_before()
    _record(work, stored, Action.KEY_SHRED_ASK, {"basis": basis}, {"reason": reason})
    return _opened(work, stored)


def decide(
    work: Work, book: RetentionBook, attester: Attester, shredding_id: UUID, *, approved: bool
) -> Shredding:
    """Destroy the record, or decline to. Never by the one who asked."""
    stored = work.authorised(Action.KEY_SHRED_APPROVE, _loader(shredding_id, changing=True))
    destruction.check_open(stored.state)
    _check_second_person(work, stored)
    before = _opened(work, stored)
    decided = replace(
        stored,
        version=stored.version + 1,
        decided_by=work.caller.account_id,
        decided_at=work.now,
        state=ShreddingState.DESTROYED if approved else ShreddingState.DECLINED,
    )
    decided = replace(decided, request=_sealed(work, decided, before.reason))
    if approved:
        return _destroy(work, book, attester, decided, before.reason)
    records.change_shredding(work.db, decided, work.entry_id)
    _record(work, decided, Action.KEY_SHRED_APPROVE, {"basis": stored.basis}, None)
    return _opened(work, decided)


def read_shredding(work: Work, shredding_id: UUID, *, deciding: bool = False) -> Shredding:
    """One request and its receipt, for whoever may ask or (`deciding`) approve."""
    action = Action.KEY_SHRED_APPROVE if deciding else Action.KEY_READ
    stored = work.authorised(action, _loader(shredding_id))
    _record(work, stored, action, {}, None)
    return _opened(work, stored)


def to_finish(work: Work) -> tuple[str, ...]:
    """Key-encryption keys, as hex ids, that records destroyed in this program still wait for."""
    work.require(Action.KEY_ROTATE, object_kind=KIND)
    found = records.unfinished(work.db, work.caller.program_id)
    work.record(action=Action.KEY_READ, object_kind=KIND, object_id=None, detail={"unfinished": len(found)})
    return tuple(sorted({epoch for one in found for epoch in one.epochs}))


def note_finished(work: Work, gone: Callable[[str], bool]) -> int:
    """Note those as finished whose key-encryption keys are all gone; how many."""
    work.require(Action.KEY_ROTATE, object_kind=KIND)
    done = 0
    for stored in records.unfinished(work.db, work.caller.program_id):
        if not all(gone(epoch) for epoch in stored.epochs):
            continue
        reason = _opened(work, stored).reason
        finished = replace(
            stored, state=ShreddingState.FINISHED, finished_at=work.now, version=stored.version + 1
        )
        finished = replace(finished, request=_sealed(work, finished, reason))
        records.change_shredding(work.db, finished, work.entry_id)
        _record(work, finished, Action.KEY_ROTATE, {"epochs": list(stored.epochs)}, None)
        done += 1
    if not done:
        work.record(action=Action.KEY_ROTATE, object_kind=KIND, object_id=None, detail={"finished": 0})
    return done


# -- inside


def _destroy(
    work: Work, book: RetentionBook, attester: Attester, decided: StoredShredding, reason: str
) -> Shredding:
    program_id, patient_id = decided.program_id, decided.patient_id
    patient = patient_for_update(work.db, patient_id)
    if patient is None or decided.decided_by is None or decided.decided_at is None:
        raise IntegrityError
    destruction.check_possible(_situation(work, book, patient, decided.basis))
    taken = take_away(work, patient_id)
    gone = destroy_patient_keys(work.db, program_id, patient_id)
    receipt = receipt_of(
        shredding_id=decided.id,
        program_id=program_id,
        patient_id=patient_id,
        basis=decided.basis,
        asked=(decided.asked_by, decided.asked_at),
        approved=(decided.decided_by, decided.decided_at),
        key_ids=gone.key_ids,
        removed=taken.rows,
        request_hash=work.keyed_hash(_request(decided, reason)),
        entry_id=work.entry_id,
    )
    destroyed = replace(
        decided,
        epochs=tuple(epoch.hex() for epoch in gone.epochs),
        receipt=receipt,
        note=note_over(receipt, attester.name, attester.signer),
    )
    records.mark_patient_destroyed(work.db, patient_id, work.now, work.entry_id)
    records.change_shredding(work.db, destroyed, work.entry_id)
    detail: dict[str, Json] = {
        "basis": decided.basis,
        "keys": [key_id.hex() for key_id in gone.key_ids],
        "receipt_sha256": hashlib.sha256(receipt.encode()).hexdigest(),
    }
    _record(work, destroyed, Action.KEY_SHRED_APPROVE, detail, None)
    record_closed(work, taken, patient_id)
    return _opened(work, destroyed)


def _situation(work: Work, book: RetentionBook, patient: StoredPatient, basis: str) -> Situation:
    today, zone = program_day(work), work.program.zone
    found = records.known(work.db, patient.id, today)

    def day(at: datetime | None) -> date | None:
        return None if at is None else at.astimezone(zone).date()

    days: dict[Since, date | None] = {
        "last_entry": day(found.last_entry),
        "consent_end": today if found.consents_active else _later(day(found.consent_ended), found),
        "last_disclosure": day(found.last_disclosure),
        "last_restriction": day(found.last_restriction),
    }
    return Situation(
        holds=len(in_force(work, patient.id)),
        open_episodes=found.open_episodes,
        open_flags=found.open_flags,
        open_requests=found.open_requests,
        open_reviews=found.open_reviews,
        merged=found.merges > 0,
        running=book.running(basis, days, _born(work, patient), today),
    )


def _later(ended: date | None, found: Known) -> date | None:
    days = [one for one in (ended, found.consent_expired) if one is not None]
    return max(days, default=None)


def _born(work: Work, patient: StoredPatient) -> date | None:
    try:
        return date.fromisoformat(str(open_demographics(work, patient).get("birth_date")))
    except ValueError:
        return None


def _loader(
    shredding_id: UUID, *, changing: bool = False
) -> Callable[[Work], Loaded[StoredShredding] | None]:
    """The patient is locked before the request, as everywhere."""

    def load(work: Work) -> Loaded[StoredShredding] | None:
        stored = records.shredding_by_id(work.db, shredding_id)
        if stored is not None and changing:
            patient_for_update(work.db, stored.patient_id)
            stored = records.shredding_for_update(work.db, shredding_id)
        if stored is None:
            return None
        return Loaded(stored, Facts(program=stored.program_id), KIND, stored.id, patient_id=stored.patient_id)

    return load


def _check_second_person(work: Work, stored: StoredShredding) -> None:
    try:
        destruction.check_second_person(stored.asked_by, work.caller.account_id)
    except ConsentryError as refusal:
        work.refuse(
            refusal,
            Denial(
                action=Action.KEY_SHRED_APPROVE,
                object_kind=KIND,
                object_id=stored.id,
                patient_id=stored.patient_id,
                detail={"reason": refusal.code.value},
            ),
        )


def _request(stored: StoredShredding, reason: str) -> dict[str, Json]:
    """What was asked, with the clear columns that decide: a row put together by hand is noticed."""
    return {
        "patient": str(stored.patient_id),
        "basis": stored.basis,
        "asked_by": str(stored.asked_by),
        "reason": reason,
    }


def _sealed(work: Work, stored: StoredShredding, reason: str) -> Sealed:
    said = {**_request(stored, reason), "state": stored.state.value}
    return work.seal(SHREDDING_ROW, stored.key, {"request": said})["request"]


def _opened(work: Work, stored: StoredShredding) -> Shredding:
    said: Any = work.open(SHREDDING_ROW, stored.key, {"request": stored.request})["request"]
    if not isinstance(said, dict) or "reason" not in said:
        raise IntegrityError
    reason = str(said["reason"])  # pyright: ignore[reportUnknownArgumentType] -- any JSON that was sealed
    if said != {**_request(stored, reason), "state": stored.state.value}:
        raise IntegrityError
    return Shredding(
        id=stored.id,
        patient_id=stored.patient_id,
        state=stored.state,
        basis=stored.basis,
        reason=reason,
        asked_by=stored.asked_by,
        asked_at=stored.asked_at,
        version=stored.version,
        decided_by=stored.decided_by,
        decided_at=stored.decided_at,
        finished_at=stored.finished_at,
        receipt=stored.receipt,
        note=stored.note,
    )


def _record(
    work: Work, stored: StoredShredding, action: Action, detail: dict[str, Json], payload: Json
) -> None:
    work.record(
        action=action,
        object_kind=KIND,
        object_id=stored.id,
        object_version=stored.version,
        patient_id=stored.patient_id,
        detail={"state": stored.state.value, **detail},
        payload=payload,
    )


def _asked_before() -> Conflict:
    return Conflict(
        Code.SHREDDING_STATE, "This record was destroyed, or its destruction was asked for, before."
    )
