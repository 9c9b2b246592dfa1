"""Bases beside the ordinary consents, over HTTP: their papers, their duties, and what becomes of both."""

from datetime import timedelta
from typing import Any

import pytest

from tests.house import Client
from tests.integration.disclosure.office import SOUGHT, TPO, Office
from tests.integration.disclosure.test_peers_failures import left, refused
from tests.integration.disclosure.test_record_requests import SAME_ID, refusal

ED = {"type": "entity", "name": "St Ann ED", "covered_entity": True, "roles": ["medical_personnel"]}
HIE = {"type": "intermediary", "name": "Valley HIE"}
EMERGENCY: dict[str, Any] = {
    "kind": "emergency",
    "particulars": {
        "nature": "found unconscious (synthetic)",
        "date": "2026-06-01",
        "time": "11:52",
        "recipient_name": "Dr Roe Testperson",
        "recipient_facility": "St Ann ED",
        "discloser_name": "Nurse Testperson",
        "bona_fide": True,
        "patient_state": "unconscious",
        "consent_obtainable": False,
    },
}


def papers(office: Office) -> int:
    with office.service.house.superuser() as db:
        row = db.execute(
            "SELECT count(*) FROM evidence WHERE program_id = %s", [office.service.program_id]
        ).fetchone()
    return row[0] if row else -1


def emergency(office: Office, **more: Any) -> Any:
    ed = office.recipient(ED)
    return office.disclose(
        ed, "BTG", channel="phone", categories=["medication_list"], evidence=EMERGENCY, **more
    )


# ---- emergency --------------------------------------------------------------------------------------


def test_an_emergency_is_documented_in_the_act_and_reviewed(office: Office) -> None:
    office.chart()
    made = emergency(office)
    assert made.status_code == 201, made.text
    decision = made.json()["decision"]
    assert decision["basis"]["id"] == "B24"
    assert decision["basis"]["evidence_id"]
    assert made.json()["notice"] is None and made.json()["scope_explanation"] is None
    assert "emergency" in decision["explanation"].lower()
    compliance = office.service.client("compliance", purpose="HOPERAT")
    paper = compliance.get(f"/evidence/{decision['basis']['evidence_id']}").json()
    assert (paper["kind"], paper["state"]) == ("emergency", "signed_off")
    reviews = compliance.get("/audit/reviews").json()["items"]
    assert [(one["kind"], one["subject_id"]) for one in reviews] == [
        ("emergency_disclosure", made.json()["id"])
    ]
    entry = office.service.entries(action="disclosure.make")[-1]
    assert entry["basis"] == "B24"
    assert entry["detail"]["relied_on_evidence"] == paper["id"]
    assert "unconscious" not in str(entry["detail"]) and "Roe" not in str(entry["detail"])


@pytest.mark.parametrize(
    "missing", ["time", "recipient_name", "recipient_facility", "discloser_name", "nature"]
)
def test_an_emergency_that_is_not_documented_releases_nothing(office: Office, missing: str) -> None:
    office.chart()
    particulars = {k: v for k, v in EMERGENCY["particulars"].items() if k != missing}
    ed = office.recipient(ED)
    answer = office.disclose(ed, "BTG", evidence={"kind": "emergency", "particulars": particulars})
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == [f"evidence.particulars.{missing}"]
    assert "content of" not in answer.text
    assert (left(office), papers(office)) == (0, 0)


def test_a_patient_who_can_be_asked_is_asked(office: Office) -> None:
    office.chart()
    ed = office.recipient(ED)
    asked = EMERGENCY["particulars"] | {"patient_state": "alert", "consent_obtainable": True}
    decision = refused(office.disclose(ed, "BTG", evidence={"kind": "emergency", "particulars": asked}))
    assert "CONSENT_OBTAINABLE" in {one["reason"] for one in decision["withheld"]}
    assert (left(office), papers(office)) == (0, 0)  # the paper goes with the act it was for


def test_a_preview_of_an_emergency_records_no_paper(office: Office) -> None:
    office.chart()
    ed = office.recipient(ED)
    answer = office.preview(ed, "BTG", evidence=EMERGENCY, categories=["medication_list"])
    assert answer.status_code == 200, answer.text
    assert answer.json()["decision"]["basis"]["id"] == "B24"
    assert (left(office), papers(office)) == (0, 0)


def test_an_emergency_is_over_and_its_package_stays(office: Office) -> None:
    office.chart()
    made = emergency(office).json()
    package = f"/disclosures/{made['id']}/package"
    first = office.clinician.get(package)
    assert first.status_code == 200, first.text
    assert first.json()["notice"] is None
    assert first.json()["redisclosure"]["text"]
    office.signed(TPO)  # another ground would permit it: not the one it left on
    office.wait(timedelta(days=60))
    assert office.clinician.get(package).status_code == 403


@pytest.mark.parametrize(
    ("language", "words"), [("en", "Nothing may be shared."), ("es", "No se puede compartir nada.")]
)
def test_a_preview_explains_itself_in_the_language_asked_for(
    office: Office, language: str, words: str
) -> None:
    office.chart()
    path = f"/patients/{office.patient_id}/disclosures/preview"
    body = office.asked(office.clinic)
    answer = office.clinician.post(path, body, params={"language": language})
    assert answer.status_code == 200, answer.text
    assert answer.json()["decision"]["explanation"].startswith(words)
    assert office.clinician.post(path, body, params={"language": "fr"}).status_code == 422


# ---- restrictions -----------------------------------------------------------------------------------


def restricted(office: Office) -> None:
    """The patient asked, the program agreed: nothing for treatment to the emergency department."""
    body = {"kinds": "all", "recipients": [office.recipient(ED)], "classes": ["treatment"], "reason": "asked"}
    made = office.intake.post(f"/patients/{office.patient_id}/restrictions", body)
    assert made.status_code == 201, made.text
    answer = office.service.client("compliance", purpose="HOPERAT").post(
        f"/restrictions/{made.json()['id']}/answer",
        {"answer": "agreed", "reason": "agreed"},
        headers={"If-Match": f'"{made.json()["version"]}"'},
    )
    assert answer.status_code in (200, 201), answer.text


def test_an_agreed_restriction_holds_but_for_an_emergency_and_then_the_recipient_is_asked(
    office: Office,
) -> None:
    office.chart()
    office.signed(TPO)
    ed = office.recipient(ED, "treating")
    item = office.items["medication_list"]
    assert office.disclose(ed, items=[item]).status_code == 201
    restricted(office)
    decision = refused(office.disclose(ed, items=[item]))
    assert {one["reason"] for one in decision["withheld"]} == {"RESTRICTED"}
    assert office.request(office.outside(ed)).status_code == 404
    made = emergency(office)
    assert made.status_code == 201, made.text
    assert "ASK_RECIPIENT_NO_FURTHER_USE_2_26" in made.json()["decision"]["obligations"]
    package = office.clinician.get(f"/disclosures/{made.json()['id']}/package").json()
    assert "not to use or disclose them further" in package["restriction_request"]


# ---- intermediaries ---------------------------------------------------------------------------------


def test_an_intermediary_reaches_who_treats_the_patient_and_the_package_is_decided_with_it(
    office: Office,
) -> None:
    office.chart()
    hie = office.recipient(HIE)
    body = TPO | {
        "kind": "intermediary",
        "recipients": [{"recipient_id": hie, "general_designation": "treating_providers"}],
    }
    office.signed(body)
    item = office.items["medication_list"]
    made = office.disclose(office.clinic, via=hie, items=[item])
    assert made.status_code == 201, made.text
    assert made.json()["decision"]["basis"]["id"] == "B03"
    assert office.service.entries(action="disclosure.make")[-1]["detail"]["via"] == hie
    assert office.clinician.get(f"/disclosures/{made.json()['id']}/package").status_code == 200
    refused(office.disclose(office.clinic, items=[item]))  # not by itself
    stranger = office.recipient({"type": "entity", "name": "Pine Ortho", "covered_entity": True})
    decision = refused(office.disclose(stranger, via=hie, items=[item]))
    assert {one["reason"] for one in decision["withheld"]} == {"NO_TREATING_PROVIDER_RELATIONSHIP"}


# ---- HIPAA alone ------------------------------------------------------------------------------------


def test_what_hipaa_alone_governs_goes_for_treatment_without_consent_but_not_to_who_asks_from_outside(
    office: Office,
) -> None:
    summary = office.item("discharge_summary", unit="U2", labels=["PSY"])
    made = office.disclose(office.clinic, items=[summary])
    assert made.status_code == 201, made.text
    assert made.json()["decision"]["basis"] | {"citation": ""} == {
        "id": "164.506",
        "citation": "",
        "consent_id": None,
        "evidence_id": None,
    }
    assert (made.json()["decision"]["obligations"], made.json()["notice"]) == ([], None)
    assert office.clinician.get(f"/disclosures/{made.json()['id']}/package").status_code == 200
    assert office.request().status_code == 404


# ---- what a person has to settle --------------------------------------------------------------------


def test_a_purpose_for_a_person_to_settle_is_neither_yes_nor_plain_no(office: Office) -> None:
    office.chart()
    office.signed(TPO)
    compliance: Client = office.service.client("compliance")
    body = office.asked(office.clinic, "LEGALOTHER", items=[office.items["attendance"]])
    path = f"/patients/{office.patient_id}/disclosures"
    preview = compliance.post(f"{path}/preview", body)
    assert (preview.status_code, preview.json()["decision"]["effect"]) == (200, "needs_review")
    answer = compliance.post(path, body)
    assert (answer.status_code, answer.json()["code"]) == (403, "disclosure_needs_review")
    assert refused(answer)["effect"] == "needs_review"
    entry = office.service.entries(action="disclosure.make")[-1]
    assert (entry["outcome"], entry["detail"]["effect"]) == ("deny", "needs_review")
    assert entry["detail"]["items"][0]["review"] is True


# ---- the list ---------------------------------------------------------------------------------------


def test_the_list_says_to_whom_and_on_which_basis_newest_first(office: Office) -> None:
    office.chart()
    office.signed(TPO)
    first = office.disclose(office.clinic, items=[office.items["attendance"]]).json()
    office.service.clock.advance(timedelta(seconds=1))
    second = emergency(office).json()
    path = f"/patients/{office.patient_id}/disclosures"
    page = office.clinician.get(path, params={"limit": 1}).json()
    assert [(one["id"], one["basis"]) for one in page["items"]] == [(second["id"], "B24")]
    rest = office.clinician.get(path, params={"limit": 1, "cursor": page["next_cursor"]}).json()
    assert [(one["id"], one["basis"]) for one in rest["items"]] == [(first["id"], "B02")]
    assert rest["next_cursor"] is None
    assert "content of" not in str(page) + str(rest)
    entry = office.service.entries(action="disclosure.list")[-1]
    assert entry["detail"]["listed"] == [first["id"]]


# ---- from outside: one refusal ----------------------------------------------------------------------


@pytest.mark.parametrize("why", ["restricted", "doubted", "deceased"])
def test_from_outside_what_newly_stands_in_the_way_looks_like_nobody_at_all(office: Office, why: str) -> None:
    office.chart()
    consent = office.signed(TPO)
    ed = office.recipient(ED, "treating")
    requester = office.outside(ed)
    assert office.request(requester).status_code == 200
    if why == "restricted":
        restricted(office)
    elif why == "doubted":
        body = {"kind": "doubted", "reason": "somebody says it is not hers"}
        ruled = office.service.client("compliance").post(f"/consents/{consent['id']}/rulings", body)
        assert ruled.status_code in (200, 201), ruled.text
    else:
        died = {"kind": "death", "occurred_on": "2026-06-01"}
        happened = office.service.client("compliance").post(f"/patients/{office.patient_id}/events", died)
        assert happened.status_code in (200, 201), happened.text
    known = office.request(requester, headers=SAME_ID)
    nobody = office.request(requester, patient=SOUGHT | {"family_name": "Noone"}, headers=SAME_ID)
    assert known.status_code == 404
    assert refusal(known) == refusal(nobody)
    assert left(office) == 1
