"""A consent whose stored words were changed permits nothing, and whoever decides on it first is heard."""

from typing import Any

import pytest

from tests.integration.consent.test_consent_life import rewrite
from tests.integration.disclosure.office import CLINIC_ONLY, Office

_WIDER = {"purposes": ["TREAT", "HPAYMT"]}


def _reviews(office: Office) -> list[tuple[str, str]]:
    found = office.service.client("compliance").get("/audit/reviews").json()["items"]
    return [(one["kind"], one["subject_id"]) for one in found]


@pytest.mark.parametrize("way", ["make", "preview", "request"])
def test_changed_words_are_refused_and_reviewed_once(office: Office, way: str) -> None:
    office.chart()
    consent = office.signed(CLINIC_ONLY | {"scope": {"kinds": "all", "labels": "all", "description": "all"}})
    assert _asked(office, way).status_code in (200, 201)
    rewrite(office, consent["id"], "terms", _WIDER)
    for _ in range(2):
        answer = _asked(office, way)
        assert "content of" not in answer.text
        _refused(answer, way)
    assert _reviews(office) == [("integrity", consent["id"])]


def test_a_package_made_before_does_not_leave_again_and_is_reviewed(office: Office) -> None:
    office.chart()
    consent = office.signed(CLINIC_ONLY | {"scope": {"kinds": "all", "labels": "all", "description": "all"}})
    made = office.disclose(office.clinic, items=[office.items["medication_list"]]).json()
    rewrite(office, consent["id"], "terms", _WIDER)
    assert office.clinician.get(f"/disclosures/{made['id']}/package").status_code == 403
    assert _reviews(office) == [("integrity", consent["id"])]


def _asked(office: Office, way: str) -> Any:
    items = [office.items["medication_list"]]
    match way:
        case "make":
            return office.disclose(office.clinic, items=items)
        case "preview":
            return office.preview(office.clinic, items=items)
        case _:
            return office.request()


def _refused(answer: Any, way: str) -> None:
    match way:
        case "make":
            assert answer.status_code == 403
            assert [one["reason"] for one in answer.json()["decision"]["withheld"]] == ["C-TEXT-CHANGED"]
        case "preview":
            assert answer.json()["decision"]["effect"] == "deny"
        case _:
            assert answer.status_code == 404
            assert "audit-entry" not in answer.headers
