"""The one place that reads the time.

Everything else receives an instant: decisions about expiry and revocation must be repeatable, and a test must be
able to stand at any moment. Ordering between acts never rests on this clock; the database's locks decide that.
"""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the current instant, timezone-aware, UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def monotonic() -> float:
    """Seconds that only ever grow; for durations and cache ages, never for records."""
    return time.monotonic()
