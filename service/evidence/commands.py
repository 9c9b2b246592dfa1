"""What is given to be recorded: a paper as somebody describes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias
from uuid import UUID

from service.evidence.model import Evidence, Reach
from service.people.recipient import Party

#: A recipient of the register, or one described for it.
GivenRecipient: TypeAlias = UUID | Party


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class NewEvidence:
    """A paper to be recorded. `kind` is as typed. `ends_on` None: as long as its kind lasts by itself, or open."""

    kind: str
    recipients: tuple[GivenRecipient, ...]
    starts_on: date
    particulars: Mapping[str, Any]
    ends_on: date | None = None
    items: frozenset[UUID] = frozenset()
    kinds: Reach = frozenset()


@dataclass(frozen=True, slots=True, repr=False)
class EvidencePage:
    """Newest first."""

    evidence: tuple[Evidence, ...]
    more: bool
