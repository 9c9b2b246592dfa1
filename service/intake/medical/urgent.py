"""Urgent findings and notices: what somebody must act on at once, and what somebody must read. Pure.

An urgent finding is found in any word of any source, and in a form that is refused for something else: what may be
danger is not weighed against what is missing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from service.intake.flags import Flag
from service.intake.medical.answer import matches
from service.intake.medical.book import Form, MedicalBook
from service.intake.medical.chart import SEDATIVES, WITHDRAWING, Chart, Page, body_mass, months_before
from service.intake.medical.checks import urgent_in
from service.intake.medical.labels import groups_of, unknown_ingredients
from service.intake.medical.withdrawal import WEEK, risk_of

_LEAN: Final = Decimal("17.5")


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to be read with a section; `item` None: about the section as a whole."""

    code: str
    section: str
    text: str


def findings(book: MedicalBook, chart: Chart) -> tuple[Flag, ...]:
    """The urgent findings of everything that is known."""
    codes: list[str] = []
    vitals = book.sections["vitals"]
    if urgent_in(vitals.form, chart.head("vitals").sheet):
        codes.append("vitals_urgent")
    said = [answer.value for key, answer in chart.head("pregnancy").sheet if key == "status"]
    if "pregnant" in said and chart.recent(WITHDRAWING, WEEK):
        codes.append("pregnancy_with_use")
    risk = risk_of(chart).level
    if risk in ("moderate", "severe"):
        codes.append(f"withdrawal_risk_{risk}")
    if _attempted_lately(chart):
        codes.append("recent_suicide_attempt")
    if any(
        key == "homicidal_intent" and answer.value is True for key, answer in chart.head("psychiatric").sheet
    ):
        codes.append("homicidal_intent")
    return tuple(book.urgent[code] for code in codes if code in book.urgent)


def _attempted_lately(chart: Chart) -> bool:
    """A suicide attempt within three months, in anybody's words."""
    since = months_before(chart.today, 3).isoformat()
    return any(
        key == "last_attempt" and isinstance(answer.value, str) and answer.value >= since
        for key, answer in chart.head("psychiatric").sheet
    )


def complex_withdrawal(book: MedicalBook, chart: Chart) -> bool:
    """A benzodiazepine together with an opioid, or daily together with daily alcohol."""
    groups = {
        group
        for one in chart.rows("medicines")
        if one.value("status") != "stopped"
        for group in groups_of(book, one.sheet)
    }
    sedative = "benzodiazepine" in groups or bool(chart.used_now(SEDATIVES))
    opioid = "opioid" in groups or bool(chart.used_now(("opioid",)))
    daily = chart.daily(("benzodiazepine",)) is not None and chart.daily(("alcohol",)) is not None
    return daily or (sedative and opioid)


def notices(book: MedicalBook, chart: Chart) -> tuple[Notice, ...]:
    """Everything to be read with the intake as it stands, each once."""
    found: list[Notice] = []
    for key, section in book.sections.items():
        found.extend(_of_form(section.form, chart.head(key)))
        for page in chart.rows(key):
            if section.entries:
                found.extend(_of_form(section.entries, page))
    mass = body_mass(chart.head("vitals").sheet)
    if mass is not None and mass < _LEAN:
        found.append(Notice("low_body_mass", "vitals", "Very low body mass: ask about eating."))
    if any(unknown_ingredients(book, one.sheet) for one in chart.rows("medicines")):
        unlabelled = "A medicine's ingredient is not in the table: somebody has to label it."
        found.append(Notice("ingredient_unknown", "medicines", unlabelled))
    if duplicates(chart.rows("medicines")):
        found.append(Notice("duplicate_medicine", "medicines", "The same medicine is listed as taken twice."))
    if complex_withdrawal(book, chart):
        both = "Benzodiazepines with opioids or alcohol: withdrawal is planned by a physician."
        found.append(Notice("complex_withdrawal", "substances", both))
    return tuple(dict.fromkeys(found))


def _of_form(form: Form, page: Page) -> Iterable[Notice]:
    for question in form.questions:
        for one in question.consequences:
            value = page.value(question.key)
            if one.notice and one.text and value is not None and matches(value, one.values):
                yield Notice(one.notice, page.section, one.text)


def duplicates(medicines: Iterable[Page]) -> bool:
    """Two entries of the same ingredient and strength, both taken now."""
    seen: set[tuple[str, str]] = set()
    for one in medicines:
        if one.value("status") != "active":
            continue
        same = tuple(" ".join(str(one.value(key)).lower().split()) for key in ("ingredient", "strength"))
        if same in seen:
            return True
        seen.add((same[0], same[1]))
    return False


def last_day(value: object) -> date | None:
    """A date answered, or None."""
    return date.fromisoformat(value) if isinstance(value, str) else None
