"""Where a patient may be written to, and when: the safe channel they named first that carries messages.

An address is safe only in the hours the patient gave. Outside of them a message waits for the next such hour; what is
safe in none of the next twenty-four is not safe.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from service.delivery.model import Channel
from service.people.contacts import safe_channels

_STEP: Final = timedelta(minutes=15)
_STEPS: Final = 24 * 4


@dataclass(frozen=True, slots=True, repr=False)
class Way:
    """One address, and the next instant at which it may be used."""

    channel: Channel
    address: str
    at: datetime


def way_to(
    document: Mapping[str, Any], now: datetime, zone: ZoneInfo, to: tuple[Channel, str] | None = None
) -> Way | None:
    """The first way to the patient from `now` on; with `to`, to that address and no other. None: somebody calls."""
    for step in range(_STEPS):
        at = now + step * _STEP
        for safe in safe_channels(document, at.astimezone(zone)):
            if safe.channel.value not in set(Channel):
                continue
            channel = Channel(safe.channel.value)
            if to is None or to == (channel, safe.address):
                return Way(channel, safe.address, at)
    return None
