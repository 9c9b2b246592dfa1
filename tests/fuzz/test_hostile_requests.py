"""Requests no description would allow: bytes, numbers and headers at the edges of what parsers and databases hold.

Every oddity goes to some operations, with CONSENTRY_BATTERY=1 to every one, from somebody who may use it. The answer is
a problem document or, where the oddity is harmless, the described success; never a 5xx.
"""

import json
from collections.abc import Sequence
from typing import Any, TypeVar

import pytest

from tests.fuzz.test_schema_fuzz import BATTERY, ENDING, SEQUENCED, described
from tests.fuzz.town import Town

T = TypeVar("T")

DESCRIBED = described()
OPERATIONS = {
    operation["operationId"]: (method, path, operation)
    for path, methods in DESCRIBED["paths"].items()
    for method, operation in methods.items()
}
SPEAKERS = {"audit": "compliance", "administration": "administrator", "record": "clinician"} | {
    "placement": "clinician",
    "care_plans": "clinician",
}

#: As they stand in an address, percent-encoded.
PARAMETERS = (
    "",
    "%00",
    "a%00b",
    "%ff",
    "%ed%a0%80",
    "%F0%9F%A7%BF",
    "9" * 30,
    "-1",
    "1e999",
    "0x10",
    "%D9%A1%D9%A2",
    "NaN",
    "'",
    "%25",
    "019E830E-1A00-7ED6-8456-38D2697057C8",
    "%7B019e830e-1a00-7ed6-8456-38d2697057c8%7D",
    "019e830e1a007ed6845638d2697057c8",
    "0001-01-01T00:00:00%2B23:59",
    "9999-12-31T23:59:59-23:59",
    "2026-13-01",
    "x" * 5000,
)
BODIES = (
    b"",
    b"\x00",
    b"null",
    b"[]",
    b'"text"',
    b"{",
    b"\xff\xfe{}",
    b'{"a": 1, "a": 2}',
    b'{"a": NaN}',
    b'{"a": 1e999}',
    b'{"a": ' + b"9" * 400 + b"}",
    b'{"a": "\\u0000"}',
    b'{"a": "\\ud800"}',
    b"[" * 5000,
    b'{"a":' * 40 + b"1" + b"}" * 40,
)
HEADERS: tuple[list[tuple[str, str]], ...] = (
    [("Content-Type", "text/plain")],
    [("Content-Type", "application/x-www-form-urlencoded")],
    [("Content-Type", "multipart/form-data")],
    [("Content-Type", "application/json; charset=utf-16")],
    [("Content-Type", "\xff")],
    [("If-Match", "*")],
    [("If-Match", 'W/"1"')],
    [("If-Match", '"99999999999999999999"')],
    [("If-Match", '"1", "2"')],
    [("If-Match", '"²"')],
    [("Purpose-Of-Use", "TREAT"), ("Purpose-Of-Use", "HPAYMT")],
    [("Purpose-Of-Use", "T" * 500)],
    [("Purpose-Of-Use", "\xe9")],
    [("Idempotency-Key", "")],
    [("Idempotency-Key", "k" * 300)],
    [("Idempotency-Key", "\xe9")],
    [("Idempotency-Key", "a"), ("Idempotency-Key", "b")],
    [("X-Request-Id", "Pat Testperson")],
    [("Authorization", "Bearer x")],
    [("Accept", "image/png")],
    [("Content-Encoding", "gzip")],
    [("Transfer-Encoding", "chunked")],
    [("Range", "bytes=0-1")],
    [("X-HTTP-Method-Override", "DELETE")],
    [("Cookie", "session=\xff")],
)


def share(name: str, oddities: Sequence[T], size: int = 4) -> Sequence[T]:
    """The oddities that this operation gets: all, or a few that differ from operation to operation."""
    if BATTERY:
        return oddities
    first = size * sorted(OPERATIONS).index(name)
    return [oddities[(first + step) % len(oddities)] for step in range(size)]


@pytest.mark.battery
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_parameters(town: Town, name: str) -> None:
    _, path, operation = OPERATIONS[name]
    parameters = [one for one in operation.get("parameters", ()) if one["in"] in ("path", "query")]
    for parameter in parameters:
        for value in dict.fromkeys(("%00", *share(name, PARAMETERS))):
            here = path
            query = ""
            if parameter["in"] == "path":
                here = here.replace("{" + parameter["name"] + "}", value)
            else:
                query = f"?{parameter['name']}={value}"
            _expect_no_fault(_send(town, name, _filled(town, here) + query))


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_the_same_parameter_twice(town: Town, name: str) -> None:
    """Two values for one name are two requests in one: nobody has to guess which of them was meant."""
    _, path, operation = OPERATIONS[name]
    names = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
    for parameter in names:
        answer = _send(town, name, f"{_filled(town, path)}?{parameter}=1&{parameter}=2")
        assert answer.status_code == 422, answer.text
        _expect_no_fault(answer)


@pytest.mark.battery
@pytest.mark.parametrize("name", sorted(name for name in OPERATIONS if OPERATIONS[name][0] != "get"))
def test_bodies(town: Town, name: str) -> None:
    _, path, operation = OPERATIONS[name]
    for body in share(name, BODIES):
        answer = _send(town, name, _filled(town, path), body)
        _expect_no_fault(answer)
        required = operation.get("requestBody", {}).get("required")
        assert not required or 400 <= answer.status_code < 500, (body, answer.text)


@pytest.mark.battery
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_headers(town: Town, name: str) -> None:
    _, path, _ = OPERATIONS[name]
    for headers in share(name, HEADERS):
        if name in SEQUENCED:
            town.service.house.sequence()
        _expect_no_fault(_send(town, name, _filled(town, path), b"{}", headers))
        if name in ENDING:
            town.service.accounts.clear()


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_other_methods(town: Town, name: str) -> None:
    _, path, _ = OPERATIONS[name]
    for method in {"get", "post", "put", "patch", "delete", "options", "trace"} - set(
        DESCRIBED["paths"][path]
    ):
        answer = _send(town, name, _filled(town, path), method=method)
        _expect_no_fault(answer)
        assert answer.status_code in (404, 405, 422), (method, answer.status_code)


@pytest.mark.parametrize("number", [2**53, -(2**53), 2**63 - 1, 2**63, 1e308, 5e-324, -0.0, 1.5])
def test_numbers_inside_free_content(town: Town, number: float) -> None:
    """Free content may hold any number JSON can mean alike everywhere (RFC 7493 section 2.2)."""
    written = json.dumps({"kind": "attendance", "unit": "U1", "content": {"n": number}}).encode()
    answer = _send(town, "write_item", f"/api/v1/patients/{town.patient_id}/items", written)
    _expect_no_fault(answer)
    if answer.status_code == 201:
        assert answer.json()["content"] == {"n": number}


def _send(
    town: Town,
    name: str,
    address: str,
    body: bytes = b"",
    headers: list[tuple[str, str]] | None = None,
    method: str | None = None,
) -> Any:
    """One request from somebody who may use the operation; `headers` replace those of the same name."""
    described_method, _, operation = OPERATIONS[name]
    speaker = SPEAKERS.get(operation["tags"][0], "intake")
    changed = {given.lower() for given, _ in headers or ()}
    usual = town.caller(speaker).headers | {"Content-Type": "application/json", "If-Match": '"1"'}
    sent = [(key, value) for key, value in usual.items() if key.lower() not in changed] + (headers or [])
    return town.service.house.http.request(
        (method or described_method).upper(),
        f"http://testserver{address}",
        content=body,
        headers=[(key.encode(), value.encode("latin-1")) for key, value in sent],
        follow_redirects=False,
    )


def _filled(town: Town, path: str) -> str:
    for name, known in town.known.items():
        path = path.replace("{" + name + "}", known[0])
    return path


def _expect_no_fault(answer: Any) -> None:
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        assert {"type", "title", "status", "code", "detail", "request_id"} <= set(answer.json())
