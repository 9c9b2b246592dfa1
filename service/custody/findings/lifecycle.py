"""How a finding lives: raised, decided by a person, decided again, raised anew by what comes later. Pure.

Nothing here ends a finding but a decision; a decision is never taken back, a later one stands beside it. A new fact
opens again what was decided, because whoever decided had not seen it.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class FindingState(StrEnum):
    """Open: nobody decided, or something new came since. Needs more: somebody looked and is not done."""

    OPEN = "open"
    NEEDS_MORE = "needs_more"
    JUSTIFIED = "justified"
    NOT_JUSTIFIED = "not_justified"


class FindingDecision(StrEnum):
    """What a compliance officer says."""

    JUSTIFIED = "justified"
    NOT_JUSTIFIED = "not_justified"
    NEEDS_MORE = "needs_more"


#: What waits for somebody.
WAITING: Final = frozenset({FindingState.OPEN, FindingState.NEEDS_MORE})

AFTER: Final[Mapping[FindingDecision, FindingState]] = {
    FindingDecision.JUSTIFIED: FindingState.JUSTIFIED,
    FindingDecision.NOT_JUSTIFIED: FindingState.NOT_JUSTIFIED,
    FindingDecision.NEEDS_MORE: FindingState.NEEDS_MORE,
}


def with_new_facts(state: FindingState) -> FindingState:
    """The state after something new was found for it: what waits goes on waiting, what was decided is open again."""
    return state if state in WAITING else FindingState.OPEN
