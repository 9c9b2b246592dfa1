"""Reads the items of an instrument: value lists, variants, measurements, and what is known beside the answers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from service.intake.conditionfields import Scope, condition, truth
from service.intake.context import ContextField, ContextKind
from service.intake.instrument import Derived, Item, Option, Scale, Step, Variant
from service.intake.loinc import CodeList
from service.intake.yamlfield import Field

_ITEM_MEMBERS = (
    "required",
    "scored",
    "declined",
    "asked_when",
    "code",
    "multiple",
    "section",
    "variants",
    "derived",
)
Lists = Mapping[str, tuple[Option, ...]]


def code(field: Field | None, reviewed: Mapping[str, str]) -> str | None:
    if field is None:
        return None
    found = field.text()
    if found not in reviewed:
        field.fault("not in the reviewed list of codes")
    return found


def context_fields(field: Field | None) -> tuple[ContextField, ...]:
    """What may be known beside the answers."""
    if field is None:
        return ()
    return tuple(_context_field(key, entry) for key, entry in field.mapping().items())


def _context_field(key: str, field: Field) -> ContextField:
    members = field.members(
        ("label", "kind"), ("values", "default", "range", "separates", "asked", "required")
    )
    kind = ContextKind(members["kind"].one_of(list(ContextKind)))
    if ("values" in members) is not (kind is ContextKind.CHOICE):
        field.fault("values belong to a choice, and to nothing else")
    if ("range" in members) is not (kind is ContextKind.NUMBER):
        field.fault("a range belongs to a number, and to nothing else")
    values: dict[str, str] = {"yes": "Yes", "no": "No"} if kind is ContextKind.TRUTH else {}
    if "values" in members:
        values = {name: label.text() for name, label in members["values"].mapping().items()}
    least, most = 0, 0
    if "range" in members:
        limits = members["range"].members(("from", "to"))
        least, most = limits["from"].integer(), limits["to"].integer()
        if most <= least:
            limits["to"].fault("must be above from")
    return ContextField(
        key=key,
        label=members["label"].text(),
        kind=kind,
        values=values,
        default=members["default"].one_of(values) if "default" in members else None,
        least=least,
        most=most,
        separates=truth(members.get("separates"), default=False),
        asked=truth(members.get("asked"), default=True),
        required=truth(members.get("required"), default=False),
    )


def value_lists(field: Field, codes: CodeList) -> dict[str, tuple[Option, ...]]:
    """The named lists of options: whole numbers that rise, or words for a multiple choice."""
    lists: dict[str, tuple[Option, ...]] = {}
    for name, listed in field.mapping().items():
        options: list[Option] = []
        for entry in listed.sequence():
            options.append(_option(entry, options, codes))
        if len(options) < 2:
            listed.fault("must offer at least two values")
        lists[name] = tuple(options)
    return lists


def _option(entry: Field, before: Sequence[Option], codes: CodeList) -> Option:
    members = entry.members(("value", "label"), ("code", "points", "exclusive"))
    value: int | str = members["value"].integer() if members["value"].is_number else members["value"].text()
    if before and type(value) is not type(before[-1].value):
        members["value"].fault("a list has whole numbers or words, not both")
    if isinstance(value, str) and any(value == option.value for option in before):
        members["value"].fault("given twice")
    last = before[-1].value if before else -1
    if isinstance(value, int) and isinstance(last, int) and value <= last:
        members["value"].fault("values must rise, from 0 or more")
    return Option(
        value=value,
        label=members["label"].text(),
        code=code(members.get("code"), codes.answers),
        points=_points(members, value),
        exclusive=truth(members.get("exclusive"), default=False),
    )


def _points(members: Mapping[str, Field], value: int | str) -> int:
    if "points" not in members:
        return value if isinstance(value, int) else 0
    points = members["points"].integer()
    if points < 0:
        members["points"].fault("must be 0 or more")
    return points


def items(
    field: Field, lists: Lists, context: Mapping[str, ContextField], codes: CodeList
) -> tuple[Item, ...]:
    """The items, each with its own list; skip rules are read when the scales are known."""
    found: list[Item] = []
    for entry in field.sequence():
        members = entry.members(("key", "text", "answers"), _ITEM_MEMBERS)
        key = members["key"].text()
        if any(item.key == key for item in found):
            members["key"].fault("given twice")
        item = Item(
            key=key,
            text=members["text"].text(),
            options=lists[members["answers"].one_of(lists)],
            required=truth(members.get("required"), default=True),
            scored=truth(members.get("scored"), default=True),
            declined_answers="declined" in members
            and members["declined"].one_of(("answer", "missing")) == "answer",
            asked_when=None,
            code=code(members.get("code"), codes.terms),
            multiple=truth(members.get("multiple"), default=False),
            section=members["section"].text() if "section" in members else None,
            variants=_variants(members.get("variants"), lists, context, codes),
        )
        if item.multiple is any(isinstance(option.value, int) for option in item.options):
            members["answers"].fault("words are for a multiple choice, whole numbers for every other item")
        found.append(replace(item, derived=_derived(members.get("derived"), item, context)))
    if not any(item.required for item in found):
        field.fault("at least one item must be required")
    return tuple(found)


def with_skip_rules(
    field: Field, read: Sequence[Item], scales: Sequence[Scale], scope: Scope
) -> tuple[Item, ...]:
    """The items with their skip rules: each over items that come before it, and scales made of those."""
    found: list[Item] = []
    for item, entry in zip(read, field.sequence(), strict=True):
        asked = entry.mapping().get("asked_when")
        before = {one.key for one in found}
        closed = [scale.key for scale in scales if before.issuperset(scale.items)]
        here = replace(scope, items=before, scales=closed, bands=())
        found.append(item if asked is None else replace(item, asked_when=condition(asked, here)))
    return tuple(found)


def _variants(
    field: Field | None, lists: Lists, context: Mapping[str, ContextField], codes: CodeList
) -> tuple[Variant, ...]:
    if field is None:
        return ()
    variants: list[Variant] = []
    for entry in field.sequence():
        members = entry.members(("when",), ("text", "code", "answers"))
        if len(members) == 1:
            entry.fault("must change the text, the code or the answers")
        variants.append(
            Variant(
                when=condition(members["when"], Scope(context=context)),
                text=members["text"].text() if "text" in members else None,
                code=code(members.get("code"), codes.terms),
                options=lists[members["answers"].one_of(lists)] if "answers" in members else None,
            )
        )
    return tuple(variants)


def _derived(field: Field | None, item: Item, context: Mapping[str, ContextField]) -> Derived | None:
    if field is None:
        return None
    members = field.members(("context", "steps"))
    declared = context[members["context"].one_of(context)]
    if declared.kind is not ContextKind.NUMBER:
        members["context"].fault("is not a number")
    steps: list[Step] = []
    entries = members["steps"].sequence()
    for place, entry in enumerate(entries, start=1):
        step = entry.members(("value",), ("up_to",))
        if ("up_to" in step) is (place == len(entries)):
            entry.fault("every step but the last says up_to, the last does not")
        up_to = step["up_to"].integer() if "up_to" in step else None
        if steps and up_to is not None and up_to <= (steps[-1].up_to or 0):
            step["up_to"].fault("steps must rise")
        value = step["value"].integer()
        if item.option(value) is None:
            step["value"].fault("not one of the item's options")
        steps.append(Step(up_to, value))
    if not steps:
        members["steps"].fault("at least one step is needed")
    return Derived(declared.key, tuple(steps))
