"""Diagnoses recorded by a clinician, each a record item. Intake staff read them.

One diagnosis for one class of substance: a changed severity, remission, or a code that stands in place of the plain one
is a new version of it with the reason, and the one before stays readable.
"""

from dataclasses import dataclass
from uuid import UUID

from service.access.actions import Action
from service.errors import Code, Conflict, FieldError, Invalid, Stale
from service.intake.medical.book import MedicalBook
from service.intake.medical.diagnosis import NewDiagnosis, Ruled, labels_of, rule, stands_beside
from service.intake.medical.kept import DIAGNOSES, Gathered, Kept, add_diagnosis, change, settle, unit_for
from service.intake.medical.views import FormView, form_view
from service.intake.medical.writing import one_opened, opened, record_read
from service.people.facts import program_day
from service.record.item import Kind, NewItem
from service.work import Work


@dataclass(frozen=True, slots=True)
class Asked:
    """Where it is filed, and why it takes the place of what was there."""

    unit: str | None = None
    reason: str | None = None


def record_diagnosis(
    work: Work, book: MedicalBook, patient_id: UUID, new: NewDiagnosis, asked: Asked
) -> tuple[UUID, FormView]:
    """A new diagnosis. Conflict `diagnosis_stands` when the class has one: that one is changed instead."""
    _, _, gathered = opened(work, Action.DIAGNOSIS_RECORD, patient_id)
    ruled = _ruled(work, book, gathered, new)
    content = ruled.content(new, book.version)
    standing = gathered.entries(DIAGNOSES)
    if not stands_beside(book, content, [one.item.content for one in standing]):
        raise Conflict(
            Code.DIAGNOSIS_STANDS, "There is a diagnosis of this class. Change that one, with the reason."
        )
    kept = add_diagnosis(
        work,
        NewItem(
            patient_id=patient_id,
            kind=Kind.DIAGNOSIS,
            unit=unit_for(work, asked.unit),
            labels=labels_of(ruled.code, new.substance),
            dated_on=new.dated_on,
            content={**content, "reason": asked.reason},
        ),
    )
    _record(work, kept)
    return kept.item.id, form_view(DIAGNOSES, kept, patient=False)


def change_diagnosis(
    work: Work, book: MedicalBook, item_id: UUID, new: NewDiagnosis, asked: Asked, *, expected: int
) -> FormView:
    """A new version with the reason."""
    _, _, gathered, kept = one_opened(work, Action.DIAGNOSIS_RECORD, item_id)
    if kept.stage.section != DIAGNOSES:
        raise Invalid(Code.DIAGNOSIS_INVALID, "This is no diagnosis.")
    check_version(kept, expected)
    if not (asked.reason or "").strip():
        missing = FieldError("reason", "missing", "Say why the diagnosis is changed.")
        raise Invalid(Code.DIAGNOSIS_INVALID, "A diagnosis is changed with a reason.", (missing,))
    ruled = _ruled(work, book, gathered, new)
    content = {**ruled.content(new, book.version), "reason": asked.reason}
    others = [one.item.content for one in gathered.entries(DIAGNOSES) if one.item.id != item_id]
    if not stands_beside(book, content, others):
        raise Conflict(Code.DIAGNOSIS_STANDS, "Another diagnosis is of this class already.")
    labels = labels_of(ruled.code, new.substance) | kept.item.labels
    after = settle(work, kept, change(work, kept, content, labels, final=True))
    _record(work, after)
    return form_view(DIAGNOSES, after, patient=False)


def list_diagnoses(
    work: Work, patient_id: UUID, *, after: UUID | None, at_most: int
) -> tuple[tuple[FormView, ...], UUID | None]:
    """The patient's diagnoses that nobody took back, oldest first, and the last id of the page if there are more."""
    _, _, gathered = opened(work, Action.MEDICAL_READ, patient_id, changing=False)
    every = () if work.caller.patient_id else gathered.entries(DIAGNOSES)
    rest = sorted((one for one in every if after is None or one.item.id > after), key=lambda one: one.item.id)
    page = rest[:at_most]
    record_read(work, gathered, page)
    last = page[-1].item.id if len(rest) > at_most else None
    return tuple(form_view(DIAGNOSES, one, patient=False) for one in page), last


def check_version(kept: Kept, expected: int) -> None:
    if kept.item.version != expected:
        raise Stale(Code.VERSION_STALE, "This has changed since you read it.")


def _ruled(work: Work, book: MedicalBook, gathered: Gathered, new: NewDiagnosis) -> Ruled:
    listed = {str(page.value("class")) for page in gathered.chart.used()}
    ruled, faults = rule(book, new, listed, program_day(work))
    if ruled is None:
        raise Invalid(Code.DIAGNOSIS_INVALID, "This diagnosis cannot be recorded as it is.", faults)
    return ruled


def _record(work: Work, kept: Kept) -> None:
    work.record(
        action=Action.DIAGNOSIS_RECORD,
        object_kind="medical",
        object_id=kept.item.id,
        object_version=kept.item.version,
        patient_id=kept.item.patient_id,
        payload=kept.item.content,
    )
