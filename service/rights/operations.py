"""Restrictions: asked for, answered, ended, listed (42 CFR 2.26; 45 CFR 164.522(a)).

What changes whether a disclosure is restricted happens under a lock on the patient that excludes decisions about that
patient, and takes it before any other lock: a decision committed later has seen the change.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from service.access.actions import Action
from service.access.caller import CallerKind
from service.errors import Code, Conflict, FieldError, Invalid, Stale
from service.ids import new_id
from service.people.facts import facts_of, patient_facts, program_day
from service.people.recipient import RecipientRole, RecipientType, RelationshipKind
from service.people.recipients.operations import recipient_facts
from service.people.records import patient_for_update
from service.people.relationships.standing import relationship_kinds
from service.record.operations import settled_ids
from service.rights import lifecycle, records, restrictions
from service.rights.asking import ENDING_CITATION, Ending, NewRestriction, ended_for_later, faults_of
from service.rights.lifecycle import Act
from service.rights.records import StoredRestriction
from service.rights.restricting import MUST_AGREE_CITATION, must_agree
from service.rights.restriction import Restriction, RestrictionState
from service.work import Loaded, Work


@dataclass(frozen=True, slots=True)
class Page:
    """Restrictions of a patient, newest first."""

    restrictions: tuple[Restriction, ...]
    more: bool


def request_restriction(work: Work, patient_id: UUID, given: NewRestriction) -> Restriction:
    """Record what the patient asks for. It is agreed to at once where the program must agree (2.26(a)(6)): nobody has
    to do anything for it to hold. Invalid `restriction_invalid` with every fault.
    """
    work.authorised(Action.RESTRICTION_REQUEST, _patient_loader(patient_id))
    new = _classed(work, given)
    if faults := (
        *_unknown(work, patient_id, new),
        *faults_of(new, _plans(work, patient_id, new.recipients)),
    ):
        raise Invalid(Code.RESTRICTION_INVALID, "This restriction cannot be recorded as it is.", faults)
    asked = Restriction(
        id=new_id(work.now),
        patient_id=patient_id,
        state=RestrictionState.REQUESTED,
        kinds=new.kinds or frozenset(),
        items=new.items,
        recipients=new.recipients,
        classes=new.classes,
        paid_in_full=new.paid_in_full,
        required_by_law=new.required_by_law,
        reason=new.reason,
        requested_at=work.now,
    )
    made = asked
    if _owed(work, asked):
        to = lifecycle.after(asked.state, Act.AGREE).to
        made = replace(asked, state=to, owed=True, agreed_at=work.now)
    records.insert_restriction(work.db, restrictions.sealed(work, made), work.entry_id)
    _record(work, made, Action.RESTRICTION_REQUEST, {"state": made.state.value, "must_agree": made.owed})
    return made


def answer_restriction(
    work: Work, restriction_id: UUID, *, agreed: bool, reason: str, version: int | None = None
) -> Restriction:
    """Agree or decline. Conflict `restriction_must_be_agreed` when the program has no choice."""
    stored = work.authorised(Action.RESTRICTION_ANSWER, _loader(restriction_id, changing=True))
    before = _current(work, stored, version)
    owed = _owed(work, before)
    transition = lifecycle.after(before.state, Act.AGREE if agreed else Act.DECLINE)
    if owed and not agreed:
        raise Conflict(
            Code.RESTRICTION_MUST_BE_AGREED,
            "The program has to agree to this restriction.",
            citation=MUST_AGREE_CITATION,
        )
    answered = replace(
        before,
        state=transition.to,
        owed=owed,
        answer=reason,
        agreed_at=work.now if agreed else None,
        version=before.version + 1,
    )
    records.replace_restriction(work.db, restrictions.sealed(work, answered), work.entry_id)
    _record(work, answered, transition.action, {"state": answered.state.value, "must_agree": owed})
    return answered


def end_restriction(
    work: Work, restriction_id: UUID, by: Ending, note: str, *, version: int | None = None
) -> Restriction:
    """End it: at the patient's word, or by a notice of the program, which leaves what was there before covered and
    never ends what had to be agreed to (164.522(a)(2)(iii)).
    """
    stored = work.authorised(Action.RESTRICTION_END, _loader(restriction_id, changing=True))
    before = _current(work, stored, version)
    notice = by is Ending.PROGRAM_NOTICE
    transition = lifecycle.after(before.state, Act.END_FOR_LATER if notice else Act.END)
    _check_ending(work, before, by, note)
    ended = replace(before, state=transition.to, ending=f"{by.value}: {note}", version=before.version + 1)
    ended = ended_for_later(ended, work.now) if notice else replace(ended, ended_at=work.now)
    records.replace_restriction(work.db, restrictions.sealed(work, ended), work.entry_id)
    _record(work, ended, transition.action, {"state": ended.state.value, "by": by.value})
    return ended


def read_restriction(work: Work, restriction_id: UUID) -> Restriction:
    """One restriction."""
    stored = work.authorised(Action.RESTRICTION_LIST, _loader(restriction_id))
    read = restrictions.opened(work, stored)
    _record(work, read, Action.RESTRICTION_LIST, {})
    return read


def list_restrictions(work: Work, patient_id: UUID, *, before: UUID | None, at_most: int) -> Page:
    """What a patient asked for, newest first, whatever came of it."""
    work.authorised(Action.RESTRICTION_LIST, _patient_loader(patient_id, changing=False))
    page = records.restrictions_page(work.db, patient_id, before, at_most + 1)
    found = tuple(restrictions.opened(work, stored) for stored in page[:at_most])
    work.record(
        action=Action.RESTRICTION_LIST,
        object_kind="restriction",
        object_id=None,
        patient_id=patient_id,
        detail={"listed": len(found)},
    )
    return Page(found, more=len(page) > at_most)


# -- inside


def _patient_loader(patient_id: UUID, *, changing: bool = True) -> Callable[[Work], Loaded[None] | None]:
    def load(work: Work) -> Loaded[None] | None:
        locked = patient_for_update(work.db, patient_id) if changing else None
        facts = patient_facts(work, patient_id) if locked is None else facts_of(work, locked)
        return None if facts is None else Loaded(None, facts, "restriction", None, patient_id=patient_id)

    return load


def _loader(
    restriction_id: UUID, *, changing: bool = False
) -> Callable[[Work], Loaded[StoredRestriction] | None]:
    """The patient is locked before the restriction, as every decision does: so the two never wait for each other."""

    def load(work: Work) -> Loaded[StoredRestriction] | None:
        stored = records.restriction_by_id(work.db, restriction_id)
        if stored is not None and changing:
            patient_for_update(work.db, stored.patient_id)
            stored = records.restriction_for_update(work.db, restriction_id)
        facts = None if stored is None else patient_facts(work, stored.patient_id)
        if stored is None or facts is None:
            return None
        return Loaded(stored, facts, "restriction", stored.id, patient_id=stored.patient_id)

    return load


def _current(work: Work, stored: StoredRestriction, version: int | None) -> Restriction:
    if version is not None and stored.version != version:
        raise Stale(Code.VERSION_STALE, "Somebody changed this restriction since you read it.")
    return restrictions.opened(work, stored)


def _classed(work: Work, given: NewRestriction) -> NewRestriction:
    """With the legal classes of the purposes stated; a code nobody knows has a class nobody can restrict."""
    purposes = [work.access.purposes.find(code) for code in given.purposes]
    classes = {"" if one is None else one.legal_class.value for one in purposes}
    return replace(given, classes=given.classes | classes)


def _unknown(work: Work, patient_id: UUID, new: NewRestriction) -> list[FieldError]:
    """Items that are not this patient's, and recipients that are not single ones of the register."""
    faults: list[FieldError] = []
    if new.items - settled_ids(work, patient_id, new.items):
        faults.append(FieldError("items", "unknown", "Not all of these are final items of this patient."))
    if new.recipients != "all":
        known = [recipient_facts(work, one) for one in sorted(new.recipients)]
        if any(one is None or one.type is RecipientType.CLASS for one in known):
            faults.append(
                FieldError("recipients", "unknown", "Name single recipients of the register, or say all.")
            )
    return faults


def _plans(work: Work, patient_id: UUID, recipients: Literal["all"] | frozenset[UUID]) -> frozenset[UUID]:
    """The health plans among these recipients: by the register, or for this patient."""
    if recipients == "all":
        return frozenset()
    return frozenset(one for one in sorted(recipients) if _is_plan(work, patient_id, one))


def _is_plan(work: Work, patient_id: UUID, recipient_id: UUID) -> bool:
    registered = recipient_facts(work, recipient_id)
    if registered is not None and RecipientRole.HEALTH_PLAN in registered.roles:
        return True
    related = relationship_kinds(work, patient_id, recipient_id, program_day(work))
    return RelationshipKind.HEALTH_PLAN in related


def _owed(work: Work, restriction: Restriction) -> bool:
    plans = _plans(work, restriction.patient_id, restriction.recipients)
    return must_agree(restriction, bool(plans) and plans == restriction.recipients)


def _check_ending(work: Work, restriction: Restriction, by: Ending, note: str) -> None:
    if by is Ending.PROGRAM_NOTICE and (restriction.owed or _owed(work, restriction)):
        raise Conflict(
            Code.RESTRICTION_MUST_BE_AGREED,
            "The program cannot end a restriction that it had to agree to.",
            citation=ENDING_CITATION,
        )
    if work.caller.kind is CallerKind.PATIENT and by is not Ending.PATIENT_WRITTEN:
        raise _ending_invalid(
            "by", "not_yours", "A patient ends a restriction in writing: this request is it."
        )
    if by is not Ending.PATIENT_WRITTEN and not note.strip():
        raise _ending_invalid("note", "missing", "Write down what was said, when and to whom.")


def _ending_invalid(field: str, code: str, message: str) -> Invalid:
    fault = FieldError(field, code, message, ENDING_CITATION)
    return Invalid(Code.RESTRICTION_INVALID, "This restriction cannot be ended like this.", [fault])


def _record(work: Work, one: Restriction, action: Action, detail: dict[str, str | bool]) -> None:
    work.record(
        action=action,
        object_kind="restriction",
        object_id=one.id,
        object_version=one.version,
        patient_id=one.patient_id,
        detail={**detail, "classes": sorted(one.classes)},
    )
