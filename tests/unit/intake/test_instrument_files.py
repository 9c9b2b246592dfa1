"""The files as shipped say what their authors published; a fault is named with file, line and field."""

import re
from pathlib import Path

import pytest

from service.errors import StartRefused
from service.intake.definition import load_catalogue, parse_codes, parse_instrument
from service.intake.loinc import check_digit, is_answer_code, is_numeric_code
from service.intake.yamlfield import DefinitionError
from service.labels import Label
from tests.unit.intake.instruments_of_record import CATALOGUE, CODES, FOLDER, altered, shipped, text_of

FREQUENCY = ["Not at all", "Several days", "More than half the days", "Nearly every day"]
PHQ_9_CODES = "44250-9 44255-8 44259-0 44254-1 44251-7 44258-2 44252-5 44253-3 44260-8 69722-7"
GAD_7_CODES = "69725-0 68509-9 69733-4 69734-2 69735-9 69689-8 69736-7"


def test_the_three_instruments_are_there() -> None:
    assert [instrument.key for instrument in CATALOGUE.current()] == ["asq", "gad-7", "phq-9"]
    assert CATALOGUE.find("phq-9", 1) is CATALOGUE.find("phq-9")
    assert CATALOGUE.find("phq-9", 2) is None
    assert CATALOGUE.find("audit") is None


def test_every_result_is_labelled_psychiatric() -> None:
    assert all(instrument.labels == {Label.PSY} for instrument in CATALOGUE.current())


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
    used = {
        code
        for path in FOLDER.glob("*.yaml")
        for code in re.findall(r"\b[0-9]{4,6}-[0-9]\b", path.read_text(encoding="utf-8"))
    }
    assert used == set(CODES.terms), "only reviewed codes, and no reviewed code without use"


@pytest.mark.parametrize("invented", ["72109-3", "93373-7", "97006-2", "44249", "-1", "x4249-1"])
def test_invented_codes_are_noticed(invented: str) -> None:
    assert not is_numeric_code(invented)


def test_check_digit_finds_every_single_wrong_digit() -> None:
    for code in CODES.terms:
        for place, digit in enumerate(code[:-2]):
            for other in "0123456789".replace(digit, ""):
                assert check_digit(code[:place] + other + code[place + 1 : -2]) != code[-1]


ITEM_5 = "when: {any_of: [asq.5], at_least: 1, declined: true}"
FAULTS = {
    "unknown field": ("phq-9", "key: phq-9\n", "key: phq-9\nkeys: x\n", r"^phq-9\.yaml:4: keys: unknown"),
    "given twice": ("phq-9", "key: phq-9\n", "key: phq-9\nkey: phq-9\n", r":4: key: given twice"),
    "missing field": ("asq", "instruction: Ask the patient\n", "", r"field instruction is missing"),
    "gap": (
        "gad-7",
        "Mild, from: 5",
        "Mild, from: 6",
        r"gad-7\.yaml:\d+: scoring\.bands\[1\]\.from: must be 5",
    ),
    "overlap": ("gad-7", "Mild, from: 5", "Mild, from: 4", r"bands\[1\]\.from: must be 5"),
    "upside down": ("gad-7", "from: 5, to: 9", "from: 5, to: 3", r"bands\[1\]\.to: must not be below from"),
    "ends early": ("gad-7", "15, to: 21", "15, to: 20", r"must end at the highest possible total, 21"),
    "wrong check digit": (
        "gad-7",
        "code: 69725-0",
        "code: 69725-1",
        r"items\[0\]\.code: not in the reviewed",
    ),
    "not a reviewed code": (
        "gad-7",
        "total: 70274-6",
        "total: 75624-7",
        r"codes\.total: not in the reviewed",
    ),
    "No is a boolean": ("asq", 'label: "No"', "label: No", r"yes_no\[0\]\.label: must be a text"),
    "value as text": ("asq", "{value: 0,", '{value: "0",', r"\.value: must be a whole number"),
    "octal": ("gad-7", "max_missing: 2", "max_missing: 02", r"max_missing: must be a plain decimal"),
    "values that fall": ("asq", "{value: 1,", "{value: 0,", r"values must rise"),
    "values that start at one": ("asq", "{value: 0,", "{value: 1,", r"values must rise, from 0"),
    "one value": ("asq", '    - {value: 1, label: "Yes"}\n', "", r"must offer at least two"),
    "no such item": (
        "phq-9",
        "[phq9.9], at_least: 1",
        "[phq9.0], at_least: 1",
        r"any_of\[0\]: must be one of",
    ),
    "never raised": (
        "phq-9",
        "{any_of: [phq9.9], at_least: 1}",
        "{any_of: [phq9.9]}",
        r"when: can never hold",
    ),
    "flag twice": ("phq-9", "code: suicide_item_daily", "code: suicide_item_positive", r"code: given twice"),
    "unknown severity": ("gad-7", "severity: same_day", "severity: soon", r"severity: must be one of"),
    "unknown status": ("phq-9", "only: [incomplete]", "only: [open]", r"only\[0\]: must be one of"),
    "no total": ("asq", f"{ITEM_5}\n    message", "when: {total_at_least: 1}\n    message", r"has no total"),
    "item twice": ("gad-7", "key: gad7.2", "key: gad7.1", r"items\[1\]\.key: given twice"),
    "unknown values": (
        "gad-7",
        "irritable, answers: frequency",
        "irritable, answers: x",
        r"items\[5\]\.answers",
    ),
    "skip rule on itself": (
        "asq",
        "asked_when: {any_of: [asq.1,",
        "asked_when: {any_of: [asq.5,",
        r"any_of\[0\]",
    ),
    "unknown label": ("asq", "labels: [PSY]", "labels: [PRIVATE]", r"labels\[0\]: must be one of"),
    "empty estimate": ("gad-7", "max_missing: 2", "max_missing: 7", r"must leave at least one"),
    "estimated pattern": (
        "asq",
        "method: pattern",
        "method: pattern\n  prorate: {}",
        r"prorate: there is no total",
    ),
    "open band first": (
        "asq",
        "Acute positive\n      when:",
        "x\n    - key: y\n      label: y\n      when:",
        r"every band but the last",
    ),
    "version zero": ("asq", "version: 1", "version: 0", r"version: must be 1 or more"),
    "empty text": ("asq", "instruction: Ask the patient", 'instruction: " "', r"must not be empty"),
    "not YAML": ("asq", "labels: [PSY]", "labels: [PSY", r"asq\.yaml:\d+: file: not valid YAML"),
    "not a list": ("asq", "labels: [PSY]", "labels: PSY", r"labels: must be a list"),
    "required, not scored": (
        "phq-9",
        "required: false\n",
        "required: true\n",
        r"required items to be the scored",
    ),
    "yes for true": ("phq-9", "required: false\n", "required: no\n", r"required: must be true or false"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_with_file_line_and_field(fault: str) -> None:
    key, old, new, message = FAULTS[fault]
    with pytest.raises(DefinitionError, match=message) as caught:
        altered(key, (old, new))
    assert re.match(rf"{key}\.yaml:\d+: ", str(caught.value))


def test_what_is_not_a_mapping_of_text_is_refused() -> None:
    for content, message in ((b"\xff", "not UTF-8"), (b"", "is empty"), (b"- a", "must be a mapping")):
        with pytest.raises(DefinitionError, match=message):
            parse_instrument("x.yaml", content, CODES)


def test_a_code_list_with_an_invented_code_is_refused() -> None:
    text = (FOLDER / "codes" / "loinc.yaml").read_text(encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"loinc\.yaml:\d+: codes\.44249-2: not a LOINC code"):
        parse_codes("loinc.yaml", text.replace("44249-1:", "44249-2:"))
    with pytest.raises(DefinitionError, match="not a LOINC answer code"):
        parse_codes("loinc.yaml", text.replace("LA6568-5:", "6568-5:"))


def folder_with(tmp_path: Path, name: str, text: str) -> Path:
    (tmp_path / "codes").mkdir()
    (tmp_path / "codes" / "loinc.yaml").write_bytes((FOLDER / "codes" / "loinc.yaml").read_bytes())
    (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_superseded_version_stays_readable(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "asq@1.yaml", text_of("asq"))
    (folder / "asq.yaml").write_text(text_of("asq").replace("version: 1", "version: 2"), encoding="utf-8")
    catalogue = load_catalogue(folder)
    versions = [catalogue.find("asq"), catalogue.find("asq", 1), catalogue.find("asq", 2)]
    assert [one.version for one in versions if one is not None] == [2, 1, 2]
    assert len(catalogue.current()) == 1


def test_a_version_is_defined_once(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "asq@1.yaml", text_of("asq"))
    (folder / "asq.yaml").write_text(text_of("asq"), encoding="utf-8")
    with pytest.raises(StartRefused, match="defined twice"):
        load_catalogue(folder)


def test_a_file_is_named_after_its_instrument(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="is not the name of the file"):
        load_catalogue(folder_with(tmp_path, "phq-2.yaml", text_of("asq")))


def test_no_instruments_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="no instrument"):
        load_catalogue(folder_with(tmp_path, "readme.txt", "nothing"))
