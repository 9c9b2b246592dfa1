"""What can be done with consents: drafted, read, signed, revoked, replaced, marked as an error.

A consent is locked by whoever changes it, and shared-locked by whoever rests a decision on it, until
commit: so a revocation and a disclosure of the same consent stand in one order, and the one that comes
second knows of the first.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Final
from uuid import UUID

from service.access.actions import Action
from service.consent import drafting, ending, records, signing
from service.consent.commands import (
    ConsentPage,
    ConsentView,
    Draft,
    GivenRecipient,
    Revoking,
    Signing,
)
from service.consent.document import render, text_hash
from service.consent.elements import Assessment, missing_elements
from service.consent.lifecycle import Act, after
from service.consent.match import classes_of
from service.consent.model import (
    ConsentRecord,
    ConsentState,
    ConsentTerms,
    Reason,
    Recipient,
    Today,
)
from service.consent.records import Lock
from service.consent.rulebook import ConsentText, Rulebook
from service.consent.sealing import OpenedConsent, StoredConsent
from service.consent.validity import against, local_day
from service.errors import Code, Conflict, FieldError, Invalid, Stale
from service.ids import new_id
from service.people.facts import patient_facts
from service.people.operations import events_of, open_patient_name
from service.people.recipients.operations import recipient_facts, resolve_recipient
from service.work import Json, Loaded, Work

KIND: Final = "consent"
#: A consent names people one by one or by class; nobody means hundreds.
MOST_RECIPIENTS: Final = 50


def draft(work: Work, book: Rulebook, patient_id: UUID, given: Draft) -> ConsentView:
    """A new draft with everything it still lacks. Recipients that are new go into the register."""
    work.authorised(Action.CONSENT_DRAFT, _patient(patient_id))
    text = book.texts[book.current]
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
    return _done(work, book, Action.CONSENT_DRAFT, OpenedConsent(record, None, work.now))


def edit(work: Work, book: Rulebook, consent_id: UUID, version: int, given: Draft) -> ConsentView:
    """The draft as it is from now on, in the words of today's version; what was signed is never edited."""
    opened = _changing(work, Action.CONSENT_DRAFT, consent_id, version)
    transition = after(opened.record.state, Act.EDIT)
    text = book.texts[book.current]
    record = replace(
        opened.record,
        terms=_terms(work, text, opened.record.patient_id, given),
        version=opened.record.version + 1,
        text_version=text.version,
    )
    records.change(work, record, None)
    return _done(work, book, transition.action, OpenedConsent(record, None, work.now))


def read(work: Work, book: Rulebook, consent_id: UUID) -> ConsentView:
    stored = work.authorised(Action.CONSENT_READ, _consent(consent_id, Lock.NONE))
    return _done(work, book, Action.CONSENT_READ, records.opened(work, [stored])[0])


def list_of(
    work: Work, book: Rulebook, patient_id: UUID, *, before: UUID | None, at_most: int
) -> ConsentPage:
    """The patient's consents, newest first."""
    work.authorised(Action.CONSENT_LIST, _patient(patient_id))
    stored = records.page(work, patient_id, before=before, at_most=at_most + 1)
    today = today_for(work, patient_id)
    shown = [view(work, book, opened, today) for opened in records.opened(work, stored[:at_most])]
    work.record(
        action=Action.CONSENT_LIST,
        object_kind=KIND,
        object_id=None,
        patient_id=patient_id,
        detail={"listed": [str(one.record.consent_id) for one in shown]},
    )
    return ConsentPage(tuple(shown), more=len(stored) > at_most)


def sign(
    work: Work, book: Rulebook, consent_id: UUID, given: Signing, *, version: int | None = None
) -> ConsentView:
    """Sign a draft. It is in force when nothing is missing, and stays a draft (Invalid, all of it) when
    anything is.

    A member of staff who is signed in on the device is the witness; the patient's own session has none.
    """
    opened = _changing(work, Action.CONSENT_SIGN, consent_id, version)
    transition = after(opened.record.state, Act.SIGN)
    text = _text(book, opened.record)
    rendered = render(opened.record.terms, text)
    signature = signing.signature_of(work.caller, given, rendered, _day(work), work.now)
    if given.text_sha256 is not None and given.text_sha256 != text_hash(rendered):
        raise Conflict(
            Code.CONSENT_TEXT_CHANGED, "The text has changed since it was shown. Read it again, then sign."
        )
    record = replace(
        opened.record,
        state=transition.to,
        version=opened.record.version + 1,
        text_version=text.version,
        text_sha256=text_hash(rendered),
        signatures=(signature,),
        active_from=work.now,
    )
    missing = signing.missing(
        book,
        _assessment(work, record, text),
        record,
        drafted_on=local_day(record.created_at, work.program.timezone),
        birth_date=open_patient_name(work, record.patient_id)["birth_date"],
    )
    if missing:
        raise _incomplete(missing)
    records.change(work, record, rendered)
    records.add_signature(work, record, signature, given.image)
    records.name_recipients(work, record)
    return _done(work, book, transition.action, OpenedConsent(record, rendered, work.now))


def revoke(
    work: Work, book: Rulebook, consent_id: UUID, given: Revoking, *, version: int | None = None
) -> ConsentView:
    """Revoke, wholly or for some recipients: the next decision says no, what was lawfully done stays done.

    A spoken revocation stops the sharing as a written one does (2.31(a)(6) promises the written one).
    """
    opened = _changing(work, Action.CONSENT_REVOKE, consent_id, version)
    record, act = ending.revoked(opened.record, given, work.now)
    records.change(work, record, opened.signed_text)
    affected = (
        given.recipients if act is Act.REVOKE_IN_PART else [r.recipient_id for r in record.terms.recipients]
    )
    records.revoke_recipients(work, record, affected)
    detail: dict[str, Json] = {"form": given.form, "recipients": [str(r) for r in sorted(given.recipients)]}
    transition = after(opened.record.state, act)
    return _done(work, book, transition.action, OpenedConsent(record, opened.signed_text, work.now), detail)


def supersede(work: Work, book: Rulebook, consent_id: UUID, replacement_id: UUID) -> ConsentView:
    """Replace an active consent by another active one of the same patient: the old one stops being used."""
    opened = _changing(work, Action.CONSENT_SUPERSEDE, consent_id, None)
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
    return _done(
        work,
        book,
        transition.action,
        OpenedConsent(record, opened.signed_text, work.now),
        {"replaced_by": str(replacement_id)},
    )


def mark_error(work: Work, book: Rulebook, consent_id: UUID, reason: str) -> ConsentView:
    """A consent that should never have been: kept, shown as an error, used for nothing."""
    opened = _changing(work, Action.CONSENT_MARK_ERROR, consent_id, None)
    transition = after(opened.record.state, Act.MARK_ERROR)
    record = replace(
        opened.record, state=transition.to, version=opened.record.version + 1, error_reason=reason
    )
    records.change(work, record, opened.signed_text)
    return _done(work, book, transition.action, OpenedConsent(record, opened.signed_text, work.now))


# -- for operations above: inside an act that is allowed already and records itself -------------------


def today_for(work: Work, patient_id: UUID) -> Today:
    """The instant of this unit as consents see it: with the events of the patient, locked against missing
    one.
    """
    happened = frozenset((event.kind.value, event.occurred_on) for event in events_of(work, patient_id))
    return Today(work.now, work.program.timezone, happened)


def consents_for_recipient(
    work: Work, patient_id: UUID, recipient_id: UUID, lock: Lock = Lock.SHARE
) -> list[ConsentRecord]:
    """Every signed consent that names this recipient or a class, ended ones too, locked until this unit
    commits.

    Whether the recipient is in the class, and whether a consent stands, is for `match` to say.
    """
    return [
        one.record for one in records.opened(work, records.reaching(work, patient_id, recipient_id, lock))
    ]


def consent_for_preview(work: Work, book: Rulebook, consent_id: UUID) -> ConsentRecord:
    """The consent, as if signed just now when it is a draft: what it would reach can then be asked."""
    stored = work.authorised(Action.CONSENT_PREVIEW, _consent(consent_id, Lock.SHARE))
    record = records.opened(work, [stored])[0].record
    if record.state is not ConsentState.DRAFT:
        return record
    return signing.as_if_signed(record, _text(book, record), _day(work), work.now)


def view(work: Work, book: Rulebook, opened: OpenedConsent, today: Today) -> ConsentView:
    """A consent as shown today."""
    record = opened.record
    text = _text(book, record)
    rendered = opened.signed_text if opened.signed_text is not None else render(record.terms, text)
    void = against(book, record, classes_of(work.access.purposes), today)
    drafted = record.state is ConsentState.DRAFT
    ended = record.state is ConsentState.ACTIVE and any(reason.code == "C-EXPIRED" for reason in void)
    return ConsentView(
        record=record,
        state=ConsentState.EXPIRED if ended else record.state,
        missing=missing_elements(book, _assessment(work, record, text)) if drafted else (),
        against=void,
        text=rendered,
        text_sha256=text_hash(rendered),
        timezone=work.program.timezone,
        changed_at=opened.changed_at,
    )


# -- inside ----------------------------------------------------------------------------------------


def _patient(patient_id: UUID) -> Callable[[Work], Loaded[None] | None]:
    def load(work: Work) -> Loaded[None] | None:
        facts = patient_facts(work, patient_id)
        return None if facts is None else Loaded(None, facts, "patient", patient_id, patient_id=patient_id)

    return load


def _consent(consent_id: UUID, lock: Lock) -> Callable[[Work], Loaded[StoredConsent] | None]:
    def load(work: Work) -> Loaded[StoredConsent] | None:
        stored = records.find(work, consent_id, lock)
        facts = stored and patient_facts(work, stored.patient_id)
        if stored is None or facts is None:
            return None
        named = replace(facts, state=stored.state.value)
        return Loaded(stored, named, KIND, stored.id, patient_id=stored.patient_id)

    return load


def _changing(work: Work, action: Action, consent_id: UUID, version: int | None) -> OpenedConsent:
    """The consent, locked for change; Stale when the caller read another version."""
    stored = work.authorised(action, _consent(consent_id, Lock.UPDATE))
    if version is not None and stored.version != version:
        raise Stale(Code.VERSION_STALE, "Somebody changed this consent since you read it.")
    return records.opened(work, [stored])[0]


def _done(
    work: Work,
    book: Rulebook,
    action: Action,
    opened: OpenedConsent,
    detail: dict[str, Json] | None = None,
) -> ConsentView:
    """Record the act and show the consent. The terms are in the entry as a keyed hash of the text only."""
    record = opened.record
    shown = view(work, book, opened, today_for(work, record.patient_id))
    work.record(
        action=action,
        object_kind=KIND,
        object_id=record.consent_id,
        object_version=record.version,
        patient_id=record.patient_id,
        consent_id=record.consent_id,
        detail={
            "kind": record.terms.kind.value,
            "state": record.state.value,
            "missing": [reason.code for reason in shown.missing],
            **(detail or {}),
        },
        payload=shown.text_sha256,
    )
    return shown


def _terms(work: Work, text: ConsentText, patient_id: UUID, given: Draft) -> ConsentTerms:
    drafting.kind_of(given.kind)
    named = open_patient_name(work, patient_id)
    return drafting.terms_of(
        given,
        work.program,
        text,
        f"{named['given_name']} {named['family_name']}",
        _recipients(work, given.recipients),
    )


def _recipients(work: Work, given: Sequence[GivenRecipient]) -> list[Recipient]:
    """Every recipient as it stands in the register; one that is new is registered by this act."""
    found: list[Recipient] = []
    for place, one in enumerate(given):
        if isinstance(one, UUID):
            known = recipient_facts(work, one)
            if known is None or known.state != "active":
                fault = FieldError(
                    f"recipients[{place}].recipient_id", "unknown", "This recipient is not in the register."
                )
                raise Invalid(Code.RECIPIENT_INVALID, "A recipient is not known.", [fault])
        else:
            known = resolve_recipient(work, one, at=f"recipients[{place}].")
        found.append(
            Recipient(
                recipient_id=known.id,
                type=known.type,
                name=known.name,
                recipient_class=known.recipient_class,
                covered_entity=known.covered_entity,
                business_associate=known.business_associate,
            )
        )
    return found


def _assessment(work: Work, record: ConsentRecord, text: ConsentText) -> Assessment:
    return Assessment(record.terms, classes_of(work.access.purposes), frozenset(text.events), _day(work))


def _text(book: Rulebook, record: ConsentRecord) -> ConsentText:
    """The words of a draft: its own version, or today's when that one is no longer installed."""
    return book.texts.get(record.text_version, book.texts[book.current])


def _day(work: Work) -> date:
    return local_day(work.now, work.program.timezone)


def _incomplete(missing: Sequence[Reason]) -> Invalid:
    return Invalid(
        Code.CONSENT_INCOMPLETE,
        "This consent cannot be in force as it is.",
        [FieldError(reason.field, reason.code, reason.message, reason.citation) for reason in missing],
    )
