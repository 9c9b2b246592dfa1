"""The exact words of a consent, and their hash.

A statement is in the document because it was selected, and only in the words of the version: nobody can
claim a statement the text does not contain. What people typed (names, a description) is folded onto one
line and quoted where it stands, so that it can neither end a paragraph nor start one. Rendering the same
terms with the same version gives the same bytes for ever; the SHA-256 of these bytes is what a signature
covers.
"""

import hashlib
from collections.abc import Iterator
from datetime import date

from service.consent.by_kind import lines_by_kind
from service.consent.model import (
    TPO_PURPOSE,
    WHOLE_PROGRAM,
    ConsentTerms,
    Expiry,
    ExpiryKind,
    Form,
    Recipient,
    Scope,
)
from service.consent.phrases import listed, one_line, put, quoted
from service.consent.wording import ConsentText, ConsentTextByKind

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def _day(day: date) -> str:
    """A date nobody can read the wrong way round; written out here because strftime follows the locale."""
    return f"{_MONTHS[day.month - 1]} {day.day}, {day.year}"


def _recipient(recipient: Recipient, text: ConsentText) -> str:
    if recipient.recipient_class is not None:
        return text.recipients.classes.get(recipient.recipient_class.value, one_line(recipient.name))
    return put(text.recipients.named, name=recipient.name)


def _scope(scope: Scope, text: ConsentText) -> Iterator[str]:
    words = text.scope
    if scope.kinds == "all":
        yield words.all_kinds
    elif scope.kinds:
        yield put(words.kinds, kinds=listed(scope.kinds, text.kinds))
    if scope.labels == "all":
        yield words.all_labels
    elif scope.labels:
        yield put(words.labels, labels=listed(scope.labels, text.labels))
    match (scope.first_day, scope.last_day):
        case (None, None):
            pass
        case (date() as first, date() as last):
            yield put(words.between, first_day=_day(first), last_day=_day(last))
        case (date() as first, None):
            yield put(words.since, first_day=_day(first))
        case (None, date() as last):
            yield put(words.until, last_day=_day(last))
    if scope.description.strip():
        yield words.description.format(description=quoted(scope.description))


def _expiry(expiry: Expiry, text: ConsentText) -> Iterator[str]:
    words = text.expiry
    match expiry.kind:
        case ExpiryKind.DATE:
            if expiry.on is not None:
                yield put(words.date, date=_day(expiry.on))
        case ExpiryKind.EVENT:
            if expiry.event:
                yield put(words.event, event=text.events.get(expiry.event, expiry.event))
        case ExpiryKind.NONE:
            yield words.none
        case ExpiryKind.END_OF_TREATMENT:
            yield words.end_of_treatment


def _statements(terms: ConsentTerms, text: ConsentText) -> Iterator[str]:
    chosen, words = terms.statements, text.statements
    for selected, paragraph in (
        (chosen.revocation, words.revocation),
        (chosen.revocation_how, words.revocation_how),
        (chosen.hipaa_redisclosure, words.hipaa_redisclosure),
        (chosen.redisclosure_potential, words.redisclosure_potential),
        (chosen.refusal_consequences, words.refusal_consequences),
    ):
        if selected:
            yield put(paragraph, program=terms.program_name)


def _disclosers(terms: ConsentTerms, text: ConsentText) -> Iterator[str]:
    for discloser in sorted(terms.disclosers, key=lambda d: d.unit):
        if discloser.unit == WHOLE_PROGRAM:
            yield put(text.disclosers.all_units, program=terms.program_name)
        else:
            yield put(text.disclosers.unit, unit=discloser.name, program=terms.program_name)


def _purposes(terms: ConsentTerms, text: ConsentText) -> Iterator[str]:
    for code in sorted(set(terms.purposes), key=lambda c: (c != TPO_PURPOSE, c)):
        yield text.purposes.get(code, one_line(code))


def _form(form: Form | None, text: ConsentText) -> list[str]:
    match form:
        case Form.ELECTRONIC:
            return [text.form.electronic]
        case Form.PAPER:
            return [text.form.paper]
        case Form.ORAL:
            return [text.form.oral]
        case None:
            return []


def _sections(terms: ConsentTerms, text: ConsentText) -> Iterator[tuple[str, list[str]]]:
    heading = text.headings
    name = terms.patient_name
    yield heading.patient, [put(text.patient, name=name)] if one_line(name) else []
    yield heading.disclosers, list(_disclosers(terms, text))
    yield heading.recipients, sorted({_recipient(recipient, text) for recipient in terms.recipients})
    yield heading.scope, list(_scope(terms.scope, text))
    yield heading.purposes, list(_purposes(terms, text))
    yield heading.expiry, list(_expiry(terms.expiry, text)) if terms.expiry else []
    yield heading.statements, list(_statements(terms, text))
    yield heading.form, _form(terms.form, text)


def render(terms: ConsentTerms, text: ConsentText) -> str:
    """The consent in plain words: a title, then sections of a heading and its lines; an empty section
    shows a dash.
    """
    if isinstance(text, ConsentTextByKind):
        return "\n".join(lines_by_kind(terms, text))
    lines = [text.title, f"({text.version})", ""]
    for heading, paragraphs in _sections(terms, text):
        lines.append(heading)
        lines.extend(f"- {paragraph}" for paragraph in paragraphs or ["\u2014"])
        lines.append("")
    return "\n".join(lines)


def text_hash(rendered: str) -> str:
    """SHA-256 of the rendered words, lower-case hexadecimal."""
    return hashlib.sha256(rendered.encode("utf-8")).hexdigest()


def rendered_hash(terms: ConsentTerms, text: ConsentText) -> str:
    return text_hash(render(terms, text))
