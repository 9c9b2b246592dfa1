"""The medical intake as pages: every section with its state, a section's form, its entries, the reviewer's signature.

The pages send what somebody typed to the operations of the API and show what those say; nothing is judged here. They
need no script: `Save` saves, `Complete` says that it is all.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.access.actions import Action
from service.access.caller import CallerKind
from service.edge.context import state_of
from service.edge.forms import read_form
from service.edge.models import Uuid
from service.errors import Conflict, ConsentryError, Invalid
from service.intake.flags import Flag
from service.intake.medical import operations
from service.intake.medical.book import MedicalBook, Section
from service.intake.medical.reading import diagnoses_of
from service.intake.medical.views import FormView, Overview, SectionView
from service.intake.safety.flag import FlagSource
from service.intake.safety.raising import open_flags
from service.people.facts import patient_facts
from service.web import cookies
from service.web.heading import Heading, heading_of, staff_names, us_day
from service.web.medical_faults import missing_words
from service.web.medical_words import LABELS
from service.web.pages import (
    PageRoute,
    Viewer,
    go,
    once_key,
    perform_on_page,
    perform_once_on_page,
    render,
    viewer_of,
)
from service.work import Work

router = APIRouter(route_class=PageRoute, include_in_schema=False)

RISKS: Final = {
    "unknown": "Not known",
    "none": "None",
    "low": "Low",
    "moderate": "Moderate",
    "severe": "Severe",
}


@dataclass(frozen=True, slots=True, repr=False)
class SectionLine:
    """A section in the list: how far it is, what it lacks, who reviewed it."""

    section: Section
    state: str
    tag: str
    missing: tuple[tuple[str, str], ...]
    labels: tuple[str, ...]
    entries: int
    reviewed: str


@dataclass(frozen=True, slots=True, repr=False)
class DiagnosisLine:
    id: UUID
    words: str
    criteria: str


@dataclass(frozen=True, slots=True, repr=False)
class IntakePage:
    heading: Heading
    lines: tuple[SectionLine, ...]
    diagnoses: tuple[DiagnosisLine, ...]
    notices: tuple[tuple[str, str], ...]
    flags: tuple[Flag, ...]
    risk: str | None
    risk_facts: tuple[str, ...]
    may_review: bool
    may_diagnose: bool
    own: bool


@router.get("/patients/{patient_id}/medical")
async def intake_page(request: Request, patient_id: Uuid) -> Response:
    return await _overview(request, patient_id)


@router.post("/patients/{patient_id}/medical-review")
async def review(request: Request, patient_id: Uuid) -> Response:
    sent = await read_form(request)
    cookies.check_form(request, sent, cookies.SESSION)
    book = state_of(request).medical

    def create(work: Work) -> tuple[UUID, Overview]:
        return patient_id, operations.review(work, book, patient_id)

    def again(work: Work, made: UUID) -> Overview:
        return operations.review(work, book, made, replay=True)

    try:
        await perform_once_on_page(request, sent, create, again)
    except (Invalid, Conflict) as error:
        return await _overview(request, patient_id, 422, error=error)
    return go(f"/patients/{patient_id}/medical")


# -- inside -----------------------------------------------------------------------------------------------------------


async def _overview(
    request: Request, patient_id: UUID, status: int = 200, *, error: ConsentryError | None = None
) -> Response:
    book = state_of(request).medical

    def unit(work: Work) -> tuple[Viewer, IntakePage]:
        overview = operations.read_overview(work, book, patient_id)
        return viewer_of(request, work), _intake(work, book, patient_id, overview)

    viewer, page = await perform_on_page(request, unit)
    return render(
        "medical.html",
        status,
        viewer,
        page=page,
        error=error,
        missing=() if error is None else tuple(_where(book, error)),
        once=once_key(),
        label_words=LABELS,
    )


def _intake(work: Work, book: MedicalBook, patient_id: UUID, overview: Overview) -> IntakePage:
    own = work.caller.kind is CallerKind.PATIENT
    facts = patient_facts(work, patient_id)
    kept = [one for view in overview.sections for one in (view.head, *view.entries)]
    names = staff_names(work, (one.reviewed_by for one in kept))
    standing = () if own else diagnoses_of(work, patient_id)
    waiting = () if own else open_flags(work, patient_id)
    level = None if overview.risk is None else overview.risk.level
    return IntakePage(
        heading=heading_of(work, patient_id),
        lines=tuple(_line(work, book.sections[view.head.section], view, names) for view in overview.sections),
        diagnoses=tuple(
            DiagnosisLine(
                id=one.item_id,
                words=f"{one.code} {one.title}" + ("" if one.severity is None else f", {one.severity}"),
                criteria="" if one.remission is None else f"in {one.remission} remission",
            )
            for one in standing
        ),
        notices=tuple((one.section, one.text) for one in overview.notices),
        flags=tuple(one.flag for one in waiting if one.source is FlagSource.MEDICAL),
        risk=RISKS.get(level or "", "Not known") if overview.risk is not None else None,
        risk_facts=() if overview.risk is None else tuple(overview.risk.facts),
        may_review=facts is not None and work.permits(Action.MEDICAL_REVIEW, facts),
        may_diagnose=facts is not None and work.permits(Action.DIAGNOSIS_RECORD, facts),
        own=own,
    )


def _line(work: Work, section: Section, view: SectionView, names: Mapping[UUID, str]) -> SectionLine:
    kept = [one for one in (view.head, *view.entries) if one.item_id is not None]
    reviewed = [one for one in kept if one.reviewed_at is not None]
    whole = bool(kept) and len(reviewed) == len(kept)
    if view.withheld:
        state, tag = "Not open to you", "partial"
    elif whole:
        state, tag = "Reviewed", "done"
    elif view.missing:
        state, tag = ("Not begun" if not kept else "Answers missing"), "partial"
    elif any(one.state == "draft" for one in kept):
        state, tag = "To be completed", "partial"
    else:
        state, tag = ("Complete", "done") if kept else ("Nothing has to be asked", "not_started")
    last = max(reviewed, key=lambda one: one.reviewed_at or work.now, default=None)
    return SectionLine(
        section=section,
        state=state,
        tag=tag,
        missing=tuple(missing_words(section, name) for name in view.missing),
        labels=tuple(sorted({label for one in kept for label in one.labels})),
        entries=len(view.entries),
        reviewed=_reviewed(work, last, names) if whole else "",
    )


def _reviewed(work: Work, one: FormView | None, names: Mapping[UUID, str]) -> str:
    if one is None or one.reviewed_at is None or one.reviewed_by is None:
        return ""
    day = us_day(one.reviewed_at.astimezone(work.program.zone).date())
    return f"{names.get(one.reviewed_by, 'a reviewer')}, {day}"


def _where(book: MedicalBook, error: ConsentryError) -> Iterator[tuple[str, str]]:
    """What the reviewer's signature waits for, with the place to mend it."""
    for name in error.extra.get("missing", ()):  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType] -- a list of names
        key, _, rest = str(name).partition(".")  # pyright: ignore[reportUnknownArgumentType]
        section = book.find(key)
        if section is None:
            continue
        if rest == "completion":
            yield key, f"{section.title}: not completed yet"
        else:
            anchor, words = missing_words(section, rest)
            yield f"{key}#{anchor}", f"{section.title}: {words}"
