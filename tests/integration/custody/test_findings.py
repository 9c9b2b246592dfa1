"""The queue of reviews: what the rules find in a real trail, explained, decided by a person, opened by new facts."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from service.custody.findings import raising
from tests.house import Service, verify_ledger
from tests.integration.custody.watchfulness import Watchfulness


@pytest.fixture
def watch(service: Service) -> Watchfulness:
    return Watchfulness(service)


def denied(watch: Watchfulness, count: int, name: str = "curious") -> Any:
    """A clinician who is refused so many times."""
    curious = watch.service.account("clinician", name=name)
    client, patient_id = watch.service.client(curious), watch.patient()
    for _ in range(count):
        assert client.get(f"/patients/{patient_id}").status_code in (403, 404)
    return curious


def test_a_burst_of_refusals_waits_with_its_explanation_and_the_entries_it_rests_on(
    watch: Watchfulness,
) -> None:
    denied(watch, 4, "nearly")
    curious = denied(watch, 5)
    assert watch.look() > 9
    (one,) = watch.findings()
    found = one["finding"]
    assert (one["state"], one["account_id"], one["patient_id"]) == ("open", str(curious.id), None)
    assert (found["rule"], found["severity"], found["count"]) == ("denials_in_a_row", "high", 5)
    assert found["counted"].startswith("5 refusals; the rule asks somebody to look from 5 within 15 minutes")
    whole = watch.compliance.get(f"/audit/reviews/{one['id']}").json()["finding"]
    expected = {str(row["id"]) for row in watch.service.entries(outcome="deny", actor_id=curious.id)}
    assert {entry["id"] for entry in whole["entries"]} == expected
    assert len(expected) == 5
    for entry in whole["entries"]:
        read = watch.compliance.get(f"/audit/entries/{entry['id']}")
        assert read.status_code == 200, read.text
    verify_ledger(watch.service)


def test_nothing_is_looked_at_twice_and_what_comes_later_joins(watch: Watchfulness) -> None:
    curious = denied(watch, 5)
    watch.look()
    (first,) = watch.findings()
    assert watch.look(sequence=False) == 0
    for _ in range(3):
        watch.look()
    assert watch.findings() == [first]
    watch.entry(curious, "patient.read", outcome="deny")
    watch.look()
    (joined,) = watch.findings()
    assert (joined["id"], joined["finding"]["facts"], joined["finding"]["count"]) == (first["id"], 6, 6)


def test_what_is_committed_late_is_counted_where_it_belongs(watch: Watchfulness) -> None:
    """The trail was looked through beyond the moment of an entry that was not committed then."""
    service = watch.service
    curious = service.account("clinician", name="curious")
    start = service.clock.now()
    for minute in (0, 1, 3, 4):
        watch.entry(curious, "patient.read", outcome="deny", at=start + timedelta(minutes=minute))
    watch.entry(service.account("intake"), "patient.read", watch.patient(), at=start + timedelta(minutes=9))
    watch.look()
    assert not watch.findings()
    late = watch.entry(curious, "patient.read", outcome="deny", at=start + timedelta(minutes=2))
    watch.look()
    (one,) = watch.findings()
    whole = watch.compliance.get(f"/audit/reviews/{one['id']}").json()["finding"]
    assert [entry["id"] for entry in whole["entries"]][2] == str(late)
    assert whole["facts"] == 5


def test_a_look_that_fails_is_taken_up_where_it_stood(
    watch: Watchfulness, monkeypatch: pytest.MonkeyPatch
) -> None:
    denied(watch, 5)
    with monkeypatch.context() as patched:
        patched.setattr(raising.records, "move_mark", _fails)
        with pytest.raises(RuntimeError):
            watch.look()
    assert not watch.findings()
    watch.look()
    (one,) = watch.findings()
    assert one["finding"]["facts"] == 5


def _fails(*_: object) -> None:
    raise RuntimeError("gone before the mark moved")


def test_small_batches_find_what_one_finds(watch: Watchfulness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raising, "BATCH", 2)
    denied(watch, 7)
    watch.look()
    (one,) = watch.findings()
    assert (one["finding"]["facts"], one["finding"]["count"]) == (7, 7)


def test_a_decision_has_a_reason_stays_and_a_new_fact_opens_again(watch: Watchfulness) -> None:
    curious = denied(watch, 5)
    watch.look()
    (one,) = watch.findings()
    path = f"/audit/reviews/{one['id']}"
    assert watch.compliance.post(path, {"decision": "justified", "reason": ""}).status_code == 422
    assert watch.compliance.post(path, {"decision": "appropriate", "reason": "x y z"}).status_code == 422
    for decision, state in (("needs_more", "open"), ("justified", "closed"), ("not_justified", "closed")):
        said = watch.compliance.post(path, {"decision": decision, "reason": f"Looked at it: {decision}."})
        assert said.status_code == 200, said.text
        assert (said.json()["state"], said.json()["finding"]["state"]) == (state, decision)
    assert [one["decision"] for one in said.json()["finding"]["decisions"]] == [
        "needs_more",
        "justified",
        "not_justified",
    ]
    assert watch.rules(state="open") == []
    assert watch.rules(state="closed") == ["denials_in_a_row"]
    watch.entry(curious, "patient.read", outcome="deny")
    watch.look()
    (again,) = watch.findings(state="open")
    assert (again["id"], again["finding"]["state"]) == (one["id"], "open")
    assert len(watch.compliance.get(path).json()["finding"]["decisions"]) == 3
    reopened = [row["detail"] for row in watch.service.entries(action="finding.raise", object_id=one["id"])]
    assert [detail["reopened"] for detail in reopened] == [False, True]


def test_nothing_closes_itself(watch: Watchfulness) -> None:
    denied(watch, 5)
    watch.look()
    watch.service.clock.advance(timedelta(days=400))
    watch.look()
    watch.look_later()
    for role in ("clinician", "intake", "administrator", "director"):
        who = f"{role} today"
        client = watch.service.client(watch.service.account(role, name=who))
        assert client.get("/audit/reviews").status_code == 403, who
        answer = client.post(f"/audit/reviews/{uuid4()}", {"decision": "justified", "reason": "no"})
        assert answer.status_code == 403, who
    assert [one["finding"]["state"] for one in watch.findings(state="open")] == ["open"]


def test_nobody_decides_about_their_own_acts(watch: Watchfulness) -> None:
    officer = watch.compliance.who
    for _ in range(5):
        watch.entry(officer, "patient.read", outcome="deny")
    watch.look()
    (one,) = watch.findings()
    body = {"decision": "justified", "reason": "It was me and it was fine."}
    assert watch.compliance.post(f"/audit/reviews/{one['id']}", body).status_code == 403
    (refused,) = watch.service.entries(action="finding.decide", outcome="deny")
    assert refused["detail"]["reason"] == "own_act"
    other = watch.service.client(watch.service.account("compliance", name="other"), "HOPERAT")
    assert other.post(f"/audit/reviews/{one['id']}", body).status_code == 200


def test_break_glass_twice_in_a_week_is_found_and_each_has_its_review(watch: Watchfulness) -> None:
    clinician = watch.service.account("clinician", name="called in")
    body = {"nature": "unresponsive", "why_no_consent": "nobody can be reached"}
    for patient_id in (watch.patient(), watch.patient("Otherperson")):
        opened = watch.service.client(clinician, "BTG").post(f"/patients/{patient_id}/emergency-access", body)
        assert opened.status_code == 201, opened.text
    watch.look()
    items = watch.compliance.get("/audit/reviews", params={"state": "open"}).json()["items"]
    assert [one["kind"] for one in items] == ["emergency_access", "emergency_access", "finding"]
    assert items[-1]["finding"]["rule"] == "emergency_again"
    first = watch.compliance.get("/audit/reviews", params={"limit": 2}).json()
    rest = watch.compliance.get("/audit/reviews", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [one["id"] for one in (*first["items"], *rest["items"])] == [one["id"] for one in items]
    closed = watch.compliance.post(
        f"/audit/reviews/{items[0]['id']}", {"decision": "appropriate", "reason": "It was an emergency."}
    )
    assert closed.json()["state"] == "closed"


def test_family_colleagues_and_watched_charts(watch: Watchfulness) -> None:
    service, administrator = watch.service, watch.service.client("administrator", None)
    home = {"line1": "12 Sample Street", "city": "Testville", "postal_code": "12345"}
    reader, colleague = (
        service.account("intake", name="reader"),
        service.account("clinician", name="colleague"),
    )
    for who, said in (
        (reader, {"family_name": "Readerson", "given_name": "Rae", "address": home}),
        (colleague, {"family_name": "Workerson", "given_name": "Wil", "birth_date": "1980-02-03"}),
    ):
        kept = administrator.post(f"/users/{who.id}/particulars", said)
        assert (kept.status_code, kept.json()["fields"]) == (200, sorted(said)), kept.text
    kin = watch.patient("READERSON")
    neighbour = watch.patient("Flatmate", address={"line1": "12 sample st.", "postal_code": "12345-6789"})
    worker = watch.patient("Workerson", given_name="Wil", birth_date="1980-02-03")
    famous = watch.patient("Famousperson")
    plain = watch.patient("Plainperson", address={"line1": "12 Sample Street", "city": "Elsewhere"})
    body = {"kind": "vip", "reason": "A person in the public eye."}
    made = watch.compliance.post(f"/patients/{famous}/watches", body)
    assert made.status_code == 201, made.text
    assert watch.compliance.post(f"/patients/{famous}/watches", body).status_code == 409
    assert service.client("administrator").post(f"/patients/{famous}/watches", body).status_code == 403
    client = service.client(reader)
    for patient_id in (kin, neighbour, worker, famous, plain):
        assert client.get(f"/patients/{patient_id}").status_code == 200
    watch.look()
    found = {(one["patient_id"], one["finding"]["rule"]) for one in watch.findings(actor=str(reader.id))}
    assert found == {
        (kin, "surname_of_caller"),
        (neighbour, "address_of_caller"),
        (worker, "patient_works_here"),
        (famous, "watched_patient"),
    }
    assert {one["patient_id"] for one in watch.findings(patient=kin)} == {kin}
    ended = watch.compliance.post(f"/watches/{made.json()['id']}/end", {"reason": "No longer in office."})
    assert (ended.status_code, ended.json()["state"]) == (200, "ended"), ended.text
    client.get(f"/patients/{famous}")
    watch.look()
    (one,) = watch.findings(rule="watched_patient")
    assert one["finding"]["facts"] == 1


def test_staff_who_work_with_the_patient_are_no_finding_but_in_their_own_household(
    watch: Watchfulness,
) -> None:
    service, administrator = watch.service, watch.service.client("administrator", None)
    reader = service.account("intake", name="reader")
    home = {"line1": "3 Trial Road", "city": "Testville"}
    said = {"family_name": "Readerson", "address": home}
    assert administrator.post(f"/users/{reader.id}/particulars", said).status_code == 200
    cared, mother = watch.patient("Readerson"), watch.patient("Otherperson", address=home)
    watch.compliance.post(
        f"/patients/{cared}/watches", {"kind": "coworker", "reason": "Works in our kitchen."}
    )
    service.relate(reader, cared)
    service.relate(reader, mother)
    client = service.client(reader)
    for patient_id in (cared, mother):
        assert client.get(f"/patients/{patient_id}").status_code == 200
    watch.look()
    assert [(one["patient_id"], one["finding"]["rule"]) for one in watch.findings()] == [
        (mother, "address_of_caller")
    ]


def test_what_cannot_be_opened_is_an_incident_and_hides_nothing_behind_it(watch: Watchfulness) -> None:
    reader = watch.service.account("intake", name="reader")
    spoiled, watched = watch.patient(), watch.patient("Famousperson")
    watch.compliance.post(f"/patients/{watched}/watches", {"kind": "vip", "reason": "In the public eye."})
    for patient_id in (spoiled, watched):
        watch.entry(reader, "patient.read", patient_id)
    spoil(watch, "demographics || '\\x00'", spoiled)
    watch.look()
    assert watch.rules() == ["watched_patient"]
    assert len(watch.service.entries(action="integrity.failed")) == 1
    spoil(watch, "substring(demographics FOR length(demographics) - 1)", spoiled)


def spoil(watch: Watchfulness, value: str, patient_id: str) -> None:
    """Write into a sealed column, past the guards, as whoever has the database can."""
    with watch.service.house.superuser() as db:
        db.execute("SET session_replication_role = replica")
        db.execute(f"UPDATE patient SET demographics = {value} WHERE id = %s", [patient_id])  # type: ignore[arg-type]


def test_reading_and_doing_nothing_for_the_patient_is_found_a_week_later(watch: Watchfulness) -> None:
    service = watch.service
    start = service.clock.now()
    names = ("snooper", "cares", "related", "called in")
    staff = {name: service.account("clinician", name=name) for name in names}
    patient_id = watch.patient()
    service.relate(staff["related"], patient_id)
    body = {"nature": "unresponsive", "why_no_consent": "nobody can be reached"}
    client = service.client(staff["called in"], "BTG")
    assert client.post(f"/patients/{patient_id}/emergency-access", body).status_code == 201
    for who in staff.values():
        watch.entry(who, "record.read", patient_id, at=start + timedelta(minutes=5))
    watch.entry(staff["cares"], "visit.record", patient_id, at=start + timedelta(days=6))
    watch.look_later()
    service.clock.advance(timedelta(days=6, hours=23))
    watch.look_later()
    assert not watch.findings()
    service.clock.advance(timedelta(hours=2))
    watch.look_later()
    items = watch.findings(rule="no_care_around_it")
    assert [one["account_id"] for one in items] == [str(staff["snooper"].id)]
    assert "7 days before and after" in items[0]["finding"]["counted"]
