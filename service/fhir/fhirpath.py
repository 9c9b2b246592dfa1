"""The pieces of FHIRPath that `calculation.py` puts together: how an item is found, answered, refused and counted.

Names of variables are in that module's description. Everything is text made of the instrument's own data; no value that
somebody typed into a form is ever part of it.
"""

import re
from collections.abc import Callable, Iterable, Sequence

from service.fhir.form import askings, code_of
from service.fhir.vocabulary import ABSENT, ORDINAL_VALUE
from service.intake.context import ContextField, ContextKind
from service.intake.instrument import Item, Method, Option, Scale

EMPTY = "{}"
SUM = "aggregate($this + $total, 0)"
MOST = "aggregate(iif($total.empty() or $this > $total, $this, $total))"


def name_of(kind: str, key: str) -> str:
    """A variable's name: FHIRPath takes no dot and FHIR no underscore."""
    plain = re.sub(r"[^A-Za-z0-9]", "x", key)
    return f"{kind}{plain[0].upper()}{plain[1:]}"


def or_else(condition: str, then: str, otherwise: str) -> str:
    return f"iif({condition}, {then}, {otherwise})"


def joined(word: str, parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else "(" + f" {word} ".join(parts) + ")"


def listed(values: Iterable[str]) -> str:
    """Text literals as a collection; nothing is in an empty one."""
    quoted = ["'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'" for value in sorted(values)]
    return "(" + " | ".join(quoted) + ")" if quoted else EMPTY


def combined(parts: Sequence[str]) -> str:
    """All of them, equal ones too: a union would drop those."""
    return parts[0] + "".join(f".combine({part})" for part in parts[1:])


def half_up(numerator: str, denominator: str) -> str:
    """A half upwards, in whole numbers: the same sum as `scales.half_up`."""
    return f"((2 * {numerator} + {denominator}) div (2 * {denominator}))"


def certain(sure: str, possible: str, sign: str, limit: int) -> str:
    """True when even the worst end holds, false when not even the best does."""
    return f"iif({sure} {sign} {limit}, true, iif({possible} {sign} {limit}, {EMPTY}, false))"


def within(at_least: int | None, at_most: int | None) -> Callable[[int], bool]:
    def holds(value: int) -> bool:
        if at_least is None and at_most is None:
            return False
        return (at_least is None or value >= at_least) and (at_most is None or value <= at_most)

    return holds


def in_response(item: Item) -> str:
    """The item in the response, by whichever link it was asked."""
    links = " or ".join(f"linkId = '{way.link}'" for way in askings(item))
    return f"%items.where({links})"


def answered(item: Item) -> str:
    """The codes answered, or what the measurement beside the item amounts to."""
    given = f"{in_response(item)}.answer.valueCoding.code"
    if item.derived is None:
        return given
    measured = name_of("known", item.derived.context)
    derived = EMPTY
    for step in reversed(item.derived.steps):
        option = item.option(step.value)
        if option is None:
            raise ValueError("a step leads to an option of its item")
        code = f"'{code_of(item, option)}'"
        derived = code if step.up_to is None else f"iif(%{measured} <= {step.up_to}, {code}, {derived})"
    return f"iif({given}.exists(), {given}, iif(%{measured}.exists(), {derived}, {EMPTY}))"


def declined(item: Item) -> str:
    return f"{in_response(item)}.extension.where(url = '{ABSENT}').exists()"


def points_of(item: Item) -> str:
    """What the answer adds, as the Questionnaire says it."""
    answered = f"%{name_of('code', item.key)}"
    if item.multiple:
        return f"{answered}.where({code_in('$this', counted(item))}).count()"
    asked = f"linkId = '{item.key}'"
    if item.variants:
        asked = f"linkId = %{name_of('link', item.key)}"
    coding = f"%options.where({asked}).answerOption.valueCoding.where(code = {answered})"
    return f"{coding}.extension.where(url = '{ORDINAL_VALUE}').valueDecimal"


def chosen(item: Item, holds: Callable[[int], bool]) -> str:
    """Whether the answer's value is one of those; only for an item that has an answer."""
    answer = f"%{name_of('code', item.key)}"
    if item.multiple:
        ones = counted(item)
        numbers = [str(number) for number in range(len(ones) + 1) if holds(number)]
        if not numbers:
            return "false"
        return f"{answer}.where({code_in('$this', ones)}).count() in ({' | '.join(numbers)})"
    codes = {
        code_of(item, option)
        for option in options_of(item)
        if isinstance(option.value, int) and holds(option.value)
    }
    return code_in(answer, codes)


def code_in(what: str, codes: Iterable[str]) -> str:
    wanted = sorted(codes)
    if not wanted:
        return "false"
    return f"{what} = '{wanted[0]}'" if len(wanted) == 1 else f"{what} in {listed(wanted)}"


def counted(item: Item) -> list[str]:
    """The codes of a multiple choice that count: all but those that stand alone."""
    return [code_of(item, option) for option in options_of(item) if not option.exclusive]


def options_of(item: Item) -> list[Option]:
    return [option for way in askings(item) for option in way.options]


def values_of(item: Item) -> list[tuple[int, int]]:
    """Every value an answer can have, with its points."""
    if item.multiple:
        return [(number, number) for number in range(len(set(counted(item))) + 1)]
    return [(one.value, one.points) for one in options_of(item) if isinstance(one.value, int)]


def possible(scale: Scale, place: int, item: Item) -> list[int]:
    """What an open item can still add."""
    lowest = min(value for value, _ in values_of(item))
    match scale.method:
        case Method.SUM | Method.MEAN:
            return [points for _, points in values_of(item)]
        case Method.COUNT:
            return [int(value >= scale.count_from) for value, _ in values_of(item)]
        case Method.HIGHEST:
            return [place if value > lowest else 0 for value, _ in values_of(item)]


def missing(item: Item) -> str:
    """1 for an item that should have an answer and has none. One whose turn is open is not missing yet."""
    answered = f"%{name_of('code', item.key)}.exists()"
    if item.declined_answers:
        answered = f"({answered} or {declined(item)})"
    wanting = "1" if item.asked_when is None else f"iif(%{name_of('asked', item.key)}, 1, 0)"
    return or_else(answered, "0", wanting)


def value_of(scale: Scale, known: str) -> str:
    """What the parts that are known amount to; nothing while too many are open."""
    match scale.method:
        case Method.HIGHEST:
            value = f"{known}.{MOST}"
        case Method.MEAN:
            value = half_up(f"({known}.{SUM} * 100)", f"{known}.count()")
        case Method.SUM | Method.COUNT:
            value = f"{known}.{SUM}"
    enough = max(1, len(scale.items) - scale.may_miss)
    return f"iif({known}.count() >= {enough}, {value}, {EMPTY})"


def known_beside(one: ContextField) -> str:
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
