"""One call to the key store for everybody who waits for the same key.

Fifty requests about one patient miss the same key at the same moment: the first one asks, in a thread of its own, the
others wait for the same answer.
"""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from service.vault.needed import Wanted
from service.vault.wrapping import may_be_ahead, scope_of

_AT_ONCE: Final = 8


class Flights:
    """The fetches of one process that are under way."""

    def __init__(self, fetch: Callable[[Wanted], None]) -> None:
        self._fetch = fetch
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="keys")
        self._under_way: dict[object, asyncio.Future[None]] = {}

    async def fetch(self, wanted: Iterable[Wanted]) -> None:
        """Wait until all were fetched, each by whoever asked first; raises what the first that failed raised.

        So many at once as there are threads; the others wait their turn.
        """
        await asyncio.gather(*(self._join(_what(one), partial(self._fetch, one)) for one in wanted))

    def fetch_sync(self, wanted: Iterable[Wanted]) -> None:
        """The same for somebody who waits in a thread of their own."""
        for _ in self._threads.map(self._fetch, wanted):
            pass

    async def check(self, check: Callable[[], None]) -> None:
        """The same for the question whether the key store is there."""
        await self._join("check", check)

    async def _join(self, key: object, call: Callable[[], None]) -> None:
        flight = self._under_way.get(key)
        if flight is None:
            loop = asyncio.get_running_loop()
            flight = loop.run_in_executor(self._threads, call)
            self._under_way[key] = flight
            flight.add_done_callback(lambda done: self._landed(key, done))
        await asyncio.shield(flight)  # one who gives up does not end it for the others

    def _landed(self, key: object, flight: asyncio.Future[None]) -> None:
        self._under_way.pop(key, None)
        if not flight.cancelled():
            flight.exception()  # heard, even if all who waited have gone


def _what(wanted: Wanted) -> object:
    """What makes two wishes the same one: the stored row, or the kind of new key."""
    if wanted.stored is not None:
        return wanted.owner, wanted.stored.key_id, wanted.stored.kek_id, wanted.stored.wrapped
    return scope_of(wanted.owner) if may_be_ahead(wanted.owner) else wanted.owner
