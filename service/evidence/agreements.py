"""Agreements and papers about no single patient: the register of QSOAs, research papers, audit and data use agreements.

Sealed under the program's key, found by the recipient they name. Research papers are signed off by the program director
(2.52), everything else by compliance; policies/evidence.yaml says so kind by kind.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final
from uuid import UUID

from service.access.actions import Action
from service.access.facts import Facts
from service.evidence import records
from service.evidence.commands import EvidencePage, NewEvidence
from service.evidence.lifecycle import Act, after
from service.evidence.model import Evidence
from service.evidence.operations import change, signed_off
from service.evidence.recording import described, evidence_of, hashed, keep
from service.evidence.records import Lock, StoredEvidence
from service.evidence.rulebook import EvidenceBook
from service.evidence.sealing import open_evidence
from service.work import Loaded, Work

KIND: Final = "agreement"


def record_agreement(work: Work, book: EvidenceBook, new: NewEvidence) -> Evidence:
    """Put a complete agreement into the register; it holds for nothing before it is signed off."""
    work.require(Action.AGREEMENT_RECORD, object_kind=KIND)
    made = evidence_of(work, book, None, new, keep=True)
    keep(work, made, work.entry_id)
    _note(work, Action.AGREEMENT_RECORD, made)
    return made


def sign_off_agreement(work: Work, book: EvidenceBook, agreement_id: UUID) -> Evidence:
    """Sign it off, as somebody whose role may for its kind: the director's are an act of their own."""
    rule = book.find(records.kind_of(work.db, agreement_id) or "")
    action = Action.EVIDENCE_FIND if rule and rule.director_only else Action.AGREEMENT_RECORD
    before = open_evidence(work, work.authorised(action, _agreement(agreement_id, Lock.UPDATE)))
    after(before.state, Act.SIGN_OFF)
    signed = signed_off(work, book, before, action)
    change(work, signed)
    _note(work, action, signed)
    return signed


def end_agreement(work: Work, agreement_id: UUID, reason: str) -> Evidence:
    """From now on nothing rests on it."""
    stored = work.authorised(Action.AGREEMENT_RECORD, _agreement(agreement_id, Lock.UPDATE))
    before = open_evidence(work, stored)
    transition = after(before.state, Act.END)
    ended = replace(before, state=transition.to, ended_because=reason, version=before.version + 1)
    change(work, ended)
    _note(work, Action.AGREEMENT_RECORD, ended)
    return ended


def read_agreement(work: Work, agreement_id: UUID) -> Evidence:
    """One agreement."""
    stored = work.authorised(Action.AGREEMENT_READ, _agreement(agreement_id, Lock.NONE))
    found = open_evidence(work, stored)
    _note(work, Action.AGREEMENT_READ, found)
    return found


def list_agreements(
    work: Work, recipient_id: UUID | None, *, before: UUID | None, at_most: int
) -> EvidencePage:
    """The register, newest first: all of it, or what names one recipient."""
    work.require(Action.AGREEMENT_READ, object_kind=KIND)
    page = records.agreements(work.db, recipient_id, before, at_most + 1)
    found = tuple(open_evidence(work, stored) for stored in page[:at_most])
    work.record(
        action=Action.AGREEMENT_READ,
        object_kind=KIND,
        object_id=None,
        recipient_id=recipient_id,
        detail={"listed": [str(one.id) for one in found]},
    )
    return EvidencePage(found, more=len(page) > at_most)


# -- inside ------------------------------------------------------------------------------------------------


def _agreement(agreement_id: UUID, lock: Lock) -> Callable[[Work], Loaded[StoredEvidence] | None]:
    def load(work: Work) -> Loaded[StoredEvidence] | None:
        stored = records.evidence_by_id(work.db, agreement_id, lock)
        if stored is None or stored.patient_id is not None:
            return None
        facts = Facts(kind=stored.kind.value, state=stored.state.value, program=stored.program_id)
        return Loaded(stored, facts, KIND, stored.id)

    return load


def _note(work: Work, action: Action, agreement: Evidence) -> None:
    work.record(
        action=action,
        object_kind=KIND,
        object_id=agreement.id,
        object_version=agreement.version,
        detail=described(agreement),
        payload=hashed(agreement),
    )
