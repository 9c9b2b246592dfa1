"""Break-glass: a clinician may read the record of a patient not theirs, for an hour, when an emergency cannot wait.

45 CFR 164.312(a)(2)(ii) asks for a way in during an emergency. It is a way to *read*: what leaves the program to outside
medical personnel is a disclosure of its own with its own papers (42 CFR 2.51). Nothing is asked of anybody first; the
price is that both texts are kept, every read names the grant, and a compliance officer looks at each one afterwards.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from service.access.actions import Action
from service.access.facts import Facts
from service.errors import Code, Conflict, FieldError, IntegrityError, Invalid, Refused
from service.ids import new_id
from service.people.emergency import records
from service.people.emergency.grants import Grant, opened, sealed
from service.people.emergency.records import LONGEST, StoredGrant
from service.people.facts import patient_facts
from service.people.reviews import ReviewKind, open_review
from service.work import Denial, Json, Loaded, Work

_CITATION: Final = "45 CFR 164.312(a)(2)(ii)"


def open_emergency(work: Work, patient_id: UUID, nature: str, why_no_consent: str) -> Grant:
    """An hour of reading for this caller and this patient. Invalid `emergency_invalid` without both texts."""
    work.authorised(Action.EMERGENCY_OPEN, lambda work: _load_patient(work, patient_id))
    texts = {"nature": nature.strip(), "why_no_consent": why_no_consent.strip()}
    if faults := [
        FieldError(name, "missing", "This is what the review will look at.", _CITATION)
        for name, text in texts.items()
        if not text
    ]:
        raise Invalid(Code.EMERGENCY_INVALID, "Say what the emergency is and why it cannot wait.", faults)
    grant = Grant(
        id=new_id(work.now),
        patient_id=patient_id,
        account_id=work.caller.account_id,
        starts_at=work.now,
        ends_at=work.now + LONGEST,
        **texts,
    )
    records.insert_grant(work.db, sealed(work, grant), work.entry_id)
    work.record(
        action=Action.EMERGENCY_OPEN,
        object_kind="emergency_grant",
        object_id=grant.id,
        patient_id=patient_id,
        detail={"minutes": int(LONGEST.total_seconds() // 60)},
        payload=texts,
    )
    open_review(
        work,
        kind=ReviewKind.EMERGENCY_ACCESS,
        patient_id=patient_id,
        subject_id=grant.id,
        account_id=grant.account_id,
    )
    return grant


def read_emergency(work: Work, grant_id: UUID) -> Grant:
    """A grant, for the one who holds it."""
    stored = work.authorised(Action.EMERGENCY_OPEN, lambda work: _load(work, grant_id))
    _must_be_own(work, stored, Action.EMERGENCY_OPEN)
    work.record(
        action=Action.EMERGENCY_OPEN,
        object_kind="emergency_grant",
        object_id=grant_id,
        patient_id=stored.patient_id,
        detail={"read": True},
    )
    return opened(work, stored)


def end_emergency(work: Work, grant_id: UUID) -> Grant:
    """End a grant before its hour is over, by the one who holds it. The review stays open."""
    stored = work.authorised(Action.EMERGENCY_END, lambda work: _load(work, grant_id, ending=True))
    _must_be_own(work, stored, Action.EMERGENCY_END)
    if stored.ends_at <= work.now:
        raise Conflict(Code.EMERGENCY_ENDED, "This access has ended already.")
    records.end_grant(work.db, grant_id, work.now, work.entry_id)
    work.record(
        action=Action.EMERGENCY_END,
        object_kind="emergency_grant",
        object_id=grant_id,
        patient_id=stored.patient_id,
    )
    return opened(work, records.grant_by_id(work.db, grant_id) or stored)


# -- for operations above --------------------------------------------------------------------------


def under_grant(work: Work, patient_id: UUID, about: Facts) -> Mapping[str, Json]:
    """What the entry of a read says when the read rests on a grant: which one. Inside an act that is allowed already.

    The grant is opened here: IntegrityError when somebody gave it to another account or made it longer.
    """
    if not about.emergency_grant:
        return {}
    stored = records.grant_in_force(work.db, patient_id, work.caller.account_id, work.now)
    if stored is None:
        raise IntegrityError
    return {"emergency_grant": str(opened(work, stored).id)}


# -- inside ----------------------------------------------------------------------------------------


def _load_patient(work: Work, patient_id: UUID) -> Loaded[None] | None:
    facts = patient_facts(work, patient_id)
    return None if facts is None else Loaded(None, facts, "patient", patient_id, patient_id=patient_id)


def _load(work: Work, grant_id: UUID, *, ending: bool = False) -> Loaded[StoredGrant] | None:
    find = records.grant_for_update if ending else records.grant_by_id
    stored = find(work.db, grant_id)
    facts = None if stored is None else patient_facts(work, stored.patient_id)
    if stored is None or facts is None:
        return None
    return Loaded(stored, facts, "emergency_grant", stored.id, patient_id=stored.patient_id)


def _must_be_own(work: Work, stored: StoredGrant, action: Action) -> None:
    if stored.account_id != work.caller.account_id:
        work.refuse(
            Refused(Code.NOT_PERMITTED, "This access is somebody else's."),
            Denial(
                action=action,
                object_kind="emergency_grant",
                object_id=stored.id,
                patient_id=stored.patient_id,
                detail={"reason": "not_permitted"},
            ),
        )
