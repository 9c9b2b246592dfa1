"""The table of rules over one patient's facts: a suggestion with every reason. The clinician decides.

All rules are looked at, and every rule that fires is shown with the facts it rests on. The suggestion is the strongest
class among them: there is no average, no weight and no score.
"""

from collections.abc import Iterable, Mapping

from service.admission.placement.conditions import Situation, Truth, Value
from service.admission.placement.rules import (
    HEEDING,
    Branch,
    Change,
    FactRule,
    Fired,
    Outcome,
    Profile,
    Rule,
    RuleSet,
    Suggestion,
    Target,
    Undecided,
)


def evaluate(rules: RuleSet, facts: Mapping[str, Value | None], stale: Iterable[str] = ()) -> Suggestion:
    """What the table says of these facts. A fact that is absent, None or of a value it cannot have is unknown; `stale`
    names those that have grown old.
    """
    known = {
        name: value
        for name, value in facts.items()
        if name in rules.facts and value is not None and rules.facts[name].admits(value)
    }
    old = frozenset(stale) & known.keys()
    fired: list[Fired] = []
    changes: list[Change] = []
    undecided: list[Undecided] = []
    for rule in rules.rules:
        names = frozenset(one.id for one in fired)
        situation = Situation(known, old, names, heeds_stale=not HEEDING.isdisjoint(rule.outcomes))
        found = rule.when.judge(situation)
        if found.truth is Truth.UNKNOWN:
            strongest = min(rule.outcomes, key=lambda one: one.rank)
            undecided.append(Undecided(rule.id, strongest, _in_order(rules, found.open)))
        if found.truth is Truth.TRUE:
            said, rests_on, lifted_by = _said(rule, situation, found.rests_on, found.lifted_by)
            fired.append(_fired(rules, rule, said, known, old, rests_on))
            changes.append(Change(rule.id, _in_order(rules, rests_on | lifted_by)))
    outcome = strongest_of(one.outcome for one in fired)
    strongest = frozenset(one.id for one in fired if one.outcome is outcome)
    return Suggestion(
        outcome=outcome,
        fired=tuple(sorted(fired, key=lambda one: (one.outcome.rank, one.id))),
        missing=_missing(rules, outcome, fired, undecided),
        levels=levels_of(rules, [one for one in fired if one.id in strongest]),
        would_change=tuple(
            sorted((one for one in changes if one.rule in strongest), key=lambda one: one.rule)
        ),
        undecided=tuple(sorted(undecided, key=lambda one: (one.outcome.rank, one.id))),
        profiles=tuple(
            Profile(one.id, one.key, one.says)
            for one in rules.profiles
            if one.when.judge(Situation(known, old)).truth is Truth.TRUE
        ),
        rule_set_version=rules.version,
    )


def strongest_of(outcomes: Iterable[Outcome]) -> Outcome:
    """The strongest class; when nothing fired, nothing is established."""
    return min(outcomes, key=lambda one: one.rank, default=Outcome.INCOMPLETE)


def levels_of(rules: RuleSet, strongest: Iterable[Fired]) -> tuple[Target, ...]:
    """Targets of the rules of the strongest class that satisfy the most demanding of them. None, when one of them names
    no level: its step comes first.
    """
    each = [one.targets for one in strongest]
    if not all(each):
        return ()
    place = {level: at for at, level in enumerate(rules.ladder)}
    floor = max((min(place[one.level] for one in targets) for targets in each), default=0)
    kept = {one for targets in each for one in targets if place[one.level] >= floor}
    return tuple(sorted(kept, key=lambda one: (place[one.level], one.given or "")))


def _said(
    rule: Rule, situation: Situation, rests_on: frozenset[str], lifted_by: frozenset[str]
) -> tuple[Branch, frozenset[str], frozenset[str]]:
    """The strongest thing the rule says here, and what that rests on."""
    said = Branch(rule.when, rule.outcome, rule.targets, rule.step)
    for branch in rule.branches:
        found = branch.when.judge(situation)
        if found.truth is Truth.TRUE and branch.outcome.rank < said.outcome.rank:
            said, rests_on, lifted_by = branch, rests_on | found.rests_on, lifted_by | found.lifted_by
    return said, rests_on, lifted_by


def _fired(
    rules: RuleSet,
    rule: Rule,
    said: Branch,
    known: Mapping[str, Value],
    old: frozenset[str],
    rests_on: frozenset[str],
) -> Fired:
    names = _in_order(rules, rests_on)
    shown = ", ".join(_shown(rules.facts[name], known.get(name)) for name in names)
    reason = rule.reason.replace("{facts}", shown or "nothing of the table applies")
    return Fired(
        id=rule.id,
        dim=rule.dimensions,
        outcome=said.outcome,
        facts={name: known.get(name) for name in names},
        reason=reason,
        step=said.step,
        targets=said.targets,
        stale=tuple(name for name in names if name in old),
    )


def _shown(fact: FactRule, value: Value | None) -> str:
    if value is None:
        return f"{fact.title}: not known"
    word = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value).replace("_", " ")
    return f"{fact.title}: {word}"


def _missing(
    rules: RuleSet, outcome: Outcome, fired: Iterable[Fired], undecided: Iterable[Undecided]
) -> tuple[str, ...]:
    """What somebody has to find out: the facts the table insists on, or else those that would let it say something."""
    insisted = {name for one in fired if one.outcome is Outcome.INCOMPLETE for name in one.facts}
    if not insisted and outcome is Outcome.INCOMPLETE:
        insisted = {name for one in undecided for name in one.facts}
    return _in_order(rules, insisted)


def _in_order(rules: RuleSet, names: Iterable[str]) -> tuple[str, ...]:
    wanted = frozenset(names)
    return tuple(name for name in rules.facts if name in wanted)
