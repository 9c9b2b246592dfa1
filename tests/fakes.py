"""The only things tests replace: the clock and outside parties."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """A clock that stands where a test puts it."""

    def __init__(self, at: datetime | None = None) -> None:
        self.beginning = at or datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
        self.at = self.beginning

    def now(self) -> datetime:
        return self.at

    def set(self, at: datetime) -> None:
        self.at = at.astimezone(UTC)

    def advance(self, by: timedelta) -> None:
        self.at += by
