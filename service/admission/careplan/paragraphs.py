"""The texts of a plan with their places, and those paragraphs of it that ought to be this person's alone (CP-20).

The overdose plan and whatever names things of the program (teams, sites, medicines) are meant to be the same for
everybody; so is a sentence that one of the program's own templates begins.
"""

import re
from collections.abc import Iterator
from typing import Any, Final, cast

from service.admission.careplan.book import CarePlanBook
from service.admission.careplan.content import Content
from service.admission.likeness.paragraph import Paragraph, form_of

_OF_THE_PERSON: Final = re.compile(
    r"problems\[\d+\]\.(statement|evidence\[\d+\]\.statement)"
    r"|goals\[\d+\]\.(own_words|objectives\[\d+\]\.(statement|milestones\[\d+\]\.statement))"
    r"|person\.((strengths|barriers|preferences)\[\d+\]\.text|culture)"
    r"|(safety\.flag_notes|gate_notes)\..+|transition\.reason|family_note|leaving\.criteria\[\d+\]"
)
#: A blank to fill in, as templates write it.
_BLANK: Final = re.compile(r"\{[^{}]*\}")


def paragraphs(content: Content, book: CarePlanBook) -> tuple[Paragraph, ...]:
    """What is compared with other plans: every paragraph of the person's own texts that is long enough to matter."""
    least = book.values["cloned_characters"]
    given = [_as_pattern(one.text) for one in book.templates.values()]
    return tuple(
        Paragraph(field, form)
        for field, text in texts(content)
        if _OF_THE_PERSON.fullmatch(field)
        for form in map(form_of, text.splitlines())
        if len(form) >= least and not any(one.fullmatch(form) for one in given)
    )


def texts(content: Content) -> Iterator[tuple[str, str]]:
    """Every text of a plan with its place."""
    yield from _texts("", content.model_dump())


def _as_pattern(template: str) -> re.Pattern[str]:
    """What a template becomes when its blanks are filled in."""
    parts = (re.escape(form_of(part)) for part in _BLANK.split(template))
    return re.compile(" ?.*? ?".join(parts))


def _texts(at: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, dict):
        for name, one in cast("dict[str, Any]", value).items():
            yield from _texts(f"{at}.{name}" if at else name, one)
    elif isinstance(value, tuple | list):
        for place, one in enumerate(cast("tuple[Any, ...]", value)):
            yield from _texts(f"{at}[{place}]", one)
