"""The files as shipped say what their authors published; a fault is named with file, line and field."""

import re

import pytest

from service.intake.answers import in_context
from service.intake.flags import Severity
from service.intake.instrument import WordingState
from service.intake.loinc import check_digit, is_answer_code, is_numeric_code
from service.intake.scoring import score
from tests.unit.intake.instruments_of_record import CATALOGUE, CODES, ROOT, shipped

FREQUENCY = ["Not at all", "Several days", "More than half the days", "Nearly every day"]
PHQ_9_CODES = "44250-9 44255-8 44259-0 44254-1 44251-7 44258-2 44252-5 44253-3 44260-8 69722-7"
GAD_7_CODES = "69725-0 68509-9 69733-4 69734-2 69735-9 69689-8 69736-7"


IN_FULL = [
    "ahc-hrsn",
    "asq",
    "audit-c",
    "bam",
    "ciwa-ar",
    "cows",
    "gad-7",
    "pc-ptsd-5",
    "pcl-5",
    "phq-2",
    "phq-9",
]
WITHOUT_WORDING = ["audit", "c-ssrs", "cage-aid", "dast-10", "whodas-12"]


def test_what_ships() -> None:
    states = {one.key: one.wording.state for one in CATALOGUE.current()}
    assert sorted(key for key, state in states.items() if state is WordingState.FULL) == [*IN_FULL, "taps-1"]
    assert sorted(key for key, state in states.items() if state is WordingState.LICENSED) == WITHOUT_WORDING
    assert CATALOGUE.find("phq-9", 1) is CATALOGUE.find("phq-9")
    assert CATALOGUE.find("phq-9", 2) is None
    assert CATALOGUE.find("mdq") is None
    assert CATALOGUE.find("isi") is None


def test_what_was_compared_word_by_word() -> None:
    """`checked` is said only of what agrees item by item with independent copies, and where it is not, what differs."""
    full = [one for one in CATALOGUE.current() if one.wording.state is WordingState.FULL]
    assert {one.key for one in full if not one.wording.checked} == {"bam", "taps-1"}
    assert "compare" in shipped("bam").wording.note and "compare" in shipped("taps-1").wording.note


def test_questions_carry_the_sentences_their_authors_put_with_them() -> None:
    """TAPS says what a drink and which medications are meant; the CMS tool says why it asks about violence."""
    drinks, medications = shipped("taps-1").items[1], shipped("taps-1").items[3]
    assert all("One standard drink is" in one.text for one in (drinks, *drinks.variants))
    assert medications.text.endswith("(for example, Adderall or Ritalin).")
    sections = [item.section or "" for item in shipped("ahc-hrsn").items]
    assert sum("OFTEN, SOMETIMES, or NEVER true for you" in one for one in sections) == 2
    assert sum("Because violence and abuse happens to a lot of people" in one for one in sections) == 4


@pytest.mark.parametrize("key", WITHOUT_WORDING)
def test_licensed_wording_is_not_in_the_file(key: str) -> None:
    """Labels of a few words, no questions, and the name of whoever holds the wording."""
    instrument = shipped(key)
    assert instrument.wording.holder
    assert not instrument.wording.checked
    assert all(len(item.text.split()) <= 7 and "?" not in item.text for item in instrument.items)


def test_item_keys_are_numbered() -> None:
    """Letters and digits of the key, a dot, the number; few have a word instead."""
    for instrument in CATALOGUE.current():
        stem = instrument.key.replace("-", "")
        numbers = [item.key.removeprefix(f"{stem}.") for item in instrument.items]
        plain = [number for number in numbers if number.isdigit()]
        assert plain == [str(number) for number in range(1, len(plain) + 1)]
        assert set(numbers) - set(plain) <= {"difficulty", "7a", "7b", "7c", "7d", "7e", "7f", "7g"}


def test_every_follow_up_is_there() -> None:
    asked = {rule.follow_up for one in CATALOGUE.current() for rule in one.flags if rule.follow_up}
    assert asked == {"phq-9", "pcl-5", "audit", "audit-c", "ciwa-ar", "cows"}
    assert all(CATALOGUE.find(key) is not None for key in asked)


def test_urgent_flags_make_a_task() -> None:
    for one in CATALOGUE.current():
        for rule in one.flags:
            assert (rule.task is not None) or rule.severity not in (Severity.URGENT, Severity.SAME_DAY), (
                rule.code
            )


def test_change_is_said_where_the_source_gives_it() -> None:
    change = shipped("pcl-5").change
    assert change is not None
    assert (change.reliable, change.meaningful) == (5, 10)
    assert [one.key for one in CATALOGUE.current() if one.change is not None] == ["pcl-5"]


def test_an_item_reads_as_its_context_says() -> None:
    weekly = {"form": "7-day"}
    item = shipped("bam").items[1]
    assert "30 days" in in_context(item, {"form": "30-day"}).text
    assert "7 days" in in_context(item, weekly).text
    assert [option.label for option in in_context(item, weekly).options] == ["0", "1", "2-3", "4-5", "6-7"]
    assert all(
        "30 days" not in in_context(one, weekly).text for one in shipped("bam").items if one.key != "bam.9"
    )
    drinks = shipped("taps-1").items[1]
    assert [in_context(drinks, {"sex": sex}).code for sex in ("male", "female", "other")] == [
        "88037-7",
        "75889-6",
        None,
    ]


def test_results_of_different_forms_are_kept_apart() -> None:
    assert score(shipped("bam"), {}).form == {"form": "30-day"}
    assert score(shipped("bam"), {}, {"form": "7-day"}).form == {"form": "7-day"}
    assert score(shipped("whodas-12"), {}, {"coding": "0-4"}).form == {"coding": "0-4"}
    assert score(shipped("audit-c"), {}, {"sex": "male"}).form == {}


@pytest.mark.parametrize("key", ["phq-9", "gad-7"])
def test_zero_is_not_at_all(key: str) -> None:
    """'Not at all sure' is a known reproduction error of the GAD-7."""
    for item in shipped(key).scored_items:
        assert [option.label for option in item.options] == FREQUENCY
        assert [option.value for option in item.options] == [0, 1, 2, 3]


def test_wording_and_codes_of_the_phq_9() -> None:
    instrument = shipped("phq-9")
    assert [item.code for item in instrument.items] == PHQ_9_CODES.split()
    assert (instrument.panel_code, instrument.total_code) == ("44249-1", "44261-6")
    assert instrument.items[0].text == "Little interest or pleasure in doing things"
    assert instrument.items[8].text.startswith("Thoughts that you would be better off dead or of hurting")
    assert not instrument.items[9].required
    assert not instrument.items[9].scored
    assert "Pfizer" in instrument.licence.text


def test_wording_and_codes_of_the_gad_7() -> None:
    instrument = shipped("gad-7")
    assert [item.code for item in instrument.items] == GAD_7_CODES.split()
    assert (instrument.panel_code, instrument.total_code) == ("69737-5", "70274-6")
    assert instrument.items[6].text == "Feeling afraid as if something awful might happen"


def test_the_asq_carries_no_unchecked_code() -> None:
    instrument = shipped("asq")
    assert len(instrument.items) == 5
    assert instrument.items[4].text == "Are you having thoughts of killing yourself right now?"
    assert {item.code for item in instrument.items} | {instrument.panel_code, instrument.total_code} == {None}


def test_codes_and_their_notice() -> None:
    assert all(is_numeric_code(code) for code in CODES.terms)
    assert all(is_answer_code(code) for code in CODES.answers)
    assert "Regenstrief" in CATALOGUE.code_notice
    items = [item for one in CATALOGUE.current() for item in one.items]
    panels = {one.panel_code for one in CATALOGUE.current()} | {one.total_code for one in CATALOGUE.current()}
    used = (
        panels | {item.code for item in items} | {variant.code for item in items for variant in item.variants}
    )
    assert used - {None} == set(CODES.terms), "only reviewed codes, and no reviewed code without use"
    answers = {option.code for item in items for option in item.options}
    assert answers - {None} == set(CODES.answers)


def test_no_invented_code_in_any_policy() -> None:
    """Whatever names LOINC in the policies has the right check digit; comments may warn of wrong codes."""
    looked_at = 0
    for path in (ROOT / "policies").rglob("*.yaml"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.lstrip().startswith("#"):
                continue
            for code in re.findall(r"(?:loinc|code|panel|total): ?\"?([0-9]{4,6}-[0-9])\b", line):
                looked_at += 1
                assert is_numeric_code(code), (path.name, code)
    assert looked_at > 60


@pytest.mark.parametrize("invented", ["72109-3", "93373-7", "97006-2", "44249", "-1", "x4249-1"])
def test_invented_codes_are_noticed(invented: str) -> None:
    assert not is_numeric_code(invented)


def test_check_digit_finds_every_single_wrong_digit() -> None:
    for code in CODES.terms:
        for place, digit in enumerate(code[:-2]):
            for other in "0123456789".replace(digit, ""):
                assert check_digit(code[:place] + other + code[place + 1 : -2]) != code[-1]
