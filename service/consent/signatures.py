"""Signing a consent: one signature, or two where the law asks for two (42 CFR 2.31(a)(8), 2.14(b))."""

from dataclasses import replace
from uuid import UUID

from service.access.actions import Action
from service.access.caller import CallerKind
from service.consent import records, signing
from service.consent.acts import assessment, authority_over, changing, day, done, incomplete, text_of
from service.consent.attested.records import add_signature
from service.consent.commands import ConsentView, Signing
from service.consent.document import render, text_hash
from service.consent.lifecycle import Act, after
from service.consent.model import ConsentState, SignerRole
from service.consent.rulebook import Rulebook
from service.consent.sealing import OpenedConsent
from service.consent.texts.operations import refuse_changed_words
from service.consent.validity import local_day
from service.errors import Code, Conflict, FieldError, Invalid
from service.people.contacts import needs_interpreter
from service.people.operations import open_demographics
from service.people.records import patient_for_share
from service.work import Work


def sign(
    work: Work, book: Rulebook, consent_id: UUID, given: Signing, *, version: int | None = None
) -> ConsentView:
    """Put a signature on a draft. It is in force when nothing is missing. Where a second signature is all that is
    missing it stays a draft with the first one on it; where anything else is, nothing is kept (Invalid, all of it).

    A member of staff who is signed in on the device is the witness; the patient's own session has none, and makes no
    signature but the patient's.
    """
    opened = changing(work, Action.CONSENT_SIGN, consent_id, version)
    transition = after(opened.record.state, Act.SIGN)
    if work.caller.kind is CallerKind.PATIENT and given.role != SignerRole.PATIENT:
        fault = FieldError("signatures.signer", "C-SIGNER", "In this session only the patient signs.")
        raise Invalid(Code.CONSENT_INCOMPLETE, "This consent cannot be in force as it is.", [fault])
    _check_interpreter(work, opened.record.patient_id, given)
    refuse_changed_words(work, book, opened.record.text_version)
    text = text_of(book, opened.record)
    rendered = render(opened.record.terms, text)
    digest = text_hash(rendered)
    if given.text_sha256 not in (None, digest) or opened.record.text_sha256 not in (None, digest):
        raise Conflict(
            Code.CONSENT_TEXT_CHANGED, "The text has changed since it was shown. Read it again, then sign."
        )
    signature = signing.signature_of(work.caller, given, rendered, day(work), work.now)
    record = replace(
        opened.record,
        version=opened.record.version + 1,
        text_version=text.version,
        text_sha256=digest,
        signatures=(*opened.record.signatures, signature),
    )
    missing = signing.missing(
        book,
        assessment(work, record),
        record,
        fresh=(signature,),
        drafted_on=local_day(record.created_at, work.program.timezone),
        by=authority_over(work, book, record.patient_id),
    )
    if not missing:
        record = replace(record, state=transition.to, active_from=work.now)
    elif {reason.code for reason in missing} != {signing.COSIGN}:
        raise incomplete(missing)
    records.change(work, record, rendered)
    add_signature(work, record, signature, given.image)
    if record.state is ConsentState.ACTIVE:
        records.name_recipients(work, record)
    detail = {"signer": str(signature.role)}
    return done(work, book, transition.action, OpenedConsent(record, rendered, work.now), detail)


def _check_interpreter(work: Work, patient_id: UUID, given: Signing) -> None:
    """Consent is written so that the patient understands it (2.31; 45 CFR 164.508(c)(3) plain language): who needs an
    interpreter signs with one who is named, and with nobody of the family, who may have an interest in the answer. That
    it is refused without one is our policy (45 CFR 92.201 for federally assisted programs, memory).
    """
    if given.interpreter_relative:
        fault = FieldError("interpreter_relative", "relative", "Nobody of the family interprets a consent.")
        raise Invalid(Code.INTERPRETER_MISSING, "This consent cannot be signed like this.", [fault])
    patient = patient_for_share(work.db, patient_id)
    needed = patient is not None and needs_interpreter(open_demographics(work, patient))
    if needed and not (given.interpreter_id or "").strip():
        fault = FieldError("interpreter_id", "missing", "Name the interpreter, with their id.")
        raise Invalid(Code.INTERPRETER_MISSING, "This patient signs through an interpreter.", [fault])
