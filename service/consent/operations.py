"""What can be done with consents: drafted, read, replaced, marked as an error, looked up for a decision.

Signing is in `signatures`, revoking in `revoking`, rulings in `ruling`, expiry in `expiring`. A consent is locked by
whoever changes it, and shared-locked by whoever rests a decision on it, until commit: so a revocation and a
disclosure of the same consent stand in one order, and the one that comes second knows of the first.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from service.access.actions import Action
from service.consent import drafting, records, signing
from service.consent.acts import KIND, changing, consent, day, done, patient, text_of, today_for, view
from service.consent.commands import ConsentPage, ConsentView, Draft, GivenRecipient, Named
from service.consent.lifecycle import Act, after
from service.consent.model import ConsentKind, ConsentRecord, ConsentState, ConsentTerms, Recipient
from service.consent.records import Lock
from service.consent.rulebook import Rulebook
from service.consent.sealing import OpenedConsent
from service.consent.texts.operations import words_in_force
from service.consent.texts.records import adoptions
from service.consent.wording import ConsentText
from service.errors import Code, Conflict, FieldError, Invalid
from service.ids import new_id
from service.people.operations import open_patient_name
from service.people.recipient import Recipient as Registered
from service.people.recipients.operations import recipient_facts, resolve_recipient
from service.work import Work

__all__ = [
    "MOST_RECIPIENTS",
    "active_consents",
    "consent_for_preview",
    "consents_for_recipient",
    "draft",
    "edit",
    "list_of",
    "mark_error",
    "read",
    "supersede",
    "today_for",
]

#: A consent names people one by one or by class; nobody means hundreds.
MOST_RECIPIENTS: Final = 50


def draft(work: Work, book: Rulebook, patient_id: UUID, given: Draft) -> ConsentView:
    """A new draft with everything it still lacks. Recipients that are new go into the register."""
    work.authorised(Action.CONSENT_DRAFT, patient(patient_id))
    text = words_in_force(work, book, given.language, drafting.kind_of(given.kind))
    record = ConsentRecord(
        consent_id=new_id(work.now),
        patient_id=patient_id,
        terms=_terms(work, text, patient_id, given),
        state=ConsentState.DRAFT,
        version=1,
        text_version=text.version,
        created_at=work.now,
    )
    records.add(work, record)
    return done(work, book, Action.CONSENT_DRAFT, OpenedConsent(record, None, work.now))


def edit(work: Work, book: Rulebook, consent_id: UUID, version: int, given: Draft) -> ConsentView:
    """The draft as it is from now on, in the words of today's version; what was signed is never edited, and a draft
    that bears the first of two signatures was signed.
    """
    opened = changing(work, Action.CONSENT_DRAFT, consent_id, version)
    transition = after(opened.record.state, Act.EDIT)
    if opened.record.signatures:
        raise Conflict(
            Code.CONSENT_NOT_DRAFT,
            "Somebody has signed this text already. Mark it as entered in error and write a new one.",
            state=opened.record.state.value,
        )
    text = words_in_force(work, book, given.language, drafting.kind_of(given.kind))
    record = replace(
        opened.record,
        terms=_terms(work, text, opened.record.patient_id, given),
        version=opened.record.version + 1,
        text_version=text.version,
    )
    records.change(work, record, None)
    return done(work, book, transition.action, OpenedConsent(record, None, work.now))


def read(work: Work, book: Rulebook, consent_id: UUID) -> ConsentView:
    """One consent as it stands today."""
    stored = work.authorised(Action.CONSENT_READ, consent(consent_id, Lock.NONE))
    return done(work, book, Action.CONSENT_READ, records.opened(work, [stored])[0])


def list_of(
    work: Work, book: Rulebook, patient_id: UUID, *, before: UUID | None, at_most: int
) -> ConsentPage:
    """The patient's consents, newest first."""
    work.authorised(Action.CONSENT_LIST, patient(patient_id))
    stored = records.page(work, patient_id, before=before, at_most=at_most + 1)
    today, known = today_for(work, patient_id), adoptions(work)
    shown = [view(work, book, opened, today, known) for opened in records.opened(work, stored[:at_most])]
    work.record(
        action=Action.CONSENT_LIST,
        object_kind=KIND,
        object_id=None,
        patient_id=patient_id,
        detail={"listed": [str(one.record.consent_id) for one in shown]},
    )
    return ConsentPage(tuple(shown), more=len(stored) > at_most)


def supersede(work: Work, book: Rulebook, consent_id: UUID, replacement_id: UUID) -> ConsentView:
    """Replace an active consent by another active one of the same patient: the old one stops being used."""
    opened = changing(work, Action.CONSENT_SUPERSEDE, consent_id, None)
    transition = after(opened.record.state, Act.SUPERSEDE)
    newer = records.find(work, replacement_id, Lock.NONE)
    same_patient = newer is not None and newer.patient_id == opened.record.patient_id
    if newer is None or not same_patient or newer.state is not ConsentState.ACTIVE or newer.id == consent_id:
        fault = FieldError("replaced_by", "not_active", "Another active consent of this patient is needed.")
        raise Invalid(Code.INVALID_REQUEST, "This consent cannot be replaced by that one.", [fault])
    record = replace(
        opened.record,
        state=transition.to,
        version=opened.record.version + 1,
        superseded_by=replacement_id,
    )
    records.change(work, record, opened.signed_text)
    return done(
        work,
        book,
        transition.action,
        OpenedConsent(record, opened.signed_text, work.now),
        {"replaced_by": str(replacement_id)},
    )


def mark_error(work: Work, book: Rulebook, consent_id: UUID, reason: str) -> ConsentView:
    """A consent that should never have been: kept, shown as an error, used for nothing."""
    opened = changing(work, Action.CONSENT_MARK_ERROR, consent_id, None)
    transition = after(opened.record.state, Act.MARK_ERROR)
    record = replace(
        opened.record, state=transition.to, version=opened.record.version + 1, error_reason=reason
    )
    records.change(work, record, opened.signed_text)
    return done(work, book, transition.action, OpenedConsent(record, opened.signed_text, work.now))


# -- for operations above: inside an act that is allowed already and records itself -------------------


def consents_for_recipient(
    work: Work,
    patient_id: UUID,
    recipient_id: UUID,
    lock: Lock = Lock.SHARE,
    *,
    via: UUID | None = None,
) -> list[ConsentRecord]:
    """Every signed consent that names this recipient, the intermediary on the way, or a class, ended ones too, locked
    until this unit commits.

    Whether the recipient is in the class, and whether a consent stands, is for `match` to say.
    """
    reaching = records.reaching(work, patient_id, recipient_id, lock, via)
    return [one.record for one in records.opened(work, reaching)]


def active_consents(work: Work, patient_id: UUID) -> list[ConsentRecord]:
    """The patient's active consents as they are now, not locked: to tell what would follow, not to rest on."""
    return [one.record for one in records.opened(work, records.active_of(work, patient_id, lock=False))]


def consent_for_preview(work: Work, book: Rulebook, consent_id: UUID) -> ConsentRecord:
    """The consent, as if signed just now when it is a draft: what it would reach can then be asked."""
    stored = work.authorised(Action.CONSENT_PREVIEW, consent(consent_id, Lock.SHARE))
    record = records.opened(work, [stored])[0].record
    if record.state is not ConsentState.DRAFT:
        return record
    return signing.as_if_signed(record, text_of(book, record), day(work), work.now)


# -- inside ----------------------------------------------------------------------------------------


def _terms(work: Work, text: ConsentText, patient_id: UUID, given: Draft) -> ConsentTerms:
    kind = drafting.kind_of(given.kind)
    named = open_patient_name(work, patient_id)
    return drafting.terms_of(
        given,
        work.program,
        text,
        f"{named['given_name']} {named['family_name']}",
        _recipients(work, given.recipients, kind),
    )


def _recipients(work: Work, given: Sequence[Named], kind: ConsentKind) -> list[Recipient]:
    """Every recipient as it stands in the register; one that is new is registered by this act. The address belongs to
    a consent only where 2.34(a) asks for it.
    """
    found: list[Recipient] = []
    for place, one in enumerate(given):
        at = f"recipients[{place}]."
        known = _registered(work, one.recipient, at)
        members = [
            _registered(work, member, f"{at}participants[{number}].")
            for number, member in enumerate(one.participants)
        ]
        found.append(
            Recipient(
                recipient_id=known.id,
                type=known.type,
                name=known.name,
                recipient_class=known.recipient_class,
                covered_entity=known.covered_entity,
                business_associate=known.business_associate,
                roles=tuple(sorted(role.value for role in known.roles)),
                participants=tuple(member.id for member in members),
                participant_names=tuple(member.name for member in members),
                general_designation=one.general_designation,
                address=known.address if kind is ConsentKind.REGISTRY else None,
            )
        )
    return found


def _registered(work: Work, one: GivenRecipient, at: str) -> Registered:
    if not isinstance(one, UUID):
        return resolve_recipient(work, one, at=at)
    known = recipient_facts(work, one)
    if known is None or known.state != "active":
        fault = FieldError(f"{at}recipient_id", "unknown", "This recipient is not in the register.")
        raise Invalid(Code.RECIPIENT_INVALID, "A recipient is not known.", [fault])
    return known
