"""Whom and how the program may reach: safe channels, and what may be said to whom. Pure, over demographics.

A channel nobody said to be safe is not safe. A contact person is not a consent: whether somebody may hear that the
patient comes here at all is the patient's own answer, and nothing beyond that is said without a consent (42 CFR 2.13).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from typing import Any, Final, cast

#: What staff say to somebody who may not hear more: it names neither the program nor why.
DEFAULT_SCRIPT: Final = (
    "I have a message for them. Please ask them to call back the number I am calling from."
)


class Channel(StrEnum):
    EMAIL = "email"
    TEXT = "text"
    VOICE = "voice"
    MAIL = "mail"


class MaySay(StrEnum):
    """The patient's answer to: may we tell this person that you attend here?"""

    YES = "yes"
    NO = "no"
    EMERGENCY_ONLY = "emergency_only"


@dataclass(frozen=True, slots=True, repr=False)
class SafeChannel:
    """A channel that may be used now. `code_word`: what the caller says so that the patient knows who it is."""

    channel: Channel
    address: str
    code_word: str | None
    #: A message may be left (voice only).
    voicemail: bool = False


def safe_channels(document: Mapping[str, Any], at: datetime) -> tuple[SafeChannel, ...]:
    """Channels that are safe at `at`, which is told in the zone of the patient's times (the program's).

    Times are those of the wall clock: in the hour that comes twice a window holds twice, in the one that is left out
    never. `from` belongs to the window, `to` does not; a window may cross midnight. Where the patient is in danger at
    home (`sdv`) nothing goes by mail and no message is left.
    """
    if at.tzinfo is None:
        raise ValueError("an instant needs its zone")
    endangered = document.get("sdv") is True
    found: list[SafeChannel] = []
    for given in entries(document.get("channels")):
        channel = Channel(str(given["channel"]))
        if given.get("safe") is not True or (endangered and channel is Channel.MAIL):
            continue
        if not _within(given.get("from"), given.get("to"), at.time().replace(tzinfo=None)):
            continue
        voicemail = channel is Channel.VOICE and given.get("voicemail") is True and not endangered
        found.append(SafeChannel(channel, str(given["address"]), given.get("code_word"), voicemail))
    return tuple(found)


def entries(value: object) -> Sequence[Mapping[str, Any]]:
    """A list of objects in a document, or none."""
    return cast("Sequence[Mapping[str, Any]]", value) if isinstance(value, list | tuple) else ()


def clock_time(written: object) -> time | None:
    """A time of day written HH:MM; None when it is not one."""
    if not isinstance(written, str) or len(written) != 5:
        return None
    try:
        return time.fromisoformat(written)
    except ValueError:
        return None


def _within(begins: object, ends: object, now: time) -> bool:
    """Whether a time of day lies in a window; without a beginning or an end it is open on that side."""
    first, last = clock_time(begins), clock_time(ends)
    if (begins is not None and first is None) or (ends is not None and last is None):
        return False  # an unreadable window is no permission
    first, last = first or time.min, last
    if last is None:
        return now >= first
    if first <= last:
        return first <= now < last
    return now >= first or now < last
