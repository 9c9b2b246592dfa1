"""Two charts of one person: what a merge is, and what has to be looked at before one (docs/decisions/0008).

No row of either chart moves. One chart survives and is written to from then on; the absorbed one stays readable under
its own id, keeps its own consents, restrictions and relationships, and takes nothing new. So a merge made by mistake
has released nothing to anybody, and undoing it leaves both charts exactly as they were.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from service.errors import FieldError
from service.people.contacts import entries
from service.vault.blindindex import normalise_identifier


class MergeState(StrEnum):
    MERGED = "merged"
    UNDONE = "undone"


class Difference(StrEnum):
    """What speaks against one person, and has to be confirmed, each with its reason."""

    BIRTH_DATE = "birth_date"
    #: Two numbers of one system, such as two record numbers of one hospital.
    IDENTIFIERS = "identifiers"
    #: The chart to be absorbed is in care, or waiting for it: what goes on there could not be written down any more.
    OPEN_EPISODES = "open_episodes"


_WORDS: Final[Mapping[Difference, str]] = {
    Difference.BIRTH_DATE: "The birth dates differ.",
    Difference.IDENTIFIERS: "They have different numbers of one system.",
    Difference.OPEN_EPISODES: "The chart to be absorbed has an episode that has not ended.",
}


@dataclass(frozen=True, slots=True, repr=False)
class NewMerge:
    """`merged_id` is absorbed. `confirmed`: for each difference why it is one person all the same."""

    merged_id: UUID
    reason: str
    evidence: str
    confirmed: Mapping[Difference, str]


@dataclass(frozen=True, slots=True, repr=False)
class Undoing:
    """Why and by whom a merge was undone."""

    reason: str
    by: UUID
    at: datetime


@dataclass(frozen=True, slots=True, repr=False)
class Merge:
    """One merge, opened; `undone` None while it holds."""

    id: UUID
    patient_id: UUID
    merged_id: UUID
    state: MergeState
    version: int
    reason: str
    evidence: str
    differences: Mapping[str, str]
    by: UUID
    merged_at: datetime
    undone: Undoing | None = None


def differences(
    surviving: Mapping[str, Any], absorbed: Mapping[str, Any], *, absorbed_in_care: bool
) -> frozenset[Difference]:
    """What speaks against one person, from both demographics documents and their episodes."""
    found: set[Difference] = set()
    if surviving.get("birth_date") != absorbed.get("birth_date"):
        found.add(Difference.BIRTH_DATE)
    ours, theirs = _numbers(surviving), _numbers(absorbed)
    if any(ours[system].isdisjoint(theirs[system]) for system in ours.keys() & theirs.keys()):
        found.add(Difference.IDENTIFIERS)
    if absorbed_in_care:
        found.add(Difference.OPEN_EPISODES)
    return frozenset(found)


def unconfirmed(found: Iterable[Difference], confirmed: Mapping[Difference, str]) -> tuple[FieldError, ...]:
    """A fault for every difference nobody gave a reason for."""
    return tuple(
        FieldError("confirm_differences", difference.value, f"{_WORDS[difference]} Confirm it with a reason.")
        for difference in Difference
        if difference in found and not confirmed.get(difference, "").strip()
    )


def _numbers(document: Mapping[str, Any]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for entry in entries(document.get("identifiers")):
        system = str(entry["system"]).strip().casefold()
        found.setdefault(system, set()).add(normalise_identifier(str(entry["value"])))
    return found
