"""The suggestion for one episode, now: what is known of the patient, as far as this caller may use it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from service.admission.placement.book import PlacementBook
from service.admission.placement.evaluating import evaluate
from service.admission.placement.gather import Reading, fresh_until, gathered, stale_of
from service.admission.placement.rules import Fired, Outcome, Suggestion
from service.intake.flags import Flag, Severity
from service.intake.latest import latest
from service.intake.medical.book import MedicalBook
from service.intake.medical.reading import medical_facts
from service.intake.safety import records as flag_records
from service.intake.safety.flag import FlagSource, FlagState
from service.intake.safety.kept import opened_flag
from service.intake.safety.raising import raise_flags
from service.people.episodes.episode import Episode
from service.work import Json, Work

_INSTRUMENT: Final = "placement"
_PSYCHIATRIC: Final = 3
#: How far back an acknowledged flag is looked for; a patient has few.
_FLAGS: Final = 200


@dataclass(frozen=True, slots=True)
class PlacementRules:
    """What a suggestion needs besides the patient: the table, and the forms the facts are read from."""

    book: PlacementBook
    medical: MedicalBook


@dataclass(frozen=True, slots=True, repr=False)
class Considered:
    """A suggestion with what it was made of. `hash` names it: it holds for these facts, these rules and that instant.
    `names`: that, and the same under former keys.
    """

    suggestion: Suggestion
    readings: Mapping[str, Reading]
    stale: frozenset[str]
    computed_at: datetime
    expires_at: datetime
    hash: str
    names: frozenset[str]


def consider(
    work: Work, rules: PlacementRules, episode: Episode, *, computed_at: datetime | None = None
) -> Considered:
    """Inside an act already allowed. `computed_at`: when the one was computed that it is compared with; default now."""
    table = rules.book.rules_for(work.program.state)
    readings = gathered(
        table.facts,
        instruments=latest(work, episode.patient_id),
        medical=medical_facts(work, rules.medical, episode.patient_id),
        track=episode.track.value,
        coming_from=episode.coming_from,
    )
    stale = stale_of(table.facts, readings, work.now)
    at = computed_at or work.now
    suggestion = evaluate(table, {name: one.value for name, one in readings.items()}, stale)
    lasts = timedelta(hours=rules.book.demands.suggestion_hours)
    named: Json = {
        "episode": str(episode.id),
        "rules": table.version,
        "facts": {name: _named(one, ages=table.facts[name].ages) for name, one in readings.items()},
        "fired": [[one.id, one.outcome.value] for one in suggestion.fired],
        "stale": sorted(stale),
        "at": at.isoformat(),
    }
    hashes = work.index_keys().hashes(named)
    return Considered(
        suggestion=suggestion,
        readings=readings,
        stale=stale,
        computed_at=at,
        expires_at=fresh_until(table.facts, readings, work.now, at + lasts),
        hash=hashes[0].hex(),
        names=frozenset(one.hex() for one in hashes),
    )


def _named(one: Reading, *, ages: bool) -> Json:
    """What of a fact a suggestion is named by: an hour more since the last drink is no new fact until a rule says so."""
    at = None if one.recorded_at is None else one.recorded_at.isoformat()
    return ["since", at, str(one.item_id)] if ages else [one.value, str(one.item_id)]


def raise_emergency(work: Work, episode: Episode, found: Considered) -> None:
    """A flag for every EMERGENCY, once: again only when somebody acted on it and the facts are newer than the flag.

    Called after the act itself was recorded.
    """
    emergencies = {_code(one): one for one in found.suggestion.fired if one.outcome is Outcome.EMERGENCY}
    if not emergencies:
        return
    stored = flag_records.flags_of(work.db, [episode.patient_id], before=None, at_most=_FLAGS)
    former = [opened_flag(work, one) for one in stored]
    known = [
        one.flag
        for one in former
        if (one.source, one.subject_id) == (FlagSource.PLACEMENT, episode.id)
        and one.state is FlagState.ACKNOWLEDGED
        and one.flag.code in emergencies
        and not _newer(found, emergencies[one.flag.code], one.raised_at)
    ]
    raise_flags(
        work,
        patient_id=episode.patient_id,
        source=FlagSource.PLACEMENT,
        subject_id=episode.id,
        instrument=_INSTRUMENT,
        flags=[_flag(code, one) for code, one in emergencies.items()],
        known=known,
    )


def _code(fired: Fired) -> str:
    return f"placement_{fired.id.lower().replace('-', '_')}"


def _flag(code: str, fired: Fired) -> Flag:
    return Flag(
        code=code,
        severity=Severity.URGENT,
        message=fired.reason,
        next_step=fired.step,
        task="safety_evaluation" if _PSYCHIATRIC in fired.dim else "page_clinician",
    )


def _newer(found: Considered, fired: Fired, raised_at: datetime) -> bool:
    times = (found.readings[name].recorded_at for name in fired.facts if name in found.readings)
    return any(one is not None and one > raised_at for one in times)
