"""Scoring: answers in, result out. Pure, total over any input, and said once for every instrument.

The rules that hold for all instruments:

1. An answer is checked against its own item's list. Booleans, numeric strings, floats and NaN are not
   answers, although Python would let `True` pass for 1 and `2.0` for 2.
2. A bad form is refused whole, and an item that is itself in range still raises its flag: a refusal that
   swallowed a positive suicide item would be the worst thing this module could do.
3. Rounding is half up in integers. `round()` rounds 4.5 to 4 and would put a patient one band too low.
4. Nothing is dropped to make a form fit: answers that contradict the skip logic are for a person to resolve.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from service.intake.flags import OUT_OF_RANGE, SKIP_CONFLICT, Flag, ItemCondition, Reading, Status, Word
from service.intake.instrument import Instrument, Item, PatternScoring, Prorating, SumScoring
from service.labels import Label

#: The non-answer in positional forms, and in keyed ones. Each is an answer out of range in the other.
_DECLINED_IN_ORDER = "R"
_DECLINED_BY_KEY = "declined"


@dataclass(frozen=True, slots=True)
class Result:
    """What the answers amount to. Without a rule that gives one, `total` and `band` are None, never an
    estimate.

    `answered` counts required items that have an answer, `missing` names those that should have one and
    have not, `refused` those whose answer is not acceptable. `flags` are sorted by code.
    """

    status: Status
    total: int | None
    band: str | None
    subscores: Mapping[str, int]
    answered: int
    missing: tuple[str, ...]
    refused: tuple[str, ...]
    flags: tuple[Flag, ...]
    labels: frozenset[Label]
    rule_version: str


@dataclass(frozen=True, slots=True)
class _Form:
    """The answers as read: every item has a reading; `sound` is false when the form itself had the wrong
    items.
    """

    readings: Mapping[str, Reading]
    sound: bool


def score(instrument: Instrument, answers: object) -> Result:
    """Score answers given by item key (a mapping) or in item order (a sequence); anything else is a
    rejected form.
    """
    form = _read(instrument, answers)
    readings = form.readings
    refused = tuple(key for key, reading in readings.items() if reading is Word.OUT_OF_RANGE)
    missing = tuple(item.key for item in instrument.items if _is_missing(item, readings))
    conflicts = any(_contradicts(item, readings) for item in instrument.items)
    status = _status(
        instrument, rejected=bool(refused) or not form.sound, conflicts=conflicts, missing=missing
    )
    total = _total(instrument, readings, status)
    flags = [Flag.from_rule(rule) for rule in instrument.flags if rule.raised(readings, total, status)]
    if status is Status.REJECTED:
        flags.append(OUT_OF_RANGE)
    if conflicts:
        flags.append(SKIP_CONFLICT)
    return Result(
        status=status,
        total=total,
        band=_band(instrument, readings, total, status),
        subscores={},
        answered=sum(item.required and _is_answered(item, readings) for item in instrument.items),
        missing=missing,
        refused=refused,
        flags=tuple(sorted(flags, key=lambda flag: flag.code)),
        labels=instrument.labels,
        rule_version=instrument.rule_version,
    )


def _read(instrument: Instrument, answers: object) -> _Form:
    items = instrument.items
    if isinstance(answers, Mapping):
        given = cast("Mapping[object, object]", answers)
        readings = {item.key: _reading(item, given.get(item.key), _DECLINED_BY_KEY) for item in items}
        return _Form(readings, sound=given.keys() <= readings.keys())
    if isinstance(answers, Sequence) and not isinstance(answers, str | bytes | bytearray):
        in_order = cast("Sequence[object]", answers)
        fewest = max(number for number, item in enumerate(items, start=1) if item.required)
        padded = [*in_order, *([None] * len(items))]
        readings = {
            item.key: _reading(item, value, _DECLINED_IN_ORDER)
            for item, value in zip(items, padded, strict=False)
        }
        return _Form(readings, sound=fewest <= len(in_order) <= len(items))
    return _Form({item.key: Word.UNANSWERED for item in items}, sound=False)


def _reading(item: Item, value: object, declined: str) -> Reading:
    if value is None:
        return Word.UNANSWERED
    if type(value) is str:
        return Word.DECLINED if value == declined else Word.OUT_OF_RANGE
    # `type(...) is int`, because a bool is an instance of int and must not pass for 0 or 1
    if type(value) is int and item.allows(value):
        return value
    return Word.OUT_OF_RANGE


def _is_answered(item: Item, readings: Mapping[str, Reading]) -> bool:
    reading = readings[item.key]
    return isinstance(reading, int) or (reading is Word.DECLINED and item.declined_answers)


def _is_missing(item: Item, readings: Mapping[str, Reading]) -> bool:
    """Should have an answer and has none. An item whose turn is not yet known is not missing before those
    it hangs on.
    """
    if not item.required or _is_answered(item, readings) or readings[item.key] is Word.OUT_OF_RANGE:
        return False
    return item.asked_when is None or item.asked_when.holds(readings)


def _contradicts(item: Item, readings: Mapping[str, Reading]) -> bool:
    """Answered above zero, or refused, although the answers before it say that it is not asked."""
    condition = item.asked_when
    if condition is None or condition.holds(readings) or condition.undecided(readings):
        return False
    return ItemCondition((item.key,), at_least=1, declined=True).holds(readings)


def _status(instrument: Instrument, *, rejected: bool, conflicts: bool, missing: tuple[str, ...]) -> Status:
    if rejected:
        return Status.REJECTED
    if conflicts:
        return Status.NEEDS_REVIEW
    if not missing:
        return Status.COMPLETE
    match instrument.scoring:
        case SumScoring(prorating=Prorating() as prorating) if _may_prorate(prorating, missing):
            return Status.PRORATED
        case _:
            return Status.INCOMPLETE


def _may_prorate(prorating: Prorating, missing: tuple[str, ...]) -> bool:
    return len(missing) <= prorating.max_missing and prorating.never.isdisjoint(missing)


def _total(instrument: Instrument, readings: Mapping[str, Reading], status: Status) -> int | None:
    if not isinstance(instrument.scoring, SumScoring) or status not in (Status.COMPLETE, Status.PRORATED):
        return None
    scored = instrument.scored_items
    values = [reading for item in scored if isinstance(reading := readings[item.key], int)]
    if status is Status.COMPLETE:
        return sum(values)
    return half_up(sum(values) * len(scored), len(values))


def half_up(numerator: int, denominator: int) -> int:
    """`numerator / denominator` rounded to the nearest integer, a half upwards; both non-negative, no
    floats.
    """
    return (2 * numerator + denominator) // (2 * denominator)


def _band(
    instrument: Instrument, readings: Mapping[str, Reading], total: int | None, status: Status
) -> str | None:
    match instrument.scoring:
        case SumScoring(bands=bands):
            if total is None:
                return None
            return next(band.key for band in bands if band.first <= total <= band.last)
        case PatternScoring(bands=bands):
            # contradictory answers keep their band: it is never lowered while somebody works out what was
            # meant
            if status not in (Status.COMPLETE, Status.NEEDS_REVIEW):
                return None
            return next(band.key for band in bands if band.when is None or band.when.holds(readings))
