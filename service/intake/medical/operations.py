"""What can be done with the medical intake: saved, completed, changed, taken back, read, reviewed.

Every write looks at the whole intake as it would be, because an urgent finding may lie between two sections (pregnant,
and used yesterday). A form that is not accepted leaves nothing behind but its flags: `answer_with` commits those, then
the caller hears why. Every write locks the patient first, so two devices cannot begin the same section twice.
"""

from dataclasses import replace
from uuid import UUID

from service.access.actions import Action
from service.access.caller import CallerKind
from service.errors import Code, Conflict, Invalid, NotFound
from service.ids import new_id
from service.intake.medical import records
from service.intake.medical.book import MedicalBook, Section
from service.intake.medical.completeness import open_sections
from service.intake.medical.kept import DIAGNOSES, Kept, gather, remove
from service.intake.medical.urgent import findings
from service.intake.medical.views import FormView, Overview, SectionView, form_view, overview_of, section_view
from service.intake.medical.writing import (
    Place,
    Writing,
    one_opened,
    opened,
    record_read,
    refuse,
    section_of,
    write_form,
)
from service.intake.safety.flag import FlagSource
from service.intake.safety.raising import open_flags
from service.record import items
from service.work import Work


def save_section(
    work: Work, book: MedicalBook, patient_id: UUID, key: str, writing: Writing
) -> SectionView | None:
    """Save answers of a section's head; None when they are not accepted."""
    patient, about, gathered = opened(work, Action.MEDICAL_WRITE, patient_id, heard=True)
    section = _section(work, book, key)
    place = Place(section, section.form, False, gathered.head(key), gathered)
    if key in gathered.chart.withheld:
        refuse(work, Action.MEDICAL_WRITE, patient_id, None)
    written = write_form(work, book, patient, about, place, writing)
    if written is None:
        return None
    after = gather(work, patient, about)
    return section_view(work, book, after, section, findings(book, after.chart))


def add_entry(
    work: Work, book: MedicalBook, patient_id: UUID, key: str, writing: Writing
) -> tuple[UUID, FormView | None]:
    """A new entry of a list; (an id, None) when it is not accepted."""
    patient, about, gathered = opened(work, Action.MEDICAL_WRITE, patient_id, heard=True)
    section = _section(work, book, key)
    if section.entries is None:
        raise NotFound(Code.NOT_FOUND, "This section is no list.")
    place = Place(section, section.entries, True, None, gathered)
    written = write_form(work, book, patient, about, place, writing)
    if written is None:
        return new_id(work.now), None
    return written.item.id, _form(work, written)


def change_entry(work: Work, book: MedicalBook, item_id: UUID, writing: Writing) -> FormView | None:
    """A new version of an entry, with a reason once it is complete; the version before stays readable."""
    patient, about, gathered, kept = one_opened(work, Action.MEDICAL_WRITE, item_id, heard=True)
    section = book.find(kept.stage.section)
    if section is None or section.entries is None or not kept.stage.is_entry:
        raise NotFound(Code.NOT_FOUND, "There is no such entry.")
    place = Place(section, section.entries, True, kept, gathered)
    written = write_form(work, book, patient, about, place, writing)
    return None if written is None else _form(work, written)


def remove_entry(work: Work, item_id: UUID, reason: str, *, replay: bool = False) -> UUID:
    """Entered in error: nothing rests on it any more, it stays readable. A patient takes back nothing of staff's."""
    stage = records.stage_of(work.db, item_id)
    diagnosis = stage is not None and stage.section == DIAGNOSES
    action = Action.DIAGNOSIS_RECORD if diagnosis else Action.MEDICAL_WRITE
    if replay and stage is not None and stage.state == "removed":
        opened(work, action, stage.patient_id)
        work.record(
            action=action,
            object_kind="medical",
            object_id=item_id,
            patient_id=stage.patient_id,
            detail={"replay": True},
        )
        return item_id
    patient, _, _, kept = one_opened(work, action, item_id)
    if work.caller.kind is CallerKind.PATIENT and kept.item.author_id != work.caller.account_id:
        refuse(work, action, patient.id, item_id)
    item = remove(work, kept, reason)
    work.record(
        action=action,
        object_kind="medical",
        object_id=item_id,
        object_version=item.version,
        patient_id=patient.id,
        detail={"state": item.state.value},
    )
    return item_id


def read_section(work: Work, book: MedicalBook, patient_id: UUID, key: str) -> SectionView:
    """One section as this caller may see it."""
    _, _, gathered = opened(work, Action.MEDICAL_READ, patient_id, changing=False)
    section = _section(work, book, key)
    record_read(work, gathered, [one for one in gathered.kept if one.stage.section == key])
    return section_view(work, book, gathered, section)


def read_overview(work: Work, book: MedicalBook, patient_id: UUID) -> Overview:
    """Every section, what is missing, what must be read, the risk of a withdrawal."""
    _, _, gathered = opened(work, Action.MEDICAL_READ, patient_id, changing=False)
    record_read(work, gathered, gathered.kept)
    return overview_of(work, book, gathered)


def read_form(work: Work, item_id: UUID, version: int | None = None) -> FormView:
    """One form as it is, or as it was at `version`."""
    _, _, gathered, kept = one_opened(work, Action.MEDICAL_READ, item_id, changing=False)
    if version is not None and version != kept.item.version:
        former = items.version_of(work, kept.stored, version)
        if former is None:
            raise NotFound(Code.NOT_FOUND, "There is no such version.")
        kept = replace(kept, item=former)
    record_read(work, gathered, [kept])
    return _form(work, kept)


def review(work: Work, book: MedicalBook, patient_id: UUID, *, replay: bool = False) -> Overview:
    """A medical reviewer signs for the whole intake as it is: Invalid with everything that is missing, Conflict while
    an urgent finding waits for somebody.
    """
    patient, about, gathered = opened(work, Action.MEDICAL_REVIEW, patient_id)
    if gathered.chart.withheld:
        refuse(work, Action.MEDICAL_REVIEW, patient_id, None)
    if missing := open_sections(book, gathered.chart):
        named = [f"{key}.{name}" for key, names in missing.items() for name in names]
        raise Invalid(Code.MEDICAL_INCOMPLETE, "The medical intake is not complete.", missing=named)
    if waiting := [one for one in open_flags(work, patient_id) if one.source is FlagSource.MEDICAL]:
        raise Conflict(
            Code.MEDICAL_FLAGS_OPEN,
            "An urgent finding has not been acknowledged.",
            flags=[str(one.id) for one in waiting],
        )
    if not replay:
        ids = [one.item.id for one in gathered.kept]
        records.review(work.db, ids, work.now, work.caller.account_id, work.entry_id)
    work.record(
        action=Action.MEDICAL_REVIEW,
        object_kind="medical",
        object_id=None,
        patient_id=patient_id,
        detail={"items": {str(one.item.id): one.item.version for one in gathered.kept}, "replay": replay},
    )
    return overview_of(work, book, gather(work, patient, about))


# -- inside


def _section(work: Work, book: MedicalBook, key: str) -> Section:
    return section_of(book, key, patient=work.caller.kind is CallerKind.PATIENT)


def _form(work: Work, kept: Kept) -> FormView:
    return form_view(kept.stage.section, kept, patient=work.caller.kind is CallerKind.PATIENT)
