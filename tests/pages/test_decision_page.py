"""The page of one entry explains a legal decision: in plain words, with paragraphs, duties, and what it rests on."""

import re
from html import unescape
from typing import Any

import pytest

from service.identity.model import Account
from tests.house import Service
from tests.integration.disclosure.office import LAWYER, SPECIFIC, TPO, Office
from tests.pages.conftest import PASSWORD


@pytest.fixture
def office(service: Service) -> Office:
    office = Office(service)
    for kind in ("attendance", "medication_list", "counseling_note"):
        office.item(kind)
    return office


def text_of(page: str) -> str:
    """What a reader sees, on one line."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def section(page: str, name: str) -> str:
    """One section of the page, by the id of its heading."""
    found = re.search(rf'<section aria-labelledby="{name}">.*?</section>', page, re.DOTALL)
    assert found is not None, f"no section {name}"
    return text_of(found.group())


@pytest.fixture
def look(service: Service, officer: Account) -> Any:
    """Opens pages as the compliance officer."""
    client = service.house.http
    client.cookies.clear()
    token = re.search(r'name="form_token" value="([^"]+)"', client.get("/sign-in").text)
    assert token is not None
    form = {"form_token": token[1], "username": officer.username, "password": PASSWORD}
    assert client.post("/sign-in", data=form, follow_redirects=False).status_code == 303

    def page(entry_id: str) -> str:
        answer = client.get(f"/audit/entries/{entry_id}")
        assert answer.status_code == 200
        return answer.text

    yield page
    client.cookies.clear()


def test_a_disclosure_made_is_explained(office: Office, look: Any) -> None:
    consent = office.signed(TPO)
    answer = office.disclose(office.clinic)
    assert answer.status_code == 201, answer.text
    decision = answer.json()["decision"]
    page = look(answer.headers["Audit-Entry"])
    assert '<span class="tag tag-partial">Permitted in part</span>' in page
    assert section(page, "short").endswith(decision["explanation"])
    rules = section(page, "rules")
    assert f"B02 {decision['basis']['citation']} the law" in rules
    held = section(page, "withheld")
    [withheld] = decision["withheld"]
    assert f"{withheld['reason']} 1 {withheld['citation']} the law" in held
    duties = section(page, "duties")
    assert "The statement of 42 CFR 2.32(a) went with the records. NOTICE_2_32" in duties
    for duty in decision["obligations"]:
        assert duty in duties
    rests = section(page, "rests")
    assert f"Lawful basis B02 Consent relied on {consent['id']}" in rests


def test_a_refusal_is_explained_with_how_sure_we_are(office: Office, look: Any) -> None:
    office.signed(SPECIFIC)
    answer = office.disclose(office.recipient(LAWYER), "EMPLOYMENT")
    assert answer.status_code == 403
    decision = answer.json()["decision"]
    page = look(answer.headers["Audit-Entry"])
    assert section(page, "short").endswith(decision["explanation"])
    held = section(page, "withheld")
    for one in decision["withheld"]:
        assert one["reason"] in held and one["citation"] in held
    sure = {"law": "the law", "policy": "our policy", "unsure": "to be confirmed by counsel"}
    for reason in decision["reasons"]:
        assert sure[reason["conf"]] in held
    assert 'aria-labelledby="duties"' not in page
    assert "Consents looked at" in section(page, "rests")


def test_an_ordinary_entry_has_no_decision_to_explain(office: Office, look: Any) -> None:
    answer = office.intake.get(f"/patients/{office.patient_id}")
    page = look(answer.headers["Audit-Entry"])
    for name in ("short", "withheld", "duties", "rests"):
        assert f'aria-labelledby="{name}"' not in page
    assert section(page, "rules")


def test_nothing_of_the_record_is_on_the_page(office: Office, look: Any) -> None:
    office.signed(TPO)
    answer = office.disclose(office.clinic)
    page = text_of(look(answer.headers["Audit-Entry"]))
    for secret in ("Testperson, Pat", "Pat Testperson", "content of attendance", "attendance", "medication"):
        assert secret not in page
