"""A form of the medical intake as fields of a page: what is asked, what stands in it, what others have said."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from service.intake.medical.answer import Sheet
from service.intake.medical.book import Form, Question, Type
from service.web.medical_sent import (
    ABSENT,
    ANSWER,
    CERTAINTY,
    CONFIRMED,
    RADIOS,
    Fields,
    questions_for,
)
from service.web.medical_words import ABSENCES, CERTAINTIES, SOURCES, in_words, word_of

#: Words for faults that speak of JSON, for those who type into fields.
_TYPED: Final = {
    Type.YES_NO: "Choose yes or no.",
    Type.DATE: "Give a day, such as 02/28/1985.",
    Type.INSTANT: "Give a day and a time.",
    Type.CHOICES: "Choose what is right; “nothing” stands alone.",
}


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


def fault_words(form: Form, field: str, code: str, message: str) -> str:
    """A fault in words for whoever looks at the field."""
    question = form.find(field)
    if question is not None and code == "wrong_type":
        return _TYPED.get(question.type, message)
    return message


# -- inside -----------------------------------------------------------------------------------------------------------


def _shown(
    form: Form, question: Question, sheet: Sheet, fields: Fields, fault: str, zone: ZoneInfo, *, own: bool
) -> Shown:
    key, typed = question.key, fields.get(ANSWER + question.key, "")
    radios = question.type in RADIOS
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
    here = word_of(sheet, question.key, own=own)
    if own or all(one is here for one in said.values()):
        return ()
    return tuple(
        (words, in_words(question, said[source].value, said[source].absent, zone))
        for source, words in SOURCES.items()
        if source in said
    )
