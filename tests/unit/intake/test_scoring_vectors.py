"""Every hand-written vector of the three instruments, by id, in order and by key; and proof that they can
fail.
"""

import pytest

from service.intake import scoring
from service.intake.scoring import score
from tests.unit.intake.instruments_of_record import CASES, Case, altered, broken_cases, outcome, shipped


def expected(case: Case) -> tuple[str, int | None, str | None, tuple[str, ...]]:
    return case.status, case.total, case.band, case.flags


def test_all_rows_are_here() -> None:
    counts = {key: sum(case.key == key for case in CASES) for key in ("phq-9", "gad-7", "asq")}
    assert counts == {"phq-9": 30, "gad-7": 15, "asq": 8}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_vector(case: Case) -> None:
    assert outcome(score(shipped(case.key), case.answers)) == expected(case)


@pytest.mark.parametrize("case", [case for case in CASES if case.id != "PHQ9-028"], ids=lambda case: case.id)
def test_vector_by_key(case: Case) -> None:
    """The same rows with answers by item key (PHQ9-028 is about the length of a list, which keys do not
    have).
    """
    instrument = shipped(case.key)
    words = ["declined" if answer == "R" else answer for answer in case.answers]
    keyed = {item.key: answer for item, answer in zip(instrument.items, words, strict=False)}
    assert outcome(score(instrument, keyed)) == expected(case)


BENT_RULES = {
    "PHQ-9 mild starts at 6": ("phq-9", "to: 4}\n    - {key: mild, label: Mild, from: 5", "to: 5}\n    -
    {key: mild, label: Mild, from: 6"), "PHQ-9 moderate starts at 11": ("phq-9", "to: 9}\n    - {key:
    moderate, label: Moderate, from: 10", "to: 10}\n    - {key: moderate, label: Moderate, from: 11"),
    "PHQ-9 moderate starts at 9": ("phq-9", "to: 9}\n    - {key: moderate, label: Moderate, from: 10", "to:
    8}\n    - {key: moderate, label: Moderate, from: 9"), "PHQ-9 moderately severe starts at 16": ("phq-9",
    "to: 14}\n    - {key: moderately_severe, label: Moderately severe, from: 15", "to: 15}\n    - {key:
    moderately_severe, label: Moderately severe, from: 16"), "PHQ-9 severe starts at 21": ("phq-9", "to:
    19}\n    - {key: severe, label: Severe, from: 20", "to: 20}\n    - {key: severe, label: Severe, from:
    21"), "PHQ-9 item 9 may be estimated": ("phq-9", "never: [phq9.9]", "never: []"), "PHQ-9 estimates with
    three missing": ("phq-9", "max_missing: 2", "max_missing: 3"), "PHQ-9 estimates with one missing":
    ("phq-9", "max_missing: 2", "max_missing: 1"), "PHQ-9 item 9 urgent from 2": ("phq-9", "when: {any_of:
    [phq9.9], at_least: 1}", "when: {any_of: [phq9.9], at_least: 2}"), "PHQ-9 item 8 in the place of item
    9": ("phq-9", "when: {any_of: [phq9.9], at_least: 1}", "when: {any_of: [phq9.8], at_least: 1}"), "PHQ-9
    daily from 2": ("phq-9", "at_least: 3}", "at_least: 2}"), "GAD-7 mild starts at 6": ("gad-7", "to: 4}\n
    - {key: mild, label: Mild, from: 5", "to: 5}\n    - {key: mild, label: Mild, from: 6"), "GAD-7 severe
    starts at 16": ("gad-7", "to: 14}\n    - {key: severe, label: Severe, from: 15", "to: 15}\n    - {key:
    severe, label: Severe, from: 16"), "GAD-7 review from 16": ("gad-7", "total_at_least: 15",
    "total_at_least: 16"), "GAD-7 never estimates": ("gad-7", "max_missing: 2\n    never: []", "max_missing:
    2\n    never: [gad7.4, gad7.5, gad7.7]"), "ASQ refusal does not count": ("asq", "non_acute_positive\n
    label: Non-acute positive\n      when: {any_of: [asq.1, asq.2, asq.3, asq.4], at_least: 1, declined:
    true}", "non_acute_positive\n      label: Non-acute positive\n      when: {any_of: [asq.1, asq.2, asq.3,
    asq.4], at_least: 1}"), "ASQ past attempt does not count": ("asq", "non_acute_positive\n      label:
    Non-acute positive\n      when: {any_of: [asq.1, asq.2, asq.3, asq.4]", "non_acute_positive\n
    label: Non-acute positive\n      when: {any_of: [asq.1, asq.2, asq.3]"), "ASQ item 5 always asked":
    ("asq", "\n    asked_when: {any_of: [asq.1, asq.2, asq.3, asq.4], at_least: 1, declined: true}", ""),
    "ASQ item 5 asked after item 1 only": ("asq", "asked_when: {any_of: [asq.1, asq.2, asq.3, asq.4]",
    "asked_when: {any_of: [asq.1]"),
}  # fmt: skip


@pytest.mark.parametrize("bent", BENT_RULES)
def test_vectors_notice_a_bent_rule(bent: str) -> None:
    key, old, new = BENT_RULES[bent]
    assert broken_cases(altered(key, old, new)) != []


def test_vectors_notice_bankers_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "half_up", lambda numerator, denominator: round(numerator / denominator))
    assert broken_cases(shipped("phq-9")) == ["PHQ9-019"]


@pytest.mark.parametrize(("numerator", "denominator", "rounded"), [(9, 2, 5), (7, 2, 4), (13, 3, 4), (14, 3,
5), (0, 7, 0)]) def test_half_goes_up(numerator: int, denominator: int, rounded: int) -> None:
    assert scoring.half_up(numerator, denominator) == rounded
