"""Changes one thing of the placement table at a time and says which change no vector notices.

Every threshold by one each way, every comparison, every value, every fact, every part of a condition, every clearing
condition, every rule another must not fire beside, every outcome, every branch, every target level.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

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
from service.admission.placement.rules import Branch, FactRule, FactType, Outcome, Rule, RuleSet, Target
from tests.unit.admission.placement.table import BOOK, GIVEN, OWN, Case


@dataclass(frozen=True)
class Mutant:
    """The table with one change, and the change in words."""

    rule: str
    change: str
    rules: RuleSet


def mutants(rules: RuleSet) -> Iterator[Mutant]:
    """Every changed table."""
    for place, rule in enumerate(rules.rules):
        before, behind = rules.rules[:place], rules.rules[place + 1 :]
        yield Mutant(rule.id, "taken out", replace(rules, rules=before + behind))
        for change, changed in _rule(rules, rule):
            yield Mutant(rule.id, change, replace(rules, rules=(*before, changed, *behind)))


def _rule(rules: RuleSet, rule: Rule) -> Iterator[tuple[str, Rule]]:
    for change, when in _condition(rules, rule.when):
        yield f"when {change}", replace(rule, when=when)
    for outcome in _beside(rule.outcome):
        yield f"outcome {outcome}", replace(rule, outcome=outcome)
    for change, targets in _targets(rule.targets):
        yield f"levels {change}", replace(rule, targets=targets)
    for place, branch in enumerate(rule.branches):
        others = rule.branches[:place], rule.branches[place + 1 :]
        yield f"branch {place} taken out", replace(rule, branches=others[0] + others[1])
        for change, changed in _branch(rules, branch):
            yield f"branch {place} {change}", replace(rule, branches=(*others[0], changed, *others[1]))


def _branch(rules: RuleSet, branch: Branch) -> Iterator[tuple[str, Branch]]:
    yield "always", replace(branch, when=NotFired(()))
    for change, when in _condition(rules, branch.when):
        yield f"when {change}", replace(branch, when=when)
    for outcome in _beside(branch.outcome):
        yield f"outcome {outcome}", replace(branch, outcome=outcome)
    for change, targets in _targets(branch.targets):
        yield f"levels {change}", replace(branch, targets=targets)


def _beside(outcome: Outcome) -> Iterator[Outcome]:
    """The classes next to one, stronger and weaker."""
    order = list(Outcome)
    yield from (order[place] for place in (outcome.rank - 1, outcome.rank + 1) if 0 <= place < len(order))


def _targets(targets: tuple[Target, ...]) -> Iterator[tuple[str, tuple[Target, ...]]]:
    for place, one in enumerate(targets):
        others = targets[:place], targets[place + 1 :]
        yield f"without {one.level}", others[0] + others[1]
        if one.given is not None:
            yield f"{one.level} by itself", (*others[0], Target(one.level), *others[1])


def _condition(rules: RuleSet, one: Condition) -> Iterator[tuple[str, Condition]]:
    match one:
        case Compare():
            yield from _compare(rules, one)
        case Unknown(fact=fact):
            for other in _facts_like(rules.facts[fact], rules):
                yield f"unknown {fact} -> {other}", Unknown(other)
            yield f"known {fact}", Unless(one)
        case NotFired(rules=ids):
            for gone in ids:
                yield f"may fire beside {gone}", NotFired(tuple(each for each in ids if each != gone))
        case Unless(part=part):
            yield "unless -> if", part
            for change, inner in _condition(rules, part):
                yield f"unless {change}", Unless(inner)
        case Every(parts=parts):
            yield "all -> any", Some(parts)
            yield from ((change, Every(inner)) for change, inner in _parts(rules, parts))
        case Some(parts=parts):
            yield "any -> all", Every(parts)
            yield from ((change, Some(inner)) for change, inner in _parts(rules, parts))
        case _:
            raise TypeError(one)


def _parts(rules: RuleSet, parts: tuple[Condition, ...]) -> Iterator[tuple[str, tuple[Condition, ...]]]:
    for place, part in enumerate(parts):
        before, behind = parts[:place], parts[place + 1 :]
        yield f"part {place} taken out", before + behind
        for change, changed in _condition(rules, part):
            yield f"part {place} {change}", (*before, changed, *behind)


def _compare(rules: RuleSet, one: Compare) -> Iterator[tuple[str, Condition]]:
    fact = rules.facts[one.fact]
    for other in _facts_like(fact, rules):
        yield f"{fact.name} -> {other}", replace(one, fact=other)
    if one.operator in (Operator.AT_LEAST, Operator.AT_MOST):
        turned = Operator.AT_MOST if one.operator is Operator.AT_LEAST else Operator.AT_LEAST
        yield f"{fact.name} {turned}", replace(one, operator=turned)
        limit = one.values[0]
        assert isinstance(limit, int)
        for moved in (limit - 1, limit + 1):
            if fact.least <= moved <= fact.most:
                yield f"{fact.name} {one.operator} {moved}", replace(one, values=(moved,))
        return
    for values in _values(fact, one.values):
        yield f"{fact.name} one of {values}", replace(one, operator=Operator.ONE_OF, values=values)


def _values(fact: FactRule, values: tuple[Value, ...]) -> Iterator[tuple[Value, ...]]:
    """One value fewer, one more, one exchanged."""
    every: Sequence[Value] = (True, False) if fact.type is FactType.YES_NO else fact.choices
    others = [one for one in every if one not in values]
    for gone in values:
        rest = tuple(one for one in values if one != gone)
        if rest:
            yield rest
        yield from ((*rest, other) for other in others)
    yield from ((*values, other) for other in others)


def _facts_like(fact: FactRule, rules: RuleSet) -> list[str]:
    """The next two facts that could stand in the same place."""
    names = [one.name for one in rules.facts.values() if (one.type, one.choices) == (fact.type, fact.choices)]
    turned = names[names.index(fact.name) + 1 :] + names[: names.index(fact.name)]
    return turned[:2]


def noticed(mutant: Mutant, cases: Sequence[Case]) -> bool:
    """Whether a vector comes out otherwise; those in which the rule fires are asked first."""
    return not all(
        case.met(mutant.rules) for case in sorted(cases, key=lambda one: mutant.rule not in one.fired)
    )


def main() -> int:
    """Prints every change that nobody notices, and killed/total; 1 below 95 of a hundred."""
    cases = [*GIVEN, *OWN]
    every = list(mutants(BOOK.core))
    left = [one for one in every if not noticed(one, cases)]
    for one in left:
        sys.stdout.write(f"{one.rule}: {one.change}\n")
    killed = len(every) - len(left)
    sys.stdout.write(f"placement: {killed}/{len(every)} killed\n")
    return 0 if 100 * killed >= 95 * len(every) else 1


if __name__ == "__main__":
    sys.exit(main())
