"""Credentials recorded by an administrator, and what happens to their holder on the next call."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from service.store import direct
from service.store.tables.identity import session
from service.store.tables.programs import program
from tests.house import PROGRAM_FILE, Account, Service, open_program

LICENCE = {
    "kind": "licensed_clinician",
    "starts_on": "2025-01-01",
    "ends_on": "2026-06-10",
    "number": "SYN-0001",
    "issuer": "Board of Testing",
    "verified_with": "the board's public register",
}
WHY = {"nature": "unresponsive", "why_no_consent": "nobody can be reached"}


class Staff:
    """An administrator, a clinician, and a patient whom only breaking the glass would open."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.admin = service.client("administrator", purpose=None)
        self.clinician = service.account("clinician")
        body = {"given_name": "Ann", "family_name": "Testperson", "birth_date": "1990-01-01"}
        self.patient = service.client("intake").post("/patients", body).json()["id"]
        self.there = f"/users/{self.clinician.id}/credentials"

    def acts(self, who: Account | None = None) -> int:
        """The status of a clinical act (breaking the glass)."""
        client = self.service.client(who or self.clinician, "BTG")
        return int(client.post(f"/patients/{self.patient}/emergency-access", WHY).status_code)

    def record(self, **changed: Any) -> Any:
        self.service.clock.advance(timedelta(seconds=1))  # lists are in the order of making
        return self.admin.post(self.there, LICENCE | changed)


def test_a_credential_that_ends_switches_off_clinical_acts_on_the_next_call(service: Service) -> None:
    staff = Staff(service)
    assert staff.acts() == 201, "a program that asks for nothing lets clinicians act"
    made = staff.record()
    assert made.status_code == 201
    assert made.json()["verified_by"] == str(service.account("administrator").id)
    one = f"/credentials/{made.json()['id']}"
    assert staff.acts() == 201

    suspended = staff.admin.patch(one, {"state": "suspended"}, version=1)
    assert (suspended.status_code, suspended.json()["state"], suspended.json()["version"]) == (
        200,
        "suspended",
        2,
    )
    assert staff.acts() == 403
    refused = service.entries(action="emergency.open", outcome="deny")[-1]
    assert refused["policies"] == ["guard-credential-lapsed"]
    assert service.client(staff.clinician).get("/auth/me").status_code == 200, "what is not clinical goes on"
    assert staff.admin.patch(one, {"state": "active"}, version=2).status_code == 200
    assert staff.acts() == 201

    # the last day, in the program's zone: 03:59 UTC on the 11th is still the 10th in New York
    for at, expected in (
        (datetime(2026, 6, 11, 3, 59, tzinfo=UTC), 201),
        (datetime(2026, 6, 11, 4, tzinfo=UTC), 403),
    ):
        service.clock.set(at)
        assert staff.acts(_again(service)) == expected


def _again(service: Service) -> Account:
    """The clinician signed in anew: sessions do not last for days."""
    known = service.accounts["clinician"]
    until = service.clock.now().replace(hour=23)
    service.rewrite(session, known.session_id, last_used_at=service.clock.now(), expires_at=until)
    tokens = service.house.state.tokens
    token = tokens.issue(
        account_id=known.caller.account_id,
        session_id=known.caller.session_id,  # type: ignore[arg-type]
        token_id=known.id,
        now=service.clock.now(),
        until=until,
    )
    return Account(known.id, known.session_id, token, known.caller)


def test_what_administrators_may_record_and_what_not(service: Service) -> None:
    staff = Staff(service)
    faulty = staff.record(kind="astrologer", ends_on="2020-01-01")
    assert faulty.status_code == 422
    assert {one["field"] for one in faulty.json()["errors"]} == {"kind", "ends_on"}
    assert staff.admin.post(f"/users/{staff.admin.who.id}/credentials", LICENCE).status_code == 409
    patients = service.account("patient", patient_id=staff.patient)
    assert staff.admin.post(f"/users/{patients.id}/credentials", LICENCE).status_code in (403, 404)
    for role in ("intake", "clinician", "compliance"):
        assert service.client(role).post(staff.there, LICENCE).status_code == 403
        assert service.client(role).get("/credentials").status_code == 403

    made = staff.record().json()
    later = staff.record(kind="prescriber", ends_on="2026-12-31").json()
    open_ended = staff.record(kind="trainee", ends_on=None).json()
    assert [one["id"] for one in staff.admin.get(staff.there).json()["items"]] == [
        made["id"],
        later["id"],
        open_ended["id"],
    ]
    first = staff.admin.get(staff.there + "?limit=2").json()
    rest = staff.admin.get(staff.there + f"?limit=2&cursor={first['next_cursor']}").json()
    assert [one["id"] for one in rest["items"]] == [open_ended["id"]]
    for days, found in ((8, []), (9, [made["id"]]), (30, [made["id"]]), (366, [made["id"], later["id"]])):
        listed = staff.admin.get(f"/credentials?expiring_within={days}").json()["items"]
        assert [one["id"] for one in listed] == found

    one = f"/credentials/{made['id']}"
    assert staff.admin.get(one).json() == made
    assert staff.admin.patch(one, {"state": "suspended"}).status_code == 428
    assert staff.admin.patch(one, {"state": "suspended"}, version=7).status_code == 412
    assert staff.admin.patch(one, {"state": "active"}, version=1).status_code == 409
    assert staff.admin.patch(one, {"state": "withdrawn"}, version=1).json()["state"] == "withdrawn"
    assert staff.admin.patch(one, {"state": "active"}, version=2).status_code == 409
    other = open_program(service.house)
    assert other.client("administrator", purpose=None).get(one).status_code in (403, 404)
    with service.house.superuser() as db:
        row = db.execute("SELECT particulars FROM credential WHERE id = %s", [made["id"]]).fetchone()
    assert row is not None and b"SYN-0001" not in bytes(row[0])


def test_a_program_may_ask_for_a_credential_in_force(service: Service) -> None:
    staff = Staff(service)
    document = PROGRAM_FILE.format(key=service.program.key) + "\nrequires_credentials: true\n"
    service.rewrite(program, service.program_id, config=document, version=2)
    assert staff.acts() == 403
    assert service.entries(action="emergency.open", outcome="deny")[-1]["policies"] == [
        "guard-credential-required"
    ]
    staff.record(kind="peer")
    assert staff.acts() == 403
    staff.record(kind="trainee")
    assert staff.acts() == 201


def test_looking_up_a_session_is_still_one_question(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    staff = Staff(service)
    staff.record()
    asked: list[str] = []
    sync = service.house.state.engine.sync_engine

    def note(_c: Any, _u: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    def noted(db: Any, text: str, values: Any, *, fetch: bool, real: Any = direct._executed) -> Any:  # pyright: ignore[reportPrivateUsage] -- what goes to the driver directly
        asked.append(text)
        return real(db, text, values, fetch=fetch)

    monkeypatch.setattr(direct, "_executed", noted)
    event.listen(sync, "before_cursor_execute", note)
    try:
        service.client(staff.clinician).get("/auth/me")
    finally:
        event.remove(sync, "before_cursor_execute", note)
    assert "session_caller" in asked[0]
    assert not any("FROM credential" in statement for statement in asked)
