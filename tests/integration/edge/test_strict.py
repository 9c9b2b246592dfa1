"""Bodies that mean two things, or nothing, are 422 with a document that does not quote them; never 500."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from tests.house import Service

CANARY = "SSN-078-05-1120"
GOOD = {"given_name": "Strict", "family_name": "Testperson", "birth_date": "1991-02-03"}


def _post(service: Service, raw: bytes, content_type: str = "application/json", **headers: str) -> Any:
    return service.client("intake").request(
        "POST", "/patients", content=raw, headers={"Content-Type": content_type, **headers}
    )


@pytest.mark.parametrize(
    "raw",
    [
        b'{"given_name": "A", "given_name": "B", "family_name": "T", "birth_date": "1991-02-03"}',
        b'{"given_name": "\\u0000", "family_name": "T", "birth_date": "1991-02-03"}',
        b'{"given_name": "\\ud800", "family_name": "T", "birth_date": "1991-02-03"}',
        b'{"given_name": NaN, "family_name": "T", "birth_date": "1991-02-03"}',
        b'{"given_name": 1e400, "family_name": "T", "birth_date": "1991-02-03"}',
        b'{"given_name": 9223372036854775808, "family_name": "T", "birth_date": "1991-02-03"}',
        b'{"given_name": 1' + b"0" * 5000 + b"}",
        b"[" * 100_000,
        b"[" * 40 + b"]" * 40,
        b'{"a": ' * 40 + b"1" + b"}" * 40,
        b"",
        b"{",
        b"null",
        b'"text"',
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
        json.dumps(GOOD).encode("utf-16"),
        json.dumps({**GOOD, "unknown": CANARY}).encode(),
        json.dumps({**GOOD, CANARY: 1}).encode(),
        json.dumps({**GOOD, "given_name": 1}).encode(),
        json.dumps({**GOOD, "birth_date": 19910203}).encode(),
        json.dumps({**GOOD, "birth_date": "03.02.1991"}).encode(),
        json.dumps({**GOOD, "birth_date": CANARY}).encode(),
        json.dumps({**GOOD, "birth_date": "1991-02-30"}).encode(),
        json.dumps({**GOOD, "interpreter_needed": "true"}).encode(),
        json.dumps({**GOOD, "interpreter_needed": 1}).encode(),
        json.dumps({**GOOD, "id": str(uuid4())}).encode(),
        json.dumps({**GOOD, "program_id": str(uuid4())}).encode(),
        json.dumps({**GOOD, "given_name": ""}).encode(),
        json.dumps({**GOOD, "given_name": "x" * 100_000}).encode(),
    ],
)
def test_refused_without_echo(service: Service, raw: bytes) -> None:
    answer = _post(service, raw)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] in ("malformed_json", "invalid_request")
    assert CANARY not in answer.text
    assert not service.entries(action="patient.register")


def test_other_media_types_and_sizes(service: Service) -> None:
    raw = json.dumps(GOOD).encode()
    assert _post(service, raw, "text/plain").status_code == 415
    assert _post(service, raw, "application/json; charset=utf-16").status_code == 415
    assert _post(service, b'{"given_name": "' + b"x" * (1024 * 1024) + b'"}').status_code == 413
    assert _post(service, raw).status_code == 201


def test_what_is_odd_but_fine_round_trips(service: Service) -> None:
    odd = "Zoë \u202eRTL " + "e\u0301" * 50 + " \U0001f9ff O'Neil-% _ \\ \""
    made = service.client("intake").post("/patients", {**GOOD, "given_name": odd})
    assert made.status_code == 201, made.text
    read = service.client("intake").get(f"/patients/{made.json()['id']}")
    assert read.json()["given_name"] == odd


def test_every_operation_refuses_a_stranger(service: Service) -> None:
    description = service.house.http.get("/openapi.json").json()
    open_paths = {
        "/healthz",
        "/readyz",
        "/metrics",
        "/api/v1/auth/token",
        "/.well-known/jwks.json",
        "/api/v1/.well-known/jwks.json",
        "/.well-known/smart-configuration",
    }
    tried = 0
    for path, operations in description["paths"].items():
        if path in open_paths or not path.startswith("/api/v1"):
            continue
        for method in operations:
            url = re.sub(r"\{\w+\}", lambda _: str(uuid4()), path)
            for token in (None, "Bearer x", "Basic eDp5", f"bearer {service.account('intake').token}"):
                headers = {"Authorization": token} if token else {}
                answer = service.house.http.request(method.upper(), url, headers=headers, json={})
                assert answer.status_code in (401, 422), (method, path, answer.status_code)
                if answer.status_code == 422:
                    # the shape of a body is public; what it would do is not
                    assert answer.json()["code"] in ("invalid_request", "malformed_json")
                tried += 1
            assert service.house.http.request(
                method.upper(), f"{url}?access_token={service.account('intake').token}"
            ).status_code in (401, 422)
    assert tried > 60


def test_fifty_at_once_with_one_key_are_one_act(service: Service) -> None:
    client = service.client("intake")
    headers = {"Idempotency-Key": str(uuid4())}
    client.who  # noqa: B018 -- the account exists before the threads start

    def send(_: int) -> Any:
        return client.post("/patients", GOOD, headers=headers)

    with ThreadPoolExecutor(25) as pool:
        answers = list(pool.map(send, range(50)))
    done = [answer for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 503}
    assert len({answer.json()["id"] for answer in done}) == 1
    assert len(service.entries(action="patient.register", outcome="permit")) == 1


def test_idempotency_is_by_caller_and_body(service: Service) -> None:
    headers = {"Idempotency-Key": "the-same-key"}
    first = service.client("intake").post("/patients", GOOD, headers=headers)
    assert first.status_code == 201
    other_body = service.client("intake").post("/patients", {**GOOD, "given_name": "B"}, headers=headers)
    assert (other_body.status_code, other_body.json()["code"]) == (409, "idempotency_mismatch")
    other = service.client(service.account("intake", name="another"))
    assert other.post("/patients", GOOD, headers=headers).json()["id"] != first.json()["id"]
    for bad in ("", "x" * 201, "a\tb"):
        answer = service.client("intake").post("/patients", GOOD, headers={"Idempotency-Key": bad})
        assert answer.status_code == 400


def test_a_change_needs_the_version_it_changes(service: Service) -> None:
    client = service.client("intake")
    made = client.post("/patients", GOOD).json()
    path = f"/patients/{made['id']}"
    assert client.patch(path, {"phone": "555-0100"}).status_code == 428
    assert client.patch(path, {"phone": "555-0100"}, version=7).status_code == 412
    changed = client.patch(path, {"phone": "555-0100"}, version=1)
    assert changed.status_code == 200, changed.text
    assert changed.headers["etag"] == '"2"'
    assert client.patch(path, {"phone": "555-0101"}, version=1).status_code == 412


def test_purpose_of_use_is_stated_and_allowed(service: Service) -> None:
    missing = service.client("intake", purpose=None).post("/patients", GOOD)
    assert (missing.status_code, missing.json()["code"]) == (400, "purpose_required")
    wrong = service.client("intake", purpose="HMARKT").post("/patients", GOOD)
    assert (wrong.status_code, wrong.json()["code"]) == (403, "purpose_not_allowed")
    assert service.entries(outcome="deny", action="patient.register")
    unknown = service.client("intake", purpose="NONSENSE").post("/patients", GOOD)
    assert unknown.status_code == 403
