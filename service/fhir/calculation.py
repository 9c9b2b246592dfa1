"""Scoring as FHIRPath, generated from the instrument's own data: variables, and what total, scales and band are.

For whoever computes with an exported form (SDC `variable` and `calculatedExpression`). The rules are those of
`service/intake/scoring.py`; nothing is said here that the instrument's file does not say. FHIRPath's empty collection
plays the part of "open": its `and` and `or` are three-valued in the same way as our conditions, and a sum with an open
part is empty. A form whose answers contradict each other or are no answers is for the service to judge: neither can be
told from a coded answer alone.

Variables, for an item `phq9.1`: `codePhq9x1` what was answered, `askedPhq9x1` whether it is asked (only where that hangs
on something), `pointsPhq9x1` what it adds; `knownSex` what is known beside the answers; `partsTotal` the parts of a
scale that are known.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from service.fhir.form import askings, code_of
from service.fhir.vocabulary import ABSENT, ORDINAL_VALUE
from service.intake.conditions import (
    AllOf,
    AnyOf,
    BandCondition,
    Condition,
    ContextCondition,
    ExceedsCondition,
    ItemCondition,
    ScaleCondition,
)
from service.intake.context import ContextField, ContextKind
from service.intake.flags import Status
from service.intake.instrument import TOTAL, Band, Instrument, Item, Method, Option, Scale
from service.intake.scales import scales_of

_EMPTY = "{}"
_SUM = "aggregate($this + $total, 0)"
_MOST = "aggregate(iif($total.empty() or $this > $total, $this, $total))"


@dataclass(slots=True)
class Calculation:
    """The expressions of one instrument. `variables` in an order in which each knows those before it."""

    instrument: Instrument
    variables: dict[str, str] = field(default_factory=dict[str, str])
    asked_when: dict[str, str] = field(default_factory=dict[str, str])
    scales: dict[str, str] = field(default_factory=dict[str, str])
    band: str | None = None

    @staticmethod
    def of(instrument: Instrument) -> "Calculation":
        made = Calculation(instrument)
        made.variables["items"] = "%resource.repeat(item)"
        made.variables["options"] = "%questionnaire.repeat(item)"
        for one in instrument.context:
            made.variables[_name("known", one.key)] = _context(one)
        for item in instrument.items:
            made._item(item)
        made._status()
        made._scales()
        made._bands()
        return made

    # -- items --------------------------------------------------------------------------------------

    def _item(self, item: Item) -> None:
        self.variables[_name("code", item.key)] = _answered(item)
        if item.asked_when is not None:
            truth = self.truth(item.asked_when)
            self.asked_when[item.key] = truth
            self.variables[_name("asked", item.key)] = truth
        self.variables[_name("points", item.key)] = _or_else(
            f"%{_name('code', item.key)}.exists()", _points(item), self._if_skipped(item, "0")
        )

    def _if_skipped(self, item: Item, then: str) -> str:
        """`then` for an item that its own rule leaves out; open for any other. Not before its rule has been read."""
        asked = _name("asked", item.key)
        return f"iif(%{asked} = false, {then}, {_EMPTY})" if asked in self.variables else _EMPTY

    def _items(self) -> dict[str, Item]:
        return {item.key: item for item in self.instrument.items}

    # -- conditions ---------------------------------------------------------------------------------

    def truth(self, condition: Condition) -> str:
        """The condition as FHIRPath: true, false, or empty while it is open."""
        match condition:
            case ItemCondition():
                items = self._items()
                return _joined("or", [self._counts(condition, items[key]) for key in condition.any_of])
            case ScaleCondition():
                least, most = self._span(condition.scale)
                low = None if condition.at_least is None else _certain(least, most, ">=", condition.at_least)
                high = None if condition.at_most is None else _certain(most, least, "<=", condition.at_most)
                return _joined("and", [one for one in (low, high) if one is not None])
            case ExceedsCondition():
                (least, most), (low, high) = self._span(condition.scale), self._span(condition.above)
                return f"iif({least} > {high}, true, iif({most} <= {low}, false, {_EMPTY}))"
            case ContextCondition():
                known = f"%{_name('known', condition.key)}"
                held = f"({known}.exists() and {known}.toString() in {_listed(condition.values)})"
                return f"{held}.not()" if condition.negated else held
            case AllOf():
                return _joined("and", [self.truth(part) for part in condition.parts])
            case AnyOf():
                return _joined("or", [self.truth(part) for part in condition.parts])
            case BandCondition():
                raise ValueError("a band is known after everything else, so nothing of a form hangs on it")

    def _counts(self, condition: ItemCondition, item: Item) -> str:
        """One item of a condition. That an answer is none of the item's options cannot be said in codes."""
        answered = f"%{_name('code', item.key)}"
        within = _within(condition.at_least, condition.at_most)
        open_ = "true" if condition.unanswered else _EMPTY
        if item.asked_when is not None:
            skipped = "true" if within(0) else "false"
            open_ = _or_else(f"%{_name('asked', item.key)} = false", skipped, open_)
        refused = "true" if condition.declined else _EMPTY
        open_ = _or_else(_declined(item), refused, open_) if refused != open_ else open_
        return _or_else(f"{answered}.exists()", _chosen(item, within), open_)

    def _span(self, key: str) -> tuple[str, str]:
        """The least and the most a scale can still become."""
        scale, items = scales_of(self.instrument)[key], self._items()
        least: list[str] = []
        most: list[str] = []
        for place, item_key in enumerate(scale.items, start=1):
            amount = f"({self._amount(scale, place, items[item_key])})"
            possible = _possible(scale, place, items[item_key])
            least.append(f"iif({amount}.exists(), {amount}, {min(possible)})")
            most.append(f"iif({amount}.exists(), {amount}, {max(possible)})")
        if scale.method is Method.HIGHEST:
            return _combined(least) + f".{_MOST}", _combined(most) + f".{_MOST}"
        return f"({' + '.join(least)})", f"({' + '.join(most)})"

    # -- scales -------------------------------------------------------------------------------------

    def _amount(self, scale: Scale, place: int, item: Item) -> str:
        """What the item adds; empty while that is open."""
        match scale.method:
            case Method.SUM | Method.MEAN:
                return f"%{_name('points', item.key)}"
            case Method.COUNT:
                counts, worth = _chosen(item, _within(scale.count_from, None)), 1
            case Method.HIGHEST:
                lowest = min(value for value, _ in _values(item))
                counts, worth = _chosen(item, _within(lowest + 1, None)), place
        answered = f"%{_name('code', item.key)}.exists()"
        return _or_else(answered, f"iif({counts}, {worth}, 0)", self._if_skipped(item, "0"))

    def _status(self) -> None:
        """What became of the form; review and refusal are not to be told from codes."""
        items = [item for item in self.instrument.items if item.required]
        self.variables["missing"] = " + ".join(_missing(item) for item in items)
        outcome = f"'{Status.INCOMPLETE.value}'"
        prorating = self.instrument.scoring.prorating
        if prorating is not None:
            may = [f"%missing <= {prorating.max_missing}"]
            may += [f"({_missing(item)}) = 0" for item in items if item.key in prorating.never]
            outcome = f"iif({' and '.join(may)}, '{Status.PRORATED.value}', {outcome})"
        self.variables["status"] = f"iif(%missing = 0, '{Status.COMPLETE.value}', {outcome})"

    def _scales(self) -> None:
        items = self._items()
        for key, scale in scales_of(self.instrument).items():
            parts = [
                f"({self._amount(scale, place, items[one])})" for place, one in enumerate(scale.items, 1)
            ]
            known = _name("parts", key)
            self.variables[known] = _combined(parts)
            value = _value(scale, f"%{known}")
            if key == TOTAL:
                self.variables[TOTAL] = self._total(scale, f"%{known}", value)
                value = f"%{TOTAL}"
            self.scales[key] = value

    def _total(self, scale: Scale, known: str, value: str) -> str:
        estimate = _EMPTY
        if self.instrument.scoring.prorating is not None:
            whole = _half_up(f"({known}.{_SUM} * {len(scale.items)})", f"{known}.count()")
            estimate = f"iif(%status = '{Status.PRORATED.value}', {whole}, {_EMPTY})"
        return f"iif(%status = '{Status.COMPLETE.value}', {value}, {estimate})"

    # -- bands --------------------------------------------------------------------------------------

    def _bands(self) -> None:
        found = _EMPTY
        for one in reversed(self.instrument.scoring.band_sets):
            bands = self._band(one.bands)
            found = bands if one.when is None else f"iif({self.truth(one.when)}, {bands}, {found})"
        if found != _EMPTY:
            self.band = found

    def _band(self, bands: Sequence[Band]) -> str:
        """The first band that holds. One by condition waits for the form, unless it is kept."""
        found = _EMPTY
        settled = f"(%status != '{Status.INCOMPLETE.value}')"
        if self.instrument.scoring.total is not None:
            settled = f"%{TOTAL}.exists()"
        for band in reversed(bands):
            if band.by_total:
                holds = f"%{TOTAL} >= {band.first} and %{TOTAL} <= {band.last}"
                found = f"iif({holds}, '{band.key}', {found})"
                continue
            kept = band.kept and self.instrument.scoring.total is None
            key = f"'{band.key}'" if kept else f"iif({settled}, '{band.key}', {_EMPTY})"
            found = key if band.when is None else f"iif({self.truth(band.when)}, {key}, {found})"
        return found


# ---- pieces ------------------------------------------------------------------------------------------


def _name(kind: str, key: str) -> str:
    """A variable's name: FHIRPath takes no dot and FHIR no underscore."""
    plain = re.sub(r"[^A-Za-z0-9]", "x", key)
    return f"{kind}{plain[0].upper()}{plain[1:]}"


def _or_else(condition: str, then: str, otherwise: str) -> str:
    return f"iif({condition}, {then}, {otherwise})"


def _joined(word: str, parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else "(" + f" {word} ".join(parts) + ")"


def _listed(values: Iterable[str]) -> str:
    """Text literals as a collection; nothing is in an empty one."""
    quoted = ["'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'" for value in sorted(values)]
    return "(" + " | ".join(quoted) + ")" if quoted else _EMPTY


def _combined(parts: Sequence[str]) -> str:
    """All of them, equal ones too: a union would drop those."""
    return parts[0] + "".join(f".combine({part})" for part in parts[1:])


def _half_up(numerator: str, denominator: str) -> str:
    """A half upwards, in whole numbers: the same sum as `scales.half_up`."""
    return f"((2 * {numerator} + {denominator}) div (2 * {denominator}))"


def _certain(sure: str, possible: str, sign: str, limit: int) -> str:
    """True when even the worst end holds, false when not even the best does."""
    return f"iif({sure} {sign} {limit}, true, iif({possible} {sign} {limit}, {_EMPTY}, false))"


def _within(at_least: int | None, at_most: int | None) -> Callable[[int], bool]:
    def holds(value: int) -> bool:
        if at_least is None and at_most is None:
            return False
        return (at_least is None or value >= at_least) and (at_most is None or value <= at_most)

    return holds


def _of(item: Item) -> str:
    """The item in the response, by whichever link it was asked."""
    links = [way.link for way in askings(item)]
    return f"%items.where(linkId in {_listed(links)})" if len(links) > 1 else f"%items.where(linkId = '{links[0]}')"


def _answered(item: Item) -> str:
    """The codes answered, or what the measurement beside the item amounts to."""
    given = f"{_of(item)}.answer.valueCoding.code"
    if item.derived is None:
        return given
    measured = _name("known", item.derived.context)
    derived = _EMPTY
    for step in reversed(item.derived.steps):
        option = item.option(step.value)
        if option is None:
            raise ValueError("a step leads to an option of its item")
        code = f"'{code_of(item, option)}'"
        derived = code if step.up_to is None else f"iif(%{measured} <= {step.up_to}, {code}, {derived})"
    return f"iif({given}.exists(), {given}, iif(%{measured}.exists(), {derived}, {_EMPTY}))"


def _declined(item: Item) -> str:
    return f"{_of(item)}.extension.where(url = '{ABSENT}').exists()"


def _points(item: Item) -> str:
    """What the answer adds, as the Questionnaire says it."""
    answered = f"%{_name('code', item.key)}"
    if item.multiple:
        return f"{answered}.where({_code_in('$this', _counted(item))}).count()"
    asked = f"linkId = '{item.key}'"
    if item.variants:
        asked = f"linkId in {_of(item)}.where(answer.exists()).linkId"
    coding = f"%options.where({asked}).answerOption.valueCoding.where(code = {answered})"
    return f"{coding}.extension.where(url = '{ORDINAL_VALUE}').valueDecimal"


def _chosen(item: Item, within: Callable[[int], bool]) -> str:
    """Whether the answer's value is one of those; only for an item that has an answer."""
    answered = f"%{_name('code', item.key)}"
    if item.multiple:
        counted = _counted(item)
        numbers = [str(number) for number in range(len(counted) + 1) if within(number)]
        if not numbers:
            return "false"
        return f"{answered}.where({_code_in('$this', counted)}).count() in ({' | '.join(numbers)})"
    codes = {
        code_of(item, option)
        for option in _options(item)
        if isinstance(option.value, int) and within(option.value)
    }
    return _code_in(answered, codes)


def _code_in(what: str, codes: Iterable[str]) -> str:
    listed = sorted(codes)
    if not listed:
        return "false"
    return f"{what} = '{listed[0]}'" if len(listed) == 1 else f"{what} in {_listed(listed)}"


def _counted(item: Item) -> list[str]:
    """The codes of a multiple choice that count: all but those that stand alone."""
    return [code_of(item, option) for option in _options(item) if not option.exclusive]


def _options(item: Item) -> list[Option]:
    return [option for way in askings(item) for option in way.options]


def _values(item: Item) -> list[tuple[int, int]]:
    """Every value an answer can have, with its points."""
    if item.multiple:
        return [(number, number) for number in range(len(set(_counted(item))) + 1)]
    return [(one.value, one.points) for one in _options(item) if isinstance(one.value, int)]


def _possible(scale: Scale, place: int, item: Item) -> list[int]:
    """What an open item can still add."""
    lowest = min(value for value, _ in _values(item))
    match scale.method:
        case Method.SUM | Method.MEAN:
            return [points for _, points in _values(item)]
        case Method.COUNT:
            return [int(value >= scale.count_from) for value, _ in _values(item)]
        case Method.HIGHEST:
            return [place if value > lowest else 0 for value, _ in _values(item)]


def _missing(item: Item) -> str:
    """1 for an item that should have an answer and has none. One whose turn is open is not missing yet."""
    answered = f"%{_name('code', item.key)}.exists()"
    if item.declined_answers:
        answered = f"({answered} or {_declined(item)})"
    wanting = "1" if item.asked_when is None else f"iif(%{_name('asked', item.key)}, 1, 0)"
    return _or_else(answered, "0", wanting)


def _value(scale: Scale, known: str) -> str:
    """What the parts that are known amount to; nothing while too many are open."""
    match scale.method:
        case Method.HIGHEST:
            value = f"{known}.{_MOST}"
        case Method.MEAN:
            value = _half_up(f"({known}.{_SUM} * 100)", f"{known}.count()")
        case Method.SUM | Method.COUNT:
            value = f"{known}.{_SUM}"
    enough = max(1, len(scale.items) - scale.may_miss)
    return f"iif({known}.count() >= {enough}, {value}, {_EMPTY})"


def _context(one: ContextField) -> str:
    """What is known beside the answers, as text or number; the default where nothing acceptable is said."""
    answer = f"%items.where(linkId = 'context.{one.key}').answer"
    match one.kind:
        case ContextKind.CHOICE:
            known = f"{answer}.valueCoding.code"
        case ContextKind.TRUTH:
            known = f"{answer}.valueBoolean.select(iif($this, 'yes', 'no'))"
        case ContextKind.NUMBER:
            known = f"{answer}.valueInteger"
        case ContextKind.TIME:
            known = f"{answer}.valueString"
    if one.default is None:
        return known
    default = one.default if one.kind is ContextKind.NUMBER else f"'{one.default}'"
    return f"iif({known}.exists(), {known}, {default})"
