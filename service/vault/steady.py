"""A remote key store as the rest of the vault wants it: every call ends within seconds, a lost packet is no outage.

A call is tried again after a wait with chance in it. When it failed for good, the next callers are told so at once for
a moment instead of waiting each for themselves; then one asks again, so service comes back by itself.
"""

import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as CallTimeout
from datetime import datetime
from typing import Final, TypeVar

from service.clock import monotonic
from service.vault.epoch import EpochInfo, Kms, KmsUnavailable

T = TypeVar("T")

#: Seconds one call may take, and all attempts together; a client hears 503 within five.
CALL_SECONDS: Final = 2.0
DEADLINE_SECONDS: Final = 4.0
#: Waits before the second and third attempt; half to the whole of each.
WAITS: Final = (0.1, 0.4)
#: How long nobody asks after everything failed.
SHUT_SECONDS: Final = 1.0
#: Making or destroying a KEK may take longer, and no request waits for it.
_EPOCH_SECONDS: Final = 30.0
_CALLS_AT_ONCE: Final = 16


class Steady:
    """A key store with timeouts, retries and a pause after failure."""

    def __init__(
        self,
        kms: Kms,
        *,
        ticks: Callable[[], float] = monotonic,
        wait: Callable[[float], None] = time.sleep,
        call_seconds: float = CALL_SECONDS,
    ) -> None:
        self._kms = kms
        self._ticks = ticks
        self._wait = wait
        self._call_seconds = call_seconds
        self._calls = ThreadPoolExecutor(_CALLS_AT_ONCE, thread_name_prefix="kms")
        self._shut_until = 0.0

    @property
    def name(self) -> str:
        return self._kms.name

    @property
    def remote(self) -> bool:
        return self._kms.remote

    @property
    def active_id(self) -> bytes:
        return self._kms.active_id

    def knows(self, kek_id: bytes) -> bool:
        return self._kms.knows(kek_id)

    def epochs(self) -> tuple[EpochInfo, ...]:
        return self._kms.epochs()

    def wrap(self, secret: bytes, bound_to: bytes) -> tuple[bytes, bytes]:
        return self._ask(lambda: self._kms.wrap(secret, bound_to))

    def unwrap(self, kek_id: bytes, wrapped: bytes, bound_to: bytes) -> bytes:
        return self._ask(lambda: self._kms.unwrap(kek_id, wrapped, bound_to))

    def check(self) -> None:
        self._ask(self._kms.check)

    def begin_epoch(self, now: datetime) -> bytes:
        # never tried twice: the first try may have made a key of which we only did not hear
        return self._once(lambda: self._kms.begin_epoch(now), _EPOCH_SECONDS)

    def end_epoch(self, kek_id: bytes) -> None:
        self._once(lambda: self._kms.end_epoch(kek_id), _EPOCH_SECONDS)

    def _ask(self, call: Callable[[], T]) -> T:
        begun = self._ticks()
        if begun < self._shut_until:
            raise KmsUnavailable
        for wait in (*WAITS, None):
            left = begun + DEADLINE_SECONDS - self._ticks()
            try:
                result = self._once(call, min(self._call_seconds, left))
            except KmsUnavailable:
                if wait is None or self._ticks() + wait >= begun + DEADLINE_SECONDS:
                    break
                self._wait(wait * (0.5 + secrets.SystemRandom().random() / 2))
            else:
                self._shut_until = 0.0
                return result
        self._shut_until = self._ticks() + SHUT_SECONDS
        raise KmsUnavailable

    def _once(self, call: Callable[[], T], seconds: float) -> T:
        """One call, given up after `seconds`; what was given up may still end by itself, unheard."""
        running = self._calls.submit(call)
        try:
            return running.result(max(seconds, 0.01))
        except CallTimeout:
            running.cancel()
            raise KmsUnavailable from None
