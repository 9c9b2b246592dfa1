"""What "ready" means: each part by itself, so that an operator sees which one is not."""

import asyncio
from collections.abc import Awaitable

from sqlalchemy import Connection, func, select

from service.edge.state import State
from service.errors import ConsentryError
from service.ids import SERVICE_PROGRAM
from service.store.session import in_unit
from service.store.versions import database_version, expected_version
from service.vault.units import run_unit
from service.work import enter

PROBE_SECONDS = 2.0


async def readiness(state: State) -> dict[str, bool]:
    """Name of each part and whether it can serve."""
    migrated, keys = await asyncio.gather(_within(_database(state)), _within(_keys(state)))
    return {
        "database": migrated is not None,
        "migrations": migrated is True,
        "keys": keys is True,
        "ledger": migrated is not None and state.sequencer.healthy and state.mechanisms.standing.fit,
        "policies": bool(state.mechanisms.access.policy_set_hash),
    }


async def _database(state: State) -> bool:
    """Whether its schema is the one this code knows."""

    def probe(db: Connection) -> bool:
        db.execute(select(func.now()))
        return database_version(db) == expected_version(state.settings.migrations)

    return await in_unit(state.engine, probe)


async def _keys(state: State) -> bool:
    """True, or an error: the key store answers, and it is the one that this database's keys belong to."""
    vault = state.mechanisms.vault

    def probe(db: Connection) -> bool:
        enter(db, SERVICE_PROGRAM)
        vault.load_service_keys(db)
        return True

    await vault.check()
    return await run_unit(state.engine, vault, probe)


async def _within(asking: Awaitable[bool]) -> bool | None:
    """The answer, or None when there is none in time."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            return await asking
    except (ConsentryError, TimeoutError):
        return None
