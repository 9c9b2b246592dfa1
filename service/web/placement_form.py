"""What a sent form says as one placement decision or as a second signature: texts become values, and nothing is judged.

A part of a decision that nobody touched (an override, a hand-over, a tool) is left out; once one field of it is filled
in, it is there, and the operation says what it lacks.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Final, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from service.admission.placement.decision import (
    Ground,
    HandOff,
    NewDecision,
    Override,
    PatientView,
    Safeguard,
    Seen,
    ToolResult,
)
from service.errors import Code, FieldError, Invalid

T = TypeVar("T")
MOST_DIMENSIONS: Final = 6
_LONG: Final = frozenset({"rationale", "override.text", "override.interim_plan", "note"})
_LISTS: Final = frozenset({"offered_alternatives", "hand_off.sent"})
_MOST: Final = {"short": 200, "long": 2000, "list": 4000}


class _Reading:
    """A sent form, and every fault met while it is read."""

    def __init__(self, sent: Mapping[str, str], zone: ZoneInfo) -> None:
        self.sent, self.zone = sent, zone
        self.faults: list[FieldError] = list(_too_long(sent))

    def said(self, name: str) -> str | None:
        return self.sent.get(name, "").strip() or None

    def any_of(self, part: str) -> bool:
        return any(self.said(name) for name in self.sent if name.startswith(f"{part}."))

    def read(self, name: str, how: Callable[[str], T], words: str, otherwise: T) -> T:
        """A needed value; a stand-in where it cannot be read, and the fault."""
        try:
            return how(self.said(name) or "")
        except ValueError:
            self.faults.append(FieldError(name, "malformed", words))
            return otherwise

    def id(self, name: str) -> UUID | None:
        given = self.said(name)
        return None if given is None else self.read(name, UUID, "Choose one of the list.", None)

    def instant(self, name: str, otherwise: datetime) -> datetime:
        """The program's clock, as a field of a page sends it."""

        def at(text: str) -> datetime:
            return datetime.fromisoformat(text).replace(tzinfo=self.zone)

        return self.read(name, at, "Give a day and a time.", otherwise)


def decision_in(sent: Mapping[str, str], zone: ZoneInfo, now: datetime) -> NewDecision:
    """The decision. Raises Invalid with every field that cannot be read."""
    form, today = _Reading(sent, zone), now.astimezone(zone).date()
    edition, _, level = (sent.get("level") or "").partition(":")
    if edition not in ("3", "4"):
        form.faults.append(FieldError("level", "missing", "Choose the level of care."))
    seen = form.read("computed_at", datetime.fromisoformat, "Look at the suggestion again.", now)
    if seen.tzinfo is None:
        form.faults.append(FieldError("computed_at", "malformed", "Look at the suggestion again."))
    new = NewDecision(
        level=level,
        edition=int(edition) if edition in ("3", "4") else 4,
        start_date=form.read("start_date", date.fromisoformat, "Give the day it begins.", today),
        patient_view=form.read(
            "patient_view", PatientView, "Say what the patient says to it.", PatientView.NOT_ASKED
        ),
        seen=Seen(seen, sent.get("hash", "")),
        rationale=form.said("rationale") or "",
        offered_alternatives=_lines(form.said("offered_alternatives")),
        arranged=frozenset(
            name.removeprefix("arranged.") for name in sent if name.startswith("arranged.") and sent[name]
        ),
        tool=_tool(form, today) if form.any_of("tool") else None,
        override=_override(form) if form.any_of("override") else None,
        safeguard=_safeguard(form, now) if form.any_of("safeguard") else None,
        hand_off=_hand_off(form, now) if form.any_of("hand_off") else None,
    )
    if form.faults:
        raise Invalid(Code.PLACEMENT_INVALID, "This decision cannot stand as it is.", form.faults)
    return new


def note_in(sent: Mapping[str, str]) -> str:
    """What the second clinician says to it."""
    faults = list(_too_long(sent))
    if not sent.get("note", "").strip():
        faults.append(FieldError("note", "missing", "Say what you looked at and why you sign."))
    if faults:
        raise Invalid(Code.PLACEMENT_INVALID, "This cannot be signed as it is.", faults)
    return sent["note"].strip()


def _override(form: _Reading) -> Override:
    return Override(
        code=form.said("override.code") or "",
        text=form.said("override.text") or "",
        interim_plan=form.said("override.interim_plan"),
        denial_id=form.said("override.denial_id"),
        appeal_offered=form.said("override.appeal_offered") == "yes" or None,
        wrong_fact=form.said("override.wrong_fact"),
    )


def _safeguard(form: _Reading, now: datetime) -> Safeguard:
    return Safeguard(
        follow_up_at=form.instant("safeguard.follow_up_at", now),
        safety_plan_id=form.id("safeguard.safety_plan_id"),
        clearance_id=form.id("safeguard.clearance_id"),
    )


def _hand_off(form: _Reading, now: datetime) -> HandOff:
    return HandOff(
        facility=form.said("hand_off.facility") or "",
        at=form.instant("hand_off.at", now),
        ground=form.read("hand_off.ground", Ground, "Say what it rests on.", Ground.CONSENT),
        sent=_lines(form.said("hand_off.sent")),
        consent_id=form.id("hand_off.consent_id"),
        naloxone_given=form.said("hand_off.naloxone_given") == "yes",
        crisis_card_given=form.said("hand_off.crisis_card_given") == "yes",
    )


def _tool(form: _Reading, today: date) -> ToolResult:
    edition, _, level = (form.said("tool.level") or "").partition(":")
    if edition not in ("3", "4"):
        form.faults.append(FieldError("tool.level", "missing", "Choose the level that the tool names."))
    if form.said("tool.name") is None:
        form.faults.append(FieldError("tool.name", "missing", "Name the tool."))
    ratings = {
        number: form.read(f"tool.rating.{number}", int, "A whole number.", 0)
        for number in range(1, MOST_DIMENSIONS + 1)
        if form.said(f"tool.rating.{number}") is not None
    }
    return ToolResult(
        name=form.said("tool.name") or "",
        edition=int(edition) if edition in ("3", "4") else 4,
        level=level,
        ratings=ratings,
        completed_on=form.read("tool.completed_on", date.fromisoformat, "Give the day.", today),
    )


def _lines(text: str | None) -> tuple[str, ...]:
    return tuple(line.strip() for line in (text or "").splitlines() if line.strip())


def _too_long(sent: Mapping[str, str]) -> Iterator[FieldError]:
    for name, given in sent.items():
        most = _MOST["long" if name in _LONG else "list" if name in _LISTS else "short"]
        if len(given) > most or (
            name in _LISTS and any(len(line) > _MOST["short"] for line in _lines(given))
        ):
            yield FieldError(name, "too_long", f"At most {most} characters.")
