"""`--demo`: synthetic people with accounts, and a caseload in every state, made through the API.

Runs once for a data folder. Progress is written after every step, so that a demo interrupted while it was being
prepared goes on where it stopped. The accounts have passwords of their own in each folder and no second factor.
"""

import asyncio
import json
import logging
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from service.access.caller import CallerKind, Role
from service.access.program import Program
from service.app import Options, build
from service.cli.demo_cases import caseload
from service.cli.demo_days import StoryClock, in_order
from service.cli.demo_program import RECIPIENTS, establish
from service.cli.demo_steps import Case
from service.cli.demo_story import Story
from service.cli.operator import Operator
from service.cli.person import Person
from service.clock import SystemClock
from service.config import Settings
from service.errors import Code, Conflict
from service.identity import accounts, passwords
from service.identity.accounts import NewAccount
from service.identity.programs import apply_program
from service.ids import SERVICE_PROGRAM, PatientId
from service.log import configure_logs

ACCOUNTS_FILE = "demo-accounts.json"
_PROGRESS_FILE = "demo-progress.json"
_PROGRAM = "riverbend"
_OTHER_PROGRAM = "hillcrest"
#: Days before today on which the story begins; longer than any of its steps.
_FIRST_DAY = 100
#: Account -> (program, user name, name, role).
_STAFF = {
    "intake": (_PROGRAM, "intake.testperson", "Ina Testperson", Role.INTAKE),
    "clinician": (_PROGRAM, "clinician.testperson", "Clara Testperson", Role.CLINICIAN),
    "clinician_without_relationship": (_PROGRAM, "other.clinician", "Noah Testperson", Role.CLINICIAN),
    "compliance": (_PROGRAM, "compliance.testperson", "Cora Testperson", Role.COMPLIANCE),
    "director": (_PROGRAM, "director.testperson", "Director Testperson", Role.DIRECTOR),
    "administrator": (_PROGRAM, "administrator.testperson", "Ada Testperson", Role.ADMINISTRATOR),
    "other_program_intake": (_OTHER_PROGRAM, "intake.hillcrest", "Hilda Testperson", Role.INTAKE),
}


def prepare(settings: Settings, url: str) -> None:
    """Make the demo's people and caseload unless they are there, then write their accounts for this address."""
    progress = _Progress(settings.data / _PROGRESS_FILE)
    if not progress.finished:
        configure_logs(logging.WARNING)
        asyncio.run(_tell(settings, progress))
    document = {"base_url": url, "accounts": progress.accounts}
    _write_private(settings.data / ACCOUNTS_FILE, document)


def announce(settings: Settings) -> None:
    """Print who can sign in."""
    known = json.loads((settings.data / ACCOUNTS_FILE).read_text())["accounts"]
    table = Table(title="Synthetic accounts (demo only, no second factor)", title_justify="left", box=None)
    for column in ("account", "user name or client id", "password or secret"):
        table.add_column(column, no_wrap=True, overflow="ignore")
    for name, given in known.items():
        table.add_row(
            name,
            given.get("username") or given["client_id"],
            given.get("password") or given["client_secret"],
        )
    Console(width=140).print(table)
    typer.echo(f"The same in {settings.data / ACCOUNTS_FILE}. Try: consentry tour --data {settings.data}")


def _password() -> str:
    """Twelve random bytes in words a person can copy."""
    return "-".join(secrets.token_hex(3) for _ in range(4))


class _Progress:
    """What has been done so far, kept beside the keys and as private as they are."""

    def __init__(self, path: Path) -> None:
        self._path = path
        known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        self.began = datetime.fromisoformat(known.get("began", SystemClock().now().isoformat()))
        self.accounts: dict[str, dict[str, Any]] = known.get("accounts", {})
        self.done: int = known.get("done", 0)
        self.cases: dict[str, dict[str, str]] = known.get("cases", {})
        self.ids: dict[str, str] = known.get("ids", {})
        self.finished: bool = known.get("finished", False)

    def save(self) -> None:
        document = {name.strip("_"): value for name, value in vars(self).items() if name != "_path"}
        _write_private(self._path, document | {"began": self.began.isoformat()})


def _write_private(path: Path, document: Mapping[str, Any]) -> None:
    """Replace a file in one step; nobody else can read it."""
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(document, indent=2) + "\n")
    fresh.replace(path)


async def _tell(settings: Settings, progress: _Progress) -> None:
    clock = StoryClock(progress.began - timedelta(days=_FIRST_DAY))
    operator = Operator(settings, clock)
    programs = {key: _program(settings, operator, key) for key in (_PROGRAM, _OTHER_PROGRAM)}
    for name, (program, username, display, role) in _STAFF.items():
        _staff(operator, progress, name, programs[program], username, display, role)
    app = build(settings, Options(clock=clock, jobs=False))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=settings.public_url, timeout=30) as client:
            await _surroundings(client, clock, progress)
            story = Story(client, clock, progress.accounts, progress.ids)
            await _play(story, operator, programs[_PROGRAM], progress)
            clock.at = SystemClock().now()
            await app.state.consentry.sequencer.run_once()
    progress.finished = True
    progress.save()


async def _play(story: Story, operator: Operator, program: Program, progress: _Progress) -> None:
    cases = caseload()
    remaining = in_order(cases, progress.began)[progress.done :]
    label = f"Preparing {len(cases)} synthetic patients"
    for act in track(remaining, label, console=Console(stderr=True), transient=True):
        case = act.case
        known = progress.cases.setdefault(str(case.number), {})
        await story.perform(act, known)
        if case.number == 0 and "patient" in known and "patient" not in progress.accounts:
            _patient_account(operator, program, progress, case, known["patient"])
        progress.done += 1
        progress.save()


def _program(settings: Settings, operator: Operator, key: str) -> Program:
    document = (settings.policies / "programs" / f"{key}.yaml").read_text(encoding="utf-8")
    operator.act(lambda work: apply_program(work, document))
    return operator.program(key)


def _staff(
    operator: Operator,
    progress: _Progress,
    name: str,
    program: Program,
    username: str,
    display: str,
    role: Role,
) -> None:
    if name in progress.ids:
        return
    password = progress.accounts.setdefault(name, {"username": username, "password": _password()})["password"]
    progress.save()
    new = NewAccount(
        kind=CallerKind.STAFF,
        username=username,
        display_name=display,
        password_hash=passwords.hash_password(password),
        roles=frozenset({role}),
        units=frozenset(program.units),
    )
    progress.ids[name] = _made(operator, program, new)
    progress.save()


def _patient_account(
    operator: Operator, program: Program, progress: _Progress, case: Case, patient_id: str
) -> None:
    account = {"username": "patient.testperson", "password": _password(), "patient_id": patient_id}
    new = NewAccount(
        kind=CallerKind.PATIENT,
        username=account["username"],
        display_name=f"{case.given_name} {case.family_name}",
        password_hash=passwords.hash_password(account["password"]),
        roles=frozenset({Role.PATIENT}),
        patient_id=PatientId(UUID(patient_id)),
    )
    progress.ids["patient"] = _made(operator, program, new)
    progress.accounts["patient"] = account


def _made(operator: Operator, program: Program, new: NewAccount) -> str:
    try:
        return str(operator.act(lambda work: accounts.create_account(work, new), program).id)
    except Conflict as conflict:
        if conflict.code is not Code.USERNAME_TAKEN:
            raise
    found = operator.act(lambda work: accounts.list_accounts(work, SERVICE_PROGRAM, 200), program)
    return next(str(account.id) for account in found if account.username == new.username)


async def _surroundings(client: httpx.AsyncClient, clock: StoryClock, progress: _Progress) -> None:
    """Everybody the program deals with, and the credentials of the hospital's system."""

    async def sign_in(name: str) -> Person:
        return await _signed_in(client, progress, name)

    if "requester" in progress.accounts:
        return
    await establish(sign_in, clock, progress.ids, f"{progress.began:%Y%m%d%H%M%S}")
    progress.save()
    administrator = await sign_in("administrator")
    await _credentials(administrator, progress)
    body = {
        "display_name": "Mercy Test Hospital (system)",
        "kind": "requester",
        "recipient_id": progress.ids["hospital"],
    }
    made = await administrator.post("/clients", body)
    progress.accounts["requester"] = {
        "client_id": made.body["client_id"],
        "client_secret": made.body["client_secret"],
        "recipient": dict(RECIPIENTS["hospital"]),
    }
    progress.save()


async def _credentials(administrator: Person, progress: _Progress) -> None:
    """Two licences that end soon: whose is over, does no clinical act any more."""
    for name, days in (("clinician", 20), ("clinician_without_relationship", 5)):
        licence = {
            "kind": "licensed_clinician",
            "starts_on": (progress.began - timedelta(days=700)).date().isoformat(),
            "ends_on": (progress.began + timedelta(days=days)).date().isoformat(),
            "number": f"T-{days:04d}",
            "issuer": "Test State Board",
            "verified_with": "Register of the board (synthetic)",
        }
        key = f"demo-{progress.began:%Y%m%d%H%M%S}-licence-{name}"
        await administrator.post(f"/users/{progress.ids[name]}/credentials", licence, key=key)


async def _signed_in(client: httpx.AsyncClient, progress: _Progress, name: str) -> Person:
    person = Person(f"the demo's {name}", client)
    given = progress.accounts[name]
    await person.sign_in(given["username"], given["password"])
    return person
