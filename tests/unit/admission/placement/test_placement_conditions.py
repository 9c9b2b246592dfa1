"""The language of conditions: Kleene's logic, and nothing made of what is not known."""

from itertools import product

import pytest

from service.admission.placement.conditions import (
    Compare,
    Condition,
    Every,
    Judgement,
    NotFired,
    Operator,
    Situation,
    Some,
    Truth,
    Unknown,
    Unless,
    facts_in,
    parts_of,
)

T, F, U = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN
VALUES = {T: True, F: False, U: None}
#: Kleene: the order false < unknown < true; all is the least, any the greatest.
ORDER = (F, U, T)
A, B = Compare("a", Operator.IS, (True,)), Compare("b", Operator.IS, (True,))


def judge(condition: Condition, **facts: object) -> Judgement:
    return condition.judge(Situation(facts))  # type: ignore[arg-type]


@pytest.mark.parametrize(("a", "b"), list(product(ORDER, ORDER)), ids=lambda one: one.value)
def test_all_and_any_are_kleenes(a: Truth, b: Truth) -> None:
    facts = {"a": VALUES[a], "b": VALUES[b]}
    assert judge(Every((A, B)), **facts).truth is min(a, b, key=ORDER.index)
    assert judge(Some((A, B)), **facts).truth is max(a, b, key=ORDER.index)


def test_a_judgement_names_what_it_rests_on_and_what_is_open() -> None:
    assert judge(Some((A, B)), a=True, b=True).rests_on == {"a", "b"}
    assert judge(Some((A, B)), a=True).rests_on == {"a"}
    assert judge(Every((A, B)), a=True).open == {"b"}
    assert judge(Some((A, B)), a=False).open == {"b"}
    assert judge(Every((A, Unless(B))), a=True) == Judgement(T, frozenset({"a"}), frozenset({"b"}))


@pytest.mark.parametrize(("b", "truth"), [(True, F), (False, T), (None, T)], ids=["yes", "no", "unknown"])
def test_unless_is_lifted_only_by_what_is_known(b: bool | None, truth: Truth) -> None:
    assert judge(Unless(B), b=b).truth is truth


def test_unknown_asks_for_ignorance_and_not_fired_for_silence() -> None:
    assert judge(Unknown("a")).truth is T
    assert judge(Unknown("a"), a=False).truth is F
    assert Unknown("a").judge(Situation({"a": 1}, frozenset({"a"}))).truth is T, "stale is not known"
    assert NotFired(("X",)).judge(Situation({}, fired=frozenset({"Y"}))).truth is T
    assert NotFired(("X", "Y")).judge(Situation({}, fired=frozenset({"Y"}))).truth is F


@pytest.mark.parametrize(
    ("operator", "wanted", "value", "truth"),
    [
        (Operator.AT_LEAST, 5, 5, T),
        (Operator.AT_LEAST, 5, 4, F),
        (Operator.AT_MOST, 5, 5, T),
        (Operator.AT_MOST, 5, 6, F),
        (Operator.IS, "x", "x", T),
        (Operator.IS, "x", "y", F),
        (Operator.IS, 1, True, F),
        (Operator.AT_LEAST, 5, "9", F),
    ],
    ids=lambda one: str(one),
)
def test_comparisons(operator: Operator, wanted: int | str, value: object, truth: Truth) -> None:
    assert judge(Compare("a", operator, (wanted,)), a=value).truth is truth


@pytest.mark.parametrize(
    ("value", "heeds", "truth"), [(9, True, T), (9, False, U), (1, True, U), (1, False, U)]
)
def test_a_stale_value_worries_those_who_heed_it_and_reassures_nobody(
    value: int, heeds: bool, truth: Truth
) -> None:
    situation = Situation({"a": value}, frozenset({"a"}), heeds_stale=heeds)
    assert Compare("a", Operator.AT_LEAST, (5,)).judge(situation).truth is truth
    inner = Unless(Compare("a", Operator.AT_MOST, (9,))).judge(situation)
    assert inner.truth is T, "it lifts nothing"


def test_what_a_condition_names_is_known_at_any_depth() -> None:
    condition = Every((A, Some((Unless(B), Unknown("c"))), NotFired(("X",))))
    assert facts_in(condition) == {"a", "b", "c"}
    assert parts_of(condition).not_fired == {"X"}
    with pytest.raises(TypeError):
        parts_of("a")  # type: ignore[arg-type]
