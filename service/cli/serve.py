"""`consentry serve`: the serving processes and, where no database is given, the embedded one beside them.

Order matters. The database starts first and stops last; the schema is brought up to date before anyone is served; a
demo's people are there before its address is printed.
"""

import asyncio
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from service import setup
from service.app import create, open_state
from service.cli import demo
from service.cli.database import DEFAULT_DATA, Data, served
from service.clock import SystemClock
from service.config import Settings
from service.errors import StartRefused
from service.log import configure_logs, log
from service.store.embedded import EmbeddedPostgres
from service.vault import keyring
from service.vault.kms import open_at

#: How often the embedded server is looked after; a lost one is back within this time and its own recovery.
_WATCH_SECONDS = 0.5


def serve(
    data: Data = DEFAULT_DATA,
    host: Annotated[
        str, typer.Option(help="Address to listen on. TLS is the reverse proxy's.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Serving processes.")] = 1,
    demo_people: Annotated[
        bool,
        typer.Option(
            "--demo", help="Synthetic people and records; makes keys by itself. Never for real ones."
        ),
    ] = False,
) -> None:
    """Serve until Ctrl-C."""
    signal.signal(signal.SIGTERM, _stop)
    with _listening(host, port) as listener:
        url = f"http://{host}:{listener.getsockname()[1]}"
        if demo_people:
            _first_keys(data)
        else:
            open_at(
                keyring.keyring_path(data)
            )  # refuse before a database is made for keys that are not there
        with served(data, public_url=url, demo=demo_people) as (settings, server):
            if server is not None or (demo_people and settings.owner_database_url):
                setup.prepare_database(settings, SystemClock())
            if demo_people:
                demo.prepare(settings, url)
            os.environ.update(settings.to_environment())
            with _kept_running(server):
                asyncio.run(_check(settings))
                _announce(settings, url, demo_people=demo_people)
                _run(listener, workers)
    typer.echo(f"Stopped. The data is in {data}.")


async def _check(settings: Settings) -> None:
    """Everything a worker will refuse to start without, while there is still somebody to tell."""
    state = await open_state(settings, SystemClock())
    await state.sequencer.engine.dispose()
    await state.engine.dispose()


def _run(listener: socket.socket, workers: int) -> None:
    """uvicorn until a signal; it says nothing about itself to clients and logs no addresses."""
    config = uvicorn.Config(
        "service.cli.serve:worker",
        factory=True,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=10,
        backlog=512,
        timeout_worker_healthcheck=60,  # the default of 5 s kills a worker that is still importing, for ever
        workers=workers,
    )
    configure_logs()
    server = uvicorn.Server(config)
    try:
        if workers == 1:
            server.run(sockets=[listener])
        else:
            Multiprocess(config, sockets=[listener]).run()
    except KeyboardInterrupt:
        return
    if workers == 1 and not server.started:
        raise StartRefused("The service did not start; the line above says why.")


def worker() -> FastAPI:
    """uvicorn's factory: the application of one process, which ends at once when the process above it is gone.

    Otherwise kill -9 of the one that serves would leave workers behind that hold the port and have no database.
    """
    above = multiprocessing.parent_process()
    if above is not None:

        def follow() -> None:
            above.join()
            os._exit(1)

        threading.Thread(target=follow, daemon=True).start()
    return create()


@contextmanager
def _listening(host: str, port: int) -> Generator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError:
            raise StartRefused(
                f"{host}:{port} cannot be listened on; is something there? Try --port."
            ) from None
        listener.set_inheritable(True)
        yield listener


@contextmanager
def _kept_running(server: EmbeddedPostgres | None) -> Generator[None]:
    """Start the embedded server again whenever it dies; requests meanwhile are answered 503."""
    done = threading.Event()

    def watch(server: EmbeddedPostgres) -> None:
        while not done.wait(_WATCH_SECONDS):
            try:
                if server.ensure_running():
                    log().error("embedded_database_restarted")
            except StartRefused:
                log().error("embedded_database_does_not_start")

    thread = threading.Thread(target=watch, args=(server,), daemon=True) if server else None
    if thread:
        thread.start()
    try:
        yield
    finally:
        done.set()
        if thread:
            thread.join()


def _first_keys(data: Path) -> None:
    """A demo makes its own keyring, for a new folder only: beside an old database a new key would open nothing."""
    path = keyring.keyring_path(data)
    if not path.exists() and not (data / "postgres.lock").exists():
        data.mkdir(parents=True, exist_ok=True)
        data.chmod(0o711 if os.geteuid() == 0 else 0o700)
        keyring.init(path, SystemClock().now())


def _announce(settings: Settings, url: str, *, demo_people: bool) -> None:
    typer.echo(f"Consentry serves at {url}  (pages: {url}/, description: {url}/openapi.json)")
    if demo_people:
        demo.announce(settings)
    typer.echo("Ctrl-C stops it; the data stays.", nl=True)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
