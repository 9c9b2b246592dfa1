"""Disclosures by staff over HTTP: what goes, what stays and why, what is kept, counted and recorded."""

from datetime import timedelta
from typing import Any

import pytest

from service.disclosure.package import digest
from tests.integration.disclosure.office import CLINIC_ONLY, LAWYER, SPECIFIC, TPO, Office

EMPLOYER = {"type": "entity", "name": "Employer Co"}


def reasons(decision: dict[str, Any]) -> dict[str, str]:
    return {one["category"]: one["reason"] for one in decision["withheld"]}


def counts(office: Office) -> dict[str, int]:
    with office.service.house.superuser() as db:
        return {
            table: db.execute(  # type: ignore[union-attr]
                f"SELECT count(*) FROM {table} WHERE program_id = %s",  # type: ignore[arg-type]
                [office.service.program_id],
            ).fetchone()[0]
            for table in ("disclosure", "accounting", "record_request")
        }


# ---- scenarios by id --------------------------------------------------------------------------------


def test_o19_one_tpo_consent_for_treatment_through_the_ehr(office: Office) -> None:
    office.chart()
    consent = office.signed(TPO)
    answer = office.disclose(office.clinic, items=[office.items["medication_list"]])
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["decision"]["effect"] == "permit"
    assert made["decision"]["basis"]["id"] == "B02"
    assert made["decision"]["basis"]["consent_id"] == consent["id"]
    assert made["decision"]["obligations"] == [
        "NOTICE_2_32",
        "COPY_OR_EXPLANATION_OF_CONSENT",
        "RECORD_ACCOUNTING_2_25",
    ]
    assert made["notice"]["id"] == "2.32-a-1.2024"
    assert "single consent for all future uses" in made["scope_explanation"]
    assert "Elm Family Clinic" in made["scope_explanation"]
    assert counts(office) == {"disclosure": 1, "accounting": 1, "record_request": 0}


def test_o20_a_tpo_consent_is_not_for_an_employer(office: Office) -> None:
    office.chart()
    office.signed(TPO)
    answer = office.disclose(office.recipient(EMPLOYER), "EMPLOYMENT", categories=["attendance"])
    assert answer.status_code == 403
    problem = answer.json()
    assert problem["code"] == "disclosure_denied"
    assert problem["decision"]["effect"] == "deny"
    assert reasons(problem["decision"]) == {"attendance": "PURPOSE_NOT_COVERED"}
    assert "content of" not in answer.text
    assert counts(office) == {"disclosure": 0, "accounting": 0, "record_request": 0}
    entry = office.service.entries(action="disclosure.make")[-1]
    assert (entry["outcome"], entry["basis"]) == ("deny", None)
    assert entry["detail"]["items"][0]["reason"] == "PURPOSE_NOT_COVERED"


def test_o21_a_specific_consent_reaches_its_own_kind_only(office: Office) -> None:
    office.chart()
    office.signed(SPECIFIC)
    items = [office.items["attendance"], office.items["lab_result"]]
    answer = office.disclose(office.lawyer, "HOUSING", items=items, channel="mail")
    assert answer.status_code == 201, answer.text
    decision = answer.json()["decision"]
    assert (decision["effect"], decision["basis"]["id"]) == ("partial", "B01")
    assert [one["item"] for one in decision["granted"]] == [office.items["attendance"]]
    assert reasons(decision) == {"lab_result": "ITEM_NOT_IN_SCOPE"}


def test_o22_o23_internal_use_is_no_disclosure_and_needs_a_need(office: Office) -> None:
    office.chart()
    note = office.items["progress_note"]
    assert office.clinician.get(f"/items/{note}").status_code == 200
    entry = office.service.entries(action="item.read")[-1]
    assert (entry["basis"], entry["outcome"]) == ("B20", "permit")
    assert counts(office)["accounting"] == 0
    desk_of_u2 = office.service.client(office.service.account("intake", name="u2", units=["U2"]))
    assert desk_of_u2.get(f"/items/{note}").status_code == 403
    assert office.service.entries(action="item.read")[-1]["outcome"] == "deny"


def test_o36_counseling_notes_need_their_own_consent(office: Office) -> None:
    office.chart()
    office.signed(TPO)
    answer = office.disclose(office.clinic, items=[office.items["counseling_note"]])
    assert answer.status_code == 403
    assert reasons(answer.json()["decision"]) == {"counseling_note": "SCN_CONSENT_REQUIRED"}


def test_o41_what_was_decided_before_a_revocation_is_decided_again_at_release(office: Office) -> None:
    office.chart()
    consent = office.signed(TPO)
    assert office.preview(office.clinic).json()["decision"]["effect"] == "partial"
    earlier = office.disclose(office.clinic).json()
    package = f"/disclosures/{earlier['id']}/package"
    assert office.clinician.get(package).status_code == 200
    office.revoke(consent["id"])
    late = office.disclose(office.clinic)
    assert late.status_code == 403
    assert set(reasons(late.json()["decision"]).values()) == {"C-REVOKED", "SCN_CONSENT_REQUIRED"}
    refused = office.clinician.get(package)
    assert refused.status_code == 403
    assert set(reasons(refused.json()["decision"]).values()) == {"C-REVOKED"}
    assert "content of" not in refused.text
    # what was done under the consent stays lawful and stays in the accounting
    lines = office.patient.get(f"/patients/{office.patient_id}/accounting").json()["items"]
    assert [line["disclosure_id"] for line in lines] == [earlier["id"]]
    assert office.clinician.get(f"/disclosures/{earlier['id']}").json()["decision"]["effect"] == "partial"


# ---- failures of others ------------------------------------------------------------------------------


def test_a_recipient_no_consent_names_gets_nothing(office: Office) -> None:
    office.chart()
    office.signed(SPECIFIC)
    answer = office.disclose(office.recipient(EMPLOYER), "HOUSING", categories=["attendance"])
    assert answer.status_code == 403
    assert set(reasons(answer.json()["decision"]).values()) == {"NO_CONSENT"}


def test_an_unrelated_newer_consent_cancels_nothing(office: Office) -> None:
    office.chart()
    office.signed(TPO)
    newer = office.signed(SPECIFIC)
    assert office.disclose(office.clinic, items=[office.items["attendance"]]).status_code == 201
    office.revoke(newer["id"])
    assert office.disclose(office.clinic, items=[office.items["attendance"]]).status_code == 201


def test_the_narrower_consent_is_relied_on(office: Office) -> None:
    office.chart()
    office.signed(TPO)
    narrow = office.signed(CLINIC_ONLY | {"recipients": [{"recipient_id": office.clinic}]})
    decision = office.disclose(office.clinic, items=[office.items["attendance"]]).json()["decision"]
    assert (decision["basis"]["id"], decision["basis"]["consent_id"]) == ("B01", narrow["id"])


def test_a_basis_that_is_asked_for_is_that_one_or_none(office: Office) -> None:
    office.chart()
    consent = office.signed(TPO)
    asked: dict[str, Any] = {"items": [office.items["attendance"]]}
    assert office.disclose(office.clinic, basis="B01", **asked).status_code == 403
    named = office.disclose(office.clinic, basis="B02", **asked).json()
    assert named["decision"]["basis"]["consent_id"] == consent["id"]


def test_of_ordinary_and_sensitive_items_the_ordinary_goes(office: Office) -> None:
    office.chart()
    office.signed(TPO)
    made = office.disclose(office.clinic).json()
    package = office.clinician.get(f"/disclosures/{made['id']}/package").json()
    assert sorted(item["kind"] for item in package["items"]) == [
        "attendance",
        "lab_result",
        "medication_list",
        "progress_note",
    ]
    assert "counseling" not in str([item["content"] for item in package["items"]])


def test_when_the_entry_cannot_be_written_nothing_happens(office: Office) -> None:
    office.chart()
    office.signed(TPO)
    clinic, clinician, before = office.clinic, office.clinician, counts(office)
    path, body = f"/patients/{office.patient_id}/disclosures", office.asked(clinic)
    with office.service.house.superuser() as db:
        db.execute("REVOKE INSERT (id) ON audit_entry FROM consentry_app")
        try:
            answer = clinician.post(path, body)
        finally:
            db.execute("GRANT INSERT (id) ON audit_entry TO consentry_app")
    assert answer.status_code == 503
    assert "content of" not in answer.text
    assert counts(office) == before
    assert office.disclose(office.clinic).status_code == 201


# ---- the package ------------------------------------------------------------------------------------


def test_the_package_carries_notice_explanation_and_labels(office: Office) -> None:
    office.chart()
    office.signed(SPECIFIC)
    made = office.disclose(office.lawyer, "HOUSING", channel="mail").json()
    answer = office.clinician.get(f"/disclosures/{made['id']}/package?format=json")
    assert answer.status_code == 200, answer.text
    package = answer.json()
    assert digest(package) == made["package"]["sha256"]
    assert package["notice"]["text"] == made["notice"]["text"]
    assert package["notice"]["text"].startswith("This record which has been disclosed to you is protected")
    assert package["scope_explanation"] == made["scope_explanation"]
    (item,) = package["items"]
    assert item["content"] == "content of attendance"
    codes = [label["code"] for label in item["security_labels"]]
    assert codes[:3] == ["R", "SUD", "42CFRPart2"]
    assert {"NO-USE-IN-PROCEEDINGS", "PRIVMARK", "AOD"} <= set(codes)
    # somebody who is not under HIPAA stays bound: the label says so, and so do the words (2.33, 2.12(d)(2))
    assert "new consent" in package["redisclosure"]["text"] or "Part 2" in package["redisclosure"]["text"]
    assert "withheld" not in answer.text


def test_the_explanation_names_nobody_else(office: Office) -> None:
    office.chart()
    office.signed(SPECIFIC | {"recipients": [LAWYER, EMPLOYER]})
    made = office.disclose(office.lawyer, "HOUSING", channel="mail").json()
    assert "Lee Attorney" in made["scope_explanation"]
    assert "Employer Co" not in made["scope_explanation"]
    assert "my attendance" not in made["scope_explanation"]


def test_fetching_is_recorded_and_counts_once(office: Office) -> None:
    office.chart()
    office.signed(TPO)
    made = office.disclose(office.clinic).json()
    for _ in range(3):
        assert office.clinician.get(f"/disclosures/{made['id']}/package").status_code == 200
    assert len(office.service.entries(action="package.fetch")) == 3
    assert counts(office)["accounting"] == 1


def test_an_expired_consent_holds_its_package_back(office: Office) -> None:
    office.chart()
    office.signed(SPECIFIC)
    made = office.disclose(office.lawyer, "HOUSING", channel="mail").json()
    office.wait(timedelta(days=300))
    answer = office.clinician.get(f"/disclosures/{made['id']}/package")
    assert answer.status_code == 403
    assert set(reasons(answer.json()["decision"]).values()) == {"C-EXPIRED"}


def test_a_package_changed_in_the_database_is_not_handed_out(office: Office) -> None:
    office.chart()
    office.signed(TPO)
    first, second = office.disclose(office.clinic).json(), office.disclose(office.clinic).json()
    with office.service.house.superuser() as db:
        db.execute("ALTER TABLE disclosure DISABLE TRIGGER USER")
        try:
            db.execute(
                "UPDATE disclosure SET package = (SELECT package FROM disclosure WHERE id = %s) WHERE id = %s",
                [first["id"], second["id"]],
            )
        finally:
            db.execute("ALTER TABLE disclosure ENABLE TRIGGER USER")
    assert office.clinician.get(f"/disclosures/{second['id']}/package").status_code == 500
    assert office.service.entries(action="integrity.failed")


# ---- what is recorded -------------------------------------------------------------------------------


def test_the_entry_explains_the_disclosure_without_saying_anything_about_the_patient(office: Office) -> None:
    office.chart()
    consent = office.signed(TPO)
    made = office.disclose(office.clinic).json()
    entry = office.service.entries(action="disclosure.make")[-1]
    assert str(entry["object_id"]) == made["id"]
    assert (entry["basis"], str(entry["consent_id"])) == ("B02", consent["id"])
    assert str(entry["recipient_id"]) == office.clinic
    assert {"B02", "G4"} <= set(entry["policies"])
    assert entry["payload_hash"] is not None
    by_item = {one["item"]: one for one in entry["detail"]["items"]}
    assert by_item[office.items["attendance"]] == {
        "item": office.items["attendance"],
        "permitted": True,
        "rules": ["B02"],
        "reason": "B02",
    }
    assert by_item[office.items["counseling_note"]]["reason"] == "SCN_CONSENT_REQUIRED"
    told = str(entry["detail"])
    for word in ("counseling_note", "medication", "SUD", "Pat", "Testperson", "Elm", "content"):
        assert word not in told


def test_a_preview_releases_nothing_and_is_recorded(office: Office) -> None:
    office.chart()
    office.signed(TPO)
    answer = office.preview(office.clinic)
    assert answer.status_code == 200
    assert answer.json()["decision"]["effect"] == "partial"
    assert "content of" not in answer.text
    assert counts(office)["disclosure"] == 0
    assert office.service.entries(action="disclosure.preview")[-1]["basis"] == "B02"
    denied = office.preview(office.recipient(EMPLOYER), "EMPLOYMENT")
    assert denied.json()["decision"]["effect"] == "deny"
    assert office.service.entries(action="disclosure.preview")[-1]["outcome"] == "deny"


def test_reading_a_disclosure_shows_the_decision_as_it_was(office: Office) -> None:
    office.chart()
    office.signed(TPO)
    made = office.disclose(office.clinic).json()
    read = office.clinician.get(f"/disclosures/{made['id']}").json()
    assert {key: read[key] for key in made} == made
    assert read["channel"] == "ehr"
    assert "content of" not in str(read)


def test_the_same_key_is_one_disclosure(office: Office) -> None:
    office.chart()
    office.signed(TPO)
    headers = {"Idempotency-Key": "disclose-once"}
    path, body = f"/patients/{office.patient_id}/disclosures", office.asked(office.clinic)
    first = office.clinician.post(path, body, headers=headers)
    second = office.clinician.post(path, body, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert counts(office)["disclosure"] == 1


# ---- who may ----------------------------------------------------------------------------------------


def test_intake_does_not_disclose_and_compliance_does_not_read(office: Office) -> None:
    office.chart()
    office.signed(TPO)
    path, body = f"/patients/{office.patient_id}/disclosures", office.asked(office.clinic)
    assert office.intake.post(path, body).status_code == 403
    assert office.intake.post(f"{path}/preview", body).status_code == 403
    compliance = office.service.client("compliance")
    made = compliance.post(path, body)
    assert made.status_code == 201, made.text
    assert "content of" not in made.text
    assert compliance.get(f"/disclosures/{made.json()['id']}").status_code == 200
    assert compliance.get(f"/disclosures/{made.json()['id']}/package").status_code == 403


def test_a_clinician_without_relationship_is_refused(office: Office) -> None:
    office.chart()
    office.signed(TPO)
    made = office.disclose(office.clinic).json()
    stranger = office.service.client(office.service.account("clinician", name="stranger"))
    path = f"/patients/{office.patient_id}/disclosures"
    assert stranger.post(path, office.asked(office.clinic)).status_code == 403
    assert stranger.get(f"/disclosures/{made['id']}/package").status_code == 403


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"purpose": "HMARKT"}, 403, "purpose_not_allowed"),
        ({"purpose": "NO_SUCH"}, 403, "purpose_not_allowed"),
        ({"recipient": {"recipient_id": "00000000-0000-7000-8000-00000000ffff"}}, 422, "recipient_invalid"),
        ({"recipient": {"type": "entity", "name": "Nobody We Know"}}, 422, "recipient_invalid"),
        ({"recipient": {"type": "class", "class": "tpo"}}, 422, "recipient_invalid"),
        ({"items": ["00000000-0000-7000-8000-00000000ffff"]}, 422, "disclosure_invalid"),
        ({"categories": ["secrets"]}, 422, "disclosure_invalid"),
        ({"categories": []}, 422, "invalid_request"),
        ({"channel": "pigeon"}, 422, "invalid_request"),
        ({"basis": "B99"}, 422, "disclosure_invalid"),
        ({"basis": "B20"}, 422, "disclosure_invalid"),
        ({"basis": "B24"}, 403, "disclosure_denied"),
        ({"via": {"type": "entity", "name": "Elm Family Clinic"}}, 422, "recipient_invalid"),
        ({"evidence_id": "00000000-0000-7000-8000-00000000ffff"}, 422, "disclosure_invalid"),
        ({"evidence": {"kind": "no_such", "particulars": {}}}, 422, "evidence_incomplete"),
        ({"withheld": []}, 422, "invalid_request"),
    ],
)
def test_a_question_that_cannot_be_decided_is_refused(
    office: Office, change: dict[str, Any], status: int, code: str
) -> None:
    office.item("attendance")
    office.signed(TPO)
    answer = office.clinician.post(
        f"/patients/{office.patient_id}/disclosures", office.asked(office.clinic) | change
    )
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert counts(office)["disclosure"] == 0


def test_a_recipient_can_be_named_as_in_a_consent(office: Office) -> None:
    office.item("attendance")
    office.signed(SPECIFIC)
    for recipient in (LAWYER, office.lawyer, {"recipient_id": office.lawyer}):
        body = office.asked("", "HOUSING", channel="mail") | {"recipient": recipient}
        answer = office.clinician.post(f"/patients/{office.patient_id}/disclosures", body)
        assert answer.status_code == 201, answer.text


def test_items_of_another_patient_cannot_be_slipped_in(office: Office) -> None:
    office.item("attendance")
    office.signed(TPO)
    other = Office(office.service)
    office.service.account("clinician", related_to=[other.patient_id])
    foreign = other.item("attendance")
    answer = office.disclose(office.clinic, items=[office.items["attendance"], foreign])
    assert (answer.status_code, answer.json()["code"]) == (422, "disclosure_invalid")
    assert answer.json()["errors"][0]["field"] == "items[1]"


def test_categories_are_kinds_or_labels(office: Office) -> None:
    office.chart()
    office.item("diagnosis", labels=["HIV"])
    office.signed(TPO)
    by_kind = office.disclose(office.clinic, categories=["attendance", "lab_result"]).json()
    assert sorted(g["kind"] for g in by_kind["decision"]["granted"]) == ["attendance", "lab_result"]
    by_label = office.disclose(office.clinic, categories=["HIV"]).json()
    assert [g["kind"] for g in by_label["decision"]["granted"]] == ["diagnosis"]


# ---- the accounting ---------------------------------------------------------------------------------


def test_the_two_accountings(office: Office) -> None:
    office.chart()
    office.signed(TPO)
    office.signed(SPECIFIC)
    by_ehr = office.disclose(office.clinic).json()["id"]
    by_fax = office.disclose(office.clinic, channel="fax").json()["id"]
    office.service.clock.advance(timedelta(minutes=1))
    housing = office.disclose(office.lawyer, "HOUSING", channel="mail").json()["id"]
    path = f"/patients/{office.patient_id}/accounting"
    part2 = office.patient.get(path).json()
    assert [line["disclosure_id"] for line in part2["items"]] == [by_ehr, housing]
    assert by_fax not in str(part2)
    line = part2["items"][1]
    assert line["recipient"] == {"id": office.lawyer, "name": "Lee Attorney"}
    assert line["description"] == [{"kind": "attendance", "count": 1}]
    assert line["purpose"]["code"] == "HOUSING"
    assert line["disclosed_on"] == "2026-06-01"
    hipaa = office.service.client("compliance").get(f"{path}?rule=hipaa").json()
    assert [line["disclosure_id"] for line in hipaa["items"]] == [housing]
    assert office.service.entries(action="accounting.read")[-1]["detail"]["disclosures"] == [housing]


def test_an_accounting_reaches_three_or_six_years(office: Office) -> None:
    office.chart()
    office.signed(SPECIFIC)
    housing = office.disclose(office.lawyer, "HOUSING", channel="mail").json()["id"]
    path = f"/patients/{office.patient_id}/accounting"
    office.wait(timedelta(days=3 * 365 + 1))
    assert [line["disclosure_id"] for line in office.patient.get(path).json()["items"]] == [housing]
    office.wait(timedelta(days=1))
    assert office.patient.get(path).json()["items"] == []
    assert len(office.patient.get(f"{path}?rule=hipaa").json()["items"]) == 1
    assert office.patient.get(f"{path}?rule=hipaa&from=2027-01-01").json()["items"] == []


def test_only_the_patient_and_compliance_read_an_accounting(office: Office) -> None:
    path = f"/patients/{office.patient_id}/accounting"
    assert office.clinician.get(path).status_code == 403
    assert office.intake.get(path).status_code == 403
    other = Office(office.service)
    stranger = office.service.account("patient", name="another", patient_id=other.patient_id)
    assert office.service.client(stranger, "PATRQT").get(path).status_code == 404


# ---- what a consent would reach ---------------------------------------------------------------------


def test_a_draft_says_what_would_reach_whom(office: Office) -> None:
    office.chart()
    draft = office.drafted(SPECIFIC)
    answer = office.patient.post(f"/consents/{draft['id']}/preview")
    assert answer.status_code == 200, answer.text
    (reach,) = answer.json()["reaches"]
    assert reach["recipient"]["name"] == "Lee Attorney"
    assert [item["kind"] for item in reach["items"]] == ["attendance"]
    assert "Lee Attorney would receive" in reach["words"]
    assert "content of" not in answer.text
    assert counts(office)["disclosure"] == 0


def test_a_class_reaches_those_on_record_in_it(office: Office) -> None:
    office.chart()
    draft = office.drafted(TPO)
    nobody = office.patient.post(f"/consents/{draft['id']}/preview").json()["reaches"]
    assert {reach["recipient"]["id"] for reach in nobody} == {None}
    clinic = office.clinic
    reaches = office.patient.post(f"/consents/{draft['id']}/preview").json()["reaches"]
    assert {reach["recipient"]["id"] for reach in reaches} == {clinic}
    by_purpose = {reach["purpose"]["code"]: reach for reach in reaches}
    assert set(by_purpose) == {"TREAT", "HPAYMT", "HOPERAT"}
    assert "counseling_note" in {one["category"] for one in by_purpose["TREAT"]["withheld"]}
    assert {item["kind"] for item in by_purpose["HPAYMT"]["items"]} == {"attendance"}


def test_the_preview_promises_what_the_disclosure_does(office: Office) -> None:
    office.chart()
    clinic, consent = office.clinic, office.signed(TPO)
    reaches = office.patient.post(f"/consents/{consent['id']}/preview").json()["reaches"]
    promised = next(reach for reach in reaches if reach["purpose"]["code"] == "TREAT")
    done = office.disclose(clinic).json()["decision"]
    assert promised["items"] == done["granted"]
    assert promised["withheld"] == done["withheld"]
