"""Users, clients and programs: made by the administrator of their program, by nobody else, with every act recorded."""

from typing import Any
from uuid import uuid4

import pytest

from service.access.caller import Caller, CallerKind, Role
from service.errors import Invalid, Stale
from service.identity import programs
from service.ids import SERVICE_PROGRAM, AccountId
from tests.house import PROGRAM_FILE, Service, open_program

PASSWORD = "seven quiet herons over slate"


def new_user(**changes: Any) -> dict[str, Any]:
    user = {
        "username": f"casey.testperson-{uuid4().hex[:8]}",
        "password": PASSWORD,
        "display_name": "Casey Testperson",
        "roles": ["clinician"],
        "units": ["U1"],
    }
    return user | changes


def test_an_administrator_adds_a_user_who_can_sign_in(service: Service) -> None:
    user = new_user()
    made = service.client("administrator").post("/users", user)
    assert made.status_code == 201, made.text
    assert "password" not in made.text
    assert made.json()["roles"] == ["clinician"]
    form = {"grant_type": "password", "username": user["username"], "password": PASSWORD}
    assert service.house.http.post("/api/v1/auth/token", data=form).status_code == 200
    shown = service.client("administrator").get(f"/users/{made.json()['id']}")
    assert shown.json() == made.json()
    assert shown.headers["etag"] == '"1"'


@pytest.mark.parametrize("role", ["intake", "clinician", "compliance", "director", "patient", "requester"])
@pytest.mark.parametrize("call", ["add", "list", "disable", "client", "program", "roles"])
def test_other_roles_cannot(service: Service, role: str, call: str) -> None:
    named = {"patient": {"patient_id": uuid4()}, "requester": {"recipient_id": uuid4()}}.get(role, {})
    client = service.client(service.account(role, **named))
    victim = service.account("clinician", name="victim")
    answer = {
        "add": lambda: client.post("/users", new_user()),
        "list": lambda: client.get("/users"),
        "disable": lambda: client.post(f"/users/{victim.id}/disable"),
        "client": lambda: client.post("/clients", {"display_name": "x", "kind": "system"}),
        "program": lambda: client.put(f"/programs/{service.program_id}", description(service), version=1),
        "roles": lambda: client.get("/roles"),
    }[call]()
    assert answer.status_code in (403, 404), answer.text
    assert service.client(victim).get("/auth/me").status_code == 200
    assert [entry for entry in service.entries(actor_id=client.who.id) if entry["outcome"] == "deny"]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"password": "kvx7 pq"}, 422, "password_unacceptable"),
        ({"password": "consentryconsentry"}, 422, "password_unacceptable"),
        ({"password": "casey.testperson1"}, 422, "password_unacceptable"),
        ({"username": "x"}, 422, "role_invalid"),
        ({"username": "with space inside"}, 422, "role_invalid"),
        ({"units": ["U9"]}, 422, "role_invalid"),
        ({"roles": ["patient"]}, 422, "invalid_request"),
        ({"roles": []}, 422, "invalid_request"),
        ({"state": "active"}, 422, "invalid_request"),
        ({"program_id": str(SERVICE_PROGRAM)}, 422, "invalid_request"),
        ({"password": 15}, 422, "invalid_request"),
    ],
)
def test_what_cannot_be_an_account(service: Service, changes: dict[str, Any], status: int, code: str) -> None:
    answer = service.client("administrator").post("/users", new_user(**changes))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    for value in changes.values():
        if isinstance(value, str) and len(value) > 4 and value != "active":
            assert value not in answer.text
    rows = service.client("administrator").get("/users").json()["items"]
    assert [row["roles"] for row in rows] == [["administrator"]]


def test_a_name_is_taken_once_in_all_programs(service: Service) -> None:
    user = new_user()
    assert service.client("administrator").post("/users", user).status_code == 201
    again = service.client("administrator").post("/users", user | {"username": user["username"].upper()})
    assert (again.status_code, again.json()["code"]) == (409, "username_taken")
    elsewhere = open_program(service.house)
    taken = elsewhere.client("administrator").post("/users", user)
    assert (taken.status_code, taken.json()["code"]) == (409, "username_taken")


def test_users_are_listed_page_by_page_and_patients_are_not(service: Service) -> None:
    service.account("patient", patient_id=uuid4())
    names = {service.account(role).id for role in ("intake", "clinician", "compliance", "administrator")}
    client = service.client("administrator")
    first = client.get("/users?limit=3").json()
    second = client.get(f"/users?limit=3&cursor={first['next_cursor']}").json()
    assert len(first["items"]) == 3
    assert second["next_cursor"] is None
    assert {row["id"] for row in first["items"] + second["items"]} == {str(name) for name in names}


def test_an_account_of_another_program_or_of_a_patient_is_not_there(service: Service) -> None:
    patient = service.account("patient", patient_id=uuid4())
    foreign = open_program(service.house).account("clinician")
    client = service.client("administrator")
    for account in (patient, foreign):
        assert client.get(f"/users/{account.id}").status_code == 404
        assert client.post(f"/users/{account.id}/disable").status_code == 404
    assert client.get(f"/users/{uuid4()}").status_code == 404


def test_nobody_disables_themselves(service: Service) -> None:
    client = service.client("administrator")
    answer = client.post(f"/users/{client.who.id}/disable")
    assert (answer.status_code, answer.json()["code"]) == (409, "transition_refused")
    assert client.get("/auth/me").status_code == 200


def test_a_requester_names_its_recipient(service: Service) -> None:
    client = service.client("administrator")
    without = client.post("/clients", {"display_name": "Riverbank Hospital", "kind": "requester"})
    assert (without.status_code, without.json()["code"]) == (422, "role_invalid")
    recipient = str(uuid4())
    made = client.post(
        "/clients", {"display_name": "Riverbank Hospital", "kind": "requester", "recipient_id": recipient}
    )
    assert made.status_code == 201
    assert made.json()["recipient_id"] == recipient
    shown = client.get(f"/users/{made.json()['id']}")
    assert made.json()["client_secret"] not in shown.text
    with service.house.superuser() as db:
        row = db.execute("SELECT password_hash FROM account WHERE id = %s", [made.json()["id"]]).fetchone()
    assert row is not None
    assert row[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_retry_makes_no_second_client_and_never_repeats_the_secret(service: Service) -> None:
    client = service.client("administrator")
    body, key = {"display_name": "Nightly", "kind": "system"}, {"Idempotency-Key": uuid4().hex}
    first, again = client.post("/clients", body, headers=key), client.post("/clients", body, headers=key)
    assert first.json()["client_id"] == again.json()["client_id"]
    assert first.json()["client_secret"]
    assert again.json()["client_secret"] is None


# -- programs ------------------------------------------------------------------------------------------


def description(service: Service, **changes: Any) -> dict[str, Any]:
    program = service.program
    units = [
        {"key": u.key, "name": u.name, "regime": u.regime.value, "publicly_sud_only": u.publicly_sud_only}
        for u in program.units.values()
    ]
    return {
        "key": program.key,
        "name": program.name,
        "timezone": program.timezone,
        "state": program.state,
        "director": program.director,
        "covered_entity": program.covered_entity,
        "units": units,
    } | changes


def test_a_program_is_read_and_replaced_under_its_version(service: Service) -> None:
    client = service.client("administrator")
    path = f"/programs/{service.program_id}"
    read = client.get(path)
    assert read.headers["etag"] == '"1"'
    assert [row["id"] for row in client.get("/programs").json()["items"]] == [str(service.program_id)]
    changed = client.put(path, description(service, timezone="America/Chicago"), version=1)
    assert changed.status_code == 200, changed.text
    assert changed.headers["etag"] == '"2"'
    assert client.get(path).json()["timezone"] == "America/Chicago"
    assert client.put(path, description(service), version=1).status_code == 412
    assert client.put(path, description(service)).status_code == 428
    bad = client.put(path, description(service, timezone="Mars/Olympus"), version=2)
    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (422, "timezone")


def test_a_program_that_is_read_and_put_back_is_the_same(service: Service) -> None:
    """Nothing a file says is lost by an administrator who changes something else in it."""
    client, path = service.client("administrator"), f"/programs/{service.program_id}"
    more = {
        "front_office": {"name": "Desk on Test Street", "phone": "+1-555-0142"},
        "on_call": {"name": "Dr Olu Testperson", "phone": "+1-555-0143"},
        "accreditor": "carf",
        "requires_credentials": True,
        "closed_days": ["2026-07-03", "2026-11-26"],
    }
    assert client.put(path, description(service, **more), version=1).status_code == 200
    read = client.get(path).json()
    assert {name: read[name] for name in more} == more
    body = {name: value for name, value in read.items() if name not in ("id", "version", "changed_at")}
    assert client.put(path, body, version=2).headers["etag"] == '"2"', (
        "the same description is no new version"
    )
    wrong = client.put(path, description(service, accreditor="nobody"), version=2)
    assert wrong.status_code == 422
    bare = client.put(path, description(service), version=2).json()
    assert (bare["front_office"], bare["on_call"], bare["accreditor"]) == (None, None, "none")


def test_an_administrator_reaches_only_their_own_program(service: Service) -> None:
    other = open_program(service.house)
    client = service.client("administrator")
    assert client.get(f"/programs/{other.program_id}").status_code == 404
    assert client.put(f"/programs/{other.program_id}", description(other), version=1).status_code == 422
    assert client.put(f"/programs/{service.program_id}", description(other), version=1).status_code == 422
    assert (
        client.put(
            f"/programs/{service.program_id}", description(service, key="brand-new"), version=1
        ).status_code
        == 422
    )


def operator() -> Caller:
    return Caller(
        kind=CallerKind.SYSTEM,
        account_id=AccountId(SERVICE_PROGRAM),
        program_id=SERVICE_PROGRAM,
        session_id=None,
        roles=frozenset({Role.SYSTEM}),
    )


def test_the_operator_applies_a_new_program_with_its_keys(service: Service) -> None:
    house = service.house
    key = f"fresh-{uuid4().hex[:10]}"
    as_operator = Service(house, SERVICE_PROGRAM, programs.SERVICE)
    document = PROGRAM_FILE.format(key=key)
    applied = as_operator.work(operator(), lambda work: programs.apply_program(work, document), purpose=None)
    assert (applied.version, applied.key) == (1, key)
    again = as_operator.work(operator(), lambda work: programs.apply_program(work, document), purpose=None)
    assert again == applied, "the same description is no new version"
    changed = document.replace("NY", "NJ")
    second = as_operator.work(operator(), lambda work: programs.apply_program(work, changed), purpose=None)
    assert (second.id, second.version) == (applied.id, 2)
    with house.superuser() as db:
        row = db.execute("SELECT count(*) FROM vault_key WHERE program_id = %s", [applied.id]).fetchone()
    assert row == (2,)
    with pytest.raises(Stale):
        as_operator.work(
            operator(),
            lambda work: programs.apply_program(work, document, expected=(applied.id, 1)),
            purpose=None,
        )


def test_a_description_that_could_not_be_read_again_is_refused(service: Service) -> None:
    as_operator = Service(service.house, SERVICE_PROGRAM, programs.SERVICE)
    document = PROGRAM_FILE.format(key=f"odd-{uuid4().hex[:10]}").replace(
        "Dr Dana Director", '"Dana\\x7fDirector"'
    )
    with pytest.raises(Invalid):
        as_operator.work(operator(), lambda work: programs.apply_program(work, document), purpose=None)
