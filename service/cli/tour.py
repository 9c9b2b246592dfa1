"""`consentry tour`: the main job over HTTP as the different people, saying what each of them saw.

Needs a service started with `--demo`. Makes one more synthetic patient and ends with exit status 1, and a sentence,
as soon as an answer is not the right one.
"""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console

from service.cli.database import DEFAULT_DATA, Data
from service.cli.demo import ACCOUNTS_FILE
from service.cli.person import Person
from service.cli.tour_consents import CONSENTS
from service.cli.tour_emergency import EMERGENCY
from service.cli.tour_intake import INTAKE
from service.cli.tour_keeping import KEEPING
from service.cli.tour_rights import RIGHTS
from service.cli.tour_scenes import FIRST, LAST
from service.cli.tour_stage import Stage
from service.clock import SystemClock
from service.delivery.outbox import OUTBOX
from service.errors import StartRefused

_PEOPLE = (
    "intake",
    "clinician",
    "clinician_without_relationship",
    "compliance",
    "director",
    "administrator",
    "other_program_intake",
)
_SCENES = (*FIRST, *EMERGENCY, *RIGHTS, *CONSENTS, *INTAKE, *LAST, *KEEPING)


def tour(
    base_url: Annotated[
        str | None, typer.Option("--base-url", help="Default: the address the accounts were written for.")
    ] = None,
    data: Data = DEFAULT_DATA,
    accounts: Annotated[
        Path | None, typer.Option("--accounts", help=f"Default: {ACCOUNTS_FILE} in the data folder.")
    ] = None,
) -> None:
    """Walk through the main job as the different people; exit status 1 when an answer is wrong."""
    path = accounts or data / ACCOUNTS_FILE
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise StartRefused(f"No demo accounts at {path}: start the service with --demo first.") from None
    if lacking := {*_PEOPLE, "requester"} - set(known["accounts"]):
        raise StartRefused(
            f"{path} is an older demo's, without {', '.join(lacking)}: start one with a new --data."
        )
    console = Console(soft_wrap=True, highlight=False)
    outbox = data / OUTBOX
    here = outbox if base_url in (None, known["base_url"]) and outbox.parent.is_dir() else None
    asyncio.run(_walk(base_url or known["base_url"], known["accounts"], console, here))
    console.print("\nEvery answer was right.")


async def _walk(
    base_url: str, accounts: dict[str, dict[str, Any]], console: Console, outbox: Path | None
) -> None:
    async with httpx.AsyncClient(base_url=base_url.rstrip("/"), timeout=30) as client:
        people = {name: Person(name.replace("_", " "), client) for name in (*_PEOPLE, "requester")}
        for name in _PEOPLE:
            await people[name].sign_in(accounts[name]["username"], accounts[name]["password"])
        outside = accounts["requester"]
        await people["requester"].sign_in_as_client(outside["client_id"], outside["client_secret"])
        for name in ("compliance", "director", "administrator"):
            people[name].purpose = "HOPERAT"
        stage = Stage(people, outside["recipient"], SystemClock().now(), console, outbox=outbox)
        register = (await people["intake"].get("/recipients?limit=200")).body["items"]
        stage.outsiders = {one["name"]: one["id"] for one in register}
        for number, scene in enumerate(_SCENES, start=1):
            console.print(f"\n{number}. {scene.__doc__}", markup=False)
            await scene(stage)
