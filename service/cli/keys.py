"""Keys: made once, listed, rotated. Nothing else in the service makes a key-encryption key.

A rotation runs beside the serving processes, and no request fails for it. Broken off, the same command goes on where
it stopped.
"""

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy import Engine

from service.cli.database import DEFAULT_DATA, Data, database_settings
from service.cli.operator import Operator
from service.clock import SystemClock, monotonic
from service.config import Settings
from service.custody.reindexed import TABLES
from service.custody.rotating import Acts, begin, finished, forget_former
from service.custody.shredding.finishing import finish
from service.errors import StartRefused
from service.identity.programs import SERVICE
from service.store.engine import plain_engine
from service.vault import inventory, keyring, reindexing, resealing, rotation
from service.vault.kms import Kms, init_at, open_kms
from service.vault.rotating import records
from service.vault.rotating.records import Rotation
from service.vault.vault import Vault

app = typer.Typer(no_args_is_help=True)
rotate = typer.Typer(
    no_args_is_help=True, help="Put new keys in the place of old ones, while the service runs."
)
app.add_typer(rotate, name="rotate")
_out = Console(highlight=False, soft_wrap=True)
_err = Console(stderr=True, highlight=False, soft_wrap=True)

Wait = Annotated[
    float | None,
    typer.Option(
        "--settled",
        help="Seconds after which no process can still use the old key. For tests: the default is what is safe.",
        hidden=True,
    ),
]


@app.callback()
def group() -> None:
    """Keys: make, list, rotate."""


@app.command("init")
def init(
    data: Data = DEFAULT_DATA,
    store: Annotated[
        str, typer.Option("--store", help="Where keys are kept: file, aws, pkcs11 or transit.")
    ] = "file",
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="What the key store needs to know (docs/keys.md).", metavar="NAME=VALUE"),
    ] = None,
) -> None:
    """Make the first key of a new deployment. Never replaces one: what it sealed would be lost."""
    path = keyring.keyring_path(data)
    if store == keyring.Keyring.name and not setting:
        keyring.init(path, SystemClock().now())
        typer.echo(
            f"New keyring at {path}. Back it up apart from the database; whoever has both can read everything."
        )
        return
    given = dict(one.split("=", 1) for one in setting or () if "=" in one)
    made = init_at(path, store, given, SystemClock().now())
    typer.echo(f"New key in {store}; {made} names it and holds no key. Back that file up.")


@dataclass(frozen=True, slots=True)
class _Deployment:
    """What a command about keys needs."""

    settings: Settings
    operator: Operator
    kms: Kms
    acts: Acts

    def vault(self) -> Vault:
        """One that holds no key yet."""
        return Vault(self.kms)

    def keeper(self) -> Engine:
        """The role that may seal again and do nothing else."""
        if self.settings.keeper_database_url is None:
            raise StartRefused(
                "CONSENTRY_KEEPER_DATABASE_URL is not set: data keys are rotated as the keeper role"
            )
        return plain_engine(self.settings.keeper_database_url, self.settings)


@app.command("list")
def list_keys(data: Data = DEFAULT_DATA) -> None:
    """Say which keys there are: counts, ages and uses, by program, purpose and state."""
    with _deployment(data) as here:
        found = inventory.take(here.kms, here.acts)
        names: dict[UUID, str] = {program.id: program.key for program in here.acts.known()}
    epochs = Table("epoch", "made", "active", "keys wrapped")
    for one in (*found.epochs, *found.lost):
        made = one.created.date().isoformat() if one.created else "NOT IN THE KEY STORE"
        epochs.add_row(one.id.hex(), made, "yes" if one.active else "", f"{one.keys:,}")
    keys = Table("program", "purpose", "state", "keys", "oldest", "most uses", "not yet empty")
    for one in found.keys:
        empty = f"{one.not_empty:,}" if one.state.value == "retired" else ""
        keys.add_row(
            names[one.program_id],
            one.purpose.value,
            one.state.value,
            f"{one.keys:,}",
            one.oldest.date().isoformat(),
            f"{one.uses:,}",
            empty,
        )
    _out.print(epochs, keys)
    raise typer.Exit(1 if found.lost else 0)


@app.command("status")
def status(data: Data = DEFAULT_DATA) -> None:
    """Say whether a rotation is under way and what is left under old keys. Exit status 1 while something is."""
    with _deployment(data) as here:
        behind = rotation.unfinished(here.kms, here.acts)
        left = resealing.left_in(here.keeper())
        unfound = reindexing.left_in(here.keeper())
        latest = {
            kind: here.operator.act(lambda work, kind=kind: records.latest_rotation(work.db, kind), SERVICE)
            for kind in ("data", "index")
        }
    _out.print(
        "Key-encryption key: a rotation is not finished." if behind else "Key-encryption key: one epoch."
    )
    for what, kind, counted, rows in (
        ("Data keys", "data", "Rows", left),
        ("Index keys", "index", "Index values", unfound),
    ):
        _out.print(f"{what}: {_stands(latest[kind])}")
        _out.print(f"{counted} under old keys: {sum(rows.values()):,}.")
        for table, many in rows.items():
            _out.print(f"  {table}: {many:,}")
    indexing = any(one.kind == "index" and one.ended_at is None for one in latest.values() if one)
    raise typer.Exit(1 if behind or left or unfound or indexing else 0)


def _stands(rotation: Rotation | None) -> str:
    if rotation is None:
        return "never rotated."
    if rotation.ended_at is None:
        return f"a rotation is under way since {rotation.began_at:%Y-%m-%d %H:%M}."
    return f"rotated on {rotation.ended_at:%Y-%m-%d %H:%M}."


@rotate.command("kek")
def rotate_kek(data: Data = DEFAULT_DATA, settled: Wait = None) -> None:
    """A new key-encryption key: every key is wrapped again under it, then the old one is destroyed."""
    with _deployment(data) as here, _alone(here), _bars() as progress:
        go_on = rotation.unfinished(here.kms, here.acts)
        under_way = here.operator.act(partial(begin, kind="kek"), SERVICE)
        rolled = rotation.roll(
            here.kms,
            here.acts,
            SystemClock().now,
            go_on=go_on,
            settled=rotation.SETTLED_SECONDS if settled is None else settled,
            progress=progress,
        )
        here.operator.act(partial(finished, rotation=under_way, done=rolled.wrapped), SERVICE)
    _out.print(
        f"{rolled.wrapped:,} keys wrapped again under {rolled.epoch.hex()}; {len(rolled.ended)} old epoch(s) destroyed."
    )
    raise typer.Exit(1 if rolled.left else 0)


@rotate.command("data")
def rotate_data(data: Data = DEFAULT_DATA, settled: Wait = None) -> None:
    """New keys for every patient and program: what is sealed is sealed again under them."""
    seconds = resealing.SETTLED_SECONDS if settled is None else settled
    with _deployment(data) as here, _alone(here), _bars() as progress:
        keeper, now = here.keeper(), SystemClock().now
        under_way = here.operator.act(partial(begin, kind="data"), SERVICE)
        renewed = resealing.renew(here.acts, under_way.began_at, now, progress)
        sealed, damaged = _swept(
            lambda: resealing.sweep(keeper, here.vault, progress),
            lambda: resealing.finish(keeper, now(), settled=seconds),
            seconds,
        )
        if not damaged:
            here.operator.act(partial(finished, rotation=under_way, done=sealed), SERVICE)
    _out.print(f"{renewed:,} keys renewed, {sealed:,} values sealed again.")
    _say_damaged(damaged)


@rotate.command("index")
def rotate_index(data: Data = DEFAULT_DATA, settled: Wait = None) -> None:
    """New keys for the blind indexes: whatever is searched for is indexed again under them, and found throughout."""
    seconds = reindexing.SETTLED_SECONDS if settled is None else settled
    with _deployment(data) as here, _alone(here), _bars() as progress:
        keeper, now = here.keeper(), SystemClock().now
        under_way = here.operator.act(partial(begin, kind="index"), SERVICE)
        reindexing.announce(here.acts, under_way.began_at, now, progress)
        if (announced := reindexing.announced_at(here.acts)) is not None:
            time.sleep(max(0.0, seconds - (now() - announced).total_seconds()))
        put = reindexing.put_in_place(here.acts, now, progress)
        done, damaged = _swept(
            lambda: reindexing.sweep(keeper, here.vault, TABLES, progress),
            lambda: reindexing.finish(keeper, now(), settled=seconds),
            seconds,
        )
        if not damaged:
            here.operator.act(partial(finished, rotation=under_way, done=done), SERVICE)
            for program in here.acts.known():
                here.operator.act(forget_former, program)
    _out.print(f"{put:,} keys put in place, {done:,} rows indexed again.")
    _say_damaged(damaged)


def _swept(
    sweep: Callable[[], resealing.Swept | reindexing.Swept], finish: Callable[[], int | None], seconds: float
) -> tuple[int, Mapping[str, tuple[UUID, ...]]]:
    """Sweep until nothing is under old keys and nothing can come to be; what was done, and what does not verify."""
    done, until = 0, monotonic() + seconds + 60
    while True:
        swept = sweep()
        done += swept.done
        if swept.damaged or finish() is not None:
            return done, swept.damaged
        if monotonic() > until:
            raise StartRefused("Rows under old keys keep coming. Is a process of an earlier version running?")
        time.sleep(min(1.0, seconds or 0.05))


def _say_damaged(damaged: Mapping[str, tuple[UUID, ...]]) -> None:
    for table, rows in damaged.items():
        _out.print(f"  {table}: {len(rows)} row(s) do not verify and stay as they are, first {rows[0]}")
    raise typer.Exit(1 if damaged else 0)


@app.command("finish")
def finish_destructions(data: Data = DEFAULT_DATA, settled: Wait = None) -> None:
    """After a record was destroyed: end the key-encryption keys that older copies of the database still need for it."""
    with _deployment(data) as here, _alone(here), _bars() as progress:
        done = finish(
            here.kms,
            here.acts,
            here.operator,
            here.acts.known(),
            SystemClock().now,
            settled=rotation.SETTLED_SECONDS if settled is None else settled,
            progress=progress,
        )
    _out.print(f"{done.finished:,} destruction(s) finished; {len(done.waiting)} old epoch(s) still stand.")
    raise typer.Exit(1 if done.waiting else 0)


@contextmanager
def _deployment(data: Data) -> Generator[_Deployment]:
    with database_settings(data) as settings:
        operator = Operator(settings, SystemClock())
        programs = [SERVICE, *(operator.program(key) for key in operator.program_keys())]
        yield _Deployment(settings, operator, open_kms(settings), Acts(operator, programs))


@contextmanager
def _alone(here: _Deployment) -> Generator[None]:
    """One process rotates at a time; a second one is told so. The lock goes with the process, however it ends."""
    # The lock is the connection's. A transaction left open over the waits of a rotation would be ended by the database,
    # and the lock with it: there is none.
    engine = plain_engine(here.settings.database_url).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        if not records.alone(connection):
            raise StartRefused("Another process is rotating keys; let it finish.")
        yield


@contextmanager
def _bars() -> Generator[Callable[[str, int, int], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_err, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what)
            bars.update(tasks[what], completed=done, total=total)

        yield show
