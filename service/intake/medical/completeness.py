"""What is missing before a section, or the whole intake, can be closed; what entries say against each other. Pure."""

from collections.abc import Iterable

from service.errors import FieldError
from service.intake.medical.book import MedicalBook, Section
from service.intake.medical.chart import Chart, Page
from service.intake.medical.checks import missing_in
from service.intake.medical.withdrawal import recent_use

_RANKS_ONCE = ("primary", "secondary", "tertiary")


def missing_of(section: Section, chart: Chart) -> tuple[str, ...]:
    """Names of what has neither an answer nor a non-answer. Empty: the section can be closed."""
    if not required(section, chart):
        return ()
    head, rows = chart.head(section.key), chart.rows(section.key)
    missing = list(missing_in(section.form, head.sheet))
    if section.entries is not None:
        if rows and "none" in missing:
            missing.remove("none")
        if not rows and head.value("none") is False:
            missing.append("entries")
        for place, row in enumerate(rows):
            missing.extend(f"entries[{place}].{key}" for key in missing_in(section.entries, row.sheet))
        if section.key == "substances" and (used := chart.used()) and _primaries(used) != 1:
            missing.append("entries.rank.primary")
    return tuple(missing)


def required(section: Section, chart: Chart) -> bool:
    """Whether the section is asked of this patient. What nobody knows counts as asked."""
    return section.required_when != "recent_use" or recent_use(chart) is not False


def open_sections(book: MedicalBook, chart: Chart) -> dict[str, tuple[str, ...]]:
    """Sections that are not closed, with what is missing; `completion`: everything is there but nobody said so."""
    found: dict[str, tuple[str, ...]] = {}
    for key, section in book.sections.items():
        pages = [*([chart.heads[key]] if key in chart.heads else []), *chart.rows(key)]
        if missing := missing_of(section, chart):
            found[key] = missing
        elif any(not page.final for page in pages):
            found[key] = ("completion",)
    return found


def conflicts(section: Section, chart: Chart, page: Page, *, entry: bool) -> Iterable[FieldError]:
    """What the form, with everything else as it stands, cannot say. `chart` has the form in place."""
    if section.entries is None:
        return
    rows = chart.rows(section.key)
    if rows and chart.head(section.key).value("none") is True:
        yield FieldError(
            "answers.none", "none_and_entries", "There is nothing to list, and something is listed."
        )
    if not entry or section.key != "substances":
        return
    rank = page.value("rank")
    others = [one for one in rows if one is not page]
    if rank in _RANKS_ONCE and any(one.value("rank") == rank for one in others):
        yield FieldError("answers.rank", "taken", "Another substance has this rank.")
    since, first = page.value("regular_since"), page.value("first_age")
    if type(since) is int and type(first) is int and since < first:
        yield FieldError("answers.regular_since", "before_first", "Before the first use.")


def _primaries(used: tuple[Page, ...]) -> int:
    """With a rank that somebody said is not known, nobody can say which one it is: that counts as said."""
    if any(one.sheet.current("rank") is not None and one.value("rank") is None for one in used):
        return 1
    return sum(one.value("rank") == "primary" for one in used)
