"""What the medical intake says about placement: one reading per fact, with where it comes from.

A fact that is not in the mapping is unknown. Unknown, declined and not asked never read as no.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from service.intake.medical.book import MedicalBook, Need
from service.intake.medical.chart import SEDATIVES, Chart, Page, months_before, teds_of
from service.intake.medical.checks import is_number, urgent_in
from service.intake.medical.withdrawal import history_of_seizure


@dataclass(frozen=True, slots=True, repr=False)
class FactReading:
    """A fact with its source item, its time, its author and the question it was read from.

    `item_id`, `recorded_at` and `author_id` are None for what comes from the patient's own entry (the birth date).
    """

    value: bool | int | str
    item_id: UUID | None
    recorded_at: datetime | None
    author_id: UUID | None
    field: str


#: Hours and days of somebody who never used, as a number that no cut-off reaches: a hundred years.
NEVER_HOURS: Final = 876_000
NEVER_DAYS: Final = NEVER_HOURS // 24
_SEVERITY: Final = ("none", "mild", "moderate", "severe")
_SEDATING: Final = ("alcohol", *SEDATIVES)


def facts_of(book: MedicalBook, chart: Chart, born: date | None) -> dict[str, FactReading]:
    """Every placement fact the intake gives, by name. What nobody said is not there."""
    found = dict(_told(book, chart))
    if born is not None:
        found["age"] = FactReading(chart.age, None, None, None, "patient.birth_date")
    for reading in (_history, _vitals, _use, _daily, _overdose, _severity, _failures, _pregnancy):
        found |= reading(book, chart)
    return found


def _told(book: MedicalBook, chart: Chart) -> Iterator[tuple[str, FactReading]]:
    """Facts that are an answer, or what the data reads an answer as."""
    for key, section in book.sections.items():
        for question in section.form.questions:
            if question.fact is None:
                continue
            value = chart.value(key, question.key)
            rule = question.fact
            read_as = rule.values.get(value) if rule.values else value
            reading = None if read_as is None else _reading(chart.head(key), question.key, read_as)
            if reading is not None:
                yield rule.name, reading


def _reading(page: Page, key: str, value: bool | int | str) -> FactReading:
    answer = page.sheet.current(key)
    return FactReading(
        value,
        page.item_id,
        None if answer is None else answer.at,
        None if answer is None else answer.by,
        f"{page.section}.{key}",
    )


def _pregnancy(book: MedicalBook, chart: Chart) -> dict[str, FactReading]:
    """Who says that it cannot be is not pregnant."""
    del book
    page = chart.head("pregnancy")
    impossible = page.value("could_be") is False and page.value("status") is None
    return {"pregnant": _reading(page, "could_be", value=False)} if impossible else {}


def _history(book: MedicalBook, chart: Chart) -> dict[str, FactReading]:
    del book
    page, known = chart.head("withdrawal_history"), history_of_seizure(chart)
    if known is None:
        return {}
    key = "delirium_ever" if page.value("delirium_ever") is True else "seizure_ever"
    return {"seizure_or_dt_history": _reading(page, key, known)}


def _vitals(book: MedicalBook, chart: Chart) -> dict[str, FactReading]:
    """Urgent when one is; not urgent only when all that are asked of everybody were taken."""
    page, form = chart.head("vitals"), book.sections["vitals"].form
    if urgent := urgent_in(form, page.sheet):
        return {"vitals_urgent": _reading(page, urgent[0], value=True)}
    asked = [one.key for one in form.questions if one.urgent and one.need is Need.REQUIRED]
    if asked and all(is_number(page.value(key)) for key in asked):
        return {"vitals_urgent": _reading(page, asked[0], value=False)}
    return {}


def _use(book: MedicalBook, chart: Chart) -> dict[str, FactReading]:
    """Hours since alcohol or a sedative, days since anything. With a last use unknown among them, none is the newest."""
    del book
    found: dict[str, FactReading] = {}
    for name, classes, unit, never in (
        ("last_use_h_alcohol_sedative", _SEDATING, 1, NEVER_HOURS),
        ("last_use_d_any", None, 24, NEVER_DAYS),
    ):
        rows, newest = chart.used(classes), chart.newest_use(classes)
        unknown = any(chart.hours_since(one) is None for one in rows)
        if newest is not None and (not unknown or newest[0] <= _SURELY_RECENT):
            found[name] = _reading(newest[1], "last_use", newest[0] // unit)
        elif not rows and chart.complete("substances"):
            found[name] = _reading(chart.head("substances"), "none", never)
    return found


#: Within three days: another use, unknown, could only be later still, and the rules ask no finer.
_SURELY_RECENT: Final = 72


def _daily(book: MedicalBook, chart: Chart) -> dict[str, FactReading]:
    del book
    found: dict[str, FactReading] = {}
    for name, wanted in (("benzo_daily", "benzodiazepine"), ("alcohol_daily", "alcohol")):
        page = chart.daily((wanted,))
        if page is not None:
            found[name] = _reading(page, "days_30", value=True)
        elif chart.complete("substances") and all(teds_of(one) is not None for one in chart.used((wanted,))):
            found[name] = _reading(chart.head("substances"), "none", value=False)
    return found


def _overdose(book: MedicalBook, chart: Chart) -> dict[str, FactReading]:
    """Days since the newest overdose known. That there was none is no number."""
    del book
    dated = [(one.value("last_overdose"), one) for one in chart.rows("substances")]
    known = [(day, page) for day, page in dated if isinstance(day, str)]
    if not known:
        return {}
    newest, page = max(known, key=lambda one: one[0])
    days = (chart.today - date.fromisoformat(newest)).days
    return {"overdose_days": _reading(page, "last_overdose", days)}


def _severity(book: MedicalBook, chart: Chart) -> dict[str, FactReading]:
    """The severest of the clinicians' diagnoses; none only when a clinician found none."""
    del book
    graded = [(_SEVERITY.index(one.severity), one) for one in chart.diagnoses if one.severity in _SEVERITY]
    if graded:
        rank, page = max(graded, key=lambda one: one[0])
        return {"sud_severity": _reading(page, "severity", _SEVERITY[rank])}
    page = chart.head("mental_status")
    if page.value("disorder_found") is False:
        return {"sud_severity": _reading(page, "disorder_found", value="none")}
    return {}


def _failures(book: MedicalBook, chart: Chart) -> dict[str, FactReading]:
    """Treatments that were left: outpatient within 12 months, intensive outpatient within 90 days."""
    del book
    found: dict[str, FactReading] = {}
    for name, level, since in (
        ("failed_level1_12m", "1", months_before(chart.today, 12)),
        ("failed_iop_90d", "2.1", chart.today - timedelta(days=90)),
    ):
        rows = chart.rows("treatment_episodes")
        left = [one for one in rows if _left(one, level, since)]
        doubtful = [one for one in rows if _may_be_left(one, level, since)]
        if left:
            found[name] = _reading(left[0], "completed", value=True)
        elif not doubtful and chart.complete("treatment_episodes"):
            found[name] = _reading(chart.head("treatment_episodes"), "none", value=False)
    return found


def _left(page: Page, level: str, since: date) -> bool:
    ended = page.value("until_on")
    lately = isinstance(ended, str) and ended >= since.isoformat()
    return page.value("level") == level and page.value("completed") is False and lately


def _may_be_left(page: Page, level: str, since: date) -> bool:
    """Nothing that is said rules out that it was one of these."""
    ended = page.value("until_on")
    early = isinstance(ended, str) and ended < since.isoformat()
    return page.value("level") in (level, None) and page.value("completed") is not True and not early
