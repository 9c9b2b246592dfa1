"""Evidence about one patient: recorded, signed off, ended, read; and handed to decisions.

Which act signing off is follows from the kind: a finding that is the program director's alone is `evidence.find`, which
no other role has. A paper is locked by whoever changes it and shared-locked by whoever rests a decision on it, until
commit.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final, NoReturn
from uuid import UUID

from service.access.actions import Action
from service.access.facts import Facts
from service.errors import Code, Refused, Stale
from service.evidence import records
from service.evidence.commands import EvidencePage, NewEvidence
from service.evidence.lifecycle import Act, after
from service.evidence.model import Evidence, EvidenceKind
from service.evidence.recording import described, evidence_of, hashed, keep, signed_off_by_recorder
from service.evidence.records import Lock, StoredEvidence
from service.evidence.rulebook import EvidenceBook, KindRule
from service.evidence.sealing import open_evidence, sealed_evidence
from service.people.facts import patient_facts
from service.work import Denial, Loaded, Work

KIND: Final = "evidence"


def record_evidence(work: Work, book: EvidenceBook, patient_id: UUID, new: NewEvidence) -> Evidence:
    """Keep a complete paper; it says nothing to a decision before somebody signs it off."""
    rule = book.find(new.kind)
    action = _recording(rule)
    work.authorised(action, _patient(patient_id, new.kind))
    _must_be_recorder(work, rule, action, patient_id)
    made = evidence_of(work, book, patient_id, new, keep=True)
    keep(work, made, work.entry_id)
    _note(work, action, made)
    return made


def sign_off_evidence(work: Work, book: EvidenceBook, evidence_id: UUID) -> Evidence:
    """Sign a recorded paper off, as somebody whose role may for its kind."""
    rule = book.find(records.kind_of(work.db, evidence_id) or "")
    action = Action.EVIDENCE_FIND if rule and rule.director_only else Action.EVIDENCE_SIGN_OFF
    before = open_evidence(work, work.authorised(action, _evidence(evidence_id, Lock.UPDATE)))
    after(before.state, Act.SIGN_OFF)
    signed = signed_off(work, book, before, action)
    change(work, signed)
    _note(work, action, signed)
    return signed


def end_evidence(work: Work, evidence_id: UUID, reason: str) -> Evidence:
    """From now on it holds for nothing; what rested on it stays as it was."""
    stored = work.authorised(Action.EVIDENCE_END, _evidence(evidence_id, Lock.UPDATE))
    before = open_evidence(work, stored)
    transition = after(before.state, Act.END)
    ended = replace(before, state=transition.to, ended_because=reason, version=before.version + 1)
    change(work, ended)
    _note(work, transition.action, ended)
    return ended


def read_evidence(work: Work, evidence_id: UUID) -> Evidence:
    """One paper."""
    stored = work.authorised(Action.EVIDENCE_READ, _evidence(evidence_id, Lock.NONE))
    found = open_evidence(work, stored)
    _note(work, Action.EVIDENCE_READ, found)
    return found


def list_evidence(work: Work, patient_id: UUID, *, before: UUID | None, at_most: int) -> EvidencePage:
    """A patient's papers, newest first, ended ones too."""
    work.authorised(Action.EVIDENCE_LIST, _patient(patient_id))
    page = records.evidence_of_patient(work.db, patient_id, before, at_most + 1)
    found = tuple(open_evidence(work, stored) for stored in page[:at_most])
    work.record(
        action=Action.EVIDENCE_LIST,
        object_kind=KIND,
        object_id=None,
        patient_id=patient_id,
        detail={"listed": [str(one.id) for one in found]},
    )
    return EvidencePage(found, more=len(page) > at_most)


# -- for operations above: inside an act that is allowed already and records itself -----------------------


def record_within(
    work: Work, book: EvidenceBook, patient_id: UUID, given: NewEvidence, *, at: str = "evidence."
) -> Evidence:
    """A paper recorded as part of another act, in its transaction, with an entry of its own beside the act's.

    Signed off by the recorder where the kind lets one of the recorder's roles do so (2.51(c): the discloser documents).
    Invalid with every missing field under `at`; Denied when the caller may not record this kind.
    """
    made = _within(work, book, patient_id, given, at, keeping=True)
    entry_id = work.record(
        action=_recording(book.find(made.kind)),
        object_kind=KIND,
        object_id=made.id,
        object_version=made.version,
        patient_id=patient_id,
        detail=described(made),
        payload=hashed(made),
        beside=True,
    )
    keep(work, made, entry_id)
    return made


def as_if_recorded(
    work: Work, book: EvidenceBook, patient_id: UUID, given: NewEvidence, *, at: str = "evidence."
) -> Evidence:
    """The same for a preview: nothing is kept and nobody is registered."""
    return _within(work, book, patient_id, given, at, keeping=False)


def evidence_for(work: Work, patient_id: UUID, evidence_id: UUID) -> Evidence | None:
    """A paper about this patient, locked until this unit commits; None when there is none."""
    stored = records.evidence_by_id(work.db, evidence_id, Lock.SHARE)
    return None if stored is None or stored.patient_id != patient_id else open_evidence(work, stored)


def agreements_for(work: Work, recipient_id: UUID) -> tuple[Evidence, ...]:
    """Every agreement that names this recipient, ended ones too, locked until this unit commits."""
    return tuple(open_evidence(work, stored) for stored in records.agreements_naming(work.db, recipient_id))


# -- shared with agreements --------------------------------------------------------------------------------


def signed_off(work: Work, book: EvidenceBook, before: Evidence, action: Action) -> Evidence:
    """The paper, signed off by the caller at its next version; Denied when its kind is not the caller's to sign."""
    rule = book.kinds[before.kind]
    signed = signed_off_by_recorder(work, rule, before)
    if signed is before:
        _refuse(work, action, before.patient_id, before.id)
    return replace(signed, version=before.version + 1)


def change(work: Work, evidence: Evidence) -> None:
    """Put a paper's new state into its row, which is locked; Stale when it was not."""
    if not records.replace_evidence(work.db, sealed_evidence(work, evidence), work.entry_id):
        raise Stale(Code.VERSION_STALE, "Somebody changed this evidence since you read it.")


# -- inside ------------------------------------------------------------------------------------------------


def _within(
    work: Work, book: EvidenceBook, patient_id: UUID, given: NewEvidence, at: str, *, keeping: bool
) -> Evidence:
    rule = book.find(given.kind)
    action = _recording(rule)
    facts = patient_facts(work, patient_id) or Facts()
    work.require(action, replace(facts, kind=_known(given.kind)), object_kind=KIND, patient_id=patient_id)
    _must_be_recorder(work, rule, action, patient_id)
    made = evidence_of(work, book, patient_id, given, at=at, keep=keeping)
    return signed_off_by_recorder(work, book.kinds[made.kind], made)


def _recording(rule: KindRule | None) -> Action:
    return Action.EVIDENCE_FIND if rule and rule.director_only else Action.EVIDENCE_RECORD


def _must_be_recorder(work: Work, rule: KindRule | None, action: Action, patient_id: UUID) -> None:
    """Kinds that are agreements are told to be elsewhere (`evidence_of`), not refused."""
    if rule is not None and rule.patient and not work.caller.roles & frozenset(rule.recorded_by):
        _refuse(work, action, patient_id, None)


def _refuse(work: Work, action: Action, patient_id: UUID | None, evidence_id: UUID | None) -> NoReturn:
    work.refuse(
        Refused(Code.NOT_PERMITTED, "Your role does not permit this for this kind of evidence."),
        Denial(
            action=action,
            object_kind=KIND,
            object_id=evidence_id,
            patient_id=patient_id,
            detail={"reason": "not_this_kind"},
        ),
    )


def _patient(patient_id: UUID, kind: str = "") -> Callable[[Work], Loaded[None] | None]:
    def load(work: Work) -> Loaded[None] | None:
        facts = patient_facts(work, patient_id)
        if facts is None:
            return None
        return Loaded(None, replace(facts, kind=_known(kind)), KIND, None, patient_id=patient_id)

    return load


def _evidence(evidence_id: UUID, lock: Lock) -> Callable[[Work], Loaded[StoredEvidence] | None]:
    def load(work: Work) -> Loaded[StoredEvidence] | None:
        stored = records.evidence_by_id(work.db, evidence_id, lock)
        facts = stored and stored.patient_id and patient_facts(work, stored.patient_id)
        if not stored or not facts:
            return None
        named = replace(facts, kind=stored.kind.value, state=stored.state.value)
        return Loaded(stored, named, KIND, stored.id, patient_id=stored.patient_id)

    return load


def _known(kind: str) -> str:
    """A kind as a fact for the policies: what somebody typed is none."""
    return kind if kind in set(EvidenceKind) else ""


def _note(work: Work, action: Action, evidence: Evidence) -> None:
    work.record(
        action=action,
        object_kind=KIND,
        object_id=evidence.id,
        object_version=evidence.version,
        patient_id=evidence.patient_id,
        detail=described(evidence),
        payload=hashed(evidence),
    )
