"""Answers of the medical intake in words, as staff and patients read them on a page."""

from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

from service.intake.medical.answer import Answer, Sheet
from service.intake.medical.book import Absent, Question, Source, Type
from service.intake.medical.checks import instant_of
from service.web.heading import us_day

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
#: What a label is about, for a legend.
LABELS: Final = {
    "SUD": "substance use",
    "PSY": "mental health",
    "HIV": "HIV",
    "STD": "sexually transmitted infections",
    "SDV": "violence and abuse",
    "REPRO": "sexual and reproductive health",
}


def word_of(sheet: Sheet, key: str, *, own: bool) -> Answer | None:
    """The word this caller's field shows: a patient's own, or of staff the measured one before the other."""
    said = sheet.answers.get(key, {})
    if own:
        return said.get(Source.PATIENT)
    return said.get(Source.MEASURED) or said.get(Source.STAFF)


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


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
