"""What a form of the medical intake was sent with: only what somebody changed on the page is sent on.

Nothing is judged here. Texts become values of the question's type where they are such; whatever else was sent goes to
the intake as it is, which refuses it and hears danger in what stands beside it. An answer nobody touched keeps its
author and its time.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from service.intake.medical.answer import Answer, Given, Sheet
from service.intake.medical.book import Absent, Form, Question, Source, Type
from service.intake.medical.checks import instant_of
from service.web.entering import read_day
from service.web.medical_words import ABSENCES, in_words, word_of

#: Prefixes of field names: an answer, why there is none, how certain, that it is right, whose word, which version.
ANSWER, ABSENT, CERTAINTY, CONFIRMED, WORD, CHOICE = "a:", "n:", "c:", "ok:", "w:", "k:"
MINE, THEIRS = "mine", "theirs"
_WHOLE: Final = re.compile(r"-?\d{1,9}", re.ASCII)
_NUMBER: Final = re.compile(r"-?\d{1,9}\.\d{1,6}", re.ASCII)
_LOCAL: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}", re.ASCII)
#: Types whose field is a row of choices, the non-answers among them.
RADIOS: Final = (Type.YES_NO, Type.CHOICE)

Fields = Mapping[str, str]


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
        answer = word_of(sheet, question.key, own=own)
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
            theirs = word_of(now, question.key, own=own)
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


# -- inside -----------------------------------------------------------------------------------------------------------


def _fields(question: Question, answer: Answer, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    key, value = question.key, answer.value
    if answer.absent is not None:
        radios = question.type in RADIOS
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
    given_up = typed.partition("absent:")[2] if question.type in RADIOS else fields.get(ABSENT + key, "")
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
