"""What follows from the answers: the risk of a withdrawal, urgent findings, placement facts. Unknown never equals no."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from service.intake.medical.book import Absent
from service.intake.medical.chart import Chart, age_on, body_mass, months_before, teds_of
from service.intake.medical.completeness import conflicts, missing_of, open_sections
from service.intake.medical.facts import NEVER_DAYS, NEVER_HOURS, facts_of
from service.intake.medical.urgent import complex_withdrawal, findings, notices
from service.intake.medical.withdrawal import recent_use, risk_of
from tests.unit.intake.medical.intakes import SOMEBODY, TODAY, book, chart, page, sheet, use

BORN = date(1988, 3, 4)


def facts(one: Chart) -> dict[str, Any]:
    return {name: reading.value for name, reading in facts_of(book(), one, None).items()}


def codes(one: Chart) -> list[str]:
    return [flag.code for flag in findings(book(), one)]


HISTORY = {"withdrawal_history": {"seizure_ever": True, "delirium_ever": False}}
RISKS: list[tuple[str, Chart, str | None]] = [
    ("nobody_knows", chart(), None),
    ("nothing_used", chart({"substances": {"none": True}}), "none"),
    ("listed_but_long_ago", chart({"substances": {"none": False}}, {"substances": [use("alcohol", 169)]}), "none"),
    ("last_use_unknown", chart({"substances": {"none": False}}, {"substances": [use("alcohol", Absent.UNKNOWN)]}), None),
    ("a_week_ago", chart(entries={"substances": [use("alcohol", 168, 3)]}), "low"),
    ("alcohol_daily", chart(entries={"substances": [use("alcohol", 72)]}), "moderate"),
    ("alcohol_daily_but_four_days_ago", chart(entries={"substances": [use("alcohol", 97)]}), "low"),
    ("sedative_daily", chart(entries={"substances": [use("sedative", 100)]}), "moderate"),
    ("opioid_daily", chart(entries={"substances": [use("opioid", 20)]}), "moderate"),
    ("opioid_now_and_then", chart(entries={"substances": [use("opioid", 20, 5)]}), "low"),
    ("both_daily", chart(entries={"substances": [use("alcohol", 20), use("benzodiazepine", 30)]}), "severe"),
    ("history", chart(HISTORY, {"substances": [use("alcohol", 72, 2)]}), "severe"),
    ("history_long_ago", chart(HISTORY, {"substances": [use("alcohol", 74, 2)]}), "low"),
    ("history_of_another_kind", chart(HISTORY, {"substances": [use("opioid", 10, 2)]}), "low"),
    ("old", chart(entries={"substances": [use("alcohol", 10, 2)]}, age=66), "moderate"),
    ("ill", chart({"withdrawal": {"other_illness": True}}, {"substances": [use("alcohol", 10, 2)]}), "moderate"),
    ("kind_not_known", chart(HISTORY, {"substances": [use("unknown_class", 10, 2)]}), "severe"),
    ("cannabis", chart({"substances": {"none": False}}, {"substances": [use("cannabis", 1)]}), "none"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "level"), [row[1:] for row in RISKS], ids=[row[0] for row in RISKS])
def test_the_risk_of_a_withdrawal(one: Chart, level: str | None) -> None:
    assert risk_of(one).level == level


def test_the_scales_weigh_in() -> None:
    none = chart({"substances": {"none": True}})
    levels = [risk_of(none, ciwa=score).level for score in (9, 10, 18, 19)]
    assert levels == ["none", "moderate", "moderate", "severe"]
    levels = [risk_of(none, cows=score).level for score in (12, 13, 24, 25)]
    assert levels == ["none", "moderate", "moderate", "severe"]


def test_urgent_findings_lie_between_sections_too() -> None:
    pregnant = {"pregnancy": {"could_be": True, "status": "pregnant"}}
    assert codes(chart(pregnant)) == []
    assert codes(chart(pregnant, {"substances": [use("cannabis", 5)]})) == []
    assert "pregnancy_with_use" in codes(chart(pregnant, {"substances": [use("opioid", 168, 1)]}))
    assert "pregnancy_with_use" not in codes(chart(pregnant, {"substances": [use("opioid", 169, 1)]}))
    assert codes(chart({"psychiatric": {"homicidal_intent": True}})) == ["homicidal_intent"]
    assert codes(chart({"psychiatric": {"homicidal_intent": Absent.DECLINED}})) == []
    for day, found in (("2026-08-20", True), ("2026-08-19", False)):
        assert (
            codes(chart({"psychiatric": {"last_attempt": day}})) == ["recent_suicide_attempt"]
        ) is found, day
    assert codes(chart({"vitals": {"systolic": 180}})) == ["vitals_urgent"]
    severe = chart(entries={"substances": [use("alcohol", 20), use("benzodiazepine", 30)]})
    assert codes(severe) == ["withdrawal_risk_severe"]


def test_notices_are_what_somebody_reads() -> None:
    one = chart(
        {
            "vitals": {"weight": 45, "height": 170},
            "home": {"home_safe": False},
            "overdose_safety": {"naloxone": False},
        },
        {
            "medicines": [
                {"ingredient": "Aspirin", "strength": "81 mg", "status": "active"},
                {"ingredient": " aspirin", "strength": "81  MG", "status": "active"},
                {"ingredient": "testozumab", "status": "stopped"},
                {"ingredient": "lorazepam", "status": "active"},
            ],
            "allergies": [{"severity": "anaphylaxis"}],
            "substances": [use("opioid", 20, 5, route="injection")],
        },
    )
    assert {notice.code for notice in notices(book(), one)} == {
        "low_body_mass", "unsafe_home", "naloxone_kit", "duplicate_medicine", "ingredient_unknown", "anaphylaxis",
        "injection_offers", "complex_withdrawal",
    }  # fmt: skip
    lone = chart(
        entries={
            "medicines": [{"ingredient": "lorazepam", "status": "stopped"}],
            "substances": [use("opioid")],
        }
    )
    assert not complex_withdrawal(book(), lone)
    assert complex_withdrawal(book(), chart(entries={"substances": [use("alcohol"), use("benzodiazepine")]}))
    assert not complex_withdrawal(
        book(), chart(entries={"substances": [use("alcohol"), use("benzodiazepine", days=2)]})
    )
    insured = chart({"insurance": {"covered": "plan", "subscriber": "parent"}})
    assert [notice.code for notice in notices(book(), insured)] == ["confidential_communication"]


def test_facts_carry_their_source() -> None:
    reading = facts_of(book(), chart({"home": {"housing": "homeless"}}), BORN)["housing"]
    assert (reading.value, reading.field, reading.author_id) == ("homeless", "home.housing", SOMEBODY)
    assert reading.item_id is not None and reading.recorded_at is not None
    assert facts_of(book(), chart(), BORN)["age"].value == 38
    assert "age" not in facts_of(book(), chart(), None)


CASES: list[tuple[Chart, Mapping[str, Any]]] = [
    (chart({"substances": {"none": True}}), {"last_use_h_alcohol_sedative": NEVER_HOURS, "last_use_d_any": NEVER_DAYS,
                                             "benzo_daily": False, "alcohol_daily": False}),
    (chart({"substances": {"none": False}}, {"substances": [use("alcohol", 50, 30), use("cannabis", 30, 4)]}),
     {"last_use_h_alcohol_sedative": 50, "last_use_d_any": 1, "alcohol_daily": True, "benzo_daily": False}),
    (chart(entries={"substances": [use("benzodiazepine", 5, 28)]}),
     {"last_use_h_alcohol_sedative": 5, "last_use_d_any": 0, "benzo_daily": True}),
    (chart({"substances": {"none": False}}, {"substances": [use("alcohol", Absent.UNKNOWN, Absent.DECLINED)]}),
     {"benzo_daily": False}),
    (chart(entries={"substances": [use("alcohol", 5, 2)]}), {"last_use_h_alcohol_sedative": 5, "last_use_d_any": 0}),
    (chart(entries={"substances": [use("alcohol", 100, 2), use("sedative", Absent.UNKNOWN, 2)]}), {}),
    (chart({"withdrawal_history": {"seizure_ever": False, "delirium_ever": Absent.UNKNOWN}}), {}),
    (chart({"withdrawal_history": {"seizure_ever": False, "delirium_ever": False}}), {"seizure_or_dt_history": False}),
    (chart({"withdrawal_history": {"delirium_ever": True}}), {"seizure_or_dt_history": True}),
    (chart({"vitals": {"systolic": 120}}), {}),
    (chart({"vitals": {"heart_rate": 121}}), {"vitals_urgent": True}),
    (chart({"vitals": {"systolic": 120, "diastolic": 80, "heart_rate": 70, "temperature": 37, "respiration": 14}}),
     {"vitals_urgent": False}),
    (chart(severities=("mild", "severe", "moderate")), {"sud_severity": "severe"}),
    (chart({"mental_status": {"disorder_found": False}}), {"sud_severity": "none"}),
    (chart({"mental_status": {"disorder_found": True}}), {}),
    (chart({"pregnancy": {"could_be": False}}), {"pregnant": False}),
    (chart({"pregnancy": {"could_be": True, "status": "possible"}}), {}),
    (chart({"pregnancy": {"could_be": True, "status": "pregnant"}}), {"pregnant": True}),
    (chart({"referral": {"coming_from": "3.x", "discharge_summary": False}}),
     {"coming_from": "3.x", "discharge_summary": False}),
    (chart({"treatment_episodes": {"none": True}}), {"failed_level1_12m": False, "failed_iop_90d": False}),
    (chart({"treatment_episodes": {"none": False}},
           {"treatment_episodes": [{"level": "2.1", "completed": False, "until_on": "2026-08-22"}]}),
     {"failed_level1_12m": False, "failed_iop_90d": True}),
    (chart({"treatment_episodes": {"none": False}},
           {"treatment_episodes": [{"level": "2.1", "completed": False, "until_on": "2026-08-21"}]}),
     {"failed_level1_12m": False, "failed_iop_90d": False}),
    (chart({"treatment_episodes": {"none": False}},
           {"treatment_episodes": [{"level": "1", "completed": Absent.UNKNOWN, "until_on": "2026-08-21"}]}),
     {"failed_iop_90d": False}),
    (chart(entries={"substances": [{"class": "opioid", "ever": True, "last_overdose": "2026-11-01"},
                                   {"class": "alcohol", "ever": True, "last_overdose": "2026-10-01"}]}),
     {"overdose_days": 19}),
    (chart({"daily_life": {"hours_week": 12, "transport_ok": Absent.DECLINED}}), {"hours_available_week": 12}),
]  # fmt: skip


@pytest.mark.parametrize(("one", "expected"), CASES, ids=[str(number) for number in range(len(CASES))])
def test_placement_facts(one: Chart, expected: Mapping[str, Any]) -> None:
    found = {name: value for name, value in facts(one).items() if name != "age"}
    assert found == expected


def test_what_is_withheld_is_not_known_to_be_nothing() -> None:
    hidden = chart({"substances": {"none": True}}, withheld=frozenset({"substances"}))
    assert "alcohol_daily" not in facts(hidden)
    assert recent_use(hidden) is None


SECTIONS = [
    (key, question.key)
    for key, section in book().sections.items()
    for question in section.form.questions
    if question.fact
]


@examples(
    st.dictionaries(st.sampled_from(SECTIONS), st.sampled_from(list(Absent))),
    st.lists(st.sampled_from(["alcohol", "benzodiazepine", "opioid"]), max_size=2),
    st.sampled_from([*list(Absent), False]),
)
def test_no_non_answer_ever_reads_as_a_fact(
    absent: dict[tuple[str, str], Absent], kinds: list[str], none: Absent | bool
) -> None:
    heads: dict[str, dict[str, Any]] = {
        "substances": {"none": none},
        "treatment_episodes": {"none": Absent.DECLINED},
    }
    for (section, key), why in absent.items():
        heads.setdefault(section, {})[key] = why
    rows = [use(kind, Absent.UNKNOWN, Absent.UNKNOWN) for kind in kinds]
    found = facts(chart(heads, {"substances": rows} if rows else {}))
    doubtful = {"alcohol_daily"} if "alcohol" in kinds else set[str]()
    doubtful |= {"benzo_daily"} if "benzodiazepine" in kinds else set()
    assert not doubtful & found.keys()
    # of a list that somebody closed it is known what is not in it, and nothing else
    assert found.keys() <= (
        {"alcohol_daily", "benzo_daily", "last_use_h_alcohol_sedative"} if rows else set()
    )


def test_lists_are_complete_and_agree_with_themselves() -> None:
    section = book().sections["substances"]
    assert missing_of(section, chart()) == ("none",)
    assert missing_of(section, chart({"substances": {"none": False}})) == ("entries",)
    assert missing_of(section, chart({"substances": {"none": Absent.DECLINED}})) == ()
    full = {
        "name": "x",
        "first_age": 20,
        "amount": "y",
        "route": "oral",
        "withdrawal": ["none"],
        "overdoses": 0,
    }
    rows: list[dict[str, Any]] = [use("alcohol") | full | {"rank": "secondary"}]
    assert missing_of(section, chart(entries={"substances": rows})) == ("entries.rank.primary",)
    rows[0]["rank"] = Absent.UNKNOWN
    assert missing_of(section, chart(entries={"substances": rows})) == ()
    rows[0]["rank"] = "primary"
    assert missing_of(section, chart(entries={"substances": rows})) == ()
    del rows[0]["name"]
    assert missing_of(section, chart(entries={"substances": rows})) == ("entries[0].name",)
    early = page(
        "substances", {"class": "alcohol", "rank": "other", "first_age": 20, "regular_since": 19}, number=50
    )
    found = conflicts(section, chart().with_page(early, entry=True), early, entry=True)
    assert [fault.code for fault in found] == ["before_first"]


def test_withdrawal_is_asked_of_who_used_lately_or_may_have() -> None:
    assert "withdrawal" in open_sections(book(), chart())
    assert "withdrawal" not in open_sections(book(), chart({"substances": {"none": True}}))
    assert "withdrawal" in open_sections(book(), chart(entries={"substances": [use("opioid", 20)]}))
    draft = chart({"person": {"veteran": True}})
    unsaid = Chart(draft.now, draft.today, 38, {"person": page("person", {}, final=False)})
    assert open_sections(book(), unsaid)["person"] == ("completion",)
    assert "person" not in open_sections(book(), draft)


def test_what_is_computed_is_exact() -> None:
    assert body_mass(sheet({"weight": 70, "height": 175})) == Decimal("22.9")
    assert body_mass(sheet({"weight": 51.25, "height": 100})) == Decimal("51.3")
    assert body_mass(sheet({"weight": 70})) is None
    days = [0, 1, 3, 4, 8, 9, 27, 28, 30]
    assert [teds_of(page("substances", {"days_30": day})) for day in days] == [1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert teds_of(page("substances", {"ever": False})) == 1
    assert teds_of(page("substances", {"days_30": Absent.UNKNOWN})) is None
    assert [age_on(date(2008, 2, 29), day) for day in (date(2026, 2, 28), date(2026, 3, 1))] == [17, 18]
    assert months_before(date(2026, 5, 31), 3) == date(2026, 2, 28)
    assert months_before(date(2026, 1, 15), 3) == date(2025, 10, 15)
    assert TODAY - timedelta(days=90) == date(2026, 8, 22)
