"""What items add to a scale: certain amounts, the value of a scale that is closed, the span of one that is open.

A skipped item adds nothing and leaves nothing open. Rounding is half up in integers: `round()` rounds 4.5 to
4 and would put a patient one band too low.
"""

from collections.abc import Mapping
from typing import TypeGuard

from service.intake.conditions import Reading, Span, Word
from service.intake.instrument import TOTAL, Instrument, Item, Method, Scale


def is_value(reading: Reading) -> TypeGuard[int]:
    return isinstance(reading, int)


def lowest(item: Item) -> int:
    """The lowest value of the item's list; no option chosen, in a multiple choice."""
    return min(_values(item))


def scales_of(instrument: Instrument) -> dict[str, Scale]:
    """Every scale by its key, the total among them."""
    total = instrument.scoring.total
    scales = {scale.key: scale for scale in instrument.scoring.scales}
    return scales if total is None else {**scales, TOTAL: total}


def span_of(scale: Scale, items: Mapping[str, Item], readings: Mapping[str, Reading]) -> Span:
    """Where the scale must end, whatever the items still open are answered."""
    amounts = [_amounts(scale, place, items[key], readings[key]) for place, key in _places(scale)]
    least = [min(possible) for possible in amounts]
    most = [max(possible) for possible in amounts]
    return Span(max(least), max(most)) if scale.method is Method.HIGHEST else Span(sum(least), sum(most))


def value_of(scale: Scale, items: Mapping[str, Item], readings: Mapping[str, Reading]) -> int | None:
    """The scale's own value; None while too many of its items are open. The highest place is known from the
    first answer on, because it can only rise and must not be hidden until the form is finished.
    """
    known = amounts_of(scale, items, readings)
    if not known or len(scale.items) - len(known) > scale.may_miss:
        return None
    match scale.method:
        case Method.HIGHEST:
            return max(known)
        case Method.MEAN:
            return half_up(sum(known) * 100, len(known))
        case _:
            return sum(known)


def amounts_of(scale: Scale, items: Mapping[str, Item], readings: Mapping[str, Reading]) -> list[int]:
    """What the items that have an answer, or are skipped by rule, add; open ones are left out."""
    return [
        _amounts(scale, place, items[key], readings[key])[0]
        for place, key in _places(scale)
        if is_value(readings[key]) or readings[key] is Word.NOT_ASKED
    ]


def half_up(numerator: int, denominator: int) -> int:
    """`numerator / denominator` rounded to the nearest integer, a half upwards; both non-negative, no
    floats.
    """
    return (2 * numerator + denominator) // (2 * denominator)


def _places(scale: Scale) -> enumerate[str]:
    return enumerate(scale.items, start=1)


def _amounts(scale: Scale, place: int, item: Item, reading: Reading) -> list[int]:
    """What the item adds, or could still add."""
    if reading is Word.NOT_ASKED:
        return [0]
    values = [reading] if is_value(reading) else _values(item)
    match scale.method:
        case Method.SUM | Method.MEAN:
            return [_points(item, value) for value in values]
        case Method.COUNT:
            return [int(value >= scale.count_from) for value in values]
        case Method.HIGHEST:
            return [place if value > lowest(item) else 0 for value in values]


def _values(item: Item) -> list[int]:
    if item.multiple:
        return [0, sum(not option.exclusive for option in item.options)]
    return [option.value for option in item.options if isinstance(option.value, int)]


def _points(item: Item, value: int) -> int:
    if item.multiple:
        return value
    return next(option.points for option in item.options if option.value == value)
