"""The files of `policies/placement` are read strictly: every fault names file, line and field, and stops the start."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from service.admission.placement.evaluating import evaluate
from service.admission.placement.loading import load_placement
from service.intake.yamlfield import DefinitionError
from tests.unit.admission.placement.table import BASE, BOOK, ROOT

#: file, what stands there, what is put in its place, and the fault.
FAULTS = [
    ("rules.yaml", "at_least: 19", "at_least: 99", r"rules.yaml:\d+: .*at_least: ciwa is from 0 to 67"),
    ("rules.yaml", "at_least: 19", "at_least: true", r"rules.yaml:\d+: .*at_least: must be a whole number"),
    ("rules.yaml", "at_least: 19", "at_lest: 19", r"rules.yaml:\d+: .*at_lest: unknown field"),
    ("rules.yaml", "fact: ciwa, at_least: 19", "fact: ciwa", r"compares exactly once"),
    ("rules.yaml", "fact: ciwa, at_least: 19", "fact: ciwa_x, at_least: 19", r"fact: must be one of"),
    ("rules.yaml", "suicide_band, is: high", "suicide_band, is: hihg", r"is: must be one of"),
    ("rules.yaml", "suicide_band, is: high", "suicide_band, at_least: 2", r"only a number has an order"),
    ("rules.yaml", "one_of: [none, low]", "one_of: [low]", r"two or more different values"),
    ("rules.yaml", "one_of: [none, low]", "one_of: [low, low]", r"two or more different values"),
    ("rules.yaml", "homicidal_intent, is: true", "homicidal_intent, is: yes", r"must be true or false"),
    ("rules.yaml", "{not_fired: [P-01]}", "{not_fired: [P-99]}", r"must be one of"),
    ("rules.yaml", "{not_fired: [P-01]}", "{not_fired: []}", r"must name rules, each once"),
    ("rules.yaml", "{not_fired: [P-01]}", "{not_fired: [P-24]}", r"in a ring"),
    ("rules.yaml", "{unknown: ciwa}", "{unknown: weight}", r"must be one of"),
    ("rules.yaml", "{unknown: ciwa}", "{never: ciwa}", r"is fact with a comparison, or one of"),
    ("rules.yaml", "{unknown: ciwa}", "{all: [{unknown: ciwa}]}", r"must have two or more parts"),
    (
        "rules.yaml",
        "{fact: homicidal_intent, is: true}",
        "{unknown: homicidal_intent}",
        r"rest on known facts only",
    ),
    ("rules.yaml", 'levels: ["4"]', "levels: []", r"name a level that stands by itself"),
    ("rules.yaml", 'levels: ["4"]', 'levels: ["4 with luck"]', r"name a level that stands by itself"),
    ("rules.yaml", 'levels: ["4"]', 'levels: ["5"]', r"must begin with one of"),
    ("rules.yaml", 'levels: ["4"]', "levels: [4]", r"must be a text"),
    ("rules.yaml", "outcome: EMERGENCY", "outcome: URGENT", r"outcome: must be one of"),
    ("rules.yaml", "status: design", "status: certain", r"status: must be one of"),
    ("rules.yaml", "dimensions: [3]", "dimensions: [7]", r"must be from 1 to 6"),
    ("rules.yaml", "owner: medical director", "", r"field owner is missing"),
    ("rules.yaml", "version: 1\n    dimensions", "version: 0\n    dimensions", r"must be 1 or more"),
    ("rules.yaml", "id: P-02", "id: P-01", r"P-01 is given twice"),
    ("rules.yaml", "high: {facts}", "high", r"must show its facts"),
    ("rules.yaml", "high: {facts}", "high: {facts} {name}", r"must show its facts"),
    (
        "rules.yaml",
        "        outcome: EMERGENCY",
        "        outcome: IOP",
        r"must be stronger than the rule itself",
    ),
    (
        "facts.yaml",
        "age: {title: Age, whole: [0, 130], ages: true}",
        "age: {title: Age}",
        r"facts.yaml:\d+: facts.age: is exactly",
    ),
    ("facts.yaml", "whole: [0, 130]", "whole: [130]", r"two whole numbers"),
    ("facts.yaml", "fresh_hours: 72", "fresh_hours: 0", r"must be 1 or more"),
    ("facts.yaml", "choices: [sud, mh, co_occurring]", "choices: [sud]", r"two or more different"),
    ("facts.yaml", "yes_no: true", "yes_no: false", r"is true or left out"),
    ("levels.yaml", 'code: "1.0"', 'code: "0.5"', r"given twice"),
    ("levels.yaml", "adult: [9, 19]", "adult: [19, 9]", r"the smaller first"),
    ("levels.yaml", 'offered: ["1.5", "2.1"]', 'offered: ["9"]', r"must be one of"),
    ("levels.yaml", "edition: 3\n", "edition: 4\n", r"each edition once"),
    ("levels.yaml", '{"1": 1', '{"7": 1', r"not a dimension of this edition"),
    ("decisions.yaml", "needs: [interim_plan]", "needs: [plan]", r"must be one of"),
    ("decisions.yaml", "step_up_rules: [P-01", "step_up_rules: [P-77", r"must be one of"),
    ("decisions.yaml", "alert_percent: 30", "alert_percent: 0", r"must be 1 or more"),
    ("decisions.yaml", "state_profiles: []", "state_profiles: [ny]", r"must be one of"),
    ("profiles/dc.yaml", "key: dc", "key: nc", r"profiles/dc.yaml:\d+: key: is not the name of the file"),
    ("profiles/dc.yaml", "id: DC-01", "id: P-26", r"P-26 is given twice"),
]


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "policies" / "placement", tmp_path / "placement")
    return tmp_path


def put(policies: Path, name: str, was: str, now: str) -> None:
    file = policies / "placement" / name
    text = file.read_text(encoding="utf-8")
    assert was in text
    file.write_text(text.replace(was, now, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "was", "now", "fault"), FAULTS, ids=[f"{number:02d}" for number in range(len(FAULTS))]
)
def test_a_fault_is_named_with_its_place(policies: Path, name: str, was: str, now: str, fault: str) -> None:
    put(policies, name, was, now)
    with pytest.raises(DefinitionError) as raised:
        load_placement(policies)
    assert re.search(fault, str(raised.value)), str(raised.value)
    assert re.match(r"[\w/.]+:\d+: ", str(raised.value))


def test_a_file_that_cannot_be_read_stops_the_start(policies: Path) -> None:
    (policies / "placement" / "rules.yaml").unlink()
    with pytest.raises(DefinitionError, match=r"rules\.yaml:1: file: cannot be read"):
        load_placement(policies)


def test_the_version_names_the_bytes(policies: Path) -> None:
    assert load_placement(policies).core.version == BOOK.core.version
    put(policies, "rules.yaml", "at_least: 19", "at_least: 20")
    assert load_placement(policies).core.version != BOOK.core.version


def test_a_state_profile_is_in_force_where_it_is_named_and_in_its_state_only(policies: Path) -> None:
    put(policies, "decisions.yaml", "state_profiles: []", "state_profiles: [dc]")
    book = load_placement(policies)
    assert book.rules_for("NY") is book.core
    here = book.rules_for("DC")
    assert here.version == f"{book.core.version}+dc"
    facts = dict(BASE) | {"readiness": "low"}
    assert [one.id for one in evaluate(here, facts).fired] == ["DC-01", "P-26", "P-22"]
    assert evaluate(here, facts).outcome is evaluate(book.core, facts).outcome, "it refuses nobody"


def test_ratings_of_the_3rd_edition_have_their_place_in_the_4th_and_its_dimension_4_has_none() -> None:
    assert [BOOK.in_fourth(3, number) for number in range(1, 7)] == [1, 2, 3, None, 4, 5]
    assert [BOOK.in_fourth(4, number) for number in range(1, 7)] == [1, 2, 3, 4, 5, 6]
    assert BOOK.dimensions[3].names[3] == "Readiness to change"
    assert "Readiness to change" not in BOOK.dimensions[4].names
    assert BOOK.dimensions[4].rated == {1, 2, 3, 4, 5}


def test_the_ladder_knows_both_editions_and_the_hours_of_2_1() -> None:
    assert [one.code for one in BOOK.levels.values() if one.editions == (3,)] == ["0.5", "1", "3.3"]
    assert dict(BOOK.levels["2.1"].hours) == {"adult": (9, 19), "adolescent": (6, 19)}
    assert BOOK.place("1.5") < BOOK.place("2.1") < BOOK.place("3.7") < BOOK.place("4")


def test_rules_stand_behind_those_they_ask_about() -> None:
    places = {rule.id: place for place, rule in enumerate(BOOK.core.rules)}
    assert places["P-01"] < places["P-12"] < places["P-24"] < places["P-00"]
    assert replace(BOOK.core, rules=()).facts == BOOK.core.facts
