"""What a decision has to say; facts from what was entered; when a placement is looked at again; the report's figures."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from service.admission.placement.conditions import Value
from service.admission.placement.decision import (
    Circumstances,
    Ground,
    HandOff,
    NewDecision,
    Override,
    PatientView,
    Safeguard,
    Seen,
    ToolResult,
    Verdict,
    accords,
    is_downwards,
    judged,
)
from service.admission.placement.evaluating import evaluate
from service.admission.placement.lifecycle import TRANSITIONS, Act, DecisionState, after
from service.admission.placement.rules import Suggestion
from service.errors import Conflict
from service.record.item import Kind
from tests.unit.admission.placement.table import BASE, BOOK, ROOT

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TODAY = NOW.date()
PLAN, NOTE, VISIT, CONSENT = (uuid4() for _ in range(4))
ABOUT = Circumstances(
    now=NOW,
    today=TODAY,
    opened_on=TODAY,
    linked={PLAN: Kind.SAFETY_PLAN, NOTE: Kind.PROGRESS_NOTE, VISIT: Kind.ATTENDANCE},
    consents=frozenset({CONSENT}),
)
WHY = Override("clinical_judgment", "Long enough to say why it is so.")
HAND_OFF = HandOff("Synthetic Hospital", NOW, Ground.CONSENT, ("list",), CONSENT, True, True)
SAFE = Safeguard(NOW + timedelta(hours=24), PLAN)


def said(**facts: Value | None) -> Suggestion:
    return evaluate(BOOK.core, {**BASE, **facts})


def new(level: str = "2.1", **more: Any) -> NewDecision:
    seen = Seen(NOW, "0" * 64)
    return NewDecision(level=level, start_date=TODAY, patient_view=PatientView.AGREES, seen=seen, **more)


def faults(verdict: Verdict) -> list[str]:
    return [one.field for one in verdict.faults]


@pytest.mark.parametrize(
    ("facts", "level", "more", "expected", "wrong"),
    [
        ({}, "2.1", {}, (False, False), []),
        ({}, "9", {}, (True, False), ["level"]),
        ({}, "2.1", {"edition": 3}, (False, False), []),
        ({}, "1.5", {"edition": 3, "override": WHY}, (True, False), ["level"]),
        ({}, "1.5", {}, (True, False), ["override"]),
        ({}, "2.5", {"override": WHY}, (True, False), ["hand_off"]),
        ({}, "2.5", {"override": WHY, "hand_off": HAND_OFF}, (True, False), []),
        ({"vitals_urgent": True}, "2.1", {"override": WHY}, (True, True), ["safeguard"]),
        ({"vitals_urgent": True}, "2.1", {"override": WHY, "safeguard": SAFE}, (True, True), []),
        ({"vitals_urgent": True}, "4", {"hand_off": HAND_OFF}, (False, False), []),
        ({"home_safe": False}, "3.5", {"override": WHY, "hand_off": HAND_OFF}, (True, False), []),
        ({"home_safe": False}, "2.1", {"arranged": frozenset({"safe_shelter"})}, (False, False), []),
        (
            {"home_safe": False},
            "2.1",
            {"arranged": frozenset({"recovery_housing"}), "override": WHY},
            (True, True),
            ["safeguard"],
        ),
        ({"intoxicated_now": True}, "2.1", {"override": WHY}, (True, False), []),
        ({}, "2.1", {"safeguard": SAFE}, (False, False), ["safeguard"]),
        ({}, "2.1", {"override": WHY}, (False, False), ["override"]),
    ],
    ids=[
        *("as-suggested", "no-level", "3rd", "not-of-3rd", "lower", "higher", "handed-off", "emergency"),
        *("safeguarded", "hospital", "above", "shelter", "wrong-shelter", "review", "needless", "same"),
    ],
)
def test_how_a_decision_stands_to_the_suggestion(
    facts: dict[str, Any], level: str, more: dict[str, Any], expected: tuple[bool, bool], wrong: list[str]
) -> None:
    verdict = judged(BOOK, said(**facts), new(level, **more), ABOUT)
    assert ((verdict.overridden, verdict.downwards), faults(verdict)) == (expected, wrong)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"code": "bed_or_slot_unavailable", "interim_plan": "  "}, ["override.interim_plan"]),
        ({"code": "bed_or_slot_unavailable", "interim_plan": "Daily visits"}, []),
        ({"code": "payer_denied"}, ["override.denial_id", "override.appeal_offered"]),
        ({"code": "payer_denied", "denial_id": "D", "appeal_offered": False}, ["override.appeal_offered"]),
        ({"code": "payer_denied", "denial_id": "D", "appeal_offered": True}, []),
        ({"code": "data_wrong", "wrong_fact": "phq9"}, []),
        ({"code": "data_wrong"}, ["override.wrong_fact"]),
        ({"text": "a" * 19}, ["override.text"]),
        ({"text": "a" * 20}, []),
        ({"text": "a" + " " * 30}, ["override.text"]),
    ],
    ids=["blank", "plan", "denied", "no-appeal", "appeal", "fact", "no-fact", "19", "20", "blanks"],
)
def test_what_each_reason_asks_for(change: dict[str, Any], wrong: list[str]) -> None:
    verdict = judged(BOOK, said(), new("1.5", override=replace(WHY, **change)), ABOUT)
    assert faults(verdict) == wrong


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"follow_up_at": NOW}, ["safeguard.follow_up_at"]),
        ({"follow_up_at": NOW + timedelta(hours=24, seconds=1)}, ["safeguard.follow_up_at"]),
        ({"safety_plan_id": NOTE}, ["safeguard.safety_plan_id"]),
        ({"safety_plan_id": None}, ["safeguard"]),
        ({"safety_plan_id": None, "clearance_id": NOTE}, []),
        ({"safety_plan_id": None, "clearance_id": VISIT}, ["safeguard.clearance_id"]),
    ],
    ids=["now", "late", "no-plan", "nothing", "clearance", "no-clearance"],
)
def test_what_stands_beside_an_override_downwards(change: dict[str, Any], wrong: list[str]) -> None:
    given = new("2.1", override=WHY, safeguard=replace(SAFE, **change))
    assert faults(judged(BOOK, said(homicidal_intent=True), given, ABOUT)) == wrong


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"facility": " "}, "hand_off.facility"),
        ({"sent": (" ",)}, "hand_off.sent"),
        ({"at": NOW - timedelta(days=2)}, "hand_off.at"),
        ({"consent_id": PLAN}, "hand_off.consent_id"),
        ({"naloxone_given": False}, "hand_off.naloxone_given"),
        ({"crisis_card_given": False}, "hand_off.crisis_card_given"),
    ],
    ids=["facility", "sent", "at", "consent", "naloxone", "card"],
)
def test_what_a_hand_off_says(change: dict[str, Any], wrong: str) -> None:
    given = new("4", hand_off=replace(HAND_OFF, **change))
    assert faults(judged(BOOK, said(vitals_urgent=True), given, ABOUT)) == [wrong]


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({}, []),
        ({"edition": 5}, ["tool.edition"]),
        ({"level": "0.5"}, ["tool.level"]),
        ({"edition": 3, "level": "0.5", "ratings": {6: 4}}, []),
        ({"ratings": {6: 1}}, ["tool.ratings"]),
        ({"ratings": {1: 5}}, ["tool.ratings"]),
        ({"completed_on": TODAY + timedelta(days=1)}, ["tool.completed_on"]),
    ],
    ids=["right", "edition", "level", "3rd", "unrated", "range", "future"],
)
def test_the_result_of_a_licensed_tool_is_of_its_own_edition(
    change: dict[str, Any], wrong: list[str]
) -> None:
    tool = replace(ToolResult("licensed tool", 4, "2.1", {1: 0, 5: 3}, TODAY), **change)
    assert faults(judged(BOOK, said(), new(tool=tool), ABOUT)) == wrong


def test_days_of_a_decision() -> None:
    early = replace(new(), start_date=TODAY - timedelta(days=1))
    far = replace(new(), start_date=TODAY + timedelta(days=367))
    assert faults(judged(BOOK, said(), early, ABOUT)) == ["start_date"]
    assert faults(judged(BOOK, said(), far, ABOUT)) == ["start_date"]


def test_where_the_ladder_does_not_apply_the_other_tool_places() -> None:
    """P-31: nothing is overridden when the level is the one its own instrument gives, unless something is missing."""
    tool = ToolResult("LOCUS", 4, "2.1", {}, TODAY)
    mental = said(track="mh")
    assert accords(mental, new(tool=tool))
    assert not accords(mental, new(tool=replace(tool, level="2.5")))
    assert not accords(mental, new())
    assert not accords(said(track="mh", vitals_urgent=None), new(tool=tool))
    assert not accords(said(track="mh", vitals_urgent=True), new(tool=tool))
    assert not accords(said(sud_severity="mild", phq9=None), new(tool=tool)), "only there"


def test_only_below_an_emergency_or_a_higher_level_is_downwards() -> None:
    assert not is_downwards(BOOK, said(intoxicated_now=True), "1.5")
    assert is_downwards(BOOK, said(failed_iop_90d=True), "2.1")
    assert not is_downwards(BOOK, said(failed_iop_90d=True), "2.5")
    assert is_downwards(BOOK, replace(said(failed_iop_90d=True), levels=()), "4"), (
        "no level named: never above"
    )


@pytest.mark.parametrize(
    ("state", "act"), list(product(DecisionState, Act)), ids=lambda one: str(getattr(one, "value", one))
)
def test_what_is_not_in_the_table_of_states_is_refused(state: DecisionState, act: Act) -> None:
    if (to := TRANSITIONS.get((state, act))) is not None:
        assert after(state, act) is to
        return
    with pytest.raises(Conflict):
        after(state, act)


# -- words ------------------------------------------------------------------------------------------------


def shipped() -> list[Path]:
    suffixes = {".py", ".yaml", ".md", ".html", ".js", ".txt", ".cedar"}
    folders = (ROOT / "service", ROOT / "policies")
    return [path for folder in folders for path in sorted(folder.rglob("*")) if path.suffix in suffixes]


def test_nothing_that_ships_calls_itself_an_asam_assessment() -> None:
    """The criteria and their tools are licensed: ours is a programme admission check, and says so nowhere else."""
    files = shipped()
    assert len(files) > 300
    for path in files:
        text = " ".join(path.read_text(encoding="utf-8").lower().split())
        for claim in ("asam assessment", "asam level of care", "co-triage", "asam continuum"):
            assert claim not in text, path.name
