"""The words of a consent in the second shape (`wording.ConsentTextByKind`): every kind, every detail of its terms.

What the law asks a reader to see stands in words: who goes between and whom it may tell (2.31(a)(4)(ii)), which case
(2.31(d)), which condition and from when it can be revoked (2.35), addresses and the 200 miles (2.34), what depends on
signing (2.31(b)(3), 45 CFR 164.508(c)(2)(ii)). Everything, the ids of the register too, goes into the check code at
the end: two consents that differ anywhere differ in their words, and so in the hash that is signed.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import fields
from datetime import date
from itertools import zip_longest

from service.consent.model import (
    TPO_PURPOSE,
    WHOLE_PROGRAM,
    ConsentTerms,
    Expiry,
    ExpiryKind,
    Form,
    Initiator,
    Recipient,
    Scope,
    Selection,
)
from service.consent.phrases import listed, one_line, put, quoted
from service.consent.wording import ConsentTextByKind
from service.people.recipient import RecipientType

#: The one general designation the law knows (2.31(a)(4)(ii)(B)).
_TREATING = "treating_providers"


def lines_by_kind(terms: ConsentTerms, text: ConsentTextByKind) -> Iterator[str]:
    """A title, then sections of a heading and its lines. An empty section of 2.31 shows a dash; what is special is
    left out where nothing is.
    """
    yield text.consents[terms.kind.value].title
    yield f"({text.version})"
    yield ""
    for heading, paragraphs, needed in _sections(terms, text):
        if needed or paragraphs:
            yield heading
            yield from (f"- {paragraph}" for paragraph in paragraphs or ["\u2014"])
            yield ""


def check_code(terms: ConsentTerms) -> str:
    """SHA-256 over everything the terms say, in a fixed order: what is a set does not depend on how it was entered.

    Only what is said is in it, so that a detail added to the model one day changes no consent signed before.
    """
    return hashlib.sha256(_canonical(_said(terms)).encode("ascii")).hexdigest()


def _canonical(said: dict[str, object]) -> str:
    """One spelling: ASCII, names sorted, no white space."""
    return json.dumps(said, sort_keys=True, separators=(",", ":"))


def _said(terms: ConsentTerms) -> dict[str, object]:
    expiry, scope = terms.expiry, terms.scope
    said: dict[str, object] = {
        "kind": terms.kind.value,
        "program": terms.program_name,
        "patient": terms.patient_name,
        "disclosers": sorted([d.unit, d.name] for d in terms.disclosers),
        "recipients": sorted((_said_of(r) for r in terms.recipients), key=_canonical),
        "kinds": _selection(scope.kinds),
        "labels": _selection(scope.labels),
        "from": _iso(scope.first_day),
        "to": _iso(scope.last_day),
        "description": scope.description,
        "purposes": sorted(set(terms.purposes)),
        "expiry": None if expiry is None else [expiry.kind.value, _iso(expiry.on), expiry.event],
        "statements": sorted(f.name for f in fields(terms.statements) if getattr(terms.statements, f.name)),
        "form": None if terms.form is None else terms.form.value,
        "initiated_by": None if terms.initiated_by is None else terms.initiated_by.value,
        "language": terms.language,
        "fundraises": terms.program_intends_fundraising,
        "conditioned": terms.conditioned,
        "justice_condition": terms.justice_condition,
        "revocable_after": terms.revocable_after,
        "proceeding": terms.proceeding,
        "within_200_miles": terms.within_200_miles,
    }
    return {name: value for name, value in said.items() if value not in (None, "", False, [])}


def _said_of(recipient: Recipient) -> dict[str, object]:
    said: dict[str, object] = {
        "id": str(recipient.recipient_id),
        "type": recipient.type.value,
        "name": recipient.name,
        "class": None if recipient.recipient_class is None else recipient.recipient_class.value,
        "covered_entity": recipient.covered_entity,
        "business_associate": recipient.business_associate,
        "roles": sorted(set(recipient.roles)),
        "participants": sorted(
            [str(one or ""), name or ""]
            for one, name in zip_longest(recipient.participants, recipient.participant_names)
        ),
        "designation": recipient.general_designation,
        "address": recipient.address,
    }
    return {name: value for name, value in said.items() if value not in (None, "", False, [])}


def _selection(chosen: Selection) -> list[str]:
    return ["*"] if chosen == "all" else sorted(set(chosen))


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _sections(terms: ConsentTerms, text: ConsentTextByKind) -> Iterator[tuple[str, list[str], bool]]:
    """Heading, lines, and whether the section stands there even when it is empty."""
    heading, name = text.headings, terms.patient_name
    yield text.sections.about, list(text.consents[terms.kind.value].about), True
    yield heading.patient, [put(text.patient, name=name)] if one_line(name) else [], True
    yield heading.disclosers, list(_disclosers(terms, text)), True
    yield heading.recipients, sorted({line for r in terms.recipients for line in _recipient(r, text)}), True
    yield heading.scope, list(_scope(terms.scope, text)), True
    yield heading.purposes, list(_purposes(terms, text)), True
    yield text.sections.details, list(_details(terms, text)), False
    yield heading.expiry, list(_expiry(terms.expiry, text)) if terms.expiry else [], True
    yield heading.statements, list(_statements(terms, text)), True
    yield heading.form, _form(terms.form, text), True
    yield text.sections.reference, [put(text.reference, code=check_code(terms))], True


def _day(day: date, text: ConsentTextByKind) -> str:
    """A date nobody can read the wrong way round."""
    return put(text.day, month=text.months[day.month - 1], day=str(day.day), year=str(day.year))


def _disclosers(terms: ConsentTerms, text: ConsentTextByKind) -> Iterator[str]:
    for discloser in sorted(terms.disclosers, key=lambda d: d.unit):
        if discloser.unit == WHOLE_PROGRAM:
            yield put(text.disclosers.all_units, program=terms.program_name)
        else:
            yield put(text.disclosers.unit, unit=discloser.name, program=terms.program_name)


def _recipient(recipient: Recipient, text: ConsentTextByKind) -> Iterator[str]:
    """The recipient, and for a go-between whom it may tell; a go-between that may tell nobody is told so by E07."""
    if recipient.recipient_class is not None:
        yield text.recipients.classes.get(recipient.recipient_class.value, one_line(recipient.name))
        return
    name = recipient.name
    if recipient.address:
        name = put(text.named.address, name=name, address=recipient.address)
    if recipient.type is not RecipientType.INTERMEDIARY:
        yield put(text.recipients.named, name=name)
        return
    yield put(text.named.intermediary, name=name)
    if recipient.participants:
        named = recipient.participant_names or tuple(str(one) for one in recipient.participants)
        members = ", ".join(sorted(one_line(one) for one in named))
        yield put(text.named.participants, name=recipient.name, participants=members)
    if recipient.general_designation == _TREATING:
        yield put(text.named.treating_providers, name=recipient.name)
    elif recipient.general_designation:
        designation = quoted(recipient.general_designation)
        yield put(text.named.designation, name=recipient.name, designation=designation)


def _scope(scope: Scope, text: ConsentTextByKind) -> Iterator[str]:
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
            yield put(words.between, first_day=_day(first, text), last_day=_day(last, text))
        case (date() as first, None):
            yield put(words.since, first_day=_day(first, text))
        case (None, date() as last):
            yield put(words.until, last_day=_day(last, text))
    if scope.description.strip():
        yield put(words.description, description=quoted(scope.description))


def _purposes(terms: ConsentTerms, text: ConsentTextByKind) -> Iterator[str]:
    for code in sorted(set(terms.purposes), key=lambda c: (c != TPO_PURPOSE, c)):
        yield text.purposes.get(code, one_line(code))


def _details(terms: ConsentTerms, text: ConsentTextByKind) -> Iterator[str]:
    words = text.details
    if terms.initiated_by is not None:
        asked = terms.initiated_by is Initiator.PATIENT
        yield words.asked_by_patient if asked else words.asked_by_staff
    if terms.proceeding:
        yield put(words.proceeding, proceeding=quoted(terms.proceeding))
    if terms.justice_condition:
        yield put(words.justice_condition, condition=quoted(terms.justice_condition))
    if terms.revocable_after:
        yield _revocable(terms.revocable_after, text)
    if terms.within_200_miles:
        yield words.within_200_miles
    if terms.program_intends_fundraising:
        yield words.fundraises
    if terms.conditioned:
        yield words.conditioned
    elif text.consents[terms.kind.value].free:
        yield words.free


def _revocable(after: str, text: ConsentTextByKind) -> str:
    """From a day on, or once an event has happened: a word of the list, or as somebody typed it."""
    try:
        return put(text.details.revocable_after_day, day=_day(date.fromisoformat(after), text))
    except ValueError:
        event = text.events.get(after)
        return put(text.details.revocable_after, event=quoted(after) if event is None else f"{event}.")


def _expiry(expiry: Expiry, text: ConsentTextByKind) -> Iterator[str]:
    words = text.expiry
    match expiry.kind:
        case ExpiryKind.DATE:
            if expiry.on is not None:
                yield put(words.date, date=_day(expiry.on, text))
        case ExpiryKind.EVENT:
            if expiry.event:
                yield put(words.event, event=text.events.get(expiry.event, expiry.event))
        case ExpiryKind.NONE:
            yield words.none
        case ExpiryKind.END_OF_TREATMENT:
            yield words.end_of_treatment


def _statements(terms: ConsentTerms, text: ConsentTextByKind) -> Iterator[str]:
    """The selected statements, in a kind's own words where it has them."""
    own = text.consents[terms.kind.value].statements
    common = text.statements.model_dump() | {"fundraising_optout": text.fundraising_optout}
    for name, paragraph in common.items():
        if getattr(terms.statements, name):
            yield put(own.get(name, paragraph), program=terms.program_name)


def _form(form: Form | None, text: ConsentTextByKind) -> list[str]:
    match form:
        case Form.ELECTRONIC:
            return [text.form.electronic]
        case Form.PAPER:
            return [text.form.paper]
        case Form.ORAL:
            return [text.form.oral]
        case None:
            return []
