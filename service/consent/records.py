"""The only SQL of consents. What a consent says is sealed; kind, state, dates of validity and recipient
ids are clear.

A row's version is part of what its sealed columns are bound to, so every change seals all three anew. A
signature is written once and never changed. The recipients a consent names stand in rows of their own
from the moment it is signed, so that a request finds its consents by recipient and locks them there and
then.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Uuid, bindparam, insert, or_, select, update

from service.consent.document import text_hash
from service.consent.model import ConsentRecord, ConsentState, ConsentTerms, Revocation, Signature
from service.ids import new_id
from service.people.recipient import RecipientType
from service.store.tables.consent import consent, consent_recipient, consent_signature
from service.store.tables.people import recipient
from service.store.types import Sealed
from service.vault.envelope import RowKey, SealedTable
from service.work import Json, Work

CONSENT = SealedTable("consent", ("terms", "document", "revocation"))
SIGNATURE = SealedTable("consent_signature", ("signature",))

_TERMS = TypeAdapter(ConsentTerms)
_SIGNATURE = TypeAdapter(Signature)
_REVOCATIONS = TypeAdapter(tuple[Revocation, ...])

_ADD = insert(consent)
_CHANGE = (
    update(consent)
    .where(consent.c.id == bindparam("the_id"))
    .values(
        state=bindparam("new_state"),
        version=bindparam("new_version"),
        kind=bindparam("new_kind"),
        expires_on=bindparam("new_expires_on"),
        activated_at=bindparam("new_activated_at"),
        ended_at=bindparam("new_ended_at"),
        terms=bindparam("new_terms"),
        document=bindparam("new_document"),
        revocation=bindparam("new_revocation"),
        changed_at=bindparam("new_changed_at"),
        entry_id=bindparam("new_entry"),
    )
)
_ONE = select(consent).where(consent.c.id == bindparam("id"))
_ONE_SHARED = _ONE.with_for_update(read=True)
_ONE_CHANGING = _ONE.with_for_update()
_PAGE = (
    select(consent)
    .where(
        consent.c.patient_id == bindparam("patient_id"),
        or_(bindparam("before", type_=Uuid()).is_(None), consent.c.id < bindparam("before", type_=Uuid())),
    )
    .order_by(consent.c.id.desc())
    .limit(bindparam("at_most"))
)
_ACTIVE_CHANGING = (
    select(consent)
    .where(consent.c.patient_id == bindparam("patient_id"), consent.c.state == ConsentState.ACTIVE.value)
    .order_by(consent.c.id)
    .with_for_update()
)
#: By recipient, and every consent that names a class: only the relationships say whether the recipient is
#: in it. Ended ones come along, so that a refusal can say "revoked" rather than "none". The rows are
#: locked in the order of ids.
_REACHING = (
    select(consent)
    .where(
        consent.c.patient_id == bindparam("patient_id"),
        consent.c.state.not_in((ConsentState.DRAFT.value, ConsentState.ENTERED_IN_ERROR.value)),
        consent.c.id.in_(
            select(consent_recipient.c.consent_id)
            .join(recipient, recipient.c.id == consent_recipient.c.recipient_id)
            .where(
                consent_recipient.c.patient_id == bindparam("patient_id"),
                or_(
                    consent_recipient.c.recipient_id == bindparam("recipient_id"),
                    recipient.c.kind == RecipientType.CLASS.value,
                ),
            )
        ),
    )
    .order_by(consent.c.id)
)
_REACHING_SHARED = _REACHING.with_for_update(read=True, of=consent)
_NAME_RECIPIENT = insert(consent_recipient)
_REVOKE_RECIPIENT = (
    update(consent_recipient)
    .where(
        consent_recipient.c.consent_id == bindparam("the_consent"),
        consent_recipient.c.recipient_id == bindparam("the_recipient"),
    )
    .values(state="revoked", revoked_at=bindparam("now"), entry_id=bindparam("entry"))
)
_SIGN = insert(consent_signature)
_SIGNATURES = (
    select(consent_signature)
    .where(consent_signature.c.consent_id.in_(bindparam("ids", expanding=True)))
    .order_by(consent_signature.c.id)
)


class Lock(StrEnum):
    """NONE reads; SHARE keeps the consent as it is until we commit; UPDATE is for who changes it."""

    NONE = "none"
    SHARE = "share"
    UPDATE = "update"


@dataclass(frozen=True, slots=True, repr=False)
class StoredConsent:
    """A consent row, sealed."""

    id: UUID
    program_id: UUID
    patient_id: UUID
    kind: str
    state: ConsentState
    version: int
    expires_on: date | None
    activated_at: datetime | None
    created_at: datetime
    changed_at: datetime
    terms: Sealed
    document: Sealed
    revocation: Sealed | None


@dataclass(frozen=True, slots=True, repr=False)
class OpenedConsent:
    """A consent as opened: the record the rules judge, and the exact text that was signed (None for a
    draft).
    """

    record: ConsentRecord
    signed_text: str | None
    changed_at: datetime


_BY_LOCK = {Lock.NONE: _ONE, Lock.SHARE: _ONE_SHARED, Lock.UPDATE: _ONE_CHANGING}


def find(work: Work, consent_id: UUID, lock: Lock) -> StoredConsent | None:
    row = work.db.execute(_BY_LOCK[lock], {"id": consent_id}).one_or_none()
    return None if row is None else _stored(row)


def page(work: Work, patient_id: UUID, *, before: UUID | None, at_most: int) -> Sequence[StoredConsent]:
    """The patient's consents, newest first, from the one before `before`."""
    parameters = {"patient_id": patient_id, "before": before, "at_most": at_most}
    return [_stored(row) for row in work.db.execute(_PAGE, parameters).all()]


def active_for_update(work: Work, patient_id: UUID) -> Sequence[StoredConsent]:
    return [_stored(row) for row in work.db.execute(_ACTIVE_CHANGING, {"patient_id": patient_id}).all()]


def reaching(work: Work, patient_id: UUID, recipient_id: UUID, lock: Lock) -> Sequence[StoredConsent]:
    """Signed consents that name this recipient, or a class; locked until the unit ends if `lock` is SHARE."""
    statement = _REACHING if lock is Lock.NONE else _REACHING_SHARED
    parameters = {"patient_id": patient_id, "recipient_id": recipient_id}
    return [_stored(row) for row in work.db.execute(statement, parameters).all()]


def opened(work: Work, stored: Iterable[StoredConsent]) -> list[OpenedConsent]:
    """Open rows with their signatures; raises IntegrityError when one is not what was sealed."""
    rows = list(stored)
    signatures = _signatures(work, rows)
    return [_opened(work, row, signatures.get(row.id, ())) for row in rows]


def add(work: Work, record: ConsentRecord) -> None:
    """A new draft."""
    work.db.execute(
        _ADD,
        {
            "id": record.consent_id,
            "program_id": work.caller.program_id,
            "patient_id": record.patient_id,
            "kind": record.terms.kind.value,
            "state": record.state.value,
            "version": record.version,
            "expires_on": _expires_on(record),
            "activated_at": None,
            "ended_at": None,
            "created_at": record.created_at,
            "changed_at": work.now,
            "entry_id": work.entry_id,
            **_sealed(work, record, None),
        },
    )


def change(work: Work, record: ConsentRecord, signed_text: str | None) -> None:
    """The row as `record` has it from now on; `record.version` is the new version, the row is locked."""
    sealed = _sealed(work, record, signed_text)
    ended = record.state not in (ConsentState.DRAFT, ConsentState.ACTIVE)
    work.db.execute(
        _CHANGE,
        {
            "the_id": record.consent_id,
            "new_state": record.state.value,
            "new_version": record.version,
            "new_kind": record.terms.kind.value,
            "new_expires_on": _expires_on(record),
            "new_activated_at": record.active_from,
            "new_ended_at": work.now if ended else None,
            "new_terms": sealed["terms"],
            "new_document": sealed["document"],
            "new_revocation": sealed["revocation"],
            "new_changed_at": work.now,
            "new_entry": work.entry_id,
        },
    )


def add_signature(work: Work, record: ConsentRecord, signature: Signature, image: str | None) -> None:
    """One signature with its image (base64), kept as it was made."""
    signature_id = new_id(work.now)
    value = {"signature": _SIGNATURE.dump_python(signature, mode="json"), "image": image}
    key = RowKey(work.caller.program_id, signature_id, 1, record.patient_id)
    work.db.execute(
        _SIGN,
        {
            "id": signature_id,
            "program_id": work.caller.program_id,
            "consent_id": record.consent_id,
            "patient_id": record.patient_id,
            "signed_at": work.now,
            "entry_id": work.entry_id,
            **work.seal(SIGNATURE, key, {"signature": value}),
        },
    )


def name_recipients(work: Work, record: ConsentRecord) -> None:
    """The recipients of a consent that has just been signed, so that requests find it."""
    work.db.execute(
        _NAME_RECIPIENT,
        [
            {
                "consent_id": record.consent_id,
                "recipient_id": recipient_id,
                "program_id": work.caller.program_id,
                "patient_id": record.patient_id,
                "state": "named",
                "revoked_at": None,
                "entry_id": work.entry_id,
            }
            for recipient_id in sorted({r.recipient_id for r in record.terms.recipients})
        ],
    )


def revoke_recipients(work: Work, record: ConsentRecord, recipients: Iterable[UUID]) -> None:
    """Mark recipients as revoked where they have a row; a member of a class has none, the record says it."""
    for recipient_id in sorted(recipients):
        work.db.execute(
            _REVOKE_RECIPIENT,
            {
                "the_consent": record.consent_id,
                "the_recipient": recipient_id,
                "now": work.now,
                "entry": work.entry_id,
            },
        )


# -- sealed values -----------------------------------------------------------------------------------


def _sealed(work: Work, record: ConsentRecord, signed_text: str | None) -> Mapping[str, Sealed | None]:
    key = RowKey(work.caller.program_id, record.consent_id, record.version, record.patient_id)
    values: dict[str, Json] = {
        "terms": _TERMS.dump_python(record.terms, mode="json"),
        "document": {"version": record.text_version, "text": signed_text},
    }
    ending: dict[str, Json] = {}
    if record.revocations:
        ending["revocations"] = _REVOCATIONS.dump_python(record.revocations, mode="json")
    if record.superseded_by is not None:
        ending["superseded_by"] = str(record.superseded_by)
    if record.error_reason is not None:
        ending["error_reason"] = record.error_reason
    if ending:
        values["revocation"] = ending
    return {"revocation": None, **work.seal(CONSENT, key, values)}


def _opened(work: Work, stored: StoredConsent, signatures: tuple[Signature, ...]) -> OpenedConsent:
    key = RowKey(stored.program_id, stored.id, stored.version, stored.patient_id)
    values: dict[str, Any] = dict(
        work.open(
            CONSENT,
            key,
            {"terms": stored.terms, "document": stored.document, "revocation": stored.revocation},
        )
    )
    document: dict[str, Any] = values["document"]
    ending: dict[str, Any] = values["revocation"] or {}
    superseded_by: str | None = ending.get("superseded_by")
    record = ConsentRecord(
        consent_id=stored.id,
        patient_id=stored.patient_id,
        terms=_TERMS.validate_python(values["terms"]),
        state=stored.state,
        version=stored.version,
        text_version=document["version"],
        created_at=stored.created_at,
        text_sha256=None if document["text"] is None else text_hash(document["text"]),
        signatures=signatures,
        active_from=stored.activated_at,
        revocations=_REVOCATIONS.validate_python(ending.get("revocations", ())),
        superseded_by=UUID(superseded_by) if superseded_by else None,
        error_reason=ending.get("error_reason"),
    )
    return OpenedConsent(record, document["text"], stored.changed_at)


def _signatures(work: Work, rows: Sequence[StoredConsent]) -> dict[UUID, tuple[Signature, ...]]:
    signed = [row.id for row in rows if row.state is not ConsentState.DRAFT]
    if not signed:
        return {}
    found: dict[UUID, tuple[Signature, ...]] = {}
    for row in work.db.execute(_SIGNATURES, {"ids": signed}).all():
        key = RowKey(row.program_id, row.id, 1, row.patient_id)
        value: Any = work.open(SIGNATURE, key, {"signature": row.signature})["signature"]
        one = _SIGNATURE.validate_python(value["signature"])
        found[row.consent_id] = (*found.get(row.consent_id, ()), one)
    return found


def _expires_on(record: ConsentRecord) -> date | None:
    return record.terms.expiry.on if record.terms.expiry else None


def _stored(row: Any) -> StoredConsent:
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
    )
