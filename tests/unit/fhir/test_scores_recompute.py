"""Scores computed with a FHIRPath library from the exported Questionnaire and QuestionnaireResponse are ours.

Not expressible, and therefore not asked: `rejected` (an answer that is none of the item's options has no code, and a
form of another length has no items to carry it) and `needs_review` (answers against the skip rule, or against a
measurement beside them, are for a person; the expressions compute on). Everything else is: complete, prorated and
incomplete forms, declined answers, unknown and known context, every total, subscale and band.
"""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.intake.answers import in_context, read_context
from service.intake.conditions import Word
from service.intake.context import ContextField, ContextKind
from service.intake.flags import Status
from service.intake.instrument import Instrument
from service.intake.scoring import score
from tests.unit.fhir.exported import assessment, exported, exported_response, recomputed, same, without_result
from tests.unit.intake.instruments_of_record import ALL, GIVEN, Case, shipped

INEXPRESSIBLE = {Status.NEEDS_REVIEW.value, Status.REJECTED.value}
EXPRESSIBLE = [case for case in GIVEN if case.status not in INEXPRESSIBLE]
BY_KEY = pytest.mark.parametrize("one", ALL, ids=lambda one: one.key)


def keyed(case: Case) -> dict[str, Any]:
    words = [Word.DECLINED.value if answer == "R" else answer for answer in case.answers]
    return {item.key: word for item, word in zip(shipped(case.key).items, words, strict=False)}


def test_most_rows_can_be_expressed() -> None:
    """What is left out is left out because of its outcome, and for nothing else."""
    assert len(GIVEN) == 216
    assert Counter(case.status for case in GIVEN if case not in EXPRESSIBLE).keys() == INEXPRESSIBLE
    assert Counter(case.status for case in EXPRESSIBLE).keys() == {"complete", "prorated", "incomplete"}
    assert len(EXPRESSIBLE) > 170
    assert {case.key for case in EXPRESSIBLE} == {one.key for one in ALL}


@pytest.mark.parametrize("case", EXPRESSIBLE, ids=lambda case: case.id)
def test_row_recomputes(case: Case) -> None:
    """Against the row itself, and against the scorer where the row does not say (subscales)."""
    instrument, answers = shipped(case.key), keyed(case)
    response = exported_response(instrument, assessment(instrument, answers, case.context))
    computed = recomputed(exported(case.key, instrument), without_result(response))
    assert computed["status"] == case.status
    assert (computed.get("total"), computed.get("band")) == (case.total, case.band)
    assert {key: computed[f"scale.{key}"] for key in case.subscores} == case.subscores
    assert same(computed, score(instrument, answers, case.context))


def known_beside(field: ContextField) -> st.SearchStrategy[Any]:
    match field.kind:
        case ContextKind.CHOICE:
            return st.sampled_from([None, *field.values])
        case ContextKind.TRUTH:
            return st.sampled_from([None, True, False])
        case ContextKind.NUMBER:
            return st.none() | st.integers(field.least, field.most)
        case ContextKind.TIME:
            return st.sampled_from([None, "2026-02-28T20:00:00Z"])


def mostly(answer: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An answer in nine of ten items: forms with many gaps have no total."""
    silence = st.sampled_from([None, Word.DECLINED.value])
    return st.integers(0, 9).flatmap(lambda number: silence if number == 9 else answer)


@st.composite
def forms(draw: st.DrawFn, instrument: Instrument) -> tuple[dict[str, Any], dict[str, Any]]:
    """Acceptable answers, some missing or declined, in some context."""
    context = {field.key: draw(known_beside(field)) for field in instrument.context}
    context = {key: value for key, value in context.items() if value is not None}
    known = read_context(instrument, context)
    answers: dict[str, Any] = {}
    for item in instrument.items:
        options = in_context(item, known).options
        values = st.sampled_from([option.value for option in options])
        if item.multiple:
            alone = [[option.value] for option in options if option.exclusive]
            others = [option.value for option in options if not option.exclusive]
            values = st.sampled_from(alone) | st.lists(st.sampled_from(others), unique=True)
        answers[item.key] = draw(mostly(values))
    return answers, context


@BY_KEY
@settings(max_examples=6)
@given(data=st.data())
def test_any_form_recomputes(one: Instrument, data: st.DataObject) -> None:
    answers, context = data.draw(forms(one))
    result = score(one, answers, context)
    if result.status.value in INEXPRESSIBLE:
        assert result.status is Status.NEEDS_REVIEW, "every answer was one of the options"
        return
    response = exported_response(one, assessment(one, answers, context))
    assert same(recomputed(exported(one.key, one), without_result(response)), result), (answers, context)


def test_a_measurement_answers_its_item_for_another_system_too() -> None:
    """The response of a system that sends the pulse and no item 1: the expressions follow the steps themselves."""
    cows = shipped("cows")
    answers = {f"cows.{number}": 0 for number in range(2, 12)}
    for pulse, total in ((80, 0), (81, 1), (100, 1), (101, 2), (120, 2), (121, 4)):
        one = exported_response(cows, assessment(cows, answers, {"pulse_bpm": pulse}))
        one = without_result(one)
        one["item"] = [item for item in one["item"] if item["linkId"] != "cows.1"]
        computed = recomputed(exported("cows", cows), one)
        assert (computed["status"], computed["total"]) == ("complete", total), pulse


def test_what_is_recomputed_rests_on_the_exported_points_and_rules() -> None:
    """The proof can fail: another weight in the exported form is another total, another cut-off another band."""
    dast = shipped("dast-10")
    answers = {f"dast10.{number}": 0 for number in range(1, 11)}
    response = without_result(exported_response(dast, assessment(dast, answers)))
    questionnaire = exported("dast-10", dast)
    assert recomputed(questionnaire, response)["total"] == 1, "item 3 counts the other way round"
    bent = {**questionnaire, "item": [_heavier(item) for item in questionnaire["item"]]}
    assert recomputed(bent, response)["total"] == 5

    phq = shipped("phq-9")
    answers = {f"phq9.{number}": 1 for number in range(1, 9)} | {"phq9.9": 1}
    missing = {**answers, "phq9.1": None, "phq9.2": 2, "phq9.3": 2}
    response = without_result(exported_response(phq, assessment(phq, missing)))
    assert recomputed(exported("phq-9", phq), response)["total"] == 11, "10 of 8 items times 9, half up"


def _heavier(item: dict[str, Any]) -> dict[str, Any]:
    """Item 3 of the DAST with five points for "no"."""
    if item["linkId"] != "dast10.3":
        return item
    options = [
        {
            "valueCoding": {
                **one["valueCoding"],
                "extension": [{**one["valueCoding"]["extension"][0], "valueDecimal": 5}],
            }
        }
        for one in item["answerOption"]
    ]
    return {**item, "answerOption": options}
