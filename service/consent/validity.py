"""Does a consent stand at this instant? (42 CFR 2.31(c)) Everything against it is named, not only the
first.

The state in the row is not trusted alone: expiry is worked out from the terms and the patient's events, the
elements are looked at again, and the words are rendered again and compared with the hash that was signed. A
consent that fails any of these is void for the decision at hand, whatever its row says.

What costs little (state, dates, events, rulings) is kept apart from what costs much (rendering and hashing the
words, the elements): `ended_codes` is the one, `intact` and `lacking` are the other.
"""

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from service.consent.document import rendered_hash
from service.consent.elements import Assessment, missing_elements
from service.consent.model import (
    ConsentRecord,
    ConsentState,
    ConsentTerms,
    Expiry,
    ExpiryKind,
    Reason,
    Today,
)
from service.consent.rulebook import Rulebook
from service.people.patient import Event

#: The patient event that ends a consent given until the end of treatment.
END_OF_TREATMENT_EVENTS = frozenset({Event.DISCHARGE, Event.END_OF_TREATMENT})

#: Events somebody records: whether one of these has happened can be said.
_RECORDED = frozenset(event.value for event in Event)

_BY_STATE: Mapping[ConsentState, str] = {
    ConsentState.DRAFT: "C-NOT-SIGNED",
    ConsentState.REVOKED: "C-REVOKED",
    ConsentState.EXPIRED: "C-EXPIRED",
    ConsentState.SUPERSEDED: "C-SUPERSEDED",
    ConsentState.ENTERED_IN_ERROR: "C-ENTERED-IN-ERROR",
}

_zone = lru_cache(maxsize=64)(ZoneInfo)


def local_day(instant: datetime, timezone: str) -> date:
    """The calendar day of an instant where the program is."""
    return instant.astimezone(_zone(timezone)).date()


def ended(terms: ConsentTerms, since: datetime | None, today: Today) -> bool:
    """True once the date has passed, or the event has happened.

    An event of a day before the consent was in force does not end it (last year's discharge, for a
    patient who has come back); one of the same day does, because days have no order inside them and a
    consent that ends too early harms less than one that ends too late. `since` None: any event counts.
    """
    expiry = terms.expiry
    if expiry is None or expiry.kind is ExpiryKind.NONE:
        return False
    last = local_day(today.now, today.timezone)
    if expiry.kind is ExpiryKind.DATE:
        return expiry.on is not None and last > expiry.on
    if not today.events:
        return False
    first = date.min if since is None else local_day(since, today.timezone)
    happened = {name for name, day in today.events if first <= day <= last}
    if expiry.kind is ExpiryKind.EVENT:
        return expiry.event in happened
    return bool(happened & END_OF_TREATMENT_EVENTS)


def endless(expiry: Expiry | None) -> bool:
    """No end is stated at all: nobody could ever say that the consent still holds."""
    match expiry.kind if expiry else None:
        case ExpiryKind.DATE:
            return expiry is None or expiry.on is None
        case ExpiryKind.EVENT:
            return expiry is None or not (expiry.event or "").strip()
        case ExpiryKind.NONE | ExpiryKind.END_OF_TREATMENT:
            return False
        case None:
            return True


def last_ruling(record: ConsentRecord, kinds: frozenset[str]) -> str | None:
    """The latest of the rulings of these kinds: compliance may change its mind, and the last word counts."""
    return next((kind for kind, _ in reversed(record.rulings) if kind in kinds), None)


_TRUTH = frozenset({"doubted", "cleared", "false"})
_HAPPENED = frozenset({"event_happened", "event_not_happened"})


def recorded_event(name: str | None) -> bool:
    """Is this an event somebody here records?"""
    return name in _RECORDED


def unevaluable(record: ConsentRecord) -> bool:
    """The consent ends with an event that nobody here records, and no ruling says whether it has happened."""
    expiry = record.terms.expiry
    return (
        expiry is not None
        and expiry.kind is ExpiryKind.EVENT
        and expiry.event not in _RECORDED
        and bool((expiry.event or "").strip())
        and last_ruling(record, _HAPPENED) is None
    )


def expired(record: ConsentRecord, today: Today) -> bool:
    """Ended by date, event, ruling or row; or without any end stated."""
    return (
        record.state is ConsentState.EXPIRED
        or ended(record.terms, record.active_from, today)
        or (bool(record.rulings) and last_ruling(record, _HAPPENED) == "event_happened")
    )


def known_false(record: ConsentRecord) -> bool:
    """Ruled to be materially false (2.31(c)(4))."""
    return bool(record.rulings) and last_ruling(record, _TRUTH) == "false"


def doubted(record: ConsentRecord) -> bool:
    """Somebody doubts that it is true, and nobody has settled the doubt."""
    return bool(record.rulings) and last_ruling(record, _TRUTH) == "doubted"


def ended_on_record(record: ConsentRecord) -> tuple[str, ...]:
    """How the sealed half of the row says the consent ended: putting back the clear state revives nothing."""
    codes: list[str] = []
    if record.revocations:
        whole = any(not revocation.recipients for revocation in record.revocations)
        named = frozenset(recipient.recipient_id for recipient in record.terms.recipients)
        if whole or named <= record.revoked_recipients:
            codes.append("C-REVOKED")
    if record.superseded_by is not None:
        codes.append("C-SUPERSEDED")
    if record.error_reason is not None:
        codes.append("C-ENTERED-IN-ERROR")
    return tuple(codes)


def signed_day(record: ConsentRecord, timezone: str) -> date:
    """The day the consent was given: the latest date beside a signature."""
    dates = [s.signed_on for s in record.signatures if s.signed_on is not None]
    return max(dates) if dates else local_day(record.created_at, timezone)


def ended_codes(record: ConsentRecord, today: Today) -> tuple[str, ...]:
    """Everything against the consent that state, dates, events and rulings say."""
    codes = list(ended_on_record(record))
    if record.state is not ConsentState.ACTIVE and _BY_STATE[record.state] not in codes:
        codes.append(_BY_STATE[record.state])
    if record.active_from is None or today.now < record.active_from:
        codes.append("C-NOT-YET")
    if "C-EXPIRED" not in codes and expired(record, today):
        codes.append("C-EXPIRED")
    elif unevaluable(record):
        codes.append("C-EXPIRY-UNKNOWN")
    if known_false(record):
        codes.append("C-FALSE")
    elif doubted(record):
        codes.append("C-DOUBTED")
    if not record.signatures:
        codes.append("C-NOT-SIGNED")
    return tuple(codes)


def intact(book: Rulebook, record: ConsentRecord) -> bool:
    """The words rendered from the stored terms are the words whose hash every signature covers."""
    text = book.text(record.text_version, record.terms.language)
    if text is None or record.text_sha256 is None or not record.signatures:
        return False
    now = rendered_hash(record.terms, text)
    return record.text_sha256 == now and all(s.text_sha256 == now for s in record.signatures)


def lacking(
    book: Rulebook, record: ConsentRecord, classes: Mapping[str, str], timezone: str
) -> tuple[Reason, ...]:
    """The elements of 2.31(a) that the consent lacks, judged as of the day it was given.

    A defect of form that compliance has let pass (ruling `formal`) is no longer one.
    """
    found = missing_elements(book, Assessment(record.terms, classes, signed_day(record, timezone)))
    if not found or not any(kind == "formal" for kind, _ in record.rulings):
        return found
    return tuple(reason for reason in found if reason.code not in book.formal)


def against(
    book: Rulebook, record: ConsentRecord, classes: Mapping[str, str], today: Today
) -> tuple[Reason, ...]:
    """Everything that makes this consent void at `today.now`; empty means it stands."""
    if record.state is ConsentState.DRAFT:
        return (book.reasons["C-NOT-SIGNED"],)
    codes = list(ended_codes(record, today))
    if record.signatures and not intact(book, record):
        codes.append("C-TEXT-CHANGED")
    return (*(book.reasons[code] for code in codes), *lacking(book, record, classes, today.timezone))
