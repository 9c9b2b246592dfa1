"""What a decision about a disclosure is: its effect, its one basis, what goes, what stays and why, and which duties.

Shapes only. `judging.judge` makes them; nothing here decides.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from service.access.decision import Confidence, Decision, Obligation
from service.access.facts import ReleaseFacts
from service.disclosure.accounting import Entered

#: The policies' answer about one item, one recipient and one ground.
Judge: TypeAlias = Callable[[ReleaseFacts], Decision]


class Effect(StrEnum):
    """Permit is everything that was asked for; needs_review is a denial that a person may still settle."""

    PERMIT = "permit"
    PARTIAL = "partial"
    DENY = "deny"
    NEEDS_REVIEW = "needs_review"


@dataclass(frozen=True, slots=True)
class Item:
    """What a decision shows of one record item: never its content."""

    id: UUID
    kind: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Basis:
    """The one lawful basis of a disclosure; its id picks the notice and the accounting (never relabelled later).

    `consent_id` and `evidence_id`: what it rests on, None where it rests on no such thing.
    """

    id: str
    citation: str
    consent_id: UUID | None
    evidence_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Withheld:
    """Items of one kind that stay, and why."""

    category: str
    count: int
    reason: str
    citation: str


@dataclass(frozen=True, slots=True)
class Explained:
    """One rule that mattered, in words."""

    rule: str
    citation: str
    conf: Confidence
    text: str


@dataclass(frozen=True, slots=True)
class ItemRuling:
    """The answer about one item, for the ledger: ids and codes only."""

    item: Item
    permitted: bool
    rules: tuple[str, ...]
    reason: str
    review: bool = False


@dataclass(frozen=True, slots=True)
class DisclosureDecision:
    """Permit (all that was asked), partial, deny or needs_review; complete enough to explain itself years later."""

    effect: Effect
    basis: Basis | None
    granted: tuple[Item, ...]
    withheld: tuple[Withheld, ...]
    obligations: tuple[Obligation, ...]
    reasons: tuple[Explained, ...]
    rulings: tuple[ItemRuling, ...]
    accounting: Entered | None
    evaluated_at: datetime
    policy_version: str

    @property
    def permits_something(self) -> bool:
        return self.basis is not None and bool(self.granted)
