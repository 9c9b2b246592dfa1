"""A form of the medical intake judged and kept, and what every act of this folder begins and ends with.

For the operations of this folder. An act begins with the patient loaded (locked for a change) and everything gathered
that the caller may use; a form that is not accepted ends with its flags kept and nothing else.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NoReturn
from uuid import UUID

from service.access.actions import Action
from service.access.caller import CallerKind
from service.access.facts import Facts
from service.errors import Code, ConsentryError, FieldError, Invalid, NotFound, Refused, Stale
from service.ids import new_id
from service.intake.assessment import flag_to_json
from service.intake.flags import Flag
from service.intake.medical import records
from service.intake.medical.anew import known_already
from service.intake.medical.answer import Given, Sheet
from service.intake.medical.book import Form, MedicalBook, Section
from service.intake.medical.chart import Chart, Page
from service.intake.medical.checks import Circumstances, faults_of, missing_in, sound
from service.intake.medical.completeness import conflicts, missing_of
from service.intake.medical.kept import Gathered, Kept, gather, write
from service.intake.medical.urgent import findings
from service.intake.own import own_to_json, seen_by_patient
from service.intake.safety.flag import FlagSource
from service.intake.safety.raising import open_flags, raise_flags
from service.intake.subject import chart_fault
from service.people.facts import load_patient
from service.people.records import StoredPatient
from service.work import Denial, Loaded, Work

Opened = tuple[StoredPatient, Facts, Gathered]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Writing:
    """Answers for one form, over those it has. `expected`: the version the caller read, 0 for a form not begun, None
    where saying so is not demanded. `final`: the caller says that it is complete.
    """

    given: Mapping[str, Given] = field(default_factory=dict[str, Given])
    expected: int | None = None
    final: bool = False
    reason: str | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Place:
    """Where a form stands: its section, whether it is an entry, what is there already."""

    section: Section
    form: Form
    entry: bool
    before: Kept | None
    gathered: Gathered


def write_form(
    work: Work, book: MedicalBook, patient: StoredPatient, about: Facts, place: Place, writing: Writing
) -> Kept | None:
    """Judge and keep one form; when it is not accepted, only what it shows of danger is kept: with the chart of the
    person that takes something new.
    """
    before, section = place.before, place.section
    person_id = about.surviving or patient.id
    version = 0 if before is None else before.item.version
    stale = writing.expected is not None and writing.expected != version
    settled = before is not None and before.stage.state == "current"
    circumstances = _circumstances(work, about, place.gathered)
    sheet = Sheet() if before is None else before.sheet
    good = sound(place.form, writing.given, circumstances)
    page = Page(
        item_id=new_id(work.now) if before is None else before.item.id,
        section=section.key,
        sheet=sheet.with_given(good, work.caller.account_id, work.now),
        final=settled or writing.final,
    )
    chart = place.gathered.chart.with_page(page, entry=place.entry)
    faults = [*faults_of(book, section, place.form, writing.given, circumstances)]
    faults.extend(conflicts(section, chart, page, entry=place.entry))
    if settled and not (writing.reason or "").strip():
        faults.append(FieldError("reason", "missing", "Say why a completed form is changed."))
    known = known_already(book, place.gathered.chart, page, good, entry=place.entry)
    urgent = findings(book, chart)
    fault: ConsentryError | None = _fault(
        work, _missing(place, page, chart), faults, urgent, final=page.final
    )
    if (elsewhere := chart_fault(work, about)) is not None:
        fault = elsewhere
    elif stale:  # what was typed on the slower device is not kept; danger in it is
        fault = Stale(Code.VERSION_STALE, "This has changed since you read it.", (), **_shows(work, urgent))
        if not _waiting_for_nobody(work, person_id, urgent, known):
            raise fault
    kept = None
    if fault is not None:
        work.record(
            action=Action.MEDICAL_WRITE,
            object_kind="medical",
            object_id=None if before is None else before.item.id,
            patient_id=patient.id,
            detail={"not_accepted": fault.code.value},
        )
        work.answer_with(fault)
    else:
        kept = write(
            work,
            book,
            section,
            before,
            page,
            patient_id=patient.id,
            entry=place.entry,
            unit=writing.unit,
            reason=writing.reason,
        )
        _record_written(work, kept)
    _raise(work, person_id, None if kept is None else kept.item.id, section.key, urgent, known)
    return kept


def opened(
    work: Work, action: Action, patient_id: UUID, *, changing: bool = True, heard: bool = False
) -> Opened:
    """The patient and the intake; locked for a change, so that what one unit saw another cannot have changed. `heard`: a
    form for a chart that was merged away is judged before it is refused (`write_form`).
    """
    patient, about = work.authorised(action, _loader(patient_id, changing=changing, heard=heard))
    return patient, about, gather(work, patient, about)


def one_opened(
    work: Work, action: Action, item_id: UUID, *, changing: bool = True, heard: bool = False
) -> tuple[StoredPatient, Facts, Gathered, Kept]:
    """The same for one item of it; refused when the caller may not use that item."""

    def load(work: Work) -> Loaded[tuple[StoredPatient, Facts]] | None:
        stage = records.stage_of(work.db, item_id)
        return None if stage is None else _loader(stage.patient_id, changing=changing, heard=heard)(work)

    patient, about = work.authorised(action, load)
    gathered = gather(work, patient, about)
    kept = gathered.one(item_id)
    if kept is None:
        refuse(work, action, patient.id, item_id)
    return patient, about, gathered, kept


def section_of(book: MedicalBook, key: str, *, patient: bool) -> Section:
    """The section, for staff any, for a patient one that asks them something."""
    section = book.find(key)
    if section is None or (patient and not section.takes_patient):
        raise NotFound(Code.NOT_FOUND, "There is no such section.")
    return section


def refuse(work: Work, action: Action, patient_id: UUID, item_id: UUID | None) -> NoReturn:
    """What the law keeps from this caller, or what is no longer there: refused, and recorded."""
    work.refuse(
        Refused(Code.NOT_PERMITTED, "This part of the intake may not be used for this purpose."),
        Denial(
            action=action,
            object_kind="medical",
            object_id=item_id,
            patient_id=patient_id,
            detail={"reason": "not_usable"},
        ),
    )


def record_read(work: Work, gathered: Gathered, shown: Iterable[Kept]) -> None:
    """One entry for what was shown, with the rules each item was opened under."""
    listed = tuple(shown)
    uses = [one.use for one in listed if one.use is not None]
    work.record(
        action=Action.MEDICAL_READ,
        object_kind="medical",
        object_id=None,
        patient_id=gathered.patient_id,
        basis=next((use.basis for use in uses), None),
        policies=sorted({name for use in uses for name in use.policies}),
        detail={
            "items": [str(one.item.id) for one in listed],
            "withheld": len(gathered.chart.withheld),
        },
    )


# -- inside


def _loader(
    patient_id: UUID, *, changing: bool, heard: bool
) -> Callable[[Work], Loaded[tuple[StoredPatient, Facts]] | None]:
    def load(work: Work) -> Loaded[tuple[StoredPatient, Facts]] | None:
        found = load_patient(work, patient_id, changing=changing)
        if found is None:
            return None
        decided_on = replace(found.facts, surviving=None) if heard else found.facts
        return Loaded((found.thing, found.facts), decided_on, "medical", None, patient_id=patient_id)

    return load


def _circumstances(work: Work, about: Facts, gathered: Gathered) -> Circumstances:
    program = work.program
    return Circumstances(
        now=work.now,
        today=gathered.chart.today,
        age=gathered.chart.age,
        # the same rule that lets somebody review lets them answer what only a clinician can
        clinician=work.permits(Action.MEDICAL_REVIEW, about),
        patient=work.caller.kind is CallerKind.PATIENT,
        names=(program.name, *(unit.name for unit in program.units.values())),
    )


def _missing(place: Place, page: Page, chart: Chart) -> tuple[str, ...]:
    if place.entry:
        return missing_in(place.form, page.sheet)
    return missing_of(place.section, chart)


def _fault(
    work: Work, missing: tuple[str, ...], faults: list[FieldError], urgent: tuple[Flag, ...], *, final: bool
) -> Invalid | None:
    """Why the form is not accepted, with the urgent findings, or a patient's own words about them."""
    shows = _shows(work, urgent)
    if faults:
        return Invalid(Code.MEDICAL_INVALID, "These answers cannot be kept like this.", faults, **shows)
    if final and missing:
        named = [
            FieldError(f"answers.{key}", "missing", "An answer, or why there is none.") for key in missing
        ]
        return Invalid(Code.MEDICAL_INCOMPLETE, "Answers are missing.", named, missing=list(missing), **shows)
    return None


def _shows(work: Work, urgent: tuple[Flag, ...]) -> dict[str, object]:
    """What goes along with a refusal."""
    if work.caller.kind is CallerKind.PATIENT:
        return {"own": own_to_json(seen_by_patient(work.access.safety, work.program, urgent, {}))}
    return {"flags": [flag_to_json(flag) for flag in urgent]}


def _waiting_for_nobody(
    work: Work, patient_id: UUID, urgent: tuple[Flag, ...], known: tuple[Flag, ...]
) -> tuple[Flag, ...]:
    """New findings that do not stand open yet."""
    new = [flag for flag in urgent if flag not in known]
    standing = {one.flag.code for one in open_flags(work, patient_id) if one.source is FlagSource.MEDICAL}
    return tuple(flag for flag in new if flag.code not in standing)


def _record_written(work: Work, kept: Kept) -> None:
    work.record(
        action=Action.MEDICAL_WRITE,
        object_kind="medical",
        object_id=kept.item.id,
        object_version=kept.item.version,
        patient_id=kept.item.patient_id,
        detail={"state": kept.item.state.value, "kind": kept.item.kind.value},
        payload=kept.item.content,
    )


def _raise(
    work: Work,
    patient_id: UUID,
    item_id: UUID | None,
    section: str,
    urgent: tuple[Flag, ...],
    known: tuple[Flag, ...],
) -> None:
    """Each finding waits for somebody once, whichever section it showed in."""
    new = _waiting_for_nobody(work, patient_id, urgent, known)
    if not new:
        return
    raise_flags(
        work,
        patient_id=patient_id,
        source=FlagSource.MEDICAL,
        subject_id=item_id,
        instrument=section,
        flags=new,
    )
