"""What makes a patient findable, what makes two patients alike."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import Code, Invalid
from service.people import finding
from service.people.finding import Index, Resemblance, Term
from service.vault.blindindex import normalise_name

TODAY = date(2026, 6, 1)
ANA: dict[str, Any] = {"given_name": "Ana", "family_name": "Testperson", "birth_date": "1990-04-05"}
names = st.text(st.characters(categories=["Lu", "Ll", "Lo"]), min_size=1, max_size=12)
births = st.dates(date(1900, 1, 1), TODAY)


@given(family=names, given_name=names, born=births)
def test_every_patient_is_found_by_what_they_were_registered_with(
    family: str, given_name: str, born: date
) -> None:
    document = {"family_name": family, "given_name": given_name, "birth_date": born.isoformat()}
    terms = finding.terms(document)
    for sought in (
        {"family_name": family, "given_name": None},
        {"family_name": None, "given_name": given_name},
        {"family_name": family.upper(), "given_name": f" {given_name} "},
    ):
        if normalise_name(family) and normalise_name(given_name):
            for group in finding.search_terms(**sought, birth_date=born, number=None):
                assert set(group) & terms


@given(family=names, given_name=names, born=births, other=births)
def test_a_search_with_another_birth_date_finds_nobody(
    family: str, given_name: str, born: date, other: date
) -> None:
    document = {"family_name": family, "given_name": given_name, "birth_date": born.isoformat()}
    if normalise_name(family) and born != other:
        sought = finding.search_terms(family_name=family, given_name=None, birth_date=other, number=None)
        assert not {term for group in sought for term in group} & finding.terms(document)


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
        terms = finding.search_terms(
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
    found = finding.terms(document)
    assert finding.identifier("t00017") in found
    assert finding.identifier("T00017", "mrn") in found
    assert finding.identifier("T00017", "other") not in found
    # One index never answers for the other.
    assert finding.identifier("x").index is Index.IDENTIFIER
    assert finding.identifier("x", "y").index is Index.SYSTEM_IDENTIFIER


@pytest.mark.parametrize(
    ("left", "right"),
    [("Smith", "Smyth"), ("Testperson", "Testpersen"), ("Meyer", "Mayer"), ("O'Neil", "Oneill")],
)
def test_names_that_sound_alike_share_a_term(left: str, right: str) -> None:
    assert finding.phonetic_birth(left, "1990-04-05") == finding.phonetic_birth(right, "1990-04-05")
    assert finding.phonetic_birth(left, "1990-04-05") != finding.phonetic_birth(right, "1990-04-06")


@pytest.mark.parametrize(("left", "right"), [("Иванова", "Петрова"), ("田中", "佐藤"), ("Smith", "Jones")])
def test_names_the_phonetic_rule_cannot_hear_stay_apart(left: str, right: str) -> None:
    assert finding.phonetic_birth(left, "1990-04-05") != finding.phonetic_birth(right, "1990-04-05")


def test_resemblances_come_strongest_first() -> None:
    document = ANA | {
        "identifiers": [{"system": "mrn", "value": "1"}],
        "phone": "555 0100",
        "email": "ana@example.org",
    }
    assert [reason for _, reason in finding.resemblances(document)] == list(Resemblance)


def alike(left: dict[str, Any], right: dict[str, Any]) -> set[Resemblance]:
    """Why somebody registered as `left` may be `right`."""
    there = finding.terms(left)
    return {reason for term, reason in finding.resemblances(right) if term in there}


FORMER = ANA | {"family_name": "Married", "aliases": [{"family_name": "Testperson"}]}
SAME_SURNAME = {Resemblance.SAME_GIVEN_NAME_AND_BIRTH_DATE, Resemblance.SIMILAR_FAMILY_NAME_AND_BIRTH_DATE}
OTHER_NAME = Resemblance.SAME_OTHER_NAME_AND_BIRTH_DATE


@pytest.mark.parametrize(
    ("left", "right", "reasons"),
    [
        (FORMER, ANA, {OTHER_NAME} | SAME_SURNAME),
        (ANA, FORMER, {OTHER_NAME} | SAME_SURNAME),
        (
            ANA | {"given_name": "X", "name_used": "Ana"},
            ANA,
            {OTHER_NAME, Resemblance.SIMILAR_FAMILY_NAME_AND_BIRTH_DATE},
        ),
        (
            ANA | {"phone": "+1 (212) 555-0100"},
            {"given_name": "B", "family_name": "C", "birth_date": "1990-12-31", "phone": "2125550100"},
            {Resemblance.SAME_PHONE, Resemblance.SAME_PHONE_AND_BIRTH_YEAR},
        ),
        (
            ANA | {"channels": [{"channel": "text", "address": "555 0100", "safe": True}]},
            {"given_name": "B", "family_name": "C", "birth_date": "1991-04-05", "phone": "5550100"},
            {Resemblance.SAME_PHONE},
        ),
        (
            ANA | {"email": "ANA@example.org"},
            {
                "given_name": "B",
                "family_name": "C",
                "birth_date": "1990-01-01",
                "channels": [{"channel": "email", "address": " ana@example.org", "safe": False}],
            },
            {Resemblance.SAME_EMAIL, Resemblance.SAME_EMAIL_AND_BIRTH_YEAR},
        ),
        (
            ANA | {"channels": [{"channel": "mail", "address": "5550100", "safe": True}]},
            {"given_name": "B", "family_name": "C", "birth_date": "1990-01-01", "phone": "5550100"},
            set[Resemblance](),
        ),
        (
            ANA | {"contacts": [{"name": "Bo", "phone": "5550100"}]},
            {"given_name": "B", "family_name": "C", "birth_date": "1990-01-01", "phone": "5550100"},
            set[Resemblance](),
        ),
    ],
)
def test_other_names_and_ways_to_reach_somebody_are_reasons(
    left: dict[str, Any], right: dict[str, Any], reasons: set[Resemblance]
) -> None:
    assert alike(left, right) == reasons


def test_a_requester_never_finds_by_another_name() -> None:
    exact = finding.name_birth("Testperson", "Ana", "1990-04-05")
    assert exact in finding.terms(ANA)
    assert exact not in finding.terms(FORMER)


def test_a_term_does_not_print_what_is_looked_for() -> None:
    assert "secret" not in repr(Term(Index.IDENTIFIER, "secret"))
