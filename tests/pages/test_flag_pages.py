"""Safety flags over pages: counted, listed with what is overdue first, taken, handed over, ended with what was done."""

import re
from datetime import timedelta
from typing import Any

import pytest

from service.access.caller import Role
from service.identity.model import Account
from tests.house import Client, Service
from tests.pages.conftest import person
from tests.pages.test_pages_over_http import browserless, field, sign_in

__all__ = ["browserless"]
SAID = "A clinician of ours spoke with the patient in the waiting room."


class Raised:
    """A clinician's browser, and a patient of theirs whose form raised an urgent flag."""

    def __init__(self, service: Service, http: Any) -> None:
        self.service, self.http = service, http
        self.clinician = person(service, Role.CLINICIAN, "Clara Testperson")
        body = {"given_name": "Pia", "family_name": "Testperson", "birth_date": "1988-04-12"}
        self.patient_id = str(service.client("intake").post("/patients", body).json()["id"])
        service.account("intake", related_to=[self.patient_id])
        relate(service, self.clinician, self.patient_id)
        self.draft({"phq9.9": 1})
        sign_in(http, self.clinician.username)

    def draft(self, answers: dict[str, int], instrument: str = "phq-9", name: str = "intake") -> None:
        form = {"instrument": instrument, "status": "draft", "answers": answers}
        intake = Client(self.service, self.service.account("intake", name=name), "TREAT")
        made = intake.post(f"/patients/{self.patient_id}/assessments", form)
        assert made.status_code == 201, made.text

    @property
    def flag(self) -> dict[str, Any]:
        items = self.service.client("intake").get(f"/patients/{self.patient_id}/flags").json()["items"]
        return dict(items[0])

    @property
    def path(self) -> str:
        return f"/patients/{self.patient_id}/flags/{self.flag['id']}"

    def send(self, what: str, page: str | None = None, **fields: str) -> Any:
        shown = self.http.get(self.path).text if page is None else page
        form = {name: hidden(shown, name) for name in ("form_token", "once", "version")}
        return self.http.post(f"{self.path}/{what}", data=form | fields, follow_redirects=False)


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    return found[1] if found else ""


def relate(service: Service, who: Account, patient_id: str) -> None:
    known = service.account("intake")
    service.relate(type(known)(who.id, known.session_id, known.token, known.caller), patient_id)


@pytest.fixture
def raised(service: Service, browserless: Any) -> Raised:
    return Raised(service, browserless)


def test_a_flag_is_counted_found_taken_handed_over_and_ended(raised: Raised, service: Service) -> None:
    http = raised.http
    home = http.get("/").text
    assert '<span class="count">1<span class="hidden"> waiting</span></span>' in home
    listed = http.get("/flags").text
    assert raised.path in listed and "Pia Testperson" in listed
    for said in ("Next step:", "Dr Olu Testperson", "Intake, taken by nobody yet", "Due:"):
        assert said in listed
    assert raised.path in http.get(f"/patients/{raised.patient_id}/flags").text
    assert raised.path in http.get(f"/patients/{raised.patient_id}/intake").text
    page = http.get(raised.path).text
    assert raised.send("assignment", act="take").status_code == 303
    assert "Intake, taken by you" in http.get(raised.path).text
    assert raised.send("assignment", page, act="take").status_code == 412, "from the state that was shown"
    nobody = raised.send("assignment", act="give", account_id="")
    assert nobody.status_code == 422
    assert '<a class="tap" href="#f-account_id">Choose who takes it over.</a>' in nobody.text
    colleague = service.account("intake").id
    given = raised.send("assignment", act="give", account_id=str(colleague))
    assert given.status_code == 303
    assert raised.flag["owner_id"] == str(colleague)
    assert "taken by Test Intake" in http.get(raised.path).text


def test_what_was_done_is_required_and_said_once(raised: Raised) -> None:
    empty = raised.send("acknowledgement", action=" ", seen_by="Dr Olu Testperson")
    assert empty.status_code == 422
    for name in ("action", "outcome"):
        assert f'<a class="tap" href="#f-{name}">' in empty.text
        assert f'id="f-{name}-fault"' in empty.text
    assert 'value="Dr Olu Testperson"' in empty.text, "what was typed is not lost"
    assert raised.flag["state"] == "open"
    page = raised.http.get(raised.path).text
    said = {"action": SAID, "code": "clinician_saw", "seen_by": "Dr Olu", "outcome": "safe_now"}
    assert raised.send("acknowledgement", page, **said).status_code == 303
    assert raised.send("acknowledgement", page, **said).status_code == 303, "sent twice, done once"
    ended = raised.http.get(raised.path).text
    assert SAID in ended and "A clinician saw the patient" in ended and "by Clara Testperson" in ended
    assert "<form" not in ended.split("<main")[1]
    late = raised.send("acknowledgement", ended, **said | {"once": "another-key-of-this-form-1"})
    assert late.status_code == 409
    assert "This flag has been acknowledged already." in late.text
    assert 'class="count' not in raised.http.get("/").text


def test_what_is_overdue_stands_first_and_strangers_learn_only_whom_to_call(
    raised: Raised, service: Service, clerk: Account
) -> None:
    raised.draft({"asq.1": 1, "asq.5": 0}, "asq")
    path = raised.path
    later = timedelta(hours=9)
    service.clock.advance(later)
    raised.draft({"phq9.9": 3}, name="night")
    sign_in(raised.http, raised.clinician.username)
    page = raised.http.get("/flags").text
    overdue, waiting = page.split("Waiting (")
    assert "Overdue (2)" in overdue and overdue.count("Overdue since") == 2
    assert "2 overdue" in page
    assert waiting.startswith("2)") and waiting.count("Due:") == 2, (
        "the day's screen and the answer, both urgent"
    )
    raised.http.cookies.clear()
    stranger = person(service, Role.CLINICIAN, "Noah Testperson")
    sign_in(raised.http, stranger.username)
    assert "No flag waits here." in raised.http.get("/flags").text
    refused = raised.http.get(path)
    assert refused.status_code == 403
    assert "Not part of your role" in refused.text
    assert raised.http.get("/flags?owner=everybody").status_code == 422
    forged = raised.http.post(f"{path}/acknowledgement", data={"action": SAID})
    assert forged.status_code == 403
    assert field(raised.http.get("/").text)
