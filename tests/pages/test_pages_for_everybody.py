"""Every page of the service, as it is in the browser: what assistive technology needs, for the people who get it.

Structure, names, focus and contrast as WCAG 2.2 AA asks for them (1.3.1, 1.4.3, 2.4.3, 2.4.6, 3.1.1, 3.3.1, 4.1.2), of
what is rendered, all that can be unfolded unfolded.
"""

import re

import pytest
from playwright.sync_api import Page

from service.access.caller import Role
from tests.house import Service
from tests.integration.admission.placement.conftest import Referral, referral
from tests.integration.custody.watchfulness import Watchfulness
from tests.integration.delivery.test_links import Doorway
from tests.pages.conftest import Visit, person
from tests.pages.test_flag_pages import relate
from tests.pages.test_intake_pages import UNMARKED, WEIGHT

__all__ = ["referral"]

#: Language, one first heading, no order of focus of its own, one of each landmark, every faulty field described.
STRUCTURE = """() => {
  const bad = [];
  const all = (query) => [...document.querySelectorAll(query)];
  if (!["en", "es"].includes(document.documentElement.lang)) bad.push("no language");
  if (!document.title.includes("Consentry") || document.title.startsWith(" ")) bad.push("no title");
  if (all("h1").length !== 1) bad.push(`${all("h1").length} first headings`);
  for (const role of ["header", "main", "footer"]) if (all("body > " + role).length !== 1) bad.push("no one " + role);
  for (const one of all("[tabindex]")) if (one.tabIndex > 0) bad.push("order of its own: " + one.outerHTML);
  let level = 0;
  for (const heading of all("h1, h2, h3, h4, h5, h6")) {
    const at = Number(heading.tagName[1]);
    if (at > level + 1) bad.push("skips a level: " + heading.textContent);
    level = at;
  }
  for (const one of all("input:not([type=hidden]), select, textarea")) {
    if (![...one.labels].some((label) => label.textContent.trim())) bad.push("no label: " + one.name);
  }
  for (const one of all("[aria-describedby], [aria-labelledby]")) {
    const ids = `${one.getAttribute("aria-describedby") ?? ""} ${one.getAttribute("aria-labelledby") ?? ""}`;
    for (const id of ids.split(" ").filter(Boolean)) if (!document.getElementById(id)) bad.push("points nowhere: " + id);
  }
  const names = all("section[aria-labelledby], nav, [role=region]").map((one) => one.ariaLabel
    ?? document.getElementById(one.getAttribute("aria-labelledby"))?.textContent);
  for (const [at, name] of names.entries()) if (names.indexOf(name) !== at) bad.push("two regions of one name: " + name);
  for (const link of all("#faults a")) {
    if (!document.querySelector("#" + CSS.escape(link.hash.slice(1)))) bad.push("leads nowhere: " + link.hash);
  }
  if (all("script:not([src]), [onclick], [style]").length) bad.push("script or style in the markup");
  return bad;
}"""

#: Text whose contrast with what is behind it is below 4.5 to 1, or 3 to 1 where it is large (WCAG 2.2, 1.4.3).
PALE = """() => {
  const parts = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (parts(colour)[3] !== 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const bad = [];
  for (const one of document.querySelectorAll("body *")) {
    const said = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!said || one.getClientRects().length === 0) continue;
    const style = getComputedStyle(one);
    const [above, below] = [light(style.color), light(behind(one))].sort((a, b) => b - a);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const ratio = (above + 0.05) / (below + 0.05);
    if (ratio < (large ? 3 : 4.5)) bad.push(`pale, ${ratio.toFixed(2)}: ${one.outerHTML.slice(0, 120)}`);
  }
  return bad;
}"""


def faults(page: Page) -> list[str]:
    """What is wrong with the page that is open."""
    page.locator("details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
    weight = page.evaluate(WEIGHT)
    return [
        *page.evaluate(STRUCTURE),
        *page.evaluate(UNMARKED),
        *page.evaluate(PALE),
        *([f"{weight} bytes"] if weight > 100 * 1024 else []),
    ]


def looked_at(visit: Visit, paths: list[str]) -> dict[str, list[str]]:
    """Every page with what is wrong with it, at the width of a telephone."""
    visit.page.set_viewport_size({"width": 390, "height": 844})
    found: dict[str, list[str]] = {}
    for path in paths:
        assert visit.open(path).status == 200, path
        said = faults(visit.page)
        if visit.page.evaluate("document.documentElement.scrollWidth") > 390:
            said.append("wider than the telephone")
        if said:
            found[path] = said
    return found


@pytest.fixture
def known(referral: Referral) -> dict[str, str]:
    """Addresses of a patient about whom a little of everything is known."""
    own, intake = referral.patient_id, referral.intake
    referral.facts |= {"housing": "homeless"}
    for key in ("F04", "F01"):
        text = intake.get(f"/forms/{key}").json()
        said = {
            "outcome": "declined",
            "reason": "Wants to read it at home.",
            "text_version": text["version"],
            "text_sha256": text["sha256"],
            "language": "en",
            "reader": {"how": "self"},
            "device": "staff_device",
        }
        signed = intake.post(f"/patients/{own}/forms/{key}", said)
        assert signed.status_code == 201, signed.text
    draft = {"instrument": "phq-9", "status": "draft", "answers": {"phq9.9": 1}}
    form = intake.post(f"/patients/{own}/assessments", draft).json()["id"]
    flag = intake.get(f"/patients/{own}/flags").json()["items"][0]["id"]
    return {"own": own, "form": form, "flag": flag, "signature": signed.json()["id"]}


def test_pages_of_staff_are_for_everybody(
    service: Service, referral: Referral, known: dict[str, str], visit: Visit
) -> None:
    clinician = person(service, Role.CLINICIAN, "Clara Testperson")
    relate(service, clinician, known["own"])
    visit.sign_in(clinician.username)
    own = f"/patients/{known['own']}"
    sections = list(service.house.state.placement.medical.sections)
    paths = [
        "/",
        "/work-list",
        "/flags",
        f"{own}/intake",
        f"{own}/flags",
        f"{own}/flags/{known['flag']}",
        f"{own}/forms/phq-9",
        f"{own}/signing/F04",
        f"{own}/signing/F16",
        f"{own}/medical",
        f"{own}/medical/{sections[1]}",
        f"{own}/diagnoses/new",
        f"/assessments/{known['form']}",
        f"/signatures/{known['signature']}",
        f"/episodes/{referral.episode_id}/placement",
    ]
    assert looked_at(visit, paths) == {}


def test_faults_lead_to_their_fields_and_are_heard(
    service: Service, referral: Referral, known: dict[str, str], visit: Visit
) -> None:
    clinician = person(service, Role.CLINICIAN, "Clara Testperson")
    relate(service, clinician, known["own"])
    visit.sign_in(clinician.username)
    own, page = f"/patients/{known['own']}", visit.page
    for path, button in (
        (f"{own}/flags/{known['flag']}", "Acknowledge"),
        (f"{own}/signing/F04", "Record"),
        (f"/episodes/{referral.episode_id}/placement", "Sign the decision"),
    ):
        visit.open(path)
        page.get_by_role("button", name=button).focus()
        page.keyboard.press("Enter")
        page.wait_for_selector("#faults")
        assert page.evaluate("document.activeElement.id") == "faults", "where the reading goes on"
        assert page.title().startswith("Error: ")
        assert faults(page) == [], path
        page.keyboard.press("Tab")
        first = page.evaluate("document.activeElement.hash.slice(1)")
        page.keyboard.press("Enter")
        assert page.evaluate("document.querySelector(':target').id") == first


def test_pages_of_a_patient_are_for_everybody(service: Service, visit: Visit) -> None:
    door = Doorway(service)
    assert door.make().status_code == 201
    assert faults_of_link(visit, door.token()) == []
    own = f"/patients/{door.room.patient_id}"
    paths = [f"{own}/intake", f"{own}/signing/F04", f"{own}/signing/F16", f"{own}/forms/phq-9"]
    assert (
        looked_at(visit, [*(f"{path}?lang=es" for path in paths), *(f"{path}?lang=en" for path in paths)])
        == {}
    )


def faults_of_link(visit: Visit, token: str) -> list[str]:
    visit.open(f"/packet#{token}")
    said = faults(visit.page)
    visit.page.get_by_label("Date of birth").fill("2/3/1990")
    visit.page.get_by_role("button", name="Open").click()
    visit.page.wait_for_url(re.compile("/intake$"))
    return said


def test_pages_of_compliance_are_for_everybody(service: Service, visit: Visit) -> None:
    visit.open("/sign-in")
    assert faults(visit.page) == []
    visit.sign_in(person(service, Role.COMPLIANCE, "Olive Testperson").username)
    visit.page.wait_for_url("**/audit")
    entry = visit.page.locator("tbody a").first.get_attribute("href")
    watch = Watchfulness(service)
    for _ in range(5):
        watch.entry(service.account("clinician", name="curious"), "patient.read", outcome="deny")
    watch.look()
    visit.open("/audit/reviews")
    finding = visit.page.locator("main a[href^='/audit/reviews/']").first.get_attribute("href")
    paths = ["/audit", str(entry), "/work-list", "/flags", "/audit/reviews", str(finding)]
    assert looked_at(visit, [*paths, "/audit/reviews?state=closed"]) == {}
