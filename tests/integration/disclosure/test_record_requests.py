"""Outside requests: exactly what a consent covers, or one refusal that tells nothing (42 CFR 2.13(c), O43)."""

import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from service.api import record_requests
from service.disclosure.package import digest
from tests.integration.disclosure.office import CLINIC_ONLY, SOUGHT, SPECIFIC, TPO, Office
from tests.integration.disclosure.test_disclosures import counts

SAME_ID = {"X-Request-Id": "5a3e0000-0000-7000-8000-000000000001"}
#: The one header that may differ between two refusals; X-Request-Id is sent along, so that the body is the
#: same too.
MAY_DIFFER = {"date"}


@pytest.fixture(autouse=True)
def _no_waiting(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The floor under refusals has its own test; the others need not sit it out."""
    if request.node.name != "test_no_refusal_is_heard_before_the_floor":
        monkeypatch.setattr(record_requests, "FLOOR_SECONDS", 0.0)


def refusal(answer: Any) -> tuple[int, bytes, dict[str, str]]:
    """Everything of an answer that a requester can see and that must not depend on the patient."""
    headers = {
        name.lower(): value for name, value in answer.headers.items() if name.lower() not in MAY_DIFFER
    }
    return answer.status_code, answer.content, headers


# ---- ways of being refused; each returns the answer ---------------------------------------------------


def unknown_person(office: Office) -> Any:
    office.signed(TPO)
    return office.request(patient=SOUGHT | {"given_name": "Nobody"}, headers=SAME_ID)


def wrong_birth_date(office: Office) -> Any:
    office.signed(TPO)
    return office.request(patient=SOUGHT | {"birth_date": "1990-04-06"}, headers=SAME_ID)


def two_alike(office: Office) -> Any:
    office.signed(TPO)
    Office(office.service)  # registers somebody of the same name and birth date
    return office.request(headers=SAME_ID)


def no_consent(office: Office) -> Any:
    return office.request(headers=SAME_ID)


def draft_only(office: Office) -> Any:
    office.drafted(TPO)
    return office.request(headers=SAME_ID)


def consent_for_another(office: Office) -> Any:
    office.signed(SPECIFIC)
    return office.request(purpose="HOUSING", headers=SAME_ID)


def expired(office: Office) -> Any:
    office.signed(CLINIC_ONLY | {"recipients": [{"recipient_id": office.clinic}]})
    office.wait(timedelta(days=300))
    return office.request(headers=SAME_ID)


def revoked(office: Office) -> Any:
    office.revoke(office.signed(TPO)["id"])
    return office.request(headers=SAME_ID)


def revoked_for_this_recipient(office: Office) -> Any:
    clinic = office.clinic
    consent = office.signed(
        CLINIC_ONLY | {"recipients": [{"recipient_id": clinic}, {"recipient_id": office.lawyer}]}
    )
    office.revoke(consent["id"], recipients=[clinic])
    return office.request(headers=SAME_ID)


def wrong_purpose(office: Office) -> Any:
    office.signed(TPO)
    return office.request(purpose="EMPLOYMENT", headers=SAME_ID)


def purpose_nobody_may_state(office: Office) -> Any:
    office.signed(TPO)
    return office.request(purpose="TRAIN", headers=SAME_ID)


def purpose_nobody_knows(office: Office) -> Any:
    office.signed(TPO)
    return office.request(purpose="CURIOSITY", headers=SAME_ID)


def proceedings(office: Office) -> Any:
    office.signed(TPO)
    return office.request(purpose="PROCEED", headers=SAME_ID)


def counseling_notes_only(office: Office) -> Any:
    office.signed(TPO)
    return office.request(categories=["counseling_note"], headers=SAME_ID)


def nothing_of_that_kind(office: Office) -> Any:
    office.signed(TPO)
    return office.request(categories=["discharge_summary"], headers=SAME_ID)


def no_relationship(office: Office) -> Any:
    office.signed(TPO)
    return office.request(office.outside(office.lawyer, "lawyer"), headers=SAME_ID)


def damaged(office: Office) -> Any:
    office.signed(TPO)
    with office.service.house.superuser() as db:
        db.execute("ALTER TABLE record_item DISABLE TRIGGER USER")
        try:
            db.execute(
                "UPDATE record_item SET content = labels WHERE program_id = %s", [office.service.program_id]
            )
        finally:
            db.execute("ALTER TABLE record_item ENABLE TRIGGER USER")
    return office.request(headers=SAME_ID)


REFUSALS: list[Callable[[Office], Any]] = [
    unknown_person,
    wrong_birth_date,
    two_alike,
    no_consent,
    draft_only,
    consent_for_another,
    expired,
    revoked,
    revoked_for_this_recipient,
    wrong_purpose,
    purpose_nobody_may_state,
    purpose_nobody_knows,
    proceedings,
    counseling_notes_only,
    nothing_of_that_kind,
    no_relationship,
    damaged,
]

#: The refusal, said once: whatever the reason, these bytes.
EXPECTED_BODY = (
    b'{"type":"urn:consentry:problem:no_authorized_records","title":"Not Found","status":404,'
    b'"code":"no_authorized_records","detail":"No records are available for this request.",'
    b'"request_id":"5a3e0000-0000-7000-8000-000000000001"}'
)


@pytest.mark.parametrize("way", REFUSALS, ids=lambda way: way.__name__)
def test_every_refusal_is_the_same_in_every_byte(office: Office, way: Callable[[Office], Any]) -> None:
    office.chart()
    office.clinic  # noqa: B018 -- registers the recipient and what it is to the patient
    status, body, headers = refusal(way(office))
    _is_recorded(office, way)
    assert (status, body) == (404, EXPECTED_BODY)
    assert "audit-entry" not in headers
    assert set(headers) == {
        "cache-control",
        "content-length",
        "content-security-policy",
        "content-type",
        "cross-origin-opener-policy",
        "cross-origin-resource-policy",
        "permissions-policy",
        "referrer-policy",
        "strict-transport-security",
        "x-content-type-options",
        "x-frame-options",
        "x-request-id",
    }
    # the same headers with the same values as for somebody who is nobody's patient
    assert refusal(office.request(patient=SOUGHT | {"family_name": "Noone"}, headers=SAME_ID)) == (
        status,
        body,
        headers,
    )


def _is_recorded(office: Office, way: Callable[[Office], Any]) -> None:
    """The refusal stands in the ledger with its reason, and what was asked is kept sealed."""
    entry = office.service.entries(action="records.request")[-1]
    assert entry["outcome"] == "deny"
    assert entry["actor_kind"] == "requester"
    told = str(entry["detail"])
    for word in ("Testperson", "Pat", "1990", "counseling"):
        assert word not in told
    if way not in (purpose_nobody_may_state, purpose_nobody_knows):
        assert entry["payload_hash"] is not None
        assert counts(office)["record_request"] == 1
    assert counts(office)["disclosure"] == counts(office)["accounting"] == 0


def test_damage_is_an_incident_and_no_different_answer(office: Office) -> None:
    office.chart()
    office.clinic  # noqa: B018 -- registers the recipient
    assert damaged(office).content == EXPECTED_BODY
    assert len(office.service.entries(action="integrity.failed")) == 1


def test_no_refusal_is_heard_before_the_floor(office: Office) -> None:
    office.chart()
    office.signed(TPO)
    requester = office.outside()

    def seconds(**more: Any) -> float:
        started = time.perf_counter()
        assert office.request(requester, **more).status_code == 404
        return time.perf_counter() - started

    nobody = [seconds(patient=SOUGHT | {"family_name": "Noone"}) for _ in range(4)]
    somebody = [seconds(categories=["counseling_note"]) for _ in range(4)]
    floor = record_requests.FLOOR_SECONDS
    assert floor > 0.1
    assert min(*nobody, *somebody) >= floor
    assert abs(statistics.median(nobody) - statistics.median(somebody)) < floor / 5


# ---- what is delivered --------------------------------------------------------------------------------


def test_a_covered_request_gets_the_package_and_no_word_about_the_rest(office: Office) -> None:
    office.chart()
    office.signed(TPO)
    clinic = office.clinic
    answer = office.request(headers=SAME_ID)
    assert answer.status_code == 200, answer.text
    package = answer.json()["package"]
    assert sorted(item["kind"] for item in package["items"]) == [
        "attendance",
        "lab_result",
        "medication_list",
        "progress_note",
    ]
    assert package["recipient"] == {"id": clinic, "name": "Elm Family Clinic"}
    assert package["notice"]["id"] == "2.32-a-1.2024"
    assert "single consent" in package["scope_explanation"]
    assert "withheld" not in answer.text
    assert "counseling_note" not in answer.text
    assert "audit-entry" not in {name.lower() for name in answer.headers}
    assert counts(office) == {"disclosure": 1, "accounting": 1, "record_request": 1}
    made = office.service.entries(action="disclosure.make")[-1]
    asked = office.service.entries(action="records.request")[-1]
    assert (made["outcome"], made["basis"], made["purpose"]) == ("partial", "B02", "TREAT")
    assert asked["detail"]["disclosure"] == str(made["object_id"]) == package["disclosure_id"]
    compliance = office.service.client("compliance").get(f"/disclosures/{made['object_id']}")
    assert compliance.json()["package"]["sha256"] == digest(package)


def test_a_request_can_ask_for_less(office: Office) -> None:
    office.chart()
    office.signed(TPO)
    package = office.request(categories=["medication_list"]).json()["package"]
    assert [item["kind"] for item in package["items"]] == ["medication_list"]


def test_only_the_purpose_in_the_body_counts(office: Office) -> None:
    office.chart()
    office.signed(TPO)
    client = office.service.client(office.requester(), purpose="TREAT")
    assert office.request(client, purpose="EMPLOYMENT").status_code == 404
    client = office.service.client(office.requester(), purpose="TRAIN")  # no requester may state that one
    assert office.request(client, purpose="TREAT").status_code == 200
    assert office.service.entries(action="records.request")[-1]["purpose"] == "TREAT"


def test_names_match_exactly_after_normalisation_and_no_further(office: Office) -> None:
    office.chart()
    office.signed(TPO)
    same = SOUGHT | {"given_name": " PAT ", "family_name": "testperson"}
    assert office.request(patient=same).status_code == 200
    for near in ({"given_name": "Pa"}, {"family_name": "Testpersn"}, {"given_name": "P%"}):
        assert office.request(patient=SOUGHT | near).status_code == 404


def test_an_identifier_that_does_not_fit_refuses(office: Office) -> None:
    office.chart()
    office.signed(TPO)
    assert office.request(patient=SOUGHT | {"identifier": "MRN-1"}).status_code == 404


def test_a_revocation_is_heard_by_the_next_request(office: Office) -> None:
    office.chart()
    consent = office.signed(TPO)
    package = office.request().json()["package"]
    path = f"/disclosures/{package['disclosure_id']}/package"
    requester = office.service.client(office.requester(), purpose="TREAT")
    assert requester.get(path).json() == package
    office.revoke(consent["id"])
    assert office.request().status_code == 404
    refused, unknown = (
        requester.get(path, headers=SAME_ID),
        requester.get("/disclosures/00000000-0000-7000-8000-00000000ffff/package", headers=SAME_ID),
    )
    assert refused.status_code == 404
    assert refusal(refused) == refusal(unknown)


def test_a_repeated_request_is_one_disclosure_and_nothing_revoked_comes_back(office: Office) -> None:
    office.chart()
    consent = office.signed(TPO)
    headers = {"Idempotency-Key": "ask-once"} | SAME_ID
    first, second = office.request(headers=headers), office.request(headers=headers)
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()
    assert counts(office)["disclosure"] == 1
    office.revoke(consent["id"])
    again = office.request(headers=headers)
    assert (again.status_code, again.content) == (404, EXPECTED_BODY)


def test_a_repeated_refusal_stays_the_same_refusal(office: Office) -> None:
    office.chart()
    office.clinic  # noqa: B018 -- registers the recipient
    headers = {"Idempotency-Key": "ask-again"} | SAME_ID
    first = office.request(headers=headers)
    office.signed(TPO)
    second = office.request(headers=headers)
    assert refusal(first) == refusal(second)
    assert second.content == EXPECTED_BODY


def test_another_recipients_package_is_nothing(office: Office) -> None:
    office.chart()
    office.signed(TPO)
    package = office.request().json()["package"]
    other = office.service.client(office.requester(office.lawyer, "lawyer"), purpose="TREAT")
    assert other.get(f"/disclosures/{package['disclosure_id']}/package").status_code == 404


def test_staff_and_patients_do_not_ask_like_that(office: Office) -> None:
    office.chart()
    office.signed(TPO)
    assert office.request(office.clinician).status_code == 403
    patient = office.request(office.patient)
    assert (patient.status_code, patient.json()["code"]) == (403, "purpose_not_allowed")
    assert counts(office)["disclosure"] == 0


def test_an_outside_party_sees_no_other_door(office: Office) -> None:
    office.chart()
    office.signed(TPO)
    requester = office.service.client(office.requester(), purpose="TREAT")
    path = f"/patients/{office.patient_id}"
    for answer in (
        requester.get(path),
        requester.get(f"{path}/record"),
        requester.get(f"{path}/accounting"),
        requester.post(f"{path}/disclosures", office.asked(office.clinic)),
        requester.post(f"{path}/disclosures/preview", office.asked(office.clinic)),
    ):
        assert answer.status_code == 404, answer.text
        assert "audit-entry" not in {name.lower() for name in answer.headers}


@pytest.mark.parametrize(
    "body",
    [
        {"patient": SOUGHT},
        {"patient": SOUGHT | {"birth_date": "yesterday"}, "purpose": "TREAT"},
        {"patient": {"family_name": "Testperson"}, "purpose": "TREAT"},
        {"patient": SOUGHT, "purpose": "TREAT", "categories": ["everything"]},
        {"patient": SOUGHT, "purpose": "TREAT", "recipient": "somebody else"},
    ],
)
def test_a_request_that_cannot_be_read_is_refused_whoever_it_is_about(office: Office, body: Any) -> None:
    answer = office.outside().post("/record-requests", body)
    assert answer.status_code == 422
    assert "Testperson" not in answer.text
    assert counts(office)["record_request"] == 0


def test_when_the_request_cannot_be_recorded_nothing_leaves(office: Office) -> None:
    office.chart()
    office.signed(TPO)
    requester = office.outside()
    with office.service.house.superuser() as db:
        db.execute("REVOKE INSERT (id) ON audit_entry FROM consentry_app")
        try:
            known = office.request(requester, headers=SAME_ID)
            unknown = office.request(requester, patient=SOUGHT | {"family_name": "Noone"}, headers=SAME_ID)
        finally:
            db.execute("GRANT INSERT (id) ON audit_entry TO consentry_app")
    assert known.status_code == 503
    assert refusal(known) == refusal(unknown)
    assert counts(office) == {"disclosure": 0, "accounting": 0, "record_request": 0}
