"""Forms that are no consents to disclose: their words, and one signature event each, kept whole and never changed.

A patient who cannot decide now does not sign now: the attempt is refused, and the form stands in the packet to be
offered again (K6; 42 CFR 2.22).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from service.access.actions import Action
from service.access.caller import CallerKind
from service.admission.packet import records
from service.admission.packet.catalogue import ItemRule
from service.admission.packet.decisions import put_off
from service.admission.packet.intake import Library
from service.admission.packet.model import FormOutcome, Outcome
from service.admission.packet.records import StoredSignature
from service.admission.packet.sealing import SignatureEvent, opened_signature, sealed_signature
from service.admission.packet.signing import NewSignature, Signatory, faults_of, not_now
from service.admission.packet.texts import DECLINING, FormText
from service.admission.packet.traces import RE_OFFER
from service.errors import Code, Conflict, FieldError, Invalid, NotFound
from service.ids import new_id
from service.intake.medical.reading import medical_facts
from service.people.contacts import needs_interpreter
from service.people.episodes.operations import current_episode
from service.people.facts import load_patient, program_day
from service.people.operations import open_demographics
from service.people.records import StoredPatient
from service.people.standing import patient_at_law
from service.people.state_rules import may_sign_alone
from service.work import Loaded, Work

OBJECT = "form_signature"


@dataclass(frozen=True, slots=True)
class FormPage:
    """Signature events of a patient, newest first."""

    events: tuple[SignatureEvent, ...]
    more: bool


def read_text(work: Work, library: Library, form: str, language: str) -> FormText:
    """The words of a form in force today. Staff read any; a patient reads what they would sign."""
    if work.caller.kind is CallerKind.PATIENT and work.caller.patient_id is not None:
        own = work.caller.patient_id
        work.authorised(Action.FORM_READ, lambda work: load_patient(work, own))
        patient_id: UUID | None = own
    else:
        work.require(Action.CONSENT_TEXT_READ, object_kind="form_text")
        patient_id = None
    text = _text(work, library, _rule(library, form), language)
    work.record(
        action=Action.FORM_READ if patient_id else Action.CONSENT_TEXT_READ,
        object_kind="form_text",
        object_id=None,
        patient_id=patient_id,
        detail={"form": form, "version": text.version, "language": language},
    )
    return text


def sign(
    work: Work, library: Library, patient_id: UUID, form: str, new: NewSignature
) -> SignatureEvent | UUID:
    """Keep one signature event. Conflict `form_text_changed` when these are not the words in force; Invalid
    `form_invalid` with every fault. When the patient cannot decide now: nothing is signed, the answer is Conflict
    `form_not_now`, and the id of the item that asks for it again is what is returned.
    """
    stored = work.authorised(Action.FORM_SIGN, lambda work: load_patient(work, patient_id, changing=True))
    rule = _rule(library, form)
    text = _text(work, library, rule, new.language)
    if (new.text_version, new.text_sha256) != (text.version, text.sha256):
        raise Conflict(
            Code.FORM_TEXT_CHANGED,
            "These are not the words in force. Show the ones that are, and ask again.",
            version=text.version,
            sha256=text.sha256,
        )
    who = _signatory(work, library, stored)
    if who.deceased and new.outcome is not Outcome.GIVEN:
        raise Conflict(Code.FORM_NOT_NOW, "The patient has died: nothing is signed for them any more.")
    if words := not_now(rule, new, who):
        return _offer_again(work, library, patient_id, rule, words)
    if faults := faults_of(rule, text, new, who):
        raise Invalid(Code.FORM_INVALID, "This form is not complete.", faults)
    event = _event(work, patient_id, rule, text, new)
    records.insert_signature(work.db, sealed_signature(work, event), work.entry_id)
    work.record(
        action=Action.FORM_SIGN,
        object_kind=OBJECT,
        object_id=event.id,
        object_version=1,
        patient_id=patient_id,
        detail={"form": form, "outcome": event.outcome.value, "version": text.version},
        payload={"sha256": text.sha256, "particulars": dict(event.particulars)},
    )
    return event


def read_signature(work: Work, signature_id: UUID) -> SignatureEvent:
    """One event with the text that was signed, whatever came after it."""
    stored = work.authorised(Action.FORM_READ, _loader(signature_id))
    event = opened_signature(work, stored)
    work.record(
        action=Action.FORM_READ,
        object_kind=OBJECT,
        object_id=event.id,
        patient_id=event.patient_id,
        detail={"form": event.form},
    )
    return event


def list_signatures(
    work: Work, patient_id: UUID, *, form: str | None, before: UUID | None, at_most: int
) -> FormPage:
    """Every event, newest first: superseded ones stay readable."""
    work.authorised(Action.FORM_READ, lambda work: load_patient(work, patient_id))
    page = records.signatures_page(work.db, patient_id, form, before, at_most + 1)
    events = tuple(opened_signature(work, stored) for stored in page[:at_most])
    work.record(
        action=Action.FORM_READ,
        object_kind=OBJECT,
        object_id=None,
        patient_id=patient_id,
        detail={"listed": len(events)},
    )
    return FormPage(events, more=len(page) > at_most)


def signature_or_refusal(work: Work, made_id: UUID) -> SignatureEvent:
    """What a repeated request made: the event, or the same refusal again."""
    put = records.decision_by_id(work.db, made_id)
    if put is None:
        return read_signature(work, made_id)
    work.authorised(Action.FORM_SIGN, lambda work: load_patient(work, put.patient_id))
    raise Conflict(Code.FORM_NOT_NOW, "It could not be signed; it stands in the packet to be offered again.")


# -- for operations above


def outcome_of(work: Work, library: Library, patient_id: UUID, form: str) -> FormOutcome | None:
    """What the patient last did with a form, inside an act already allowed."""
    stored = records.last_signature(work.db, patient_id, form)
    if stored is None:
        return None
    event, today = opened_signature(work, stored), program_day(work)
    newer = library.books.texts.newer_than(form, event.text_version, today)
    lapsed = event.expires_on is not None and event.expires_on < today
    return FormOutcome(
        signature_id=event.id,
        form=form,
        outcome=event.outcome,
        signed_at=event.signed_at,
        text_version=event.text_version,
        current=newer is None and not lapsed,
        expires_on=event.expires_on,
        answers=event.answers,
    )


# -- inside


def _rule(library: Library, form: str) -> ItemRule:
    rule = library.books.packet.items.get(form)
    if rule is None or not rule.can_be_declined:
        raise NotFound(Code.NOT_FOUND, "There is no such form.")
    return rule


def _text(work: Work, library: Library, rule: ItemRule, language: str) -> FormText:
    """The form's own words; for a consent to disclose, which has words of its own, those of saying no to it."""
    form = rule.key if rule.is_form else DECLINING
    text = library.books.texts.current(form, language, program_day(work))
    if text is None:
        fault = FieldError("language", "unknown", "This form is there in: en, es.")
        raise Invalid(Code.FORM_INVALID, "The form is not there in this language.", [fault])
    return text


def _signatory(work: Work, library: Library, stored: StoredPatient) -> Signatory:
    patient_id = stored.id
    at_law = patient_at_law(work, library.consents.states, patient_id)
    rule = library.consents.states.on(work.program.state, program_day(work))
    facts = medical_facts(work, library.medical, patient_id)
    document = open_demographics(work, stored)
    intoxicated, capacity = facts.get("intoxicated_now"), facts.get("has_capacity")
    return Signatory(
        minor=at_law.minor,
        may_sign_alone=may_sign_alone(rule, at_law.age or 0),
        adjudicated=at_law.adjudicated,
        deceased=at_law.deceased_on is not None,
        interpreter_needed=needs_interpreter(document),
        caller_is_patient=work.caller.kind is CallerKind.PATIENT,
        intoxicated=intoxicated is not None and intoxicated.value is True,
        incapable=capacity is not None and capacity.value is False,
    )


def _offer_again(work: Work, library: Library, patient_id: UUID, rule: ItemRule, words: str) -> UUID:
    refusal = Conflict(Code.FORM_NOT_NOW, words, form=rule.key)
    episode = current_episode(work, patient_id)
    if episode is None:
        raise refusal
    row_id = put_off(work, episode, rule, RE_OFFER, words)
    work.record(
        action=Action.FORM_SIGN,
        object_kind="packet_item",
        object_id=row_id,
        patient_id=patient_id,
        detail={"form": rule.key, "outcome": "not_now"},
    )
    work.answer_with(refusal)
    return row_id


def _event(work: Work, patient_id: UUID, rule: ItemRule, text: FormText, new: NewSignature) -> SignatureEvent:
    episode = current_episode(work, patient_id)
    lasts = rule.renew_days if new.outcome is not Outcome.DECLINED else None
    return SignatureEvent(
        id=new_id(work.now),
        patient_id=patient_id,
        episode_id=None if episode is None else episode.id,
        form=rule.key,
        text_version=text.version,
        language=text.language,
        text_sha256=text.sha256,
        outcome=new.outcome,
        signed_at=work.now,
        expires_on=None if lasts is None else program_day(work) + timedelta(days=lasts),
        superseded_at=None,
        recorded_by=work.caller.account_id,
        particulars=_particulars(work, new),
        document=text.document,
    )


def _particulars(work: Work, new: NewSignature) -> Mapping[str, Any]:
    """Who, how read, on what device, who stood by: on a device of the house the caller witnesses (K5)."""
    signer, reader = new.signer, new.reader
    by_staff = work.caller.kind is CallerKind.STAFF
    return {
        "signer": None
        if signer is None
        else {"role": signer.role, "name": signer.name, "authority": signer.authority},
        "reader": {
            "how": reader.how,
            "interpreter_id": reader.interpreter_id,
            "interpreter_name": reader.interpreter_name,
        },
        "device": new.device,
        "witness": new.witness,
        "witness_account": str(work.caller.account_id) if by_staff else None,
        "session": None if work.caller.session_id is None else str(work.caller.session_id),
        "attestation": new.attestation,
        "reason": new.reason,
        "answers": dict(new.answers),
    }


def _loader(signature_id: UUID) -> Any:
    def load(work: Work) -> Loaded[StoredSignature] | None:
        stored = records.signature_by_id(work.db, signature_id)
        found = None if stored is None else load_patient(work, stored.patient_id)
        if stored is None or found is None:
            return None
        return Loaded(stored, found.facts, OBJECT, stored.id, patient_id=stored.patient_id)

    return load
