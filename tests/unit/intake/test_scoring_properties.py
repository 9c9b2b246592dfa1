"""What must hold for every form anybody could send, not only for the vectors."""

import json
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.intake.answers import read_form
from service.intake.assessment import fault_of
from service.intake.conditions import Word
from service.intake.flags import Status
from service.intake.instrument import Instrument
from service.intake.scoring import score
from tests.unit.intake.instruments_of_record import ALL, CATALOGUE, altered, shipped

INSTRUMENTS = st.sampled_from(ALL)
GARBAGE = st.one_of(
    st.booleans(),
    st.floats(allow_nan=True),
    st.text(max_size=5),
    st.integers(),
    st.none(),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.binary(max_size=3),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)


def answers_of(instrument: Instrument, key: str, *, gaps: bool) -> st.SearchStrategy[object]:
    item = next(item for item in instrument.items if item.key == key)
    values: list[object] = [[option.value] if item.multiple else option.value for option in item.options]
    return st.sampled_from([*values, None, "declined"] if gaps else values)


def forms(instrument: Instrument, *, gaps: bool) -> st.SearchStrategy[dict[str, object]]:
    return st.fixed_dictionaries(
        {item.key: answers_of(instrument, item.key, gaps=gaps) for item in instrument.items}
    )


@given(st.data(), INSTRUMENTS, st.randoms(use_true_random=False))
def test_order_of_answers_does_not_matter(
    data: st.DataObject, instrument: Instrument, chance: random.Random
) -> None:
    form = data.draw(forms(instrument, gaps=True))
    shuffled = list(form.items())
    chance.shuffle(shuffled)
    assert score(instrument, dict(shuffled)) == score(instrument, form)


@given(st.data(), INSTRUMENTS)
def test_a_draft_survives_its_json(data: st.DataObject, instrument: Instrument) -> None:
    """Any part of a form, sent and stored as JSON, reads and scores as it was given."""
    form = data.draw(forms(instrument, gaps=True))
    kept = data.draw(st.sets(st.sampled_from(sorted(form))))
    part = {key: form[key] for key in form if key in kept}
    again = json.loads(json.dumps(part))
    assert read_form(instrument, again, None) == read_form(instrument, part, None)
    assert score(instrument, again) == score(instrument, part)
    assert score(instrument, part).status is not Status.REJECTED


@given(st.data(), st.sampled_from([one for one in ALL if one.scoring.total is not None]))
def test_the_total_does_not_depend_on_unscored_items(data: st.DataObject, instrument: Instrument) -> None:
    form = data.draw(forms(instrument, gaps=True))
    unscored = [item.key for item in instrument.items if not item.scored]
    changed = {key: data.draw(answers_of(instrument, key, gaps=True)) for key in unscored}
    before, after = score(instrument, form), score(instrument, {**form, **changed})
    if before.total is not None and after.total is not None:
        assert before.total == after.total


@given(JSON, JSON, INSTRUMENTS)
def test_arbitrary_json_has_a_result(answers: object, context: object, instrument: Instrument) -> None:
    result = score(instrument, answers, context)
    assert result.rule_version == instrument.rule_version


@given(st.data(), INSTRUMENTS, JSON)
def test_any_context_has_a_result(data: st.DataObject, instrument: Instrument, value: object) -> None:
    form = data.draw(forms(instrument, gaps=True))
    context = {field.key: data.draw(st.one_of(st.just(value), JSON)) for field in instrument.context}
    assert score(instrument, form, context).status in Status


#: One answer, the flags one of which it must raise, whatever stands in the rest of the form.
ALARMS = [
    *[("phq-9", "phq9.9", value, "suicide_item_positive") for value in (1, 2, 3)],
    *[("c-ssrs", f"cssrs.{number}", 1, "urgent_high") for number in (4, 5, 7)],
    *[("asq", "asq.5", answer, "urgent_high") for answer in (1, "declined")],
    *[
        ("ciwa-ar", f"ciwaar.{number}", value, "urgent_medical_withdrawal")
        for number in (6, 7, 8)
        for value in (4, 7)
    ],
    ("ciwa-ar", "ciwaar.10", 2, "urgent_medical_withdrawal"),
    ("bam", "bam.4", 1, "use_any"),
    ("ahc-hrsn", "ahchrsn.2", ["pests"], "need_housing"),
]


@pytest.mark.parametrize(("key", "item", "answer", "flag"), ALARMS, ids=str)
@settings(max_examples=30)
@given(st.data())
def test_an_alarm_is_heard_through_any_garbage(
    key: str, item: str, answer: object, flag: str, data: st.DataObject
) -> None:
    instrument = shipped(key)
    others = [one.key for one in instrument.items if one.key != item]
    rest = data.draw(st.dictionaries(st.sampled_from(others), GARBAGE | st.integers(0, 8)))
    unknown = data.draw(st.dictionaries(st.text(max_size=6), GARBAGE, max_size=2))
    codes = {one.code for one in score(instrument, {**unknown, **rest, item: answer}).flags}
    assert flag in codes


@given(st.data(), st.sampled_from(["phq-9", "gad-7"]))
def test_more_points_never_lower_the_total(data: st.DataObject, key: str) -> None:
    instrument = shipped(key)
    form = data.draw(forms(instrument, gaps=True))
    raised = data.draw(st.sampled_from([item.key for item in instrument.scored_items]))
    before = score(instrument, form)
    if not isinstance(form[raised], int) or form[raised] == 3 or before.total is None:
        return
    after = score(instrument, {**form, raised: form[raised] + 1})
    assert after.total is not None
    assert after.total >= before.total
    assert {flag.code for flag in after.flags} >= {flag.code for flag in before.flags}


@given(st.data(), st.sampled_from([1, 2, 3]))
def test_item_9_is_heard_through_any_garbage(data: st.DataObject, item_9: int) -> None:
    rest = {key: data.draw(GARBAGE) for key in [f"phq9.{number}" for number in range(1, 9)]}
    unknown = data.draw(st.dictionaries(st.text(max_size=6), GARBAGE, max_size=2))
    result = score(shipped("phq-9"), {**unknown, **rest, "phq9.9": item_9})
    codes = {flag.code for flag in result.flags}
    assert "suicide_item_positive" in codes
    assert ("suicide_item_daily" in codes) == (item_9 == 3)


@given(st.lists(GARBAGE, min_size=8, max_size=8), st.lists(GARBAGE, max_size=3))
def test_item_9_is_heard_in_a_list_of_any_length(before: list[object], after: list[object]) -> None:
    result = score(shipped("phq-9"), [*before, 1, *after])
    assert "suicide_item_positive" in {flag.code for flag in result.flags}


@given(st.data(), st.integers(1, 5), st.sampled_from([1, "declined"]))
def test_asq_yes_is_heard_through_any_garbage(data: st.DataObject, number: int, answer: object) -> None:
    rest = {f"asq.{other}": data.draw(GARBAGE) for other in range(1, 6) if other != number}
    codes = {flag.code for flag in score(shipped("asq"), {**rest, f"asq.{number}": answer}).flags}
    assert codes & {"urgent_high", "same_day_review"}
    if number == 5:
        assert "urgent_high" in codes


@given(st.data(), INSTRUMENTS)
def test_any_input_has_a_result(data: st.DataObject, instrument: Instrument) -> None:
    answers = data.draw(
        st.one_of(GARBAGE, st.lists(GARBAGE, max_size=11), st.dictionaries(st.text(), GARBAGE))
    )
    result = score(instrument, answers)
    if result.status in (Status.REJECTED, Status.INCOMPLETE, Status.NEEDS_REVIEW):
        assert result.total is None
    assert list(result.flags) == sorted(result.flags, key=lambda flag: flag.code)


@given(st.data(), INSTRUMENTS)
def test_a_full_form_is_never_short_of_answers(data: st.DataObject, instrument: Instrument) -> None:
    result = score(instrument, data.draw(forms(instrument, gaps=False)))
    assert result.status in (Status.COMPLETE, Status.NEEDS_REVIEW)
    assert result.missing == ()
    if result.status is Status.COMPLETE:
        assert (result.total is None) is (instrument.scoring.total is None)
        assert (result.band is None) is (not instrument.scoring.bands)


@pytest.mark.parametrize(
    "wrong", [True, False, "1", "", 2.0, math.nan, math.inf, -1, 4, 10**40, "R", [1], {"value": 1}, 1j]
)
def test_what_is_not_an_answer(wrong: object) -> None:
    form: dict[str, object] = {f"phq9.{number}": 1 for number in range(1, 9)} | {"phq9.9": 0, "phq9.4": wrong}
    result = score(shipped("phq-9"), form)
    assert result.status is Status.REJECTED
    assert result.refused == ("phq9.4",)
    assert [flag.code for flag in result.flags] == ["out_of_range"]


def test_an_item_that_is_not_the_instruments_rejects_the_form() -> None:
    form = {f"gad7.{number}": 0 for number in range(1, 8)}
    assert score(shipped("gad-7"), form).status is Status.COMPLETE
    assert score(shipped("gad-7"), {**form, "gad7.8": 0}).status is Status.REJECTED


def test_difficulty_is_checked_and_not_added() -> None:
    form = {f"phq9.{number}": 1 for number in range(1, 10)}
    assert score(shipped("phq-9"), {**form, "phq9.difficulty": 3}).total == 9
    assert score(shipped("phq-9"), {**form, "phq9.difficulty": 4}).status is Status.REJECTED


def test_declining_item_9_is_an_answer_for_a_clinician_and_not_for_the_form() -> None:
    form: dict[str, object] = {f"phq9.{number}": 1 for number in range(1, 9)} | {"phq9.9": "declined"}
    result = score(shipped("phq-9"), form)
    assert result.status is Status.INCOMPLETE
    assert result.missing == ("phq9.9",)
    assert [(flag.code, flag.task) for flag in result.flags] == [("item9_declined", "clinician_interview")]


def test_declining_another_item_counts_as_missing() -> None:
    form: dict[str, object] = {f"phq9.{number}": 1 for number in range(1, 10)} | {"phq9.2": "declined"}
    result = score(shipped("phq-9"), form)
    assert (result.status, result.total, result.answered) == (Status.PRORATED, 9, 8)
    assert result.missing == ("phq9.2",)


@pytest.mark.parametrize(
    ("answers", "status", "band", "codes"),
    [
        ([1, 0, 0, 0, "R"], "complete", "acute_positive", ["urgent_high"]),
        ([0, 0, 0, 0, "R"], "needs_review", "acute_positive", ["skip_conflict", "urgent_high"]),
        ([0, 0, 0, 0, 0], "complete", "negative", []),
        ([0, 0, None, 0, 1], "incomplete", None, ["urgent_high"]),
        ([0, 0, None, 0, None], "incomplete", None, []),
        ([1, 0, 0, 9, None], "rejected", None, ["out_of_range", "same_day_review"]),
        ([0, 0, 0, "x", 1], "rejected", None, ["out_of_range", "urgent_high"]),
        ([1, 0, 0, 0], "rejected", None, ["out_of_range", "same_day_review"]),
    ],
)
def test_asq_patterns(answers: list[object], status: str, band: str | None, codes: list[str]) -> None:
    result = score(shipped("asq"), answers)
    assert (result.status, result.band, [flag.code for flag in result.flags]) == (status, band, codes)


def test_asq_item_5_is_not_missing_before_its_turn() -> None:
    assert score(shipped("asq"), {"asq.1": 0}).missing == ("asq.2", "asq.3", "asq.4")
    assert score(shipped("asq"), {"asq.1": 1}).missing == ("asq.2", "asq.3", "asq.4", "asq.5")


def test_result_names_the_exact_rules() -> None:
    before = score(shipped("gad-7"), [0] * 7).rule_version
    after = score(altered("gad-7", ("total, at_least: 15", "total, at_least: 14")), [0] * 7).rule_version
    assert before.startswith("gad-7@1+")
    assert before != after


def test_every_total_has_one_band() -> None:
    for instrument in CATALOGUE.current():
        for group in instrument.scoring.band_sets:
            if group.bands[0].by_total:
                highest = sum(item.most_points for item in instrument.scored_items)
                for total in range(highest + 1):
                    assert sum(band.holds(total) for band in group.bands) == 1


def test_words_are_never_values() -> None:
    assert not any(isinstance(word, int) for word in Word)


@pytest.mark.parametrize("form", ["days", "30", "", 30, True, ["30-day"]])
def test_a_form_that_an_instrument_has_not_is_never_read_as_another(form: object) -> None:
    bam = shipped("bam")
    zeros = {item.key: 0 for item in bam.items}
    result = score(bam, zeros, {"form": form})
    assert (result.status, result.total, result.unread) == (Status.REJECTED, None, ("form",))
    assert set(result.subscores.values()) == {None}
    fault = fault_of(result, completing=False, claimed_total=None)
    assert fault is not None
    assert [(one.field, one.code) for one in fault.errors] == [("context.form", "unknown_form")]
    for said in ({}, {"form": None}, {"form": "7-day"}):
        assert score(bam, zeros, said).status is Status.COMPLETE
