"""What compliance says about one consent: a doubt and its settlement, an ending event, a defect of form (2.31(c)).

Rulings are kept in the order made and the last of its sort counts; each says why. None of them changes the words that
were signed or lets a consent reach further than its terms.
"""

from dataclasses import replace
from uuid import UUID

from service.access.actions import Action
from service.consent import records
from service.consent.acts import assessment, changing, done
from service.consent.attested.records import add_ruling
from service.consent.commands import ConsentView, Ruling
from service.consent.elements import missing_elements
from service.consent.lifecycle import Act, after
from service.consent.model import ConsentRecord, ConsentState, ExpiryKind, RulingKind
from service.consent.rulebook import Rulebook
from service.consent.sealing import OpenedConsent
from service.consent.validity import doubted, known_false, recorded_event
from service.errors import Code, Conflict, FieldError, Invalid
from service.people.reviews import ReviewKind, open_review
from service.work import Work


def rule(
    work: Work, book: Rulebook, consent_id: UUID, given: Ruling, *, version: int | None = None
) -> ConsentView:
    """Record a ruling; Conflict `ruling_not_applicable` when there is nothing of that sort to rule about."""
    opened = changing(work, Action.CONSENT_RULE, consent_id, version)
    before = opened.record
    formal = {r.code for r in missing_elements(book, assessment(work, before))} & book.formal
    _check(before, given, has_formal_defect=bool(formal))
    happened = given.kind is RulingKind.EVENT_HAPPENED
    record = replace(
        before,
        state=after(before.state, Act.EXPIRE).to if happened else before.state,
        version=before.version + 1,
        rulings=(*before.rulings, (given.kind.value, work.now)),
    )
    add_ruling(work, record, given.kind.value, given.reason)
    records.change(work, record, opened.signed_text)
    ruled = OpenedConsent(record, opened.signed_text, work.now)
    shown = done(
        work, book, Action.CONSENT_RULE, ruled, {"ruling": given.kind.value, "defects": sorted(formal)}
    )
    if given.kind is RulingKind.DOUBTED:
        open_review(
            work,
            kind=ReviewKind.CONSENT_DOUBT,
            patient_id=record.patient_id,
            subject_id=consent_id,
            account_id=None,
        )
    return shown


def _check(record: ConsentRecord, given: Ruling, *, has_formal_defect: bool) -> None:
    if not given.reason.strip():
        fault = FieldError("reason", "missing", "A ruling says why.")
        raise Invalid(Code.INVALID_REQUEST, "This ruling cannot be recorded as it is.", [fault])
    applies = {
        RulingKind.DOUBTED: record.state is ConsentState.ACTIVE and not doubted(record),
        RulingKind.CLEARED: doubted(record) or known_false(record),
        RulingKind.FALSE: record.state is ConsentState.ACTIVE and not known_false(record),
        RulingKind.EVENT_HAPPENED: _ends_unseen(record) and record.state is ConsentState.ACTIVE,
        RulingKind.EVENT_NOT_HAPPENED: _ends_unseen(record) and record.state is ConsentState.ACTIVE,
        RulingKind.FORMAL: has_formal_defect and record.state in (ConsentState.DRAFT, ConsentState.ACTIVE),
    }
    if not applies[given.kind]:
        raise Conflict(
            Code.RULING_NOT_APPLICABLE,
            "There is nothing of that sort to rule about.",
            state=record.state.value,
        )


def _ends_unseen(record: ConsentRecord) -> bool:
    """It ends with an event that nobody here records."""
    expiry = record.terms.expiry
    return expiry is not None and expiry.kind is ExpiryKind.EVENT and not recorded_event(expiry.event)
