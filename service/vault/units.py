"""Units of work that may miss a key: run, roll back, fetch the key outside any transaction, run again.

One function for requests and jobs, one for the console. With a key store within the process a unit never misses a key
and this is `in_unit`. With a remote one no call to it is made while a transaction is open: a slow key store would hold
connections, locks and the ledger's horizon. What a unit did before it missed the key was rolled back, so its effects
happen once, however often it ran.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncEngine

from service.store.session import in_unit, in_unit_sync
from service.store.types import noting_keys
from service.vault.epoch import KmsUnavailable
from service.vault.foreseeing import records
from service.vault.needed import KeyNeeded, Wanted
from service.vault.vault import Vault

T = TypeVar("T")

#: Times one unit may miss keys. It misses those of all rows it has read at once, so a page takes two or three.
MOST_TIMES: Final = 256
#: Keys fetched in one go, some at a time; a page of 200 patients stays below.
MOST_AT_ONCE: Final = 256


async def run_unit(
    engine: AsyncEngine, vault: Vault, unit: Callable[[Connection], T], *, seconds: float | None = None
) -> T:
    """`in_unit`, and what the unit misses fetched between attempts. `seconds` bounds each attempt (TimeoutError).

    KmsUnavailable when the key store does not answer: nothing happened then.
    """
    attempt = _foreseeing(vault, unit)
    for _ in range(MOST_TIMES):
        try:
            async with asyncio.timeout(seconds):
                return await in_unit(engine, attempt)
        except KeyNeeded as needed:
            wanted = needed.wanted
        await vault.fetch(wanted)
    raise KmsUnavailable


def run_unit_sync(engine: Engine, vault: Vault, unit: Callable[[Connection], T]) -> T:
    """The same on a synchronous engine, for commands and tests."""
    attempt = _foreseeing(vault, unit)
    for _ in range(MOST_TIMES):
        try:
            return in_unit_sync(engine, attempt)
        except KeyNeeded as needed:
            wanted = needed.wanted
        vault.fetch_sync(wanted)
    raise KmsUnavailable


def _foreseeing(vault: Vault, unit: Callable[[Connection], T]) -> Callable[[Connection], T]:
    """The unit; where it misses a key, it misses with it those of everything it has read."""
    if not vault.kms.remote:
        return unit

    def attempt(db: Connection) -> T:
        with noting_keys() as read:
            try:
                return unit(db)
            except KeyNeeded as needed:
                missed = needed.wanted
        raise KeyNeeded(*_foreseen(vault, db, missed, read))

    return attempt


def _foreseen(
    vault: Vault, db: Connection, missed: Sequence[Wanted], key_ids: Iterable[bytes]
) -> tuple[Wanted, ...]:
    """What a unit missed, then what it will miss next: the other keys of those owners, and of the owners of `key_ids`,
    whose values it has read. What it may not open it does not open: a key alone shows nothing.
    """
    stored = {one.stored.key_id: one for one in missed if one.stored is not None}
    wanted = [one for one in missed if one.stored is None] + list(stored.values())
    for owner, key in records.keys_beside(db, {*key_ids, *stored}):
        if key.key_id not in stored and vault.lacks(owner, key):
            wanted.append(Wanted(owner, key))
    return tuple(wanted[:MOST_AT_ONCE])
