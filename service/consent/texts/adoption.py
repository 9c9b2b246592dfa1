"""Which adopted version is in force on a day, and which consents have to be collected again: pure rules.

The words are files (part of the policy set); that a program uses a version from a day on is its own act. What was
signed stays signed: newer words end no consent. Where compliance says so (`recollect_by`) the patient is asked to
sign again, and until then the older consent goes on.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Adoption:
    """A program's decision to use a version. `text_hash`: of its files at that time, over all languages."""

    id: UUID
    program_id: UUID
    version: str
    text_hash: str
    effective_from: date
    recollect_by: date | None
    adopted_by: UUID
    adopted_at: datetime


def in_force(adoptions: Iterable[Adoption], today: date) -> Adoption | None:
    """The adoption whose words new drafts are written in today; None before the first one begins.

    Of two that begin on one day the one decided later counts.
    """
    begun = _begun(adoptions, today)
    return begun[-1] if begun else None


def needs_recollection(text_version: str | None, adoptions: Iterable[Adoption], today: date) -> date | None:
    """The day by which an active consent in these words is to be signed again; None when it need not be.

    A consent is older than an adoption when it is written neither in its version nor in one that came into force
    after it. An adoption that has not begun asks for nothing yet. `text_version` None: words from before versions
    were kept in the row, older than all.
    """
    begun = _begun(adoptions, today)
    due = [
        adoption.recollect_by
        for place, adoption in enumerate(begun)
        if adoption.recollect_by is not None
        and text_version not in {newer.version for newer in begun[place:]}
    ]
    return min(due, default=None)


def versions_that_stay(adoptions: Iterable[Adoption], today: date) -> frozenset[str] | None:
    """Versions whose consents need not be collected again; None when no consent need be.

    The complement of `needs_recollection`, for a query that finds the others.
    """
    begun = _begun(adoptions, today)
    asking = [place for place, adoption in enumerate(begun) if adoption.recollect_by is not None]
    return frozenset(newer.version for newer in begun[asking[-1] :]) if asking else None


def _begun(adoptions: Iterable[Adoption], today: date) -> Sequence[Adoption]:
    """Those in force from today or earlier, oldest first."""
    begun = (adoption for adoption in adoptions if adoption.effective_from <= today)
    return sorted(begun, key=lambda adoption: (adoption.effective_from, adoption.adopted_at, adoption.id))
