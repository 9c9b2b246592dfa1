"""The intake in a real browser: forms by keyboard, saved while answered, gone on with elsewhere, nothing overwritten."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from service.identity.model import Account
from tests.house import Service
from tests.integration.delivery.test_links import Doorway
from tests.pages.conftest import EXPECTED, Visit

SAVED = re.compile("Saved at")


@dataclass
class Patient:
    """A synthetic patient, and an address for a fresh draft of theirs."""

    service: Service
    id: str

    def draft(self, instrument: str = "phq-9", **answers: int) -> str:
        body = {
            "instrument": instrument,
            "status": "draft",
            "answers": {key.replace("_", "."): value for key, value in answers.items()},
        }
        made = self.service.client("intake").post(f"/patients/{self.id}/assessments", body)
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    def answers(self, assessment_id: str) -> dict[str, Any]:
        answer = self.service.client("intake").get(f"/assessments/{assessment_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["answers"])


@pytest.fixture
def patient(service: Service) -> Patient:
    body = {"given_name": "Pia", "family_name": "Testperson", "birth_date": "1988-04-12"}
    made = service.client("intake").post("/patients", body)
    assert made.status_code == 201, made.text
    day = service.clock.now().astimezone(service.program.zone).date().isoformat()
    episode = service.client("intake").post(
        f"/patients/{made.json()['id']}/episodes", {"unit": "U1", "opened_on": day}
    )
    assert episode.status_code == 201, episode.text
    return Patient(service, made.json()["id"])


@pytest.fixture
def elsewhere(browser: Browser, site: str) -> Iterator[Visit]:
    """Another device."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    console: list[str] = []
    page = context.new_page()
    page.set_default_timeout(8000)
    page.on("console", lambda message: console.append(message.text))
    yield Visit(page, site, console)
    context.close()
    assert [text for text in console if not text.startswith(EXPECTED)] == []


def saved(page: Page) -> None:
    expect(page.locator("#state")).to_have_text(SAVED, timeout=5000)


def choose(page: Page, number: int, label: str) -> None:
    page.locator(f"#q-{number}").get_by_label(label, exact=True).check()


def checked(page: Page, number: int) -> str:
    return page.locator(f"#q-{number} input:checked").get_attribute("value") or ""


def test_a_form_is_filled_in_by_keyboard_saved_and_completed(
    patient: Patient, clerk: Account, visit: Visit
) -> None:
    visit.sign_in(clerk.username)
    page, keyboard = visit.page, visit.page.keyboard
    visit.open(f"/patients/{patient.id}/intake")
    page.get_by_role("link", name="Patient Health Questionnaire-9 (PHQ-9)").first.click()
    page.get_by_role("button", name="Begin").focus()
    keyboard.press("Enter")
    page.wait_for_url("**/assessments/*")
    page.locator("#q-1 input").first.focus()
    for _ in range(8):
        keyboard.press("Space")
        keyboard.press("ArrowDown")
        keyboard.press("Tab")
    saved(page)
    page.reload()
    assert [checked(page, number) for number in range(1, 9)] == ["1"] * 8
    page.get_by_role("button", name="Complete").focus()
    keyboard.press("Enter")
    alert = page.locator("#faults")
    assert "Question 9: please answer it." in alert.inner_text()
    alert.get_by_role("link").first.click()
    assert page.evaluate("document.activeElement.id") == "q-9"
    choose(page, 9, "Not at all")
    page.get_by_role("button", name="Complete").click()
    page.get_by_text("Score", exact=True).wait_for()
    assert page.locator("dd", has_text=re.compile("^8$")).count() >= 1
    assert page.get_by_text("Completed (complete)").is_visible()


def test_an_urgent_answer_is_heard_on_the_page_that_it_is_given_on(
    patient: Patient, clerk: Account, visit: Visit
) -> None:
    draft = patient.draft()
    visit.sign_in(clerk.username)
    visit.open(f"/assessments/{draft}")
    with visit.page.expect_response("**/draft") as first:
        choose(visit.page, 9, "Several days")
    assert first.value.request.timing["responseStart"] < 1000
    alert = visit.page.locator("#urgent")
    expect(alert).to_contain_text("Next step:", timeout=1000)
    assert "Dr Olu Testperson, +1-555-0143" in alert.inner_text()
    assert alert.get_attribute("role") == "alert"
    choose(visit.page, 9, "Not at all")
    saved(visit.page)
    assert alert.locator(".alert").count() == 1, "a person closes it, not another answer"
    visit.open(f"/patients/{patient.id}/intake")
    flags = visit.page.get_by_role("region", name="Act on these now")
    for said in (
        "Next step:",
        "Call: Dr Olu Testperson, +1-555-0143",
        "Owner: Intake, taken by nobody yet",
        "Due:",
    ):
        assert said in flags.inner_text()
    visit.open("/work-list")
    entry = visit.page.locator("li.card-flagged")
    assert "1 open flag (Urgent), due today" in entry.inner_text()
    assert entry.get_by_role("link", name="Testperson, Pia").is_visible()


def test_another_device_goes_on_and_two_that_disagree_show_both(
    patient: Patient, clerk: Account, visit: Visit, elsewhere: Visit
) -> None:
    draft = patient.draft(phq9_1=3)
    for device in (visit, elsewhere):
        device.sign_in(clerk.username)
        device.open(f"/patients/{patient.id}/intake")
        device.page.get_by_role("link", name="Go on").first.click()
        device.page.wait_for_url(f"**/assessments/{draft}")
        assert checked(device.page, 1) == "3"
    here, there = visit.page, elsewhere.page
    choose(there, 2, "Several days")
    choose(there, 3, "Several days")
    saved(there)
    choose(here, 2, "Nearly every day")
    choose(here, 4, "More than half the days")
    notice = here.locator("#notice")
    expect(notice).to_contain_text("Nothing was overwritten")
    assert patient.answers(draft) == {"phq9.1": 3, "phq9.2": 1, "phq9.3": 1}
    here.get_by_role("button", name="Compare both").click()
    here.get_by_role("heading", name="Two versions of this form").wait_for()
    rows = here.locator("fieldset")
    assert rows.count() == 3
    assert "Here: Nearly every day" in rows.nth(0).inner_text()
    assert "Several days" in rows.nth(0).inner_text()
    for row, mine in enumerate((True, False, True)):
        rows.nth(row).locator(f"input[value={'mine' if mine else 'theirs'}]").check()
    here.get_by_role("button", name="Save my choice").click()
    here.wait_for_url(f"**/assessments/{draft}")
    assert patient.answers(draft) == {"phq9.1": 3, "phq9.2": 3, "phq9.3": 1, "phq9.4": 2}


def test_without_a_connection_the_page_says_so_and_saves_afterwards(
    patient: Patient, clerk: Account, visit: Visit
) -> None:
    draft = patient.draft()
    visit.sign_in(clerk.username)
    visit.open(f"/assessments/{draft}")
    visit.page.context.set_offline(True)
    choose(visit.page, 1, "Several days")
    expect(visit.page.locator("#notice")).to_contain_text("No connection", timeout=3000)
    visit.page.context.set_offline(False)
    saved(visit.page)
    assert visit.page.locator("#notice").inner_text() == ""
    assert patient.answers(draft) == {"phq9.1": 1}


def test_a_question_is_asked_when_it_fits(patient: Patient, clerk: Account, visit: Visit) -> None:
    draft = patient.draft("audit-c")
    visit.sign_in(clerk.username)
    visit.open(f"/assessments/{draft}")
    page = visit.page
    assert page.locator("#q-2").is_visible(), "nobody knows yet"
    choose(page, 1, "Never")
    assert page.locator("#q-2").is_hidden()
    page.locator("#q-1 input").nth(1).check()
    assert page.locator("#q-2").is_visible()
    saved(page)


def test_a_patient_comes_by_link_and_sees_no_score(service: Service, visit: Visit) -> None:
    door = Doorway(service)
    assert door.make().status_code == 201
    token, own = door.token(), door.room.patient_id
    visit.page.set_viewport_size({"width": 390, "height": 844})
    visit.open(f"/packet#{token}")
    page = visit.page
    assert "#" not in page.url and page.locator("#token").is_hidden()
    page.get_by_label("Date of birth").fill("3/2/1990")
    page.get_by_role("button", name="Open").click()
    assert "The link or the date of birth is not right" in page.get_by_role("alert").inner_text()
    page.get_by_label("Date of birth").fill("2/3/1990")
    page.get_by_role("button", name="Open").click()
    page.wait_for_url(f"**/patients/{own}/intake")
    assert page.get_by_role("heading", name="Your to-do list", level=1).is_visible()
    page.get_by_role("link", name="Español").click()
    assert page.get_by_role("heading", name="Su lista de pendientes", level=1).is_visible()
    page.get_by_role("link", name="English").click()
    visit.open(f"/patients/{own}/forms/phq-9")
    page.get_by_role("button", name="Begin").click()
    for number in range(1, 10):
        choose(page, number, "Nearly every day")
    expect(page.locator("#urgent")).to_contain_text("Please talk to somebody", timeout=3000)
    assert whole(page)
    page.get_by_role("button", name="Complete").click()
    page.get_by_role("heading", name="Thank you").wait_for()
    text = whole(page)
    assert not re.search(r"27|[Ss]core|severe|Band|[Ff]lag", text)
    assert visit.open("/work-list").status in (403, 404)


def whole(page: Page) -> str:
    """The page's text; a patient's has the crisis line and the office on it, and fits the telephone."""
    text = page.locator("body").inner_text()
    assert "988" in text and "+1-555-0142" in text
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    return text


def test_pages_are_marked_up_for_everybody(patient: Patient, clerk: Account, visit: Visit) -> None:
    drafts = [patient.draft(key) for key in ("phq-9", "cows", "ahc-hrsn", "bam")]
    visit.sign_in(clerk.username)
    paths = [f"/patients/{patient.id}/intake", "/work-list", f"/patients/{patient.id}/forms/phq-9"]
    visit.page.set_viewport_size({"width": 640, "height": 740})
    for path in paths + [f"/assessments/{draft}" for draft in drafts]:
        visit.open(path)
        assert visit.page.get_by_role("heading", level=1).count() == 1, path
        assert visit.page.evaluate(UNMARKED) == [], path
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 640, path
        assert visit.page.evaluate(WEIGHT) <= 100 * 1024, path


#: Controls without a name or too small to hit, groups without a legend, headings that skip a level, ids given twice.
UNMARKED = """() => {
  const bad = [];
  for (const one of document.querySelectorAll("input:not([type=hidden]), select, button")) {
    if (one.offsetParent === null) continue;
    if (!(one.labels && one.labels.length) && !one.textContent.trim()) bad.push("no name: " + one.outerHTML);
    const target = one.closest("label") || one;
    if (target.getBoundingClientRect().height < 44) bad.push("small: " + one.outerHTML);
  }
  for (const link of document.querySelectorAll("main a")) {
    if (link.offsetParent !== null && link.getBoundingClientRect().height < 44) bad.push("small: " + link.outerHTML);
  }
  for (const group of document.querySelectorAll("fieldset")) {
    if (!group.querySelector("legend")?.textContent.trim()) bad.push("no legend: " + group.id);
  }
  let level = 0;
  for (const heading of document.querySelectorAll("main h1, main h2, main h3")) {
    if (Number(heading.tagName[1]) > level + 1) bad.push("skips: " + heading.outerHTML);
    level = Number(heading.tagName[1]);
  }
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  return bad.concat(ids.filter((id, place) => ids.indexOf(id) !== place));
}"""
WEIGHT = """() => performance.getEntries().filter((one) => one.decodedBodySize !== undefined)
  .reduce((sum, one) => sum + one.decodedBodySize, 0)"""
