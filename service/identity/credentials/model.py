"""Credentials of staff: what a licence is, when it holds, and what follows for its holder on one day.

45 CFR 164.308(a)(3) asks that access ends when the ground for it does; 164.308(a)(4)(ii)(C) that it is reviewed. So
nobody has to switch anything off: a credential is weighed on every call, and one that ran out yesterday is out today.
Dates are days of the program's calendar, and the last day still counts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID


class CredentialState(StrEnum):
    """ACTIVE holds between its dates. What was withdrawn stays withdrawn: a new one is recorded instead."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"


#: What may follow what.
TRANSITIONS: Final[Mapping[CredentialState, frozenset[CredentialState]]] = MappingProxyType(
    {
        CredentialState.ACTIVE: frozenset({CredentialState.SUSPENDED, CredentialState.WITHDRAWN}),
        CredentialState.SUSPENDED: frozenset({CredentialState.ACTIVE, CredentialState.WITHDRAWN}),
        CredentialState.WITHDRAWN: frozenset(),
    }
)


@dataclass(frozen=True, slots=True)
class CredentialKind:
    """One kind, as policies/credentials.yaml has it."""

    key: str
    clinical: bool
    independent: bool
    titles: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CredentialBook:
    """The kinds there are."""

    kinds: Mapping[str, CredentialKind]


@dataclass(frozen=True, slots=True)
class Held:
    """What a decision needs of one credential; nothing of it is sealed."""

    kind: str
    state: CredentialState
    starts_on: date
    ends_on: date | None

    def in_force(self, day: date) -> bool:
        begun = self.starts_on <= day
        return (
            self.state is CredentialState.ACTIVE and begun and (self.ends_on is None or day <= self.ends_on)
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """What a member of staff can show on a day: `kinds` in force, whether one of them is clinical (`in_force`), whether
    something was recorded once and none of it is clinical and in force (`lapsed`), and whether what is clinical and in
    force is for work under supervision alone (`supervised`).
    """

    kinds: frozenset[str] = frozenset()
    in_force: bool = False
    lapsed: bool = False
    supervised: bool = False


def standing(held: Iterable[Held], book: CredentialBook, day: date) -> Standing:
    """The standing of somebody with these credentials. A kind the book does not know counts for nothing."""
    recorded = tuple(held)
    kinds = frozenset(one.kind for one in recorded if one.kind in book.kinds and one.in_force(day))
    clinical = [book.kinds[kind] for kind in kinds if book.kinds[kind].clinical]
    return Standing(
        kinds=kinds,
        in_force=bool(clinical),
        lapsed=bool(recorded) and not clinical,
        supervised=bool(clinical) and not any(kind.independent for kind in clinical),
    )


@dataclass(frozen=True, slots=True, repr=False)
class Particulars:
    """What was looked at when it was recorded: number and issuer, and where they were checked."""

    number: str
    issuer: str
    verified_with: str


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """One credential, opened."""

    id: UUID
    account_id: UUID
    kind: str
    state: CredentialState
    starts_on: date
    ends_on: date | None
    version: int
    particulars: Particulars
    verified_by: UUID
    recorded_at: datetime
