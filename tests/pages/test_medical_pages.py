"""The medical intake as pages, without a script: sections, entries, two devices, labels, diagnoses, the review."""

import re
from html import unescape
from typing import Any

import pytest

from service.access.caller import Role
from service.identity.model import Account
from tests.house import Service
from tests.integration.delivery.test_links import Doorway
from tests.pages.conftest import person
from tests.pages.test_pages_over_http import browserless, field, sign_in

__all__ = ["browserless"]
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


class Chart:
    """A browser without script at one patient's medical intake."""

    def __init__(self, http: Any, service: Service, patient_id: str) -> None:
        self.http, self.service, self.patient_id = http, service, patient_id
        self.base = f"/patients/{patient_id}"

    def open(self, path: str, status: int = 200) -> str:
        answer = self.http.get(path if path.startswith("/") else f"{self.base}/medical/{path}")
        assert answer.status_code == status, answer.text
        assert len(answer.content) <= 100 * 1024
        assert answer.text.count("<h1") == 1
        return str(answer.text)

    def hidden(self, page: str, action: str) -> dict[str, str]:
        """The hidden fields of the form that goes to `action`."""
        form = page.split(f'action="{action}"', 1)[1].split("</form>", 1)[0]
        return {name: unescape(text) for name, text in _HIDDEN.findall(form)}

    def send(self, path: str, page: str | None = None, /, **fields: str) -> Any:
        path = path if path.startswith("/") else f"{self.base}/medical/{path}"
        page = self.open(path) if page is None else page
        sent = {name.replace("__", ":"): text for name, text in fields.items()}
        return self.http.post(path, data=self.hidden(page, path) | sent, follow_redirects=False)

    def answers(self, section: str) -> dict[str, Any]:
        answer = self.service.client("intake").get(f"/patients/{self.patient_id}/medical/{section}")
        return dict(answer.json()["head"]["answers"])


@pytest.fixture
def patient_id(service: Service) -> str:
    body = {"given_name": "Pia", "family_name": "Testperson", "birth_date": "1988-04-12"}
    return str(service.client("intake").post("/patients", body).json()["id"])


@pytest.fixture
def chart(browserless: Any, service: Service, clerk: Account, patient_id: str) -> Chart:
    sign_in(browserless, clerk.username)
    return Chart(browserless, service, patient_id)


def test_a_section_is_saved_completed_and_changed_with_a_reason(chart: Chart) -> None:
    overview = chart.open(f"{chart.base}/medical")
    assert "Pia Testperson</strong>, born 04/12/1988" in overview
    assert overview.count('/medical/home"') == 1
    for action in ("/home", "/legal"):
        assert "Pia Testperson" in chart.open(action.removeprefix("/"))
    lacking = chart.send("home", act="complete", a__lives_with="My sister", a__use_at_home="absent:declined")
    assert lacking.status_code == 422
    assert re.search(r'<a href="#f-housing">Where you live: ', lacking.text)
    assert 'aria-describedby="f-housing-fault"' in lacking.text
    assert ">My sister</textarea>" in lacking.text
    kept = chart.answers("home")
    assert kept["lives_with"]["staff"]["value"] == "My sister", "what was typed is saved"
    assert kept["use_at_home"]["staff"]["absent"] == "declined"
    page = chart.open("home")
    names = set(re.findall(r'name="a:([a-z_]+)"', page))
    assert {"housing", "lives_with", "use_at_home"} < names
    answers = {f"a__{name}": "yes" for name in names - {"housing", "lives_with", "use_at_home"}}
    done = chart.send("home", act="complete", **answers | {"a__housing": "stable"})
    assert (done.status_code, done.headers.get("location")) == (303, f"{chart.base}/medical"), done.text
    silent = chart.send("home", act="save", a__lives_with="My brother")
    assert silent.status_code == 422
    assert '<a href="#f-reason">Say why a completed form is changed.</a>' in silent.text
    assert chart.send("home", act="save", a__lives_with="My brother", reason="moved").status_code == 303
    kept = chart.answers("home")
    assert kept["lives_with"]["staff"]["value"] == "My brother"
    assert kept["housing"]["staff"]["value"] == "stable"


def test_two_devices_are_shown_side_by_side_and_nothing_is_overwritten(chart: Chart) -> None:
    first, second = chart.open("goals"), chart.open("goals")
    assert (
        chart.send("goals", first, act="save", a__own_words="Sleep again", a__culture="none").status_code
        == 303
    )
    stale = chart.send("goals", second, act="save", a__own_words="See my son", a__strengths="I cook")
    assert stale.status_code == 409
    assert "See my son" in stale.text and "Sleep again" in stale.text
    assert chart.answers("goals").keys() == {"own_words", "culture"}, (
        "nothing is saved before somebody chooses"
    )
    path = f"{chart.base}/medical/goals"
    again = chart.send(path, stale.text, act="keep")
    assert again.status_code == 422 and "Choose one for each question." in again.text
    assert chart.send(path, again.text, act="keep", k__own_words="theirs").status_code == 303
    kept = {key: said["staff"]["value"] for key, said in chart.answers("goals").items()}
    assert kept == {"own_words": "Sleep again", "culture": "none", "strengths": "I cook"}


def test_urgent_values_are_heard_and_unusual_ones_confirmed(chart: Chart) -> None:
    odd = chart.send("vitals", act="save", a__systolic="255", a__diastolic="125")
    assert odd.status_code == 422
    assert 'name="ok:systolic"' in odd.text and 'value="255"' in odd.text
    assert "Next step:" in odd.text, "danger in a refused form is heard"
    path = f"{chart.base}/medical/vitals"
    sure = chart.send(path, odd.text, act="save", a__systolic="255", ok__systolic="yes")
    assert sure.status_code == 200 and "Next step:" in sure.text
    assert chart.answers("vitals")["systolic"]["measured"]["confirmed"] is True
    assert "Next step:" in chart.open("vitals")
    assert "Act on these now" in chart.open(f"{chart.base}/medical")


def test_substances_are_listed_labelled_and_taken_back(chart: Chart) -> None:
    used = {
        "a__class": "opioid",
        "a__name": "fentanyl",
        "a__ever": "yes",
        "a__rank": "primary",
        "a__last_use": "2026-01-01T08:30",
        "c__last_use": "about",
        "a__withdrawal__shaking": "yes",
        "a__withdrawal__nausea": "yes",
    }
    page = chart.open("substances/new")
    short = chart.send("substances/new", page, act="complete", **used)
    assert short.status_code == 422 and '<a href="#f-days_30">' in short.text
    page = chart.open("substances/new")
    assert chart.send("substances/new", page, act="save", **used).status_code == 303
    assert chart.send("substances/new", page, act="save", **used).status_code == 303, "a second click"
    listed = chart.open("substances")
    assert "Listed (1)" in listed and "Opioids, fentanyl, Yes" in listed and ">SUD</span>" in listed
    [item] = re.findall(r'medical/substances/([0-9a-f-]{36})"', listed)
    entry = chart.open(f"substances/{item}")
    assert 'value="2026-01-01T08:30"' in entry
    client = chart.service.client("intake")
    answers = client.get(f"/medical/{item}").json()["answers"]
    assert answers["withdrawal"]["staff"]["value"] == ["shaking", "nausea"]
    labels = f"/items/{item}/labels"
    raised = chart.send(labels, entry, raise__HIV="yes")
    assert raised.headers.get("location") == f"{chart.base}/medical/substances", raised.text
    assert client.get(f"/medical/{item}").json()["labels"] == ["HIV", "SUD"]
    path = f"{chart.base}/medical/substances/{item}/error"
    gone = chart.send(path, chart.open(f"substances/{item}"), reason="not this patient")
    assert gone.status_code == 303
    assert "Listed (0)" in chart.open("substances")


def test_a_clinician_diagnoses_and_compliance_alone_lowers_a_label(
    chart: Chart, service: Service, officer: Account
) -> None:
    clinician = person(service, Role.CLINICIAN, "Cleo Testperson")
    service.relate(clinician, chart.patient_id)  # type: ignore[arg-type]
    service.client("intake").post(
        f"/patients/{chart.patient_id}/medical/substances/entries",
        {
            "completed": False,
            "answers": {"class": {"value": "alcohol"}, "name": {"value": "beer"}, "ever": {"value": True}},
        },
    )
    sign_in(chart.http, clinician.username)
    new = f"{chart.base}/diagnoses/new"
    few = chart.send(new, substance="alcohol", specific="beer", dated_on="2026-01-01", criterion__1="yes")
    assert few.status_code == 422 and '<a href="#f-criteria">' in few.text
    met = {f"criterion__{number}": "yes" for number in (1, 2, 3, 4)}
    made = chart.send(new, few.text, substance="alcohol", specific="beer", dated_on="2026-01-01", **met)
    assert made.status_code == 303, made.text
    page = chart.open(f"{chart.base}/medical")
    assert "F10.20" in page and ", moderate" in page
    [item] = re.findall(r'diagnoses/([0-9a-f-]{36})"', page)
    unsigned = chart.send(f"{chart.base}/medical-review", page)
    assert unsigned.status_code == 422 and f'href="{chart.base}/medical/home#f-housing"' in unsigned.text
    labels = f"/items/{item}/labels"
    assert chart.send(labels, chart.open(labels), lower__SUD="yes", reason="no").status_code == 403
    sign_in(chart.http, officer.username)
    silent = chart.send(labels, chart.open(labels), lower__SUD="yes", act="lower")
    assert silent.status_code == 422 and "Say why a label is taken away." in silent.text
    seen = chart.send(labels, silent.text, lower__SUD="yes", act="preview")
    assert seen.status_code == 200 and "What this would do" in seen.text
    assert "Consents that leave out SUD would reach this item." in seen.text
    done = chart.send(labels, seen.text, lower__SUD="yes", reason="a mistake", act="lower")
    assert done.status_code == 200 and "Done" in done.text
    assert chart.http.get(f"{chart.base}/medical").status_code == 403, "compliance reads no content"


def test_a_patient_answers_and_sees_their_own_words_alone(browserless: Any, service: Service) -> None:
    door = Doorway(service)
    door.make()
    form = {
        "form_token": field(browserless.get("/p").text),
        "token": door.token(),
        "birth_date": "02/03/1990",
    }
    opened = browserless.post("/packet", data=form, follow_redirects=False)
    chart = Chart(browserless, service, opened.headers["location"].split("/")[2])
    body = {"answers": {"own_words": {"value": "what staff heard"}}}
    staff = service.client("intake").put(
        f"/patients/{chart.patient_id}/medical/goals", body, headers={"If-Match": '"0"'}
    )
    assert staff.status_code == 200, staff.text
    todo = chart.open(f"{chart.base}/intake")
    assert f'href="{chart.base}/medical"' in todo
    overview = chart.open(f"{chart.base}/medical")
    assert "Vital signs" not in overview and "Reviewed by" not in overview
    assert "what staff heard" not in chart.open("goals")
    assert chart.send("goals", a__own_words="Sleep again").status_code == 303
    said = chart.answers("goals")["own_words"]
    assert (said["patient"]["value"], said["staff"]["value"]) == ("Sleep again", "what staff heard")
    assert chart.http.get(f"{chart.base}/medical/vitals").status_code == 404
