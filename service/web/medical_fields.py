"""A form of the medical intake as fields of a page: what stands in them, what was sent, what of it is new.

Nothing is judged here. Texts become values of the question's type where they are such; whatever else was sent goes to
the intake as it is, which refuses it and hears danger in what stands beside it. Only what somebody changed on the page
is sent on, so that an answer nobody touched keeps its author and its time.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from service.intake.medical.answer import Answer, Given, Sheet
from service.intake.medical.book import Absent, Form, Question, Source, Type
from service.intake.medical.checks import instant_of
from service.web.entering import read_day
from service.web.heading import us_day

#: Prefixes of field names: an answer, why there is none, how certain, that it is right, whose word, which version.
ANSWER, ABSENT, CERTAINTY, CONFIRMED, WORD, CHOICE = "a:", "n:", "c:", "ok:", "w:", "k:"
MINE, THEIRS = "mine", "theirs"
ABSENCES: Final = {
    Absent.UNKNOWN.value: "Not known",
    Absent.DECLINED.value: "Asked, declined",
    Absent.NOT_ASKED.value: "Not asked",
    Absent.NOT_APPLICABLE.value: "Does not apply",
}
CERTAINTIES: Final = {"exact": "Exactly", "about": "About", "guess": "A guess"}
SOURCES: Final = {
    Source.PATIENT: "The patient's own answer",
    Source.STAFF: "Entered by staff",
    Source.MEASURED: "Measured",
}
_WHOLE: Final = re.compile(r"-?\d{1,9}", re.ASCII)
_NUMBER: Final = re.compile(r"-?\d{1,9}\.\d{1,6}", re.ASCII)
_LOCAL: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}", re.ASCII)
_RADIOS: Final = (Type.YES_NO, Type.CHOICE)
#: Words for faults that speak of JSON, for those who type into fields.
_TYPED: Final = {
    Type.YES_NO: "Choose yes or no.",
    Type.DATE: "Give a day, such as 02/28/1985.",
    Type.INSTANT: "Give a day and a time.",
    Type.CHOICES: "Choose what is right; “nothing” stands alone.",
}

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Option:
    """One choice, as the form sends it."""

    name: str
    sent: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True, repr=False)
class Shown:
    """One question as a field. `said`: the words of each source, where there is more than one or another's."""

    key: str
    label: str
    why: str
    type: str
    unit: str
    name: str
    typed: str
    options: tuple[Option, ...]
    absences: tuple[Option, ...]
    certainties: tuple[Option, ...]
    confirmed: bool
    asks_to_confirm: bool
    only_if: str
    required: bool
    clinician_only: bool
    said: tuple[tuple[str, str], ...]
    fault: str


@dataclass(frozen=True, slots=True, repr=False)
class Difference:
    """A question that somebody answered elsewhere while it was answered here."""

    key: str
    name: str
    label: str
    mine: str
    theirs: str


def questions_for(form: Form, *, own: bool) -> tuple[Question, ...]:
    """What this page asks: of a patient, what a patient answers."""
    return tuple(one for one in form.questions if one.self_report or not own)


def fields_of(form: Form, sheet: Sheet, zone: ZoneInfo, *, own: bool) -> dict[str, str]:
    """The answers as the fields of a form that would send them, with whose word each is."""
    fields: dict[str, str] = {}
    for question in questions_for(form, own=own):
        answer = _word(sheet, question.key, own=own)
        if answer is not None:
            fields |= dict(_fields(question, answer, zone))
            fields[WORD + question.key] = answer.source.value
    return fields


def given_in(form: Form, sent: Fields, before: Fields, zone: ZoneInfo, *, own: bool) -> dict[str, Given]:
    """The answers somebody changed on the page. `before`: the fields as the page was given out. A question of which
    nothing was sent, not even an empty field, was not on the page: it stays as it is.
    """
    return {
        question.key: _given(question, sent, before, zone, own=own)
        for question in questions_for(form, own=own)
        if (ANSWER + question.key in sent or ABSENT + question.key in sent or _own_fields(question, sent))
        and _own_fields(question, sent) != _own_fields(question, before)
    }


def shown_in(
    form: Form,
    sheet: Sheet,
    fields: Fields,
    faults: Mapping[str, str],
    zone: ZoneInfo,
    *,
    own: bool,
) -> tuple[Shown, ...]:
    """The questions with what stands in their fields. `faults`: by question."""
    return tuple(
        _shown(form, question, sheet, fields, faults.get(question.key, ""), zone, own=own)
        for question in questions_for(form, own=own)
    )


def differences(
    form: Form, given: Mapping[str, Given], before: Fields, now: Sheet, zone: ZoneInfo, *, own: bool
) -> tuple[Difference, ...]:
    """What was answered here and, since the page was given out, otherwise elsewhere."""
    kept = fields_of(form, now, zone, own=own)
    found: list[Difference] = []
    for question in questions_for(form, own=own):
        one = given.get(question.key)
        moved = _own_fields(question, kept) != _own_fields(question, before)
        if one is not None and moved:
            theirs = _word(now, question.key, own=own)
            found.append(
                Difference(
                    key=question.key,
                    name=CHOICE + question.key,
                    label=question.label,
                    mine=in_words(question, one.value, one.absent, zone),
                    theirs="No answer"
                    if theirs is None
                    else in_words(question, theirs.value, theirs.absent, zone),
                )
            )
    return tuple(found)


def fault_words(form: Form, field: str, code: str, message: str) -> str:
    """A fault in words for whoever looks at the field."""
    question = form.find(field)
    if question is not None and code == "wrong_type":
        return _TYPED.get(question.type, message)
    return message


def in_words(question: Question, value: Any, absent: Absent | None, zone: ZoneInfo) -> str:
    """An answer as it is read, not as it is typed."""
    if absent is not None:
        return ABSENCES[absent.value]
    labels = {choice.code: choice.label for choice in question.choices}
    match value:
        case None:
            return "No answer"
        case bool():
            return "Yes" if value else "No"
        case list():
            return ", ".join(labels.get(str(one), str(one)) for one in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] -- JSON
        case str() if question.type is Type.DATE and _is_day(value):
            return us_day(date.fromisoformat(value))
        case str() if question.type is Type.INSTANT and (instant := instant_of(value)) is not None:
            there = instant.astimezone(zone)
            return f"{us_day(there.date())}, {there:%H:%M}"
        case _:
            unit = f" {question.unit}" if question.unit and not isinstance(value, str) else ""
            return labels.get(str(value), str(value)) + unit


# -- inside -----------------------------------------------------------------------------------------------------------


def _word(sheet: Sheet, key: str, *, own: bool) -> Answer | None:
    """The word this caller's field shows: a patient's own, or of staff the measured one before the other."""
    said = sheet.answers.get(key, {})
    if own:
        return said.get(Source.PATIENT)
    return said.get(Source.MEASURED) or said.get(Source.STAFF)


def _fields(question: Question, answer: Answer, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    key, value = question.key, answer.value
    if answer.absent is not None:
        radios = question.type in _RADIOS
        yield (
            (ANSWER if radios else ABSENT) + key,
            (f"absent:{answer.absent.value}" if radios else answer.absent.value),
        )
    elif question.type is Type.CHOICES and isinstance(value, list):
        for one in value:  # pyright: ignore[reportUnknownVariableType] -- JSON
            yield f"{ANSWER}{key}:{one}", "yes"
    elif isinstance(value, bool):
        yield ANSWER + key, "yes" if value else "no"
    elif question.type is Type.INSTANT and (instant := instant_of(value)) is not None:
        yield ANSWER + key, f"{instant.astimezone(zone):%Y-%m-%dT%H:%M}"
    else:
        yield ANSWER + key, str(value)
    if answer.certainty is not None:
        yield CERTAINTY + key, answer.certainty
    if answer.confirmed:
        yield CONFIRMED + key, "yes"


def _own_fields(question: Question, fields: Fields) -> dict[str, str]:
    """What the fields of one question say; a line's ends are of the browser."""
    key = question.key
    names = {ANSWER + key, ABSENT + key, CERTAINTY + key, CONFIRMED + key}
    parts = f"{ANSWER}{key}:"
    return {
        name: said
        for name, text in fields.items()
        if (name in names or name.startswith(parts)) and (said := text.replace("\r\n", "\n").strip())
    }


def _given(question: Question, sent: Fields, before: Fields, zone: ZoneInfo, *, own: bool) -> Given:
    key = question.key
    known = before.get(WORD + key)
    was = Source(known) if known in {one.value for one in Source} else None
    source = Source.PATIENT if own else was or Source.STAFF
    if not own and question.type is Type.QUANTITY:
        source = Source.MEASURED if sent.get("source", "measured") == "measured" else Source.STAFF
    fields = _own_fields(question, sent)
    typed = fields.get(ANSWER + key, "")
    given_up = typed.partition("absent:")[2] if question.type in _RADIOS else fields.get(ABSENT + key, "")
    value = None if given_up else _value(question, typed, fields, zone)
    absent = Absent(given_up) if given_up in ABSENCES else None
    if value is None and absent is None:
        return Given(source=was or source, withdrawn=True)
    certainty = fields.get(CERTAINTY + key) if value is not None else None
    return Given(
        value=value,
        absent=absent,
        source=source,
        certainty=certainty,
        confirmed=value is not None and CONFIRMED + key in fields,
    )


def _value(question: Question, typed: str, fields: Fields, zone: ZoneInfo) -> Any:
    """The value a text says; the text itself where it says none, and None for nothing."""
    if question.type is Type.CHOICES:
        parts = f"{ANSWER}{question.key}:"
        return [name.removeprefix(parts) for name in fields if name.startswith(parts)] or None
    if not typed:
        return None
    match question.type:
        case Type.YES_NO:
            return {"yes": True, "no": False}.get(typed, typed)
        case Type.INTEGER | Type.QUANTITY:
            if _WHOLE.fullmatch(typed):
                return int(typed)
            return float(typed) if _NUMBER.fullmatch(typed) else typed
        case Type.DATE:
            day = read_day(typed)
            return typed if day is None else day.isoformat()
        case Type.INSTANT:
            return _instant(typed, zone)
        case Type.CHOICE | Type.TEXT:
            return typed


def _instant(typed: str, zone: ZoneInfo) -> str:
    """The program's clock as an instant with its offset."""
    if not _LOCAL.fullmatch(typed):
        return typed
    try:
        return datetime.fromisoformat(typed).replace(tzinfo=zone).isoformat()
    except ValueError:
        return typed


def _shown(
    form: Form, question: Question, sheet: Sheet, fields: Fields, fault: str, zone: ZoneInfo, *, own: bool
) -> Shown:
    key, typed = question.key, fields.get(ANSWER + question.key, "")
    radios = question.type in _RADIOS
    choices = (
        [("yes", "Yes"), ("no", "No")]
        if question.type is Type.YES_NO
        else [(choice.code, choice.label) for choice in question.choices]
    )
    several = question.type is Type.CHOICES
    left = fields.get(ABSENT + key, "")
    sure = fields.get(CERTAINTY + key, "")
    return Shown(
        key=key,
        label=question.label,
        why=question.why,
        type=question.type.value,
        unit=question.unit or "",
        name=ANSWER + key,
        typed=typed,
        options=tuple(
            Option(f"{ANSWER}{key}:{code}", "yes", label, f"{ANSWER}{key}:{code}" in fields)
            if several
            else Option(ANSWER + key, code, label, typed == code)
            for code, label in choices
        ),
        absences=tuple(
            Option(ANSWER + key, f"absent:{code}", words, typed == f"absent:{code}")
            if radios
            else Option(ABSENT + key, code, words, left == code)
            for code, words in ABSENCES.items()
        ),
        certainties=tuple(
            Option(CERTAINTY + key, code, words, sure == code) for code, words in CERTAINTIES.items()
        )
        if question.certainty
        else (),
        confirmed=CONFIRMED + key in fields,
        asks_to_confirm=question.accept is not None and (bool(fault) or CONFIRMED + key in fields),
        only_if=_only_if(form, question, zone),
        required=question.need.value != "O",
        clinician_only=question.clinician_only,
        said=_said(question, sheet, zone, own=own),
        fault=fault,
    )


def _only_if(form: Form, question: Question, zone: ZoneInfo) -> str:
    when = question.when
    asked = None if when is None else form.find(when.question)
    if when is None or asked is None:
        return ""
    values = " or ".join(in_words(asked, value, None, zone) for value in when.values)
    return f"“{asked.label}” is {'not ' if when.negated else ''}{values}"


def _said(question: Question, sheet: Sheet, zone: ZoneInfo, *, own: bool) -> tuple[tuple[str, str], ...]:
    """Words that the field itself does not show, side by side: none replaces another (M6)."""
    said = sheet.answers.get(question.key, {})
    here = _word(sheet, question.key, own=own)
    if own or all(one is here for one in said.values()):
        return ()
    return tuple(
        (words, in_words(question, said[source].value, said[source].absent, zone))
        for source, words in SOURCES.items()
        if source in said
    )


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
