"""Reads instruments from `policies/instruments`, strictly: a file with any fault stops the service from
starting.

What is checked here and in the modules it calls, and nowhere else: no unknown field, every key used exists,
bands cover every possible total once, every value list rises, every LOINC code is in the reviewed list and
has the right check digit, and a file that was pinned is still the file that was reviewed (`pins.py`).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from service.intake import itemfields, scoringfields
from service.intake.conditionfields import Scope
from service.intake.instrument import (
    AnsweredBy,
    Catalogue,
    Instrument,
    Licence,
    Wording,
    WordingState,
)
from service.intake.loinc import CodeList, is_answer_code, is_numeric_code
from service.intake.pins import PINS, check_pins
from service.intake.yamlfield import DefinitionError, Field, read_fields
from service.labels import Label

#: What a clinic sets for itself: a number of an instrument that its file declares as a setting.
SITE = "site.yaml"
_REQUIRED = (
    "key",
    "version",
    "title",
    "purpose",
    "instruction",
    "source",
    "licence",
    "wording",
    "labels",
    "answers",
    "items",
    "scoring",
)
_OPTIONAL = (
    "codes",
    "flags",
    "findings",
    "context",
    "labels_when",
    "change",
    "settings",
    "answered_by",
    "interpreted",
)


def load_catalogue(directory: Path) -> Catalogue:
    """Every instrument of the folder, with the codes of `codes/loinc.yaml`, the pins and the settings of the
    site; an empty folder is a fault.

    `<key>.yaml` is the current version; a superseded one stays beside it as `<key>@<version>.yaml`.
    """
    code_file = directory / "codes" / "loinc.yaml"
    codes = parse_codes(code_file.name, code_file.read_text(encoding="utf-8"))
    site = _site(directory / SITE)
    instruments: list[Instrument] = []
    hashes: dict[str, str] = {}
    for path in _files(directory):
        content = path.read_bytes()
        instrument = parse_instrument(path.name, content, codes, site.get(path.stem.partition("@")[0]))
        if path.stem not in (instrument.key, f"{instrument.key}@{instrument.version}"):
            raise DefinitionError(f"{path.name}:1: key: is not the name of the file")
        hashes[f"{instrument.key}@{instrument.version}"] = hashlib.sha256(content).hexdigest()
        instruments.append(instrument)
    if not instruments:
        raise DefinitionError(f"{directory.name}: file: no instrument is defined")
    for key in site.keys() - {instrument.key for instrument in instruments}:
        site[key].fault("no such instrument")
    check_pins(directory, hashes)
    return Catalogue(instruments, codes.notice)


def file_hashes(directory: Path) -> dict[str, str]:
    """The SHA-256 of every instrument's file by `key@version`; for a folder that `load_catalogue` has read."""
    hashes: dict[str, str] = {}
    for path in _files(directory):
        content = path.read_bytes()
        members = read_fields(path.name, content.decode("utf-8")).mapping()
        name = f"{members['key'].text()}@{members['version'].integer()}"
        hashes[name] = hashlib.sha256(content).hexdigest()
    return hashes


def _files(directory: Path) -> list[Path]:
    return [path for path in sorted(directory.glob("*.yaml")) if path.name not in (PINS, SITE)]


def _site(path: Path) -> dict[str, Field]:
    return read_fields(path.name, path.read_text(encoding="utf-8")).mapping() if path.is_file() else {}


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


def parse_instrument(source: str, content: bytes, codes: CodeList, site: Field | None = None) -> Instrument:
    """One instrument from one file's bytes, and what the site sets in it. The hash that names its rules is
    the hash of exactly these bytes, and of the settings where they are not the file's own.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise DefinitionError(f"{source}:1: file: not UTF-8") from None
    members = read_fields(source, text).members(_REQUIRED, _OPTIONAL)
    version = members["version"].integer()
    if version < 1:
        members["version"].fault("must be 1 or more")
    settings = _settings(members.get("settings"))
    chosen = {**settings, **_chosen(site, members.get("settings"))}
    context = itemfields.context_fields(members.get("context"))
    by_key = {field.key: field for field in context}
    lists = itemfields.value_lists(members["answers"], codes)
    bare = itemfields.items(members["items"], lists, by_key, codes)
    total, scales = scoringfields.scales(members["scoring"], bare)
    every = scales if total is None else (*scales, total)
    scope = Scope(context=by_key, numbers=chosen)
    items = itemfields.with_skip_rules(members["items"], bare, every, scope)
    scope = replace(scope, items=[item.key for item in items], scales=[scale.key for scale in every])
    scoring = scoringfields.scoring(members["scoring"], items, total, scales, scope)
    outcome = replace(scope, bands={band.key for one in scoring.band_sets for band in one.bands})
    codes_given = members["codes"].members((), ("panel", "total")) if "codes" in members else {}
    answered_by = members.get("answered_by")
    licence = members["licence"].members(("name", "text"))
    return Instrument(
        key=members["key"].text(),
        version=version,
        title=members["title"].text(),
        purpose=members["purpose"].text(),
        instruction=members["instruction"].text(),
        source=members["source"].text(),
        licence=Licence(licence["name"].text(), licence["text"].text()),
        wording=_wording(members["wording"]),
        answered_by=AnsweredBy.PATIENT
        if answered_by is None
        else AnsweredBy(answered_by.one_of(list(AnsweredBy))),
        interpreted=itemfields.truth(members.get("interpreted"), default=False),
        labels=frozenset(Label(label.one_of(list(Label))) for label in members["labels"].sequence()),
        label_rules=scoringfields.label_rules(members.get("labels_when"), scope),
        panel_code=itemfields.code(codes_given.get("panel"), codes.terms),
        total_code=itemfields.code(codes_given.get("total"), codes.terms),
        context=context,
        settings=chosen,
        items=items,
        scoring=scoring,
        flags=scoringfields.flags(members.get("flags"), outcome),
        findings=scoringfields.findings(members.get("findings"), outcome),
        change=scoringfields.change(members.get("change"), total),
        sha256=_hash(content, {name: chosen[name] for name in chosen if chosen[name] != settings[name]}),
    )


def _hash(content: bytes, set_here: Mapping[str, int]) -> str:
    written = "".join(f"\n{name}: {value}" for name, value in sorted(set_here.items()))
    return hashlib.sha256(content + written.encode()).hexdigest()


def _wording(field: Field) -> Wording:
    members = field.members(("state", "checked", "note"), ("holder",))
    state = WordingState(members["state"].one_of(list(WordingState)))
    if ("holder" in members) is not (state is WordingState.LICENSED):
        field.fault("a holder belongs to licensed wording, and to nothing else")
    return Wording(
        state=state,
        checked=members["checked"].truth(),
        note=members["note"].text(),
        holder=members["holder"].text() if "holder" in members else None,
    )


def _settings(field: Field | None) -> dict[str, int]:
    """The numbers a clinic may set, as the file has them."""
    found: dict[str, int] = {}
    for name, entry in field.mapping().items() if field is not None else ():
        members = entry.members(("default", "from", "to", "source"))
        members["source"].text()
        default = members["default"].integer()
        if not members["from"].integer() <= default <= members["to"].integer():
            members["default"].fault("must lie from from to to")
        found[name] = default
    return found


def _chosen(site: Field | None, declared: Field | None) -> dict[str, int]:
    """What the site sets, each within what the instrument allows."""
    settings = {} if declared is None else declared.mapping()
    chosen: dict[str, int] = {}
    for name, field in site.mapping().items() if site is not None else ():
        if name not in settings:
            field.fault("not a setting of this instrument")
        limits = settings[name].mapping()
        chosen[name] = field.integer()
        if not limits["from"].integer() <= chosen[name] <= limits["to"].integer():
            field.fault("outside what the instrument allows")
    return chosen
