"""Setting the mark with the act whose answers say so, and taking it away."""

from dataclasses import dataclass
from uuid import UUID

from service.access.actions import Action
from service.errors import Code, Conflict, FieldError, Invalid
from service.people import records
from service.people.endangerment import mark
from service.people.facts import load_patient
from service.people.operations import keep_demographics, open_demographics
from service.work import Work

_KIND = "patient"


@dataclass(frozen=True, slots=True)
class Lowered:
    """The patient whose mark was taken away, at the version that has it no more."""

    id: UUID
    version: int
    endangered: bool


def mark_endangered(work: Work, patient_id: UUID) -> None:
    """Set the mark, inside an act about this patient that is allowed and recorded. Where it stands nothing is done."""
    stored = records.patient_for_update(work.db, patient_id)
    if stored is None:
        raise RuntimeError("an act about a patient has one")
    before = open_demographics(work, stored)
    if mark.is_marked(before):
        return
    entry_id = work.record(
        action=Action.PATIENT_MARK,
        object_kind=_KIND,
        object_id=stored.id,
        object_version=stored.version + 1,
        patient_id=stored.id,
    )
    keep_demographics(work, stored, before, mark.marked(before, work.now), entry_id)


def lower_mark(work: Work, patient_id: UUID, reason: str, *, replay: bool = False) -> Lowered:
    """Take the mark away. Conflict `transition_refused` where none stands, Invalid without a reason. A `replay` shows
    what the first one left.
    """
    stored = work.authorised(
        Action.PATIENT_UNMARK, lambda work: load_patient(work, patient_id, changing=True)
    )
    before = open_demographics(work, stored)
    after, version = before, stored.version
    if not replay:
        if not mark.is_marked(before):
            raise Conflict(Code.TRANSITION_REFUSED, "There is no mark to take away.")
        if not reason.strip():
            missing = FieldError("reason", "missing", "Say why the mark is taken away.")
            raise Invalid(Code.INVALID_REQUEST, "This needs a reason.", (missing,))
        after = mark.lowered(before, work.now, work.caller.account_id, reason.strip())
        keep_demographics(work, stored, before, after, work.entry_id)
        version += 1
    work.record(
        action=Action.PATIENT_UNMARK,
        object_kind=_KIND,
        object_id=stored.id,
        object_version=version,
        patient_id=stored.id,
        detail={"replay": replay},
        payload={"reason": reason},
    )
    return Lowered(stored.id, version, mark.is_endangered(after))
