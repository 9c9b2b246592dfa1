"""The medical intake as it is kept: each section's head and each entry a record item, gathered, written, shown.

For the operations of this folder, inside an act they have had authorised. Whether staff may use an item is decided for
each by itself (B20, 42 CFR 2.12(c)(3)); a patient sees their own words, because they are theirs (2.23).
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final
from uuid import UUID

from service.access.caller import CallerKind
from service.access.decision import Decision
from service.access.facts import Facts
from service.access.program import Regime
from service.errors import Code, FieldError, Invalid
from service.ids import new_id
from service.intake.medical import records
from service.intake.medical.answer import Sheet
from service.intake.medical.book import MedicalBook, Section, Source
from service.intake.medical.chart import Chart, Page, age_on
from service.intake.medical.labels import labels_of
from service.intake.medical.records import ENTRY, Stage
from service.intake.subject import decide_use
from service.labels import Label
from service.people.facts import program_day
from service.people.operations import open_demographics
from service.people.records import StoredPatient
from service.record import items
from service.record.item import Item, ItemState, NewItem
from service.record.records import StoredItem, settled_items
from service.work import Work

DIAGNOSES: Final = "diagnoses"


@dataclass(frozen=True, slots=True, repr=False)
class Kept:
    """One item of the intake, opened. `use`: the decision it was opened under; None for the patient's own."""

    stage: Stage
    stored: StoredItem
    item: Item
    use: Decision | None

    @property
    def sheet(self) -> Sheet:
        return Sheet.from_json(self.item.content.get("answers", {}))

    @property
    def page(self) -> Page:
        return Page(
            item_id=self.item.id,
            section=self.stage.section,
            sheet=self.sheet,
            final=self.stage.state == "current",
            severity=self.item.content.get("severity"),
        )


@dataclass(frozen=True, slots=True, repr=False)
class Gathered:
    """Everything of one patient's intake that this caller may use."""

    patient_id: UUID
    kept: tuple[Kept, ...]
    chart: Chart
    born: date | None

    def head(self, section: str) -> Kept | None:
        return next((one for one in self.kept if one.stage.place == section), None)

    def entries(self, section: str) -> tuple[Kept, ...]:
        return tuple(one for one in self.kept if one.stage.place == section + ENTRY)

    def one(self, item_id: UUID) -> Kept | None:
        return next((one for one in self.kept if one.item.id == item_id), None)


def gather(work: Work, patient: StoredPatient, about: Facts) -> Gathered:
    """Open what may be used; sections of which something is withheld are named in the chart."""
    stages = records.stages_of(work.db, patient.id)
    final = [one.item_id for one in stages if one.state == "current"]
    settled = {one.id: one for one in settled_items(work.db, patient.id, final)} if final else {}
    kept: list[Kept] = []
    withheld: set[str] = set()
    for stage in stages:
        stored = settled.get(stage.item_id) or items.find(work, stage.item_id, lock=False)
        use = None
        if stored is not None and work.caller.kind is not CallerKind.PATIENT:
            use = decide_use(work, stored, about)
        if stored is None or (use is not None and not use.permitted):
            withheld.add(stage.section)
            continue
        kept.append(Kept(stage, stored, items.opened(work, stored), use))
    born = _born(work, patient)
    today = program_day(work)
    chart = Chart(
        now=work.now,
        today=today,
        age=0 if born is None else age_on(born, today),
        heads={one.stage.section: one.page for one in kept if not one.stage.is_entry},
        entries=_by_section(kept),
        diagnoses=tuple(one.page for one in kept if one.stage.section == DIAGNOSES),
        withheld=frozenset(withheld),
    )
    return Gathered(patient.id, tuple(kept), chart, born)


def _born(work: Work, patient: StoredPatient) -> date | None:
    try:
        return date.fromisoformat(str(open_demographics(work, patient)["birth_date"]))
    except ValueError:
        return None


def _by_section(kept: list[Kept]) -> dict[str, tuple[Page, ...]]:
    found: dict[str, tuple[Page, ...]] = {}
    for one in kept:
        if one.stage.is_entry:
            section = one.stage.section
            found[section] = (*found.get(section, ()), one.page)
    return found


def write(
    work: Work,
    book: MedicalBook,
    section: Section,
    before: Kept | None,
    page: Page,
    *,
    patient_id: UUID,
    entry: bool,
    unit: str | None,
    reason: str | None,
) -> Kept:
    """Keep a form: a new item, or a new version of the one before with every label it already had."""
    form = section.entries if entry and section.entries else section.form
    labels = labels_of(book, section, form, page.sheet)
    content = {
        "section": section.key,
        "title": section.entry_title if entry else section.title,
        "entry": entry,
        "book": book.version,
        "answers": page.sheet.to_json(),
        "reason": reason,
    }
    if before is None:
        state = ItemState.FINAL if page.final else ItemState.DRAFT
        item = items.add(
            work,
            NewItem(
                id=page.item_id or new_id(work.now),
                patient_id=patient_id,
                kind=section.kind,
                unit=unit_for(work, unit),
                labels=labels,
                state=state,
                content=content,
            ),
        )
        return _staged(work, None, item, section.key + (ENTRY if entry else ""), final=page.final)
    item = change(work, before, content, labels | before.item.labels, final=page.final)
    return _staged(work, before, item, before.stage.place, final=page.final)


def change(
    work: Work, before: Kept, content: dict[str, Any], labels: frozenset[Label], *, final: bool
) -> Item:
    """A new version; what was final is then amended."""
    settled = before.item.state is not ItemState.DRAFT
    state = ItemState.AMENDED if settled else ItemState.FINAL if final else ItemState.DRAFT
    return items.change(
        work,
        before.stored,
        content=content,
        labels=labels,
        state=state,
        keep_former=state is not ItemState.DRAFT,
    )


def add_diagnosis(work: Work, new: NewItem) -> Kept:
    """A diagnosis is an item of its own, final at once."""
    return _staged(work, None, items.add(work, new), DIAGNOSES + ENTRY, final=True)


def settle(work: Work, before: Kept, item: Item) -> Kept:
    """A changed item is current again, and nobody has reviewed it as it is now."""
    return _staged(work, before, item, before.stage.place, final=True)


def _staged(work: Work, before: Kept | None, item: Item, place: str, *, final: bool) -> Kept:
    stage = Stage(item.id, item.patient_id, place, "current" if final else "draft")
    if before is None:
        records.add_stage(work.db, stage, work.caller.program_id, work.entry_id)
    else:
        records.move_stage(work.db, stage, work.entry_id)
    stored = items.find(work, item.id, lock=False)
    if stored is None:
        raise RuntimeError("an item just written is there")
    return Kept(stage, stored, item, None if before is None else before.use)


def remove(work: Work, before: Kept, reason: str) -> Item:
    """Entered in error: it stays readable, and nothing rests on it any more."""
    content = {**before.item.content, "reason": reason}
    item = items.change(work, before.stored, content=content, state=ItemState.ENTERED_IN_ERROR)
    records.move_stage(
        work.db, replace(before.stage, state="removed", reviewed_at=None, reviewed_by=None), work.entry_id
    )
    return item


def unit_for(work: Work, asked: str | None) -> str:
    """The unit an item belongs to. Not said: the caller's own, and of several one under Part 2, because a record must
    not lose its protection by being filed in a hurry. Staff file in units that are theirs.
    """
    units, staff = work.program.units, work.caller.kind is CallerKind.STAFF
    own = [unit for key, unit in units.items() if not staff or key in work.caller.units]
    if asked is not None:
        if asked not in {unit.key for unit in own}:
            raise Invalid(
                Code.ITEM_INVALID,
                "This cannot be filed there.",
                (FieldError("unit", "unknown", "Not a unit you work in."),),
            )
        return asked
    return min(own or list(units.values()), key=lambda unit: (unit.regime is not Regime.PART2, unit.key)).key


def own_words(sheet: Sheet) -> Sheet:
    """What a patient is shown of a form: what they typed."""
    return Sheet(
        {
            key: {Source.PATIENT: said[Source.PATIENT]}
            for key, said in sheet.answers.items()
            if Source.PATIENT in said
        }
    )
