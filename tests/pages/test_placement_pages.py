"""The admission check over pages: every reason, what is to be asked and where, a decision, and a second signature."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from service.access.caller import Role
from service.identity.model import Account
from service.web.placement_words import asked_at
from tests.house import Service
from tests.integration.admission.placement.conftest import Referral, referral
from tests.pages.conftest import person
from tests.pages.test_flag_pages import hidden, relate
from tests.pages.test_pages_over_http import browserless, sign_in

__all__ = ["browserless", "referral"]
WHY = "The patient has a bed at home and a nurse in the family."


class Office:
    """A clinician's browser at one referral."""

    def __init__(self, referral: Referral, http: Any) -> None:
        self.referral, self.http, self.service = referral, http, referral.service
        self.clinician = self.colleague("Clara Testperson")
        sign_in(http, self.clinician.username)
        self.path = f"/episodes/{referral.episode_id}/placement"

    def colleague(self, name: str) -> Account:
        who = person(self.service, Role.CLINICIAN, name)
        relate(self.service, who, self.referral.patient_id)
        return who

    @property
    def page(self) -> str:
        answer = self.http.get(self.path)
        assert answer.status_code == 200, answer.text
        assert len(answer.content) <= 100 * 1024
        assert "ASAM" not in answer.text
        return str(answer.text)

    def decide(self, page: str, **fields: str) -> Any:
        form: Mapping[str, str] = {
            **{name: hidden(page, name) for name in ("form_token", "once", "computed_at", "hash")},
            "level": "4:2.1",
            "start_date": self.service.clock.now().date().isoformat(),
            "patient_view": "agrees",
        }
        return self.http.post(self.path, data={**form, **fields}, follow_redirects=False)


@pytest.fixture
def office(referral: Referral, browserless: Any) -> Office:
    return Office(referral, browserless)


def test_every_reason_is_shown_and_a_decision_as_suggested_is_signed_once(office: Office) -> None:
    office.referral.facts |= {"use_at_home": True}
    page = office.page
    assert "Suggestion from entered facts. The clinician decides." in page
    for said in ("P-17", "P-22", "Substance use at home", "Recovery environment interactions"):
        assert said in page
    assert "Recovery/living environment" in page and "Relapse, continued use" in page
    assert not re.search(r"<(input|option)[^>]* (checked|selected)", page)
    assert office.path in office.http.get(f"/patients/{office.referral.patient_id}/intake").text
    empty = office.decide(page, level="", start_date="", patient_view="")
    assert empty.status_code == 422
    for name in ("level", "start_date", "patient_view"):
        assert f'<a class="tap" href="#f-{name}">' in empty.text
    done = office.decide(page, rationale="As the rules say.")
    assert done.status_code == 303
    assert office.decide(page, rationale="As the rules say.").headers["location"] == done.headers["location"]
    shown = office.http.get(done.headers["location"]).text
    for said in ("In force", "As the rules say.", "P-17", "What the rules suggested then"):
        assert said in shown
    office.referral.facts |= {"housing": "homeless"}
    stale = office.decide(office.page.replace(hidden(office.page, "hash"), "0" * 64))
    assert stale.status_code == 409
    assert "no longer the one you saw" in stale.text and "P-15" in stale.text


def test_what_nobody_knows_is_a_question_with_the_way_to_it(office: Office) -> None:
    del office.referral.facts["housing"], office.referral.facts["sud_severity"]
    page = office.page
    asked = page.split('id="ask"')[1].split("</section>")[0]
    own = office.referral.patient_id
    assert f'href="/patients/{own}/diagnoses/new"' in asked and "Severity of the use disorder" in asked
    assert re.search(
        rf'href="/patients/{own}/medical/\w+#f-\w+"[^>]*>Ask<span class="hidden"> Housing', asked
    )


def test_every_fact_that_can_be_entered_has_its_way(service: Service) -> None:
    state = service.house.state
    book, medical = state.placement.book, state.placement.medical
    ways = {name: asked_at(book, medical, service.program_id, name) for name in book.core.facts}
    assert {name for name, way in ways.items() if way is None} == {"age", "track"}


def test_below_the_rules_it_takes_two_and_each_lack_stands_at_its_field(office: Office) -> None:
    office.referral.facts |= {"housing": "homeless"}
    page = office.page
    bare = office.decide(page)
    assert bare.status_code == 422
    for name in ("override", "safeguard"):
        assert f'<a class="tap" href="#f-{name}">' in bare.text and f'id="f-{name}"' in bare.text
    vitals = office.referral.intake.post(
        f"/patients/{office.referral.patient_id}/items",
        {"kind": "vital_signs", "unit": "U1", "content": {"pulse": 72}},
    )
    assert vitals.status_code == 201, vitals.text
    page = office.page
    assert f'<option value="{vitals.json()["id"]}">Vital signs of' in page
    zone = office.service.program.zone
    soon = (office.service.clock.now() + timedelta(hours=5)).astimezone(zone)
    done = office.decide(
        page,
        **{
            "override.code": "clinical_judgment",
            "override.text": WHY,
            "safeguard.clearance_id": vitals.json()["id"],
            "safeguard.follow_up_at": soon.strftime("%Y-%m-%dT%H:%M"),
        },
    )
    assert done.status_code == 303, re.findall(r'class="fault"[^>]*>([^<]*)', done.text)
    where = done.headers["location"]
    waits = office.http.get(where).text
    assert "Waits for a second signature" in waits and WHY in waits
    assert "Sign as the second clinician" not in waits, "nobody is their own second"
    office.http.cookies.clear()
    sign_in(office.http, office.colleague("Noah Testperson").username)
    offered = office.http.get(where).text
    form = {name: hidden(offered, name) for name in ("form_token", "once")}
    nothing = office.http.post(f"{where}/second", data=form)
    assert nothing.status_code == 422 and 'href="#f-note"' in nothing.text
    note = form | {"note": "Seen together; the safety plan holds."}
    assert office.http.post(f"{where}/second", data=note, follow_redirects=False).status_code == 303
    assert office.http.post(f"{where}/second", data=note, follow_redirects=False).status_code == 303
    signed = office.http.get(where).text
    assert "In force" in signed and "the safety plan holds" in signed
    office.http.cookies.clear()
    sign_in(office.http, person(office.service, Role.INTAKE, "Ina Testperson").username)
    assert 'id="decide"' not in office.page, "intake looks and does not decide"
