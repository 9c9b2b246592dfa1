"""How an instrument's items stand in a Questionnaire: which link each has, and how each answer is coded.

An item that is asked otherwise in a context (another period, another coding) becomes one FHIR item for each way of
asking, of which one is enabled: the item's key is the link of the first, `<key>/<n>` that of its n-th variant. So every
renderer offers the right list, and an answer's code needs no second look at the context.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from service.fhir.vocabulary import LOINC, ORDINAL_VALUE, answers_of, extension
from service.intake.conditions import Condition, Situation, Span
from service.intake.instrument import Instrument, Item, Option


@dataclass(frozen=True, slots=True)
class Asking:
    """One way an item is asked; `when` None: where no variant's condition holds."""

    link: str
    text: str
    code: str | None
    options: tuple[Option, ...]
    when: Condition | None


def askings(item: Item) -> tuple[Asking, ...]:
    """All ways of asking the item, the item itself first."""
    return (
        Asking(item.key, item.text, item.code, item.options, None),
        *(
            Asking(
                f"{item.key}/{number}",
                variant.text or item.text,
                variant.code or item.code,
                variant.options or item.options,
                variant.when,
            )
            for number, variant in enumerate(item.variants, start=1)
        ),
    )


def asked(item: Item, context: Mapping[str, str]) -> Asking:
    """The way the item is asked in this context: the first variant whose condition holds, else the item itself."""
    about = Situation({}, context, _no_span)
    first, *variants = askings(item)
    return next((one for one in variants if one.when is not None and one.when.truth(about)), first)


def code_of(item: Item, option: Option) -> str:
    """The code of an answer: LOINC's where the file has one, else the value itself.

    A LOINC code that stands for two values of one item would not tell which was chosen, and is not used.
    """
    values = {one.value for way in askings(item) for one in way.options if one.code == option.code}
    return option.code if option.code is not None and len(values) == 1 else str(option.value)


def coding_of(instrument: Instrument, item: Item, option: Option) -> dict[str, Any]:
    code = code_of(item, option)
    return {
        "system": LOINC if code == option.code else answers_of(instrument.key),
        "code": code,
        "display": option.label,
    }


def scored_coding_of(instrument: Instrument, item: Item, option: Option) -> dict[str, Any]:
    """The coding with what the answer adds to a score."""
    coding = coding_of(instrument, item, option)
    if item.multiple:
        return coding
    return {"extension": [extension(ORDINAL_VALUE, "Decimal", option.points)], **coding}


def sections(instrument: Instrument) -> Iterator[tuple[str | None, str, list[Item]]]:
    """Heading (None: none), link of the group, and the items that stand together, in the form's order."""
    grouped = groupby(instrument.items, key=lambda item: item.section)
    for number, (heading, items) in enumerate(grouped, start=1):
        yield heading, f"section.{number}", list(items)


def is_coded(instrument: Instrument) -> bool:
    """True when a LOINC code is anywhere in the instrument: then LOINC's notice has to go along."""
    ways = [way for item in instrument.items for way in askings(item)]
    return any(
        code is not None
        for code in (
            instrument.panel_code,
            instrument.total_code,
            *(way.code for way in ways),
            *(option.code for way in ways for option in way.options),
        )
    )


def _no_span(_: str) -> Span:
    return Span(0, 0)
