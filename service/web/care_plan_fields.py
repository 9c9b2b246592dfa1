"""A part of a care plan as the fields of a form, and the plan with the part as it was sent.

A plan is one strict document. A form changes one part of it: the document is taken as JSON, the part is written over,
and the whole is read again as strictly as a body of the API; what is wrong with the part comes back field by field.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError

from service.admission.careplan.content import Content
from service.web.care_plan_kinds import Field, Kind
from service.web.entering import read_day

_WHOLE: Final = re.compile(r"-?\d{1,9}", re.ASCII)
_NUMBER: Final = re.compile(r"-?\d{1,9}\.\d{1,6}", re.ASCII)
_MOST_ROWS: Final = 60
_WORDS: Final = {
    "day": "Give a day, such as 02/28/2026.",
    "clock": "Give a time of day, such as 18:00.",
    "number": "Give a number.",
    "whole": "Give a whole number in the range.",
    "choice": "Choose one.",
}

Document = dict[str, Any]


#: Sub-documents that are there whole or not at all.
_WHOLE_OR_NONE: Final = ("transition", "copy_offered")


def part_of(content: Content, kind: Kind, goal: str, key: str) -> Document | None:
    """The part as JSON: the whole plan for what there is one of; an empty one for `new`; None for one not there."""
    plan = content.model_dump(mode="json")
    if kind.letter is None:
        return plan
    listed = _listed(plan, kind, goal)
    if listed is None:
        return None
    return {} if key == "new" else next((one for one in listed if one["key"] == key), None)


def typed_of(kind: Kind, part: Document) -> dict[str, str]:
    """A part as the fields that would send it."""
    return dict(_typed(kind.fields, part, ""))


def with_part(
    content: Content, kind: Kind, goal: str, key: str, sent: Mapping[str, str]
) -> tuple[Content | None, dict[str, str]]:
    """The plan with the part as it was sent; None and the faults by field when it is no plan."""
    plan = content.model_dump(mode="json")
    at: tuple[str | int, ...] = ()
    part = plan
    if kind.letter is not None:
        listed = _listed(plan, kind, goal)
        place = next((n for n, one in enumerate(listed or ()) if one["key"] == key), None)
        if listed is None or (place is None and key != "new"):
            return None, {"part": "This is not in the plan any more."}
        if place is None:
            listed.append({"key": _free(kind.letter, {one["key"] for one in listed})})
            place = len(listed) - 1
        part = listed[place]
        above = [n for n, one in enumerate(plan["goals"]) if one["key"] == goal]
        at = ("goals", above[0], kind.at, place) if kind.at == "objectives" else (kind.at, place)
    _write(kind.fields, part, sent)
    for name in _WHOLE_OR_NONE if kind.letter is None else ():
        whole: Any = part.get(name)
        if isinstance(whole, dict) and not any(whole.values()):  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] -- JSON
            part[name] = None
    return _read(plan, at, kind)


def without_part(content: Content, kind: Kind, goal: str, key: str) -> tuple[Content | None, dict[str, str]]:
    """The plan without the part; what referred to it refers to nothing, and the rules say so."""
    plan = content.model_dump(mode="json")
    listed = _listed(plan, kind, goal)
    if listed is not None:
        listed[:] = [one for one in listed if one["key"] != key]
    return _read(plan, (), kind)


# -- inside -----------------------------------------------------------------------------------------------------------


def _read(plan: Document, at: tuple[str | int, ...], kind: Kind) -> tuple[Content | None, dict[str, str]]:
    try:
        return Content.model_validate(plan), {}
    except ValidationError as error:
        faults: dict[str, str] = {}
        for one in error.errors(include_url=False, include_context=False, include_input=True):
            path = [str(each) for each in one["loc"][len(at) :]]
            name, words = _fault(kind.fields, path, one["input"] is None or one["type"] == "missing")
            faults.setdefault(name, words)
        return None, faults


def _fault(fields: tuple[Field, ...], path: list[str], absent: bool) -> tuple[str, str]:
    joined = ".".join(path)
    field = next(
        (one for one in fields if joined == one.name or joined.startswith(f"{one.name}.")),
        next((one for one in fields if one.name.startswith(f"{joined}.")), None),
    )
    if field is None:
        return fields[0].name, "This cannot be kept like this."
    words = "This is needed." if absent else _WORDS.get(field.kind, "This cannot be kept like this.")
    return field.name, f"{field.label}: {words}"


def _listed(plan: Document, kind: Kind, goal: str) -> list[Document] | None:
    if kind.at != "objectives":
        return plan[kind.at]
    found = next((one for one in plan["goals"] if one["key"] == goal), None)
    return None if found is None else found["objectives"]


def _free(letter: str, taken: set[str]) -> str:
    return next(key for number in range(1, 100) if (key := f"{letter}{number}") not in taken)


def _typed(fields: tuple[Field, ...], part: Document, before: str) -> Iterator[tuple[str, str]]:
    for field in fields:
        value, name = _at(part, field.name), before + field.name
        match field.kind:
            case "check":
                if value:
                    yield name, "yes"
            case "keys":
                for key in value or ():
                    yield f"{name}:{key}", "yes"
            case "lines":
                yield name, "\n".join(value or ())
            case "rows":
                for number, row in enumerate(value or ()):
                    yield from _typed(field.parts, row, f"{name}:{number}:")
            case _:
                yield name, "" if value is None else str(value)


def _write(fields: tuple[Field, ...], part: Document, sent: Mapping[str, str], before: str = "") -> None:
    for field in fields:
        name = before + field.name
        if field.kind == "rows":
            _put(part, field.name, _rows(field, _at(part, field.name) or [], sent, name))
        elif field.kind == "keys":
            start = f"{name}:"
            _put(part, field.name, [one.removeprefix(start) for one in sent if one.startswith(start)])
        elif field.kind == "lines":
            lines = sent.get(name, "").splitlines()
            _put(part, field.name, [line.strip() for line in lines if line.strip()])
        elif field.kind == "check":
            _put(part, field.name, name in sent)
        else:
            _put(part, field.name, _value(field, sent.get(name, "").replace("\r\n", "\n").strip()))


def _rows(field: Field, known: list[Document], sent: Mapping[str, str], name: str) -> list[Document]:
    """Rows whose first field says something; what a row has beside its fields stays with it."""
    rows: list[Document] = []
    for number in range(_MOST_ROWS):
        start = f"{name}:{number}:"
        if not sent.get(start + field.parts[0].name, "").strip():
            continue
        row = dict(known[number]) if number < len(known) else {}
        _write(field.parts, row, sent, start)
        rows.append({key: value for key, value in row.items() if value is not None})
    return rows


def _value(field: Field, typed: str) -> Any:
    if not typed:
        return field.blank
    match field.kind:
        case "day":
            day = read_day(typed)
            return typed if day is None else day.isoformat()
        case "whole" | "number":
            if _WHOLE.fullmatch(typed):
                return int(typed)
            return float(typed) if field.kind == "number" and _NUMBER.fullmatch(typed) else typed
        case "choice" if field.choices == "weekday" and _WHOLE.fullmatch(typed):
            return int(typed)
        case _:
            return typed


def _at(part: Document, path: str) -> Any:
    found: Any = part
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] -- JSON
    return found  # pyright: ignore[reportUnknownVariableType]


def _put(part: Document, path: str, value: Any) -> None:
    *above, last = path.split(".")
    for name in above:
        if not isinstance(part.get(name), dict):
            part[name] = {}
        part = part[name]
    part[last] = value
