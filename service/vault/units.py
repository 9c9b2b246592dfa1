"""Units of work that may miss a key: run, roll back, fetch the key outside any transaction, run again.

One function for requests and jobs, one for the console. With a key store within the process a unit never misses a key
and this is `in_unit`. With a remote one no call to it is made while a transaction is open: a slow key store would hold
connections, locks and the ledger's horizon. What a unit did before it missed the key was rolled back, so its effects
happen once, however often it ran.
"""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncEngine

from service.store.session import in_unit, in_unit_sync
from service.vault.epoch import KmsUnavailable
from service.vault.needed import KeyNeeded
from service.vault.vault import Vault

T = TypeVar("T")

#: Keys one unit may miss, one after the other; a page of 200 patients stays below.
MOST_KEYS: Final = 256


async def run_unit(
    engine: AsyncEngine, vault: Vault, unit: Callable[[Connection], T], *, seconds: float | None = None
) -> T:
    """`in_unit`, and what the unit misses fetched between attempts. `seconds` bounds each attempt (TimeoutError).

    KmsUnavailable when the key store does not answer: nothing happened then.
    """
    for _ in range(MOST_KEYS):
        try:
            async with asyncio.timeout(seconds):
                return await in_unit(engine, unit)
        except KeyNeeded as needed:
            wanted = needed.wanted
        await vault.fetch(wanted)
    raise KmsUnavailable


def run_unit_sync(engine: Engine, vault: Vault, unit: Callable[[Connection], T]) -> T:
    """The same on a synchronous engine, for commands and tests."""
    for _ in range(MOST_KEYS):
        try:
            return in_unit_sync(engine, unit)
        except KeyNeeded as needed:
            wanted = needed.wanted
        vault.fetch_sync(wanted)
    raise KmsUnavailable
