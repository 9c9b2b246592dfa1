"""Revocation (2.31(a)(6), (c)(3)): whole or for some recipients, forward only, once."""

from dataclasses import replace
from datetime import datetime

from service.consent.commands import Revoking
from service.consent.lifecycle import Act, after
from service.consent.model import ConsentRecord, Revocation
from service.errors import Code, Conflict, FieldError, Invalid
from service.people.recipient import RecipientType


def revoked(record: ConsentRecord, given: Revoking, now: datetime) -> tuple[ConsentRecord, Act]:
    """The record after the revocation, and which act it was.

    Taking out the last recipient of a consent that names no class revokes the whole. Raises Conflict when
    there is nothing left to revoke, Invalid for a time that cannot be or a recipient the consent does not
    reach.
    """
    after(record.state, Act.REVOKE)
    _check_time(record, given, now)
    asked = frozenset(given.recipients)
    classed = any(r.type is RecipientType.CLASS for r in record.terms.recipients)
    named = frozenset(r.recipient_id for r in record.terms.recipients)
    if asked - named and not classed:
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


def _check_time(record: ConsentRecord, given: Revoking, now: datetime) -> None:
    """A revocation is received after the consent was signed and before it is entered."""
    faults: list[FieldError] = []
    if given.received_at > now:
        faults.append(FieldError("received_at", "in_the_future", "A revocation is entered once received."))
    if record.active_from is not None and given.received_at < record.active_from:
        faults.append(FieldError("received_at", "before_signature", "The consent was signed after that."))
    if faults:
        raise Invalid(Code.INVALID_REQUEST, "This revocation cannot be recorded as it is.", faults)
