"""Episodes and their steps, sealed and opened."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from service.ids import new_id
from service.people.episodes import records
from service.people.episodes.episode import Episode, EpisodeState, EpisodeStep, Step, Track
from service.people.episodes.records import StoredEpisode, StoredStep
from service.vault.envelope import RowKey
from service.work import Work


def opened(work: Work, stored: StoredEpisode) -> Episode:
    """A loaded episode, opened."""
    kept: Any = work.open(records.EPISODE_ROW, stored.key, {"particulars": stored.particulars})["particulars"]
    former = kept.get("readmission_of")
    return Episode(
        id=stored.id,
        patient_id=stored.patient_id,
        unit=stored.unit,
        state=EpisodeState(stored.state),
        opened_on=stored.opened_on,
        admitted_on=stored.admitted_on,
        ended_on=stored.ended_on,
        version=stored.version,
        track=Track(kept["track"]),
        payer=kept.get("payer"),
        level=kept.get("level"),
        referral=kept.get("referral"),
        coming_from=kept.get("coming_from"),
        readmission_of=None if former is None else UUID(former),
    )


def sealed(work: Work, episode: Episode) -> StoredEpisode:
    """An episode as it is stored."""
    kept = {
        "track": episode.track.value,
        "payer": episode.payer,
        "level": episode.level,
        "referral": episode.referral,
        "coming_from": episode.coming_from,
        "readmission_of": None if episode.readmission_of is None else str(episode.readmission_of),
    }
    row = RowKey(work.caller.program_id, episode.id, episode.version, episode.patient_id)
    return StoredEpisode(
        id=episode.id,
        program_id=work.caller.program_id,
        patient_id=episode.patient_id,
        unit=episode.unit,
        state=episode.state.value,
        opened_on=episode.opened_on,
        admitted_on=episode.admitted_on,
        ended_on=episode.ended_on,
        version=episode.version,
        particulars=work.seal(records.EPISODE_ROW, row, {"particulars": kept})["particulars"],
        created_at=work.now,
        changed_at=work.now,
    )


def keep_step(
    work: Work, episode: Episode, kind: Step, on: date, particulars: Mapping[str, Any]
) -> EpisodeStep:
    """Write down what happened: once, and never changed."""
    step_id = new_id(work.now)
    row = RowKey(work.caller.program_id, step_id, 1, episode.patient_id)
    kept = {**particulars, "by": str(work.caller.account_id)}
    stored = StoredStep(
        id=step_id,
        program_id=work.caller.program_id,
        patient_id=episode.patient_id,
        episode_id=episode.id,
        kind=kind.value,
        occurred_on=on,
        particulars=work.seal(records.STEP_ROW, row, {"particulars": kept})["particulars"],
        recorded_at=work.now,
    )
    records.insert_step(work.db, stored, work.entry_id)
    return EpisodeStep(step_id, kind, on, kept)


def steps_of(work: Work, episode: Episode) -> tuple[EpisodeStep, ...]:
    """What happened in an episode, in the order it was recorded."""
    found: list[EpisodeStep] = []
    for stored in records.steps(work.db, episode.id):
        kept: Any = work.open(records.STEP_ROW, stored.key, {"particulars": stored.particulars})[
            "particulars"
        ]
        found.append(EpisodeStep(stored.id, Step(stored.kind), stored.occurred_on, kept))
    return tuple(found)
