"""Every hand-written vector of every instrument, by id; and proof that they can fail."""

from collections import Counter

import pytest

from service.intake import scoring
from service.intake.instrument import Instrument
from service.intake.scoring import score
from tests.unit.intake.instruments_of_record import (
    ALL,
    CASES,
    GIVEN,
    Case,
    altered,
    broken_cases,
    outcome,
    shipped,
    sweeps_of,
)
from tests.unit.intake.mutation import SCORER, mutants_of, noticed, scorer_survivors, survivors

BY_KEY = pytest.mark.parametrize("one", ALL, ids=lambda one: one.key)


def test_all_rows_are_here() -> None:
    """The 216 rows, and none of an instrument that nobody asks about."""
    assert len(GIVEN) == 216
    counts = (
        "phq-2 10, phq-9 30, gad-7 15, audit 19, audit-c 14, dast-10 13, c-ssrs 16, asq 8, pc-ptsd-5 9, pcl-5 11, "
        "cows 16, ciwa-ar 12, taps-1 5, bam 7, cage-aid 4, mdq 6, isi 7, whodas-12 6, ahc-hrsn 8"
    )
    expected = {key: int(count) for key, count in (one.split() for one in counts.split(", "))}
    assert Counter(case.key for case in GIVEN) == expected
    assert len({case.id for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_vector(case: Case) -> None:
    result = score(shipped(case.key), case.answers, case.context)
    assert outcome(result) == case.expected
    assert case.more_met_by(result), (result.subscores, result.findings, result.labels)


def has_keys(case: Case) -> bool:
    """A form of the wrong length has no keyed form: keys have no length."""
    items = shipped(case.key).items
    fewest = max(number for number, item in enumerate(items, start=1) if item.required)
    return fewest <= len(case.answers) <= len(items)


@pytest.mark.parametrize("case", [case for case in CASES if has_keys(case)], ids=lambda case: case.id)
def test_vector_by_key(case: Case) -> None:
    instrument = shipped(case.key)
    words = ["declined" if answer == "R" else answer for answer in case.answers]
    keyed = {item.key: answer for item, answer in zip(instrument.items, words, strict=False)}
    result = score(instrument, keyed, case.context)
    assert outcome(result) == case.expected
    assert case.more_met_by(result)


@BY_KEY
def test_every_item_with_every_value(one: Instrument) -> None:
    wrong = [
        sweep.what
        for sweep in sweeps_of(one.key)
        if not sweep.met_by(score(one, sweep.answers, sweep.context))
    ]
    assert wrong == []


def test_vectors_notice_bent_rules() -> None:
    """A sample of the mutants; `make mutate` bends every rule."""
    tried, alive = survivors(ALL, step=9, first=4)
    assert tried > 300
    assert len(alive) * 20 <= tried, alive


def test_vectors_notice_a_bent_scorer() -> None:
    assert scorer_survivors() == []
    assert len(SCORER) == 14


def test_a_mutant_is_another_instrument() -> None:
    found = list(mutants_of(shipped("audit-c")))
    assert len({mutant.what for mutant in found}) == len(found) > 80
    assert not noticed(shipped("audit-c"))


BENT_RULES = {
    "item 9 may be estimated": ("phq-9", "never: [phq9.9]", "never: []"),
    "item 9 urgent from 2": (
        "phq-9",
        "when: {any_of: [phq9.9], at_least: 1}\n    m",
        "when: {any_of: [phq9.9], at_least: 2}\n    m",
    ),
    "item 5 is always asked": (
        "asq",
        "    asked_when: {any_of: [asq.1, asq.2, asq.3, asq.4], at_least: 1, declined: true}\n",
        "",
    ),
    "item 3 counts like the others": ("dast-10", "answers: no_counts", "answers: yes_no"),
    "moderate from 14": (
        "cows",
        "from: 5, to: 12}\n    - {key: moderate, label: Moderate, from: 13",
        "from: 5, to: 13}\n    - {key: moderate, label: Moderate, from: 14",
    ),
}


@pytest.mark.parametrize("bent", BENT_RULES)
def test_vectors_notice_a_rule_bent_in_its_file(bent: str) -> None:
    key, old, new = BENT_RULES[bent]
    assert broken_cases(altered(key, (old, new))) != []


def test_vectors_notice_bankers_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "half_up", lambda above, below: round(above / below))
    assert broken_cases(shipped("phq-9")) == ["PHQ9-019"]


@pytest.mark.parametrize(
    ("above", "below", "rounded"), [(9, 2, 5), (7, 2, 4), (13, 3, 4), (14, 3, 5), (0, 7, 0)]
)
def test_half_goes_up(above: int, below: int, rounded: int) -> None:
    assert scoring.half_up(above, below) == rounded
