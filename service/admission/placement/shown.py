"""A suggestion as it is shown: every rule that fired with its facts and where they come from, strongest first."""

from collections.abc import Mapping
from typing import Any

from service.admission.placement.book import PlacementBook
from service.admission.placement.considering import Considered
from service.admission.placement.gather import Reading
from service.admission.placement.rules import STATEMENT, Fired, Suggestion, Target


def suggestion_view(book: PlacementBook, found: Considered) -> dict[str, Any]:
    """A suggestion of now, with the name under which it can be decided on."""
    return {
        **suggestion_then(book, found.suggestion, found.readings, tuple(sorted(found.stale))),
        "computed_at": instant(found.computed_at),
        "expires_at": instant(found.expires_at),
        "hash": found.hash,
    }


def suggestion_then(
    book: PlacementBook, suggestion: Suggestion, readings: Mapping[str, Reading], stale: tuple[str, ...]
) -> dict[str, Any]:
    """A suggestion, of now or as it was frozen into a decision."""
    return {
        "statement": STATEMENT,
        "suggestion": suggestion.outcome.value,
        "target_levels": [_target(book, one) for one in suggestion.levels],
        "rules": [_fired(book, one, readings) for one in suggestion.fired],
        "missing": list(suggestion.missing),
        "stale": list(stale),
        "would_change": [{"rule": one.rule, "facts": list(one.facts)} for one in suggestion.would_change],
        "undecided": [
            {"rule": one.id, "class": one.outcome.value, "facts": list(one.facts)}
            for one in suggestion.undecided
        ],
        "profiles": [{"id": one.id, "key": one.key, "says": one.says} for one in suggestion.profiles],
        "rule_set_version": suggestion.rule_set_version,
    }


def _target(book: PlacementBook, one: Target) -> dict[str, Any]:
    level = book.levels[one.level]
    return {"level": one.level, "title": level.title, "given": one.given}


def _fired(book: PlacementBook, one: Fired, readings: Mapping[str, Reading]) -> dict[str, Any]:
    names = book.dimensions[4].names
    places = {name: place for place, name in enumerate(book.core.facts)}
    # what was sealed comes back in another order; a fact the table no longer has stands last
    ordered = sorted(one.facts, key=lambda name: (places.get(name, len(places)), name))
    return {
        "id": one.id,
        "class": one.outcome.value,
        "dimensions": [{"edition": 4, "number": number, "name": names[number - 1]} for number in one.dim],
        "reason": one.reason,
        "step": one.step,
        "target_levels": [_target(book, target) for target in one.targets],
        "facts": [_fact(name, one.facts[name], name in one.stale, readings.get(name)) for name in ordered],
    }


def _fact(name: str, value: object, stale: bool, reading: Reading | None) -> dict[str, Any]:
    at = None if reading is None or reading.recorded_at is None else instant(reading.recorded_at)
    return {
        "fact": name,
        "value": value,
        "stale": stale,
        "source": None if reading is None else reading.source,
        "item_id": None if reading is None or reading.item_id is None else str(reading.item_id),
        "recorded_at": at,
        "author_id": None if reading is None or reading.author_id is None else str(reading.author_id),
    }


def instant(at: Any) -> str:
    """RFC 3339 in UTC."""
    return str(at.isoformat()).replace("+00:00", "Z")
