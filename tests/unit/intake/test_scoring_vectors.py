"""Every hand-written vector of the three instruments, by id; and proof that they can fail."""

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
    """The same rows with answers by item key (PHQ9-028 is about the length of a list; keys have none)."""
    instrument = shipped(case.key)
    words = ["declined" if answer == "R" else answer for answer in case.answers]
    keyed = {item.key: answer for item, answer in zip(instrument.items, words, strict=False)}
    assert outcome(score(instrument, keyed)) == expected(case)


@pytest.mark.parametrize("by", [-1, 1])
@pytest.mark.parametrize(
    ("key", "cut_off"),
    [("phq-9", 5), ("phq-9", 10), ("phq-9", 15), ("phq-9", 20), ("gad-7", 5), ("gad-7", 10), ("gad-7", 15)],
)
def test_vectors_notice_a_moved_cut_off(key: str, cut_off: int, by: int) -> None:
    moved = altered(
        key,
        (f"to: {cut_off - 1}}}", f"to: {cut_off - 1 + by}}}"),
        (f"from: {cut_off},", f"from: {cut_off + by},"),
    )
    assert broken_cases(moved) != []


ASQ_YES = "when: {any_of: [asq.1, asq.2, asq.3, asq.4], at_least: 1, declined: true}"
ASQ_BAND = f"      label: Non-acute positive\n      {ASQ_YES}"

BENT_RULES = {
    "item 9 may be estimated": ("phq-9", "never: [phq9.9]", "never: []"),
    "estimate with three missing": ("phq-9", "max_missing: 2", "max_missing: 3"),
    "no estimate with two missing": ("phq-9", "max_missing: 2", "max_missing: 1"),
    "item 9 urgent from 2": ("phq-9", "[phq9.9], at_least: 1", "[phq9.9], at_least: 2"),
    "item 8 in the place of item 9": ("phq-9", "[phq9.9], at_least: 1", "[phq9.8], at_least: 1"),
    "daily from 1": ("phq-9", "at_least: 3}", "at_least: 1}"),
    "item 9 may stay blank": ("phq-9", "only: [incomplete]", "only: [rejected]"),
    "review from 16": ("gad-7", "total_at_least: 15", "total_at_least: 16"),
    "review from 14": ("gad-7", "total_at_least: 15", "total_at_least: 14"),
    "item 7 is never estimated": ("gad-7", "never: []", "never: [gad7.7]"),
    "a refusal does not count": ("asq", ASQ_BAND, ASQ_BAND.replace(", declined: true", "")),
    "a past attempt does not count": ("asq", ASQ_BAND, ASQ_BAND.replace(", asq.4", "")),
    "item 5 is always asked": ("asq", f"    asked_{ASQ_YES}\n", ""),
    "item 5 hangs on item 1 alone": ("asq", f"asked_{ASQ_YES}", "asked_when: {any_of: [asq.1], at_least: 1}"),
    "item 5 does not replace the review": (
        "asq",
        "unless: {any_of: [asq.5], at_least: 1",
        "unless: {any_of: [asq.5], at_least: 2",
    ),
}


@pytest.mark.parametrize("bent", BENT_RULES)
def test_vectors_notice_a_bent_rule(bent: str) -> None:
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
