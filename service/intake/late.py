"""Answers that come too late to be kept: another device was quicker, or the form was completed meanwhile.

They may hold the only positive answer there is. So they are refused as ever, and what they raise is kept.
"""

from service.access.actions import Action
from service.errors import Code, Conflict, ConsentryError, Stale
from service.intake.assessment import Form, Source, after
from service.intake.instrument import Catalogue
from service.intake.kept import Kept, rules_of, wrong_status
from service.intake.refusing import refuse_form, shown_with_fault
from service.intake.retold import known_flags
from service.intake.safety.flag import FlagSource
from service.intake.safety.raising import open_flags, raise_flags
from service.intake.scoring import score
from service.intake.subject import source_of
from service.work import Work


def why_too_late(work: Work, action: Action, kept: Kept, expected: int | None) -> ConsentryError | None:
    """Why these answers cannot be kept whatever they are; None when they can."""
    if expected is not None and expected != kept.stored.version:
        changed = "This assessment has changed since you read it."
        return Stale(Code.VERSION_STALE, changed, current=kept.stored.version)
    if after(action, kept.now.status) is None:
        return wrong_status(action, kept.now.status)
    if action is not Action.ASSESSMENT_SAVE:
        return None
    if kept.now.content.source is Source.PATIENT and source_of(work) is not Source.PATIENT:
        theirs = (
            "The patient is filling in this form. Begin one of your own, or amend it when it is completed."
        )
        return Conflict(Code.ASSESSMENT_PATIENT_TYPED, theirs)
    return None


def refuse_late(
    work: Work, catalogue: Catalogue, action: Action, kept: Kept, form: Form, fault: ConsentryError
) -> None:
    """Raise `fault` where the answers raise nothing new; else it is answered after the commit, with the flags kept and
    whoever sits there told what to do or where help is.
    """
    before, instrument = kept.now, rules_of(catalogue, kept.now)
    context = before.content.context if form.context is None else form.context
    result = score(instrument, form.answers, context)
    known = known_flags(instrument, before.content, form.answers, context, result.flags)
    person = kept.about.surviving or before.patient_id
    had = {flag.code for flag in known}
    had |= {one.flag.code for one in open_flags(work, person) if one.subject_id == before.id}
    if all(flag.task is None or flag.code in had for flag in result.flags):
        raise fault
    along = shown_with_fault(work, result, context)
    told = type(fault)(fault.code, fault.detail, fault.errors, **{**along, **fault.extra})
    refuse_form(work, action, told, before.patient_id, before.id)
    raise_flags(
        work,
        patient_id=person,
        source=FlagSource.ASSESSMENT,
        subject_id=before.id,
        instrument=instrument.key,
        flags=result.flags,
        known=known,
    )
