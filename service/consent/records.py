"""The only SQL of consents. What a consent says is sealed; kind, state, dates of validity and recipient
ids are clear.

A row's version is part of what its sealed columns are bound to, so every change seals all three anew. Signatures and
rulings are attested beside it, once (`attested`). The recipients a consent names stand in rows of their own from the
moment it is signed, so that a request finds its consents by recipient and locks them there and then.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, exists, insert, or_, select

from service.consent.attested.records import rulings_of, signatures_of
from service.consent.model import ConsentRecord, ConsentState
from service.consent.sealing import (
    OpenedConsent,
    StoredConsent,
    open_consent,
    sealed_columns,
)
from service.people.recipient import RecipientType
from service.people.records import DESTROYED
from service.store.rowcodes import change_row, coded
from service.store.standing import newest_version, stands
from service.store.tables.consent import consent, consent_recipient
from service.store.tables.emergency import review
from service.store.tables.people import patient, recipient
from service.work import Work

_ADD = insert(consent)
#: A consent, and the newest version of it that the trail knows.
_CONSENT = select(consent, newest_version(consent.c.id).label("newest"))
_ONE = _CONSENT.where(consent.c.id == bindparam("id"))
_ONE_SHARED = _ONE.with_for_update(read=True, of=consent)
_ONE_CHANGING = _ONE.with_for_update(of=consent)
_PAGE = (
    _CONSENT.where(
        consent.c.patient_id == bindparam("patient_id"),
        or_(bindparam("before", type_=Uuid()).is_(None), consent.c.id < bindparam("before", type_=Uuid())),
    )
    .order_by(consent.c.id.desc())
    .limit(bindparam("at_most"))
)
#: By recipient, and every consent that names a class: only the relationships say whether the recipient is
#: in it. Ended ones come along, so that a refusal can say "revoked" rather than "none". The rows are
#: locked in the order of ids.
_REACHING = _CONSENT.where(
    consent.c.patient_id == bindparam("patient_id"),
    consent.c.state.not_in((ConsentState.DRAFT.value, ConsentState.ENTERED_IN_ERROR.value)),
    consent.c.id.in_(
        select(consent_recipient.c.consent_id)
        .join(recipient, recipient.c.id == consent_recipient.c.recipient_id)
        .where(
            consent_recipient.c.patient_id == bindparam("patient_id"),
            or_(
                consent_recipient.c.recipient_id == bindparam("recipient_id"),
                consent_recipient.c.recipient_id == bindparam("via", type_=Uuid()),
                recipient.c.kind == RecipientType.CLASS.value,
            ),
        )
    ),
).order_by(consent.c.id)
_REACHING_SHARED = _REACHING.with_for_update(read=True, of=consent)
_NAME_RECIPIENT = insert(consent_recipient)
#: Active consents that may have ended: by date, or by an event of the patient. The terms say which; oldest first.
_ACTIVE = _CONSENT.where(
    consent.c.patient_id == bindparam("patient_id"),
    consent.c.state == ConsentState.ACTIVE.value,
).order_by(consent.c.id)
_ACTIVE_LOCKED = _ACTIVE.with_for_update(of=consent)
_PAST = (
    _CONSENT.where(consent.c.state == ConsentState.ACTIVE.value, consent.c.expires_on < bindparam("today"))
    # of a record that was destroyed nothing is written any more
    .where(~exists().where(patient.c.id == consent.c.patient_id, patient.c.state == DESTROYED))
    .order_by(consent.c.id)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True, of=consent)
)
_INCIDENT = (
    select(review.c.id)
    .where(
        review.c.kind == "integrity",
        review.c.state == "open",
        review.c.subject_id == bindparam("subject_id"),
    )
    .limit(1)
)


class Lock(StrEnum):
    """NONE reads; SHARE keeps the consent as it is until we commit; UPDATE is for who changes it."""

    NONE = "none"
    SHARE = "share"
    UPDATE = "update"


_BY_LOCK = {Lock.NONE: _ONE, Lock.SHARE: _ONE_SHARED, Lock.UPDATE: _ONE_CHANGING}


def find(work: Work, consent_id: UUID, lock: Lock) -> StoredConsent | None:
    row = work.db.execute(_BY_LOCK[lock], {"id": consent_id}).one_or_none()
    return None if row is None else _stored(work, row)


def page(work: Work, patient_id: UUID, *, before: UUID | None, at_most: int) -> Sequence[StoredConsent]:
    """The patient's consents, newest first, from the one before `before`."""
    parameters = {"patient_id": patient_id, "before": before, "at_most": at_most}
    return [_stored(work, row) for row in work.db.execute(_PAGE, parameters).all()]


def reaching(
    work: Work, patient_id: UUID, recipient_id: UUID, lock: Lock, via: UUID | None = None
) -> Sequence[StoredConsent]:
    """Signed consents that name this recipient, the intermediary on the way, or a class; locked until the unit ends
    if `lock` is SHARE.
    """
    statement = _REACHING if lock is Lock.NONE else _REACHING_SHARED
    parameters = {"patient_id": patient_id, "recipient_id": recipient_id, "via": via}
    return [_stored(work, row) for row in work.db.execute(statement, parameters).all()]


def opened(work: Work, stored: Iterable[StoredConsent]) -> list[OpenedConsent]:
    """Open rows with their signatures; raises IntegrityError when one is not what was sealed."""
    rows = list(stored)
    signatures, rulings = signatures_of(work, rows), rulings_of(work, rows)
    return [open_consent(work, row, signatures.get(row.id, ()), rulings.get(row.id, ())) for row in rows]


def add(work: Work, record: ConsentRecord) -> None:
    """A new draft."""
    work.db.execute(
        _ADD,
        coded(
            work.db,
            consent,
            {
                "id": record.consent_id,
                "program_id": work.caller.program_id,
                "patient_id": record.patient_id,
                "kind": record.terms.kind.value,
                "text_version": record.text_version,
                "state": record.state.value,
                "version": record.version,
                "expires_on": _expires_on(record),
                "activated_at": None,
                "ended_at": None,
                "created_at": record.created_at,
                "changed_at": work.now,
                "entry_id": work.entry_id,
                **sealed_columns(work, record, None),
            },
        ),
    )


def change(work: Work, record: ConsentRecord, signed_text: str | None) -> None:
    """The row as `record` has it from now on; `record.version` is the new version, the row is locked."""
    sealed = sealed_columns(work, record, signed_text)
    ended = record.state not in (ConsentState.DRAFT, ConsentState.ACTIVE)
    change_row(
        work.db,
        consent,
        {"id": record.consent_id},
        {
            "state": record.state.value,
            "version": record.version,
            "kind": record.terms.kind.value,
            "text_version": record.text_version,
            "expires_on": _expires_on(record),
            "activated_at": record.active_from,
            "ended_at": work.now if ended else None,
            "terms": sealed["terms"],
            "document": sealed["document"],
            "revocation": sealed["revocation"],
            "changed_at": work.now,
            "entry_id": work.entry_id,
        },
    )


def name_recipients(work: Work, record: ConsentRecord) -> None:
    """The recipients of a consent that has just been signed, so that requests find it."""
    work.db.execute(
        _NAME_RECIPIENT,
        [
            coded(
                work.db,
                consent_recipient,
                {
                    "consent_id": record.consent_id,
                    "recipient_id": recipient_id,
                    "program_id": work.caller.program_id,
                    "patient_id": record.patient_id,
                    "state": "named",
                    "revoked_at": None,
                    "entry_id": work.entry_id,
                },
            )
            for recipient_id in sorted({r.recipient_id for r in record.terms.recipients})
        ],
    )


def revoke_recipients(work: Work, record: ConsentRecord, recipients: Iterable[UUID]) -> None:
    """Mark recipients as revoked where they have a row; a member of a class has none, the record says it."""
    for recipient_id in sorted(recipients):
        change_row(
            work.db,
            consent_recipient,
            {"consent_id": record.consent_id, "recipient_id": recipient_id},
            {"state": "revoked", "revoked_at": work.now, "entry_id": work.entry_id},
        )


def active_of(work: Work, patient_id: UUID, *, lock: bool = True) -> Sequence[StoredConsent]:
    """The patient's active consents, oldest first; locked for change, unless they are only looked at."""
    statement = _ACTIVE_LOCKED if lock else _ACTIVE
    return [_stored(work, row) for row in work.db.execute(statement, {"patient_id": patient_id}).all()]


def past_their_day(work: Work, today: date, at_most: int) -> Sequence[StoredConsent]:
    """Active consents of the program whose last day is over, locked for change; those somebody else holds are left."""
    return [_stored(work, row) for row in work.db.execute(_PAST, {"today": today, "at_most": at_most}).all()]


def incident_open(work: Work, consent_id: UUID) -> bool:
    """Is a review of the integrity of this consent waiting for somebody?"""
    return work.db.execute(_INCIDENT, {"subject_id": consent_id}).first() is not None


def _expires_on(record: ConsentRecord) -> date | None:
    return record.terms.expiry.on if record.terms.expiry else None


def _stored(work: Work, row: Any) -> StoredConsent:
    return StoredConsent(
        id=row.id,
        program_id=row.program_id,
        patient_id=row.patient_id,
        kind=row.kind,
        state=ConsentState(row.state),
        version=row.version,
        expires_on=row.expires_on,
        activated_at=row.activated_at,
        created_at=row.created_at,
        changed_at=row.changed_at,
        terms=row.terms,
        document=row.document,
        revocation=row.revocation,
        as_written=stands(work.db, consent, row, row.newest),
    )
