"""The demo."""

from service.config import Settings


def prepare(settings: Settings, url: str) -> None:
    pass


def announce(settings: Settings) -> None:
    pass
