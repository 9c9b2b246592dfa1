"""Does a consent stand at this instant? (42 CFR 2.31(c)) Everything against it is named, not only the
first.

The state in the row is not trusted alone: expiry is worked out from the terms, the elements are looked at
again, and the words are rendered again and compared with the hash that was signed. A consent that fails
any of these is void for the decision at hand, whatever its row says.
"""

from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from service.consent.document import rendered_hash
from service.consent.elements import Assessment, missing_elements
from service.consent.model import (
    SUPPORTED_KINDS,
    ConsentRecord,
    ConsentState,
    ConsentTerms,
    ExpiryKind,
    Reason,
    Today,
)
from service.consent.rulebook import Rulebook
from service.people.patient import Event

#: The patient event that ends a consent given until the end of treatment.
END_OF_TREATMENT_EVENTS = frozenset({Event.DISCHARGE, Event.END_OF_TREATMENT})

_BY_STATE: Mapping[ConsentState, str] = {
    ConsentState.DRAFT: "C-NOT-SIGNED",
    ConsentState.REVOKED: "C-REVOKED",
    ConsentState.EXPIRED: "C-EXPIRED",
    ConsentState.SUPERSEDED: "C-SUPERSEDED",
    ConsentState.ENTERED_IN_ERROR: "C-ENTERED-IN-ERROR",
}


def local_day(instant: datetime, timezone: str) -> date:
    """The calendar day of an instant where the program is."""
    return instant.astimezone(ZoneInfo(timezone)).date()


def ended(terms: ConsentTerms, since: datetime | None, today: Today) -> bool:
    """True once the date has passed, or the event has happened.

    An event of a day before the consent was in force does not end it (last year's discharge, for a
    patient who has come back); one of the same day does, because days have no order inside them and a
    consent that ends too early harms less than one that ends too late. `since` None: any event counts.
    """
    expiry = terms.expiry
    if expiry is None:
        return False
    first = date.min if since is None else local_day(since, today.timezone)
    last = local_day(today.now, today.timezone)
    happened = {name for name, day in today.events if first <= day <= last}
    match expiry.kind:
        case ExpiryKind.DATE:
            return expiry.on is not None and last > expiry.on
        case ExpiryKind.EVENT:
            return expiry.event in happened
        case ExpiryKind.END_OF_TREATMENT:
            return bool(happened & END_OF_TREATMENT_EVENTS)
        case ExpiryKind.NONE:
            return False


def intact(book: Rulebook, record: ConsentRecord) -> bool:
    """The words rendered from the stored terms are the words whose hash every signature covers."""
    text = book.text(record.text_version)
    if text is None or record.text_sha256 is None or not record.signatures:
        return False
    now = rendered_hash(record.terms, text)
    return record.text_sha256 == now and all(s.text_sha256 == now for s in record.signatures)


def ended_on_record(record: ConsentRecord) -> tuple[str, ...]:
    """How the sealed half of the row says the consent ended: putting back the clear state revives nothing."""
    named = frozenset(recipient.recipient_id for recipient in record.terms.recipients)
    whole = any(not revocation.recipients for revocation in record.revocations)
    codes: list[str] = []
    if whole or (record.revocations and named <= record.revoked_recipients):
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


def against(
    book: Rulebook, record: ConsentRecord, classes: Mapping[str, str], today: Today
) -> tuple[Reason, ...]:
    """Everything that makes this consent void at `today.now`; empty means it stands."""
    if record.terms.kind not in SUPPORTED_KINDS:
        return (book.reasons["C-KIND-UNSUPPORTED"],)
    if record.state is ConsentState.DRAFT:
        return (book.reasons["C-NOT-SIGNED"],)
    codes = list(ended_on_record(record))
    if record.state is not ConsentState.ACTIVE and _BY_STATE[record.state] not in codes:
        codes.append(_BY_STATE[record.state])
    if record.active_from is None or today.now < record.active_from:
        codes.append("C-NOT-YET")
    if record.state is not ConsentState.EXPIRED and ended(record.terms, record.active_from, today):
        codes.append("C-EXPIRED")
    if not record.signatures:
        codes.append("C-NOT-SIGNED")
    elif not intact(book, record):
        codes.append("C-TEXT-CHANGED")
    text = book.text(record.text_version)
    lacking = missing_elements(
        book,
        Assessment(
            terms=record.terms,
            classes=classes,
            events=frozenset(text.events) if text else frozenset(),
            on=signed_day(record, today.timezone),
        ),
    )
    return (*(book.reasons[code] for code in codes), *lacking)
