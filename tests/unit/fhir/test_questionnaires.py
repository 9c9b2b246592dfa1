"""Every instrument as Questionnaire: valid FHIR R4, nothing lost, no code that is not in its file."""

from dataclasses import replace
from typing import Any

import pytest
from fhir.resources.R4B.questionnaire import Questionnaire

from service.fhir.calculation import Calculation
from service.fhir.form import askings, is_coded
from service.fhir.vocabulary import ABSENT, CALCULATED, ENABLE_WHEN, HIDDEN, LOINC, ORDINAL_VALUE
from service.intake.conditions import (
    AllOf,
    BandCondition,
    ContextCondition,
    ExceedsCondition,
    ItemCondition,
    ScaleCondition,
)
from service.intake.instrument import Instrument, Option
from tests.unit.fhir.exported import (
    NOTICE,
    assessment,
    exported,
    exported_response,
    items_of,
    recomputed,
    without_result,
)
from tests.unit.intake.instruments_of_record import ALL, CATALOGUE, shipped

BY_KEY = pytest.mark.parametrize("one", ALL, ids=lambda one: one.key)


def by_link(questionnaire: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = items_of(questionnaire)
    links = {item["linkId"]: item for item in found}
    assert len(links) == len(found), "a link names one item"
    return links


@BY_KEY
def test_instrument_is_a_valid_questionnaire(one: Instrument) -> None:
    questionnaire = exported(one.key, one)
    Questionnaire.model_validate(questionnaire)
    links = by_link(questionnaire)
    assert (questionnaire["url"], questionnaire["version"]) == (
        f"urn:consentry:instrument:{one.key}",
        str(one.version),
    )
    assert "://" not in questionnaire["url"]
    assert one.licence.text in questionnaire["copyright"]
    for item in one.items:
        shown = links[item.key]
        assert (shown["text"], shown["required"], shown["repeats"]) == (
            item.text,
            item.required,
            item.multiple,
        )
        for way in askings(item):
            codings = [offered["valueCoding"] for offered in links[way.link]["answerOption"]]
            assert [coding["display"] for coding in codings] == [option.label for option in way.options]
            points = [coding["extension"][0]["valueDecimal"] for coding in codings if not item.multiple]
            assert points == [option.points for option in way.options if not item.multiple]
            assert [coding.get("extension", [{}])[0].get("url", ORDINAL_VALUE) for coding in codings] == [
                ORDINAL_VALUE
            ] * len(codings)
    beside = {field.key: links[f"context.{field.key}"]["required"] for field in one.context}
    assert beside == {field.key: field.required for field in one.context}
    result = links["result"]
    assert {"url": HIDDEN, "valueBoolean": True} in result["extension"]
    assert all(item["readOnly"] for item in result["item"])


@BY_KEY
def test_codes_are_the_files_and_bring_the_notice(one: Instrument) -> None:
    """LOINC stands exactly where the file has a code, and nowhere without the notice."""
    text = str(exported(one.key, one))
    ways = [way for item in one.items for way in askings(item)]
    in_file = {
        code
        for code in (
            one.panel_code,
            one.total_code,
            *(way.code for way in ways),
            *(option.code for way in ways for option in way.options),
        )
        if code is not None
    }
    assert all(f"'{code}'" in text for code in in_file)
    assert (LOINC in text) == bool(in_file) == is_coded(one)
    assert (NOTICE in exported(one.key, one)["copyright"]) == bool(in_file)


def test_one_answer_code_makes_a_form_coded() -> None:
    plain = shipped("cage-aid")
    assert not is_coded(plain)
    first = plain.items[0]
    options = (Option(0, "No", code="LA32-8"), *first.options[1:])
    assert is_coded(replace(plain, items=(replace(first, options=options), *plain.items[1:])))


def test_rules_of_skipping_are_plain_where_r4_can_say_them() -> None:
    audit = by_link(exported("audit", shipped("audit")))
    assert "enableWhen" not in audit["audit.1"]
    codes = {one["answerCoding"]["code"] for one in audit["audit.2"]["enableWhen"]}
    assert codes == {"LA18926-8", "LA18927-6", "LA18928-4", "LA18929-2"}, "anything but never"
    assert audit["audit.4"]["enableBehavior"] == "any"
    assert {one["question"] for one in audit["audit.4"]["enableWhen"]} == {"audit.2", "audit.3"}
    # that a refusal opens the way to item 5, and a threshold of a sum, only an expression can say
    asq = by_link(exported("asq", shipped("asq")))["asq.5"]
    assert "enableWhen" not in asq
    (rule,) = asq["extension"]
    assert rule["url"] == ENABLE_WHEN
    assert ABSENT in rule["valueExpression"]["expression"]
    assert "enableWhen" not in by_link(exported("mdq", shipped("mdq")))["mdq.14"]


def test_each_way_of_asking_is_an_item_of_its_own() -> None:
    """Of two codings of a form one is enabled, whatever is known, and the answer is coded by it."""
    whodas = shipped("whodas-12")
    links = by_link(exported("whodas-12", whodas))
    first, second = links["whodas12.1"], links["whodas12.1/1"]
    assert [one["valueCoding"]["code"] for one in first["answerOption"]] == ["1", "2", "3", "4", "5"]
    assert [one["valueCoding"]["code"] for one in second["answerOption"]] == ["0", "1", "2", "3", "4"]
    assert [one.get("answerCoding", {}).get("code") for one in second["enableWhen"]] == ["0-4"]
    assert [one["operator"] for one in first["enableWhen"]] == ["=", "exists"]
    coding = links["context.coding"]["answerOption"]
    assert [one.get("initialSelected", False) for one in coding] == [True, False]
    answers = {item.key: 1 for item in whodas.items}
    for context, link in (({}, "whodas12.1"), ({"coding": "0-4"}, "whodas12.1/1")):
        response = exported_response(whodas, assessment(whodas, answers, context))
        assert link in {item["linkId"] for item in items_of(response)}


def test_licensed_instruments_say_labels_and_nothing_of_the_wording() -> None:
    for one in CATALOGUE.current():
        if one.wording.holder is not None:
            questionnaire = exported(one.key, one)
            assert "short labels of our own" in questionnaire["description"]
            assert max(len(item.text) for item in one.items) < 40, one.key


# ---- conditions no shipped file has in a form ----------------------------------------------------------


def truth(instrument: Instrument, condition: Any, answers: dict[str, Any], context: Any = None) -> Any:
    """The condition as another item's rule, computed from the exported form."""
    *others, last = instrument.items
    bent = replace(instrument, items=(*others, replace(last, asked_when=condition)))
    questionnaire = exported(f"{instrument.key} {condition!r}", bent)
    (name,) = [one for one in Calculation.of(bent).variables if one.startswith("asked")]
    probe = {
        "linkId": "probe",
        "extension": [{"url": CALCULATED, "valueExpression": {"expression": f"%{name}"}}],
    }
    response = without_result(exported_response(instrument, assessment(instrument, answers, context)))
    return recomputed({**questionnaire, "item": [*questionnaire["item"], probe]}, response)["probe"]


def test_conditions_are_three_valued_in_fhirpath_too() -> None:
    gad = shipped("gad-7")
    low = ItemCondition(("gad7.1", "gad7.2"), at_most=0)
    high = ScaleCondition("total", at_least=3)
    assert truth(gad, low, {"gad7.1": 0}) is True
    assert truth(gad, low, {"gad7.1": 1}) is None
    assert truth(gad, low, {"gad7.1": 1, "gad7.2": 2}) is False
    assert truth(gad, ItemCondition(("gad7.1",), unanswered=True), {}) is True
    assert truth(gad, ItemCondition(("gad7.1",), declined=True), {"gad7.1": "declined"}) is True
    assert truth(gad, ItemCondition(("gad7.1",), declined=True), {"gad7.1": 3}) is False
    assert truth(gad, ItemCondition(("gad7.1",), at_least=1), {"gad7.1": "declined"}) is None
    assert truth(gad, high, {"gad7.1": 3}) is True, "a sum can only rise"
    assert truth(gad, high, {"gad7.1": 1}) is None
    assert truth(gad, AllOf((low, high)), {"gad7.1": 1, "gad7.2": 1}) is False
    assert truth(gad, ScaleCondition("total", at_most=2), {"gad7.1": 3}) is False
    bam = shipped("bam")
    exceeds = ExceedsCondition("risk", "use")
    assert truth(bam, exceeds, {}) is None
    assert truth(bam, exceeds, {f"bam.{n}": 4 for n in (1, 2, 3, 8)}) is True
    assert truth(bam, ContextCondition("form", frozenset({"7-day"}), negated=True), {}) is True
    assert truth(bam, ContextCondition("form", frozenset({"7-day"})), {}, {"form": "7-day"}) is True
    with pytest.raises(ValueError, match="band"):
        Calculation.of(gad).truth(BandCondition(frozenset({"mild"})))


def test_conditions_over_choices_counts_and_places() -> None:
    hrsn = shipped("ahc-hrsn")
    problems = ItemCondition(("ahchrsn.2",), at_least=1)
    assert truth(hrsn, problems, {"ahchrsn.2": ["mold"]}) is True
    assert truth(hrsn, problems, {"ahchrsn.2": ["none"]}) is False
    assert truth(hrsn, problems, {}) is None
    never = ItemCondition(("ahchrsn.2",), at_least=99)
    assert truth(hrsn, never, {"ahchrsn.2": ["mold"]}) is False
    phq = shipped("phq-9")
    many = ScaleCondition("symptoms", at_least=2)
    assert truth(phq, many, {"phq9.1": 2, "phq9.2": 3}) is True
    assert truth(phq, many, {"phq9.1": 2}) is None
    assert truth(phq, many, {f"phq9.{number}": 1 for number in range(1, 9)}) is False
    gad = shipped("gad-7")
    nothing = ItemCondition(("gad7.1",))
    assert truth(gad, nothing, {"gad7.1": 0}) is False
