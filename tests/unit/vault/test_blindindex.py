"""What counts as the same name, and what an index value gives away."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.vault.blindindex import blind, compound, index_key, normalise_identifier, normalise_name
from service.vault.keys import DataKey

KEY = DataKey(bytes(16), bytes(range(32)))
PROGRAM, OTHER = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("O'Brien", "OBRIEN"),
        ("O’Brien", "o'brien"),
        ("Testperson-Example", "testperson  EXAMPLE"),
        ("  Müller ", "Muller"),
        ("Groß", "GROSS"),
        ("Łukasz Ørsted", "lukasz orsted"),
        ("José", "Jose\u0301"),
        ("ﬁeld", "field"),
        ("İpek", "ipek"),
        ("Ｔｅｓｔ", "test"),
        ("St. Testperson, Jr.", "st testperson jr"),
        ("Дё\u0301", "де"),
    ],
)
def test_the_same_name_written_differently(left: str, right: str) -> None:
    assert normalise_name(left) == normalise_name(right) != ""


@pytest.mark.parametrize(
    ("left", "right"),
    [("Testperson", "Testpersen"), ("Ann Marie", "Annmarie"), ("कि", "का"), ("ab", "ba"), ("田", "由")],
)
def test_different_names_stay_different(left: str, right: str) -> None:
    assert normalise_name(left) != normalise_name(right)


@pytest.mark.parametrize("text", ["", "   ", "...", "'", "\u0301", "\u200b", "🙂"])
def test_a_name_without_letters_is_no_name(text: str) -> None:
    assert normalise_name(text) == ""


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise_name(text)
    assert normalise_name(once) == once
    assert normalise_identifier(normalise_identifier(text)) == normalise_identifier(text)


@given(st.text(st.characters(codec="latin-1")))
def test_case_and_surrounding_space_never_matter(text: str) -> None:
    assert normalise_name(f"  {text} ") == normalise_name(text)
    assert normalise_name(text.upper()) == normalise_name(text.lower())


def test_identifiers_ignore_separators_and_case() -> None:
    assert normalise_identifier("MRN 00-12a") == normalise_identifier("mrn0012A") == "mrn0012a"


@given(st.lists(st.text(), min_size=1, max_size=4), st.lists(st.text(), min_size=1, max_size=4))
def test_compounds_are_equal_only_part_by_part(left: list[str], right: list[str]) -> None:
    assert (compound(*left) == compound(*right)) == (left == right)


def test_index_values_are_short_stable_and_separate() -> None:
    places = [
        (KEY, PROGRAM, "patient_index", "name_birth"),
        (KEY, OTHER, "patient_index", "name_birth"),
        (KEY, PROGRAM, "recipient", "name_birth"),
        (KEY, PROGRAM, "patient_index", "phonetic_birth"),
        (DataKey(KEY.id, bytes(32)), PROGRAM, "patient_index", "name_birth"),
    ]
    values = [blind(index_key(*place), "testperson") for place in places]
    assert len(set(values)) == len(places)
    assert {len(value) for value in values} == {16}
    assert values == [blind(index_key(*place), "testperson") for place in places]
    assert blind(index_key(*places[0]), "testpersom") != values[0]
