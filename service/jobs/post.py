"""The job that sends messages: claims and settles in transactions, and waits for carriers between them.

It has a task of its own: a mail server that hangs holds up no other job.
"""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from service.access.program import Program
from service.delivery.carriers import Carrier, NotNow, Outcome
from service.delivery.model import Channel
from service.delivery.retrying import SEND_SECONDS
from service.delivery.sending import Claimed, Desk, claim, settle
from service.jobs.runner import MOST_ROUNDS, TICK, Service, report

NAME: Final = "delivery"


@dataclass(slots=True)
class Post:
    """Carriers and the desk they send for."""

    service: Service
    desk: Desk
    carriers: Mapping[Channel, Carrier]
    send_seconds: float = SEND_SECONDS

    async def run_forever(self) -> None:
        """A round every few seconds until cancelled."""
        while True:
            await self.run_once()
            await asyncio.sleep(TICK)

    async def run_once(self) -> int:
        """Everything that is due, in every program; how many attempts were made. What fails stops nothing else."""
        made = 0
        try:
            for program in await self.service.programs():
                made += await self._send_all(program)
        except Exception as error:
            report(NAME, error)
        return made

    async def _send_all(self, program: Program) -> int:
        made = 0
        try:
            for _ in range(MOST_ROUNDS):
                claimed = await self.service.act(program, lambda work: claim(work, self.desk))
                if not claimed:
                    break
                for one in claimed:
                    await self._send(program, one)
                    made += 1
        except Exception as error:
            report(NAME, error)
        return made

    async def _send(self, program: Program, claimed: Claimed) -> None:
        outcome = await self._carry(claimed)
        # Killed here, the message went out and nobody noted it: it goes out once more after its lease (sending.py).
        chance = secrets.SystemRandom().random()
        await self.service.act(program, lambda work: settle(work, self.desk, claimed, outcome, chance))

    async def _carry(self, claimed: Claimed) -> Outcome:
        try:
            async with asyncio.timeout(self.send_seconds):
                return await self.carriers[claimed.channel].carry(claimed.parcel)
        except TimeoutError:
            return NotNow("no_answer")
        except Exception as error:  # a carrier's own fault is no verdict on the message
            report(NAME, error)
            return NotNow("carrier_failed")
