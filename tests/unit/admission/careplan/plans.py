"""A plan that no rule finds fault with, as the API takes it, and the facts around it. Synthetic throughout."""

from copy import deepcopy
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from service.admission.careplan.book import CarePlanBook, load_care_plans
from service.admission.careplan.content import Content
from service.admission.careplan.facts import PlanFacts
from service.admission.careplan.parts import Decided, SignerKind
from service.admission.careplan.plan import Signature
from service.labels import Label

BOOK: CarePlanBook = load_care_plans(Path(__file__).parents[4] / "policies")
ACCOUNT = UUID("00000000-0000-7000-8000-00000000000a")
OTHER = UUID("00000000-0000-7000-8000-00000000000b")
NOW = datetime(2026, 5, 4, 15, 0, tzinfo=UTC)

#: Monday, Wednesday and Thursday: 3 hours each, 9 a week; a talk alone, groups, a break that adds nothing.
WEEK: list[dict[str, Any]] = [
    {"key": "s1", "weekday": 0, "starts": "18:00", "minutes": 60, "intervention": "i1"},
    {"key": "s2", "weekday": 0, "starts": "19:00", "minutes": 120, "intervention": "i2", "enrolled": 8},
    {"key": "s3", "weekday": 0, "starts": "21:00", "minutes": 15},
    {"key": "s4", "weekday": 2, "starts": "18:00", "minutes": 180, "intervention": "i2"},
    {"key": "s5", "weekday": 3, "starts": "18:00", "minutes": 180, "intervention": "i2"},
]

PLAN: dict[str, Any] = {
    "starts_on": "2026-05-04",
    "level": "2.1",
    "time_zone": "America/New_York",
    "review_on": "2026-06-03",
    "reviewer": "Test Clinician",
    "problems": [
        {
            "key": "p1",
            "area": "substance_use",
            "statement": "Drinking most evenings",
            "priority": 1,
            "code": "F10.20",
            "evidence": [
                {"statement": "TAPS-1 positive", "instrument": "taps-1", "dated_on": "2026-05-02"},
                {"statement": "Partner says it is every day", "third_party": True},
            ],
        },
        {
            "key": "p2",
            "area": "depression",
            "statement": "Low mood",
            "priority": 2,
            "evidence": [
                {"statement": "PHQ-9 is 14", "instrument": "phq-9", "score": 14, "dated_on": "2026-05-02"}
            ],
        },
    ],
    "goals": [
        {
            "key": "g1",
            "problem": "p1",
            "own_words": "I want my evenings back with my daughter.",
            "objectives": [
                {
                    "key": "o1",
                    "statement": "No day of use in 14 days",
                    "measure": {"source": "count", "code": "use_days", "comparator": "eq", "target": 0},
                    "due": "2026-07-01",
                    "responsible": ["patient", "counselor"],
                }
            ],
            "interventions": ["i1", "i2"],
        },
        {
            "key": "g2",
            "problem": "p2",
            "own_words": "I would like to get out of bed before noon.",
            "objectives": [
                {
                    "key": "o1",
                    "statement": "PHQ-9 down by half",
                    "measure": {
                        "source": "instrument",
                        "code": "phq-9",
                        "comparator": "down_by_percent",
                        "target": 50,
                        "baseline": 14,
                        "baseline_on": "2026-05-02",
                    },
                    "due": "2026-06-15",
                    "milestones": [{"due": "2026-05-25", "target": 25}],
                }
            ],
            "interventions": ["i1"],
        },
    ],
    "interventions": [
        {"key": "i1", "code": "IND", "format": "individual", "role": "counselor", "times": 1, "per_days": 7},
        {"key": "i2", "code": "CBT", "format": "group", "role": "counselor", "times": 3, "per_days": 7},
    ],
    "slots": WEEK,
    "safety": {"naloxone": "given", "maud_offered_on": "2026-05-02"},
    "person": {
        "strengths": [{"text": "Cooks for others"}, {"text": "Said by a neighbour", "third_party": True}]
    },
    "team": [{"name": "Test Clinician", "role": "clinician"}],
    "family": "offered",
    "leaving": {"criteria": ["Two weeks without use"], "discussed_on": "2026-05-04"},
}


def changed(**parts: Any) -> dict[str, Any]:
    """The plan with these parts in place of its own; a None takes one out."""
    plan = deepcopy(PLAN)
    for name, value in parts.items():
        plan[name] = value
        if value is None:
            del plan[name]
    return plan


def content(**parts: Any) -> Content:
    return Content.model_validate(changed(**parts))


def slots(*hours: float, weekday: int = 0) -> list[dict[str, Any]]:
    """The week of the plan with these group hours, a day each, beside one hour alone."""
    alone = {"key": "s0", "weekday": 6, "starts": "10:00", "minutes": 60, "intervention": "i1"}
    held = [
        {
            "key": f"s{number + 1}",
            "weekday": weekday + number,
            "starts": "12:00",
            "minutes": int(one * 60),
            "intervention": "i2",
        }
        for number, one in enumerate(hours)
    ]
    return [alone, *held]


def signature(kind: SignerKind, **more: Any) -> Signature:
    given: dict[str, Any] = {
        "kind": kind,
        "account_id": ACCOUNT,
        "at": NOW.isoformat(),
        "content_version": 1,
    }
    return Signature.model_validate(given | more)


SIGNED = (
    signature(SignerKind.CLINICIAN),
    signature(SignerKind.PATIENT, name="Pat Testperson", decision=Decided.AGREES),
)


def facts(**more: Any) -> PlanFacts:
    """An adult in New York whose plan nobody can object to."""
    given: dict[str, Any] = {
        "now": NOW,
        "today": date(2026, 5, 4),
        "created_on": date(2026, 5, 4),
        "born": date(1990, 1, 1),
        "state": "NY",
        "review_days": 30,
        "review_source": "30 days (memory)",
        "diagnoses": {"F10.20": "alcohol"},
        "signatures": SIGNED,
        "labels": frozenset({Label.SUD, Label.PSY}),
        "names": frozenset({"pat", "testperson"}),
    }
    return PlanFacts(**(given | more))
