"""An instrument as a form of a page: its questions in order, what is chosen, and what a sent form says.

Nothing is judged here. A form's texts become the values of the item's own list where they are among them; whatever else
was sent goes to the scorer as it is, which refuses it and hears a positive safety answer beside it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from service.intake.answers import in_context, read_context
from service.intake.conditions import condition_to_json
from service.intake.context import ContextField, ContextKind
from service.intake.instrument import Instrument, Item, Option

DECLINED: Final = "declined"
#: Prefixes of the names of fields: an answer, something known beside the answers, and which of two versions counts.
_ANSWER: Final = "a:"
_CONTEXT: Final = "c:"
_CHOICE: Final = "k:"
MINE, THEIRS = "mine", "theirs"


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer on offer, as the form sends it."""

    sent: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Question:
    """One item as it is asked. `asked_when`: its skip rule as JSON for the module, or nothing."""

    key: str
    number: int
    name: str
    text: str
    choices: tuple[Choice, ...]
    multiple: bool
    declined: bool
    asked_when: str
    exclusive: str


@dataclass(frozen=True, slots=True)
class Section:
    title: str | None
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Beside:
    """A field beside the answers. `reloads`: other questions are asked when it changes."""

    key: str
    name: str
    label: str
    kind: str
    value: str
    values: Mapping[str, str]
    least: int
    most: int
    reloads: bool


@dataclass(frozen=True, slots=True, repr=False)
class Difference:
    """One question two versions answer differently, in words."""

    key: str
    name: str
    text: str
    mine: str
    theirs: str


def sections_of(
    instrument: Instrument, answers: Mapping[str, Any], context: Mapping[str, Any]
) -> tuple[Section, ...]:
    """The questions under their headings, with what is answered so far."""
    known = read_context(instrument, context)
    grouped: list[tuple[str | None, list[Question]]] = []
    for number, plain in enumerate(instrument.items, start=1):
        item = in_context(plain, known)
        if not grouped or grouped[-1][0] != item.section:
            grouped.append((item.section, []))
        grouped[-1][1].append(_question(item, number, answers.get(item.key)))
    return tuple(Section(title, tuple(questions)) for title, questions in grouped)


def _question(item: Item, number: int, answer: Any) -> Question:
    chosen = _texts(answer)
    return Question(
        key=item.key,
        number=number,
        name=_ANSWER + item.key,
        text=item.text,
        choices=tuple(
            Choice(str(option.value), option.label, str(option.value) in chosen) for option in item.options
        ),
        multiple=item.multiple,
        declined=DECLINED in chosen,
        asked_when="" if item.asked_when is None else json.dumps(condition_to_json(item.asked_when)),
        exclusive=next((str(option.value) for option in item.options if option.exclusive), ""),
    )


def besides_of(instrument: Instrument, context: Mapping[str, Any], *, own: bool) -> tuple[Beside, ...]:
    """The fields beside the answers; a patient fills in none that is a clinician's to know."""
    reloading = {
        part.get("context")
        for item in instrument.items
        for variant in item.variants
        for part in [condition_to_json(variant.when)]
    }
    return tuple(
        _beside(field, context.get(field.key), reloads=field.key in reloading)
        for field in instrument.context
        if field.asked or not own
    )


def _beside(field: ContextField, value: Any, *, reloads: bool) -> Beside:
    said = {True: "yes", False: "no"}.get(value) if isinstance(value, bool) else value
    return Beside(
        key=field.key,
        name=_CONTEXT + field.key,
        label=field.label,
        kind=field.kind.value,
        value=str(said if said is not None else field.default or ""),
        values=field.values,
        least=field.least,
        most=field.most,
        reloads=reloads,
    )


def answers_in(instrument: Instrument, form: Mapping[str, str]) -> dict[str, Any]:
    """The answers a form sent, by item key; what was left open is left out."""
    answers: dict[str, Any] = {}
    for item in instrument.items:
        if item.multiple:
            sent = [text for name, text in form.items() if name.startswith(f"{_ANSWER}{item.key}:")]
            if sent:
                answers[item.key] = DECLINED if DECLINED in sent else [_value(item, text) for text in sent]
        elif text := form.get(_ANSWER + item.key, ""):
            answers[item.key] = _value(item, text)
    return answers


def context_in(instrument: Instrument, form: Mapping[str, str], before: Mapping[str, Any]) -> dict[str, Any]:
    """What is known beside the answers: as it was, with what the form sent."""
    return {**before, **dict(_sent_context(instrument, form))}


def _sent_context(instrument: Instrument, form: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for field in instrument.context:
        text = form.get(_CONTEXT + field.key)
        if text is None:
            continue
        match field.kind:
            case ContextKind.TRUTH:
                yield field.key, {"yes": True, "no": False}.get(text)
            case ContextKind.NUMBER:
                yield field.key, int(text) if text.isascii() and text.isdigit() and len(text) < 7 else None
            case ContextKind.CHOICE | ContextKind.TIME:
                yield field.key, text[:200] or None


def _value(item: Item, text: str) -> int | str:
    """The option's own value for what a form can say of it, which is text."""
    return next((option.value for option in _options(item) if str(option.value) == text), text)


def _options(item: Item) -> Iterator[Option]:
    yield from item.options
    for variant in item.variants:
        yield from variant.options or ()


def _texts(answer: Any) -> list[str]:
    if isinstance(answer, list):
        return [str(one) for one in answer]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] -- JSON
    return [] if answer is None else [str(answer)]


# -- two versions -----------------------------------------------------------------------------------------------------


def differences(
    instrument: Instrument, mine: Mapping[str, Any], theirs: Mapping[str, Any], words: Mapping[str, str]
) -> tuple[Difference, ...]:
    """What two devices say differently, question by question."""
    return tuple(
        Difference(
            key=item.key,
            name=_CHOICE + item.key,
            text=item.text,
            mine=_in_words(item, mine.get(item.key), words),
            theirs=_in_words(item, theirs.get(item.key), words),
        )
        for item in instrument.items
        if mine.get(item.key) != theirs.get(item.key)
    )


def chosen_between(
    mine: Mapping[str, Any], theirs: Mapping[str, Any], form: Mapping[str, str]
) -> dict[str, Any] | None:
    """The answers somebody chose, question by question; None while a choice is missing."""
    merged: dict[str, Any] = {}
    for key in {**theirs, **mine}:
        choice = form.get(_CHOICE + key)
        if mine.get(key) != theirs.get(key) and choice not in (MINE, THEIRS):
            return None
        answer = (theirs if choice == THEIRS else mine).get(key)
        if answer is not None:
            merged[key] = answer
    return merged


def fields_of(
    instrument: Instrument, answers: Mapping[str, Any], context: Mapping[str, Any]
) -> dict[str, str]:
    """Answers and what stands beside them as the fields of a form that would send them."""
    fields: dict[str, str] = {}
    multiple = {item.key for item in instrument.items if item.multiple}
    for key, answer in answers.items():
        if key in multiple:
            fields |= {f"{_ANSWER}{key}:{text}": text for text in _texts(answer)}
        elif answer is not None:
            fields[_ANSWER + key] = str(answer)
    known = {beside.name: beside.value for beside in besides_of(instrument, context, own=False)}
    return fields | {name: value for name, value in known.items() if value}


def _in_words(item: Item, answer: Any, words: Mapping[str, str]) -> str:
    labels = {str(option.value): option.label for option in _options(item)} | {DECLINED: words["prefer_not"]}
    return ", ".join(labels.get(text, text) for text in _texts(answer)) or words["answer_none"]
