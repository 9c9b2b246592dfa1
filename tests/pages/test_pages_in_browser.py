"""The compliance officer's way through the pages, in a real browser, without a single message on its console."""

from datetime import timedelta

from service.identity.model import Account
from tests.house import Service
from tests.pages.conftest import PASSWORD, Visit


def test_from_sign_in_to_the_explanation_of_a_refusal(
    service: Service, officer: Account, visit: Visit
) -> None:
    patient = service.client("intake").post(
        "/patients", {"given_name": "Pat", "family_name": "Testperson", "birth_date": "1980-02-03"}
    )
    assert patient.status_code == 201, patient.text
    denied = service.client("clinician").get(f"/patients/{patient.json()['id']}")
    assert denied.status_code in (403, 404)
    visit.sign_in(officer.username)
    page = visit.page
    assert page.url == f"{visit.site}/audit"
    assert page.get_by_role("heading", name="Audit trail").is_visible()
    assert "Olive Testperson" in page.get_by_role("banner").inner_text()
    page.get_by_label("Outcome").select_option("Refused")
    page.get_by_role("button", name="Show entries").click()
    rows = page.locator("tbody tr")
    assert rows.count() == 1
    assert "Treatment" in rows.first.inner_text()
    rows.first.get_by_role("link").first.click()
    assert "/audit/entries/" in page.url
    assert page.get_by_role("heading", name="Test Clinician (a member of staff) was refused").is_visible()
    assert page.get_by_text("patient.read", exact=True).is_visible()
    page.get_by_role("link", name="Everything about this patient").click()
    acts = page.locator("tbody th").all_inner_texts()
    assert len(acts) == 3, "registered, refused, and the look at the refusal"
    assert "Pat" not in page.content().replace("Patient", "").replace("patient", "")
    assert "1980" not in page.content()
    [reading] = service.entries(action="audit.read", object_id=denied_entry(service))
    assert reading["actor_id"] == officer.id, "looking at an entry is an entry"


def denied_entry(service: Service) -> object:
    [entry] = [row for row in service.entries(action="patient.read") if row["outcome"] == "deny"]
    return entry["id"]


def test_a_wrong_password_says_so_and_says_no_more(officer: Account, visit: Visit) -> None:
    visit.sign_in(officer.username, "not the right password")
    alert = visit.page.get_by_role("alert")
    assert "The user name or the password is not right." in alert.inner_text()
    known = alert.inner_text()
    assert visit.page.get_by_label("Password").input_value() == ""
    visit.sign_in("nobody-at-all", "not the right password")
    assert visit.page.get_by_role("alert").inner_text() == known
    visit.sign_in(officer.username, PASSWORD)
    assert visit.page.url.endswith("/audit")


def test_signing_out_ends_the_session_and_going_back_shows_nothing(officer: Account, visit: Visit) -> None:
    visit.sign_in(officer.username)
    cookie = visit.page.context.cookies()
    visit.page.get_by_role("button", name="Sign out").click()
    assert visit.page.get_by_role("status").inner_text() == "You are signed out."
    visit.page.context.add_cookies(cookie)  # type: ignore[arg-type]
    visit.open("/audit")
    assert visit.page.url.endswith("/sign-in?ended=1")


def test_fifteen_idle_minutes_lead_back_to_the_sign_in_page(
    service: Service, officer: Account, visit: Visit
) -> None:
    visit.sign_in(officer.username)
    service.clock.advance(timedelta(minutes=14))
    visit.open("/audit")
    assert visit.page.url.endswith("/audit")
    service.clock.advance(timedelta(minutes=16))
    visit.open("/audit")
    assert "Your session has ended" in visit.page.get_by_role("status").inner_text()


def test_somebody_else_is_told_that_it_is_not_their_part(
    service: Service, clerk: Account, visit: Visit
) -> None:
    visit.sign_in(clerk.username)
    assert visit.page.url == f"{visit.site}/"
    assert visit.page.get_by_role("link", name="Audit trail").count() == 0
    answer = visit.open("/audit")
    assert answer.status == 403
    assert visit.page.get_by_role("heading", name="Not part of your role").is_visible()
    assert visit.page.get_by_role("button", name="Sign out").is_visible(), "the way out is on every page"
    [denial] = service.entries(action="audit.read", outcome="deny")
    assert denial["actor_id"] == clerk.id


def test_pages_of_the_trail_follow_each_other(service: Service, officer: Account, visit: Visit) -> None:
    client = service.client("intake")
    for _ in range(60):
        client.get("/auth/sessions")
    visit.sign_in(officer.username)
    visit.page.get_by_label("What happened").select_option("Listed their own sessions")
    visit.page.get_by_role("button", name="Show entries").click()
    first = visit.page.locator("tbody a").evaluate_all("links => links.map(link => link.href)")
    assert len(first) == 50
    visit.page.get_by_role("link", name="Older entries").click()
    second = visit.page.locator("tbody a").evaluate_all("links => links.map(link => link.href)")
    assert len(second) == 10
    assert not set(first) & set(second)
    assert visit.page.get_by_role("link", name="Older entries").count() == 0


def test_faults_of_the_filter_stand_beside_their_fields(officer: Account, visit: Visit) -> None:
    visit.sign_in(officer.username)
    answer = visit.open("/audit?patient=%3Cscript%3E&from=2026-02-30&to=2026-01-01&action=no.such")
    assert answer.status == 422
    alert = visit.page.get_by_role("alert").inner_text()
    assert "Patient id: Not an id." in alert
    assert "From day: There is no such day." in alert
    patient = visit.page.get_by_label("Patient id")
    assert patient.get_attribute("aria-invalid") == "true"
    assert patient.input_value() == "<script>"


def test_the_keyboard_alone_is_enough(officer: Account, visit: Visit) -> None:
    visit.open("/sign-in")
    keyboard = visit.page.keyboard
    keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.textContent") == "Skip to main content"
    keyboard.press("Enter")
    assert visit.page.evaluate("document.activeElement.id") == "main"
    keyboard.press("Tab")
    keyboard.type(officer.username)
    keyboard.press("Tab")
    keyboard.type(PASSWORD)
    keyboard.press("Enter")
    visit.page.wait_for_url("**/audit")


def test_every_control_can_be_hit_and_nothing_overflows_a_phone(officer: Account, visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 360, "height": 740})
    for path in ("/sign-in", "/audit", "/"):
        if path == "/audit":
            visit.sign_in(officer.username)
        visit.open(path)
        width = visit.page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, path
        small = visit.page.locator(
            "button:visible, input:visible, select:visible, nav a:visible"
        ).evaluate_all(
            "all => all.filter(one => one.getBoundingClientRect().height < 44).map(one => one.outerHTML)"
        )
        assert small == [], path


def test_landmarks_language_and_the_crisis_line(visit: Visit) -> None:
    visit.open("/sign-in")
    page = visit.page
    assert page.locator("html").get_attribute("lang") == "en"
    for role in ("banner", "main", "contentinfo"):
        assert page.get_by_role(role).count() == 1  # type: ignore[arg-type]
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.get_by_role("link", name="988").get_attribute("href") == "tel:988"
