"""What a consent covers: facts about one consent, one request and one item in, match facts out.

Nothing is permitted here. The facts go into the policies (`ReleaseFacts`, policies/disclosure.cedar),
which alone permit; `why_not` says in words what is missing. Recipients match by id or through a recorded
relationship, never by name. A missing or unknown purpose matches nothing; an item without labels is taken
to bear every label. Notes of counseling sessions and psychotherapy notes are reached by the consent of their
own kind and by no other, whatever its scope says.
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
    TREATING_DESIGNATION,
    WHOLE_PROGRAM,
    ConsentKind,
    ConsentRecord,
    ConsentTerms,
    Reason,
    Scope,
    Today,
)
from service.consent.rulebook import Rulebook
from service.consent.standing import Standing
from service.people.recipient import CLASS_RELATIONSHIPS, RecipientType

#: Purposes that name a whole legal class; every other purpose of a consent stands for its own code only.
_WHOLE_CLASS = frozenset({"TREAT", "HPAYMT", "HOPERAT"})

#: The consent that alone reaches a class of separate notes (2.31(b), 45 CFR 164.508(a)(2)).
_NOTE_OF = {
    ConsentKind.COUNSELING_NOTES: "counseling_note",
    ConsentKind.PSYCHOTHERAPY_NOTES: "psychotherapy_note",
}


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks, for what. `relationships` are the kinds recorded between patient and recipient, in force
    today; `via` the intermediary through which the recipient is reached.
    """

    patient_id: UUID
    recipient_id: UUID
    relationships: frozenset[str]
    purpose: str | None
    via: UUID | None = None
    #: The patient declined fundraising (PatientAtLaw.fundraising_opt_out).
    opted_out: bool = False
    #: The day the patient died; None while living.
    deceased_on: date | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One record item as far as a scope can see it."""

    kind: str
    note_class: str
    labels: frozenset[str]
    dated_on: date | None
    unit: str


@dataclass(frozen=True, slots=True)
class Reach:
    """What one consent says to one request, whatever the item."""

    patient_named: bool
    recipient_named: bool
    recipient_in_class: bool
    recipient_revoked: bool
    intermediary_named: bool
    participant_named: bool
    participant_designated: bool
    purpose_matches: bool
    via: bool
    #: Given before the patient died by somebody whose authority was to act for the living.
    outlived: bool

    @property
    def reached(self) -> bool:
        """Named, in a class, or a participant of the named intermediary. Whether a participant that is only
        designated treats the patient is a fact of the request; the policy asks both.
        """
        if self.recipient_named or self.recipient_in_class:
            return True
        return self.intermediary_named and (self.participant_named or self.participant_designated)


@dataclass(frozen=True, slots=True)
class ConsentMatch:
    """What one consent says to one request for one item."""

    standing: Standing
    reach: Reach
    discloser_covered: bool
    kind_in_scope: bool
    label_in_scope: bool
    date_in_scope: bool
    separate_note: str | None

    @property
    def reaches(self) -> bool:
        """Every fact of the match that costs little is favourable: only then can this consent permit."""
        reach = self.reach
        return (
            self.kind_in_scope
            and reach.purpose_matches
            and reach.reached
            and not reach.recipient_revoked
            and self.label_in_scope
            and self.date_in_scope
            and self.discloser_covered
            and reach.patient_named
        )

    @property
    def covers(self) -> bool:
        """Every fact is favourable. For words and previews only: the policies decide."""
        return self.reaches and not self.standing.void


def classes_of(purposes: Purposes) -> Mapping[str, str]:
    """Code -> legal class, the form in which the rules of this package take the table of purposes."""
    return {code: purpose.legal_class.value for code, purpose in purposes.by_code.items()}


def standing(book: Rulebook, classes: Mapping[str, str], record: ConsentRecord, today: Today) -> Standing:
    """The consent at `today`, for all requests made at that instant."""
    return Standing(book, classes, record, today)


def purpose_covered(stated: tuple[str, ...], classes: Mapping[str, str], asked: str | None) -> bool:
    """Is the purpose asked for one of the purposes stated? By explicit table, never by HL7's hierarchy."""
    legal_class = classes.get(asked) if asked is not None else None
    if legal_class is None:
        return False
    if asked in stated:
        return True
    for code in stated:
        if code == TPO_PURPOSE:
            if legal_class in TPO_CLASSES:
                return True
        elif code in _WHOLE_CLASS and classes.get(code) == legal_class:
            return True
    return False


def reach_of(of: Standing, request: Request) -> Reach:
    """Whom the consent reaches, held against one request."""
    terms, revoked = of.record.terms, of.record.revoked_recipients
    wanted, via = request.recipient_id, request.via
    named = in_class = intermediary = participant = designated = False
    for r in terms.recipients:
        if r.type is RecipientType.CLASS:
            in_class = in_class or (
                r.recipient_class is not None
                and r.recipient_id not in revoked
                and bool(request.relationships & CLASS_RELATIONSHIPS[r.recipient_class])
            )
            continue
        named = named or r.recipient_id == wanted
        if via is not None and r.type is RecipientType.INTERMEDIARY and r.recipient_id == via:
            intermediary = True
            participant = participant or wanted in r.participants
            designated = designated or r.general_designation == TREATING_DESIGNATION
    opted_out = terms.kind is ConsentKind.FUNDRAISING and (request.opted_out or of.opted_out)
    return Reach(
        patient_named=of.record.patient_id == request.patient_id,
        recipient_named=named,
        recipient_in_class=in_class,
        recipient_revoked=opted_out or wanted in revoked or (via is not None and via in revoked),
        intermediary_named=intermediary,
        participant_named=participant,
        participant_designated=designated,
        purpose_matches=purpose_covered(terms.purposes, of.classes, request.purpose),
        via=via is not None,
        outlived=request.deceased_on is not None and not of.given_since(request.deceased_on),
    )


def match(of: Standing, request: Request, item: Item) -> ConsentMatch:
    """The match facts of one consent for one request and one item."""
    return match_item(of, reach_of(of, request), item)


def match_item(of: Standing, reach: Reach, item: Item) -> ConsentMatch:
    """The same with the consent already held against the request: `reach_of` is worked out once for all items."""
    terms = of.record.terms
    separate, in_scope = _kind_in_scope(terms.kind, terms.scope.kinds, item)
    return ConsentMatch(
        standing=of,
        reach=reach,
        discloser_covered=any(d.unit in (item.unit, WHOLE_PROGRAM) for d in terms.disclosers),
        kind_in_scope=in_scope,
        label_in_scope=_label_in_scope(terms.scope, item),
        date_in_scope=_date_in_scope(terms.scope, item),
        separate_note=separate,
    )


def in_scope(terms: ConsentTerms, item: Item) -> tuple[bool, bool, bool]:
    """Kind, label and date of the item are in the scope: the facts that follow from the terms alone."""
    scope = terms.scope
    return (
        _kind_in_scope(terms.kind, scope.kinds, item)[1],
        _label_in_scope(scope, item),
        _date_in_scope(scope, item),
    )


def _label_in_scope(scope: Scope, item: Item) -> bool:
    return scope.labels == "all" or (bool(item.labels) and item.labels.issubset(scope.labels))


def _date_in_scope(scope: Scope, item: Item) -> bool:
    dated = item.dated_on
    after_first = scope.first_day is None or (dated is not None and dated >= scope.first_day)
    before_last = scope.last_day is None or (dated is not None and dated <= scope.last_day)
    return after_first and before_last


def _kind_in_scope(kind: ConsentKind, kinds: str | tuple[str, ...], item: Item) -> tuple[str | None, bool]:
    """The consent a separate note would need (None: it is no such note, or this is that consent), and whether
    the scope has the kind of the item.
    """
    own = _NOTE_OF.get(kind)
    listed = item.kind in kinds if isinstance(kinds, tuple) else False
    if item.kind == "psychotherapy_note" or item.note_class == "psychotherapy_note":
        if own == "psychotherapy_note":
            return None, listed and item.note_class == "psychotherapy_note"
        return "PSYCHOTHERAPY_AUTHORIZATION_REQUIRED", False
    if item.kind in SEPARATE_KINDS or item.note_class != "ordinary":
        if own == "counseling_note":
            return None, listed and item.note_class == "sud_counseling_note"
        return "SCN_CONSENT_REQUIRED", False
    return None, own is None and (kinds == "all" or listed)


def with_consent(facts: ReleaseFacts, found: ConsentMatch) -> ReleaseFacts:
    """`facts` with everything this consent contributes. A consent about another patient is no consent at
    all.

    Words and elements are examined only where everything else speaks for the consent. Where something else
    already stands against it they are not, and the facts say nothing against them: no rule permits by a consent
    that does not reach, or has ended, and the reason recorded is then the one that was found.
    """
    of, reach = found.standing, found.reach
    if not reach.patient_named:
        return replace(facts, consent_present=False)
    seen = of.examined if of.drafted or (of.lasts and found.reaches) else None
    return replace(
        facts,
        consent_present=True,
        consent_kind=of.record.terms.kind.value,
        consent_signer="" if reach.outlived and of.signer == "personal_representative" else of.signer,
        consent_state_active=of.state_active,
        consent_complete=seen is None or seen.complete,
        consent_text_intact=seen is None or seen.text_intact,
        consent_signed=of.signed,
        consent_date_ok=of.date_ok,
        consent_effective=of.effective,
        consent_expired=of.expired,
        consent_expiry_unknown=of.expiry_unknown,
        consent_false=of.false,
        consent_doubted=of.doubted,
        consent_revoked=of.revoked or reach.recipient_revoked,
        discloser_covered=found.discloser_covered,
        recipient_named=reach.recipient_named,
        recipient_in_class=reach.recipient_in_class,
        intermediary_named=reach.intermediary_named,
        participant_named=reach.participant_named,
        participant_designated=reach.participant_designated,
        purpose_matches=reach.purpose_matches,
        kind_in_scope=found.kind_in_scope,
        label_in_scope=found.label_in_scope,
        date_in_scope=found.date_in_scope,
        scope_combines_notes=seen is not None and seen.combines_notes,
        purpose_combines_legal=seen is not None and seen.combines_legal,
    )


def why_not(book: Rulebook, found: ConsentMatch) -> tuple[Reason, ...]:
    """Every reason why this consent does not carry this item to this recipient; empty when it does."""
    reach = found.reach
    classed = any(r.type is RecipientType.CLASS for r in found.standing.record.terms.recipients)
    checks = (
        ("PATIENT_NOT_NAMED", not reach.patient_named),
        ("DISCLOSER_NOT_COVERED", not found.discloser_covered),
        ("INTERMEDIARY_NOT_NAMED", not reach.reached and reach.via and not reach.intermediary_named),
        ("NOT_A_PARTICIPANT", not reach.reached and reach.intermediary_named),
        ("NOT_IN_CLASS", not reach.reached and not reach.via and classed),
        ("RECIPIENT_NOT_NAMED", not reach.reached and not reach.via and not classed),
        ("C-REVOKED", reach.recipient_revoked and not found.standing.revoked),
        ("PURPOSE_NOT_COVERED", not reach.purpose_matches),
        (found.separate_note or "", found.separate_note is not None),
        ("ITEM_NOT_IN_SCOPE", found.separate_note is None and not found.kind_in_scope),
        ("LABEL_NOT_IN_SCOPE", not found.label_in_scope),
        ("DATE_NOT_IN_SCOPE", not found.date_in_scope),
    )
    return found.standing.void + tuple(book.reasons[code] for code, stands in checks if stands)
