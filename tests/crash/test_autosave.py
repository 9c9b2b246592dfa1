"""kill -9 while somebody answers a form: what was answered more than two seconds before is kept, the page says that it
has no connection, and saves the rest when the service is back.

A real browser with the page's own module against a process of its own. What is kept is read at the database's other
door, by another process, before the killed one is started again.
"""

import os
import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from service.access.caller import Role
from tests.house import Cluster, House, Service, open_program, verify_ledger
from tests.pages.conftest import CHROMIUM, PASSWORD, QUIET, person
from tests.processes import Worker

#: In `make test` at a size that fits; in `make battery` at full size.
pytestmark = pytest.mark.battery
BATTERY = os.environ.get("CONSENTRY_BATTERY") == "1"
KILLS = 8 if BATTERY else 2
#: What a kill may cost, in seconds of typing.
AT_MOST_LOST = 2.0
#: How long an answer takes somebody who knows what they want to say.
PACE = (0.15, 0.7)
INSTRUMENT, ITEMS, VALUES = "pcl-5", 20, 5


@dataclass
class Typist:
    """Somebody at a form, and what they answered when."""

    page: Page
    chance: random.Random
    typed: list[tuple[float, int, int]] = field(default_factory=list[tuple[float, int, int]])

    def answer(self) -> None:
        """Another answer than the one that stands there: choosing that again would change nothing."""
        item = self.chance.randrange(1, ITEMS + 1)
        before = self.last(time.monotonic()).get(item, -1)
        value = self.chance.choice([one for one in range(VALUES) if one != before])
        self.page.locator(f"#q-{item} input[value='{value}']").check()
        self.typed.append((time.monotonic(), item, value))
        time.sleep(self.chance.uniform(*PACE))

    def answer_for(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.answer()

    def last(self, before: float) -> dict[int, int]:
        """The last answer to each question, of those given before then."""
        return {item: value for at, item, value in self.typed if at < before}

    def since(self, after: float) -> set[tuple[int, int]]:
        return {(item, value) for at, item, value in self.typed if at >= after}


@pytest.fixture(scope="module")
def served(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Worker]]:
    """A program, and one process that serves it."""
    house = House(cluster, "consentry_autosave", tmp_path_factory.mktemp("autosave"))
    house.clock.set(datetime.now(UTC))
    service = open_program(house)
    worker = Worker(house.settings, tmp_path_factory.mktemp("autosave-log") / "worker.log")
    try:
        with worker:
            yield service, worker
    finally:
        house.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=QUIET)
        yield chromium
        chromium.close()


def _draft(service: Service) -> str:
    intake = service.client("intake")
    person = {"given_name": "Kim", "family_name": "Testperson", "birth_date": "1988-03-04"}
    patient = intake.post("/patients", person)
    assert patient.status_code == 201, patient.text
    body: dict[str, Any] = {"instrument": INSTRUMENT, "status": "draft", "answers": {}}
    draft = intake.post(f"/patients/{patient.json()['id']}/assessments", body)
    assert draft.status_code == 201, draft.text
    return str(draft.json()["id"])


def _kept(service: Service, draft: str) -> dict[int, int]:
    """What the database has, read by a process that nobody killed; a draft that does not open is no 200."""
    answer: Any = service.client("intake").get(f"/assessments/{draft}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "draft"
    return {int(key.rpartition(".")[2]): value for key, value in answer.json()["answers"].items()}


def _signed_in(browser: Browser, worker: Worker, username: str, path: str) -> Page:
    page = browser.new_context(viewport={"width": 1100, "height": 900}).new_page()
    page.set_default_timeout(15_000)
    page.goto(worker.base_url + "/sign-in")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.goto(worker.base_url + path)
    return page


def test_a_kill_costs_no_more_than_the_last_two_seconds(
    served: tuple[Service, Worker], browser: Browser
) -> None:
    service, worker = served
    clerk, draft = person(service, Role.INTAKE, "Ina Testperson"), _draft(service)
    page = _signed_in(browser, worker, clerk.username, f"/assessments/{draft}")
    seed = random.SystemRandom().randrange(10**6)
    chance = random.Random(seed)
    typist, state, notice = Typist(page, chance), page.locator("#state"), page.locator("#notice")
    for kill in range(KILLS):
        typist.answer_for(chance.uniform(2.3, 3.2))
        time.sleep(chance.uniform(0.0, 0.6))
        killed = time.monotonic()
        worker.kill()
        kept, sure = _kept(service, draft), typist.last(killed - AT_MOST_LOST)
        late = typist.since(killed - AT_MOST_LOST)
        lost = {item for item, value in sure.items() if kept.get(item) != value}
        assert {item for item in lost if (item, kept.get(item)) not in late} == set(), (seed, kill)
        assert sure, "something was answered early enough to be missed"
        typist.answer()
        expect(notice).to_contain_text("No connection", timeout=15_000)
        typist.answer()
        worker.start()
        expect(state).to_have_text(re.compile("Saved at"), timeout=30_000)
        expect(notice).to_have_text("")
        assert _kept(service, draft) == typist.last(time.monotonic()), (seed, kill)
    elsewhere = _signed_in(browser, worker, clerk.username, f"/assessments/{draft}")
    chosen = elsewhere.locator("fieldset input:checked")
    shown = chosen.evaluate_all(
        "all => all.map(one => [Number(one.closest('fieldset').id.slice(2)), Number(one.value)])"
    )
    assert dict(shown) == typist.last(time.monotonic())
    verify_ledger(service)
