"""What is missing or wrong in a form of the medical intake, in words, each with the field it is mended in."""

from collections.abc import Mapping

from service.errors import ConsentryError
from service.intake.medical.book import Form, Section
from service.web.medical_fields import fault_words


def missing_words(section: Section, name: str) -> tuple[str, str]:
    """Where a missing answer is given, and what it is called."""
    if name == "entries":
        return "entries", "Something is said to be there, and nothing is listed"
    if name == "entries.rank.primary":
        return "entries", "Which substance is the main one"
    listed, _, key = name.rpartition(".")
    form = section.entries if listed and section.entries is not None else section.form
    question = form.find(key)
    words = key if question is None else question.label
    if not listed:
        return f"f-{key}", words
    number = int(listed.removeprefix("entries[").removesuffix("]")) + 1
    return "entries", f"{section.entry_title} {number}: {words}"


def faults_of(form: Form, error: ConsentryError | None) -> dict[str, str]:
    """The first fault of each question, in words."""
    found: dict[str, str] = {}
    for one in () if error is None else error.errors:
        head, _, rest = one.field.partition(".")
        key = rest.partition(".")[0]
        if head == "answers" and key:
            found.setdefault(key, fault_words(form, key, one.code, one.message))
    return found


def fault_at(error: ConsentryError | None, field: str) -> str:
    return next((one.message for one in (() if error is None else error.errors) if one.field == field), "")


def listed_faults(
    section: Section, form: Form, labels: Mapping[str, str], error: ConsentryError | None
) -> tuple[tuple[str, str], ...]:
    """The summary at the top: where each fault is mended, and what it is. `labels`: of the fields that are there."""
    listed: dict[str, str] = {}
    for one in () if error is None else error.errors:
        key = one.field.removeprefix("answers.").partition(".")[0]
        if one.field == "reason":
            listed["f-reason"] = one.message
        elif key in labels:
            words = fault_words(form, key, one.code, one.message)
            listed.setdefault(f"f-{key}", f"{labels[key]}: {words}")
        elif key.startswith("entries"):
            where, words = missing_words(section, one.field.removeprefix("answers."))
            listed[where] = words
        else:
            listed.setdefault("f-form", one.message)
    return tuple(listed.items())
