"""Every vector of placement: the fifty given ones and our own; and whether a change of the table would be noticed."""

import pytest

from service.admission.placement.rules import STATEMENT, Status
from tests.unit.admission.placement.mutation import mutants, noticed
from tests.unit.admission.placement.table import BASE, BOOK, GIVEN, OWN, Case, levels

#: Every how manyth change an ordinary run tries; `make mutate` tries all.
SAMPLE = 5

#: 4th-edition dimensions of each rule, as the table of placement has them.
DIMENSIONS = {
    **dict.fromkeys(("P-03", "P-05", "P-06", "P-07"), (1,)),
    **dict.fromkeys(("P-04", "P-09"), (2,)),
    "P-08": (1, 2),
    **dict.fromkeys(("P-01", "P-02", "P-10", "P-11", "P-12", "P-13"), (3,)),
    **dict.fromkeys(("P-14", "P-15", "P-17", "P-18"), (5,)),
    "P-16": (4, 5),
    **dict.fromkeys(("P-19", "P-20", "P-22", "P-23", "P-24"), (4,)),
    "P-21": (1, 2, 3, 4, 5, 6),
    **dict.fromkeys(("P-26", "P-27", "P-28", "P-29"), (6,)),
    **dict.fromkeys(("P-00", "P-25"), ()),
}


@pytest.mark.parametrize("case", [*GIVEN, *OWN], ids=lambda case: case.id)
def test_the_table_says_what_the_vector_says(case: Case) -> None:
    said = case.run()
    assert said.outcome.value == case.outcome
    assert tuple(sorted(one.id for one in said.fired)) == case.fired
    if case.levels is not None:
        assert levels(said) == case.levels


def test_all_fifty_given_vectors_are_there() -> None:
    assert [case.id for case in GIVEN] == [f"PL-{number:03d}" for number in range(1, 51)]


def test_a_sample_of_changes_of_the_table_is_noticed() -> None:
    """At least 95 of a hundred; those left over do not change what the table says."""
    cases = [*GIVEN, *OWN]
    every = list(mutants(BOOK.core))
    tried = every[::SAMPLE]
    killed = sum(noticed(one, cases) for one in tried)
    assert len(every) > 600
    assert 100 * killed >= 95 * len(tried)


def test_every_rule_has_an_owner_a_version_its_dimensions_and_a_vector() -> None:
    fired = {rule for case in (*GIVEN, *OWN) for rule in case.fired}
    for rule in BOOK.core.rules:
        assert rule.owner and rule.version >= 1
        assert rule.status in set(Status) and rule.source
        assert rule.dimensions == DIMENSIONS[rule.id]
    assert fired == DIMENSIONS.keys() == {rule.id for rule in BOOK.core.rules}


def test_what_fired_shows_its_facts_and_what_would_change_it() -> None:
    said = GIVEN[31].run()  # use at home and nobody to support
    first = said.fired[0]
    assert (first.id, dict(first.facts)) == ("P-16", {"use_at_home": True, "support_person": False})
    assert first.reason == "Use at home and nobody to support: Substance use at home: yes, Support person: no"
    assert [(one.rule, one.facts) for one in said.would_change] == [
        ("P-16", ("use_at_home", "support_person"))
    ]
    assert [one.id for one in said.fired] == ["P-16", "P-22"], "strongest first"


def test_what_would_clear_a_rule_stands_in_what_would_change() -> None:
    said = GIVEN[28].run()  # unsafe home
    assert said.would_change[0].facts == ("housing", "home_safe")


def test_rules_that_could_still_fire_are_shown_with_what_is_missing() -> None:
    unknown = Case("", {**BASE, "homicidal_intent": None, "vitals_urgent": None}, frozenset(), "", (), None)
    said = unknown.run()
    assert said.missing == ("vitals_urgent",)
    shown = {one.id: (one.outcome.value, one.facts) for one in said.undecided}
    assert shown["P-02"] == ("EMERGENCY", ("homicidal_intent",))
    assert shown["P-04"] == ("EMERGENCY", ("vitals_urgent",))
    assert [one.outcome.rank for one in said.undecided] == sorted(one.outcome.rank for one in said.undecided)


def test_where_nothing_places_the_person_what_would_is_asked_for() -> None:
    said = Case("", {**BASE, "sud_severity": "mild", "phq9": None}, frozenset(), "", (), None).run()
    assert said.outcome.value == "INCOMPLETE"
    assert said.insisted == frozenset()
    assert "phq9" in said.missing


@pytest.mark.parametrize(
    ("change", "profiles"),
    [
        ({}, []),
        ({"age": 17}, ["P-30"]),
        ({"age": 18}, []),
        ({"age": None}, []),
        ({"track": "mh"}, ["P-31"]),
        ({"age": 16, "track": "mh"}, ["P-30", "P-31"]),
    ],
    ids=["adult", "17", "18", "unknown", "mh", "both"],
)
def test_age_and_track_choose_a_profile_and_no_class(change: dict[str, object], profiles: list[str]) -> None:
    said = Case("", {**BASE, **change}, frozenset(), "", (), None).run()  # type: ignore[dict-item]
    assert [one.id for one in said.profiles] == profiles
    assert not {one.id for one in said.fired} & {"P-30", "P-31"}


def test_a_state_adds_rules_only_where_it_is_switched_on() -> None:
    from_dc = BOOK.rules_for("DC")
    assert from_dc is BOOK.core, "off as it ships"
    assert BOOK.profiles["dc"].rules[0].id == "DC-01"


def test_the_statement_says_who_decides() -> None:
    assert STATEMENT == "Suggestion from entered facts. The clinician decides."
