"""How the ledger stands, and what may happen while it does not stand well.

    ok            everything signed is anchored outside
    anchor_late   an anchor has been behind for more than a minute: an alert, nothing else
    overdue       no anchor that is required has kept up for the minutes of grace: what would be recorded now could be
                  rewritten without anybody outside noticing, so patients' information is neither written nor read
    forked        an anchor holds more, or something else, than the database: a restore, or a rewriting. Going on would
                  make two histories; nothing is written until an operator has said which one is true

Signing in, reading the trail and recording the restore stay possible in every state, or nobody could put it right. The
entries of what is refused or done meanwhile are written as ever: no state switches the audit off.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from service.clock import monotonic
from service.errors import Code, Unavailable

#: An anchor is late from here on, seconds.
LATE: Final = 60.0
_RETRY: Final = 15
#: Acts on the service and the trail itself: possible in every state.
_ALWAYS: Final = frozenset(
    {"session", "sign_in", "call", "audit", "ledger", "account", "integrity", "program", "key"}
)
#: Of these, what changes something waits like everything else.
_ALWAYS_READ_ONLY: Final = frozenset({"program", "key"})
#: Verbs that change nothing but the trail.
_READING: Final = frozenset({"read", "list", "search", "read_self", "export", "explain", "preview"})


class LedgerState(StrEnum):
    """See the module."""

    OK = "ok"
    ANCHOR_LATE = "anchor_late"
    OVERDUE = "overdue"
    FORKED = "forked"


def judge(
    *, forked: bool, required: Mapping[str, float], others: Mapping[str, float], grace: float
) -> LedgerState:
    """The state for seconds that each anchor is behind; `grace` in seconds. One required anchor that keeps up is
    enough to go on, any that does not is enough for an alert.
    """
    if forked:
        return LedgerState.FORKED
    if min(required.values(), default=0.0) >= grace:
        return LedgerState.OVERDUE
    if max((*required.values(), *others.values()), default=0.0) > LATE:
        return LedgerState.ANCHOR_LATE
    return LedgerState.OK


@dataclass(slots=True)
class Standing:
    """What this process knows; renewed at every pass of its sequencer."""

    state: LedgerState = LedgerState.OK
    policy: str = "refuse"
    #: Seconds without a required anchor before the policy acts, and when the state was last looked at (monotonic).
    grace: float = 300.0
    renewed: float | None = None

    @property
    def fit(self) -> bool:
        """Whether everything is served."""
        return self.state is not LedgerState.FORKED and not self._too_late

    @property
    def _too_late(self) -> bool:
        unknown = self.renewed is not None and monotonic() - self.renewed > self.grace
        return (unknown or self.state is LedgerState.OVERDUE) and self.policy == "refuse"

    def check(self, action: str) -> None:
        """Raises Unavailable when this act has to wait; asked before anything of it is loaded."""
        resource, _, verb = action.partition(".")
        reading = verb in _READING
        if resource in _ALWAYS and (reading or resource not in _ALWAYS_READ_ONLY):
            return
        if self.state is LedgerState.FORKED and not reading:
            raise Unavailable(
                Code.LEDGER_FORKED,
                "The database does not continue the trail that was signed. Nothing is written until an operator has "
                "recorded what happened.",
                retry_after=_RETRY,
            )
        if self._too_late:
            raise Unavailable(
                Code.LEDGER_NOT_ANCHORED,
                "The trail cannot be kept outside the database now, so nothing is read or written.",
                retry_after=_RETRY,
            )
