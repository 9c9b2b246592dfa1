"""When a patient is reminded of what waits: at once by the link, after a day, after three days, then somebody calls.

Pure. One message for everything that waits, never one for each form, and none of them says what waits: a message may be
read by somebody else (42 CFR 2.13(c)). Where no channel is safe the ladder ends, and a person calls.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

#: Hours after the link was sent.
FIRST: Final = timedelta(hours=24)
SECOND: Final = timedelta(hours=72)
CALL: Final = timedelta(hours=96)


class Rung(StrEnum):
    """What is to be done now."""

    WAIT = "wait"
    FIRST_REMINDER = "first_reminder"
    SECOND_REMINDER = "second_reminder"
    CALL = "call"


@dataclass(frozen=True, slots=True)
class Nudged:
    """How far the ladder has been climbed. `sent_at`: the last link; None: nothing was ever sent. `called_at`: when
    a call was asked for; what was asked for before the last link is over.
    """

    sent_at: datetime | None
    reminders: int = 0
    last_at: datetime | None = None
    called_at: datetime | None = None
    channel_safe: bool = True

    @property
    def called(self) -> bool:
        """A call is asked for, and no link went since."""
        return self.called_at is not None and (self.sent_at is None or self.called_at >= self.sent_at)


def next_rung(nudged: Nudged, waiting: bool, now: datetime) -> Rung:
    """The next rung for this patient at `now`. A new link starts the ladder anew; two reminders are never closer than a
    day, however late the job runs.
    """
    sent = nudged.sent_at
    if not waiting or sent is None or nudged.called:
        return Rung.WAIT
    if not nudged.channel_safe:
        return Rung.CALL
    fresh = nudged.last_at is None or nudged.last_at < sent
    reminders = 0 if fresh else nudged.reminders
    if not fresh and nudged.last_at is not None and now < nudged.last_at + FIRST:
        return Rung.WAIT
    if reminders >= 2:
        return Rung.CALL if now >= sent + CALL else Rung.WAIT
    if reminders == 1:
        return Rung.SECOND_REMINDER if now >= sent + SECOND else Rung.WAIT
    return Rung.FIRST_REMINDER if now >= sent + FIRST else Rung.WAIT
