"""What is shown of the medical intake: a section with its answers, entries, what is missing and what must be read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from service.access.caller import CallerKind
from service.intake.flags import Flag
from service.intake.latest import latest
from service.intake.medical.answer import Sheet
from service.intake.medical.book import MedicalBook, Section
from service.intake.medical.chart import body_mass, teds_of
from service.intake.medical.completeness import missing_of
from service.intake.medical.kept import DIAGNOSES, Gathered, Kept, own_words
from service.intake.medical.urgent import Notice, notices
from service.intake.medical.withdrawal import Risk, risk_of
from service.intake.own import own_to_json, seen_by_patient
from service.work import Work


@dataclass(frozen=True, slots=True, repr=False)
class FormView:
    """One form as kept. `version` 0: not begun."""

    section: str
    item_id: UUID | None
    version: int
    state: str
    answers: Mapping[str, Any]
    labels: tuple[str, ...]
    derived: Mapping[str, Any]
    reason: str | None
    author_id: UUID | None
    changed_at: datetime | None
    reviewed_at: datetime | None
    reviewed_by: UUID | None


@dataclass(frozen=True, slots=True, repr=False)
class SectionView:
    """A section as this caller may see it. `own`: the words for a patient whose answers made somebody's task."""

    head: FormView
    entries: tuple[FormView, ...]
    missing: tuple[str, ...]
    notices: tuple[Notice, ...]
    flags: tuple[Flag, ...]
    own: Mapping[str, Any] | None
    withheld: bool


@dataclass(frozen=True, slots=True, repr=False)
class Overview:
    """The whole intake of a patient: how far each section is, and what follows from the answers."""

    sections: tuple[SectionView, ...]
    notices: tuple[Notice, ...]
    risk: Risk | None


def section_view(
    work: Work, book: MedicalBook, gathered: Gathered, section: Section, flags: tuple[Flag, ...] = ()
) -> SectionView:
    """`flags`: the urgent findings of the act that is being answered."""
    patient = work.caller.kind is CallerKind.PATIENT
    head = gathered.head(section.key)
    shown = (
        () if patient else tuple(one for one in notices(book, gathered.chart) if one.section == section.key)
    )
    return SectionView(
        head=form_view(section.key, head, patient=patient),
        entries=tuple(form_view(section.key, one, patient=patient) for one in gathered.entries(section.key)),
        missing=missing_of(section, gathered.chart),
        notices=shown,
        flags=() if patient else flags,
        own=own_to_json(seen_by_patient(work.access.safety, work.program, flags, {})) if patient else None,
        withheld=section.key in gathered.chart.withheld,
    )


def form_view(section: str, one: Kept | None, *, patient: bool) -> FormView:
    """A patient sees what they typed and nothing that was made of it."""
    if one is None:
        return FormView(section, None, 0, "not_begun", {}, (), {}, None, None, None, None, None)
    sheet = own_words(one.sheet) if patient else one.sheet
    return FormView(
        section=section,
        item_id=one.item.id,
        version=one.item.version,
        state=one.stage.state,
        answers=sheet.to_json() if section != DIAGNOSES else one.item.content,
        labels=() if patient else tuple(sorted(label.value for label in one.item.labels)),
        derived={} if patient else derived_of(one, sheet),
        reason=one.item.content.get("reason"),
        author_id=one.item.author_id,
        changed_at=one.item.changed_at,
        reviewed_at=one.stage.reviewed_at,
        reviewed_by=one.stage.reviewed_by,
    )


def derived_of(one: Kept, sheet: Sheet) -> dict[str, Any]:
    """What is computed and never asked: body mass, the TEDS category of the days of use."""
    mass = body_mass(sheet)
    if one.stage.section == "vitals":
        return {"body_mass": None if mass is None else str(mass)}
    if one.stage.section == "substances" and one.stage.is_entry:
        return {"teds_frequency": teds_of(one.page)}
    return {}


def overview_of(work: Work, book: MedicalBook, gathered: Gathered) -> Overview:
    """Every section the caller takes part in. The risk weighs scales of the last day: an older one says nothing now."""
    patient = work.caller.kind is CallerKind.PATIENT
    sections = [one for one in book.sections.values() if one.takes_patient or not patient]
    return Overview(
        sections=tuple(section_view(work, book, gathered, one) for one in sections),
        notices=() if patient else notices(book, gathered.chart),
        risk=None if patient else _risk(work, gathered),
    )


def _risk(work: Work, gathered: Gathered) -> Risk:
    scales = latest(work, gathered.patient_id)
    totals = {
        key: one.content.result["total"]
        for key, one in scales.items()
        if one.completed_at is not None and work.now - one.completed_at <= timedelta(hours=24)
    }
    return risk_of(gathered.chart, ciwa=totals.get("ciwa-ar"), cows=totals.get("cows"))
