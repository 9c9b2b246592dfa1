"""Whatever a caller sends, a request is one line of the log, one JSON object, and nobody writes a line of their own."""

import io
import json
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

import pytest

from service.log import configure_logs
from tests.house import Service
from tests.showing import Counted

pytestmark = pytest.mark.shows("O-26")

FORGED = '{"event":"request","level":"info","status":200,"route":"/forged"}'
HOSTILE = {
    "carriage return": f"a\r{FORGED}",
    "line feed": f"a\n{FORGED}\n",
    "both": f"a\r\n{FORGED}\r\n",
    "line separator": f"a\u2028{FORGED}",
    "paragraph separator": f"a\u2029{FORGED}",
    "next line": f"a\x85{FORGED}",
    "vertical tab": f"a\x0b{FORGED}\x0c",
    "escape": f"a\x1b[2K\x1b[1G{FORGED}",
    "end of an object": f'"}}{{"event":"request",{FORGED[1:]}',
    "null": f"a\x00{FORGED}",
    "format": "%n%s{0.__class__}${jndi:x}",
    "long": "a" * 100_000,
}


@contextmanager
def printed() -> Generator[Callable[[], str]]:
    """What an operator would see on standard error."""
    written = io.StringIO()
    with patch.object(sys, "stderr", written):
        configure_logs()
    try:
        yield written.getvalue
    finally:
        configure_logs()


def _everywhere(service: Service, text: str) -> list[Any]:
    """One request for each place in which a caller may put a text of their own."""
    intake, raw = service.client("intake"), text.encode()
    compliance = service.client("compliance", purpose="HOPERAT")
    form = {"grant_type": "password", "username": text, "password": "a wrong word or two"}
    hold = {"patient_id": None, "owner_id": str(compliance.who.id), "reason": text}
    return [
        intake.get("/auth/me", headers={"User-Agent": raw}),
        intake.get("/auth/me", headers={"X-Request-Id": raw}),
        intake.get("/auth/me", headers={"Purpose-Of-Use": raw}),
        intake.get("/auth/me", headers={"Authorization": b"Bearer " + raw}),
        intake.get(f"/patients/{quote(text[:4000], safe='')}"),
        intake.get("/recipients", params={"name": text[:4000]}),
        intake.request("GET", "/auth/me", params={text[:4000]: "x"}),
        intake.request("POST", "/patients", content=raw, headers={"Content-Type": raw}),
        intake.post("/patients", {"given_name": text, "family_name": text, "birth_date": text}),
        compliance.post("/legal-holds", hold),
        service.house.http.post("/api/v1/auth/token", data=form),
    ]


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_request_is_one_line_and_one_object(service: Service, kind: str, counted: Counted) -> None:
    service.account("intake")
    service.account("compliance")
    with printed() as log:
        answers = _everywhere(service, HOSTILE[kind])
        told = log()
    assert all(answer.status_code < 500 for answer in answers), [a.status_code for a in answers]
    lines = told.split("\n")
    assert lines.pop() == ""
    assert told.splitlines() == lines, "something ends a line that is no line feed"
    events = [json.loads(line) for line in lines]
    assert all(isinstance(event, dict) for event in events)
    asked = [event for event in events if event["event"] == "request"]
    assert [event["request_id"] for event in asked] == [answer.headers["x-request-id"] for answer in answers]
    assert [event["status"] for event in asked] == [answer.status_code for answer in answers]
    assert len(events) == len(asked)
    assert told.isprintable() or told.replace("\n", "").isprintable()
    assert "forged" not in told
    assert "jndi" not in told
    assert max(map(len, lines)) < 500
    counted("hostile requests", len(answers))
