"""Revocation (2.31(a)(6), (c)(3)): whole or for some recipients, forward only, once.

Spoken or written it stops the sharing at once, for every kind (our policy; 2.31(a)(6) promises the written way, and
2.33(a)(2) speaks of it). The exception is the law's: a criminal justice consent stands until the day or event it names
(2.35(c)), at the latest until the final disposition.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from typing import Final
from uuid import UUID

from service.consent.commands import Notify, Revoking
from service.consent.element_checks import as_day
from service.consent.lifecycle import Act, after
from service.consent.model import ConsentKind, ConsentRecord, Revocation, Today
from service.consent.validity import expired, local_day
from service.errors import Code, Conflict, FieldError, Invalid
from service.people.patient import Event
from service.people.recipient import RecipientType

#: What a revocation does, in words for the patient and the desk.
EFFECT: Final = (
    "From now on nothing is shared because of this. What was shared or done before, relying on the consent, stays"
    " lawful and is not undone (42 CFR 2.31(a)(6))."
)
EFFECT_ORAL: Final = EFFECT + " It was said out loud: please ask the patient to put it in writing as well."


def revoked(record: ConsentRecord, given: Revoking, now: datetime, today: Today) -> tuple[ConsentRecord, Act]:
    """The record after the revocation, and which act it was.

    Taking out the last recipient of a consent that names no class revokes the whole. Raises Conflict when
    there is nothing left to revoke, Invalid for a time that cannot be or a recipient the consent does not
    reach.
    """
    after(record.state, Act.REVOKE)
    if expired(record, today):
        raise Conflict(Code.CONSENT_NOT_ACTIVE, "This consent has ended already.", state="expired")
    _check_time(record, given, now)
    asked = frozenset(given.recipients)
    named = frozenset(r.recipient_id for r in record.terms.recipients)
    if asked - named - _participants(record) and not _reaches_unnamed(record):
        fault = FieldError("recipients", "not_named", "The consent does not name one of these recipients.")
        raise Invalid(Code.INVALID_REQUEST, "This revocation cannot be recorded as it is.", [fault])
    if asked and asked <= record.revoked_recipients:
        raise Conflict(Code.CONSENT_NOT_ACTIVE, "The consent is revoked for these recipients already.")
    everybody = not asked or named <= asked | record.revoked_recipients
    act = Act.REVOKE if everybody else Act.REVOKE_IN_PART
    revocation = Revocation(
        received_at=given.received_at,
        recorded_at=now,
        form=given.form,
        by=given.by,
        recipients=asked,
    )
    return (
        replace(
            record,
            state=after(record.state, act).to,
            version=record.version + 1,
            revocations=(*record.revocations, revocation),
        ),
        act,
    )


def revocable(record: ConsentRecord, today: Today) -> bool:
    """May it be revoked at this instant? Only a criminal justice consent may have to wait (2.35(c)).

    A condition nobody can ascertain keeps nobody bound: then it is revocable.
    """
    terms = record.terms
    if terms.kind is not ConsentKind.CRIMINAL_JUSTICE:
        return True
    first = date.min if record.active_from is None else local_day(record.active_from, today.timezone)
    last = local_day(today.now, today.timezone)
    happened = {name for name, day in today.events if first <= day <= last}
    if Event.FINAL_DISPOSITION.value in happened:
        return True
    condition = (terms.revocable_after or "").strip()
    stated = as_day(condition)
    if stated is not None:
        return last > stated
    return condition not in set(Event) or condition in happened


def to_notify(record: ConsentRecord, taken_out: Iterable[UUID]) -> tuple[Notify, ...]:
    """The intermediaries that have to hear of it: those taken out, those whose participants are, or all."""
    gone = frozenset(taken_out)
    return tuple(
        Notify(r.recipient_id, r.name, f"Tell {r.name} that the patient has revoked this consent.")
        for r in record.terms.recipients
        if r.type is RecipientType.INTERMEDIARY
        and (
            not gone
            or r.recipient_id in gone
            or bool(gone & set(r.participants))
            or r.general_designation is not None
        )
    )


def effect_of(revocation: Revocation) -> str:
    return EFFECT_ORAL if revocation.form == "oral" else EFFECT


def _participants(record: ConsentRecord) -> frozenset[UUID]:
    return frozenset(member for r in record.terms.recipients for member in r.participants)


def _reaches_unnamed(record: ConsentRecord) -> bool:
    """A class or a general designation reaches recipients that the consent does not list."""
    return any(
        r.type is RecipientType.CLASS or r.general_designation is not None for r in record.terms.recipients
    )


def _check_time(record: ConsentRecord, given: Revoking, now: datetime) -> None:
    """A revocation is received after the consent was signed, though perhaps before it takes effect, and before it
    is entered.
    """
    faults: list[FieldError] = []
    signed = min((s.recorded_at for s in record.signatures), default=record.active_from)
    if given.received_at > now:
        faults.append(FieldError("received_at", "in_the_future", "A revocation is entered once received."))
    if signed is not None and given.received_at < signed:
        faults.append(FieldError("received_at", "before_signature", "The consent was signed after that."))
    if faults:
        raise Invalid(Code.INVALID_REQUEST, "This revocation cannot be recorded as it is.", faults)
