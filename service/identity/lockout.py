"""How often a password may be tried: ten attempts, then fifteen minutes of nothing.

An attempt takes its slot *before* the password is looked at, in its own committed transaction. Counting
afterwards would let fifty parallel attempts be evaluated while the counter still says nine. Slots belong to
the name that was typed, known or not, so an unknown name costs the same statements and locks in the same way
(NIST SP 800-63B-4 section 3.2.2 limits consecutive failures to 100; ten is ours).

A lock that ran out gives a new round of ten; a sign-in that succeeds clears the count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

MAX_ATTEMPTS: Final = 10
LOCK_FOR: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Slots:
    """Attempts taken for one name since its last success or the end of its last lock."""

    failures: int = 0
    locked_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reservation:
    """`slots` is to be stored; `granted` says whether the password may be evaluated at all.

    `closes` marks the attempt that took the last slot: if it fails, the name is locked, and that is an event.
    """

    granted: bool
    closes: bool
    slots: Slots


def strictest(found: Sequence[Slots]) -> Slots:
    """What counts of several slots of one name: the lock that ends last, and the most attempts."""
    locks = [one.locked_until for one in found if one.locked_until is not None]
    return Slots(max(one.failures for one in found), max(locks, default=None))


def reserve(slots: Slots, now: datetime) -> Reservation:
    """Takes a slot for one attempt at `now`, or refuses it."""
    if slots.locked_until is not None:
        if now < slots.locked_until:
            return Reservation(granted=False, closes=False, slots=slots)
        slots = Slots()
    taken = slots.failures + 1
    closes = taken >= MAX_ATTEMPTS
    return Reservation(granted=True, closes=closes, slots=Slots(taken, now + LOCK_FOR if closes else None))
