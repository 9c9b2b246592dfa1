"""A session ends when somebody ends it, when it idles, and after twelve hours: on the next call, everywhere."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from service.app import Options, build
from tests.house import Service


def me(service: Service, who: str = "clinician") -> int:
    return service.client(who).get("/auth/me").status_code


def revoke(service: Service, who: str, **form: str) -> Any:
    headers = {"Authorization": f"Bearer {service.account(who).token}"}
    return service.house.http.post("/api/v1/auth/revoke", data=form, headers=headers)


def test_fourteen_minutes_are_fine_and_fifteen_are_not(service: Service) -> None:
    assert me(service) == 200
    for _ in range(5):
        service.clock.advance(timedelta(minutes=14))
        assert me(service) == 200
    service.clock.advance(timedelta(minutes=16))
    assert me(service) == 401
    assert me(service) == 401, "asking again does not wake it"


def test_twelve_hours_are_the_end_even_in_constant_use(service: Service) -> None:
    assert me(service) == 200
    for _ in range(51):
        service.clock.advance(timedelta(minutes=14))
        assert me(service) == 200
    service.clock.advance(timedelta(minutes=6))
    assert me(service) == 401


def test_signing_out_ends_this_session_only(service: Service) -> None:
    first, second = service.account("clinician"), service.account("intake")
    assert revoke(service, "clinician").status_code == 200
    assert [service.client(first).get("/auth/me").status_code for _ in range(3)] == [401] * 3
    assert service.client(second).get("/auth/me").status_code == 200
    [entry] = service.entries(action="session.end")
    assert entry["object_id"] == first.session_id
    assert entry["detail"] == {"reason": "signed_out"}


def test_a_token_of_somebody_else_is_not_ended_and_not_told_apart(service: Service) -> None:
    other = service.account("intake")
    assert revoke(service, "clinician", token=other.token).status_code == 200
    assert revoke(service, "clinician", token="not a token").status_code == 200
    assert service.client(other).get("/auth/me").status_code == 200
    assert revoke(service, "clinician", token=service.account("clinician").token).status_code == 200
    assert me(service) == 401


def test_all_sessions_at_once(service: Service) -> None:
    assert revoke(service, "clinician", all="true").status_code == 200
    assert me(service) == 401


def test_own_sessions_are_listed_and_ended_one_by_one(service: Service) -> None:
    client = service.client("clinician")
    listed = client.get("/auth/sessions").json()
    assert [row["id"] for row in listed["items"]] == [str(client.who.session_id)]
    assert listed["items"][0]["current"] is True
    assert listed["next_cursor"] is None
    stranger = service.account("intake").session_id
    assert client.delete(f"/auth/sessions/{stranger}").status_code in (403, 404)
    assert client.delete(f"/auth/sessions/{uuid4()}").status_code in (403, 404)
    assert service.client("intake").get("/auth/me").status_code == 200
    assert client.delete(f"/auth/sessions/{client.who.session_id}").status_code == 204
    assert client.get("/auth/me").status_code == 401


def test_a_session_of_the_pages_is_no_bearer(service: Service) -> None:
    who = service.account("clinician")
    with service.house.superuser() as db:
        db.execute("UPDATE session SET channel = 'page' WHERE id = %s", [who.session_id])
    assert service.client(who).get("/auth/me").status_code == 401


def test_disabling_ends_every_session_on_the_next_call_of_every_worker(service: Service) -> None:
    victim = service.account("clinician")
    other_worker = build(service.house.settings, Options(clock=service.clock, sequence=False))
    with TestClient(other_worker, raise_server_exceptions=False) as elsewhere:
        headers = {"Authorization": f"Bearer {victim.token}"}
        assert elsewhere.get("/api/v1/auth/me", headers=headers).status_code == 200
        disabled = service.client("administrator").post(f"/users/{victim.id}/disable")
        assert disabled.status_code == 200
        assert disabled.json()["state"] == "disabled"
        assert elsewhere.get("/api/v1/auth/me", headers=headers).status_code == 401
        assert service.client(victim).get("/auth/me").status_code == 401
    entry = service.entries(action="user.manage")[-1]
    assert entry["detail"] == {"change": "disabled", "sessions": 1}


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"Authorization": "Bearer x"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic eDp5"},
        {"Authorization": "bearer"},
        {"X-User-ID": "admin"},
    ],
)
def test_nobody_gets_a_problem_and_nothing_else(service: Service, header: dict[str, str]) -> None:
    answer = service.house.http.get("/api/v1/auth/me", headers=header)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) == {"type", "title", "status", "code", "detail", "request_id"}
    assert "audit-entry" not in answer.headers


def test_a_token_in_the_query_is_nothing(service: Service) -> None:
    token = service.account("clinician").token
    assert service.house.http.get(f"/api/v1/auth/me?access_token={token}").status_code == 401
