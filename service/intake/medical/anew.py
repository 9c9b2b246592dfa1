"""Which urgent findings the intake showed already, when something more is said in it. Pure.

A finding is raised for what somebody says, not once for a patient: who repeats a threat after the first one was dealt
with has said something new, in the same word. While the earlier flag waits, it stands for both (`writing`).
"""

from collections.abc import Mapping, Set
from dataclasses import replace

from service.intake.flags import Flag
from service.intake.medical.answer import Given, Sheet
from service.intake.medical.book import MedicalBook, Source
from service.intake.medical.chart import Chart, Page
from service.intake.medical.urgent import findings


def known_already(
    book: MedicalBook, chart: Chart, page: Page, given: Mapping[str, Given], *, entry: bool
) -> tuple[Flag, ...]:
    """The findings of `chart` without those that are said again with `given`, of which `page` is the outcome: what these
    words show by themselves, and what would not show without them.
    """
    said = {(key, one.source) for key, one in given.items() if not one.withdrawn}
    here, rest = _kept(page, said, among=True), _kept(page, said, among=False)
    nothing = Chart(now=chart.now, today=chart.today, age=chart.age)
    anew = _codes(book, nothing.with_page(here, entry=entry))
    anew |= _codes(book, chart.with_page(page, entry=entry)) - _codes(
        book, chart.with_page(rest, entry=entry)
    )
    return tuple(flag for flag in findings(book, chart) if flag.code not in anew)


def _codes(book: MedicalBook, chart: Chart) -> set[str]:
    return {flag.code for flag in findings(book, chart)}


def _kept(page: Page, said: Set[tuple[str, Source]], *, among: bool) -> Page:
    """The page with the words that are among these, or with the others."""
    answers = {
        key: {source: one for source, one in words.items() if ((key, source) in said) is among}
        for key, words in page.sheet.answers.items()
    }
    return replace(page, sheet=Sheet({key: words for key, words in answers.items() if words}))
