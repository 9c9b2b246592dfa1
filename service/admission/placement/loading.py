"""Reads `policies/placement`, strictly: a file with any fault stops the service from starting.

Every fault names file, line and field. Beside the form of the files this checks what would make a rule unsafe: a rule
that can say EMERGENCY or HIGHER names a level, so that an override downwards can be told, and never depends on what is
not known or on rules that did not fire, so that learning less never makes it silent.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from service.admission.placement.book import (
    EDITIONS,
    Demands,
    Dimensions,
    Level,
    OverrideCode,
    PlacementBook,
    Reevaluation,
    StateProfile,
)
from service.admission.placement.conditions import Condition, parts_of
from service.admission.placement.reading import read_condition, read_facts
from service.admission.placement.rules import (
    GUARDED,
    Branch,
    FactRule,
    Outcome,
    ProfileRule,
    Rule,
    RuleSet,
    Status,
    Target,
)
from service.intake.yamlfield import DefinitionError, Field, read_fields

_RULE = (
    "id",
    "owner",
    "version",
    "dimensions",
    "when",
    "outcome",
    "levels",
    "reason",
    "step",
    "source",
    "status",
)
_BRANCH = ("when", "outcome", "levels", "step")
_OVERRIDE_FIELDS = ("interim_plan", "denial_id", "appeal_offered", "wrong_fact")
_FOURTH = 4


@dataclass(frozen=True, slots=True)
class _Known:
    """What conditions and rules may name."""

    facts: Mapping[str, FactRule]
    levels: Sequence[str]


def load_placement(policies: Path) -> PlacementBook:
    """The book of the folder `policies`; raises StartRefused with the place for whoever edited it."""
    folder = policies / "placement"
    texts = {
        name: _text(folder / name) for name in ("facts.yaml", "levels.yaml", "rules.yaml", "decisions.yaml")
    }
    facts = read_facts(read_fields("facts.yaml", texts["facts.yaml"]))
    levels, offered, dimensions = _levels(read_fields("levels.yaml", texts["levels.yaml"]))
    known = _Known(facts, tuple(levels))
    digest = hashlib.sha256("\0".join(texts[name] for name in sorted(texts)).encode()).hexdigest()
    core = _rule_set("rules.yaml", texts["rules.yaml"], known, digest)
    profiles: dict[str, StateProfile] = {}
    for path in sorted((folder / "profiles").glob("*.yaml")):
        profiles[path.stem] = _state_profile(path, known, {rule.id for rule in core.rules})
    demands, profiles_on = _demands(read_fields("decisions.yaml", texts["decisions.yaml"]), core, profiles)
    return PlacementBook(core, levels, offered, dimensions, demands, profiles, profiles_on)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise DefinitionError(f"{path.name}:1: file: cannot be read") from None


# -- rules


def _rule_set(source: str, text: str, known: _Known, digest: str) -> RuleSet:
    members = read_fields(source, text).members(("version", "rules", "profiles"))
    listed = members["rules"].sequence()
    ids = [entry.members(_RULE, ("branches",))["id"].text() for entry in listed]
    rules: dict[str, Rule] = {}
    for entry in listed:
        rule = _rule(entry, known, frozenset(ids))
        if rule.id in rules:
            entry.fault(f"{rule.id} is given twice")
        rules[rule.id] = rule
    version = f"placement@{members['version'].integer()}:{digest[:16]}"
    profiles = tuple(_profile_rule(entry, known) for entry in members["profiles"].sequence())
    return RuleSet(
        version=version,
        facts=known.facts,
        rules=_in_order(members["rules"], rules),
        profiles=profiles,
        ladder=tuple(known.levels),
    )


def _rule(entry: Field, known: _Known, ids: frozenset[str]) -> Rule:
    members = entry.members(_RULE, ("branches",))
    when = read_condition(members["when"], known.facts, ids)
    branches = tuple(
        _branch(one, known, ids) for one in (members["branches"].sequence() if "branches" in members else ())
    )
    rule = Rule(
        id=members["id"].text(),
        owner=members["owner"].text(),
        version=_positive(members["version"]),
        dimensions=tuple(_between(one, 1, 6) for one in members["dimensions"].sequence()),
        when=when,
        outcome=Outcome(members["outcome"].one_of(list(Outcome))),
        targets=_targets(members["levels"], known.levels),
        step=members["step"].text(),
        reason=members["reason"].text(),
        source=members["source"].text(),
        status=Status(members["status"].one_of(list(Status))),
        branches=branches,
    )
    if rule.reason.count("{facts}") != 1 or rule.reason.count("{") != 1:
        members["reason"].fault("must show its facts: {facts}, once, and nothing else in braces")
    _check_guarded(members["when"], rule.outcome, rule.targets, [when])
    for field, branch in zip(members["branches"].sequence() if branches else (), branches, strict=True):
        _check_guarded(field, branch.outcome, branch.targets, [when, branch.when])
        if branch.outcome.rank >= rule.outcome.rank:
            field.fault("must be stronger than the rule itself")
    return rule


def _branch(entry: Field, known: _Known, ids: frozenset[str]) -> Branch:
    members = entry.members(_BRANCH)
    return Branch(
        when=read_condition(members["when"], known.facts, ids),
        outcome=Outcome(members["outcome"].one_of(list(Outcome))),
        targets=_targets(members["levels"], known.levels),
        step=members["step"].text(),
    )


def _check_guarded(
    field: Field, outcome: Outcome, targets: tuple[Target, ...], conditions: list[Condition]
) -> None:
    if outcome not in GUARDED:
        return
    if not any(one.given is None for one in targets):
        field.fault("EMERGENCY and HIGHER name a level that stands by itself")
    if any(parts_of(one).not_fired or parts_of(one).asked_unknown for one in conditions):
        field.fault("EMERGENCY and HIGHER rest on known facts only: no unknown, no not_fired")


def _targets(field: Field, levels: Sequence[str]) -> tuple[Target, ...]:
    found: list[Target] = []
    for entry in field.sequence():
        code, _, given = entry.text().partition(" with ")
        if code not in levels:
            entry.fault(f"must begin with one of {', '.join(levels)}")
        found.append(Target(code, given or None))
    return tuple(found)


def _profile_rule(entry: Field, known: _Known) -> ProfileRule:
    members = entry.members(("id", "key", "when", "says"))
    when = read_condition(members["when"], known.facts, frozenset())
    return ProfileRule(members["id"].text(), members["key"].text(), when, members["says"].text())


def _in_order(field: Field, rules: Mapping[str, Rule]) -> tuple[Rule, ...]:
    """Each rule after those whose silence it asks about; a ring of them is a fault."""
    asks = {key: parts_of(rule.when).not_fired for key, rule in rules.items()}
    for key, rule in rules.items():
        for branch in rule.branches:
            asks[key] |= parts_of(branch.when).not_fired
    ordered: list[Rule] = []
    while len(ordered) < len(rules):
        placed = {rule.id for rule in ordered}
        ready = [rule for key, rule in rules.items() if key not in placed and asks[key] <= placed]
        if not ready:
            field.fault("rules ask about each other in a ring")
        ordered.extend(ready)
    return tuple(ordered)


def _state_profile(path: Path, known: _Known, taken: set[str]) -> StateProfile:
    members = read_fields(f"profiles/{path.name}", _text(path)).members(("key", "state", "version", "rules"))
    if members["key"].text() != path.stem:
        members["key"].fault("is not the name of the file")
    rules = tuple(_rule(entry, known, frozenset()) for entry in members["rules"].sequence())
    for entry, rule in zip(members["rules"].sequence(), rules, strict=True):
        if rule.id in taken:
            entry.fault(f"{rule.id} is given twice")
        taken.add(rule.id)
    _positive(members["version"])
    return StateProfile(path.stem, members["state"].text(), rules)


# -- levels and demands


def _levels(file: Field) -> tuple[dict[str, Level], frozenset[str], dict[int, Dimensions]]:
    members = file.members(("version", "levels", "offered", "dimensions"))
    levels: dict[str, Level] = {}
    for entry in members["levels"].sequence():
        given = entry.members(("code", "editions", "title"), ("hours",))
        code = given["code"].text()
        if code in levels:
            given["code"].fault("given twice")
        editions = tuple(_between(one, min(EDITIONS), max(EDITIONS)) for one in given["editions"].sequence())
        hours = {
            name: _range(one) for name, one in (given["hours"].mapping() if "hours" in given else {}).items()
        }
        levels[code] = Level(code, editions, given["title"].text(), hours)
    offered = frozenset(one.one_of(levels) for one in members["offered"].sequence())
    found = [_dimensions(entry) for entry in members["dimensions"].sequence()]
    if sorted(one.edition for one in found) != sorted(EDITIONS):
        members["dimensions"].fault("each edition once")
    return levels, offered, {one.edition: one for one in found}


def _dimensions(entry: Field) -> Dimensions:
    members = entry.members(("edition", "names", "rated"), ("in_fourth",))
    edition = _between(members["edition"], min(EDITIONS), max(EDITIONS))
    names = tuple(one.text() for one in members["names"].sequence())
    places = [str(place) for place in range(1, len(names) + 1)]
    mapped: dict[int, int] = {}
    if "in_fourth" in members:
        for name, target in members["in_fourth"].mapping().items():
            if name not in places:
                target.fault("not a dimension of this edition")
            mapped[int(name)] = _between(target, 1, 6)
    elif edition == _FOURTH:
        mapped = {place: place for place in range(1, len(names) + 1)}
    rated = frozenset(_between(one, 1, len(names)) for one in members["rated"].sequence())
    return Dimensions(edition, names, rated, mapped)


def _demands(
    file: Field, core: RuleSet, profiles: Mapping[str, StateProfile]
) -> tuple[Demands, frozenset[str]]:
    numbers = ("least_characters", "follow_up_hours", "suggestion_hours", "alert_percent")
    members = file.members(("version", "override_codes", *numbers, "reevaluation", "state_profiles"))
    codes: dict[str, OverrideCode] = {}
    for code, entry in members["override_codes"].mapping().items():
        given = entry.members(("title", "needs"))
        needs = tuple(one.one_of(_OVERRIDE_FIELDS) for one in given["needs"].sequence())
        codes[code] = OverrideCode(code, given["title"].text(), needs)
    whole = (
        "day",
        "missed_in_a_row",
        "step_up_missed_days",
        "step_up_use_days_of_7",
        "step_up_relapses_of_14",
    )
    again = members["reevaluation"].members((*whole, "step_up_rules"))
    ids = {rule.id for rule in core.rules}
    reevaluation = Reevaluation(
        step_up_rules=frozenset(one.one_of(ids) for one in again["step_up_rules"].sequence()),
        **{name: _positive(again[name]) for name in whole},
    )
    on = frozenset(one.one_of(profiles) for one in members["state_profiles"].sequence())
    values = {name: _positive(members[name]) for name in numbers}
    return Demands(override_codes=codes, reevaluation=reevaluation, **values), on


def _range(field: Field) -> tuple[int, int]:
    values = [one.integer() for one in field.sequence()]
    if len(values) != 2 or not 0 <= values[0] <= values[1]:
        field.fault("must be two whole numbers, the smaller first")
    return values[0], values[1]


def _positive(field: Field) -> int:
    value = field.integer()
    if value < 1:
        field.fault("must be 1 or more")
    return value


def _between(field: Field, least: int, most: int) -> int:
    value = field.integer()
    if not least <= value <= most:
        field.fault(f"must be from {least} to {most}")
    return value
