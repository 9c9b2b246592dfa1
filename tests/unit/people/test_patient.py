"""Demographics: merge patches, what makes a patient findable, what makes two patients alike."""

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import Code, Invalid
from service.people import patient
from service.people.patient import Index, Resemblance, Term

TODAY = date(2026, 6, 1)
ANA: dict[str, Any] = {"given_name": "Ana", "family_name": "Testperson", "birth_date": "1990-04-05"}

scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.text("abc", max_size=3)
documents = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "c", "e"]), inner, max_size=4)
    ),
    max_leaves=8,
)
names = st.text(st.characters(categories=["Lu", "Ll", "Lo"]), min_size=1, max_size=12)
births = st.dates(date(1900, 1, 1), TODAY)

#: RFC 7396, appendix A: original, patch, result.
APPENDIX_A = [
    ('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
    ('{"a":"b"}', '{"a":null}', "{}"),
    ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
    ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
    ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
    ('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
    ('["a","b"]', '["c","d"]', '["c","d"]'),
    ('{"a":"b"}', '["c"]', '["c"]'),
    ('{"a":"foo"}', "null", "null"),
    ('{"a":"foo"}', '"bar"', '"bar"'),
    ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
    ("[1,2]", '{"a":"b","c":null}', '{"a":"b"}'),
    ("{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'),
]


@pytest.mark.parametrize(("original", "patch", "result"), APPENDIX_A)
def test_merging_is_rfc_7396(original: str, patch: str, result: str) -> None:
    assert patient.merge(json.loads(original), json.loads(patch)) == json.loads(result)


@given(document=documents, patch=documents)
def test_a_patch_applied_twice_changes_nothing_more(document: Any, patch: Any) -> None:
    before = json.dumps(document)
    once = patient.merge(document, patch)
    assert patient.merge(once, patch) == once
    assert json.dumps(document) == before


def test_a_plain_patient_is_acceptable() -> None:
    patient.check(ANA, TODAY)
    patient.check(ANA | {"birth_date": "2026-06-01"}, TODAY)


def test_all_faults_are_reported_together() -> None:
    with pytest.raises(Invalid) as refusal:
        patient.check({"given_name": "-", "birth_date": "2026-06-02", "sex": "m", "phone": "1"}, TODAY)
    assert {error.field for error in refusal.value.errors} == {
        "family_name",
        "given_name",
        "birth_date",
        "sex",
        "phone",
    }


@pytest.mark.parametrize("born", ["2026-13-01", "yesterday", "1990-02-30", "1889-12-31"])
def test_a_day_that_cannot_be_a_birth_is_refused(born: str) -> None:
    with pytest.raises(Invalid):
        patient.check(ANA | {"birth_date": born}, TODAY)


@given(family=names, given_name=names, born=births)
def test_every_patient_is_found_by_what_they_were_registered_with(
    family: str, given_name: str, born: date
) -> None:
    document = {"family_name": family, "given_name": given_name, "birth_date": born.isoformat()}
    terms = patient.terms(document)
    for sought in (
        {"family_name": family, "given_name": None},
        {"family_name": None, "given_name": given_name},
        {"family_name": family.upper(), "given_name": f" {given_name} "},
    ):
        if patient.normalise_name(family) and patient.normalise_name(given_name):
            assert set(patient.search_terms(**sought, birth_date=born, number=None)) <= terms


@given(family=names, given_name=names, born=births, other=births)
def test_a_search_with_another_birth_date_finds_nobody(
    family: str, given_name: str, born: date, other: date
) -> None:
    document = {"family_name": family, "given_name": given_name, "birth_date": born.isoformat()}
    if patient.normalise_name(family) and born != other:
        sought = patient.search_terms(family_name=family, given_name=None, birth_date=other, number=None)
        assert not set(sought) & patient.terms(document)


@given(
    family=st.none() | st.sampled_from(["", " ", "'", "Testperson"]),
    given_name=st.none() | st.sampled_from(["", "..", "Ana"]),
    born=st.none() | births,
    number=st.none() | st.tuples(st.none() | st.just("mrn"), st.sampled_from(["", "-", "17"])),
)
def test_a_search_has_a_name_and_a_birth_date_or_an_identifier(
    family: str | None, given_name: str | None, born: date | None, number: tuple[str | None, str] | None
) -> None:
    named = family == "Testperson" or given_name == "Ana"
    numbered = number is not None and number[1] == "17"
    enough = (named and born is not None) or (numbered and not named and born is None)
    try:
        terms = patient.search_terms(
            family_name=family, given_name=given_name, birth_date=born, number=number
        )
    except Invalid as refusal:
        assert refusal.code is Code.SEARCH_TOO_BROAD
        assert not enough
    else:
        assert enough
        assert len(terms) == (named and born is not None) + numbered


def test_an_identifier_is_found_in_its_system_and_in_any() -> None:
    document = ANA | {"identifiers": [{"system": "MRN ", "value": "T-000 17"}]}
    found = patient.terms(document)
    assert patient.identifier("t00017") in found
    assert patient.identifier("T00017", "mrn") in found
    assert patient.identifier("T00017", "other") not in found
    # One index never answers for the other.
    assert patient.identifier("x").index is Index.IDENTIFIER
    assert patient.identifier("x", "y").index is Index.SYSTEM_IDENTIFIER


@pytest.mark.parametrize(
    ("left", "right"),
    [("Smith", "Smyth"), ("Testperson", "Testpersen"), ("Meyer", "Mayer"), ("O'Neil", "Oneill")],
)
def test_names_that_sound_alike_share_a_term(left: str, right: str) -> None:
    assert patient.phonetic_birth(left, "1990-04-05") == patient.phonetic_birth(right, "1990-04-05")
    assert patient.phonetic_birth(left, "1990-04-05") != patient.phonetic_birth(right, "1990-04-06")


@pytest.mark.parametrize(("left", "right"), [("Иванова", "Петрова"), ("田中", "佐藤"), ("Smith", "Jones")])
def test_names_the_phonetic_rule_cannot_hear_stay_apart(left: str, right: str) -> None:
    assert patient.phonetic_birth(left, "1990-04-05") != patient.phonetic_birth(right, "1990-04-05")


def test_resemblances_come_strongest_first() -> None:
    document = ANA | {"identifiers": [{"system": "mrn", "value": "1"}]}
    assert [reason for _, reason in patient.resemblances(document)] == list(Resemblance)


def test_a_term_does_not_print_what_is_looked_for() -> None:
    assert "secret" not in repr(Term(Index.IDENTIFIER, "secret"))
