"""How long a session lives: 15 minutes without use, 12 hours in all.

45 CFR 164.312(a)(2)(iii) asks for automatic logoff without a number; NIST SP 800-63B-4 section 2.2.3 allows
an hour and a day at most. Ours are shorter because the workstation of an intake room is shared.

The state is computed from three times on every call, on every worker: there is no job that could be late.
The time of last use is written at most once a minute (`session_caller` in the database), so a session may end
up to a minute early, never late.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from service.identity.model import Channel, Session

IDLE_LIMIT: Final = timedelta(minutes=15)
#: Whoever a packet link let in sits at home over a form: twice as long (the database says the same), and over sooner.
LINK_IDLE_LIMIT: Final = 2 * IDLE_LIMIT
LINK_LIFETIME: Final = timedelta(hours=2)
ABSOLUTE_LIFETIME: Final = timedelta(hours=12)


class SessionState(StrEnum):
    """What a session is at an instant; only ACTIVE lets a call through."""

    ACTIVE = "active"
    ENDED = "ended"
    EXPIRED = "expired"
    IDLE = "idle"


def state_at(session: Session, now: datetime) -> SessionState:
    """ENDED by somebody, EXPIRED at its absolute end, IDLE after too long without use, else ACTIVE."""
    if session.ended_at is not None:
        return SessionState.ENDED
    if now >= session.expires_at:
        return SessionState.EXPIRED
    if now - session.last_used_at >= (LINK_IDLE_LIMIT if session.channel is Channel.LINK else IDLE_LIMIT):
        return SessionState.IDLE
    return SessionState.ACTIVE
