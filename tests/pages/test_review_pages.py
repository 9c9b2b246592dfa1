"""The compliance officer's queue over pages: listed with its explanation, led to its entries, decided with a reason."""

import re
from typing import Any

from service.access.caller import Role
from tests.house import Service
from tests.integration.custody.watchfulness import Watchfulness
from tests.pages.conftest import person
from tests.pages.test_flag_pages import hidden
from tests.pages.test_pages_over_http import browserless, sign_in

__all__ = ["browserless"]


def test_a_finding_is_listed_explained_and_decided(service: Service, browserless: Any) -> None:
    watch = Watchfulness(service)
    curious = service.account("clinician", name="curious")
    entries = [watch.entry(curious, "patient.read", outcome="deny") for _ in range(5)]
    watch.look()
    officer = person(service, Role.COMPLIANCE, "Casey Testperson")
    sign_in(browserless, officer.username)
    listed = browserless.get("/audit/reviews").text
    assert "refused several times within a quarter of an hour" in listed
    assert "5 refusals; the rule asks somebody to look from 5 within 15 minutes on." in listed
    found = re.search(r'href="(/audit/reviews/[0-9a-f-]{36})"', listed)
    assert found
    page = browserless.get(found[1]).text
    assert [f"/audit/entries/{entry}" in page for entry in entries] == [True] * 5
    assert browserless.get(f"/audit/entries/{entries[0]}").status_code == 200

    def send(**said: str) -> Any:
        form = {name: hidden(page, name) for name in ("form_token", "once")}
        return browserless.post(found[1], data=form | said, follow_redirects=False)

    refused = send(decision="justified")
    assert refused.status_code == 422
    assert "Say why." in refused.text
    assert send(decision="justified", reason="On call that night.").status_code == 303
    decided = browserless.get(found[1]).text
    assert "Justified: there was a task" in decided
    assert "On call that night." in decided
    assert found[1] not in browserless.get("/audit/reviews").text
    assert found[1] in browserless.get("/audit/reviews?state=closed").text
    assert browserless.get("/audit/reviews?state=sleeping").status_code == 422


def test_the_queue_is_compliances_alone(service: Service, browserless: Any) -> None:
    clinician = person(service, Role.CLINICIAN, "Clara Testperson")
    sign_in(browserless, clinician.username)
    home = browserless.get("/")
    assert "/audit/reviews" not in home.text
    assert browserless.get("/audit/reviews").status_code == 403
