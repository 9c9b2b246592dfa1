"""Ways around a decision: a row bent by hand, a unit one does not work in, a session ended at the right moment."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from service.api import record_requests
from service.disclosure import releasing, requesting
from service.people import operations as people
from service.work import Work
from tests.house import Service
from tests.integration.disclosure.office import SOUGHT, TPO, Office

SAME_ID = {"X-Request-Id": "5a3e0000-0000-7000-8000-000000000002"}
PHQ_9 = {f"phq9.{number}": 1 for number in range(1, 10)}


@pytest.fixture
def office(service: Service) -> Office:
    return Office(service)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_requests, "FLOOR_SECONDS", 0.0)


def by_hand(service: Service, statement: str, *values: Any) -> None:
    """As somebody who has the database: triggers off, exactly one row."""
    with service.house.superuser() as db:
        db.execute("set session_replication_role = replica")
        assert db.execute(statement, values).rowcount == 1  # type: ignore[arg-type]


def seen(answer: Any) -> tuple[int, bytes, dict[str, str]]:
    headers = {name: value for name, value in answer.headers.items() if name.lower() != "date"}
    return answer.status_code, answer.content, headers


# -- the state column is not what a consent stands on ----------------------------------------------


@pytest.mark.parametrize("ending", ["revoked", "superseded", "entered_in_error"])
def test_a_state_put_back_by_hand_does_not_revive_a_consent(office: Office, ending: str) -> None:
    office.item("attendance")
    clinic, consent = office.clinic, office.signed(TPO)["id"]
    if ending == "revoked":
        office.revoke(consent)
    elif ending == "superseded":
        newer = office.signed(TPO)["id"]
        answer = office.clinician.post(f"/consents/{consent}/supersession", {"replaced_by": newer})
        assert answer.status_code == 200, answer.text
        office.revoke(newer)
    else:
        answer = office.clinician.post(f"/consents/{consent}/error", {"reason": "wrong person"})
        assert answer.status_code == 200, answer.text
    assert office.disclose(clinic).status_code == 403
    by_hand(office.service, "update consent set state = 'active' where id = %s", consent)
    refused = office.disclose(clinic)
    assert (refused.status_code, refused.json().get("code")) == (403, "disclosure_denied")
    by_hand(office.service, "update consent set revocation = null where id = %s", consent)
    assert office.disclose(clinic).json().get("code") == "integrity"


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("counseling_note", "kind = 'progress_note', note_class = 'ordinary'"),
        ("progress_note", "unit = 'U2'"),
        ("progress_note", "dated_on = '2020-01-01'"),
        ("progress_note", "state = 'amended'"),
        ("progress_note", "author_id = gen_random_uuid()"),
    ],
)
def test_an_item_renamed_by_hand_does_not_leave(office: Office, kind: str, change: str) -> None:
    """What a decision reads in the clear is bound to what is sealed beside it."""
    item, clinic = office.item(kind, "kept as it was"), office.clinic
    office.signed(TPO | {"disclosers": ["program"]})
    assert office.disclose(clinic).status_code == (403 if kind == "counseling_note" else 201)
    by_hand(office.service, f"update record_item set {change} where id = %s", item)
    refused = office.disclose(clinic)
    assert refused.status_code == 403
    assert refused.json()["decision"]["withheld"][0]["reason"] == "ITEM_NOT_CLASSIFIED"
    answer = office.clinician.get(f"/items/{item}")
    assert answer.status_code == 403
    assert "kept as it was" not in answer.text


def test_an_older_version_of_an_item_opens_as_what_it_was(office: Office) -> None:
    form = {"instrument": "phq-9", "status": "completed", "answers": PHQ_9}
    made = office.clinician.post(f"/patients/{office.patient_id}/assessments", form).json()
    amended = office.intake.post(
        f"/assessments/{made['id']}/amendments", {"answers": PHQ_9 | {"phq9.1": 2}, "reason": "misread"}
    )
    assert amended.status_code in (200, 201), amended.text
    path = f"/assessments/{made['id']}"
    assert office.clinician.get(path, params={"version": 1}).json()["result"]["total"] == 9
    by_hand(office.service, "update record_item_version set state = 'draft' where item_id = %s", made["id"])
    assert office.clinician.get(path, params={"version": 1}).status_code == 500


# -- outside requests --------------------------------------------------------------------------------


@pytest.mark.parametrize("bent", ["consent", "patient", "key"])
def test_what_does_not_open_is_refused_to_the_outside_like_everything_else(office: Office, bent: str) -> None:
    office.item("attendance")
    outside, consent = office.outside(), office.signed(TPO)["id"]
    assert office.request().status_code == 200
    nobody = office.request(patient=SOUGHT | {"given_name": "Nobody"}, headers=SAME_ID)
    if bent == "consent":
        by_hand(office.service, "update consent set terms = substr(terms, 1, 60) where id = %s", consent)
    elif bent == "patient":
        by_hand(office.service, "update patient set version = 7 where id = %s", office.patient_id)
    else:
        by_hand(office.service, "delete from vault_key where patient_id = %s", office.patient_id)
        vault = office.service.house.state.mechanisms.vault
        vault.evict(office.service.program_id, UUID(office.patient_id))
    assert seen(office.request(outside, headers=SAME_ID)) == seen(nobody)
    assert nobody.status_code == 404
    assert office.service.entries()[-1]["action"] == "integrity.failed"


def test_a_duty_that_cannot_be_met_is_no_other_answer_outside(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.item("attendance")
    outside, _ = office.outside(), office.signed(TPO)
    nobody = office.request(patient=SOUGHT | {"given_name": "Nobody"}, headers=SAME_ID)

    discharge = releasing.discharge

    def without_notice(*given: Any) -> Any:
        return replace(discharge(*given), notice=None)

    monkeypatch.setattr(releasing, "discharge", without_notice)
    assert seen(office.request(outside, headers=SAME_ID)) == seen(nobody)
    last = office.service.entries()[-1]
    assert (last["outcome"], last["detail"]["reason"]) == ("deny", "NOTICE_TEXT_OUT_OF_DATE")


def test_a_patient_who_is_somebody_else_by_then_is_not_released(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The person is corrected between being found and being locked: the records are not that person's."""
    office.item("attendance")
    office.signed(TPO)
    outside, gather = office.outside(), requesting.gather

    def corrected_meanwhile(*given: Any, **more: Any) -> Any:
        by_hand(
            office.service,
            "update patient_index set value = '\\x00'::bytea where patient_id = %s and name = 'name_birth'",
            office.patient_id,
        )
        return gather(*given, **more)

    monkeypatch.setattr(requesting, "gather", corrected_meanwhile)
    answer = office.request(outside)
    assert (answer.status_code, answer.json().get("code")) == (404, "no_authorized_records")
    assert office.service.entries()[-1]["outcome"] == "deny"


# -- inside ------------------------------------------------------------------------------------------


def test_a_search_shows_a_clinician_no_more_than_who_it_is(service: Service) -> None:
    """Whoever may not read a patient does not read the address and the sister's number by searching."""
    intake = service.client("intake")
    full = {
        "given_name": "Ana",
        "family_name": "Testperson",
        "birth_date": "1990-04-05",
        "phone": "+1 555 0100",
        "email": "ana@example.test",
        "address": "1 Testing Way, Testville",
        "identifiers": [{"system": "MRN", "value": "T-00017"}],
        "contacts": [{"name": "Sister Testperson", "relationship": "sister", "phone": "+1 555 0101"}],
    }
    answer = intake.post("/patients", full)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    stranger = service.account("clinician", name="stranger")
    wanted = {"family_name": "Testperson", "birth_date": "1990-04-05"}
    assert service.client(stranger).get(f"/patients/{made['id']}").status_code == 403
    found = service.client(stranger).post("/patients/search", wanted)
    (hit,) = found.json()["items"]
    assert (hit["id"], hit["given_name"], hit["family_name"]) == (made["id"], "Ana", "Testperson")
    assert hit["birth_date"] == "1990-04-05"
    assert "555" not in found.text
    assert "Testing Way" not in found.text
    assert "example.test" not in found.text
    assert "00017" not in found.text
    service.relate(stranger, made["id"])
    (known,) = service.client(stranger).post("/patients/search", wanted).json()["items"]
    (intakes,) = intake.post("/patients/search", wanted).json()["items"]
    assert known == intakes
    assert known["phone"] == full["phone"]


def test_a_form_is_filed_only_where_its_author_works(service: Service) -> None:
    """The unit decides which law governs a record: nobody files out of Part 2 by naming another unit."""
    patient = service.client("intake").post(
        "/patients", {"given_name": "Ana", "family_name": "Testperson", "birth_date": "1990-04-05"}
    )
    patient_id = patient.json()["id"]
    one = service.client(service.account("intake", name="one", units=["U1"]))
    body = {"instrument": "phq-9", "status": "completed", "answers": PHQ_9}
    refused = one.post(f"/patients/{patient_id}/assessments", body | {"unit": "U2"})
    assert (refused.status_code, refused.json().get("code")) == (403, "not_permitted")
    last = service.entries()[-1]
    assert (last["outcome"], last["patient_id"]) == ("deny", UUID(patient_id))
    assert one.post(f"/patients/{patient_id}/assessments", body | {"unit": "U1"}).status_code == 201
    nowhere = service.client(service.account("intake", name="nowhere", units=[]))
    assert nowhere.post(f"/patients/{patient_id}/assessments", body).status_code == 403


def test_a_package_shows_staff_nothing_from_a_unit_they_do_not_work_in(office: Office) -> None:
    """2.12(c)(3): disclosing to a third party is no way to read what B20 keeps from another department."""
    office.item("progress_note", "written in the unit for substance use")
    item, clinic = office.items["progress_note"], office.clinic
    office.signed(TPO)
    elsewhere = office.service.account(
        "clinician", name="elsewhere", units=["U2"], related_to=[office.patient_id]
    )
    client = office.service.client(elsewhere)
    assert client.get(f"/items/{item}").status_code == 403
    made = office.disclose(clinic)
    assert made.status_code == 201, made.text
    refused = client.get(f"/disclosures/{made.json()['id']}/package")
    assert (refused.status_code, refused.json().get("code")) == (403, "not_permitted")
    assert "substance use" not in refused.text
    last = office.service.entries()[-1]
    assert (last["action"], last["outcome"]) == ("package.fetch", "deny")
    assert office.clinician.get(f"/disclosures/{made.json()['id']}/package").status_code == 200
    assert (
        office.outside()
        .get(f"/disclosures/{made.json()['id']}/package", headers={"Purpose-Of-Use": "TREAT"})
        .status_code
        == 200
    )


def test_ending_the_session_meanwhile_does_not_keep_a_denial_out_of_the_ledger(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = service.client("intake").post(
        "/patients", {"given_name": "Ana", "family_name": "Testperson", "birth_date": "1990-04-05"}
    )
    patient_id = patient.json()["id"]
    stranger = service.account("clinician", name="stranger")
    load = people.load_patient  # the moment between asking and refusal

    def ended_meanwhile(work: Work, wanted: UUID, *, changing: bool = False) -> Any:
        by_hand(service, "update session set ended_at = now() where id = %s", stranger.session_id)
        return load(work, wanted, changing=changing)

    monkeypatch.setattr(people, "load_patient", ended_meanwhile)
    answer = service.client(stranger).get(f"/patients/{patient_id}")
    assert answer.status_code in (401, 403)
    denied = service.entries(action="patient.read", outcome="deny")
    assert [entry["actor_id"] for entry in denied] == [stranger.id]
