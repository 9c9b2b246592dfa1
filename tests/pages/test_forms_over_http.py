"""Forms without a script, and what the module sends: forged, stale, refused, not theirs."""

import json
import re
from typing import Any

import pytest

from service.access.caller import Role
from service.identity.model import Account
from tests.house import Service
from tests.integration.delivery.test_links import Doorway
from tests.pages.conftest import person
from tests.pages.test_pages_over_http import browserless, field, sign_in

__all__ = ["browserless"]
PHQ_9 = {f"a:phq9.{number}": "1" for number in range(1, 9)} | {"a:phq9.9": "0"}


@pytest.fixture
def patient_id(service: Service) -> str:
    body = {"given_name": "Pia", "family_name": "Testperson", "birth_date": "1988-04-12"}
    return str(service.client("intake").post("/patients", body).json()["id"])


class Desk:
    """A clerk's browser without script, at one draft."""

    def __init__(self, http: Any, clerk: Account, patient_id: str, key: str = "phq-9") -> None:
        self.http = http
        sign_in(http, clerk.username)
        page = http.get(f"/patients/{patient_id}/forms/{key}").text
        begun = http.post(
            f"/patients/{patient_id}/forms/{key}", data={"form_token": field(page)}, follow_redirects=False
        )
        assert begun.status_code == 303
        self.path = begun.headers["location"]
        self.page = http.get(self.path).text

    def hidden(self) -> dict[str, str]:
        found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', self.page)
        return dict(found)

    def send(self, act: str, **fields: str) -> Any:
        return self.http.post(self.path, data={**self.hidden(), "act": act, **fields}, follow_redirects=False)

    def autosave(self, fields: dict[str, str], *, version: str | None = "1", **headers: str) -> Any:
        known = self.hidden()
        sent = {
            "Form-Token": known["form_token"],
            "Content-Type": "application/json",
            **({"If-Match": f'"{version}"'} if version else {}),
            **headers,
        }
        body = {
            "instrument": known["instrument"],
            "instrument_version": int(known["instrument_version"]),
            "kept": {},
            "fields": fields,
        }
        return self.http.put(f"{self.path}/draft", content=json.dumps(body), headers=sent)


@pytest.fixture
def desk(browserless: Any, clerk: Account, patient_id: str) -> Desk:
    return Desk(browserless, clerk, patient_id)


def test_without_script_a_form_is_saved_and_completed(desk: Desk) -> None:
    assert desk.send("save", **{"a:phq9.1": "2"}).status_code == 303
    desk.page = desk.http.get(desk.path).text
    assert re.search(r'name="a:phq9.1" value="2" checked', desk.page)
    answer = desk.send("complete", **PHQ_9 | {"a:phq9.9": ""})
    assert answer.status_code == 422
    assert '<a href="#q-9">Question 9: please answer it.</a>' in answer.text
    desk.page = answer.text
    assert desk.send("complete", **PHQ_9).status_code == 303
    page = desk.http.get(desk.path).text
    assert "<dt>Score</dt><dd>8</dd>" in page
    assert "<form id" not in page


def test_without_script_two_versions_are_compared_and_nothing_is_overwritten(desk: Desk) -> None:
    assert desk.send("save", **{"a:phq9.1": "2", "a:phq9.2": "1"}).status_code == 303
    stale = desk.send("save", **{"a:phq9.1": "3"})
    assert stale.status_code == 409
    assert "Nearly every day" in stale.text and "More than half the days" in stale.text
    desk.page = stale.text.replace("&#34;", '"').replace('value="{"', "value='{\"")
    known = {**desk.hidden(), "version": "2", "mine": '{"phq9.1": 3}', "kept": "{}"}
    kept = desk.http.post(desk.path, data={**known, "act": "keep", "k:phq9.1": "mine"})
    assert kept.status_code == 422, "a choice is missing"
    choices = {"k:phq9.1": "mine", "k:phq9.2": "theirs"}
    done = desk.http.post(desk.path, data={**known, "act": "keep", **choices}, follow_redirects=False)
    assert done.status_code == 303
    page = desk.http.get(desk.path).text
    assert re.search(r'name="a:phq9.1" value="3" checked', page)
    assert re.search(r'name="a:phq9.2" value="1" checked', page)
    again = desk.http.post(desk.path, data={**known, "act": "keep", **choices})
    assert again.status_code == 409, "chosen between versions of which one is no more"


def test_the_module_is_answered_with_documents(desk: Desk) -> None:
    saved = desk.autosave({"a:phq9.1": "1", "a:phq9.9": "1"})
    assert (saved.status_code, saved.headers["etag"]) == (200, '"2"')
    heard = saved.json()
    assert heard["version"] == 2 and heard["draft"] and heard["help"] is None
    assert [flag["severity"] for flag in heard["flags"]] == ["urgent"]
    assert "+1-555-0143" in heard["flags"][0]["next_step"]
    kept = desk.http.get(f"{desk.path}/draft").json()
    assert kept["fields"] == {"a:phq9.1": "1", "a:phq9.9": "1"}
    assert kept["form_token"] == desk.hidden()["form_token"]
    stale = desk.autosave({"a:phq9.1": "2"})
    assert (stale.status_code, stale.json()["current"]) == (412, 2)
    assert desk.autosave({}, version=None).status_code == 428
    wrong = desk.autosave({"a:phq9.1": "9", "a:phq9.9": "2"}, version="2")
    assert wrong.status_code == 422
    assert "urgent" in [flag["severity"] for flag in wrong.json()["flags"]], "heard although refused"
    assert desk.http.get(f"{desk.path}/draft").json()["fields"]["a:phq9.9"] == "1"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Form-Token": ""}, 403),
        ({"Form-Token": "x" * 43}, 403),
        ({"Origin": "https://elsewhere.test"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Content-Type": "text/plain"}, 415),
    ],
    ids=["no token", "another token", "another origin", "cross-site", "no JSON"],
)
def test_what_our_page_did_not_send_is_refused(desk: Desk, headers: dict[str, str], status: int) -> None:
    assert desk.autosave({"a:phq9.1": "1"}, **headers).status_code == status
    assert desk.http.get(f"{desk.path}/draft").json()["fields"] == {}


def test_forms_that_are_none(desk: Desk) -> None:
    assert desk.http.put(
        f"{desk.path}/draft",
        content='{"fields": []}',
        headers={"Form-Token": desk.hidden()["form_token"], "Content-Type": "application/json"},
    ).status_code == 422  # fmt: skip
    for wrong in ({"version": "x"}, {"kept": "[]"}):
        assert desk.send("save", **wrong).status_code == 422
    assert desk.send("save", instrument="nothing").status_code == 404
    rejected = desk.send("save", **{"a:phq9.1": "7"})
    assert rejected.status_code == 422 and "could not be saved" in rejected.text
    desk.http.cookies.clear()
    gone = desk.autosave({"a:phq9.1": "1"})
    assert gone.status_code == 401 and "problem" in gone.headers["content-type"]


def test_multiple_choices_measurements_and_periods(browserless: Any, clerk: Account, patient_id: str) -> None:
    desk = Desk(browserless, clerk, patient_id, "ahc-hrsn")
    fields = {"a:ahchrsn.2:mold": "mold", "a:ahchrsn.2:heat": "heat"}
    assert desk.autosave(fields).status_code == 200
    assert desk.http.get(f"{desk.path}/draft").json()["fields"] == fields
    assert desk.autosave({"a:ahchrsn.2:declined": "declined"}, version="2").status_code == 200
    assert desk.http.get(f"{desk.path}/draft").json()["fields"] == {"a:ahchrsn.2:declined": "declined"}
    desk = Desk(browserless, clerk, patient_id, "cows")
    assert desk.autosave({"c:pulse_bpm": "96", "c:pregnant": "no"}).status_code == 200
    assert desk.http.get(f"{desk.path}/draft").json()["fields"] == {
        "c:pulse_bpm": "96",
        "c:pregnant": "no",
    }
    desk = Desk(browserless, clerk, patient_id, "bam")
    assert desk.send("save", **{"c:form": "7-day"}).status_code == 303
    assert "In the past 7 days, would you say" in desk.http.get(desk.path).text


def test_a_stranger_to_the_patient_sees_nothing_of_them(
    service: Service, browserless: Any, patient_id: str, desk: Desk
) -> None:
    browserless.cookies.clear()
    sign_in(browserless, person(service, Role.CLINICIAN, "Cleo Testperson").username)
    for path in (f"/patients/{patient_id}/intake", f"/patients/{patient_id}/forms/phq-9", desk.path):
        answer = browserless.get(path)
        assert answer.status_code in (403, 404), path
        assert "Pia" not in answer.text
    assert browserless.get(f"{desk.path}/draft").status_code in (403, 404)
    assert browserless.get("/work-list").status_code == 200
    assert browserless.get("/work-list?view=nothing").status_code == 422


def test_every_refusal_of_a_link_is_the_same_page(service: Service, browserless: Any) -> None:
    door = Doorway(service)
    door.make()
    token = door.token()
    page = browserless.get("/p").text
    form = {"form_token": field(page), "token": token}
    pages: set[str] = set()
    for wrong in ({"birth_date": "03/02/1990"}, {"token": "x" * 43, "birth_date": "02/03/1990"}):
        answer = browserless.post("/packet", data=form | wrong)
        assert answer.status_code == 401
        pages.add(re.sub(r'name="(token|form_token)"[^>]*value="[^"]*"', "", answer.text))
    assert len(pages) == 1
    empty = browserless.post("/packet", data=form | {"birth_date": "31.31.1990"})
    assert empty.status_code == 422
    assert browserless.post("/packet", data={**form, "form_token": ""}).status_code == 403
    opened = browserless.post("/packet", data=form | {"birth_date": "1990-02-03"}, follow_redirects=False)
    own = door.room.patient_id
    assert (opened.status_code, opened.headers["location"]) == (303, f"/patients/{own}/intake")
    assert browserless.get("/").text.count("Your to-do list") >= 1
    assert browserless.get(f"/patients/{own}/forms/cows").status_code == 404, "a clinician fills that in"
    spanish = browserless.get(f"/patients/{own}/intake?lang=es")
    assert 'lang="es"' in spanish.text and "988" in spanish.text and "+1-555-0142" in spanish.text
    assert "Su lista de pendientes" in browserless.get(f"/patients/{own}/intake").text, "remembered"


def test_pages_that_save_bring_their_own_policy(desk: Desk) -> None:
    policy = desk.http.get(desk.path).headers["content-security-policy"]
    parts = {part.strip() for part in policy.split(";")}
    assert {"default-src 'none'", "script-src 'self'", "connect-src 'self'", "trusted-types 'none'"} <= parts
    assert "require-trusted-types-for 'script'" in parts and "unsafe" not in policy
    assert not re.search(r"<script(?! type=\"module\" src=\"/static/)|<style|\sstyle=|\son\w+=", desk.page)
