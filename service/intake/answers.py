"""A form as it arrived, read item by item: every item ends with a value from its own list, or with a word.

The rules that hold for all instruments:

1. An answer is checked against its own item's list. Booleans, numeric strings, floats and NaN are not
   answers, although Python would let `True` pass for 1 and `2.0` for 2.
2. What is known beside the answers (the context) counts only as far as the instrument declares it; anything
   else is as if it had not been given.
3. Skip rules are followed in the order of the items. A skipped item that was answered anyway keeps its
   answer: somebody has to find out what was meant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from service.intake.conditions import Reading, Situation, Span, Word
from service.intake.context import ContextField, ContextKind
from service.intake.instrument import Instrument, Item
from service.intake.scales import is_value, lowest, scales_of, span_of

#: The non-answer in positional forms, and in keyed ones. Each is an answer out of range in the other.
_DECLINED_IN_ORDER = "R"
_DECLINED_BY_KEY = "declined"
#: What a context says of a time that was asked for and that nobody can tell.
NOT_KNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Form:
    """The answers as read, by the items as they are in this context.

    `conflicts`: items answered although not asked. `mismatches`: items whose answer is not what the
    measurement beside it amounts to. `sound` is false when the form itself had the wrong items.
    """

    items: Mapping[str, Item]
    readings: Mapping[str, Reading]
    context: Mapping[str, str]
    conflicts: frozenset[str]
    mismatches: frozenset[str]
    sound: bool
    #: Context that says which form this is, in words the instrument has not: what the answers mean is not known.
    unread: tuple[str, ...] = ()


def read_form(instrument: Instrument, answers: object, context: object) -> Form:
    """Read answers given by item key (a mapping) or in item order (a sequence); anything else is unsound."""
    known = read_context(instrument, context)
    unread = _unread(instrument, context)
    items = {item.key: in_context(item, known) for item in instrument.items}
    raw, declined, sound = _by_key(instrument, answers)
    readings = {key: _reading(item, raw.get(key), declined) for key, item in items.items()}
    mismatches = _derive(items, readings, known)
    conflicts = _skip(instrument, items, readings, known)
    return Form(
        items, readings, known, frozenset(conflicts), frozenset(mismatches), sound and not unread, unread
    )


def read_context(instrument: Instrument, given: object) -> dict[str, str]:
    """What is known beside the answers, as text; a field without an acceptable value takes its default."""
    found: Mapping[object, object] = {}
    if isinstance(given, Mapping):
        found = cast("Mapping[object, object]", given)
    known: dict[str, str] = {}
    for field in instrument.context:
        value = _context_value(field, found.get(field.key))
        if value is None:
            value = field.default
        if value is not None:
            known[field.key] = value
    return known


def _unread(instrument: Instrument, given: object) -> tuple[str, ...]:
    """The fields that keep forms apart and were given as something else: the default would be another form."""
    found: Mapping[object, object] = (
        cast("Mapping[object, object]", given) if isinstance(given, Mapping) else {}
    )
    return tuple(
        field.key
        for field in instrument.context
        if field.separates
        and found.get(field.key) is not None
        and _context_value(field, found.get(field.key)) is None
    )


def _context_value(field: ContextField, value: object) -> str | None:
    match field.kind:
        case ContextKind.CHOICE:
            return value if type(value) is str and value in field.values else None
        case ContextKind.TRUTH:
            return ("yes" if value else "no") if type(value) is bool else None
        case ContextKind.NUMBER:
            return str(value) if type(value) is int and field.least <= value <= field.most else None
        case ContextKind.TIME:
            return value if type(value) is str and _is_time(value) else None


def _is_time(value: str) -> bool:
    """A day, an instant, or that nobody knows: said in a word, because silence may mean that nobody asked."""
    if value == NOT_KNOWN:
        return True
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def in_context(item: Item, context: Mapping[str, str]) -> Item:
    """The item as it is asked in this context: the first variant whose condition holds."""
    about = Situation({}, context, _no_span)
    for variant in item.variants:
        if variant.when.truth(about):
            return replace(
                item,
                text=variant.text or item.text,
                code=variant.code or item.code,
                options=variant.options or item.options,
            )
    return item


def _no_span(_: str) -> Span:
    return Span(0, 0)


def _by_key(instrument: Instrument, answers: object) -> tuple[Mapping[object, object], str, bool]:
    keys = [item.key for item in instrument.items]
    if isinstance(answers, Mapping):
        given = cast("Mapping[object, object]", answers)
        return given, _DECLINED_BY_KEY, given.keys() <= set(keys)
    if isinstance(answers, Sequence) and not isinstance(answers, str | bytes | bytearray):
        in_order = cast("Sequence[object]", answers)
        fewest = max(number for number, item in enumerate(instrument.items, start=1) if item.required)
        sound = fewest <= len(in_order) <= len(keys)
        return dict(zip(keys, in_order, strict=False)), _DECLINED_IN_ORDER, sound
    return {}, _DECLINED_BY_KEY, False


def _reading(item: Item, value: object, declined: str) -> Reading:
    if value is None:
        return Word.UNANSWERED
    if value == declined and type(value) is str:
        return Word.DECLINED
    if item.multiple:
        return _chosen(item, value)
    option = item.option(value)
    return option.value if option is not None and isinstance(option.value, int) else Word.OUT_OF_RANGE


def _chosen(item: Item, value: object) -> Reading:
    """A multiple choice: how many of the options that are not exclusive were chosen.

    Nothing chosen is nothing said, because there is an option for "none". An option twice, or an exclusive
    one beside another, is not an answer.
    """
    if not isinstance(value, list | tuple):
        return Word.OUT_OF_RANGE
    chosen = [item.option(one) for one in cast("Sequence[object]", value)]
    if not chosen:
        return Word.UNANSWERED
    found = [option for option in chosen if option is not None]
    exclusive = any(option.exclusive for option in found)
    if len(found) < len(chosen) or len(set(found)) < len(found) or (exclusive and len(found) > 1):
        return Word.OUT_OF_RANGE
    return 0 if exclusive else len(found)


def _derive(items: Mapping[str, Item], readings: dict[str, Reading], context: Mapping[str, str]) -> list[str]:
    """Fill in what a measurement in the context amounts to; the keys whose answer says something else."""
    mismatches: list[str] = []
    for key, item in items.items():
        if item.derived is None or item.derived.context not in context:
            continue
        value = item.derived.value_of(int(context[item.derived.context]))
        reading = readings[key]
        if reading in (Word.UNANSWERED, Word.DECLINED):
            readings[key] = value
        elif is_value(reading) and reading != value:
            mismatches.append(key)
    return mismatches


def _skip(
    instrument: Instrument,
    items: Mapping[str, Item],
    readings: dict[str, Reading],
    context: Mapping[str, str],
) -> list[str]:
    """Mark what the skip rules leave out; the keys answered although they are not asked.

    Answered means above the item's lowest value, or refused: a zero on a skipped item says the same as the
    skip.
    """
    conflicts: list[str] = []
    scales = scales_of(instrument)

    def span(key: str) -> Span:
        return span_of(scales[key], items, readings)

    for key, item in items.items():
        if item.asked_when is None or item.asked_when.truth(Situation(readings, context, span)) is not False:
            continue
        reading = readings[key]
        if reading is Word.UNANSWERED:
            readings[key] = Word.NOT_ASKED
        elif reading is Word.DECLINED or (is_value(reading) and reading > lowest(item)):
            conflicts.append(key)
    return conflicts
