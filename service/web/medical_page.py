"""One form of the medical intake as a page: a section's head or an entry of its list, with everything said about it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from fastapi import Request, Response

from service.access.actions import Action
from service.access.caller import CallerKind
from service.edge.context import state_of
from service.errors import Code, ConsentryError, NotFound, Stale
from service.intake.flags import Flag
from service.intake.medical import operations
from service.intake.medical.answer import Sheet
from service.intake.medical.book import Form, MedicalBook, Section
from service.intake.medical.views import FormView, SectionView
from service.intake.safety.flag import FlagSource
from service.intake.safety.raising import open_flags
from service.people.facts import patient_facts
from service.web import medical_fields as fields
from service.web.heading import Heading, heading_of, staff_names, us_day
from service.web.medical_carried import kept_fields, version_in
from service.web.medical_faults import fault_at, faults_of, listed_faults, missing_words
from service.web.medical_sent import CHOICE, Difference, differences, fields_of, given_in
from service.web.medical_words import LABELS, in_words
from service.web.pages import Viewer, once_key, perform_on_page, render, viewer_of
from service.work import Work

#: More fields than any section has, with a choice each.
MOST_FIELDS: Final = 250
#: Longest value of a text question, as the intake takes it.
LONGEST: Final = 2000


@dataclass(frozen=True, slots=True, repr=False)
class Row:
    """An entry of a list in a line."""

    id: UUID
    words: str
    state: str
    missing: int
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Page:
    """What the template needs. `one` is the form, `entry` whether it is one of a list's entries."""

    heading: Heading
    section: Section
    one: FormView
    entry: bool
    path: str
    fields: tuple[fields.Shown, ...]
    before: str
    missing: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]
    notices: tuple[str, ...]
    flags: tuple[Flag, ...]
    withheld: bool
    changed: str
    reviewed: str
    may_raise: bool
    own: bool

    @property
    def title(self) -> str:
        return self.section.entry_title if self.entry else self.section.title

    @property
    def measures(self) -> bool:
        """Some of it is measured: then it is said whether it was, here."""
        return not self.own and any(one.type == "quantity" for one in self.fields)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a form stands. `item_id` None: the head of the section, or (`entry`) an entry that is not there yet."""

    patient_id: UUID
    key: str
    entry: bool = False
    item_id: UUID | None = None

    @property
    def section_path(self) -> str:
        return f"/patients/{self.patient_id}/medical/{self.key}"

    @property
    def path(self) -> str:
        return f"{self.section_path}/{self.item_id or 'new'}" if self.entry else self.section_path


def form_of(book: MedicalBook, place: Place) -> tuple[Section, Form]:
    """The section and the form asked there; NotFound where there is none."""
    section = book.find(place.key)
    form = None if section is None else section.entries if place.entry else section.form
    if section is None or form is None:
        raise NotFound(Code.NOT_FOUND, "There is no such section.")
    return section, form


async def show(
    request: Request,
    place: Place,
    status: int = 200,
    *,
    sent: Mapping[str, str] | None = None,
    error: ConsentryError | None = None,
    raised: tuple[Flag, ...] = (),
    help_words: Mapping[str, Any] | None = None,
) -> Response:
    """The form. With `sent` what was typed stands in it, with the faults of `error` beside the fields."""
    book = state_of(request).medical
    _, form = form_of(book, place)

    def unit(work: Work) -> tuple[Viewer, Page]:
        view = operations.read_section(work, book, place.patient_id, place.key)
        return viewer_of(request, work), _page(work, book, place, view, sent, error, raised)

    viewer, page = await perform_on_page(request, unit)
    told: Mapping[str, Any] = {} if error is None else error.extra
    return render(
        "medical_form.html",
        status,
        viewer,
        page=page,
        place=place,
        error=error,
        listed=listed_faults(page.section, form, {one.key: one.label for one in page.fields}, error),
        urgent=_urgent(page, told.get("flags", ())),
        own_help=help_words or told.get("own"),
        version=page.one.version if sent is None else version_in(sent),
        reason="" if sent is None else sent.get("reason", ""),
        source="measured" if sent is None else sent.get("source", "measured"),
        reason_fault=fault_at(error, "reason"),
        once=once_key(),
        longest=LONGEST,
        label_words=LABELS,
    )


async def compare(
    request: Request,
    place: Place,
    sent: Mapping[str, str],
    stale: Stale | None = None,
    *,
    again: bool = False,
) -> Response:
    """Both versions side by side: what was typed here is not saved, and nothing of it is lost."""
    book = state_of(request).medical
    _, form = form_of(book, place)

    def unit(work: Work) -> tuple[Viewer, Page, tuple[Difference, ...]]:
        view = operations.read_section(work, book, place.patient_id, place.key)
        page = _page(work, book, place, view, None, None, ())
        given = given_in(form, sent, kept_fields(sent), work.program.zone, own=page.own)
        sheet = _sheet(page.one)
        found = differences(form, given, kept_fields(sent), sheet, work.program.zone, own=page.own)
        return viewer_of(request, work), page, found

    viewer, page, found = await perform_on_page(request, unit)
    carried = {
        name: text
        for name, text in sent.items()
        if name not in ("form_token", "version", "act", "once", "asked") and not name.startswith(CHOICE)
    }
    return render(
        "medical_both.html",
        422 if again else 409,
        viewer,
        page=page,
        again=again,
        differences=found,
        carried=carried,
        urgent=_urgent(page, () if stale is None else stale.extra.get("flags", ())),
    )


# -- inside -----------------------------------------------------------------------------------------------------------


def _page(
    work: Work,
    book: MedicalBook,
    place: Place,
    view: SectionView,
    sent: Mapping[str, str] | None,
    error: ConsentryError | None,
    raised: tuple[Flag, ...],
) -> Page:
    section, form = form_of(book, place)
    zone, own = work.program.zone, work.caller.kind is CallerKind.PATIENT
    one = _one(view, place)
    sheet = _sheet(one)
    kept = fields_of(form, sheet, zone, own=own)
    facts = patient_facts(work, place.patient_id)
    names = staff_names(work, (one.author_id, one.reviewed_by))
    waiting = () if own else open_flags(work, place.patient_id)
    shown_flags = {
        each.flag.code: each.flag
        for each in waiting
        if each.source is FlagSource.MEDICAL and each.instrument == place.key
    }
    faults = faults_of(form, error)
    return Page(
        heading=heading_of(work, place.patient_id),
        section=section,
        one=one,
        entry=place.entry,
        path=place.path,
        fields=fields.shown_in(form, sheet, kept if sent is None else sent, faults, zone, own=own),
        before=json.dumps(kept) if sent is None else sent.get("before", "{}"),
        missing=tuple(missing_words(section, name) for name in view.missing),
        rows=() if place.entry else tuple(_rows(work, section, view)),
        notices=tuple(notice.text for notice in view.notices),
        flags=tuple({**shown_flags, **{flag.code: flag for flag in raised}}.values()),
        withheld=view.withheld,
        changed=_stamp(work, one.changed_at, None if one.author_id is None else names.get(one.author_id)),
        reviewed=_stamp(
            work, one.reviewed_at, None if one.reviewed_by is None else names.get(one.reviewed_by)
        ),
        may_raise=facts is not None and work.permits(Action.LABEL_RAISE, facts),
        own=own,
    )


def _one(view: SectionView, place: Place) -> FormView:
    if not place.entry:
        return view.head
    if place.item_id is None:
        return FormView(place.key, None, 0, "not_begun", {}, (), {}, None, None, None, None, None)
    found = next((one for one in view.entries if one.item_id == place.item_id), None)
    if found is None:
        raise NotFound(Code.NOT_FOUND, "There is no such entry.")
    return found


def _sheet(one: FormView) -> Sheet:
    return Sheet.from_json(one.answers)


def _rows(work: Work, section: Section, view: SectionView) -> Iterator[Row]:
    if section.entries is None:
        return
    for number, one in enumerate(view.entries):
        sheet = _sheet(one)
        said = [
            in_words(question, answer.value, answer.absent, work.program.zone)
            for question in section.entries.questions
            if (answer := sheet.current(question.key)) is not None
        ]
        if one.item_id is not None:
            missing = sum(name.startswith(f"entries[{number}].") for name in view.missing)
            yield Row(one.item_id, ", ".join(said[:3]) or section.entry_title, one.state, missing, one.labels)


def _stamp(work: Work, at: Any, name: str | None) -> str:
    if at is None:
        return ""
    there = at.astimezone(work.program.zone)
    return f"{us_day(there.date())}, {there:%H:%M}" + ("" if name is None else f", by {name}")


def _urgent(page: Page, told: Any) -> tuple[tuple[str, str, str], ...]:
    """Urgent findings, those of the act that was refused among them: (severity, message, next step)."""
    found = {flag.code: (flag.severity.value, flag.message, flag.next_step) for flag in page.flags}
    for flag in told:
        found.setdefault(flag["code"], (flag["severity"], flag["message"], flag["next_step"]))
    return tuple(found.values())
