"""Reads conditions: what they may name, and that they can come true."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

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
from service.intake.yamlfield import Field

_WORDS = ("declined", "unanswered", "refused")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a condition may name where it stands: items, scales, context fields, bands; and the numbers a
    clinic may set.
    """

    items: Collection[str] = ()
    scales: Collection[str] = ()
    context: Mapping[str, ContextField] = field(default_factory=dict[str, ContextField])
    bands: Collection[str] = ()
    numbers: Mapping[str, int] = field(default_factory=dict[str, int])


def condition(written: Field, scope: Scope) -> Condition:
    """The condition of one field; which kind it is, is said by the member that only that kind has."""
    given = written.mapping()
    kind = next((name for name in _KINDS if name in given), None)
    if kind is None:
        written.fault(f"must have one of {', '.join(sorted(_KINDS))}")
    return _KINDS[kind](written, scope)


def truth(written: Field | None, *, default: bool) -> bool:
    return default if written is None else written.truth()


def _items(written: Field, scope: Scope) -> Condition:
    members = written.members(("any_of",), ("at_least", "at_most", *_WORDS))
    keys = tuple(key.one_of(scope.items) for key in members["any_of"].sequence())
    least, most = _limits(members, scope)
    words = {word: truth(members.get(word), default=False) for word in _WORDS}
    if not keys or (least is None and most is None and not any(words.values())):
        written.fault("can never hold")
    return ItemCondition(keys, at_least=least, at_most=most, **words)


def _limits(members: Mapping[str, Field], scope: Scope) -> tuple[int | None, int | None]:
    least = members["at_least"].number(scope.numbers) if "at_least" in members else None
    most = members["at_most"].number(scope.numbers) if "at_most" in members else None
    if least is not None and most is not None and most < least:
        members["at_most"].fault("must not be below at_least")
    return least, most


def _scale(written: Field, scope: Scope) -> Condition:
    members = written.members(("scale",), ("at_least", "at_most", "above"))
    scale = _scale_key(members["scale"], scope)
    if "above" in members:
        return ExceedsCondition(scale, _scale_key(members["above"], scope))
    least, most = _limits(members, scope)
    if least is None and most is None:
        written.fault("must say at_least, at_most or above")
    return ScaleCondition(scale, least, most)


def _scale_key(written: Field, scope: Scope) -> str:
    if not scope.scales:
        written.fault("there is no scale to ask about here")
    return written.one_of(scope.scales)


def _context(written: Field, scope: Scope) -> Condition:
    members = written.members(("context",), ("is", "is_not"))
    declared = scope.context[members["context"].one_of(scope.context)]
    if ("is" in members) is ("is_not" in members):
        written.fault("must say either is or is_not")
    if declared.kind not in (ContextKind.CHOICE, ContextKind.TRUTH):
        members["context"].fault("is not a choice, nor yes or no")
    listed = members["is" if "is" in members else "is_not"]
    values = frozenset(value.one_of(declared.values) for value in listed.sequence())
    if not values:
        listed.fault("must name at least one value")
    return ContextCondition(declared.key, values, negated="is_not" in members)


def _band(written: Field, scope: Scope) -> Condition:
    listed = written.members(("band",))["band"]
    bands = frozenset(band.one_of(scope.bands) for band in listed.sequence())
    if not bands:
        listed.fault("must name at least one band")
    return BandCondition(bands)


def _parts(written: Field, scope: Scope) -> tuple[Condition, ...]:
    listed = next(iter(written.members((), ("all", "any")).values()))
    parts = tuple(condition(part, scope) for part in listed.sequence())
    if len(parts) < 2:
        listed.fault("must have at least two parts")
    return parts


_KINDS: Mapping[str, Callable[[Field, Scope], Condition]] = {
    "any_of": _items,
    "scale": _scale,
    "context": _context,
    "band": _band,
    "all": lambda written, scope: AllOf(_parts(written, scope)),
    "any": lambda written, scope: AnyOf(_parts(written, scope)),
}
