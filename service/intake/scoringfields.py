"""Reads how answers become a result: scales, bands, estimate, flags, findings, labels and change."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from service.intake.conditionfields import Scope, condition, truth
from service.intake.flags import FindingRule, FlagRule, Severity, Status
from service.intake.instrument import (
    TOTAL,
    Band,
    BandSet,
    Change,
    Item,
    LabelRule,
    Method,
    Prorating,
    Scale,
    Scoring,
)
from service.intake.yamlfield import Field
from service.labels import Label


def scales(field: Field, items: Sequence[Item]) -> tuple[Scale | None, tuple[Scale, ...]]:
    """The total (None where the method has none) and the other scales; needed before any condition is read."""
    members = field.members(("method", "source"), ("bands", "band_sets", "prorate", "scales"))
    method = members["method"].one_of(("sum", "pattern", "scales"))
    scored = tuple(item.key for item in items if item.scored)
    total = Scale(TOTAL, "Total", scored) if method == "sum" else None
    if total is not None and not scored:
        members["method"].fault("no item is scored")
    found: dict[str, Scale] = {}
    for entry in members["scales"].sequence() if "scales" in members else []:
        scale = _scale(entry, scored)
        if scale.key in found or scale.key == TOTAL:
            entry.mapping()["key"].fault("given twice")
        found[scale.key] = scale
    if method == "scales" and not found:
        members["method"].fault("no scale is defined")
    return total, tuple(found.values())


def _scale(field: Field, scored: Collection[str]) -> Scale:
    members = field.members(("key", "label", "items", "method"), ("count_from", "may_miss"))
    method = Method(members["method"].one_of(list(Method)))
    keys = tuple(key.one_of(scored) for key in members["items"].sequence())
    if not keys or len(set(keys)) < len(keys):
        members["items"].fault("must name at least one item, and none twice")
    if ("count_from" in members) is not (method is Method.COUNT):
        field.fault("count_from belongs to a count, and to nothing else")
    may_miss = members["may_miss"].integer() if "may_miss" in members else 0
    if method is Method.HIGHEST:
        may_miss = len(keys) - 1
    if not 0 <= may_miss < len(keys):
        members["may_miss"].fault("must leave at least one answered item")
    return Scale(
        key=members["key"].text(),
        label=members["label"].text(),
        items=keys,
        method=method,
        count_from=members["count_from"].integer() if "count_from" in members else 1,
        may_miss=may_miss,
    )


def scoring(
    field: Field, items: Sequence[Item], total: Scale | None, others: tuple[Scale, ...], scope: Scope
) -> Scoring:
    members = field.mapping()
    prorate = members.get("prorate")
    if prorate is not None and total is None:
        prorate.fault("there is no total to estimate")
    return Scoring(
        total=total,
        prorating=None if prorate is None else _prorating(prorate, items),
        scales=others,
        band_sets=_band_sets(field, items, total, scope),
        source=members["source"].text(),
    )


def _prorating(field: Field, items: Sequence[Item]) -> Prorating:
    members = field.members(("max_missing", "never", "source"))
    scored = {item.key for item in items if item.scored}
    if scored != {item.key for item in items if item.required}:
        field.fault("needs the required items to be the scored ones")
    max_missing = members["max_missing"].integer()
    if not 1 <= max_missing < len(scored):
        members["max_missing"].fault("must leave at least one answered item")
    never = frozenset(key.one_of(scored) for key in members["never"].sequence())
    return Prorating(max_missing, never, members["source"].text())


def _band_sets(field: Field, items: Sequence[Item], total: Scale | None, scope: Scope) -> tuple[BandSet, ...]:
    members = field.mapping()
    if "bands" in members and "band_sets" in members:
        members["band_sets"].fault("bands are given already")
    if "bands" in members:
        return (BandSet(None, _bands(members["bands"], items, total, scope)),)
    if "band_sets" not in members:
        return ()
    sets: list[BandSet] = []
    entries = members["band_sets"].sequence()
    for place, entry in enumerate(entries, start=1):
        one = entry.members(("bands",), ("when",))
        if ("when" in one) is (place == len(entries)):
            entry.fault("every set but the last has a condition, the last has none")
        only_context = Scope(context=scope.context)
        when = condition(one["when"], only_context) if "when" in one else None
        sets.append(BandSet(when, _bands(one["bands"], items, total, scope)))
    if len(sets) < 2:
        members["band_sets"].fault("at least two sets are needed; one set is just bands")
    return tuple(sets)


def _bands(field: Field, items: Sequence[Item], total: Scale | None, scope: Scope) -> tuple[Band, ...]:
    entries = field.sequence()
    if not entries:
        field.fault("at least one band is needed")
    if "from" in entries[0].mapping():
        return _total_bands(field, items, total, scope)
    bands: list[Band] = []
    for place, entry in enumerate(entries, start=1):
        members = entry.members(("key", "label"), ("when", "kept"))
        if ("when" in members) is (place == len(entries)):
            entry.fault("every band but the last has a condition, the last has none")
        bands.append(
            Band(
                key=members["key"].text(),
                label=members["label"].text(),
                when=condition(members["when"], scope) if "when" in members else None,
                kept=truth(members.get("kept"), default=False),
            )
        )
    return tuple(bands)


def _total_bands(field: Field, items: Sequence[Item], total: Scale | None, scope: Scope) -> tuple[Band, ...]:
    """Bands that cover every possible total once, from the lowest to the highest, without gap or overlap."""
    if total is None:
        field.fault("there is no total to divide into bands")
    added = [item for item in items if item.key in total.items]
    lowest = sum(0 if item.asked_when else item.least_points for item in added)
    highest = sum(item.most_points for item in added)
    bands: list[Band] = []
    expected = lowest
    for entry in field.sequence():
        members = entry.members(("key", "label", "from", "to"))
        first, last = members["from"].number(scope.numbers), members["to"].number(scope.numbers)
        if first != expected:
            members["from"].fault(f"must be {expected}: bands have no gap and no overlap")
        if last < first:
            members["to"].fault("must not be below from")
        bands.append(Band(members["key"].text(), members["label"].text(), first, last))
        expected = last + 1
    if expected != highest + 1:
        field.fault(f"must end at the highest possible total, {highest}")
    return tuple(bands)


def flags(field: Field | None, scope: Scope) -> tuple[FlagRule, ...]:
    rules: dict[str, FlagRule] = {}
    for entry in field.sequence() if field is not None else []:
        required = ("code", "severity", "when", "message", "next_step")
        members = entry.members(required, ("task", "unless", "only", "follow_up"))
        code = members["code"].text()
        if code in rules:
            members["code"].fault("given twice")
        only = members["only"].sequence() if "only" in members else []
        rules[code] = FlagRule(
            code=code,
            severity=Severity(members["severity"].one_of(list(Severity))),
            message=members["message"].text(),
            next_step=members["next_step"].text(),
            task=members["task"].text() if "task" in members else None,
            when=condition(members["when"], scope),
            unless=condition(members["unless"], scope) if "unless" in members else None,
            only=frozenset(Status(status.one_of(list(Status))) for status in only),
            follow_up=members["follow_up"].text() if "follow_up" in members else None,
        )
    return tuple(rules.values())


def findings(field: Field | None, scope: Scope) -> tuple[FindingRule, ...]:
    rules: dict[str, FindingRule] = {}
    for entry in field.sequence() if field is not None else []:
        members = entry.members(("code", "text", "when"))
        code = members["code"].text()
        if code in rules:
            members["code"].fault("given twice")
        rules[code] = FindingRule(code, members["text"].text(), condition(members["when"], scope))
    return tuple(rules.values())


def label_rules(field: Field | None, scope: Scope) -> tuple[LabelRule, ...]:
    rules: list[LabelRule] = []
    for entry in field.sequence() if field is not None else []:
        members = entry.members(("label", "when"))
        label = Label(members["label"].one_of(list(Label)))
        rules.append(LabelRule(label, condition(members["when"], replace(scope, bands=()))))
    return tuple(rules)


def change(field: Field | None, total: Scale | None) -> Change | None:
    if field is None:
        return None
    if total is None:
        field.fault("there is no total that could change")
    members = field.members(("reliable", "source"), ("meaningful",))
    reliable = members["reliable"].integer()
    meaningful = members["meaningful"].integer() if "meaningful" in members else None
    if reliable < 1:
        members["reliable"].fault("must be 1 or more")
    if meaningful is not None and meaningful < reliable:
        members["meaningful"].fault("must not be below reliable")
    return Change(reliable, meaningful, members["source"].text())
