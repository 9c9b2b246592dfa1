"""Reads facts and conditions of the placement table: nothing a fact cannot have, no fact nobody gathers."""

from collections.abc import Collection, Mapping

from service.admission.placement.conditions import (
    Compare,
    Condition,
    Every,
    NotFired,
    Operator,
    Some,
    Unknown,
    Unless,
    Value,
)
from service.admission.placement.rules import FactRule, FactType
from service.intake.yamlfield import Field

_FORMS = ("all", "any", "unless", "unknown", "not_fired")
_ORDERED = (Operator.AT_LEAST, Operator.AT_MOST)


def read_facts(file: Field) -> dict[str, FactRule]:
    """The catalogue of facts."""
    members = file.members(("version", "facts"))
    return {name: _fact(name, entry) for name, entry in members["facts"].mapping().items()}


def _fact(name: str, entry: Field) -> FactRule:
    members = entry.members(("title",), ("yes_no", "whole", "choices", "instruments", "fresh_hours", "ages"))
    forms = [form for form in ("yes_no", "whole", "choices") if form in members]
    if len(forms) != 1:
        entry.fault("is exactly one of yes_no, whole, choices")
    choices: tuple[str, ...] = ()
    least = most = 0
    match forms[0]:
        case "yes_no":
            kind = FactType.YES_NO
            if not members["yes_no"].truth():
                members["yes_no"].fault("is true or left out")
        case "whole":
            kind = FactType.WHOLE
            bounds = [one.integer() for one in members["whole"].sequence()]
            if len(bounds) != 2 or bounds[0] >= bounds[1]:
                members["whole"].fault("must be two whole numbers, the smaller first")
            least, most = bounds
        case _:
            kind = FactType.CHOICE
            choices = tuple(one.text() for one in members["choices"].sequence())
            if len(set(choices)) < 2 or len(set(choices)) != len(choices):
                members["choices"].fault("must offer two or more different values")
    hours = members["fresh_hours"].integer() if "fresh_hours" in members else None
    if hours is not None and hours < 1:
        members["fresh_hours"].fault("must be 1 or more")
    listed = members["instruments"].sequence() if "instruments" in members else []
    instruments = tuple(one.text() for one in listed)
    ages = "ages" in members and members["ages"].truth()
    return FactRule(name, members["title"].text(), kind, choices, least, most, instruments, hours, ages)


def read_condition(field: Field, facts: Mapping[str, FactRule], rules: Collection[str]) -> Condition:
    """One condition over these facts; `rules`: ids it may ask about."""
    given = field.mapping()
    if "fact" in given:
        return _compare(field, facts)
    if len(given) != 1 or next(iter(given)) not in _FORMS:
        field.fault(f"is fact with a comparison, or one of {', '.join(_FORMS)}")
    form, inner = next(iter(given.items()))
    match form:
        case "unknown":
            return Unknown(inner.one_of(facts))
        case "not_fired":
            listed = tuple(one.one_of(rules) for one in inner.sequence())
            if not listed or len(set(listed)) != len(listed):
                inner.fault("must name rules, each once")
            return NotFired(listed)
        case "unless":
            return Unless(read_condition(inner, facts, rules))
        case _:
            parts = tuple(read_condition(one, facts, rules) for one in inner.sequence())
            if len(parts) < 2:
                inner.fault("must have two or more parts")
            return Every(parts) if form == "all" else Some(parts)


def _compare(field: Field, facts: Mapping[str, FactRule]) -> Compare:
    members = field.members(("fact",), tuple(Operator))
    fact = facts[members["fact"].one_of(facts)]
    operators = [one for one in Operator if one in members]
    if len(operators) != 1:
        field.fault(f"compares exactly once: {', '.join(Operator)}")
    operator, given = operators[0], members[operators[0]]
    if operator in _ORDERED and fact.type is not FactType.WHOLE:
        given.fault("only a number has an order")
    listed = given.sequence() if operator is Operator.ONE_OF else [given]
    values = tuple(_value(one, fact) for one in listed)
    if operator is Operator.ONE_OF and (len(values) < 2 or len(set(values)) != len(values)):
        given.fault("must name two or more different values")
    return Compare(fact.name, operator, values)


def _value(field: Field, fact: FactRule) -> Value:
    match fact.type:
        case FactType.YES_NO:
            return field.truth()
        case FactType.WHOLE:
            value = field.integer()
            if not fact.least <= value <= fact.most:
                field.fault(f"{fact.name} is from {fact.least} to {fact.most}")
            return value
        case FactType.CHOICE:
            return field.one_of(fact.choices)
