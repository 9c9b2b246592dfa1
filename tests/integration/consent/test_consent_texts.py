"""The words of consents with a program: adopted by compliance, used from a day on, collected again where so said."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import date, timedelta
from typing import Any

import pytest

from service.api.consent_texts import RecollectionsModel, TextModel, TextsModel, TextWithWordsModel
from service.consent.wording import TextVersion
from tests.house import Client
from tests.integration.consent.desk import SIGNATURE, SPECIFIC, Desk

OLD, NEW = "v2026-02", "v2026-11"


def compliance(desk: Desk) -> Client:
    return desk.service.client("compliance")


def today(desk: Desk) -> date:
    return desk.service.clock.now().astimezone(desk.service.program.zone).date()


def adopt(desk: Desk, version: str, day: int = 0, recollect: int | None = None, **extra: Any) -> Any:
    body: dict[str, Any] = {
        "version": version,
        "effective_from": (today(desk) + timedelta(days=day)).isoformat(),
    }
    if recollect is not None:
        body["recollect_by"] = (today(desk) + timedelta(days=recollect)).isoformat()
    return compliance(desk).post("/consent-texts", body | extra)


def research() -> dict[str, Any]:
    return deepcopy(SPECIFIC) | {"kind": "research", "purposes": ["HRESCH"]}


def test_without_an_adoption_the_newest_words_are_used(desk: Desk) -> None:
    assert desk.drafted(SPECIFIC)["document"]["version"] == NEW
    listed = compliance(desk).get("/consent-texts").json()
    TextsModel.model_validate(listed)
    assert [(one["version"], one["in_force"], one["effective_from"]) for one in listed["items"]] == [
        (NEW, True, None),
        (OLD, False, None),
    ]


def test_a_version_is_in_force_from_its_day_on(desk: Desk) -> None:
    assert adopt(desk, OLD).status_code == 201
    assert adopt(desk, NEW, day=10).status_code == 201
    assert desk.drafted(SPECIFIC)["document"]["version"] == OLD
    desk.wait(timedelta(days=9))
    assert desk.drafted(SPECIFIC)["document"]["version"] == OLD
    desk.wait(timedelta(days=1))
    assert desk.drafted(SPECIFIC)["document"]["version"] == NEW


def test_an_adoption_is_answered_listed_and_in_the_ledger(desk: Desk) -> None:
    answer = adopt(desk, NEW, recollect=30)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    TextModel.model_validate(made)
    assert made["version"] == NEW
    assert made["languages"] == ["en", "es"]
    assert made["intact"]
    assert made["in_force"]
    assert made["recollect_by"] == (today(desk) + timedelta(days=30)).isoformat()
    assert compliance(desk).get("/consent-texts").json()["items"][0] == made
    entry = compliance(desk).get(f"/audit/entries/{answer.headers['Audit-Entry']}").json()
    assert entry["action"] == "consent_text.adopt"
    assert NEW in str(entry)


def test_the_words_can_be_read_in_both_languages(desk: Desk) -> None:
    answer = desk.intake.get(f"/consent-texts/{NEW}")
    assert answer.status_code == 200, answer.text
    TextWithWordsModel.model_validate(answer.json())
    words = answer.json()["words"]
    assert words["en"]["consents"]["research"]["title"] == "Consent to share my records for research"
    assert words["es"]["consents"]["research"]["title"] == "Permiso para compartir mis datos para un estudio"
    assert sorted(desk.intake.get(f"/consent-texts/{OLD}").json()["words"]) == ["en"]
    assert desk.intake.get("/consent-texts/v1999-01").status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param(
            {"version": "v1999-01", "effective_from": "2026-12-01"}, "version", id="no such version"
        ),
        pytest.param({"version": NEW, "effective_from": "2020-01-01"}, "effective_from", id="in the past"),
        pytest.param(
            {"version": NEW, "effective_from": "2030-02-01", "recollect_by": "2030-01-31"},
            "recollect_by",
            id="again before the new words",
        ),
    ],
)
def test_what_cannot_be_adopted(desk: Desk, body: dict[str, Any], field: str) -> None:
    answer = compliance(desk).post("/consent-texts", body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert compliance(desk).get("/consent-texts").json()["items"][0]["effective_from"] is None


def test_a_version_is_adopted_once(desk: Desk) -> None:
    assert adopt(desk, NEW).status_code == 201
    again = adopt(desk, NEW, day=5)
    assert (again.status_code, again.json()["code"]) == (409, "consent_text_adopted")


def test_a_repeated_request_adopts_once(desk: Desk) -> None:
    body = {"version": NEW, "effective_from": today(desk).isoformat()}
    key = {"Idempotency-Key": "adopt-the-new-words"}
    answers = [compliance(desk).post("/consent-texts", body, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()


@pytest.mark.parametrize("role", ["intake", "clinician", "administrator", "director"])
def test_only_compliance_adopts_and_lists_what_is_to_be_signed_again(desk: Desk, role: str) -> None:
    client = desk.clinician if role == "clinician" else desk.service.client(role)
    body = {"version": NEW, "effective_from": today(desk).isoformat()}
    assert client.post("/consent-texts", body).status_code == 403
    assert client.get("/consent-texts/recollection").status_code == 403
    assert compliance(desk).get("/consent-texts/recollection").status_code == 200


def test_older_words_have_no_words_for_other_kinds(desk: Desk) -> None:
    adopt(desk, OLD)
    for body, field in ((research(), "kind"), (SPECIFIC | {"language": "es"}, "language")):
        answer = desk.intake.post(f"/patients/{desk.patient_id}/consents", body)
        assert answer.status_code == 422, answer.text
        assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_consent_in_spanish_is_signed_and_stands(desk: Desk) -> None:
    """Rendered, hashed and judged again in the language it was written in."""
    made = desk.drafted(SPECIFIC | {"language": "es"})
    text = desk.intake.get(f"/consents/{made['id']}/document").text
    assert "Permiso para compartir información de salud" in text
    assert "Who may receive it" not in text
    signed = desk.patient.post(f"/consents/{made['id']}/signatures", SIGNATURE).json()
    assert signed["state"] == "active"
    assert signed["in_force"]
    assert desk.read(made["id"])["not_in_force"] == []


def test_newer_words_leave_what_was_signed_as_it_is(desk: Desk) -> None:
    adopt(desk, OLD)
    signed = desk.signed(SPECIFIC)
    text = desk.intake.get(f"/consents/{signed['id']}/document").text
    desk.wait(timedelta(days=1))
    adopt(desk, NEW, recollect=30)
    after = desk.read(signed["id"])
    assert after["in_force"]
    assert after["document"] == signed["document"]
    assert desk.intake.get(f"/consents/{signed['id']}/document").text == text


def test_older_consents_are_listed_for_signing_again_page_by_page(desk: Desk) -> None:
    adopt(desk, OLD)
    older = sorted(desk.signed(SPECIFIC)["id"] for _ in range(3))
    desk.drafted(SPECIFIC)
    revoked = desk.signed(SPECIFIC)["id"]
    said = {"received_at": desk.service.clock.now().isoformat(), "form": "written", "by": "patient"}
    assert desk.intake.post(f"/consents/{revoked}/revocation", said).status_code == 200
    assert compliance(desk).get("/consent-texts/recollection").json()["items"] == []
    desk.wait(timedelta(minutes=1))
    adopt(desk, NEW, recollect=30)
    desk.signed(SPECIFIC)
    found: list[dict[str, Any]] = []
    path = "/consent-texts/recollection?limit=2"
    while True:
        page = compliance(desk).get(path).json()
        RecollectionsModel.model_validate(page)
        found += page["items"]
        if page["next_cursor"] is None:
            break
        path = f"/consent-texts/recollection?limit=2&cursor={page['next_cursor']}"
    due = (today(desk) + timedelta(days=30)).isoformat()
    assert found == [
        {"consent_id": one, "patient_id": desk.patient_id, "version": OLD, "recollect_by": due}
        for one in older
    ]


@pytest.fixture
def changed_words(desk: Desk) -> Iterator[None]:
    """Somebody changes a word of a file that the program has adopted, and restarts the service."""
    versions: Any = desk.service.house.state.rulebook.versions
    kept = versions[NEW]
    versions[NEW] = TextVersion(NEW, kept.languages, "f" * 64)
    yield
    versions[NEW] = kept


def test_changed_words_are_an_incident_and_no_consent_is_written_or_signed_in_them(
    desk: Desk, request: pytest.FixtureRequest
) -> None:
    adopt(desk, NEW)
    made = desk.drafted(SPECIFIC)
    signed = desk.signed(SPECIFIC)
    request.getfixturevalue("changed_words")
    draft = desk.intake.post(f"/patients/{desk.patient_id}/consents", SPECIFIC)
    assert (draft.status_code, draft.json()["code"]) == (500, "integrity")
    assert desk.patient.post(f"/consents/{made['id']}/signatures", SIGNATURE).status_code == 500
    shown = compliance(desk).get("/consent-texts").json()["items"][0]
    assert not shown["intact"]
    incidents = compliance(desk).get("/audit/entries?action=integrity.failed").json()["items"]
    assert len(incidents) == 2
    assert desk.read(signed["id"])["in_force"], "what was signed renders as it did, so it stands"
