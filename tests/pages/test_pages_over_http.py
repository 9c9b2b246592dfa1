"""What a browser never shows: cookies, policies, forged forms, other ways in."""

import re
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from service.app import Options, build
from service.identity.model import Account
from tests.house import Service
from tests.pages.conftest import PASSWORD

POLICY = {
    "default-src 'none'",
    "style-src 'self'",
    "img-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
}


@pytest.fixture
def browserless(service: Service) -> Any:
    """An HTTP client with a cookie jar of its own."""
    client = service.house.http
    client.cookies.clear()
    yield client
    client.cookies.clear()


def field(page: str) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', page)
    assert found
    return found[1]


def sign_in(client: Any, username: str, **headers: str) -> Any:
    token = field(client.get("/sign-in").text)
    form = {"form_token": token, "username": username, "password": PASSWORD}
    return client.post("/sign-in", data=form, headers=headers, follow_redirects=False)


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(browserless: Any, officer: Account) -> None:
    answer = sign_in(browserless, officer.username)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/audit"
    [cookie] = [line for line in answer.headers.get_list("set-cookie") if line.startswith("consentry=")]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "Max-Age" not in cookie and "Domain" not in cookie
    assert len(cookie) < 4096
    token = browserless.cookies["consentry"]
    assert token not in browserless.get("/audit").text


def test_over_tls_the_cookie_is_bound_to_the_host(service: Service, officer: Account) -> None:
    settings = service.house.settings
    secure = build(
        replace(settings, public_url="https://consentry.test"), Options(clock=service.clock, sequence=False)
    )
    with TestClient(secure, base_url="https://consentry.test") as client:
        answer = sign_in(client, officer.username, origin="https://consentry.test")
        assert answer.status_code == 303
        [cookie] = [line for line in answer.headers.get_list("set-cookie") if "consentry=" in line]
        assert cookie.startswith("__Host-consentry=")
        assert {"Secure", "HttpOnly", "SameSite=strict", "Path=/"} <= {
            part.strip() for part in cookie.split(";")
        }
        assert client.get("/audit").status_code == 200


@pytest.mark.parametrize("path", ["/sign-in", "/audit", "/", "/audit/entries/nothing", "/static/site.css"])
def test_every_page_brings_the_strict_policy(browserless: Any, officer: Account, path: str) -> None:
    sign_in(browserless, officer.username)
    answer = browserless.get(path)
    headers = answer.headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "server" not in headers
    if path.startswith("/static"):
        assert "max-age" in headers["cache-control"]
        return
    assert {part.strip() for part in headers["content-security-policy"].split(";")} == POLICY
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", answer.text)
    assert not re.search(r'(src|href|action)="(?!/|#|tel:)', answer.text), "nothing from elsewhere"


def forged(how: str, token: str) -> tuple[dict[str, str], dict[str, str]]:
    """(form, headers) of a form that our page did not send."""
    match how:
        case "no token":
            return {"other": "1"}, {}
        case "empty token":
            return {"form_token": ""}, {}
        case "another token":
            return {"form_token": "x" * len(token)}, {}
        case "another origin":
            return {"form_token": token}, {"Origin": "https://elsewhere.test"}
        case "null origin":
            return {"form_token": token}, {"Origin": "null"}
        case "cross-site":
            return {"form_token": token}, {"Sec-Fetch-Site": "cross-site"}
        case _:
            return {"form_token": token}, {"Sec-Fetch-Site": "same-site"}


FORGERIES = [
    "no token",
    "empty token",
    "another token",
    "another origin",
    "null origin",
    "cross-site",
    "same-site",
]


@pytest.mark.parametrize("how", FORGERIES)
def test_a_forged_sign_in_is_refused(browserless: Any, officer: Account, how: str) -> None:
    form, headers = forged(how, field(browserless.get("/sign-in").text))
    form |= {"username": officer.username, "password": PASSWORD}
    answer = browserless.post("/sign-in", data=form, headers=headers, follow_redirects=False)
    assert answer.status_code == 403
    assert "This form is out of date" in answer.text
    assert "consentry" not in browserless.cookies


@pytest.mark.parametrize("how", FORGERIES)
def test_a_forged_sign_out_is_refused(browserless: Any, officer: Account, how: str) -> None:
    sign_in(browserless, officer.username)
    form, headers = forged(how, field(browserless.get("/audit").text))
    answer = browserless.post("/sign-out", data=form, headers=headers, follow_redirects=False)
    assert answer.status_code == 403
    assert browserless.get("/audit").status_code == 200


def test_the_token_of_one_session_does_not_fit_another(
    browserless: Any, officer: Account, clerk: Account
) -> None:
    sign_in(browserless, clerk.username)
    other = field(browserless.get("/").text)
    browserless.cookies.clear()
    sign_in(browserless, officer.username)
    assert (
        browserless.post("/sign-out", data={"form_token": other}, follow_redirects=False).status_code == 403
    )


def test_our_own_form_signs_out_on_every_worker(service: Service, browserless: Any, officer: Account) -> None:
    sign_in(browserless, officer.username)
    token, cookie = field(browserless.get("/audit").text), browserless.cookies["consentry"]
    headers = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
    answer = browserless.post(
        "/sign-out", data={"form_token": token}, headers=headers, follow_redirects=False
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?signed_out=1")
    browserless.cookies.set("consentry", cookie)
    again = browserless.get("/audit", follow_redirects=False)
    assert (again.status_code, again.headers["location"]) == (303, "/sign-in?ended=1")
    [entry] = service.entries(action="session.end")
    assert entry["actor_id"] == officer.id


def test_a_cookie_is_no_bearer_and_a_bearer_is_no_cookie(
    service: Service, browserless: Any, officer: Account
) -> None:
    sign_in(browserless, officer.username)
    token = browserless.cookies["consentry"]
    api = browserless.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})
    assert api.status_code == 401
    assert browserless.get("/api/v1/auth/me").status_code == 401, "the cookie alone opens nothing of the API"
    browserless.cookies.clear()
    browserless.cookies.set("consentry", service.account("compliance").token)
    assert browserless.get("/audit", follow_redirects=False).status_code == 303


@pytest.mark.parametrize("cookie", ["", "x", "a.b.c", "x" * 3000])
def test_a_made_up_cookie_leads_to_the_sign_in_page(browserless: Any, cookie: str) -> None:
    browserless.cookies.set("consentry", cookie)
    answer = browserless.get("/audit", follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")


def test_signing_in_by_get_is_not_possible(browserless: Any, officer: Account) -> None:
    answer = browserless.get(f"/sign-in?username={officer.username}&password={PASSWORD}")
    assert "consentry" not in browserless.cookies
    assert PASSWORD not in answer.text


def test_what_is_typed_comes_back_as_text_only(browserless: Any) -> None:
    probe = '"><svg onload=alert(1)>{{7*7}}'
    token = field(browserless.get("/sign-in").text)
    answer = browserless.post("/sign-in", data={"form_token": token, "username": probe, "password": "y"})
    assert answer.status_code == 401
    assert "<svg" not in answer.text
    assert "{{7*7}}" in answer.text


def test_an_entry_of_another_program_is_not_there(browserless: Any, officer: Account) -> None:
    sign_in(browserless, officer.username)
    answer = browserless.get(f"/audit/entries/{uuid4()}")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


@pytest.mark.parametrize("path", ["/static/", "/static/router.py", "/static/..%2frouter.py", "/static/.env"])
def test_only_the_named_files_are_served(browserless: Any, path: str) -> None:
    assert browserless.get(path).status_code == 404


def test_an_empty_form_says_what_is_needed(browserless: Any) -> None:
    token = field(browserless.get("/sign-in").text)
    answer = browserless.post("/sign-in", data={"form_token": token, "username": "ina", "password": ""})
    assert answer.status_code == 422
    assert "Enter your user name and your password." in answer.text
    assert 'value="ina"' in answer.text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("outcome=maybe", "Outcome: No such outcome."),
        ("action=nothing.done", "What happened: No such act."),
        ("after=!!", "Search again."),
        ("from=0001-01-01", "between 2000 and 2200"),
        ("from=2026-02-02&to=2026-02-01", "The last day is before the first."),
        ("actor=x", "Id of the account that acted: Not an id."),
        ("session=x", "Session id: Not an id."),
    ],
)
def test_a_filter_that_cannot_be_read(browserless: Any, officer: Account, query: str, said: str) -> None:
    sign_in(browserless, officer.username)
    answer = browserless.get(f"/audit?{query}")
    assert answer.status_code == 422
    assert said in answer.text
    assert "<tbody>" not in answer.text


def test_a_bad_filter_shows_nothing_to_somebody_else(browserless: Any, clerk: Account) -> None:
    sign_in(browserless, clerk.username)
    answer = browserless.get("/audit?patient=x", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("from=2000-01-01&to=2200-12-31&action=user.manage&order=oldest", 1),
        ("to=2000-01-01", 0),
        ("from=2200-01-01", 0),
        ("purpose=TREAT&action=user.manage", 1),
        ("purpose=HMARKT", 0),
        ("outcome=deny", 0),
    ],
)
def test_filters_narrow_the_trail(browserless: Any, officer: Account, query: str, rows: int) -> None:
    sign_in(browserless, officer.username)
    page = browserless.get(f"/audit?{query}").text
    assert page.count('<th scope="row">') >= rows
    assert ("No entry fits this filter." in page) == (rows == 0)
