"""Every rule of a plan has a row that fails and a row that passes; the edges of the hours stand one by one."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.admission.careplan.book import VALUES
from service.admission.careplan.content import Content
from service.admission.careplan.facts import FlagFact
from service.admission.careplan.finding import Severity
from service.admission.careplan.hours import overlaps, planned, planned_in, rounded
from service.admission.careplan.parts import Decided, SignerKind, Weeks
from service.admission.careplan.rules import RULES, errors, validate
from service.labels import Label
from tests.unit.admission.careplan.plans import (
    BOOK,
    NOW,
    OTHER,
    PLAN,
    SIGNED,
    WEEK,
    changed,
    content,
    facts,
    signature,
    slots,
)

FLAG = UUID("00000000-0000-7000-8000-0000000000f1")
CLINICIAN, PATIENT = SIGNED


def goal(**more: Any) -> list[dict[str, Any]]:
    return [PLAN["goals"][0] | more, PLAN["goals"][1]]


def objective(**more: Any) -> list[dict[str, Any]]:
    return goal(objectives=[PLAN["goals"][0]["objectives"][0] | more])


def problem(**more: Any) -> list[dict[str, Any]]:
    return [PLAN["problems"][0] | more, PLAN["problems"][1]]


def flag(*, suicide: bool = False, days: int = 1) -> FlagFact:
    return FlagFact(FLAG, urgent=True, suicide=suicide, raised_on=date(2026, 5, 4) - timedelta(days=days))


def taper(days: int, starts: str = "2026-05-04") -> dict[str, Any]:
    last = date.fromisoformat(starts) + timedelta(days=days - 1)
    return {
        "slots": slots(2),
        "review_on": (last + timedelta(days=1)).isoformat(),
        "transition": {"starts_on": starts, "ends_on": last.isoformat(), "reason": "on the way out"},
    }


@dataclass(frozen=True)
class Row:
    """A plan and facts; `fails`: the rule's own row finds something."""

    rule: str
    code: str
    name: str
    fails: bool
    plan: dict[str, Any] = field(default_factory=dict[str, Any])
    facts: dict[str, Any] = field(default_factory=dict[str, Any])


YOUNG = {"born": date(2010, 1, 1)}
RECIPIENT = str(OTHER)
MEMBER = [{"name": "Harbor PCP", "role": "primary care", "recipient_id": RECIPIENT}]
TRAINEE = signature(SignerKind.CLINICIAN, trainee=True)
ROWS = (
    # CP-01: hours of the level
    Row("CP-01", "hours", "adult 8.75", True, {"slots": slots(4, 3.75)}),
    Row("CP-01", "hours", "adult 9", False, {"slots": slots(4, 4)}),
    Row("CP-01", "hours", "adult 19", False, {"slots": slots(6, 6, 6)}),
    Row("CP-01", "hours", "adult 19.25", True, {"slots": slots(6, 6, 6.25)}),
    Row(
        "CP-01",
        "hours",
        "19 h and 14 minutes are 19",
        False,
        {"slots": [*slots(6, 6, 6), WEEK[2] | {"key": "x", "minutes": 14, "intervention": "i2"}]},
    ),
    Row("CP-01", "hours", "adolescent 5.75", True, {"slots": slots(4.75)}, YOUNG),
    Row("CP-01", "hours", "adolescent 6", False, {"slots": slots(5)}, YOUNG),
    Row("CP-01", "hours", "age unknown is adult", True, {"slots": slots(5)}, {"born": None}),
    Row("CP-01", "hours", "20 in DC", False, {"slots": slots(5)}, {"born": date(2006, 1, 1), "state": "DC"}),
    Row("CP-01", "hours", "20 elsewhere", True, {"slots": slots(5)}, {"born": date(2006, 1, 1)}),
    Row("CP-01", "hours", "21 in DC", True, {"slots": slots(5)}, {"born": date(2005, 5, 1), "state": "DC"}),
    Row("CP-01", "hours", "18 in the middle", True, {"slots": slots(5)}, {"born": date(2008, 5, 20)}),
    Row(
        "CP-01",
        "hours",
        "reviewed by the birthday",
        False,
        {"slots": slots(5), "review_on": "2026-05-20"},
        {"born": date(2008, 5, 20)},
    ),
    Row(
        "CP-01",
        "hours",
        "18 in the middle with 9",
        False,
        {"slots": slots(4, 4)},
        {"born": date(2008, 5, 20)},
    ),
    Row(
        "CP-01",
        "hours",
        "every other week is short",
        True,
        {"slots": [*slots(4), WEEK[3] | {"key": "x", "weeks": "odd", "minutes": 240}]},
    ),
    Row("CP-01", "hours", "no plans for this level", True, {"level": "3.7"}),
    Row(
        "CP-01",
        "hours",
        "self-help adds nothing",
        True,
        {
            "slots": [*slots(4, 3), WEEK[3] | {"key": "x", "weekday": 5, "intervention": "i9"}],
            "interventions": [
                *PLAN["interventions"],
                {"key": "i9", "code": "SELF-HELP", "format": "outside"},
            ],
        },
    ),
    Row("CP-01", "hours", "a taper", False, taper(14)),
    Row(
        "CP-01",
        "closed_week",
        "a holiday takes hours",
        True,
        {"closures": [{"on": "2026-05-25", "reason": "holiday"}]},
    ),
    Row(
        "CP-01",
        "closed_week",
        "no service that day",
        False,
        {"closures": [{"on": "2026-05-26", "reason": "holiday"}]},
    ),
    Row("CP-01", "decided_level", "another level", True, {}, {"decided_level": "2.5"}),
    Row("CP-01", "decided_level", "the level", False, {}, {"decided_level": "2.1"}),
    # CP-02: days of service
    Row("CP-02", "service_days", "two days", True, {"slots": slots(4, 4)}),
    Row("CP-02", "service_days", "a day of 5", True, {"slots": slots(5, 3, 3)}),
    Row("CP-02", "service_days", "a taper has its own days", False, taper(14)),
    Row("CP-02", "service_days", "three of three", False),
    Row(
        "CP-02",
        "service_days_by_law",
        "Virginia 2.75",
        True,
        {"slots": slots(2.75, 3, 3, 3)[1:]},
        {"state": "VA"},
    ),
    Row("CP-02", "service_days_by_law", "Virginia 3", False, {"slots": slots(3, 3, 3)[1:]}, {"state": "VA"}),
    Row("CP-02", "service_days_by_law", "elsewhere 2.75", False, {"slots": slots(2.75, 3, 3, 3)[1:]}),
    # CP-03: the taper
    Row("CP-03", "transition", "14 days", False, taper(14)),
    Row("CP-03", "transition", "15 days", True, taper(15)),
    Row("CP-03", "transition", "a second one", True, taper(14), {"transitions_used": 1}),
    Row("CP-03", "transition", "ends before it begins", True, taper(0)),
    Row("CP-03", "transition", "the plan goes on after it", True, taper(14) | {"review_on": "2026-05-25"}),
    Row("CP-03", "transition", "begins later than the hours fall", True, taper(10, "2026-05-06")),
    # CP-04: problems, goals, objectives
    Row("CP-04", "goals", "no goal", True, {"goals": PLAN["goals"][:1]}),
    Row(
        "CP-04",
        "goals",
        "a problem put off",
        False,
        {
            "goals": PLAN["goals"][:1],
            "problems": [PLAN["problems"][0], PLAN["problems"][1] | {"state": "deferred"}],
        },
    ),
    Row("CP-04", "goals", "no problem", True, {"problems": [], "goals": []}),
    Row("CP-04", "goals", "a problem nobody knows", True, {"goals": goal(problem="p9")}),
    Row("CP-04", "goals", "no objective", True, {"goals": goal(objectives=[])}),
    Row(
        "CP-04",
        "goals",
        "no comparator",
        True,
        {"goals": objective(measure={"source": "event", "code": "x"})},
    ),
    Row(
        "CP-04",
        "goals",
        "no target",
        True,
        {"goals": objective(measure={"source": "event", "code": "x", "comparator": "ge"})},
    ),
    Row(
        "CP-04",
        "goals",
        "a fall from nowhere",
        True,
        {"goals": objective(measure={"source": "count", "code": "x", "comparator": "down_by", "target": 1})},
    ),
    Row(
        "CP-04",
        "goals",
        "a baseline without a day",
        True,
        {
            "goals": objective(
                measure={"source": "count", "code": "x", "comparator": "ge", "target": 1, "baseline": 2}
            )
        },
    ),
    Row("CP-04", "goals", "no day", True, {"goals": objective(due=None)}),
    Row("CP-04", "goals", "due on the first day", True, {"goals": objective(due="2026-05-04")}),
    Row("CP-04", "goals", "due after 90 days", False, {"goals": objective(due="2026-08-02")}),
    Row("CP-04", "goals", "due after 91 days", True, {"goals": objective(due="2026-08-03")}),
    Row(
        "CP-04",
        "goals",
        "a milestone past the end",
        True,
        {"goals": objective(milestones=[{"due": "2026-07-02", "target": 1}])},
    ),
    Row("CP-04", "problems_counted", "one", True, {"problems": PLAN["problems"][:1]}),
    Row(
        "CP-04",
        "problems_counted",
        "seven",
        True,
        {"problems": [PLAN["problems"][0] | {"key": f"p{n}"} for n in range(7)]},
    ),
    Row("CP-04", "problems_counted", "without evidence", True, {"problems": problem(evidence=[])}),
    Row("CP-04", "problems_counted", "two", False),
    # CP-05: interventions
    Row("CP-05", "interventions", "nothing done", True, {"goals": goal(interventions=[])}),
    Row("CP-05", "interventions", "an unknown one", True, {"goals": goal(interventions=["i7"])}),
    Row(
        "CP-05",
        "interventions",
        "nobody does it",
        True,
        {"interventions": [PLAN["interventions"][0] | {"role": None}, PLAN["interventions"][1]]},
    ),
    Row(
        "CP-05",
        "interventions",
        "nobody knows how often",
        True,
        {"interventions": [PLAN["interventions"][0] | {"per_days": None}, PLAN["interventions"][1]]},
    ),
    Row("CP-05", "interventions", "complete", False),
    # CP-06: sessions
    Row("CP-06", "sessions", "never alone", True, {"slots": slots(3, 3, 3)[1:]}),
    Row(
        "CP-06",
        "sessions",
        "alone every other week",
        True,
        {"slots": [slots()[0] | {"weeks": "even"}, *slots(3, 3, 3)[1:]]},
    ),
    Row("CP-06", "sessions", "no group", True, {"slots": slots()}),
    Row("CP-06", "sessions", "family not spoken of", True, {"family": None}),
    Row("CP-06", "sessions", "family not safe", False, {"family": "not_safe"}),
    Row("CP-06", "sessions", "violence, and offered", True, {"problems": problem(area="partner_violence")}),
    Row("CP-06", "sessions", "labelled, and offered", True, {}, {"labels": frozenset(Label)}),
    Row(
        "CP-06",
        "sessions",
        "violence, and asked for",
        False,
        {"problems": problem(area="partner_violence"), "family_note": "asked for by the patient"},
    ),
    Row("CP-06", "sessions", "both", False),
    # CP-07: own words
    Row("CP-07", "own_words", "none", True, {"goals": goal(own_words="")}),
    Row("CP-07", "own_words", "nine characters", True, {"goals": goal(own_words="no drinks")}),
    Row("CP-07", "own_words", "ten characters", False, {"goals": goal(own_words="no drinks!")}),
    Row(
        "CP-07",
        "own_words",
        "the objective's sentence",
        True,
        {"goals": goal(own_words="No day of use  in 14 days.")},
    ),
    Row(
        "CP-07",
        "own_words",
        "the template's sentence",
        True,
        {"goals": goal(own_words=BOOK.templates["use_tests"].text)},
    ),
    # CP-08: the end
    Row("CP-08", "leaving", "no criteria", True, {"leaving": {"discussed_on": "2026-05-04"}}),
    Row("CP-08", "leaving", "not discussed", True, {"leaving": {"criteria": ["two weeks"]}}),
    Row(
        "CP-08",
        "leaving",
        "discussed tomorrow",
        True,
        {"leaving": {"criteria": ["two weeks"], "discussed_on": "2026-05-05"}},
    ),
    Row("CP-08", "leaving", "discussed", False),
    # CP-09: reviews
    Row("CP-09", "review_day", "day 30", False, {"review_on": "2026-06-03"}),
    Row("CP-09", "review_day", "day 31", True, {"review_on": "2026-06-04"}),
    Row("CP-09", "review_day", "the first day", True, {"review_on": "2026-05-04"}),
    Row(
        "CP-09",
        "review_day",
        "30 days after a review",
        False,
        {"review_on": "2026-06-19"},
        {"reviewed_on": date(2026, 5, 20)},
    ),
    Row(
        "CP-09",
        "review_day",
        "31 days after a review",
        True,
        {"review_on": "2026-06-20"},
        {"reviewed_on": date(2026, 5, 20)},
    ),
    Row("CP-09", "review_day", "a payer's 14 days", True, {}, {"review_days": 14}),
    # CP-10: signatures
    Row("CP-10", "signed", "nobody", True, {}, {"signatures": ()}),
    Row("CP-10", "signed", "no patient", True, {}, {"signatures": (CLINICIAN,)}),
    Row("CP-10", "signed", "no clinician", True, {}, {"signatures": (PATIENT,)}),
    Row(
        "CP-10",
        "signed",
        "a refusal written down",
        False,
        {},
        {
            "signatures": (
                CLINICIAN,
                signature(SignerKind.PATIENT, decision=Decided.DECLINED, reason="not today"),
            )
        },
    ),
    Row("CP-10", "signed", "a guardian decides", True, {}, {"guardian_signs": True}),
    Row(
        "CP-10",
        "signed",
        "the guardian signed",
        False,
        {},
        {
            "guardian_signs": True,
            "signatures": (*SIGNED, signature(SignerKind.GUARDIAN, name="Gil Testperson")),
        },
    ),
    Row(
        "CP-10",
        "signed",
        "72 hours",
        False,
        {},
        {"signatures": (TRAINEE, PATIENT), "now": NOW + timedelta(hours=72)},
    ),
    Row(
        "CP-10",
        "signed",
        "past 72 hours",
        True,
        {},
        {"signatures": (TRAINEE, PATIENT), "now": NOW + timedelta(hours=72, seconds=1)},
    ),
    Row(
        "CP-10",
        "signed",
        "co-signed",
        False,
        {},
        {
            "signatures": (TRAINEE, PATIENT, signature(SignerKind.SUPERVISOR)),
            "now": NOW + timedelta(hours=80),
        },
    ),
    Row("CP-10", "cosigning", "a trainee alone", True, {}, {"signatures": (TRAINEE, PATIENT)}),
    Row(
        "CP-10",
        "cosigning",
        "a disagreement",
        True,
        {},
        {
            "signatures": (
                CLINICIAN,
                signature(SignerKind.PATIENT, name="Pat", decision=Decided.DISAGREES, reason="hours"),
            )
        },
    ),
    Row("CP-10", "cosigning", "both agree", False),
    # CP-11: what was urgent
    Row("CP-11", "flags", "unanswered", True, {}, {"flags": (flag(),)}),
    Row("CP-11", "flags", "14 days ago", True, {}, {"flags": (flag(days=14),)}),
    Row("CP-11", "flags", "15 days ago", False, {}, {"flags": (flag(days=15),)}),
    Row("CP-11", "flags", "a problem", False, {"problems": problem(flags=[str(FLAG)])}, {"flags": (flag(),)}),
    Row(
        "CP-11",
        "flags",
        "a note",
        False,
        {"safety": {"flag_notes": {str(FLAG): "seen, over"}}},
        {"flags": (flag(),)},
    ),
    Row(
        "CP-11",
        "flags",
        "an empty note",
        True,
        {"safety": {"flag_notes": {str(FLAG): " "}}},
        {"flags": (flag(),)},
    ),
    Row("CP-11", "flags", "a positive screen", True, {}, {"suicide_positive": True}),
    Row(
        "CP-11",
        "flags",
        "a screen's flag",
        True,
        {"problems": problem(flags=[str(FLAG)])},
        {"flags": (flag(suicide=True),)},
    ),
    Row(
        "CP-11",
        "flags",
        "with a safety plan",
        False,
        {"safety": {"safety_plan": RECIPIENT}},
        {"suicide_positive": True, "safety_plans": frozenset({OTHER})},
    ),
    Row(
        "CP-11",
        "flags",
        "a safety plan of nobody",
        True,
        {"safety": {"safety_plan": RECIPIENT}},
        {"suicide_positive": True},
    ),
    # CP-12: the team
    Row("CP-12", "team", "no consent", True, {"team": MEMBER}),
    Row("CP-12", "team", "a revoked one", True, {"team": MEMBER}, {"consents": {OTHER: "ended"}}),
    Row("CP-12", "team", "an active one", False, {"team": MEMBER}, {"consents": {OTHER: "active"}}),
    Row("CP-12", "team", "of the program", False),
    # CP-13: medicines
    Row("CP-13", "medicines", "opioids, no offer", True, {}, {"diagnoses": {"F11.20": "opioids"}}),
    Row(
        "CP-13",
        "medicines",
        "opioids, on MOUD",
        False,
        {"medicines": [{"name": "buprenorphine", "purpose": "moud", "prescriber": "Dr Test"}]},
        {"diagnoses": {"F11.20": "opioids"}},
    ),
    Row("CP-13", "medicines", "alcohol, no offer", True, {"safety": {"naloxone": "has"}}),
    Row("CP-13", "medicines", "no naloxone", True, {"safety": {"maud_offered_on": "2026-05-02"}}),
    Row(
        "CP-13",
        "medicines",
        "nicotine",
        False,
        {"problems": problem(code=None), "safety": {}},
        {"diagnoses": {"F17.210": "nicotine"}},
    ),
    # CP-14: needs
    Row("CP-14", "answered_needs", "pregnant", True, {}, {"pregnant": True}),
    Row(
        "CP-14",
        "answered_needs",
        "pregnant, prenatal care",
        False,
        {"interventions": [*PLAN["interventions"], {"key": "i3", "code": "PRENATAL", "format": "outside"}]},
        {"pregnant": True},
    ),
    Row("CP-14", "answered_needs", "PCL-5 31", True, {}, {"pcl5": 31}),
    Row("CP-14", "answered_needs", "PCL-5 30", False, {}, {"pcl5": 30}),
    Row("CP-14", "answered_needs", "a social need", True, {}, {"social_need": True}),
    Row(
        "CP-14",
        "answered_needs",
        "case management",
        False,
        {"interventions": [*PLAN["interventions"], {"key": "i3", "code": "CASE", "format": "individual"}]},
        {"social_need": True},
    ),
    # CP-15: codes
    Row(
        "CP-15",
        "codes",
        "no such code",
        True,
        {"interventions": [PLAN["interventions"][0], PLAN["interventions"][1] | {"code": "YOGA"}]},
    ),
    Row(
        "CP-15",
        "codes",
        "not in this format",
        True,
        {"interventions": [PLAN["interventions"][0] | {"format": "group"}, PLAN["interventions"][1]]},
    ),
    Row(
        "CP-15",
        "codes",
        "a slot of nothing",
        True,
        {"slots": [*WEEK, WEEK[2] | {"key": "x", "weekday": 5, "intervention": "i9"}]},
    ),
    Row("CP-15", "codes", "of the catalogue", False),
    # CP-16: slots
    Row(
        "CP-16",
        "slots_meet",
        "one minute",
        True,
        {"slots": [*WEEK, WEEK[3] | {"key": "x", "starts": "17:00", "minutes": 61}]},
    ),
    Row(
        "CP-16",
        "slots_meet",
        "back to back",
        False,
        {"slots": [*WEEK, WEEK[3] | {"key": "x", "starts": "17:00", "minutes": 60}]},
    ),
    Row(
        "CP-16",
        "slots_meet",
        "odd and even",
        False,
        {"slots": [WEEK[3] | {"weeks": "odd"}, WEEK[3] | {"key": "x", "weeks": "even"}]},
    ),
    Row(
        "CP-16",
        "slots_meet",
        "past Sunday midnight",
        True,
        {"slots": [WEEK[0] | {"weekday": 6, "starts": "23:30"}, WEEK[3] | {"weekday": 0, "starts": "00:29"}]},
    ),
    Row(
        "CP-16",
        "slots_meet",
        "until Sunday midnight",
        False,
        {"slots": [WEEK[0] | {"weekday": 6, "starts": "23:30"}, WEEK[3] | {"weekday": 0, "starts": "00:30"}]},
    ),
    Row("CP-16", "group_size", "thirteen", True, {"slots": [WEEK[0], WEEK[1] | {"enrolled": 13}]}),
    Row("CP-16", "group_size", "twelve", False, {"slots": [WEEK[0], WEEK[1] | {"enrolled": 12}]}),
    Row(
        "CP-16",
        "group_size",
        "its own capacity",
        True,
        {"slots": [WEEK[0], WEEK[1] | {"enrolled": 9, "capacity": 8}]},
    ),
    Row("CP-16", "authorised", "three of two", True, {"authorised_units": 2}),
    Row("CP-16", "authorised", "three of three", False, {"authorised_units": 3}),
    # CP-17: can the person come
    Row(
        "CP-17",
        "reachable",
        "at work",
        True,
        {"busy": [{"weekday": 0, "starts": "17:00", "minutes": 61, "what": "work"}]},
    ),
    Row(
        "CP-17",
        "reachable",
        "after work",
        False,
        {"busy": [{"weekday": 0, "starts": "17:00", "minutes": 60, "what": "work"}]},
    ),
    Row("CP-17", "reachable", "no interpreter", True, {"person": {"interpreter_needed": True}}),
    Row(
        "CP-17",
        "reachable",
        "an interpreter",
        False,
        {"person": {"interpreter_needed": True, "interpreter_arranged": True}},
    ),
    Row(
        "CP-17",
        "reachable",
        "too far",
        True,
        {"slots": [WEEK[0] | {"site": "North"}], "person": {"unreachable_sites": ["North"]}},
    ),
    Row(
        "CP-17",
        "reachable",
        "by video",
        False,
        {"slots": [WEEK[0] | {"site": "North", "remote": True}], "person": {"unreachable_sites": ["North"]}},
    ),
    # CP-19: diagnoses
    Row("CP-19", "diagnosed", "no such diagnosis", True, {}, {"diagnoses": {}}),
    Row("CP-19", "diagnosed", "of another substance", True, {}, {"diagnoses": {"F10.20": "opioids"}}),
    Row("CP-19", "diagnosed", "of no substance", False, {}, {"diagnoses": {"F10.20": None}}),
    # CP-20: words
    Row("CP-20", "words", "a brace", True, {"goals": goal(own_words="I want {n} dry weeks.")}),
    Row("CP-20", "words", "a line to fill in", True, {"goals": goal(own_words="I want to see ____ again.")}),
    Row(
        "CP-20",
        "words",
        "somebody else",
        True,
        {"goals": goal(own_words="Like Ms. Otherperson in the group.")},
    ),
    Row(
        "CP-20",
        "words",
        "the patient",
        False,
        {"goals": goal(own_words="Ms. Testperson wants to cook again.")},
    ),
    Row(
        "CP-20",
        "words",
        "somebody of the team",
        False,
        {"goals": goal(own_words="I will ask Mr Clinician for help.")},
    ),
    Row("CP-20", "cloned", "in four charts", True, {}, {"elsewhere": {"goals[0].own_words": 3}}),
    Row("CP-20", "cloned", "in three charts", False, {}, {"elsewhere": {"goals[0].own_words": 2}}),
    # CP-21: labels
    Row("CP-21", "labelled", "less than its problems", True, {}, {"labels": frozenset({Label.SUD})}),
    Row("CP-21", "labelled", "less than its evidence", True, {}, {"evidence_labels": frozenset({Label.HIV})}),
    Row("CP-21", "labelled", "all of it", False),
    # CP-22: when it was begun
    Row("CP-22", "back_dated", "the day before", True, {"starts_on": "2026-05-03"}),
    Row("CP-22", "back_dated", "the day", False),
    Row("CP-22", "late", "past its day", True, {}, {"due_at": datetime(2026, 5, 4, 14, tzinfo=UTC)}),
    Row("CP-22", "late", "in time", False, {}, {"due_at": datetime(2026, 5, 4, 16, tzinfo=UTC)}),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.rule} {row.code}: {row.name}")
def test_a_rule_speaks_when_it_should(row: Row) -> None:
    found = validate(content(**row.plan), facts(**row.facts), BOOK)
    spoken = [one for one in found if (one.rule, one.code) == (row.rule, row.code)]
    assert bool(spoken) is row.fails
    assert all(one.message and one.source and one.field for one in spoken)


def test_every_rule_has_a_row_that_fails_and_one_that_passes() -> None:
    """No check can be taken out of the table, or made to hold always, without a red row."""
    rows = {(row.rule, row.code, row.fails) for row in ROWS}
    assert rows == {(rule.id, rule.code, fails) for rule in RULES for fails in (True, False)}


def test_the_table_has_every_rule_of_the_page_but_the_one_about_steps() -> None:
    assert {rule.id for rule in RULES} == {f"CP-{n:02}" for n in range(1, 23)} - {"CP-18"}
    assert len({(rule.id, rule.code) for rule in RULES}) == len(RULES)


WARNS = {"CP-13", "CP-14", "CP-17"}
BOTH = {"CP-01", "CP-02", "CP-04", "CP-10", "CP-20", "CP-22"}


@pytest.mark.parametrize("rule", sorted({one.id for one in RULES}))
def test_a_rule_blocks_or_warns_as_the_page_has_it(rule: str) -> None:
    severities = {one.severity for one in RULES if one.id == rule}
    if rule in BOTH:
        assert severities == {Severity.ERROR, Severity.WARNING}
    else:
        assert severities == {Severity.WARNING if rule in WARNS else Severity.ERROR}


def test_nobody_objects_to_a_good_plan() -> None:
    assert validate(content(), facts(), BOOK) == ()


def test_every_error_is_named_at_once_and_before_the_warnings() -> None:
    found = validate(
        content(slots=slots(), leaving={}, goals=goal(own_words=""), family=None, safety={}),
        facts(signatures=()),
        BOOK,
    )
    assert {one.rule for one in errors(found)} >= {"CP-01", "CP-06", "CP-07", "CP-08", "CP-10"}
    assert {one.rule for one in found} - {one.rule for one in errors(found)} >= {"CP-13"}
    severities = [one.severity for one in found]
    assert severities == sorted(severities, key=lambda one: one is Severity.WARNING)


def test_a_preliminary_plan_is_held_to_safety_not_to_the_whole() -> None:
    bare = {"preliminary": True, "goals": [], "interventions": [], "slots": [], "leaving": {}, "family": None}
    assert validate(content(**bare), facts(), BOOK) == ()
    found = validate(content(**bare), facts(signatures=(), suicide_positive=True), BOOK)
    assert {one.rule for one in found} == {"CP-10", "CP-11"}


def test_limits_name_every_number_a_rule_asks_for() -> None:
    assert BOOK.values.keys() == VALUES


# ---- hours


def test_a_week_in_which_the_clocks_change_has_its_hours() -> None:
    spring = Content.model_validate(
        changed(starts_on="2026-03-02", slots=[WEEK[0] | {"weekday": 6, "starts": "01:00"}])
    )
    assert planned_in(spring, BOOK, date(2026, 3, 2)) == planned_in(spring, BOOK, date(2026, 3, 9)) == 60


def test_what_the_wall_clock_keeps_apart_meets_when_the_clocks_change() -> None:
    """01:00 and two hours is 04:00 on the day that has no 02:00: on that day alone 03:00 is too early."""
    night = [
        WEEK[3] | {"weekday": 6, "starts": "01:00", "minutes": 120},
        WEEK[4] | {"weekday": 6, "starts": "03:00"},
    ]
    meets = Content.model_validate(changed(starts_on="2026-03-02", review_on="2026-03-20", slots=night))
    before = Content.model_validate(changed(starts_on="2026-02-02", review_on="2026-03-01", slots=night))
    assert overlaps(meets) == (("s4", "s5"),)
    assert overlaps(before) == ()


def test_a_closed_day_and_days_outside_the_plan_have_no_hours() -> None:
    closed = content(closures=[{"on": "2026-05-25", "reason": "holiday"}], ends_on="2026-05-28")
    assert rounded(planned_in(closed, BOOK, date(2026, 5, 18))) == 9
    assert rounded(planned_in(closed, BOOK, date(2026, 5, 25))) == 6
    assert planned_in(content(starts_on="2026-05-06"), BOOK, date(2026, 5, 4)) == 360
    assert planned_in(closed, BOOK, date(2026, 6, 1)) == 0


@given(minutes=st.lists(st.integers(1, 300), min_size=1, max_size=6), breaks=st.integers(1, 120))
def test_hours_are_rounded_down_and_a_break_adds_none(minutes: list[int], breaks: int) -> None:
    held = [
        WEEK[1] | {"key": f"s{n}", "weekday": n, "minutes": one, "starts": "08:00"}
        for n, one in enumerate(minutes)
    ]
    pause = WEEK[2] | {"key": "pause", "weekday": 6, "minutes": breaks}
    week = content(slots=[*held, pause])
    hours = rounded(planned(week, BOOK, Weeks.ODD))
    assert hours * 4 == int(hours * 4)
    assert 0 <= sum(minutes) / 60 - hours < 0.25


@given(
    first=st.tuples(st.integers(0, 6), st.integers(0, 23), st.integers(1, 700)),
    second=st.tuples(st.integers(0, 6), st.integers(0, 23), st.integers(1, 700)),
)
def test_overlap_is_what_a_minute_of_a_week_has_twice(
    first: tuple[int, int, int], second: tuple[int, int, int]
) -> None:
    taken = [
        {(day * 1440 + hour * 60 + n) % (7 * 1440) for n in range(length)}
        for day, hour, length in (first, second)
    ]
    week = [
        WEEK[3] | {"key": key, "weekday": day, "starts": f"{hour:02}:00", "minutes": length}
        for key, (day, hour, length) in zip("ab", (first, second), strict=True)
    ]
    plan = content(slots=week, starts_on="2026-05-04", time_zone="UTC")
    assert bool(overlaps(plan)) == bool(taken[0] & taken[1])
