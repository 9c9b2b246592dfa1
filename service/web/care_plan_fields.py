"""The parts of a care plan as fields of a form, as data: which there are, what is sent, and the plan with it.

A plan is one strict document. A form changes one part of it: the document is taken as JSON, the part is written over,
and the whole is read again as strictly as a body of the API; what is wrong with the part comes back field by field.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from service.admission.careplan.book import CarePlanBook
from service.admission.careplan.content import Content
from service.admission.careplan.parts import (
    Area,
    Comparator,
    FamilyWord,
    Format,
    ProblemState,
    Source,
    Weeks,
)
from service.web.entering import read_day

_WHOLE: Final = re.compile(r"-?\d{1,9}", re.ASCII)
_NUMBER: Final = re.compile(r"-?\d{1,9}\.\d{1,6}", re.ASCII)
_MOST_ROWS: Final = 60
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WORDS: Final = {
    "day": "Give a day, such as 02/28/2026.",
    "clock": "Give a time of day, such as 18:00.",
    "number": "Give a number.",
    "whole": "Give a whole number in the range.",
    "choice": "Choose one.",
}

Choices = Sequence[tuple[str, str]]
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `name` is its path in the part; `kind` line, text, day, clock, number, whole, choice, check, keys (some
    of a list), lines (one a line) or rows (of `parts`). `blank`: what an empty field is.
    """

    name: str
    label: str
    kind: str = "line"
    hint: str = ""
    choices: str = ""
    parts: "tuple[Field, ...]" = ()
    blank: Any = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of part: its title, where in the plan it stands, the letter of its keys (None: there is one of it)."""

    title: str
    at: str
    letter: str | None
    fields: tuple[Field, ...]


_REMARK: Final = (
    Field("text", "What"),
    Field("third_party", "Somebody else said so: not in the patient’s copy", "check"),
)
_MILESTONES: Final = (
    Field("due", "By", "day"),
    Field("target", "Value to reach", "number"),
    Field("statement", "In words"),
)
_EVIDENCE: Final = (
    Field("statement", "What shows it"),
    Field("instrument", "Instrument"),
    Field("score", "Score", "number"),
    Field("dated_on", "Of", "day"),
    Field("third_party", "Somebody else said so: not in the patient’s copy", "check"),
)
_MEDICINE: Final = (
    Field("name", "Medicine"),
    Field("purpose", "For", "choice", choices="purpose"),
    Field("prescriber", "Who prescribes it"),
    Field("note", "Note"),
)
KINDS: Final[Mapping[str, Kind]] = {
    "problem": Kind(
        "A problem",
        "problems",
        "p",
        (
            Field("statement", "What is hard"),
            Field("area", "What it is about", "choice", choices="area"),
            Field("priority", "Priority (1 is the first)", "whole"),
            Field("state", "State", "choice", choices="problem_state"),
            Field("code", "ICD-10-CM code, when there is a diagnosis"),
            Field("evidence", "What it rests on", "rows", parts=_EVIDENCE),
            Field("flags", "Open flags it answers", "keys", choices="flag"),
        ),
    ),
    "goal": Kind(
        "A goal",
        "goals",
        "g",
        (
            Field(
                "own_words",
                "What the person wants, in their own words",
                "text",
                "At least a sentence.",
                blank="",
            ),
            Field("problem", "Problem it answers", "choice", choices="problem"),
            Field("interventions", "What is done for it", "keys", choices="intervention"),
            Field("template", "Template it was begun from", "choice", choices="template"),
        ),
    ),
    "objective": Kind(
        "An objective",
        "objectives",
        "o",
        (
            Field("statement", "What both will see", "text"),
            Field("measure.source", "Measured by", "choice", choices="source"),
            Field("measure.code", "Instrument, test or event", hint="Such as phq-9, uds, use_days."),
            Field("measure.comparator", "Reached when it is", "choice", choices="comparator"),
            Field("measure.target", "Value to reach", "number"),
            Field("measure.unit", "Unit"),
            Field("measure.window_days", "Within days", "whole"),
            Field("measure.baseline", "Value at the start", "number"),
            Field("measure.baseline_on", "Measured on", "day"),
            Field("due", "By", "day"),
            Field("responsible", "Who does it", "lines", "One a line."),
            Field("milestones", "Milestones", "rows", parts=_MILESTONES),
        ),
    ),
    "intervention": Kind(
        "An intervention",
        "interventions",
        "i",
        (
            Field("code", "What is done", "choice", choices="offer"),
            Field("format", "How", "choice", choices="format"),
            Field("role", "Who is responsible"),
            Field("times", "How many times", "whole"),
            Field("per_days", "in so many days", "whole"),
            Field("minutes", "Minutes each", "whole"),
            Field("weeks", "For weeks", "whole"),
        ),
    ),
    "slot": Kind(
        "An hour of the week",
        "slots",
        "s",
        (
            Field("weekday", "Day", "choice", choices="weekday"),
            Field("starts", "Begins", "clock"),
            Field("minutes", "Minutes", "whole"),
            Field("intervention", "What is held", "choice", choices="intervention"),
            Field("weeks", "Weeks", "choice", choices="weeks"),
            Field("group", "Group"),
            Field("enrolled", "People in it, this person too", "whole"),
            Field("capacity", "Places", "whole"),
            Field("site", "Where"),
            Field("remote", "By video", "check"),
        ),
    ),
    "frame": Kind(
        "Days, level, family",
        "",
        None,
        (
            Field("starts_on", "First day", "day"),
            Field("ends_on", "Last day", "day"),
            Field("review_on", "Next review", "day"),
            Field("reviewer", "Who reviews it"),
            Field("level", "Level of care"),
            Field("preliminary", "A preliminary plan, for the first days", "check"),
            Field("authorised_units", "Days of service a week the payer authorized", "whole"),
            Field("family", "Family sessions", "choice", choices="family"),
            Field("family_note", "Why not, or with whom"),
            Field("transition.starts_on", "Fewer hours on the way out, from", "day"),
            Field("transition.ends_on", "until", "day"),
            Field("transition.reason", "and why"),
            Field(
                "closures",
                "Days without service",
                "rows",
                parts=(Field("on", "Day", "day"), Field("reason", "Why")),
            ),
        ),
    ),
    "person": Kind(
        "The person",
        "",
        None,
        (
            Field("person.strengths", "Strengths", "rows", parts=_REMARK),
            Field("person.barriers", "What stands in the way", "rows", parts=_REMARK),
            Field("person.preferences", "What the person prefers", "rows", parts=_REMARK),
            Field("person.culture", "Culture, faith"),
            Field("person.language", "Language"),
            Field("person.interpreter_needed", "An interpreter is needed", "check"),
            Field("person.interpreter_arranged", "An interpreter is arranged", "check"),
            Field("person.unreachable_sites", "Places the person cannot reach", "lines", "One a line."),
        ),
    ),
    "safety": Kind(
        "Safety and medicines",
        "",
        None,
        (
            Field("safety.safety_plan", "Id of the safety plan"),
            Field("safety.overdose_plan", "What to do in an overdose", "text"),
            Field("safety.naloxone", "Naloxone", "choice", choices="naloxone"),
            Field("safety.emergency_contact", "Whom to call, and what may be said"),
            Field("safety.moud_offered_on", "Medicine for opioid use offered on", "day"),
            Field("safety.maud_offered_on", "Medicine for alcohol use offered on", "day"),
            Field("medicines", "Medicines", "rows", parts=_MEDICINE),
        ),
    ),
    "leaving": Kind(
        "Moving on, and after",
        "",
        None,
        (
            Field("leaving.criteria", "What has to be true to move on", "lines", "One a line."),
            Field("leaving.discussed_on", "Talked over with the person on", "day"),
            Field("leaving.aftercare.level", "Level of care next"),
            Field("leaving.aftercare.provider", "With whom"),
            Field("leaving.aftercare.first_on", "First appointment", "day"),
            Field("leaving.aftercare.last_group_on", "Last group here", "day"),
            Field("leaving.aftercare.meetings", "Meetings"),
            Field("leaving.aftercare.relapse_plan_given_on", "Relapse plan in the patient’s hands on", "day"),
            Field("copy_offered.on", "Copy of the plan offered on", "day"),
            Field("copy_offered.form", "as"),
        ),
    ),
}
#: Sub-documents that are there whole or not at all.
_WHOLE_OR_NONE: Final = ("transition", "copy_offered")
_STATIC: Final[Mapping[str, Choices]] = {
    "area": [(one.value, one.value.replace("_", " ").capitalize()) for one in Area],
    "problem_state": [(one.value, one.value.capitalize()) for one in ProblemState],
    "source": [(one.value, one.value.capitalize()) for one in Source],
    "comparator": [
        (Comparator.LESS.value, "less than"),
        (Comparator.AT_MOST.value, "at most"),
        (Comparator.EQUAL.value, "exactly"),
        (Comparator.AT_LEAST.value, "at least"),
        (Comparator.MORE.value, "more than"),
        (Comparator.DOWN_BY.value, "lower than at the start by"),
        (Comparator.DOWN_BY_PERCENT.value, "lower than at the start by per cent"),
    ],
    "format": [(one.value, one.value.capitalize()) for one in Format],
    "weeks": [
        (one.value, f"{one.value.capitalize()} week{'s' if one is not Weeks.EVERY else ''}") for one in Weeks
    ],
    "weekday": [(str(number), day) for number, day in enumerate(DAYS)],
    "family": [(one.value, one.value.replace("_", " ").capitalize()) for one in FamilyWord],
    "naloxone": [
        ("given", "Given here"),
        ("has", "Has it"),
        ("declined", "Declined"),
        ("not_indicated", "Not indicated"),
    ],
    "purpose": [
        ("moud", "Opioid use"),
        ("maud", "Alcohol use"),
        ("psychotropic", "Mental health"),
        ("other", "Something else"),
    ],
}


def choices_for(content: Content, book: CarePlanBook, flags: Choices) -> Mapping[str, Choices]:
    """Everything there is to choose from, in this plan."""
    return {
        **_STATIC,
        "offer": [(offer.code, offer.name) for offer in book.offers.values()],
        "template": [(template.key, template.text) for template in book.templates.values()],
        "problem": [(one.key, one.statement) for one in content.problems],
        "intervention": [
            (one.key, f"{_name(book, one.code)} ({one.format.value})") for one in content.interventions
        ],
        "flag": flags,
    }


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


def _name(book: CarePlanBook, code: str) -> str:
    offer = book.offers.get(code)
    return code if offer is None else offer.name
