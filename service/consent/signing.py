"""A signature and its evidence: who signed which words when, on whose session, before whom
(2.31(a)(8)-(9)).
"""

import base64
import binascii
import hashlib
from dataclasses import replace
from datetime import date, datetime
from typing import Final

from service.access.caller import Caller, CallerKind
from service.consent.commands import Signing as Given
from service.consent.document import rendered_hash, text_hash
from service.consent.elements import Assessment, Signing, missing_at_signing
from service.consent.model import (
    ConsentRecord,
    ConsentState,
    Reason,
    Signature,
    SignatureMethod,
    SignerRole,
)
from service.consent.rulebook import ConsentText, Rulebook
from service.consent.signers import Authority, signer_faults
from service.errors import Code, FieldError, Invalid

#: Right so far, one signature to come: the consent stays a draft with the first one on it.
COSIGN: Final = "C-SIGNER-COSIGN"

_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
_SCANS = (*_PICTURES, b"%PDF-")


def signature_of(caller: Caller, given: Given, rendered: str, today: date, now: datetime) -> Signature:
    """The signature as made now. An electronic one bears today's date; a scan the date on the paper."""
    scanned = given.method is SignatureMethod.PAPER_SCAN
    return Signature(
        role=given.role,
        name=given.name,
        method=given.method,
        signed_on=given.signed_on if scanned or given.signed_on is not None else today,
        recorded_at=now,
        attestation=given.attestation,
        text_sha256=text_hash(rendered),
        account_id=caller.account_id,
        session_id=caller.session_id,
        witness_account_id=caller.account_id if caller.kind is CallerKind.STAFF else None,
        authority=given.authority,
        image_sha256=None if given.image is None else image_hash(given.image, given.method),
        interpreter_id=given.interpreter_id,
    )


def image_hash(image: str, method: SignatureMethod) -> str:
    """SHA-256 of the image, which is base64 (a data: address is understood); Invalid when it is no such
    image.
    """
    encoded = image.partition(",")[2] if image.startswith("data:") else image
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise _bad_image() from None
    if not raw.startswith(_SCANS if method is SignatureMethod.PAPER_SCAN else _PICTURES):
        raise _bad_image()
    return hashlib.sha256(raw).hexdigest()


def _bad_image() -> Invalid:
    fault = FieldError("image", "not_an_image", "A PNG or JPEG in base64; a scan may be a PDF.")
    return Invalid(Code.INVALID_REQUEST, "The signature cannot be read.", [fault])


def missing(
    book: Rulebook,
    assessment: Assessment,
    record: ConsentRecord,
    *,
    fresh: tuple[Signature, ...],
    drafted_on: date,
    by: Authority,
) -> tuple[Reason, ...]:
    """Everything that keeps the signed record from being in force; `assessment.on` is the day of signing."""
    faults = signer_faults(
        record.terms,
        record.signatures,
        by,
        payment_only=assessment.purpose_classes() == frozenset({"payment"}),
    )
    signed = Signing(
        signatures=record.signatures,
        fresh=fresh,
        drafted_on=drafted_on,
        today=assessment.on,
        signer_faults=faults,
        text_sha256=record.text_sha256 or "",
        esign_barred=by.rule is not None and by.rule.electronic_signature == "barred",
    )
    found = missing_at_signing(book, assessment, signed)
    if not any(kind == "formal" for kind, _ in record.rulings):
        return found
    return tuple(reason for reason in found if reason.code not in book.formal)


def waiting_for(book: Rulebook, record: ConsentRecord, by: Authority) -> tuple[Reason, ...]:
    """What a draft with a signature still waits for: the signature of somebody else, if that is all."""
    faults = signer_faults(record.terms, record.signatures, by, payment_only=False)
    return tuple(row.reason() for row in book.elements if row.code == COSIGN and row.code in faults)


def as_if_signed(record: ConsentRecord, text: ConsentText, today: date, now: datetime) -> ConsentRecord:
    """The draft as it would stand had the patient signed it now: for previews, never stored."""
    digest = rendered_hash(record.terms, text)
    signature = Signature(
        role=SignerRole.PATIENT,
        name=record.terms.patient_name,
        method=SignatureMethod.TYPED,
        signed_on=today,
        recorded_at=now,
        attestation="",
        text_sha256=digest,
        account_id=record.patient_id,
    )
    return replace(
        record,
        state=ConsentState.ACTIVE,
        text_sha256=digest,
        signatures=(signature,),
        active_from=now,
    )
