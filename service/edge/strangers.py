"""Calls by nobody: counted, and one ledger entry a minute says how many there were.

A refused sign-in is an entry of its own. A call without a valid token is not: anybody can send thousands a second,
and a ledger that grows at the will of strangers is a way to fill a disk. The number is what a reviewer needs.
"""

import asyncio
from datetime import datetime
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from service.access.actions import Action
from service.clock import Clock
from service.errors import ConsentryError
from service.identity.signin import record_unattributed
from service.ids import SERVICE_PROGRAM
from service.log import log
from service.vault.units import run_unit
from service.work import Mechanisms, enter

INTERVAL: Final = 60.0


class Strangers:
    """The count of one process since its last entry."""

    def __init__(self) -> None:
        self._calls = 0
        self._since: datetime | None = None

    def note(self, now: datetime) -> None:
        """One more call that was refused for want of a session."""
        self._calls += 1
        self._since = self._since or now

    async def run_forever(self, engine: AsyncEngine, mechanisms: Mechanisms, clock: Clock) -> None:
        """Write the count once a minute; what cannot be written is kept for the next minute."""
        while True:
            await asyncio.sleep(INTERVAL)
            try:
                await self.write(engine, mechanisms, clock.now())
            except ConsentryError as error:
                log().error("count_not_recorded", code=error.code.value)

    async def write(self, engine: AsyncEngine, mechanisms: Mechanisms, now: datetime) -> None:
        """Record and reset the count; nothing at all when nobody came."""
        calls, since = self._calls, self._since
        if since is None:
            return

        def record(db: Connection) -> None:
            enter(db, SERVICE_PROGRAM)
            record_unattributed(
                mechanisms,
                db,
                action=Action.CALL_UNAUTHENTICATED,
                program_id=SERVICE_PROGRAM,
                now=now,
                request_id="",
                detail={"calls": calls, "since": since.isoformat().replace("+00:00", "Z")},
            )

        await run_unit(engine, mechanisms.vault, record)
        self._calls -= calls
        self._since = now if self._calls else None
