"""The processes of the matrix, each as an operator or a start of the service would run it: everything is made anew."""

import asyncio
import os
from functools import partial
from typing import Final
from unittest.mock import patch

from service.cli.operator import Operator
from service.clock import SystemClock
from service.custody.shredding.operations import Attester, decide
from service.custody.shredding.retention import load_retention
from service.errors import Conflict
from service.ids import SERVICE_PROGRAM
from service.ledger.checkpoint import origin_of
from service.ledger.sequencer import Pass, sequence
from service.ledger.standing import LedgerState
from service.store.engine import plain_engine
from service.store.session import in_unit_sync
from tests.anchors import service_keys, starting
from tests.crash.matrix.stage import Case
from tests.fakes import FakeClock
from tests.serving import Ended, command

#: No request runs beside a case that could still use an old key.
SETTLED: Final = ("--settled", "0")


def sequenced(case: Case) -> None:
    """The passes of a process that starts, until every entry has its position and every near anchor its heads."""
    asyncio.run(_sequenced(case))


def anchored(case: Case) -> None:
    """The anchoring of a process that starts and leads: it looks, and publishes near and far."""
    asyncio.run(_anchored(case))


def standing(case: Case) -> LedgerState:
    """How the ledger stands for a process that starts."""
    return asyncio.run(_standing(case))


def signed_only(case: Case) -> None:
    """Two signed heads of each tree that no anchor has heard of: what a leader leaves that was killed after a commit."""
    keys, now = service_keys(case.settings), SystemClock().now()
    engine = plain_engine(case.settings.sequencer_database_url)
    for batch in (5, 500):
        in_unit_sync(
            engine,
            lambda db, batch=batch: sequence(
                db, keys.ledger_signer, keys.ledger_mac, now, deployment=case.settings.deployment, batch=batch
            ),
        )


def rotated(kind: str, case: Case) -> None:
    _done(case, "keys", "rotate", kind, *SETTLED)


def shredded(case: Case) -> None:
    """The second person's approval, given again if nobody heard an answer; then the operator's `keys finish`."""
    settings = case.settings
    operator = Operator(settings, FakeClock(case.decided_at))
    name = origin_of(settings.deployment, str(SERVICE_PROGRAM))
    attester = Attester(name, service_keys(case.settings).ledger_signer)
    book = load_retention(settings.policies)
    try:
        operator.act(
            partial(decide, book=book, attester=attester, shredding_id=case.shredding, approved=True),
            operator.program(case.program),
        )
    except Conflict as decided_before:
        assert decided_before.code.value == "shredding_state", decided_before
    _done(case, "keys", "finish", *SETTLED)


def told(case: Case, *arguments: str) -> Ended:
    """One command of the operator, in this deployment."""
    with patch.dict(os.environ, case.environment):
        return command(*arguments)


def _done(case: Case, *arguments: str) -> None:
    ended = told(case, *arguments)
    assert ended.returncode == 0, ended


async def _sequenced(case: Case) -> None:
    sequencer, _ = starting(case.settings, SystemClock())
    try:
        done = Pass(led=True, more=True)
        while done.more:
            done = await sequencer.run_once()
            assert done.led
    finally:
        await sequencer.engine.dispose()


async def _anchored(case: Case) -> None:
    sequencer, anchoring = starting(case.settings, SystemClock())
    try:
        await anchoring.look()
        await anchoring.publish()
    finally:
        await sequencer.engine.dispose()


async def _standing(case: Case) -> LedgerState:
    sequencer, anchoring = starting(case.settings, SystemClock())
    try:
        return await anchoring.look()
    finally:
        await sequencer.engine.dispose()
