"""What a holder of checkpoints outside the database must be able to do.

An anchor is believed more than the database: what it says was signed before, was. So it takes larger checkpoints only,
except behind a head that an operator declared abandoned (`over`), and it never takes anything back.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol
from uuid import UUID

from service.ledger.checkpoint import Checkpoint


class AnchorFailed(Exception):
    """It cannot be reached, or did not confirm; may succeed later."""


class AnchorUnfit(Exception):
    """It is not a place that keeps what it is given; the text tells the operator why."""


class Anchor(Protocol):
    """One place outside. Calls block and may fail with AnchorFailed; none is made inside a transaction."""

    @property
    def name(self) -> str: ...

    @property
    def near(self) -> bool:
        """On this machine: takes every checkpoint and is asked at every pass; others get the newest now and then."""
        ...

    @property
    def confirms(self) -> bool:
        """Whether a publication that returns has been kept; only then can it be required."""
        ...

    def check(self) -> None:
        """Whether it can be written to. Raises AnchorUnfit for a mistake in its setting up."""
        ...

    def trees(self) -> Sequence[UUID]:
        """The trees it holds checkpoints of."""
        ...

    def newest(self, tree: UUID) -> Checkpoint | None:
        """The head it was given last; None when there is none, or when it cannot be asked."""
        ...

    def notes(self, tree: UUID) -> Iterator[str]:
        """Every note it holds of a tree, abandoned branches too."""
        ...

    def publish(self, tree: UUID, notes: Sequence[str], over: Checkpoint | None = None) -> None:
        """Keep these notes, smallest first, for good. `over`: the head they replace after a recorded restore."""
        ...
