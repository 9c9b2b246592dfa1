"""How we may reach you is answered when the entry says it: of each number whether it is safe, and who interprets."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from service.admission.packet.happened import happened_to
from service.admission.packet.lifecycle import status_of
from service.admission.packet.model import Outcome
from service.admission.packet.traces import SignatureTrace, Traces
from service.people.contacts import unsaid
from tests.unit.admission.packet.books import BOOKS

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PHONE, EMAIL = "+1 555 0143", "pat@example.org"
SAFE, NOT_SAFE = ({"channel": "voice", "address": PHONE, "safe": safe} for safe in (True, False))


@pytest.mark.parametrize(
    ("document", "lacking"),
    [
        ({}, ("interpreter",)),
        ({"interpreter": {"needed": False}}, ()),
        ({"interpreter_needed": True}, ()),
        ({"interpreter": {}}, ("interpreter",)),
        ({"phone": PHONE}, ("channels", "interpreter")),
        ({"phone": PHONE, "interpreter_needed": False, "channels": [SAFE]}, ()),
        ({"phone": PHONE, "interpreter_needed": False, "channels": [NOT_SAFE]}, ()),
        ({"phone": PHONE, "email": EMAIL, "interpreter_needed": False, "channels": [SAFE]}, ("channels",)),
        (
            {
                "email": EMAIL,
                "interpreter_needed": False,
                "channels": [{"channel": "email", "address": EMAIL.upper(), "safe": False}],
            },
            (),
        ),
    ],
)
def test_what_an_entry_does_not_say(document: dict[str, Any], lacking: tuple[str, ...]) -> None:
    assert unsaid(document) == lacking


@pytest.mark.parametrize(
    ("unsaid_yet", "status", "why"),
    [
        ((), "done", ""),
        (("interpreter",), "in_progress", "Not said yet: interpreter."),
        (("channels", "interpreter"), "in_progress", "Not said yet: channels, interpreter."),
    ],
)
def test_a_signed_form_waits_for_the_entry(unsaid_yet: tuple[str, ...], status: str, why: str) -> None:
    signed = SignatureTrace("F16", Outcome.SIGNED, NOW - timedelta(hours=1), "2026-11", None)
    traces = Traces(opened_at=NOW - timedelta(hours=2), signatures=(signed,), unsaid=unsaid_yet)
    zone = ZoneInfo("America/New_York")
    rules = BOOKS.packet.items
    found, said = status_of(happened_to(rules["F16"], traces, BOOKS.texts, zone, NOW))
    assert (found.value, said) == (status, why)
    other = replace(traces, signatures=(replace(signed, form="F13"),))
    assert status_of(happened_to(rules["F13"], other, BOOKS.texts, zone, NOW))[0].value == "done"
