"""What an answer must look like, and what is still missing. Pure: the day, the age and the names come in.

A fault never repeats the answer. A value outside of the accepted range is an answer once somebody confirms it; one
outside of the limits never is.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

from service.errors import FieldError
from service.intake.medical.answer import Given, Sheet
from service.intake.medical.book import Form, MedicalBook, Need, Question, Section, Source, Type, Value

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})", re.ASCII)
_CERTAINTY = ("exact", "about", "guess")
_LONGEST = 2000
_MOST_CHOICES = 40


@dataclass(frozen=True, slots=True, repr=False)
class Circumstances:
    """What a check needs to know beside the answers. `names`: of the program and its units."""

    now: datetime
    today: date
    age: int
    clinician: bool
    patient: bool
    names: tuple[str, ...]


def faults_of(
    book: MedicalBook, section: Section, form: Form, given: Mapping[str, Given], about: Circumstances
) -> tuple[FieldError, ...]:
    """Everything wrong with the answers given, all at once."""
    found: list[FieldError] = []
    for key, one in given.items():
        question = form.find(key)
        if question is None:
            found.append(FieldError("answers", "unknown_question", "The section does not ask this."))
        else:
            found.extend(_faults(book, section, question, one, about))
    return tuple(found)


def sound(form: Form, given: Mapping[str, Given], about: Circumstances) -> dict[str, Given]:
    """The answers that are answers, whatever is wrong beside them: an urgent one among them is heard."""
    kept: dict[str, Given] = {}
    for key, one in given.items():
        question = form.find(key)
        if question is None:
            continue
        if one.withdrawn or not list(_value_faults(question, one, about, f"answers.{key}")):
            kept[key] = one
    return kept


def missing_in(form: Form, sheet: Sheet) -> tuple[str, ...]:
    """Questions that are asked and have no answer, not even an explicit non-answer."""
    return tuple(
        one.key
        for one in form.questions
        if one.need is not Need.OPTIONAL and sheet.holds(one.when) and sheet.current(one.key) is None
    )


def urgent_in(form: Form, sheet: Sheet) -> tuple[str, ...]:
    """Questions whose value, of any source, is an urgent finding."""
    rules = {one.key: one.urgent for one in form.questions if one.urgent}
    return tuple(
        sorted(
            {
                key
                for key, answer in sheet
                if is_number(answer.value)
                and any(span.holds(Decimal(str(answer.value))) for span in rules.get(key, ()))
            }
        )
    )


def is_number(value: Value) -> bool:
    return type(value) in (int, float)


def _faults(
    book: MedicalBook, section: Section, question: Question, given: Given, about: Circumstances
) -> Iterable[FieldError]:
    at = f"answers.{question.key}"
    if about.patient and not question.self_report:
        yield FieldError(at, "not_self_reported", "This is answered by the program's staff.")
    if about.patient != (given.source is Source.PATIENT):
        yield FieldError(
            f"{at}.source", "not_yours", "Staff record as staff or measured, patients as the patient."
        )
    if question.clinician_only and not about.clinician:
        yield FieldError(at, "clinician_only", "A clinician answers this.")
    if given.withdrawn:
        return
    yield from _value_faults(question, given, about, at)
    if section.tells_nothing and isinstance(given.value, str) and question.type is Type.TEXT:
        yield from _telling(book, given.value, about, at)


def _value_faults(question: Question, given: Given, about: Circumstances, at: str) -> Iterable[FieldError]:
    if (given.value is None) == (given.absent is None):
        yield FieldError(at, "missing", "An answer is a value, or says why there is none.")
        return
    if given.absent is not None:
        return
    fault = _type_fault(question, given.value)
    if fault is not None:
        yield FieldError(at, "wrong_type", fault)
        return
    if is_number(given.value):
        yield from _range_faults(question, Decimal(str(given.value)), given, about, at)
    if question.past and _is_future(given.value, about):
        yield FieldError(at, "future", "This is in time to come.")
    if question.certainty and given.certainty not in _CERTAINTY:
        yield FieldError(f"{at}.certainty", "missing", "Say how certain this is: exact, about or guess.")


def _type_fault(question: Question, value: Any) -> str | None:
    match question.type:
        case Type.YES_NO:
            return None if type(value) is bool else "true or false is expected."
        case Type.INTEGER:
            return None if type(value) is int else "A whole number is expected."
        case Type.QUANTITY:
            return (
                None
                if is_number(value) and abs(value) < 10**6
                else f"A number in {question.unit} is expected."
            )
        case Type.TEXT:
            good = isinstance(value, str) and bool(value.strip()) and len(value) <= _LONGEST
            return None if good else f"A text of up to {_LONGEST} characters is expected."
        case Type.DATE:
            return None if _read(value, _DATE, date.fromisoformat) else "A date is written YYYY-MM-DD."
        case Type.INSTANT:
            return None if instant_of(value) else "A time is written as RFC 3339 with an offset."
        case Type.CHOICE:
            return (
                None
                if isinstance(value, str) and value in {one.code for one in question.choices}
                else "Not one of the choices."
            )
        case Type.CHOICES:
            return None if _are_choices(question, value) else "A list of choices, each once, is expected."


def _are_choices(question: Question, value: Any) -> bool:
    """Each once, and "none" only alone: a list that says nothing and something says neither."""
    if not isinstance(value, list):
        return False
    listed = cast("list[object]", value)
    codes = [one for one in listed if isinstance(one, str)]
    if not 0 < len(listed) <= _MOST_CHOICES or len(codes) != len(listed) or len(set(codes)) != len(codes):
        return False
    nothing = {"none", "nobody"} & set(codes)
    return set(codes) <= {one.code for one in question.choices} and (not nothing or len(codes) == 1)


def _range_faults(
    question: Question, value: Decimal, given: Given, about: Circumstances, at: str
) -> Iterable[FieldError]:
    if question.limits is not None and not question.limits.holds(value):
        yield FieldError(at, "out_of_range", "This cannot be.")
    elif question.accept is not None and not question.accept.holds(value) and not given.confirmed:
        yield FieldError(
            at, "confirm", "Outside of the expected range. Check it, and confirm it if it is right."
        )
    if question.concept in ("substance.first_age", "substance.regular_since") and value > about.age:
        yield FieldError(at, "beyond_age", "More than the patient's age.")


def _is_future(value: str, about: Circumstances) -> bool:
    instant = instant_of(value)
    if instant is not None:
        return instant > about.now
    return date.fromisoformat(value) > about.today


def instant_of(value: Any) -> datetime | None:
    """The instant a text says, with its offset; None for anything else."""
    return _read(value, _INSTANT, datetime.fromisoformat)


def _read(value: Any, shape: "re.Pattern[str]", read: Any) -> Any:
    if not isinstance(value, str) or shape.fullmatch(value) is None:
        return None
    try:
        return read(value)
    except ValueError:
        return None


def _telling(book: MedicalBook, text: str, about: Circumstances, at: str) -> Iterable[FieldError]:
    """Lines read aloud or printed for outsiders tell neither the program nor the reason (42 CFR 2.13(c))."""
    lowered = " ".join(text.lower().split())
    words = set(re.findall(r"[a-z]+", lowered))
    if words & book.telling_words or any(name.lower() in lowered for name in about.names if name.strip()):
        yield FieldError(at, "tells_why", "Leave out the program and the reason.", "42 CFR 2.13(c)")


def interpreter_missing(*, needed: bool | None, interpreter: str | None, is_relative: bool = False) -> bool:
    """Whether a consent or a suicide screen cannot be signed yet: an interpreter is needed and none is named, or the
    one named belongs to the family. Whether one is needed may be unknown: then somebody asks first.
    """
    if needed is False:
        return False
    return needed is None or is_relative or not (interpreter or "").strip()
