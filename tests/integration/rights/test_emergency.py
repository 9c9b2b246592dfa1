"""Break-glass: one clinician, one patient, one hour, reading only, and somebody looks at it afterwards (O-15)."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.house import Client, Service, open_program
from tests.integration.disclosure.office import Office

WHY = {"nature": "Unresponsive at the door", "why_no_consent": "Nobody who treats the patient can be reached"}


@pytest.fixture
def stranger(service: Service) -> Client:
    """A clinician with no relationship to the patient."""
    return service.client(service.account("clinician", name="stranger"), purpose="ETREAT")


def break_glass(office: Office, who: Client, **more: Any) -> dict[str, Any]:
    answer = who.post(f"/patients/{office.patient_id}/emergency-access", WHY | more)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_grant_is_one_hour_for_one_patient_and_asks_for_a_review(
    office: Office, stranger: Client, service: Service, compliance: Client
) -> None:
    grant = break_glass(office, stranger)
    assert grant["account_id"] == str(stranger.who.id)
    assert grant["patient_id"] == office.patient_id
    hour = service.clock.now() + timedelta(minutes=60)
    assert grant["ends_at"] == hour.isoformat().replace("+00:00", "Z")
    opened, asked = service.entries(actor_id=stranger.who.id)
    assert (opened["action"], opened["object_id"]) == ("emergency.open", UUID(grant["id"]))
    assert (opened["detail"], opened["purpose"]) == ({"minutes": 60}, "ETREAT")
    assert (asked["action"], asked["detail"]["subject"]) == ("review.open", grant["id"])
    (review,) = compliance.get("/audit/reviews").json()["items"]
    assert (review["kind"], review["state"]) == ("emergency_access", "open")
    assert (review["subject_id"], review["account_id"]) == (grant["id"], str(stranger.who.id))
    read = compliance.get(f"/audit/reviews/{review['id']}").json()
    assert read["grant"]["nature"] == WHY["nature"]
    assert read["grant"]["why_no_consent"] == WHY["why_no_consent"]


@pytest.mark.parametrize("field", sorted(WHY))
@pytest.mark.parametrize("text", [None, "", "   "], ids=["absent", "empty", "blank"])
def test_both_texts_are_needed(office: Office, stranger: Client, field: str, text: str | None) -> None:
    body = {name: value for name, value in WHY.items() if name != field}
    if text is not None:
        body[field] = text
    answer = stranger.post(f"/patients/{office.patient_id}/emergency-access", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert office.service.entries(action="emergency.open", outcome="permit") == []
    assert office.service.entries(action="review.open") == []


@pytest.mark.parametrize(
    "role", ["intake", "compliance", "administrator", "director", "patient", "requester"]
)
def test_only_clinicians_break_the_glass(office: Office, service: Service, role: str) -> None:
    who = {"patient": office.patient.who, "requester": office.requester()}.get(role) or service.account(role)
    purpose = {"patient": "PATRQT", "compliance": "HOPERAT", "director": "HOPERAT"}.get(role, "TREAT")
    answer = service.client(who, purpose).post(f"/patients/{office.patient_id}/emergency-access", WHY)
    assert answer.status_code == (404 if role in ("patient", "requester") else 403), answer.text
    assert service.entries(action="emergency.open")[-1]["outcome"] == "deny"
    assert service.entries(action="review.open") == []


def test_a_patient_there_is_not_and_one_of_another_program_look_alike(
    office: Office, stranger: Client, service: Service
) -> None:
    elsewhere = open_program(service.house)
    foreign = elsewhere.client("clinician")
    for who, patient in ((stranger, uuid4()), (foreign, office.patient_id)):
        answer = who.post(f"/patients/{patient}/emergency-access", WHY)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    grant = break_glass(office, stranger)
    for answer in (
        foreign.get(f"/emergency-access/{grant['id']}"),
        foreign.post(f"/emergency-access/{grant['id']}/ending"),
    ):
        assert answer.status_code == 404


def test_what_a_grant_opens_and_what_stays_closed(office: Office, stranger: Client, service: Service) -> None:
    item, note = office.item("medication_list"), office.item("counseling_note")
    path = f"/patients/{office.patient_id}"
    assert stranger.get(f"{path}/record").status_code == 403
    grant = break_glass(office, stranger)
    chart = stranger.get(f"{path}/record")
    assert chart.status_code == 200, chart.text
    assert service.entries(action="record.read")[-1]["detail"]["emergency_grant"] == grant["id"]
    assert note not in {one["id"] for one in chart.json()["items"]}
    refused = stranger.get(f"/items/{note}")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    assert item in {one["id"] for one in chart.json()["items"]}
    read = stranger.get(f"/items/{item}")
    assert read.status_code == 200, read.text
    entry = service.entries(action="item.read", outcome="permit")[-1]
    assert entry["detail"]["emergency_grant"] == grant["id"]
    assert entry["basis"] == "B20-EMERGENCY"
    for answer in (
        stranger.post(f"{path}/items", {"kind": "progress_note", "unit": "U1", "content": "x"}),
        stranger.post(f"{path}/disclosures", office.asked(office.clinic)),
        stranger.post(f"{path}/disclosures/preview", office.asked(office.clinic)),
        stranger.get(path),
        stranger.get(f"{path}/assessments"),
        stranger.get(f"{path}/consents"),
        stranger.get(f"{path}/restrictions"),
        stranger.patch(path, {"sex": "female"}, version=1),
        stranger.post(f"{path}/events", {"kind": "admission", "occurred_on": "2026-05-01"}),
        stranger.get("/audit/entries"),
        stranger.get("/audit/export", params={"format": "ndjson"}),
    ):
        assert answer.status_code == 403, (answer.request.url, answer.text)


def test_the_second_patient_stays_closed(office: Office, stranger: Client) -> None:
    body = {"given_name": "Ode", "family_name": "Otherperson", "birth_date": "1980-01-02"}
    other = office.intake.post("/patients", body).json()["id"]
    break_glass(office, stranger)
    assert stranger.get(f"/patients/{office.patient_id}/record").status_code == 200
    assert stranger.get(f"/patients/{other}/record").status_code == 403


def test_a_colleague_gains_nothing(office: Office, stranger: Client, service: Service) -> None:
    grant = break_glass(office, stranger)
    colleague = service.client(service.account("clinician", name="colleague"), purpose="ETREAT")
    for answer in (
        colleague.get(f"/patients/{office.patient_id}/record"),
        colleague.get(f"/emergency-access/{grant['id']}"),
        colleague.post(f"/emergency-access/{grant['id']}/ending"),
    ):
        assert answer.status_code == 403
    assert stranger.get(f"/patients/{office.patient_id}/record").status_code == 200


def test_it_ends_after_the_hour_to_the_second(office: Office, stranger: Client, service: Service) -> None:
    grant = break_glass(office, stranger)
    path = f"/patients/{office.patient_id}/record"
    for _ in range(5):  # nobody is idle for long
        service.clock.advance(timedelta(minutes=10))
        assert stranger.get(path).status_code == 200
    service.clock.advance(timedelta(minutes=9, seconds=59))
    assert stranger.get(path).status_code == 200
    service.clock.advance(timedelta(seconds=1))
    assert stranger.get(path).status_code == 403
    ended = stranger.post(f"/emergency-access/{grant['id']}/ending")
    assert (ended.status_code, ended.json()["code"]) == (409, "emergency_ended")


def test_its_holder_ends_it_and_the_review_stays(
    office: Office, stranger: Client, service: Service, compliance: Client
) -> None:
    grant = break_glass(office, stranger)
    service.clock.advance(timedelta(minutes=1))
    key = {"Idempotency-Key": "end it"}
    first, again = (stranger.post(f"/emergency-access/{grant['id']}/ending", headers=key) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert first.json()["ends_at"] == service.clock.now().isoformat().replace("+00:00", "Z")
    assert stranger.get(f"/patients/{office.patient_id}/record").status_code == 403
    (review,) = compliance.get("/audit/reviews", params={"state": "open"}).json()["items"]
    assert review["subject_id"] == grant["id"]


def test_the_same_key_breaks_the_glass_once(office: Office, stranger: Client, service: Service) -> None:
    key = {"Idempotency-Key": "once"}
    path = f"/patients/{office.patient_id}/emergency-access"
    first, second = (stranger.post(path, WHY, headers=key) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert len(service.entries(action="review.open")) == 1


TAMPERINGS = {
    "another account": "update emergency_grant set account_id = %(other)s where id = %(grant)s",
    "a later end": "update emergency_grant set ends_at = ends_at + interval '1 day' where id = %(grant)s",
    "another patient": "update emergency_grant set patient_id = %(patient)s where id = %(grant)s",
}


@pytest.mark.parametrize("how", TAMPERINGS)
def test_a_grant_bent_by_hand_opens_nothing(
    office: Office, stranger: Client, service: Service, how: str
) -> None:
    grant = break_glass(office, stranger)
    other = service.account("clinician", name="somebody else")
    body = {"given_name": "Ode", "family_name": "Otherperson", "birth_date": "1980-01-02"}
    patient = office.intake.post("/patients", body).json()["id"]
    with service.house.superuser() as db:
        db.execute("set session_replication_role = replica")
        values = {"grant": grant["id"], "other": other.id, "patient": patient}
        assert db.execute(TAMPERINGS[how], values).rowcount == 1  # type: ignore[arg-type]
    who = service.client(other, purpose="ETREAT") if how == "another account" else stranger
    answer = who.get(f"/patients/{patient if how == 'another patient' else office.patient_id}/record")
    assert (answer.status_code, answer.json()["code"]) == (500, "integrity")
    assert service.entries()[-1]["action"] == "integrity.failed"


def test_a_later_end_by_hand_holds_no_longer(office: Office, stranger: Client, service: Service) -> None:
    grant = break_glass(office, stranger)
    with service.house.superuser() as db:
        db.execute("set session_replication_role = replica")
        db.execute(TAMPERINGS["a later end"], {"grant": grant["id"]})  # type: ignore[arg-type]
    for _ in range(6):
        assert stranger.get("/auth/me").status_code == 200
        service.clock.advance(timedelta(minutes=10))
    assert stranger.get(f"/patients/{office.patient_id}/record").status_code == 403


def test_nothing_of_a_grant_is_clear_in_the_database(office: Office, stranger: Client) -> None:
    grant = break_glass(office, stranger, nature="Zephyr-canary fell")
    with office.service.house.superuser() as db:
        row = db.execute(
            "select emergency_grant::text from emergency_grant where id = %s", [grant["id"]]
        ).fetchone()
        entries = db.execute("select string_agg(audit_entry::text, '') from audit_entry").fetchone()
    assert row is not None and entries is not None
    for text in (row[0], entries[0]):
        assert "Zephyr" not in text
        assert b"Zephyr".hex() not in text
