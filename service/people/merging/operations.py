"""Merging two charts of one person, undoing it, and the history of both acts (docs/decisions/0008)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from service.access.actions import Action
from service.errors import Code, Conflict, FieldError, Invalid, Stale
from service.ids import PatientId, new_id
from service.people.episodes.records import open_episodes
from service.people.facts import facts_of, load_patient
from service.people.merging import merge as rules
from service.people.merging import records
from service.people.merging.merge import Merge, MergeState, NewMerge, Undoing
from service.people.merging.records import StoredMerge
from service.people.operations import open_demographics
from service.people.records import StoredPatient, patient_by_id, patient_for_update
from service.vault.envelope import RowKey
from service.work import Loaded, Work


def merge_charts(work: Work, patient_id: UUID, new: NewMerge) -> Merge:
    """`new.merged_id` becomes a chart of the person of `patient_id`. Conflict `merge_state` where one of them is part
    of another merge already: chains are not built, so there is never a question which chart is the person's.
    """
    surviving, absorbed = _both(work, patient_id, new.merged_id)
    taken = records.absorbed(work.db, [surviving.id, absorbed.id])
    if absorbed.state == "merged" or absorbed.id in taken:
        raise Conflict(
            Code.MERGE_STATE, "The chart to be absorbed is part of another merge; undo that one first."
        )
    found = rules.differences(
        open_demographics(work, surviving),
        open_demographics(work, absorbed),
        absorbed_in_care=bool(open_episodes(work.db, [absorbed.id])),
    )
    if faults := rules.unconfirmed(found, new.confirmed):
        raise Invalid(Code.MERGE_INVALID, "These charts differ in what a person has only once.", faults)
    made = Merge(
        id=new_id(work.now),
        patient_id=surviving.id,
        merged_id=absorbed.id,
        state=MergeState.MERGED,
        version=1,
        reason=new.reason,
        evidence=new.evidence,
        differences={one.value: new.confirmed[one] for one in sorted(found)},
        by=work.caller.account_id,
        merged_at=work.now,
    )
    records.insert_merge(work.db, _sealed(work, made), work.entry_id)
    records.mark_patient(work.db, absorbed.id, "merged", work.entry_id)
    _record(work, made, Action.PATIENT_MERGE, absorbed.state)
    return made


def unmerge_charts(work: Work, merge_id: UUID, reason: str, *, version: int | None = None) -> Merge:
    """Undo a merge: the absorbed chart stands for itself again, with all that it had."""
    stored = work.authorised(Action.PATIENT_UNMERGE, _loader(merge_id, changing=True))
    if version is not None and stored.version != version:
        raise Stale(Code.VERSION_STALE, "Somebody changed this merge since you read it.")
    before = _opened(work, stored)
    if before.state is not MergeState.MERGED:
        raise Conflict(Code.MERGE_STATE, "This merge has been undone already.")
    undone = replace(
        before,
        state=MergeState.UNDONE,
        version=before.version + 1,
        undone=Undoing(reason, work.caller.account_id, work.now),
    )
    records.undo_merge(work.db, _sealed(work, undone), work.entry_id)
    records.mark_patient(work.db, undone.merged_id, "registered", work.entry_id)
    _record(work, undone, Action.PATIENT_UNMERGE, "merged")
    return undone


def read_merge(work: Work, merge_id: UUID) -> Merge:
    """One merge, for whoever may undo it: the answer to a repeated request."""
    read = _opened(work, work.authorised(Action.PATIENT_UNMERGE, _loader(merge_id)))
    _record(work, read, Action.PATIENT_UNMERGE, read.state.value)
    return read


def list_merges(
    work: Work, patient_id: UUID, *, before: UUID | None, at_most: int
) -> tuple[tuple[Merge, ...], bool]:
    """Merges that a chart took part in, on either side, undone ones included; and whether there are more."""
    work.authorised(Action.PATIENT_READ, lambda work: load_patient(work, patient_id))
    work.require(Action.PATIENT_SEARCH)  # not the patient: the other chart's id may name somebody else
    page = records.merges_page(work.db, patient_id, before, at_most + 1)
    found = tuple(_opened(work, stored) for stored in page[:at_most])
    work.record(
        action=Action.PATIENT_READ,
        object_kind="merge",
        object_id=None,
        patient_id=patient_id,
        detail={"listed": len(found)},
    )
    return found, len(page) > at_most


# -- inside ----------------------------------------------------------------------------------------


def _both(work: Work, patient_id: UUID, merged_id: UUID) -> tuple[StoredPatient, StoredPatient]:
    """Both charts, each an act that this caller may do, locked in the order of their ids."""
    if patient_id == merged_id:
        raise _invalid("itself", "A chart is not merged into itself.")

    def load(work: Work) -> Loaded[StoredPatient] | None:
        for one in sorted((patient_id, merged_id)):
            patient_for_update(work.db, one)
        return load_patient(work, patient_id)

    surviving = work.authorised(Action.PATIENT_MERGE, load)
    absorbed = patient_by_id(work.db, merged_id)
    if absorbed is None:
        raise _invalid("unknown", "There is no such chart.")
    facts = replace(facts_of(work, absorbed), surviving=None)  # a merge of its own is asked about below
    work.require(Action.PATIENT_MERGE, facts, object_kind="patient", patient_id=merged_id)
    return surviving, absorbed


def _loader(merge_id: UUID, *, changing: bool = False) -> Callable[[Work], Loaded[StoredMerge] | None]:
    """Patients are locked before the merge, in the order of their ids, as merging does."""

    def load(work: Work) -> Loaded[StoredMerge] | None:
        stored = records.merge_by_id(work.db, merge_id)
        if stored is not None and changing:
            for one in sorted((stored.patient_id, stored.merged_id)):
                patient_for_update(work.db, one)
            stored = records.merge_for_update(work.db, merge_id)
        patient = None if stored is None else patient_by_id(work.db, stored.patient_id)
        if stored is None or patient is None:
            return None
        return Loaded(
            stored, facts_of(work, patient), "merge", stored.id, patient_id=PatientId(stored.patient_id)
        )

    return load


def _sealed(work: Work, merge: Merge) -> StoredMerge:
    kept: dict[str, Any] = {
        "reason": merge.reason,
        "evidence": merge.evidence,
        "differences": dict(merge.differences),
        "by": str(merge.by),
    }
    if merge.undone is not None:
        kept["undone"] = {"reason": merge.undone.reason, "by": str(merge.undone.by)}
    row = RowKey(work.caller.program_id, merge.id, merge.version, merge.patient_id)
    return StoredMerge(
        id=merge.id,
        program_id=work.caller.program_id,
        patient_id=PatientId(merge.patient_id),
        merged_id=PatientId(merge.merged_id),
        state=merge.state.value,
        version=merge.version,
        particulars=work.seal(records.MERGE_ROW, row, {"particulars": kept})["particulars"],
        merged_at=merge.merged_at,
        undone_at=None if merge.undone is None else merge.undone.at,
    )


def _opened(work: Work, stored: StoredMerge) -> Merge:
    kept: Any = work.open(records.MERGE_ROW, stored.key, {"particulars": stored.particulars})["particulars"]
    undone: Mapping[str, str] | None = kept.get("undone")
    return Merge(
        id=stored.id,
        patient_id=stored.patient_id,
        merged_id=stored.merged_id,
        state=MergeState(stored.state),
        version=stored.version,
        reason=kept["reason"],
        evidence=kept["evidence"],
        differences=kept["differences"],
        by=UUID(kept["by"]),
        merged_at=stored.merged_at,
        undone=None
        if undone is None or stored.undone_at is None
        else Undoing(undone["reason"], UUID(undone["by"]), stored.undone_at),
    )


def _record(work: Work, merge: Merge, action: Action, was: str) -> None:
    """An entry for each of the two charts: whoever asks what happened to either finds it."""
    for patient_id in (merge.patient_id, merge.merged_id):
        work.record(
            action=action,
            object_kind="merge",
            object_id=merge.id,
            object_version=merge.version,
            patient_id=patient_id,
            detail={"state": merge.state.value, "was": was, "differences": sorted(merge.differences)},
        )


def _invalid(code: str, message: str) -> Invalid:
    fault = FieldError("merged_id", code, message)
    return Invalid(Code.MERGE_INVALID, "These charts cannot be merged.", [fault])
