"""Which paragraphs of a plan are compared with other plans, and in which form (CP-20)."""

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.admission.careplan.paragraphs import paragraphs, texts
from service.admission.likeness.paragraph import form_of
from tests.unit.admission.careplan.plans import BOOK, PLAN, content

LONG = "I want to be at the table in the evening and to remember the next morning what we talked about."


def own_words(text: str) -> list[dict[str, Any]]:
    return [PLAN["goals"][0] | {"own_words": text}, PLAN["goals"][1]]


def places(**parts: Any) -> list[str]:
    return [one.field for one in paragraphs(content(**parts), BOOK)]


@pytest.mark.parametrize(
    "written",
    [
        LONG.upper(),
        "  " + LONG.replace(" ", "   ") + "\t",
        LONG.replace(".", "!").replace(" and ", ", and "),
        LONG.replace("evening", "evening (2026-05-04, 18:30)"),
    ],
    ids=["case", "spaces", "punctuation", "another date"],
)
def test_a_copy_with_other_trimmings_is_the_same_paragraph(written: str) -> None:
    assert form_of(written) == form_of(LONG)


def test_other_words_are_another_paragraph() -> None:
    assert form_of(LONG.replace("evening", "morning")) != form_of(LONG)


@given(st.text(max_size=60))
def test_the_form_is_a_fixed_point_and_the_same_for_both_spellings_of_a_letter(text: str) -> None:
    form = form_of(text)
    assert form_of(form) == form
    assert form_of(unicodedata.normalize("NFD", text)) == form_of(unicodedata.normalize("NFC", text))
    assert "  " not in form and form == form.strip()
    assert not any(mark.isdigit() or mark in ".,;:!?-" for mark in form)


def test_each_paragraph_of_a_text_is_compared_and_short_ones_are_not() -> None:
    assert places() == []
    assert places(goals=own_words(LONG)) == ["goals[0].own_words"]
    assert places(goals=own_words(f"{LONG}\nShort.\n{LONG[::-1]}")) == ["goals[0].own_words"] * 2
    least = "a" * BOOK.values["cloned_characters"]
    assert places(goals=own_words(least)) == ["goals[0].own_words"]
    assert places(goals=own_words(least[1:])) == []


def test_what_is_meant_to_be_the_same_for_everybody_is_not_compared() -> None:
    shared = {
        "safety": {"overdose_plan": LONG},
        "reviewer": LONG,
        "team": [{"name": LONG, "role": LONG}],
        "medicines": [{"name": LONG, "purpose": "other", "prescriber": LONG}],
    }
    assert {field for field, text in texts(content(**shared)) if text == LONG} == {
        *("safety.overdose_plan", "reviewer", "team[0].name", "team[0].role"),
        *("medicines[0].name", "medicines[0].prescriber"),
    }
    assert places(**shared) == []
    flag = "00000000-0000-7000-8000-000000000001"
    persons = {
        "safety": {"flag_notes": {flag: LONG}},
        "gate_notes": {"G3": LONG},
        "family_note": LONG,
        "person": {"strengths": [{"text": LONG}], "culture": LONG},
        "leaving": {"criteria": [LONG], "discussed_on": "2026-05-04"},
    }
    assert set(places(**persons)) == {
        *(f"safety.flag_notes.{flag}", "gate_notes.G3", "family_note", "person.strengths[0].text"),
        *("person.culture", "leaving.criteria[0]"),
    }


def test_a_sentence_of_the_programs_own_templates_is_no_clone_once_filled_in() -> None:
    long_ones = [one.text for one in BOOK.templates.values() if len(form_of(one.text)) > 40]
    assert long_ones, "a template long enough to matter"
    for text in long_ones:
        filled = text.replace("{baseline}", "fourteen points as of today").replace(
            "{date}", "the first of July"
        )
        goals = own_words("In my own words.")
        goals[0] = goals[0] | {"objectives": [goals[0]["objectives"][0] | {"statement": filled}]}
        assert places(goals=goals) == [], text
        goals[0] = goals[0] | {"objectives": [goals[0]["objectives"][0] | {"statement": f"{filled} {LONG}"}]}
        expected = [] if text.rstrip().endswith("}") else ["goals[0].objectives[0].statement"]
        assert places(goals=goals) == expected, text
