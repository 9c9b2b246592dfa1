"""A record destroyed by two people: what refuses it, what goes, what stays, and what everybody sees afterwards."""

import base64
import hashlib
import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection

from service.cli.operator import Operator
from service.identity.model import Channel, Session
from service.identity.open_sessions.records import insert_session, session_caller
from service.ids import AccountId, ProgramId, SessionId, new_id
from service.jobs.runner import Service as JobService
from service.ledger.checkpoint import VerifierKey
from service.store.rowcodes import change_row
from service.store.tables.identity import account as account_table
from service.vault import records as vault_records
from service.vault.keys import DataKey
from service.vault.shredding import RecordDestroyed
from service.vault.signing import verify as signature_is_right
from service.vault.vault import Vault
from service.work import Work
from tests.house import Account, Service, open_program
from tests.integration.disclosure.office import CLINIC_ONLY
from tests.integration.disclosure.office import Office as Disclosing

PATIENT = {
    "given_name": "Zelda",
    "family_name": "Testperson",
    "birth_date": "1981-05-06",
    "sex": "female",
    "identifiers": [{"system": "mrn", "value": "SYN-000471"}],
}
LONG = timedelta(days=366 * 8)


@dataclass
class Office:
    """Two people who together may destroy a record, and the people around the patient; `patient` is destroyable."""

    service: Service
    compliance: Account
    administrator: Account
    patient: str

    def ask(self, **changes: Any) -> Any:
        body = {"patient_id": self.patient, "basis": "retention_over", "reason": "Every period is over."}
        return self.service.client(self.compliance).post("/keys/shreddings", body | changes)

    def decide(self, shredding: str, decision: str = "approved", who: Account | None = None) -> Any:
        client = self.service.client(who or self.administrator)
        return client.post(f"/keys/shreddings/{shredding}/approval", {"decision": decision})

    def destroy(self) -> dict[str, Any]:
        asked = self.ask()
        assert asked.status_code == 201, asked.text
        done = self.decide(asked.json()["id"])
        assert done.status_code == 200, done.text
        return done.json()


def register(service: Service, who: Account | str = "intake", **changes: Any) -> str:
    answer = service.client(who).post("/patients", PATIENT | changes)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


@pytest.fixture
def office(service: Service) -> Office:
    """Eight years after the patient was last heard of."""
    patient = register(service)
    later(service, LONG)
    return Office(service, service.account("compliance"), service.account("administrator"), patient)


def later(service: Service, by: timedelta) -> None:
    """The clock goes on; everybody signs in anew."""
    service.clock.advance(by)
    service.accounts.clear()


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def obstacles(answer: Any) -> list[str]:
    assert code(answer) == (409, "record_must_be_kept"), answer.text
    return [error["code"] for error in answer.json()["errors"]]


def test_two_people_destroy_a_record_and_everybody_sees_that_it_is_gone(office: Office) -> None:
    service, patient = office.service, office.patient
    clinician = service.account("clinician", related_to=[patient])
    hers = service.account("patient", patient_id=patient)
    assert service.client("intake").get(f"/patients/{patient}").status_code == 200
    assert service.client(hers, "PATRQT").get(f"/patients/{patient}").status_code == 200
    done = office.destroy()
    people = done["state"], done["asked_by"], done["decided_by"]
    assert people == ("destroyed", str(office.compliance.id), str(office.administrator.id))
    for path in ("", "/consents", "/history", "/events", "/restrictions"):
        answer = service.client(clinician).get(f"/patients/{patient}{path}")
        assert code(answer) == (410, "record_destroyed"), path
        assert "Zelda" not in answer.text
    assert code(service.client("intake").get(f"/patients/{patient}"))[0] == 410
    changed = service.client("intake").patch(f"/patients/{patient}", {"sex": "other"}, version=1)
    assert code(changed) == (410, "record_destroyed")
    # the patient's own way in is closed, and the list of a clinician shows a place without a name
    assert service.client(hers, "PATRQT").get(f"/patients/{patient}").status_code == 401
    listed = service.client(clinician).get("/caseload")
    assert listed.status_code == 200, listed.text
    carried = listed.json()["items"]
    assert [(one["patient_id"], one["family_name"], one["birth_date"], one["state"]) for one in carried] == [
        (patient, "", None, "destroyed")
    ]
    name = {"family_name": "Testperson", "birth_date": "1981-05-06"}
    found = service.client("intake").post("/patients/search", name)
    assert found.status_code == 200
    assert patient not in found.text
    _only_tombstones_are_left(service, patient, hers)


def _only_tombstones_are_left(service: Service, patient: str, hers: Account) -> None:
    with service.house.superuser() as root:
        keys = root.execute(
            "SELECT state, wrapped FROM vault_key WHERE patient_id = %s", [patient]
        ).fetchall()
        terms = root.execute("SELECT count(*) FROM patient_index WHERE patient_id = %s", [patient]).fetchone()
        sessions = root.execute(
            "SELECT count(*) FROM session WHERE account_id = %s AND ended_at IS NULL", [hers.id]
        ).fetchone()
        state = root.execute("SELECT state FROM account WHERE id = %s", [hers.id]).fetchone()
    assert keys == [("shredded", None)]
    assert (terms, sessions, state) == ((0,), (0,), ("disabled",))


def test_the_receipt_is_signed_and_stands_in_the_ledger(office: Office) -> None:
    service = office.service
    done = office.destroy()
    receipt = json.loads(done["receipt"])
    with service.house.superuser() as root:
        row = root.execute("SELECT key_id FROM vault_key WHERE patient_id = %s", [office.patient]).fetchone()
    assert row is not None
    assert receipt["keys"] == [bytes(row[0]).hex()]
    assert receipt["asked"]["by"] == str(office.compliance.id)
    assert receipt["approved"]["by"] == str(office.administrator.id)
    assert receipt["removed"]["patient_index"] > 0
    text, _, signed = done["receipt_note"].rpartition("\n\n")
    digest = base64.b64encode(hashlib.sha256(done["receipt"].encode()).digest()).decode()
    assert text == f"consentry-destruction-1\n{digest}"
    _, name, encoded = signed.strip().split(" ")
    public = service.house.state.sequencer.signer.public_key
    raw = base64.b64decode(encoded)
    assert raw[:4] == VerifierKey(name, public).key_id
    assert signature_is_right(public, f"{text}\n".encode(), raw[4:])
    assert not signature_is_right(public, f"{text}\n\n".encode(), raw[4:])
    entry = service.entries(id=receipt["entry"])[0]
    assert (entry["action"], str(entry["patient_id"])) == ("key.shred_approve", office.patient)
    assert entry["detail"]["receipt_sha256"] == hashlib.sha256(done["receipt"].encode()).hexdigest()
    assert "Zelda" not in json.dumps([done["receipt"], entry["detail"]])
    again = service.client(office.compliance).get(f"/keys/shreddings/{done['id']}").json()
    assert again == done


def test_it_takes_two(office: Office) -> None:
    service = office.service
    assert office.ask(basis="because").status_code == 422
    assert code(service.client(office.administrator).post("/keys/shreddings", {}))[0] == 422
    body = {"patient_id": office.patient, "basis": "retention_over", "reason": "x"}
    assert code(service.client(office.administrator).post("/keys/shreddings", body)) == (403, "not_permitted")
    asked = office.ask().json()
    assert code(office.ask()) == (409, "shredding_state")
    assert code(office.decide(asked["id"], who=office.compliance)) == (403, "not_permitted")
    both = _with_both_roles(service, office.compliance)
    assert code(office.decide(asked["id"], who=both)) == (403, "shredding_second_person")
    refused = service.entries(outcome="deny", action="key.shred_approve")
    assert [entry["detail"]["code"] for entry in refused] == ["not_permitted", "shredding_second_person"]
    assert service.client("intake").get(f"/patients/{office.patient}").status_code == 200
    assert office.decide(asked["id"], "declined").json()["state"] == "declined"
    assert code(office.decide(asked["id"])) == (409, "shredding_state")
    assert office.ask().status_code == 201


def _with_both_roles(service: Service, who: Account) -> Account:
    """The same person, given the second role as well: one account, two roles."""
    roles = frozenset({*who.caller.roles, *service.account("administrator").caller.roles})

    def change(db: Connection) -> None:
        change_row(
            db,
            account_table,
            {"id": who.id},
            {"roles": sorted(roles), "entry_id": service.entry(db, "user.manage")},
        )

    service.unit(change)
    return who


def test_what_is_open_or_must_be_kept_refuses_and_says_so(service: Service) -> None:
    patient = register(service)
    office = Office(service, service.account("compliance"), service.account("administrator"), patient)
    asked = office.ask()
    assert obstacles(asked) == ["period_running"]
    assert asked.json()["errors"][0]["message"] == "Kept until 2033-06-01: clinical_record."
    owner = str(office.compliance.id)
    later(service, LONG)
    office = Office(service, service.account("compliance"), service.account("administrator"), patient)
    client = service.client(office.compliance)
    asked = office.ask().json()
    hold = {"patient_id": patient, "owner_id": owner, "reason": "Testperson v. Harbour Steps"}
    placed = client.post("/legal-holds", hold)
    assert placed.status_code == 201, placed.text
    assert obstacles(office.decide(asked["id"])) == ["legal_hold"]
    every = client.post("/legal-holds", {"owner_id": owner, "reason": "Everything is held"}).json()
    lift = f"/legal-holds/{placed.json()['id']}/lifting"
    assert code(client.post(lift, {"reason": "Settled"}, version=9)) == (412, "version_stale")
    assert client.post(lift, {"reason": "Settled"}, version=1).json()["lifting"] == "Settled"
    assert code(client.post(lift, {"reason": "Settled"})) == (409, "hold_lifted")
    assert obstacles(office.decide(asked["id"])) == ["legal_hold"]
    client.post(f"/legal-holds/{every['id']}/lifting", {"reason": "Over"})
    assert office.decide(asked["id"]).json()["state"] == "destroyed"
    listed = client.get("/legal-holds").json()["items"]
    assert [(one["state"], one["reason"]) for one in listed] == [
        ("lifted", "Everything is held"),
        ("lifted", None),
    ]
    ofone = client.get(f"/legal-holds?patient={patient}&limit=1").json()
    assert [one["id"] for one in ofone["items"]] == [placed.json()["id"]]


def test_a_hold_lifted_by_hand_in_the_database_is_noticed(office: Office) -> None:
    client = office.service.client(office.compliance)
    hold = {"patient_id": office.patient, "owner_id": str(office.compliance.id), "reason": "x"}
    placed = client.post("/legal-holds", hold).json()
    with office.service.house.superuser() as root:
        root.execute("SET session_replication_role = replica")
        root.execute("UPDATE legal_hold SET state = 'lifted' WHERE id = %s", [placed["id"]])
    assert office.ask().status_code == 500
    assert office.service.entries(action="integrity.failed")


@pytest.mark.parametrize("role", ["intake", "clinician", "director", "patient", "requester"])
def test_nobody_else_touches_keys_or_holds(service: Service, role: str) -> None:
    client = service.client(role)
    some = str(uuid4())
    body = {"patient_id": some, "basis": "retention_over", "reason": "x"}
    answers = [
        client.get("/keys"),
        client.post("/keys/shreddings", body),
        client.post(f"/keys/shreddings/{some}/approval", {"decision": "approved"}),
        client.post("/legal-holds", {"owner_id": some, "reason": "x"}),
        client.get("/legal-holds"),
    ]
    assert {answer.status_code for answer in answers} <= {403, 404}


def test_the_keys_of_a_program_are_counted_and_none_is_shown(service: Service) -> None:
    register(service)
    found = service.client("administrator").get("/keys").json()
    assert {(one["purpose"], one["state"], one["keys"]) for one in found["keys"]} == {
        ("patient", "active", 1), ("program", "active", 1), ("index", "active", 1),
    }  # fmt: skip
    assert [one["active"] for one in found["epochs"]] == [True]
    assert set(found["epochs"][0]) == {"id", "active", "created_at"}


def test_a_process_that_had_the_key_forgets_it_with_its_next_unit(office: Office) -> None:
    """Jobs and the console have vaults of their own, and no session that tells them."""
    service, patient = office.service, UUID(office.patient)
    state = service.house.state

    def key(work: Work) -> DataKey:
        return work.vault.patient_key(work.db, service.program_id, patient)

    other = Vault(state.mechanisms.vault.kms)
    jobs = JobService(state.engine, replace(state.mechanisms, vault=other), service.clock)
    console = Operator(service.house.settings, service.clock)
    portal = service.house.http.portal
    assert portal is not None
    for run in (
        lambda: portal.call(jobs.act, service.program, key),
        lambda: console.act(key, service.program),
    ):
        run()
        assert run() is run(), "it is kept between two units"
    office.destroy()
    with pytest.raises(RecordDestroyed):
        portal.call(jobs.act, service.program, key)
    with pytest.raises(RecordDestroyed):
        console.act(key, service.program)


def test_every_kind_of_session_brings_the_mark(office: Office) -> None:
    """Staff, the patient by password and by link, a requester from outside: whoever calls, the process hears."""
    service = office.service
    callers = [
        service.account("intake"),
        service.account("patient", patient_id=register(service)),
        service.account("requester", recipient_id=uuid4()),
    ]
    now = service.clock.now()
    by_link = Session(
        id=SessionId(new_id(now)),
        account_id=AccountId(callers[1].id),
        program_id=ProgramId(service.program_id),
        channel=Channel.LINK,
        created_at=now,
        last_used_at=now,
        expires_at=now + timedelta(hours=1),
    )
    service.unit(lambda db: insert_session(db, by_link, service.entry(db, "session.begin")))
    office.destroy()
    mark = service.unit(vault_records.mark)
    assert mark > 0
    for session_id in (*(SessionId(who.session_id) for who in callers), by_link.id):
        found = service.unit(lambda db, one=session_id: session_caller(db, one, service.clock.now()))
        assert found is not None
        assert found.shred_mark == mark, (found.caller.kind, found.channel)


def test_what_everybody_sees_afterwards(service: Service) -> None:
    """Accounting, requests, emergency access, exports, another program: the record is gone, the trail is whole."""
    desk = Disclosing(service)
    desk.item("attendance")
    consent = desk.signed(CLINIC_ONLY)["id"]
    made = desk.disclose(desk.clinic)
    assert made.status_code == 201, made.text
    patient, sent = str(desk.patient_id), made.json()["id"]
    later(service, LONG)
    clinician = service.account("clinician", related_to=[patient])
    hers = service.account("patient", name="hers anew", patient_id=patient)
    Office(service, service.account("compliance"), service.account("administrator"), patient).destroy()
    emergency = {"nature": "Found unconscious", "why_no_consent": "Cannot be asked"}
    staff = service.client(clinician)
    gone = [
        *(staff.get(f"/patients/{patient}/{what}") for what in ("record", "flags", "disclosures")),
        *(staff.get(path) for path in (f"/disclosures/{sent}", f"/consents/{consent}")),
        staff.post(f"/patients/{patient}/emergency-access", emergency),
        staff.post(f"/patients/{patient}/disclosures", desk.asked(desk.clinic)),
    ]
    assert [
        (answer.request.url.path, code(answer))
        for answer in gone
        if code(answer) != (410, "record_destroyed")
    ] == []
    # what the law wants accounted for may still be asked; what was sent is told by the trail alone
    accounted = service.client("compliance", "HOPERAT").get(f"/patients/{patient}/accounting")
    assert (accounted.status_code, accounted.json()["items"]) == (200, [])
    assert [one["object_id"] for one in service.entries(action="disclosure.make", outcome="permit")] == [
        UUID(sent)
    ]
    nothing = [
        service.client(hers, "PATRQT").get(f"/patients/{patient}"),
        service.client(hers, "PATRQT").get(f"/patients/{patient}/accounting"),
        desk.request(desk.outside()),
        open_program(service.house).client("clinician").get(f"/patients/{patient}"),
        open_program(service.house).client("compliance", "HOPERAT").get(f"/patients/{patient}/accounting"),
    ]
    assert [answer.status_code for answer in nothing] == [401, 401, 404, 404, 404]
    service.house.sequence()
    officer = service.client("compliance", "HOPERAT")
    for form in ("ndjson", "csv", "fhir"):
        exported = officer.get(f"/audit/export?format={form}")
        assert exported.status_code == 200, exported.text
        assert patient in exported.text, "the acts stay"
        assert PATIENT["given_name"] not in exported.text
