"""Facts from what was entered: which answer says what, since when, by whom, and whether it is still fresh. Pure.

A fact that nobody entered, or that this caller may not use, is unknown. A value the fact cannot have is unknown too: a
total beyond the scale is no total.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from service.admission.placement.conditions import Value
from service.admission.placement.rules import FactRule
from service.intake.assessment import Assessment
from service.intake.flags import Severity
from service.intake.medical.facts import FactReading

#: How a fact is read off the instrument it comes from.
_BANDS: Final = frozenset({"suicide_band", "asq"})
_URGENT: Final = frozenset({"ciwa_urgent"})
#: Levels a referral may come from, as the rules tell them apart.
_RESIDENTIAL: Final = ("3.1", "3.3", "3.5", "3.7")


@dataclass(frozen=True, slots=True)
class Reading:
    """One fact with its source. `item_id` None: it comes from the episode or from demographics, not from an item."""

    value: Value
    source: str
    item_id: UUID | None = None
    recorded_at: datetime | None = None
    author_id: UUID | None = None


def gathered(
    facts: Mapping[str, FactRule],
    *,
    instruments: Mapping[str, Assessment],
    medical: Mapping[str, FactReading],
    track: str,
    coming_from: str | None,
) -> dict[str, Reading]:
    """Every fact that is known, in the order of the catalogue. Instruments speak for their facts alone."""
    found: dict[str, Reading] = {}
    for fact in facts.values():
        reading = (
            _from_instruments(fact, instruments)
            if fact.instruments
            else _from_elsewhere(fact.name, medical, track, coming_from)
        )
        if reading is not None and fact.admits(reading.value):
            found[fact.name] = reading
    return found


def stale_of(facts: Mapping[str, FactRule], readings: Mapping[str, Reading], now: datetime) -> frozenset[str]:
    """Those that are older than their fact stays fresh. Where nobody knows how old one is, it is not fresh."""
    ends = {name: _fresh_until(facts[name], reading) for name, reading in readings.items()}
    return frozenset(
        name
        for name, until in ends.items()
        if facts[name].fresh_hours is not None and (until is None or until < now)
    )


def fresh_until(
    facts: Mapping[str, FactRule], readings: Mapping[str, Reading], now: datetime, latest: datetime
) -> datetime:
    """When the first fresh fact grows old, at the latest `latest`."""
    ends = (_fresh_until(facts[name], reading) for name, reading in readings.items())
    return min([latest, *(one for one in ends if one is not None and one >= now)])


def _fresh_until(fact: FactRule, reading: Reading) -> datetime | None:
    if fact.fresh_hours is None or reading.recorded_at is None:
        return None
    return reading.recorded_at + timedelta(hours=fact.fresh_hours)


def _from_instruments(fact: FactRule, instruments: Mapping[str, Assessment]) -> Reading | None:
    for key in fact.instruments:
        assessment = instruments.get(key)
        value = None if assessment is None else _value(fact, assessment)
        if assessment is not None and value is not None:
            return Reading(value, key, assessment.id, assessment.completed_at, assessment.author_id)
    return None


def _value(fact: FactRule, assessment: Assessment) -> Value | None:
    result = assessment.content.result
    if fact.name in _BANDS:
        return result["band"]
    if fact.name in _URGENT:
        return any(flag.severity is Severity.URGENT for flag in assessment.content.flags)
    return result["total"]


def _from_elsewhere(
    name: str, medical: Mapping[str, FactReading], track: str, coming_from: str | None
) -> Reading | None:
    if name == "track":
        return Reading(track, "episode")
    if name in medical:
        one = medical[name]
        return Reading(one.value, one.field, one.item_id, one.recorded_at, one.author_id)
    if name == "coming_from" and coming_from is not None:
        return Reading("3.x" if coming_from in _RESIDENTIAL else coming_from, "episode")
    return None
