"""Every kind of fault in an instrument's file is named with file, line and field."""

import re

import pytest

from service.intake.definition import parse_codes, parse_instrument
from service.intake.yamlfield import DefinitionError
from tests.unit.intake.instruments_of_record import CODES, FOLDER, altered

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
        "total: 54635-8",
        r"codes\.total: not in the reviewed",
    ),
    "No is a boolean": ("asq", 'label: "No"', "label: No", r"yes_no\[0\]\.label: must be a text"),
    "value as text": ("asq", "{value: 0,", '{value: "0",', r"\.value: a list has whole numbers or words"),
    "octal": ("gad-7", "max_missing: 2", "max_missing: 02", r"max_missing: must be a plain decimal"),
    "values that fall": ("asq", "{value: 1,", "{value: 0,", r"values must rise"),
    "below zero": ("asq", "{value: 0,", "{value: -1,", r"values must rise, from 0"),
    "one value": ("asq", '    - {value: 1, label: "Yes"}\n', "", r"must offer at least two"),
    "no such item": (
        "phq-9",
        "when: {any_of: [phq9.9], at_least: 1}\n    m",
        "when: {any_of: [phq9.0], at_least: 1}\n    m",
        r"any_of\[0\]: must be one of",
    ),
    "never raised": (
        "phq-9",
        "when: {any_of: [phq9.9], at_least: 1}\n    m",
        "when: {any_of: [phq9.9]}\n    m",
        r"when: can never hold",
    ),
    "flag twice": ("phq-9", "code: suicide_item_daily", "code: suicide_item_positive", r"code: given twice"),
    "unknown severity": ("gad-7", "severity: same_day", "severity: soon", r"severity: must be one of"),
    "unknown status": ("phq-9", "only: [incomplete]", "only: [open]", r"only\[0\]: must be one of"),
    "no total": (
        "asq",
        f"{ITEM_5}\n    message",
        "when: {scale: total, at_least: 1}\n    message",
        r"when\.scale: there is no scale",
    ),
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


FAULTS |= {
    "band before it is known": (
        "audit-c",
        "asked_when: {any_of: [auditc.1], at_least: 1}\n  - key: auditc.3",
        "asked_when: {band: [high]}\n  - key: auditc.3",
        r"asked_when\.band\[0\]: must be one of",
    ),
    "unknown kind": (
        "gad-7",
        "{scale: total, at_least: 15}",
        "{sum: 15}",
        r"when: must have one of all, any, any_of",
    ),
    "no limit": (
        "gad-7",
        "{scale: total, at_least: 15}",
        "{scale: total}",
        r"must say at_least, at_most or above",
    ),
    "upside-down limits": (
        "pcl-5",
        "at_least: 31, at_most: 33",
        "at_least: 33, at_most: 31",
        r"at_most: must not be below",
    ),
    "unknown scale": ("bam", "above: protective", "above: protect", r"above: must be one of"),
    "unknown context": (
        "audit-c",
        "- when: {context: sex, is: [male]}",
        "- when: {context: gender, is: [male]}",
        r"context: must be one of sex",
    ),
    "unknown context value": (
        "audit-c",
        "- when: {context: sex, is: [male]}",
        "- when: {context: sex, is: [man]}",
        r"is\[0\]: must be one of",
    ),
    "no context value": (
        "audit-c",
        "- when: {context: sex, is: [male]}",
        "- when: {context: sex, is: []}",
        r"is: must name at least one",
    ),
    "is and is not": (
        "audit-c",
        "- when: {context: sex, is: [male]}",
        "- when: {context: sex}",
        r"either is or is_not",
    ),
    "a number is no choice": (
        "cows",
        "when: {scale: total, at_least: 13}",
        "when: {context: pulse_bpm, is: [fast]}",
        r"is not a choice",
    ),
    "unknown band": (
        "audit-c",
        "{band: [positive, high]}",
        "{band: [positive, higher]}",
        r"band\[1\]: must be one of",
    ),
    "no band": ("audit-c", "{band: [positive, high]}", "{band: []}", r"band: must name at least one"),
    "one part": (
        "pc-ptsd-5",
        "        - {any_of: [pcptsd5.1], at_least: 1}\n        - {scale",
        "        - {scale",
        r"all: must have at least two",
    ),
    "skip over a later sum": (
        "pc-ptsd-5",
        "    scored: false\n",
        "    scored: false\n    asked_when: {scale: total, at_least: 1}\n",
        r"asked_when\.scale: there is no scale",
    ),
    "unscored in a scale": (
        "bam",
        "items: [bam.4, bam.5, bam.6]",
        "items: [bam.4, bam.5, bam.7]",
        r"items\[2\]: must be one of",
    ),
    "twice in a scale": (
        "bam",
        "items: [bam.4, bam.5, bam.6]",
        "items: [bam.4, bam.5, bam.5]",
        r"items: must name at least one item, and none twice",
    ),
    "scale twice": ("bam", "{key: risk, label: Risk", "{key: use, label: Risk", r"key: given twice"),
    "count without from": ("phq-9", "      count_from: 2\n", "", r"count_from belongs to a count"),
    "may miss all": ("whodas-12", "may_miss: 1", "may_miss: 12", r"may_miss: must leave at least one"),
    "no scale": ("asq", "method: pattern", "method: scales", r"method: no scale is defined"),
    "no scored item": ("ahc-hrsn", "method: sum", "method: scales", r"method: no scale is defined"),
    "bands without a total": (
        "taps-1",
        "    - key: positive\n",
        "    - from: 0\n      key: positive\n",
        r"there is no total",
    ),
    "no bands": (
        "whodas-12",
        "sum; no official bands.\n",
        "sum.\n  bands: []\n",
        r"bands: at least one band",
    ),
    "bands twice": (
        "audit-c",
        "  band_sets:",
        "  bands: []\n  band_sets:",
        r"band_sets: bands are given already",
    ),
    "set without condition": (
        "audit-c",
        "    - when: {context: sex, is: [male]}\n      bands:",
        "    - bands:",
        r"band_sets\[0\]: every set but the last",
    ),
    "change of nothing": (
        "asq",
        "\nflags:",
        "\nchange: {reliable: 1, source: x}\nflags:",
        r"change: there is no total",
    ),
    "change of zero": ("pcl-5", "reliable: 5", "reliable: 0", r"reliable: must be 1 or more"),
    "change upside down": ("pcl-5", "meaningful: 10", "meaningful: 4", r"meaningful: must not be below"),
    "words in a single choice": (
        "ahc-hrsn",
        "    multiple: true\n",
        "",
        r"answers: words are for a multiple choice",
    ),
    "word twice": ("ahc-hrsn", "{value: mold,", "{value: pests,", r"value: given twice"),
    "words and numbers": ("ahc-hrsn", "{value: mold,", "{value: 3,", r"whole numbers or words, not both"),
    "points below zero": ("dast-10", "points: 1", "points: -1", r"points: must be 0 or more"),
    "variant of nothing": (
        "whodas-12",
        "is: [0-4]}, answers: zero_to_four}\n  - key: whodas12.2\n",
        "is: [0-4]}}\n  - key: whodas12.2\n",
        r"must change the text, the code or the answers",
    ),
    "measured by a truth": (
        "cows",
        "context: pulse_bpm\n",
        "context: pregnant\n",
        r"derived\.context: is not a number",
    ),
    "step that falls": ("cows", "up_to: 100", "up_to: 70", r"up_to: steps must rise"),
    "step to no option": (
        "cows",
        "{up_to: 120, value: 2}",
        "{up_to: 120, value: 3}",
        r"value: not one of the item's options",
    ),
    "last step ends": (
        "cows",
        "- {value: 4}\n  - key",
        "- {up_to: 300, value: 4}\n  - key",
        r"every step but the last",
    ),
    "range of a truth": (
        "cows",
        "    kind: truth\n",
        "    kind: truth\n    range: {from: 0, to: 1}\n",
        r"a range belongs to a number",
    ),
    "range upside down": ("cows", "{from: 20, to: 250}", "{from: 250, to: 20}", r"to: must be above from"),
    "choice without values": (
        "cows",
        "    kind: truth\n",
        "    kind: choice\n",
        r"values belong to a choice",
    ),
    "unknown default": ("bam", "default: 30-day", "default: 60-day", r"default: must be one of"),
    "holder of full wording": (
        "asq",
        "  checked: true\n",
        "  checked: true\n  holder: x\n",
        r"a holder belongs to licensed",
    ),
    "no wording": ("asq", "wording:\n  state: full", "word:\n  state: full", r"word: unknown field"),
    "finding twice": (
        "phq-9",
        "code: other_depressive_syndrome",
        "code: major_depressive_syndrome",
        r"code: given twice",
    ),
    "setting outside": ("pcl-5", "default: 31", "default: 20", r"default: must lie"),
    "setting unknown": (
        "pcl-5",
        "from: cutoff, to: 80",
        "from: cut, to: 80",
        r"from: must be a whole number, or a setting",
    ),
    "label by a band": (
        "ahc-hrsn",
        "when: {any_of: [ahchrsn.7, ahchrsn.8, ahchrsn.9, ahchrsn.10], at_least: 1}}",
        "when: {band: [x]}}",
        r"band\[0\]: must be one of",
    ),
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
