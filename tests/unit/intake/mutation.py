"""Bends every rule of every instrument, one at a time, and says which bent rule no vector notices.

    python -m tests.unit.intake.mutation            every mutant of every instrument, and of the scorer
    python -m tests.unit.intake.mutation cows audit  of some

A mutant is killed when a vector, or a sweep over the values an item accepts, comes out otherwise than it must.
Rules are bent in the data as read, not in the text of the file, so nothing depends on how a file is written.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain

from service.intake import answers as reading
from service.intake import scales, scoring
from service.intake.conditions import (
    AllOf,
    AnyOf,
    BandCondition,
    Condition,
    ContextCondition,
    ExceedsCondition,
    ItemCondition,
    ScaleCondition,
    Word,
)
from service.intake.flags import Status
from service.intake.instrument import TOTAL, Band, BandSet, Instrument, Item, Method, Option, Scale
from service.intake.scoring import score
from tests.unit.intake.instruments_of_record import ALL, of, sweeps_of


@dataclass(frozen=True)
class Mutant:
    """What was bent, and the instrument with it."""

    what: str
    instrument: Instrument


def mutants_of(one: Instrument) -> Iterator[Mutant]:
    """Every mutant of one instrument, in a fixed order."""
    for what, bent in chain(_items(one), _scoring(one), _flags(one), _rest(one)):
        if bent != one:
            yield Mutant(f"{one.key}: {what}", bent)


Bent = Iterator[tuple[str, Instrument]]


def _items(one: Instrument) -> Bent:
    added = {key for scale in _added(one) for key in scale.items}
    for place, item in enumerate(one.items):
        for what, bent in _item(item, worth=item.key in added):
            items = (*one.items[:place], bent, *one.items[place + 1 :])
            yield f"{item.key} {what}", replace(one, items=items)


def _added(one: Instrument) -> list[Scale]:
    """The scales that add points up; elsewhere points say nothing."""
    total = [] if one.scoring.total is None else [one.scoring.total]
    return [scale for scale in (*total, *one.scoring.scales) if scale.method in (Method.SUM, Method.MEAN)]


def _item(item: Item, *, worth: bool) -> Iterator[tuple[str, Item]]:
    for what, options in _options(item.options, worth=worth):
        yield what, replace(item, options=options)
    yield "required the other way", replace(item, required=not item.required)
    if item.asked_when is not None:
        yield "is always asked", replace(item, asked_when=None)
        for what, bent in _conditions(item.asked_when):
            yield f"asked when {what}", replace(item, asked_when=bent)
    for place, variant in enumerate(item.variants):
        if variant.options is not None and _values(variant.options) != _values(item.options):
            kept = (*item.variants[:place], *item.variants[place + 1 :])
            yield "without its variant", replace(item, variants=kept)
    if item.derived is not None:
        yield "not derived", replace(item, derived=None)
        for place, step in enumerate(item.derived.steps):
            if step.up_to is not None:
                for by in (-1, 1):
                    moved = replace(step, up_to=step.up_to + by)
                    steps = (*item.derived.steps[:place], moved, *item.derived.steps[place + 1 :])
                    yield f"step {place} {by:+}", replace(item, derived=replace(item.derived, steps=steps))
    if item.declined_answers:
        yield "declined leaves it open", replace(item, declined_answers=False)


def _values(options: tuple[Option, ...]) -> list[int]:
    return [option.value for option in options if isinstance(option.value, int)]


def _options(options: tuple[Option, ...], *, worth: bool) -> Iterator[tuple[str, tuple[Option, ...]]]:
    values = _values(options)
    for place, option in enumerate(options):
        without = (*options[:place], *options[place + 1 :])
        yield f"without {option.value}", without
        if isinstance(option.value, str):
            turned = replace(option, exclusive=not option.exclusive)
            yield f"{option.value} exclusive or not", (*without, turned)
        elif worth:
            more = replace(option, points=option.points + 1)
            yield f"{option.value} is worth more", (*options[:place], more, *options[place + 1 :])
    if values:
        for value in sorted(set(range(max(values) + 2)) - set(values)):
            yield f"with {value}", tuple(sorted((*options, Option(value, "more", None, value)), key=_value))
        lowest, highest = options[0].points, options[-1].points
        if not worth:
            return
        turned_round = tuple(replace(one, points=lowest + highest - one.points) for one in options)
        yield "the other way round", turned_round
    else:
        yield "with another word", (*options, Option("other", "Other"))


def _value(option: Option) -> int:
    assert isinstance(option.value, int)
    return option.value


def _conditions(condition: Condition) -> Iterator[tuple[str, Condition]]:
    """The condition with one part of it bent."""
    match condition:
        case ItemCondition():
            yield from _item_conditions(condition)
        case ScaleCondition():
            for what, bent in _limits(condition):
                yield what, bent
        case ExceedsCondition():
            yield "the other one above", ExceedsCondition(condition.above, condition.scale)
        case ContextCondition():
            yield "not in the context", replace(condition, negated=not condition.negated)
            for value in condition.values:
                yield f"without {value}", replace(condition, values=condition.values - {value})
        case BandCondition():
            for band in condition.bands:
                yield f"without band {band}", BandCondition(condition.bands - {band})
        case AllOf() | AnyOf():
            other = AnyOf if isinstance(condition, AllOf) else AllOf
            yield "all for any", other(condition.parts)
            for place, part in enumerate(condition.parts):
                rest = (*condition.parts[:place], *condition.parts[place + 1 :])
                yield f"without part {place}", replace(condition, parts=rest)
                for what, bent in _conditions(part):
                    parts = (*condition.parts[:place], bent, *condition.parts[place + 1 :])
                    yield f"part {place}: {what}", replace(condition, parts=parts)


def _item_conditions(condition: ItemCondition) -> Iterator[tuple[str, Condition]]:
    yield from _limits(condition)
    for key in condition.any_of:
        rest = tuple(other for other in condition.any_of if other != key)
        yield f"without {key}", replace(condition, any_of=rest)
    for word in ("declined", "unanswered", "refused"):
        if getattr(condition, word):
            yield f"without {word}", replace(condition, **{word: False})


def _limits(condition: ItemCondition | ScaleCondition) -> Iterator[tuple[str, Condition]]:
    for name in ("at_least", "at_most"):
        limit = getattr(condition, name)
        if limit is not None:
            for by in (-1, 1):
                yield f"{name} {limit + by}", replace(condition, **{name: limit + by})


def _scoring(one: Instrument) -> Bent:
    rules = one.scoring
    everything = [item.key for item in one.items]
    if rules.total is not None:
        for what, bent in _scale(rules.total, everything):
            yield f"total {what}", replace(one, scoring=replace(rules, total=bent))
    for place, scale in enumerate(rules.scales):
        for what, bent in _scale(scale, everything):
            scales_bent = (*rules.scales[:place], bent, *rules.scales[place + 1 :])
            yield f"{scale.key} {what}", replace(one, scoring=replace(rules, scales=scales_bent))
    if rules.prorating is None:
        return
    estimate = rules.prorating
    yield "never estimated", replace(one, scoring=replace(rules, prorating=None))
    for by in (-1, 1):
        bent_estimate = replace(estimate, max_missing=estimate.max_missing + by)
        yield f"estimated {by:+}", replace(one, scoring=replace(rules, prorating=bent_estimate))
    for key in everything:
        bent_estimate = replace(estimate, never=estimate.never ^ {key})
        yield f"{key} estimated or not", replace(one, scoring=replace(rules, prorating=bent_estimate))


def _scale(scale: Scale, everything: list[str]) -> Iterator[tuple[str, Scale]]:
    for key in scale.items:
        yield f"without {key}", replace(scale, items=tuple(one for one in scale.items if one != key))
    for key in everything:
        if key not in scale.items:
            yield f"with {key}", replace(scale, items=(*scale.items, key))
    if scale.method is Method.COUNT:
        for by in (-1, 1):
            yield f"counted from {by:+}", replace(scale, count_from=scale.count_from + by)
    if scale.method is not Method.HIGHEST and scale.key != TOTAL:
        yield "may miss one more", replace(scale, may_miss=scale.may_miss + 1)


def _bands(one: Instrument) -> Bent:
    for place, group in enumerate(one.scoring.band_sets):
        for what, bent in _band_set(group):
            sets = (*one.scoring.band_sets[:place], bent, *one.scoring.band_sets[place + 1 :])
            yield f"bands {place} {what}", replace(one, scoring=replace(one.scoring, band_sets=sets))
    for place, group in enumerate(one.scoring.band_sets[:-1]):
        rest = (*one.scoring.band_sets[:place], *one.scoring.band_sets[place + 1 :])
        yield f"without bands {place}", replace(one, scoring=replace(one.scoring, band_sets=rest))
        for what, bent_when in _conditions(group.when) if group.when is not None else ():
            changed = replace(group, when=bent_when)
            sets = (*one.scoring.band_sets[:place], changed, *one.scoring.band_sets[place + 1 :])
            yield f"bands {place} when {what}", replace(one, scoring=replace(one.scoring, band_sets=sets))


def _band_set(group: BandSet) -> Iterator[tuple[str, BandSet]]:
    bands = group.bands
    for place, band in enumerate(bands):
        if band.by_total and place > 0:
            for by in (-1, 1):
                moved = _cut_off_moved(bands, place, by)
                if moved is not None:
                    yield f"{band.key} from {by:+}", replace(group, bands=moved)
        if band.when is not None:
            yield f"without {band.key}", replace(group, bands=(*bands[:place], *bands[place + 1 :]))
            turned = replace(band, kept=not band.kept)
            yield (
                f"{band.key} kept or not",
                replace(group, bands=(*bands[:place], turned, *bands[place + 1 :])),
            )
            for what, bent in _conditions(band.when):
                changed = replace(band, when=bent)
                every = (*bands[:place], changed, *bands[place + 1 :])
                yield f"{band.key} when {what}", replace(group, bands=every)


def _cut_off_moved(bands: tuple[Band, ...], place: int, by: int) -> tuple[Band, ...] | None:
    before, band = bands[place - 1], bands[place]
    assert before.last is not None
    assert band.first is not None
    lower, upper = replace(before, last=before.last + by), replace(band, first=band.first + by)
    return (*bands[: place - 1], lower, upper, *bands[place + 1 :])


def _flags(one: Instrument) -> Bent:
    for place, rule in enumerate(one.flags):
        rest = (*one.flags[:place], *one.flags[place + 1 :])
        yield f"flag {rule.code} is gone", replace(one, flags=rest)
        changed = [(f"when {what}", replace(rule, when=bent)) for what, bent in _conditions(rule.when)]
        if rule.unless is not None:
            changed.append(("whatever else", replace(rule, unless=None)))
            changed += [
                (f"unless {what}", replace(rule, unless=bent)) for what, bent in _conditions(rule.unless)
            ]
        for status in rule.only:
            changed.append((f"not when {status.value}", replace(rule, only=rule.only - {status} or {None})))
        if rule.only:
            changed += [
                (f"also when {status.value}", replace(rule, only=rule.only | {status}))
                for status in _possible(one) - rule.only
            ]
        for what, bent in changed:
            yield (
                f"flag {rule.code} {what}",
                replace(one, flags=(*one.flags[:place], bent, *one.flags[place + 1 :])),
            )


def _possible(one: Instrument) -> set[Status]:
    """What can become of a form of this instrument."""
    possible = {Status.COMPLETE, Status.INCOMPLETE, Status.REJECTED}
    if one.scoring.prorating is not None:
        possible.add(Status.PRORATED)
    if any(item.asked_when is not None or item.derived is not None for item in one.items):
        possible.add(Status.NEEDS_REVIEW)
    return possible


def _rest(one: Instrument) -> Bent:
    yield from _bands(one)
    for place, finding in enumerate(one.findings):
        yield (
            f"finding {finding.code} is gone",
            replace(one, findings=(*one.findings[:place], *one.findings[place + 1 :])),
        )
        for what, bent in _conditions(finding.when):
            changed = replace(finding, when=bent)
            findings = (*one.findings[:place], changed, *one.findings[place + 1 :])
            yield f"finding {finding.code} when {what}", replace(one, findings=findings)
    for label in one.labels:
        yield f"without label {label.value}", replace(one, labels=one.labels - {label})
    for place, rule in enumerate(one.label_rules):
        for what, bent in _conditions(rule.when):
            rules = (*one.label_rules[:place], replace(rule, when=bent), *one.label_rules[place + 1 :])
            yield f"label {rule.label.value} when {what}", replace(one, label_rules=rules)


#: Where the scorer itself is bent: the module, the name, and what stands there instead.
SCORER: dict[str, tuple[object, str, Callable[..., object]]] = {
    "banker's rounding": (scoring, "half_up", lambda above, below: round(above / below)),
    "rounding down": (scoring, "half_up", lambda above, below: above // below),
    "rounding up": (scoring, "half_up", lambda above, below: -(-above // below)),
    "mean rounded down": (scales, "half_up", lambda above, below: above // below),
    "estimates whatever is missing": (scoring, "_may_prorate", lambda _rule, _missing: True),
    "never estimates": (scoring, "_may_prorate", lambda _rule, _missing: False),
    "nothing is ever missing": (scoring, "_is_missing", lambda _item, _situation: False),
    "a sum in place of the estimate": (scoring, "half_up", lambda above, below: above // 9),
    "no contradiction is seen": (reading, "_skip", lambda *_: []),
    "no measurement is read": (reading, "_derive", lambda *_: []),
    "no context is read": (reading, "read_context", lambda *_: {}),
    "True is 1": (
        Item,
        "option",
        lambda item, value: next((o for o in item.options if o.value == value), None),
    ),
    "a refusal is no answer": (
        scoring,
        "_is_answered",
        lambda item, s: scales.is_value(s.readings[item.key]),
    ),
    "what is skipped is open": (
        scales,
        "_amounts",
        lambda s, _p, i, r: scales._values(i) if r is Word.NOT_ASKED else [r],
    ),
}


@contextmanager
def bent_scorer(what: str) -> Iterator[None]:
    module, name, instead = SCORER[what]
    before = getattr(module, name)
    setattr(module, name, instead)
    try:
        yield
    finally:
        setattr(module, name, before)


def noticed(instrument: Instrument) -> bool:
    """Does any vector or sweep of this instrument come out otherwise than it must?"""
    try:
        for case in of(instrument.key):
            if not case.met_by(score(instrument, case.answers, case.context)):
                return True
        for sweep in sweeps_of(instrument.key):
            if not sweep.met_by(score(instrument, sweep.answers, sweep.context)):
                return True
    except (StopIteration, LookupError, ValueError, AttributeError, TypeError):
        return True  # a scorer that breaks is noticed too
    return False


def survivors(instruments: tuple[Instrument, ...], step: int = 1, first: int = 0) -> tuple[int, list[str]]:
    """How many mutants were tried (every `step`-th, from the `first`), and which nobody noticed."""
    tried = 0
    alive: list[str] = []
    every = chain.from_iterable(mutants_of(one) for one in instruments)
    for number, mutant in enumerate(every):
        if number % step != first:
            continue
        tried += 1
        if not noticed(mutant.instrument):
            alive.append(mutant.what)
    return tried, alive


def scorer_survivors() -> list[str]:
    alive: list[str] = []
    for what in SCORER:
        with bent_scorer(what):
            if not any(noticed(one) for one in ALL):
                alive.append(f"scorer: {what}")
    return alive


def main(keys: list[str]) -> int:
    chosen = tuple(one for one in ALL if not keys or one.key in keys)
    tried, alive = survivors(chosen)
    alive += scorer_survivors()
    tried += len(SCORER)
    print(*alive, sep="\n")
    print(f"killed {tried - len(alive)} of {tried} ({100 * (tried - len(alive)) / tried:.1f} %)")
    return 0 if 100 * (tried - len(alive)) >= 95 * tried else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
