"""Signing in over HTTP: who gets a session, what everybody else is told, and what the ledger keeps of it."""

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from service.access.caller import CallerKind, Role
from service.identity import accounts, passwords
from service.identity.accounts import NewAccount
from service.identity.model import Account
from tests.house import Service

PASSWORD = "seven quiet herons over slate"
TOKEN = "/api/v1/auth/token"


@pytest.fixture(scope="module")
def password_hash() -> str:
    return passwords.hash_password(PASSWORD)


@pytest.fixture
def person(service: Service, password_hash: str) -> Account:
    new = NewAccount(
        kind=CallerKind.STAFF,
        username=f"Ina.Testperson-{uuid4().hex[:8]}",
        display_name="Ina Testperson",
        password_hash=password_hash,
        roles=frozenset({Role.INTAKE}),
        units=frozenset({"U1"}),
    )
    caller = service.account("administrator").caller
    return service.work(caller, lambda work: accounts.create_account(work, new))


def sign_in(service: Service, username: str, password: str = PASSWORD, **more: str) -> Any:
    form = {"grant_type": "password", "username": username, "password": password, **more}
    return service.house.http.post(TOKEN, data=form)


def client_of(service: Service, name: str) -> dict[str, Any]:
    made = service.client("administrator").post("/clients", {"display_name": name, "kind": "system"})
    assert made.status_code == 201, made.text
    return made.json()


def shape(answer: Any) -> tuple[int, dict[str, Any], dict[str, str]]:
    """What can be told apart about an answer: everything but the request id and the date."""
    body = {key: value for key, value in answer.json().items() if key != "request_id"}
    headers = {key: value for key, value in answer.headers.items() if key not in ("x-request-id", "date")}
    return answer.status_code, body, headers


def test_a_person_signs_in_and_is_who_they_are(service: Service, person: Account) -> None:
    answer = sign_in(service, person.username)
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"access_token", "token_type", "expires_in", "scope"}
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 12 * 3600
    assert answer.headers["cache-control"] == "no-store"
    me = service.house.http.get(
        "/api/v1/auth/me", headers={"Authorization": f"Bearer {body['access_token']}"}
    ).json()
    assert me["id"] == str(person.id)
    assert me["display_name"] == "Ina Testperson"
    assert me["roles"] == ["intake"]
    assert me["units"] == ["U1"]
    assert "patient.register" in me["permissions"]
    assert "user.manage" not in me["permissions"]
    [entry] = service.entries(action="sign_in.succeeded")
    assert entry["actor_id"] == person.id
    assert entry["outcome"] == "permit"
    assert answer.headers["audit-entry"] == str(entry["id"])


def test_the_name_is_read_the_way_it_is_kept(service: Service, person: Account) -> None:
    assert sign_in(service, f"  {person.username.upper()} ").status_code == 200


def test_a_client_signs_in_by_form_or_by_basic(service: Service) -> None:
    made = client_of(service, "Nightly job")
    form = {"grant_type": "client_credentials"}
    credentials = {"client_id": made["client_id"], "client_secret": made["client_secret"]}
    assert service.house.http.post(TOKEN, data=form | credentials).status_code == 200
    basic = base64.b64encode(f"{made['client_id']}:{made['client_secret']}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"}
    assert service.house.http.post(TOKEN, data=form, headers=headers).status_code == 200
    both = service.house.http.post(TOKEN, data=form | credentials, headers=headers)
    assert (both.status_code, both.json()["error"]) == (400, "invalid_request")
    wrong = base64.b64encode(f"{made['client_id']}:wrong".encode()).decode()
    refused = service.house.http.post(TOKEN, data=form, headers={"Authorization": f"Basic {wrong}"})
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert refused.headers["www-authenticate"].startswith("Basic")


def test_each_grant_is_for_its_own_kind_of_account(service: Service, person: Account) -> None:
    made = client_of(service, "Some system")
    assert sign_in(service, made["client_id"], made["client_secret"]).status_code == 401
    form = {"grant_type": "client_credentials", "client_id": person.username, "client_secret": PASSWORD}
    assert service.house.http.post(TOKEN, data=form).status_code == 401
    assert [entry["detail"]["reason"] for entry in service.entries(action="sign_in.refused")] == [
        "wrong_grant",
        "wrong_grant",
    ]


def test_unknown_wrong_locked_and_disabled_get_one_answer(service: Service, person: Account) -> None:
    unknown = sign_in(service, f"nobody-{uuid4().hex}")
    wrong = sign_in(service, person.username, "not the right password")
    assert wrong.status_code == 401
    assert wrong.json()["code"] == "invalid_grant"
    assert wrong.json()["error"] == "invalid_grant"
    assert "audit-entry" not in wrong.headers
    assert shape(unknown) == shape(wrong)
    assert service.client("administrator").post(f"/users/{person.id}/disable").status_code == 200
    assert shape(sign_in(service, person.username)) == shape(wrong)
    for _ in range(10):
        sign_in(service, person.username, "not the right password")
    assert shape(sign_in(service, person.username)) == shape(wrong)
    reasons = [
        entry["detail"]["reason"] for entry in service.entries() if entry["action"].startswith("sign_in.")
    ]
    assert reasons[:2] == ["wrong_password", "account_disabled"]
    assert reasons[-1] == "locked"


def test_a_refusal_stands_in_the_ledger_without_the_name_or_the_password(
    service: Service, person: Account
) -> None:
    sign_in(service, person.username, "a very secret mistake")
    [entry] = service.entries(action="sign_in.refused")
    assert entry["outcome"] == "deny"
    assert entry["actor_id"] is None
    assert entry["actor_kind"] == "unknown"
    assert entry["object_id"] == person.id
    assert entry["payload_hash"] is not None
    assert person.username not in str(entry)
    assert "secret mistake" not in str(entry)


def test_an_unknown_name_is_recorded_too(service: Service) -> None:
    name = f"nobody-{uuid4().hex}"
    with service.house.superuser() as db:
        count = "SELECT count(*) FROM audit_entry WHERE action = 'sign_in.refused' AND detail LIKE '%unknown_name%'"
        before = db.execute(count).fetchone()
        sign_in(service, name)
        after = db.execute(count).fetchone()
    assert before is not None and after is not None
    assert after[0] == before[0] + 1


def test_ten_attempts_then_the_right_password_is_refused_for_a_quarter_of_an_hour(
    service: Service, person: Account
) -> None:
    for _ in range(10):
        assert sign_in(service, person.username, "not the right password").status_code == 401
    assert [entry["detail"]["reason"] for entry in service.entries(action="sign_in.locked")] == [
        "wrong_password"
    ]
    assert sign_in(service, person.username).status_code == 401
    service.clock.advance(timedelta(minutes=14, seconds=59))
    assert sign_in(service, person.username).status_code == 401
    service.clock.advance(timedelta(seconds=1))
    assert sign_in(service, person.username).status_code == 200


def test_success_clears_the_count(service: Service, person: Account) -> None:
    for _ in range(3):
        for _ in range(9):
            sign_in(service, person.username, "not the right password")
        assert sign_in(service, person.username).status_code == 200


def test_fifty_attempts_at_once_are_at_most_ten_evaluations(
    service: Service, person: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluated: list[str] = []

    def counted(
        password_hash: str, password: str, real: Callable[[str, str], bool] = passwords.matches
    ) -> bool:
        if password_hash != passwords.nobodys_hash():
            evaluated.append(password)
        return real(password_hash, password)

    monkeypatch.setattr(passwords, "matches", counted)
    with ThreadPoolExecutor(12) as pool:
        answers = list(
            pool.map(lambda n: sign_in(service, person.username, f"wrong {n}").status_code, range(50))
        )
    assert set(answers) <= {401, 503}
    assert 1 <= len(evaluated) <= 10
    assert sign_in(service, person.username).status_code == 401


def test_a_locked_name_does_not_lock_another(service: Service, person: Account, password_hash: str) -> None:
    other = NewAccount(
        kind=CallerKind.STAFF,
        username=f"other-{uuid4().hex[:8]}",
        display_name="Otis Testperson",
        password_hash=password_hash,
        roles=frozenset({Role.CLINICIAN}),
    )
    service.work(service.account("administrator").caller, lambda work: accounts.create_account(work, other))
    for _ in range(11):
        sign_in(service, person.username, "not the right password")
    assert other.username is not None
    assert sign_in(service, other.username).status_code == 200


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "invalid_request"),
        ({"grant_type": "password", "username": "x"}, 400, "invalid_request"),
        ({"grant_type": "client_credentials", "client_id": "x"}, 400, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, 400, "unsupported_grant_type"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}, 400, "unsupported_grant_type"),
        ({"grant_type": "password", "username": "x\0", "password": "y"}, 400, "invalid_request"),
        ({"grant_type": "password", "username": ["a", "b"], "password": "y"}, 400, "invalid_request"),
    ],
)
def test_malformed_token_requests(service: Service, form: dict[str, Any], status: int, error: str) -> None:
    answer = service.house.http.post(
        TOKEN, data=form, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "raw", [b"grant_type=%ff%fe&username=x&password=y", b"\xff\xfe", b"&&&=&", b"a=1&" * 60, b"a;b"]
)
def test_bytes_that_are_no_form(service: Service, raw: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert service.house.http.post(TOKEN, content=raw, headers=headers).status_code == 400


def test_json_is_not_a_token_request(service: Service) -> None:
    assert service.house.http.post(TOKEN, json={"grant_type": "password"}).status_code == 415


def test_the_token_carries_the_session_and_is_signed_with_a_published_key(
    service: Service, person: Account
) -> None:
    token = sign_in(service, person.username).json()["access_token"]
    keys = service.house.http.get("/.well-known/jwks.json").json()["keys"]
    claims = service.house.state.tokens.verify(token, service.clock.now())
    assert claims.account_id == person.id
    header = base64.urlsafe_b64decode(token.split(".")[0] + "==").decode()
    assert keys[0]["kid"] in header
    assert all("d" not in key for key in keys)
