"""When a message is tried again: five times over about a day and a half, then somebody calls.

Between attempts the wait grows fourfold, with chance in it, so that a mail server that comes back is not met by
everybody at once. A claim is a lease: while it runs nobody else sends the message, and when it has run out without an
outcome the process that held it is taken to be dead.
"""

from datetime import datetime, timedelta
from typing import Final

MOST_ATTEMPTS: Final = 6
FIRST_WAIT: Final = timedelta(minutes=2)
LONGEST_WAIT: Final = timedelta(hours=12)
#: Longer than a whole batch can take: BATCH times SEND_SECONDS.
LEASE: Final = timedelta(minutes=10)
BATCH: Final = 10
SEND_SECONDS: Final = 30.0


def next_attempt(attempts: int, now: datetime, chance: float) -> datetime | None:
    """When to try again after `attempts` that failed; None to give up. `chance` in [0, 1) spreads the wait from half
    to the whole of it.
    """
    if attempts >= MOST_ATTEMPTS:
        return None
    wait = min(FIRST_WAIT * 4 ** (attempts - 1), LONGEST_WAIT)
    return now + wait / 2 + wait / 2 * chance
