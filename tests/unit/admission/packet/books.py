"""The shipped packet, its words and its deadlines; an intake of somebody synthetic to work out."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from service.admission.deadlines import load_deadlines
from service.admission.packet.catalogue import load_packet
from service.admission.packet.derive import Books, packet_of
from service.admission.packet.model import Outcome, PacketItem
from service.admission.packet.situation import Situation
from service.admission.packet.texts import FormText, load_texts
from service.admission.packet.traces import (
    AssessmentTrace,
    Decided,
    SectionTrace,
    SignatureTrace,
    Timed,
    Traces,
)
from service.admission.profile import Profile

POLICIES = Path("policies")
DEADLINES = load_deadlines(POLICIES)
PACKET = load_packet(POLICIES, DEADLINES)
FORMS = frozenset(key for key, rule in PACKET.items.items() if rule.is_form)
BOOKS = Books(PACKET, load_texts(POLICIES, FORMS), DEADLINES)
ZONE = ZoneInfo("America/New_York")
#: June 1, 2026, eight in the morning at the program.
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
OPENED = datetime(2026, 6, 1, 4, tzinfo=UTC)
ADULT = Situation(minor=False, telehealth=False, court_mandated=False, self_pay=False, priority_group=False)
VERSION = "2026-11"


def words(form: str, language: str = "en") -> FormText:
    found = BOOKS.texts.current(form, language, date(2026, 6, 1))
    assert found is not None
    return found


def signed(form: str, outcome: str = "signed", at: datetime = NOW, **more: Any) -> SignatureTrace:
    return SignatureTrace(form, Outcome(outcome), at, more.pop("text_version", VERSION), **more)


def items_of(
    traces: Traces,
    situation: Situation = ADULT,
    *,
    books: Books = BOOKS,
    now: datetime = NOW,
    state: str = "NY",
) -> dict[str, PacketItem]:
    """By key, follow-ups as `key:instance`."""
    packet = packet_of(books, Profile(state), ZONE, situation, traces, now)
    return {one.key if not one.instance else f"{one.key}:{one.instance}": one for one in packet}


def decided(item: str, instance: str = "", **more: Any) -> dict[tuple[str, str], Decided]:
    return {(item, instance): Decided(item, instance, 1, "intake", **more)}


def everything_for_admission(**more: Any) -> Traces:
    """All that the gate of admission asks of an adult who says what they pay."""
    traces = Traces(
        opened_at=OPENED,
        signatures=(
            *(signed(form, "given") for form in ("identity", "F02", "F03", "F27")),
            *(signed(form) for form in ("F04", "F17")),
        ),
        assessments=(AssessmentTrace("asq", NOW, NOW),),
        sections={key: SectionTrace(NOW, NOW) for key in ("withdrawal", "medicines", "allergies")},
        placements=(Timed("placement", "signed", NOW),),
    )
    return replace(traces, **more)
