"""The frame of every act on a consent: loaded and locked by its loader, decided, recorded, shown as it then stands."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Final
from uuid import UUID

from service.access.actions import Action
from service.access.caller import Role
from service.consent import records
from service.consent.commands import ConsentView
from service.consent.document import render, text_hash
from service.consent.elements import Assessment, missing_elements
from service.consent.incidents import report_changed_text
from service.consent.match import classes_of
from service.consent.model import ConsentRecord, ConsentState, Reason, Today
from service.consent.records import Lock
from service.consent.rulebook import Rulebook
from service.consent.sealing import OpenedConsent, StoredConsent
from service.consent.signers import Authority, normal
from service.consent.signing import waiting_for
from service.consent.texts.adoption import Adoption, needs_recollection
from service.consent.texts.records import adoptions
from service.consent.validity import against, local_day
from service.consent.wording import ConsentText
from service.errors import Code, FieldError, Invalid, Stale
from service.people.events import events_of
from service.people.facts import patient_facts, program_day
from service.people.recipient import RelationshipKind
from service.people.recipients.operations import recipient_facts
from service.people.records import patient_for_share
from service.people.relationships.standing import related_recipients
from service.people.standing import patient_at_law
from service.work import Json, Loaded, Work

KIND: Final = "consent"

#: Relationships by which somebody may sign for a patient.
_SIGNING: Final = frozenset(
    {RelationshipKind.PARENT, RelationshipKind.GUARDIAN, RelationshipKind.PERSONAL_REPRESENTATIVE}
)


def patient(patient_id: UUID) -> Callable[[Work], Loaded[None] | None]:
    """Loader of the patient a consent is, or will be, about."""

    def load(work: Work) -> Loaded[None] | None:
        facts = patient_facts(work, patient_id)
        return None if facts is None else Loaded(None, facts, "patient", patient_id, patient_id=patient_id)

    return load


def consent(consent_id: UUID, lock: Lock) -> Callable[[Work], Loaded[StoredConsent] | None]:
    """Loader of one consent row. The patient is locked before the consent, as by every decision and by every event that
    ends consents: so none of them holds one and waits for the other.
    """

    def load(work: Work) -> Loaded[StoredConsent] | None:
        stored = records.find(work, consent_id, Lock.NONE)
        if stored is not None and lock is not Lock.NONE:
            patient_for_share(work.db, stored.patient_id)
            stored = records.find(work, consent_id, lock)
        facts = stored and patient_facts(work, stored.patient_id)
        if stored is None or facts is None:
            return None
        named = replace(facts, state=stored.state.value)
        return Loaded(stored, named, KIND, stored.id, patient_id=stored.patient_id)

    return load


def changing(work: Work, action: Action, consent_id: UUID, version: int | None) -> OpenedConsent:
    """The consent, locked for change; Stale when the caller read another version."""
    stored = work.authorised(action, consent(consent_id, Lock.UPDATE))
    if version is not None and stored.version != version:
        raise Stale(Code.VERSION_STALE, "Somebody changed this consent since you read it.")
    return records.opened(work, [stored])[0]


def done(
    work: Work,
    book: Rulebook,
    action: Action,
    opened: OpenedConsent,
    detail: Mapping[str, Json] | None = None,
) -> ConsentView:
    """Record the act and show the consent. The terms are in the entry as a keyed hash of the text only."""
    record = opened.record
    shown = view(work, book, opened, today_for(work, record.patient_id), adoptions(work))
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
    report_changed_text(work, record, shown.against)
    return shown


def view(
    work: Work, book: Rulebook, opened: OpenedConsent, today: Today, known: Sequence[Adoption]
) -> ConsentView:
    """A consent as shown today; `known` are the program's adoptions of texts."""
    record = opened.record
    text = text_of(book, record)
    rendered = opened.signed_text if opened.signed_text is not None else render(record.terms, text)
    void = against(book, record, classes_of(work.access.purposes), today)
    drafted = record.state is ConsentState.DRAFT
    ended = record.state is ConsentState.ACTIVE and any(reason.code == "C-EXPIRED" for reason in void)
    return ConsentView(
        record=record,
        state=ConsentState.EXPIRED if ended else record.state,
        missing=_missing(work, book, record) if drafted else (),
        against=void,
        text=rendered,
        text_sha256=text_hash(rendered),
        timezone=work.program.timezone,
        changed_at=opened.changed_at,
        recollect_by=None
        if record.state is not ConsentState.ACTIVE
        else needs_recollection(record.text_version, known, day(work)),
    )


def today_for(work: Work, patient_id: UUID) -> Today:
    """The instant of this unit as consents see it: with the events of the patient, locked against missing
    one.
    """
    happened = frozenset((event.kind.value, event.occurred_on) for event in events_of(work, patient_id))
    return Today(work.now, work.program.timezone, happened)


def authority_over(work: Work, book: Rulebook, patient_id: UUID) -> Authority:
    """Who may sign for this patient today, from the patient's age and events, the state's law and relationships."""
    on = program_day(work)
    related: set[tuple[str, str]] = set()
    for recipient_id, kinds in related_recipients(work, patient_id, on).items():
        known = recipient_facts(work, recipient_id) if kinds & _SIGNING else None
        if known is not None:
            related |= {(kind.value, normal(known.name)) for kind in kinds & _SIGNING}
    return Authority(
        patient=patient_at_law(work, book.states, patient_id),
        rule=book.states.on(work.program.state, on),
        related=frozenset(related),
        director=Role.DIRECTOR in work.caller.roles,
    )


def assessment(work: Work, record: ConsentRecord) -> Assessment:
    return Assessment(record.terms, classes_of(work.access.purposes), day(work))


def text_of(book: Rulebook, record: ConsentRecord) -> ConsentText:
    """The words of a draft: its own version, or today's when that one is no longer installed."""
    language = record.terms.language
    return (
        book.text(record.text_version, language)
        or book.text(book.current, language)
        or book.texts[book.current]
    )


def day(work: Work) -> date:
    """Today, where the program is."""
    return local_day(work.now, work.program.timezone)


def incomplete(missing: Sequence[Reason]) -> Invalid:
    """The refusal that names everything a consent lacks."""
    return Invalid(
        Code.CONSENT_INCOMPLETE,
        "This consent cannot be in force as it is.",
        [FieldError(reason.field, reason.code, reason.message, reason.citation) for reason in missing],
    )


def _missing(work: Work, book: Rulebook, record: ConsentRecord) -> tuple[Reason, ...]:
    """What a draft lacks; a draft that has one signature of two also lacks the other."""
    lacking = missing_elements(book, assessment(work, record))
    if any(kind == "formal" for kind, _ in record.rulings):
        lacking = tuple(reason for reason in lacking if reason.code not in book.formal)
    if not record.signatures:
        return lacking
    by = authority_over(work, book, record.patient_id)
    return (*lacking, *waiting_for(book, record, by))
