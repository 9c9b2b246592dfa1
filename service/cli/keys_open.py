"""`consentry keys verify`: whether everything that is sealed opens with the keys there are.

After a restore, or when keys may have been lost. Exit status: 0 all of it does, 1 something does not (named by id).
"""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Annotated
from uuid import UUID

import typer

from service.access.actions import Action
from service.cli.database import DEFAULT_DATA, Data, database_settings
from service.cli.operator import Operator
from service.clock import SystemClock
from service.config import Settings
from service.custody.rotating import OBJECT
from service.identity.programs import SERVICE
from service.store.engine import plain_engine
from service.vault.kms import open_kms
from service.vault.opening.everything import Opened, open_all
from service.vault.vault import Vault
from service.work import Work


def verify(
    data: Data = DEFAULT_DATA,
    processes: Annotated[int, typer.Option("--processes", min=1, max=64, help="Processes that read.")] = 1,
) -> None:
    """Open everything that is sealed, and name the rows that do not open."""
    with database_settings(data) as settings:
        operator = Operator(settings, SystemClock())
        programs = [SERVICE.id, *(operator.program(key).id for key in operator.program_keys())]
        operator.act(_recorded({"what": "verify", "step": "begin"}))
        found = _open(settings, programs, processes)
        failed = sum(len(ids) for ids in found.failed.values())
        detail = {"what": "verify", "step": "end", "opened": found.opened, "failed": failed}
        operator.act(_recorded(detail))
    typer.echo(
        f"{found.opened:,} rows open, {found.destroyed:,} of destroyed records, {failed:,} do not open."
    )
    for table, ids in found.failed.items():
        for row_id in ids:
            typer.echo(f"  {table} {row_id}")
    raise typer.Exit(1 if failed else 0)


def _open(settings: Settings, programs: Sequence[UUID], processes: int) -> Opened:
    share = partial(_share, settings, programs, processes)
    if processes == 1:
        return share(0)
    total = Opened()
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        for found in pool.map(share, range(processes)):
            total = total.and_(found)
    return total


def _share(settings: Settings, programs: Sequence[UUID], parts: int, part: int) -> Opened:
    engine = plain_engine(settings.database_url)
    return open_all(engine, Vault(open_kms(settings)), programs, part=part, parts=parts)


def _recorded(detail: dict[str, str | int]) -> Callable[[Work], None]:
    """Somebody at the console had everything opened: an act like any other look at keys, before and after it."""

    def unit(work: Work) -> None:
        work.require(Action.KEY_READ, object_kind=OBJECT)
        work.record(action=Action.KEY_READ, object_kind=OBJECT, object_id=None, detail=detail)

    return unit
