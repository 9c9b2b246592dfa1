"""What "ready" means: each part by itself, so that an operator sees which one is not."""

import asyncio

from sqlalchemy import Connection, func, select

from service.edge.state import State
from service.errors import ConsentryError
from service.ids import SERVICE_PROGRAM
from service.store.session import in_unit
from service.store.versions import database_version, expected_version
from service.work import enter

PROBE_SECONDS = 2.0


async def readiness(state: State) -> dict[str, bool]:
    """Name of each part and whether it can serve."""

    def probe(connection: Connection) -> dict[str, bool]:
        connection.execute(select(func.now()))
        current = database_version(connection) == expected_version(state.settings.migrations)
        enter(connection, SERVICE_PROGRAM)
        state.mechanisms.vault.load_service_keys(connection)
        return {"database": True, "migrations": current, "keys": True, "ledger": state.sequencer.healthy}

    checks = {"database": False, "migrations": False, "keys": False, "ledger": False}
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            checks = await in_unit(state.engine, probe)
    except (ConsentryError, TimeoutError):
        pass
    return {**checks, "policies": bool(state.mechanisms.access.policy_set_hash)}
