"""Scoring as FHIRPath, generated from the instrument's own data: variables, and what total, scales and band are.

For whoever computes with an exported form (SDC `variable` and `calculatedExpression`). The rules are those of
`service/intake/scoring.py`; nothing is said here that the instrument's file does not say. FHIRPath's empty collection
plays the part of "open": its `and` and `or` are three-valued in the same way as our conditions, and a sum with an open
part is empty. A form whose answers contradict each other or are no answers is for the service to judge: neither can be
told from a coded answer alone.

Variables, for an item `phq9.1`: `codePhq9x1` what was answered, `askedPhq9x1` whether it is asked (only where that hangs
on something), `linkPhq9x1` how (only where there are several ways), `pointsPhq9x1` what it adds; `knownSex` what is
known beside the answers; `partsTotal` the parts of a scale that are known.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from service.fhir.fhirpath import (
    EMPTY,
    MOST,
    SUM,
    answered,
    certain,
    chosen,
    combined,
    declined,
    half_up,
    in_response,
    joined,
    known_beside,
    listed,
    missing,
    name_of,
    or_else,
    points_of,
    possible,
    value_of,
    values_of,
    within,
)
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
from service.intake.flags import Status
from service.intake.instrument import TOTAL, Band, Instrument, Item, Method, Scale
from service.intake.scales import scales_of


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
            made.variables[name_of("known", one.key)] = known_beside(one)
        for item in instrument.items:
            made._answer(item)
        for item in instrument.items:
            made._item(item)
        made._status()
        made._scales()
        made._bands()
        return made

    # -- items --------------------------------------------------------------------------------------

    def _answer(self, item: Item) -> None:
        if item.variants:
            self.variables[name_of("link", item.key)] = f"{in_response(item)}.where(answer.exists()).linkId"
        self.variables[name_of("code", item.key)] = answered(item)

    def _item(self, item: Item) -> None:
        if item.asked_when is not None:
            truth = self.truth(item.asked_when)
            self.asked_when[item.key] = truth
            self.variables[name_of("asked", item.key)] = truth
        self.variables[name_of("points", item.key)] = self._points(item)

    def _points(self, item: Item) -> str:
        has_answer = f"%{name_of('code', item.key)}.exists()"
        return or_else(has_answer, points_of(item), self._if_skipped(item, "0"))

    def _if_skipped(self, item: Item, then: str) -> str:
        """`then` for an item that its own rule leaves out; open for any other. Not before its rule has been read."""
        asked = name_of("asked", item.key)
        return f"iif(%{asked} = false, {then}, {EMPTY})" if asked in self.variables else EMPTY

    def _items(self) -> dict[str, Item]:
        return {item.key: item for item in self.instrument.items}

    # -- conditions ---------------------------------------------------------------------------------

    def truth(self, condition: Condition) -> str:
        """The condition as FHIRPath: true, false, or empty while it is open."""
        match condition:
            case ItemCondition():
                items = self._items()
                return joined("or", [self._counts(condition, items[key]) for key in condition.any_of])
            case ScaleCondition():
                least, most = self._span(condition.scale)
                low = None if condition.at_least is None else certain(least, most, ">=", condition.at_least)
                high = None if condition.at_most is None else certain(most, least, "<=", condition.at_most)
                return joined("and", [one for one in (low, high) if one is not None])
            case ExceedsCondition():
                (least, most), (low, high) = self._span(condition.scale), self._span(condition.above)
                return f"iif({least} > {high}, true, iif({most} <= {low}, false, {EMPTY}))"
            case ContextCondition():
                known = f"%{name_of('known', condition.key)}"
                held = f"({known}.exists() and {known}.toString() in {listed(condition.values)})"
                return f"{held}.not()" if condition.negated else held
            case AllOf():
                return joined("and", [self.truth(part) for part in condition.parts])
            case AnyOf():
                return joined("or", [self.truth(part) for part in condition.parts])
            case BandCondition():
                raise ValueError("a band is known after everything else, so nothing of a form hangs on it")

    def _counts(self, condition: ItemCondition, item: Item) -> str:
        """One item of a condition. That an answer is none of the item's options cannot be said in codes."""
        holds = within(condition.at_least, condition.at_most)
        open_ = "true" if condition.unanswered else EMPTY
        asked = name_of("asked", item.key)
        if asked in self.variables:
            open_ = or_else(f"%{asked} = false", "true" if holds(0) else "false", open_)
        refused = "true" if condition.declined else EMPTY
        open_ = or_else(declined(item), refused, open_) if refused != open_ else open_
        return or_else(f"%{name_of('code', item.key)}.exists()", chosen(item, holds), open_)

    def _span(self, key: str) -> tuple[str, str]:
        """The least and the most a scale can still become."""
        scale, items = scales_of(self.instrument)[key], self._items()
        least: list[str] = []
        most: list[str] = []
        for place, item_key in enumerate(scale.items, start=1):
            amount = f"({self._amount(scale, place, items[item_key])})"
            amounts = possible(scale, place, items[item_key])
            least.append(f"iif({amount}.exists(), {amount}, {min(amounts)})")
            most.append(f"iif({amount}.exists(), {amount}, {max(amounts)})")
        if scale.method is Method.HIGHEST:
            return combined(least) + f".{MOST}", combined(most) + f".{MOST}"
        return f"({' + '.join(least)})", f"({' + '.join(most)})"

    # -- scales -------------------------------------------------------------------------------------

    def _amount(self, scale: Scale, place: int, item: Item) -> str:
        """What the item adds; empty while that is open."""
        match scale.method:
            case Method.SUM | Method.MEAN:
                points = name_of("points", item.key)
                # a rule about a sum that the item itself is part of: its answer counts, its own rule not yet
                return f"%{points}" if points in self.variables else self._points(item)
            case Method.COUNT:
                counts, worth = chosen(item, within(scale.count_from, None)), 1
            case Method.HIGHEST:
                lowest = min(value for value, _ in values_of(item))
                counts, worth = chosen(item, within(lowest + 1, None)), place
        has_answer = f"%{name_of('code', item.key)}.exists()"
        return or_else(has_answer, f"iif({counts}, {worth}, 0)", self._if_skipped(item, "0"))

    def _status(self) -> None:
        """What became of the form; review and refusal are not to be told from codes."""
        items = [item for item in self.instrument.items if item.required]
        self.variables["missing"] = " + ".join(missing(item) for item in items)
        outcome = f"'{Status.INCOMPLETE.value}'"
        prorating = self.instrument.scoring.prorating
        if prorating is not None:
            may = [f"%missing <= {prorating.max_missing}"]
            may += [f"({missing(item)}) = 0" for item in items if item.key in prorating.never]
            outcome = f"iif({' and '.join(may)}, '{Status.PRORATED.value}', {outcome})"
        self.variables["status"] = f"iif(%missing = 0, '{Status.COMPLETE.value}', {outcome})"

    def _scales(self) -> None:
        items = self._items()
        for key, scale in scales_of(self.instrument).items():
            parts = [
                f"({self._amount(scale, place, items[one])})" for place, one in enumerate(scale.items, 1)
            ]
            known = name_of("parts", key)
            self.variables[known] = combined(parts)
            value = value_of(scale, f"%{known}")
            if key == TOTAL:
                self.variables[TOTAL] = self._total(scale, f"%{known}", value)
                value = f"%{TOTAL}"
            self.scales[key] = value

    def _total(self, scale: Scale, known: str, value: str) -> str:
        estimate = EMPTY
        if self.instrument.scoring.prorating is not None:
            whole = half_up(f"({known}.{SUM} * {len(scale.items)})", f"{known}.count()")
            estimate = f"iif(%status = '{Status.PRORATED.value}', {whole}, {EMPTY})"
        return f"iif(%status = '{Status.COMPLETE.value}', {value}, {estimate})"

    # -- bands --------------------------------------------------------------------------------------

    def _bands(self) -> None:
        found = EMPTY
        for one in reversed(self.instrument.scoring.band_sets):
            bands = self._band(one.bands)
            found = bands if one.when is None else f"iif({self.truth(one.when)}, {bands}, {found})"
        if found != EMPTY:
            self.band = found

    def _band(self, bands: Sequence[Band]) -> str:
        """The first band that holds. One by condition waits for the form, unless it is kept."""
        found = EMPTY
        settled = f"(%status != '{Status.INCOMPLETE.value}')"
        if self.instrument.scoring.total is not None:
            settled = f"%{TOTAL}.exists()"
        for band in reversed(bands):
            if band.by_total:
                holds = f"%{TOTAL} >= {band.first} and %{TOTAL} <= {band.last}"
                found = f"iif({holds}, '{band.key}', {found})"
                continue
            kept = band.kept and self.instrument.scoring.total is None
            key = f"'{band.key}'" if kept else f"iif({settled}, '{band.key}', {EMPTY})"
            found = key if band.when is None else f"iif({self.truth(band.when)}, {key}, {found})"
        return found
