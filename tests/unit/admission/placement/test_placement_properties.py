"""What holds of the rules whatever the facts are: unknown is never no, order is nothing, readiness refuses nobody."""

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from service.admission.placement.conditions import Value
from service.admission.placement.evaluating import evaluate, strongest_of
from service.admission.placement.rules import GUARDED, FactRule, FactType, Outcome, Suggestion
from tests.unit.admission.placement.table import BASE, BOOK

RULES = BOOK.core
some = settings(max_examples=70)
#: Values on both sides of every border the table has.
BORDERS = (0, 3, 5, 7, 9, 10, 13, 14, 15, 18, 19, 20, 25, 30, 31, 72)


def values(fact: FactRule) -> st.SearchStrategy[Value]:
    if fact.type is FactType.YES_NO:
        return st.booleans()
    if fact.type is FactType.CHOICE:
        return st.sampled_from(fact.choices)
    near = sorted({value for one in BORDERS for value in (one - 1, one, one + 1) if fact.admits(value)})
    return st.sampled_from(near)


@st.composite
def situations(draw: st.DrawFn) -> dict[str, Value | None]:
    """The base person with a few facts otherwise, or unknown."""
    changed = draw(st.lists(st.sampled_from(sorted(RULES.facts)), max_size=9, unique=True))
    found = dict(BASE)
    for name in changed:
        found[name] = draw(st.none() | values(RULES.facts[name]))
    return found


FACTS = st.sampled_from(sorted(RULES.facts))
OLD = st.frozensets(st.sampled_from(sorted(name for name, one in RULES.facts.items() if one.fresh_hours)))


def guarded(said: Suggestion) -> dict[str, Outcome]:
    """Rules that say EMERGENCY or HIGHER."""
    return {one.id: one.outcome for one in said.fired if one.outcome in GUARDED}


@given(situations(), FACTS)
@some
def test_what_is_forgotten_never_silences_an_emergency_of_other_facts(
    facts: dict[str, Value | None], forgotten: str
) -> None:
    before = evaluate(RULES, facts)
    after = guarded(evaluate(RULES, facts | {forgotten: None}))
    for one in before.fired:
        if one.outcome in GUARDED and forgotten not in one.facts:
            assert after.get(one.id) is one.outcome, one.id


@given(situations(), FACTS)
@some
def test_what_is_forgotten_never_lowers_a_class_of_other_facts(
    facts: dict[str, Value | None], forgotten: str
) -> None:
    before = evaluate(RULES, facts)
    strongest = [one for one in before.fired if one.outcome is before.outcome]
    if before.outcome in GUARDED and any(forgotten not in one.facts for one in strongest):
        assert evaluate(RULES, facts | {forgotten: None}).outcome.rank <= before.outcome.rank


@given(situations(), OLD)
@some
def test_a_value_that_grew_old_never_silences_an_emergency(
    facts: dict[str, Value | None], old: frozenset[str]
) -> None:
    before, after = guarded(evaluate(RULES, facts)), guarded(evaluate(RULES, facts, old))
    assert before.items() <= after.items()


@given(situations(), OLD)
@some
def test_a_value_that_grew_old_reassures_nobody(facts: dict[str, Value | None], old: frozenset[str]) -> None:
    """What an old value leaves below a review, the same value left out leaves there too."""
    said = evaluate(RULES, facts, old)
    without = evaluate(RULES, {name: None if name in old else value for name, value in facts.items()})
    assert said.outcome.rank <= without.outcome.rank


@given(situations(), st.data())
@some
def test_a_rule_more_never_lowers_the_class(facts: dict[str, Value | None], data: st.DataObject) -> None:
    fired = [one.outcome for one in evaluate(RULES, facts).fired]
    more = data.draw(st.sampled_from(list(Outcome)))
    assert strongest_of([*fired, more]).rank <= strongest_of(fired).rank


@given(situations(), st.randoms(use_true_random=False))
@some
def test_the_order_of_facts_is_nothing(facts: dict[str, Value | None], shuffler: object) -> None:
    turned = list(facts.items())
    shuffler.shuffle(turned)  # type: ignore[attr-defined]
    assert evaluate(RULES, dict(turned)) == evaluate(RULES, facts)


@given(situations())
@some
def test_readiness_moves_nobody_up_or_down(facts: dict[str, Value | None]) -> None:
    """It makes an IOP one with conditions, and does nothing else."""
    said = {
        each: evaluate(RULES, facts | {"readiness": each}).outcome for each in ("ready", "ambivalent", "low")
    }
    assert said["low"] is said["ambivalent"]
    if said["low"] is not said["ready"]:
        assert (said["ready"], said["low"]) == (Outcome.IOP, Outcome.IOP_CONDITIONS)


@given(situations())
@some
def test_what_cannot_be_is_unknown(facts: dict[str, Value | None]) -> None:
    impossible: Mapping[str, Value | None] = {"phq9": 99, "home_safe": "no", "housing": True, "weight": 80}
    assert evaluate(RULES, {**facts, **impossible}) == evaluate(
        RULES, facts | dict.fromkeys(("phq9", "home_safe", "housing"))
    )


@given(situations())
@some
def test_every_reason_shows_the_facts_it_rests_on(facts: dict[str, Value | None]) -> None:
    said = evaluate(RULES, facts)
    assert said.outcome is strongest_of(one.outcome for one in said.fired)
    for one in said.fired:
        for name in one.facts:
            assert RULES.facts[name].title in one.reason
    assert set(said.missing) <= {name for name in RULES.facts if facts.get(name) is None}


def test_without_any_fact_nothing_is_suggested_but_to_find_out() -> None:
    said = evaluate(RULES, {})
    assert (said.outcome, said.levels) == (Outcome.INCOMPLETE, ())
    assert [one.id for one in said.fired] == ["P-00"]
    assert "suicide_band" in said.missing


def test_without_any_rule_nothing_is_established() -> None:
    assert evaluate(replace(RULES, rules=()), BASE).outcome is Outcome.INCOMPLETE
