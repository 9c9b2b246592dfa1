"""What a consent covers: facts about one consent, one request and one item in, match facts out.

Nothing is permitted here. The facts go into the policies (`ReleaseFacts`, policies/disclosure.cedar),
which alone permit; `why_not` says in words what is missing. Recipients match by id or through a recorded
relationship, never by name. A missing or unknown purpose matches nothing; an item without labels is taken
to bear every label.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from service.access.facts import ReleaseFacts
from service.access.purposes import Purposes
from service.consent.elements import TPO_CLASSES
from service.consent.model import (
    SEPARATE_KINDS,
    TPO_PURPOSE,
    WHOLE_PROGRAM,
    ConsentRecord,
    ConsentState,
    Reason,
    Today,
)
from service.consent.rulebook import Rulebook
from service.consent.validity import against, local_day
from service.people.recipient import CLASS_RELATIONSHIPS, RecipientType

#: Purposes that name a whole legal class; every other purpose of a consent stands for its own code only.
_WHOLE_CLASS = frozenset({"TREAT", "HPAYMT", "HOPERAT"})

_NOTES = frozenset({"C-COMBINE-SCN", "C-SCN-KIND", "C-COMBINE-PSY"})
_NO_END = frozenset({"C-EXPIRED", "C-EXPIRY-MISSING", "C-EXPIRY-EVENT-UNKNOWN", "C-EXPIRY-NONE-NOT-TPO"})
_LEGAL = frozenset({"C-COMBINE-LEGAL", "C-LEGAL-KIND"})
_ENDED = frozenset({"C-REVOKED", "C-SUPERSEDED", "C-ENTERED-IN-ERROR"})


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks, for what. `relationships` are the kinds recorded between patient and recipient, in force
    today.
    """

    patient_id: UUID
    recipient_id: UUID
    relationships: frozenset[str]
    purpose: str | None


@dataclass(frozen=True, slots=True)
class Item:
    """One record item as far as a scope can see it."""

    kind: str
    note_class: str
    labels: frozenset[str]
    dated_on: date | None
    unit: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A consent judged at one instant, before any request: computed once, used for every item."""

    record: ConsentRecord
    void: tuple[Reason, ...]
    classes: Mapping[str, str]
    state_active: bool
    complete: bool
    text_intact: bool
    signed: bool
    date_ok: bool
    effective: bool
    expired: bool
    revoked: bool
    combines_notes: bool
    combines_legal: bool


@dataclass(frozen=True, slots=True)
class ConsentMatch:
    """What one consent says to one request for one item."""

    standing: Standing
    patient_named: bool
    discloser_covered: bool
    recipient_named: bool
    recipient_in_class: bool
    recipient_revoked: bool
    purpose_matches: bool
    kind_in_scope: bool
    label_in_scope: bool
    date_in_scope: bool
    separate_note: str | None

    @property
    def covers(self) -> bool:
        """Every fact is favourable. For words and previews only: the policies decide."""
        return (
            not self.standing.void
            and self.patient_named
            and self.discloser_covered
            and (self.recipient_named or self.recipient_in_class)
            and not self.recipient_revoked
            and self.purpose_matches
            and self.kind_in_scope
            and self.label_in_scope
            and self.date_in_scope
        )


def classes_of(purposes: Purposes) -> Mapping[str, str]:
    """Code -> legal class, the form in which the rules of this package take the table of purposes."""
    return {code: purpose.legal_class.value for code, purpose in purposes.by_code.items()}


def standing(book: Rulebook, classes: Mapping[str, str], record: ConsentRecord, today: Today) -> Standing:
    """The consent at `today`, for all requests made at that instant."""
    void = against(book, record, classes, today)
    codes = {reason.code for reason in void}
    unsupported = "C-KIND-UNSUPPORTED" in codes
    day = local_day(today.now, today.timezone)
    drafted = record.state is ConsentState.DRAFT
    elements = {element.code for element in book.elements}
    return Standing(
        record=record,
        void=void,
        classes=classes,
        state_active=record.state is ConsentState.ACTIVE and not unsupported and not codes & _ENDED,
        complete=not drafted and not unsupported and not codes & elements,
        text_intact=not drafted and not unsupported and "C-TEXT-CHANGED" not in codes,
        signed=not drafted and bool(record.signatures),
        date_ok=bool(record.signatures)
        and all(s.signed_on is not None and s.signed_on <= day for s in record.signatures),
        effective=not drafted and "C-NOT-YET" not in codes,
        expired=unsupported or bool(codes & _NO_END),
        revoked="C-REVOKED" in codes,
        combines_notes=unsupported or bool(codes & _NOTES),
        combines_legal=unsupported or bool(codes & _LEGAL),
    )


def purpose_covered(stated: tuple[str, ...], classes: Mapping[str, str], asked: str | None) -> bool:
    """Is the purpose asked for one of the purposes stated? By explicit table, never by HL7's hierarchy."""
    legal_class = classes.get(asked) if asked is not None else None
    if legal_class is None:
        return False
    return any(
        code == asked
        or (code == TPO_PURPOSE and legal_class in TPO_CLASSES)
        or (code in _WHOLE_CLASS and classes.get(code) == legal_class)
        for code in stated
    )


def _separate_note(item: Item) -> str | None:
    if item.kind == "psychotherapy_note" or item.note_class == "psychotherapy_note":
        return "PSYCHOTHERAPY_AUTHORIZATION_REQUIRED"
    if item.kind in SEPARATE_KINDS or item.note_class != "ordinary":
        return "SCN_CONSENT_REQUIRED"
    return None


def match(of: Standing, request: Request, item: Item) -> ConsentMatch:
    """The match facts of one consent for one request and one item."""
    terms, scope = of.record.terms, of.record.terms.scope
    separate = _separate_note(item)
    named = any(
        r.recipient_id == request.recipient_id and r.type is not RecipientType.CLASS for r in terms.recipients
    )
    in_class = any(
        r.type is RecipientType.CLASS
        and r.recipient_class is not None
        and r.recipient_id not in of.record.revoked_recipients
        and bool(request.relationships & CLASS_RELATIONSHIPS[r.recipient_class])
        for r in terms.recipients
    )
    dated = item.dated_on
    after_first = scope.first_day is None or (dated is not None and dated >= scope.first_day)
    before_last = scope.last_day is None or (dated is not None and dated <= scope.last_day)
    return ConsentMatch(
        standing=of,
        patient_named=of.record.patient_id == request.patient_id,
        discloser_covered=any(d.unit in (item.unit, WHOLE_PROGRAM) for d in terms.disclosers),
        recipient_named=named,
        recipient_in_class=in_class,
        recipient_revoked=request.recipient_id in of.record.revoked_recipients,
        purpose_matches=purpose_covered(terms.purposes, of.classes, request.purpose),
        kind_in_scope=separate is None and (scope.kinds == "all" or item.kind in scope.kinds),
        label_in_scope=scope.labels == "all" or (bool(item.labels) and item.labels <= set(scope.labels)),
        date_in_scope=after_first and before_last,
        separate_note=separate,
    )


def with_consent(facts: ReleaseFacts, found: ConsentMatch) -> ReleaseFacts:
    """`facts` with everything this consent contributes. A consent about another patient is no consent at
    all.
    """
    of = found.standing
    if not found.patient_named:
        return replace(facts, consent_present=False)
    return replace(
        facts,
        consent_present=True,
        consent_kind=of.record.terms.kind.value,
        consent_state_active=of.state_active,
        consent_complete=of.complete,
        consent_text_intact=of.text_intact,
        consent_signed=of.signed,
        consent_date_ok=of.date_ok,
        consent_effective=of.effective,
        consent_expired=of.expired,
        consent_revoked=of.revoked or found.recipient_revoked,
        discloser_covered=found.discloser_covered,
        recipient_named=found.recipient_named,
        recipient_in_class=found.recipient_in_class,
        purpose_matches=found.purpose_matches,
        kind_in_scope=found.kind_in_scope,
        label_in_scope=found.label_in_scope,
        date_in_scope=found.date_in_scope,
        scope_combines_notes=of.combines_notes,
        purpose_combines_legal=of.combines_legal,
    )


def why_not(book: Rulebook, found: ConsentMatch) -> tuple[Reason, ...]:
    """Every reason why this consent does not carry this item to this recipient; empty when it does."""
    classed = any(r.type is RecipientType.CLASS for r in found.standing.record.terms.recipients)
    reached = found.recipient_named or found.recipient_in_class
    checks = (
        ("PATIENT_NOT_NAMED", not found.patient_named),
        ("DISCLOSER_NOT_COVERED", not found.discloser_covered),
        ("NOT_IN_CLASS", not reached and classed),
        ("RECIPIENT_NOT_NAMED", not reached and not classed),
        ("C-REVOKED", found.recipient_revoked and not found.standing.revoked),
        ("PURPOSE_NOT_COVERED", not found.purpose_matches),
        (found.separate_note or "", found.separate_note is not None),
        ("ITEM_NOT_IN_SCOPE", found.separate_note is None and not found.kind_in_scope),
        ("LABEL_NOT_IN_SCOPE", not found.label_in_scope),
        ("DATE_NOT_IN_SCOPE", not found.date_in_scope),
    )
    return found.standing.void + tuple(book.reasons[code] for code, stands in checks if stands)
