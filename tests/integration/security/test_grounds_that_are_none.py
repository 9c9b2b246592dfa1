"""Papers, bases, roles and rows bent until they look like a ground: nothing leaves, and nobody outside hears which."""

from datetime import timedelta
from typing import Any

import pytest

from service.api import record_requests
from tests.house import Service, open_program
from tests.integration.consent.happenings import happened, ruled
from tests.integration.disclosure.office import SOUGHT, SPECIFIC, TPO, Office
from tests.integration.disclosure.test_other_bases import ED, EMERGENCY
from tests.integration.disclosure.test_peers_failures import left, refused
from tests.unit.evidence.papers import DIRECTORS, PAPERS

SAME_ID = {"X-Request-Id": "5a3e0000-0000-7000-8000-000000000003"}
#: Kinds about one patient whose paper a clinician may describe in the act of disclosing, and sign off by it.
CLINICIANS = {
    *("emergency", "fda_notice", "incident", "child_abuse_report", "registry_event", "opportunity_to_agree"),
}
#: For each kind: the role of its recipient and a purpose, so that nothing but the signature is wanting.
SUITED = {
    "access_request": ("patient", "PATRQT", "attendance"),
    "court_order": ("court", "HLEGAL", "attendance"),
    "public_interest": ("law_enforcement", "TREAT", "attendance"),
    "cause_of_death_inquiry": ("medical_examiner", "HDECD", "cause_of_death"),
    "deidentification": ("public_health_authority", "TREAT", "deidentified_report"),
    "interchange": ("veterans_affairs", "TREAT", "attendance"),
    "secretary_request": ("hhs_secretary", "TREAT", "attendance"),
    "minor_threat_finding": ("parent_or_guardian", "THREAT", "threat_facts"),
    "minor_application_finding": ("parent_or_guardian", "FAMRQT", "patient_status"),
}


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


def restricted(office: Office, purpose_class: str = "treatment") -> str:
    """The patient asked, the program agreed: nothing for this to the emergency department. Id of the restriction."""
    body = {
        "kinds": "all",
        "recipients": [office.recipient(ED)],
        "classes": [purpose_class],
        "reason": "asked",
    }
    made = office.intake.post(f"/patients/{office.patient_id}/restrictions", body)
    assert made.status_code == 201, made.text
    restriction: str = made.json()["id"]
    answer = office.service.client("compliance", purpose="HOPERAT").post(
        f"/restrictions/{restriction}/answer",
        {"answer": "agreed", "reason": "agreed"},
        headers={"If-Match": '"1"'},
    )
    assert answer.status_code == 200, answer.text
    return restriction


def lapse(days: int) -> dict[str, Any]:
    """The emergency, said to hold from today until so many days later."""
    return EMERGENCY | {"ends_on": f"2026-{6 + days // 30:02d}-01"}


# ---- whose paper ------------------------------------------------------------------------------------


def test_the_kinds_tried_here_are_all_the_kinds_a_clinician_cannot_sign_off() -> None:
    from_one_patient = set(PAPERS) - CLINICIANS - {"qsoa", "administrative_control", "research", "audit"}
    assert set(SUITED) == from_one_patient - {"pdmp_law", "data_use_agreement"}
    assert set(DIRECTORS) <= set(SUITED) | {"research"}


@pytest.mark.parametrize("kind", sorted(SUITED))
def test_a_paper_that_is_not_the_clinicians_to_sign_opens_nothing_in_the_act(
    office: Office, kind: str
) -> None:
    role, purpose, item = SUITED[kind]
    unit = "U2" if kind == "public_interest" else "U1"
    wanted = office.item(item, unit=unit, confidential_communication=False)
    to = office.recipient({"type": "person", "name": "Somebody Testperson", "roles": [role]})
    paper = {"kind": kind, "particulars": dict(PAPERS[kind].particulars), "items": [wanted]}
    answer = office.disclose(to, purpose, items=[wanted], evidence=paper)
    assert answer.status_code in (403, 409, 422), answer.text
    assert "content of" not in answer.text
    assert left(office) == 0


@pytest.mark.parametrize("whose", ["another patient", "another program", "nobody"])
def test_the_paper_of_somebody_else_is_no_paper(office: Office, whose: str) -> None:
    office.chart()
    ed = office.recipient(ED)
    if whose == "nobody":
        paper = "01977000-0000-7000-8000-000000000001"
    else:
        where = office
        if whose == "another program":
            where = Office(open_program(office.service.house))
        other = where.intake.post("/patients", SOUGHT | {"given_name": "Other"}).json()["id"]
        body = EMERGENCY | {
            "recipients": [{"recipient_id": where.recipient(ED)}],
            "kinds": "all",
            "starts_on": "2026-06-01",
        }
        made = where.service.client("compliance", "HOPERAT").post(f"/patients/{other}/evidence", body)
        assert made.status_code == 201, made.text
        paper = made.json()["id"]
        signed = where.service.client("compliance", "HOPERAT").post(f"/evidence/{paper}/sign-off")
        assert signed.status_code == 200, signed.text
    answer = office.disclose(ed, "BTG", evidence_id=paper)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "evidence_id")
    assert left(office) == 0


@pytest.mark.parametrize("basis", ["B24", "B36", "B31", "164.506", "B20", "B20-EMERGENCY", "B02"])
def test_naming_a_basis_makes_none(office: Office, basis: str) -> None:
    office.chart()
    answer = office.disclose(office.recipient(ED), basis=basis)
    assert answer.status_code in (403, 422), answer.text
    assert left(office) == 0


def test_an_emergency_cannot_be_made_to_last(office: Office) -> None:
    """What was said of one night opens nothing next month: neither recorded in the act nor beforehand."""
    office.chart()
    ed = office.recipient(ED)
    answer = office.disclose(ed, "BTG", categories=["medication_list"], evidence=lapse(60))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "evidence.ends_on")
    body = lapse(60) | {"recipients": [{"recipient_id": ed}], "kinds": "all", "starts_on": "2026-06-01"}
    answer = office.clinician.post(f"/patients/{office.patient_id}/evidence", body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "ends_on")
    later = {"starts_on": "2026-08-01", "ends_on": "2026-08-02"}
    answer = office.clinician.post(f"/patients/{office.patient_id}/evidence", body | later)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "starts_on")
    assert left(office) == 0


@pytest.mark.parametrize("purpose", ["HPAYMT", "HOPERAT"])
def test_an_emergency_lifts_a_restriction_for_treatment_alone(office: Office, purpose: str) -> None:
    office.chart()
    office.signed(TPO)
    ed = office.recipient(ED, "treating")
    restricted(office, PURPOSE_CLASS[purpose])
    decision = refused(office.disclose(ed, purpose, items=[office.items["attendance"]], evidence=EMERGENCY))
    assert {one["reason"] for one in decision["withheld"]} == {"RESTRICTED"}
    assert left(office) == 0


PURPOSE_CLASS = {"HPAYMT": "payment", "HOPERAT": "operations"}


def test_who_says_a_recipient_is_medical_is_on_record_and_the_disclosure_is_reviewed(office: Office) -> None:
    """Anybody at the desk can register somebody as medical personnel: who did, and as what, must be findable."""
    office.chart()
    lawyer = office.recipient({"type": "person", "name": "Ad Hoc Attorney", "roles": ["medical_personnel"]})
    entry = office.service.entries(action="recipient.register")[-1]
    assert entry["detail"]["roles"] == ["medical_personnel"]
    made = office.disclose(lawyer, "BTG", categories=["medication_list"], evidence=EMERGENCY)
    assert made.status_code == 201
    reviews = office.service.client("compliance", "HOPERAT").get("/audit/reviews").json()["items"]
    assert [one["subject_id"] for one in reviews] == [made.json()["id"]]


def test_nothing_of_part_2_passes_through_an_intermediary_that_no_consent_names(office: Office) -> None:
    office.chart()
    ed, hie = office.recipient(ED), office.recipient({"type": "intermediary", "name": "Valley HIE"})
    asked = {"categories": ["medication_list"], "evidence": EMERGENCY}
    refused(office.disclose(ed, "BTG", via=hie, **asked))
    assert left(office) == 0
    assert office.disclose(ed, "BTG", **asked).status_code == 201


# ---- words carried elsewhere ------------------------------------------------------------------------


def test_words_of_a_session_note_stay_a_session_note_when_repeated(office: Office) -> None:
    """2.31(b): repeated in a progress note they would go out on the one consent for everything."""
    office.signed(TPO)
    session = office.item("counseling_note")
    body = {
        "kind": "progress_note",
        "unit": "U1",
        "labels": ["SUD"],
        "content": "as said",
        "quotes": [session],
    }
    answer = office.clinician.post(f"/patients/{office.patient_id}/items", body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "quotes")


# ---- whose signature --------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["guardian", "personal_representative"])
def test_who_signed_for_the_living_did_not_sign_for_the_dead(office: Office, role: str) -> None:
    """An authority to act for a living patient ends with the life it was for (2.15(b)); an executor signs anew."""
    office.item("attendance")
    happened(office, "incapacity_adjudicated", "2026-05-01")
    person = office.recipient({"type": "person", "name": "Gil Guardian"}, role)
    made = office.drafted(TPO)
    signature = {
        "signer": {"role": role, "name": "Gil Guardian", "authority": "order of the probate court, seen"},
        "method": "typed",
        "attestation": "I have read this and I agree to it.",
    }
    answer = office.intake.post(f"/consents/{made['id']}/signatures", signature)
    assert answer.status_code == 201, answer.text
    assert person
    assert office.disclose(office.clinic).status_code == 201
    office.wait(timedelta(days=3))
    happened(office, "death", "2026-06-03")
    decision = refused(office.disclose(office.clinic))
    assert {one["reason"] for one in decision["withheld"]} == {"PATIENT_DECEASED"}


# ---- rows bent by hand ------------------------------------------------------------------------------


@pytest.mark.parametrize("bent", ["state", "state and event", "later start"])
def test_a_consent_ended_by_an_event_is_not_revived_by_hand(office: Office, bent: str) -> None:
    office.item("attendance")
    clinic = office.clinic
    consent = office.signed(TPO | {"expiry": {"kind": "event", "event": "discharge"}})["id"]
    assert office.disclose(clinic).status_code == 201
    happened(office, "discharge", "2026-06-01")
    assert office.disclose(clinic).status_code == 403
    by_hand(office.service, "update consent set state = 'active' where id = %s", consent)
    if bent == "state and event":
        by_hand(office.service, "delete from patient_event where patient_id = %s", office.patient_id)
    elif bent == "later start":
        office.wait(timedelta(days=3))
        by_hand(office.service, "update consent set activated_at = now() where id = %s", consent)
        by_hand(
            office.service,
            "update consent set activated_at = '2026-06-03T12:00:00Z' where id = %s",
            consent,
        )
    before = left(office)
    assert office.disclose(clinic).status_code in (403, 500)
    assert left(office) == before


def test_a_paper_that_names_another_by_hand_reaches_nobody(office: Office) -> None:
    office.chart()
    ed, other = (
        office.recipient(ED),
        office.recipient({"type": "person", "name": "Eve", "roles": ED["roles"]}),
    )
    made = office.disclose(ed, "BTG", categories=["medication_list"], evidence=EMERGENCY).json()
    paper = made["decision"]["basis"]["evidence_id"]
    by_hand(
        office.service,
        "insert into evidence_recipient select evidence_id, %s, program_id, entry_id from evidence_recipient"
        " where evidence_id = %s",
        other,
        paper,
    )
    answer = office.disclose(other, "BTG", evidence_id=paper)
    assert (answer.status_code, answer.json()["code"]) == (500, "integrity")
    assert left(office) == 1


@pytest.mark.parametrize(
    "change",
    [
        "state = 'declined'",
        "state = 'ended', ended_at = now()",
        "terms = substr(terms, 1, 60)",
        "version = version + 1",
        "agreed_at = null",
    ],
)
def test_a_restriction_bent_by_hand_still_holds(office: Office, change: str) -> None:
    office.chart()
    office.signed(TPO)
    ed, item = office.recipient(ED, "treating"), office.items["medication_list"]
    restricted(office)
    by_hand(office.service, f"update restriction set {change} where patient_id = %s", office.patient_id)
    decision = refused(office.disclose(ed, items=[item]))
    assert {one["reason"] for one in decision["withheld"]} == {"RESTRICTED"}


def test_an_item_made_younger_by_hand_does_not_slip_out_of_a_restriction(office: Office) -> None:
    """A restriction the program has ended still covers what was there before (164.522(a)(2)(iii))."""
    office.chart()
    office.signed(TPO)
    ed, item = office.recipient(ED, "treating"), office.items["medication_list"]
    made = restricted(office)
    compliance = office.service.client("compliance", purpose="HOPERAT")
    answer = compliance.post(
        f"/restrictions/{made}/ending",
        {"by": "program_notice", "note": "told by letter"},
        headers={"If-Match": '"2"'},
    )
    assert answer.status_code == 200, answer.text
    refused(office.disclose(ed, items=[item]))
    by_hand(office.service, "update record_item set created_at = '2026-12-01' where id = %s", item)
    refused(office.disclose(ed, items=[item]))


def test_a_doubt_deleted_by_hand_is_no_settlement(office: Office) -> None:
    office.item("attendance")
    clinic, consent = office.clinic, office.signed(TPO)["id"]
    assert ruled(office, consent, "doubted").status_code in (200, 201)
    assert office.disclose(clinic).json()["code"] == "disclosure_needs_review"
    by_hand(office.service, "delete from consent_ruling where consent_id = %s", consent)
    assert office.disclose(clinic).json()["code"] == "integrity"
    assert left(office) == 0


# ---- the outside ------------------------------------------------------------------------------------


def seen(answer: Any) -> tuple[int, bytes, dict[str, str]]:
    headers = {name: value for name, value in answer.headers.items() if name.lower() != "date"}
    return answer.status_code, answer.content, headers


@pytest.mark.parametrize(
    "state",
    [
        "restricted",
        "doubted",
        "unknown event",
        "deceased",
        "hipaa only",
        "emergency on file",
        "agreement",
        "notes",
    ],
)
def test_every_new_state_is_the_one_answer_outside(office: Office, state: str) -> None:
    unit = "U2" if state == "hipaa only" else "U1"
    office.item("counseling_note" if state == "notes" else "attendance", unit=unit)
    ed = office.recipient(ED | {"roles": ["medical_personnel", "qso"]}, "treating")
    outside = office.outside(ed)
    nobody = office.request(outside, patient=SOUGHT | {"given_name": "Nobody"}, headers=SAME_ID)
    compliance = office.service.client("compliance", purpose="HOPERAT")
    if state == "restricted":
        office.signed(TPO)
        assert office.request(outside).status_code == 200
        restricted(office)
    elif state == "doubted":
        assert ruled(office, office.signed(TPO)["id"], "doubted").status_code in (200, 201)
    elif state == "unknown event":
        office.signed(TPO | {"expiry": {"kind": "event", "event": "when the moon is full"}})
    elif state == "deceased":
        office.signed(TPO)
        happened(office, "death", "2026-06-01")
    elif state == "emergency on file":
        made = office.disclose(ed, "BTG", evidence=EMERGENCY)
        assert made.status_code == 201, made.text
    elif state == "agreement":
        paper = {
            "kind": "qsoa",
            "recipients": [{"recipient_id": ed}],
            "kinds": "all",
            "starts_on": "2026-06-01",
            "particulars": dict(PAPERS["qsoa"].particulars),
        }
        made = compliance.post("/agreements", paper)
        assert made.status_code == 201, made.text
        assert compliance.post(f"/agreements/{made.json()['id']}/sign-off").status_code == 200
        assert office.disclose(ed).status_code == 201
    elif state == "notes":
        office.signed(TPO)
    answer = office.request(outside, headers=SAME_ID)
    assert seen(answer) == seen(nobody)
    assert nobody.status_code == 404


def test_a_consent_of_one_recipient_opens_no_paper_of_another(office: Office) -> None:
    """The lawyer's own consent is asked for by the lawyer: papers beside it answer nothing outside."""
    office.chart()
    office.signed(SPECIFIC)
    assert office.request(office.outside(office.lawyer), "TREAT").status_code == 404
    assert office.request(office.outside(office.lawyer), "HOUSING").status_code == 200
