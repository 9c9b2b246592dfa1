"""Reads instruments from `policies/instruments`, strictly: a file with any fault stops the service from
starting.

What is checked here and nowhere else: no unknown field, every key used exists, bands cover every possible
total once, every value list starts at zero and rises, every LOINC code is in the reviewed list and has the
right check digit.
"""

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path

from service.intake.flags import FlagRule, ItemCondition, Severity, Status, TotalCondition
from service.intake.instrument import (
    Catalogue,
    Instrument,
    Item,
    Licence,
    Option,
    PatternBand,
    PatternScoring,
    Prorating,
    SumScoring,
    TotalBand,
)
from service.intake.loinc import CodeList, is_answer_code, is_numeric_code
from service.intake.yamlfield import DefinitionError, Field, read_fields
from service.labels import Label

_ITEM_CONDITION = frozenset({"any_of", "at_least", "declined", "unanswered"})


def load_catalogue(directory: Path) -> Catalogue:
    """Every `*.yaml` of the folder as an instrument, with the codes of `codes/loinc.yaml`; an empty folder
    is a fault.

    `<key>.yaml` is the current version; a superseded one stays beside it as `<key>@<version>.yaml`.
    """
    code_file = directory / "codes" / "loinc.yaml"
    codes = parse_codes(code_file.name, code_file.read_text(encoding="utf-8"))
    instruments: list[Instrument] = []
    for path in sorted(directory.glob("*.yaml")):
        instrument = parse_instrument(path.name, path.read_bytes(), codes)
        if path.stem not in (instrument.key, f"{instrument.key}@{instrument.version}"):
            raise DefinitionError(f"{path.name}:1: key: is not the name of the file")
        instruments.append(instrument)
    if not instruments:
        raise DefinitionError(f"{directory.name}: file: no instrument is defined")
    return Catalogue(instruments, codes.notice)


def parse_codes(source: str, text: str) -> CodeList:
    members = read_fields(source, text).members(("system", "notice", "codes", "answer_codes"))
    terms = members["codes"].mapping()
    answers = members["answer_codes"].mapping()
    for code, display in terms.items():
        if not is_numeric_code(code):
            display.fault("not a LOINC code (form or check digit)")
    for code, display in answers.items():
        if not is_answer_code(code):
            display.fault("not a LOINC answer code")
    return CodeList(
        system=members["system"].text(),
        notice=members["notice"].text(),
        terms={code: display.text() for code, display in terms.items()},
        answers={code: display.text() for code, display in answers.items()},
    )


def parse_instrument(source: str, content: bytes, codes: CodeList) -> Instrument:
    """One instrument from one file's bytes; the hash that names its rules is the hash of exactly these
    bytes.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise DefinitionError(f"{source}:1: file: not UTF-8") from None
    required = ("key", "version", "title", "purpose", "instruction", "source", "licence", "labels", "answers")
    members = read_fields(source, text).members((*required, "items", "scoring"), ("codes", "flags"))
    licence = members["licence"].members(("name", "text"))
    panel_code, total_code = _result_codes(members.get("codes"), codes)
    items = _items(members["items"], _value_lists(members["answers"], codes), codes)
    version = members["version"].integer()
    if version < 1:
        members["version"].fault("must be 1 or more")
    return Instrument(
        key=members["key"].text(),
        version=version,
        title=members["title"].text(),
        purpose=members["purpose"].text(),
        instruction=members["instruction"].text(),
        source=members["source"].text(),
        licence=Licence(licence["name"].text(), licence["text"].text()),
        labels=frozenset(Label(label.one_of(list(Label))) for label in members["labels"].sequence()),
        panel_code=panel_code,
        total_code=total_code,
        items=items,
        scoring=_scoring(members["scoring"], items),
        flags=_flags(members.get("flags"), items, members["scoring"]),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _result_codes(field: Field | None, codes: CodeList) -> tuple[str | None, str | None]:
    if field is None:
        return None, None
    members = field.members((), ("panel", "total"))
    return _code(members.get("panel"), codes.terms), _code(members.get("total"), codes.terms)


def _code(field: Field | None, reviewed: Mapping[str, str]) -> str | None:
    if field is None:
        return None
    code = field.text()
    if code not in reviewed:
        field.fault("not in the reviewed list of codes")
    return code


def _value_lists(field: Field, codes: CodeList) -> dict[str, tuple[Option, ...]]:
    lists: dict[str, tuple[Option, ...]] = {}
    for name, listed in field.mapping().items():
        options: list[Option] = []
        for entry in listed.sequence():
            members = entry.members(("value", "label"), ("code",))
            value = members["value"].integer()
            if (options and value <= options[-1].value) or (not options and value != 0):
                members["value"].fault("values must rise, from 0")
            options.append(Option(value, members["label"].text(), _code(members.get("code"), codes.answers)))
        if len(options) < 2:
            listed.fault("must offer at least two values")
        lists[name] = tuple(options)
    return lists


def _items(field: Field, lists: Mapping[str, tuple[Option, ...]], codes: CodeList) -> tuple[Item, ...]:
    items: list[Item] = []
    known: set[str] = set()
    for entry in field.sequence():
        optional = ("required", "scored", "declined", "asked_when", "code")
        members = entry.members(("key", "text", "answers"), optional)
        key = members["key"].text()
        if key in known:
            members["key"].fault("given twice")
        asked = members.get("asked_when")
        items.append(
            Item(
                key=key,
                text=members["text"].text(),
                options=lists[members["answers"].one_of(lists)],
                required=_truth(members.get("required"), default=True),
                scored=_truth(members.get("scored"), default=True),
                declined_answers="declined" in members
                and members["declined"].one_of(("answer", "missing")) == "answer",
                asked_when=None if asked is None else _item_condition(asked, known),
                code=_code(members.get("code"), codes.terms),
            )
        )
        known.add(key)
    if not any(item.required for item in items):
        field.fault("at least one item must be required")
    return tuple(items)


def _truth(field: Field | None, *, default: bool) -> bool:
    return default if field is None else field.truth()


def _item_condition(field: Field, known: Collection[str]) -> ItemCondition:
    members = field.members(("any_of",), _ITEM_CONDITION - {"any_of"})
    keys = tuple(key.one_of(known) for key in members["any_of"].sequence())
    at_least = members["at_least"].integer() if "at_least" in members else None
    condition = ItemCondition(
        any_of=keys,
        at_least=at_least,
        declined=_truth(members.get("declined"), default=False),
        unanswered=_truth(members.get("unanswered"), default=False),
    )
    if not keys or not (at_least is not None or condition.declined or condition.unanswered):
        field.fault("can never hold")
    return condition


def _condition(field: Field, known: Collection[str], *, summed: bool) -> ItemCondition | TotalCondition:
    if "total_at_least" not in field.mapping():
        return _item_condition(field, known)
    total = field.members(("total_at_least",))["total_at_least"]
    if not summed:
        total.fault("this instrument has no total")
    return TotalCondition(total.integer())


def _scoring(field: Field, items: tuple[Item, ...]) -> SumScoring | PatternScoring:
    members = field.members(("method", "bands"), ("prorate",))
    if members["method"].one_of(("sum", "pattern")) == "pattern":
        if "prorate" in members:
            members["prorate"].fault("there is no total to estimate")
        return PatternScoring(_pattern_bands(members["bands"], items))
    bands = _total_bands(members["bands"], items)
    prorate = members.get("prorate")
    return SumScoring(bands, None if prorate is None else _prorating(prorate, items))


def _prorating(field: Field, items: tuple[Item, ...]) -> Prorating:
    members = field.members(("max_missing", "never", "source"))
    scored = {item.key for item in items if item.scored}
    if scored != {item.key for item in items if item.required}:
        field.fault("needs the required items to be the scored ones")
    max_missing = members["max_missing"].integer()
    if not 1 <= max_missing < len(scored):
        members["max_missing"].fault("must leave at least one answered item")
    never = frozenset(key.one_of(scored) for key in members["never"].sequence())
    return Prorating(max_missing, never, members["source"].text())


def _total_bands(field: Field, items: tuple[Item, ...]) -> tuple[TotalBand, ...]:
    """Bands that cover 0 to the highest possible total, without gap or overlap."""
    bands: list[TotalBand] = []
    expected = 0
    for entry in field.sequence():
        members = entry.members(("key", "label", "from", "to"))
        band = TotalBand(
            members["key"].text(), members["label"].text(), members["from"].integer(), members["to"].integer()
        )
        if band.first != expected:
            members["from"].fault(f"must be {expected}: bands have no gap and no overlap")
        if band.last < band.first:
            members["to"].fault("must not be below from")
        bands.append(band)
        expected = band.last + 1
    highest = sum(item.options[-1].value for item in items if item.scored)
    if expected != highest + 1:
        field.fault(f"must end at the highest possible total, {highest}")
    return tuple(bands)


def _pattern_bands(field: Field, items: tuple[Item, ...]) -> tuple[PatternBand, ...]:
    known = {item.key for item in items}
    entries = field.sequence()
    bands: list[PatternBand] = []
    for place, entry in enumerate(entries, start=1):
        members = entry.members(("key", "label"), ("when",))
        if ("when" in members) is (place == len(entries)):
            entry.fault("every band but the last has a condition, the last has none")
        when = _item_condition(members["when"], known) if "when" in members else None
        bands.append(PatternBand(members["key"].text(), members["label"].text(), when))
    if not bands:
        field.fault("at least one band is needed")
    return tuple(bands)


def _flags(field: Field | None, items: tuple[Item, ...], scoring: Field) -> tuple[FlagRule, ...]:
    if field is None:
        return ()
    known = {item.key for item in items}
    summed = scoring.mapping()["method"].text() == "sum"
    rules: dict[str, FlagRule] = {}
    for entry in field.sequence():
        required = ("code", "severity", "when", "message", "next_step")
        members = entry.members(required, ("task", "unless", "only"))
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
            when=_condition(members["when"], known, summed=summed),
            unless=_item_condition(members["unless"], known) if "unless" in members else None,
            only=frozenset(Status(status.one_of(list(Status))) for status in only),
        )
    return tuple(rules.values())
