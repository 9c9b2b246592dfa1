"""A real server on a free port and a real browser: the pages as people meet them."""

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from service.access.caller import CallerKind, Role
from service.app import Options, build
from service.identity import accounts, passwords
from service.identity.accounts import NewAccount
from service.identity.model import Account
from tests.house import House, Service

PASSWORD = "seven quiet herons over slate"
#: Any Chromium of the machine. Without one the pages are still tested over HTTP, and the run's header says so.
CHROMIUM = os.environ.get("CONSENTRY_BROWSER") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
collect_ignore = [] if CHROMIUM else ["test_pages_in_browser.py", "test_intake_pages.py"]
#: What Chromium itself says about answers that are no success, and about our clearing up at sign-out.
EXPECTED = ("Failed to load resource", "Clear-Site-Data header on")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_report_header() -> str:
    return f"browser for the pages: {CHROMIUM or 'none found, so not tested in a browser'}"


@pytest.fixture(scope="session")
def site(house: House) -> Iterator[str]:
    """Address of a second worker of the same service, reached over a socket."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    app = build(house.settings, Options(clock=house.clock, sequence=False))
    config = uvicorn.Config(app, log_config=None, server_header=False, lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.02)
    assert server.started
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    listener.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Gone with the module: as long as it lives, its event loop counts as running in this thread."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=QUIET)
        yield chromium
        chromium.close()


@dataclass
class Visit:
    """One browser window on the site, and everything its console said."""

    page: Page
    site: str
    console: list[str]

    def open(self, path: str) -> Any:
        return self.page.goto(self.site + path)

    def sign_in(self, username: str, password: str = PASSWORD) -> None:
        self.open("/sign-in")
        self.page.get_by_label("User name").fill(username)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Visit]:
    """A fresh window. A policy violation or any other message of the console fails the test afterwards."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(8000)
    console: list[str] = []
    page.on("console", lambda message: console.append(message.text))
    page.on("pageerror", lambda error: console.append(str(error)))
    yield Visit(page, site, console)
    context.close()
    assert [text for text in console if not text.startswith(EXPECTED)] == []


def person(service: Service, role: Role, name: str) -> Account:
    new = NewAccount(
        kind=CallerKind.STAFF,
        username=f"{name.split()[0].lower()}-{uuid4().hex[:8]}",
        display_name=name,
        password_hash=passwords.hash_password(PASSWORD),
        roles=frozenset({role}),
        units=frozenset({"U1"}),
    )
    caller = service.account("administrator").caller
    return service.work(caller, lambda work: accounts.create_account(work, new))


@pytest.fixture
def officer(service: Service) -> Account:
    """A compliance officer with a password."""
    return person(service, Role.COMPLIANCE, "Olive Testperson")


@pytest.fixture
def clerk(service: Service) -> Account:
    """Somebody of intake with a password."""
    return person(service, Role.INTAKE, "Ina Testperson")
