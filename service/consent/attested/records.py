"""The SQL of what is attested about a consent: signatures and rulings. Each is written once and never changed; what it
says is sealed.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import bindparam, insert, select

from service.consent.model import ConsentRecord, Signature
from service.consent.sealing import (
    Ruled,
    StoredConsent,
    open_ruling,
    open_signature,
    sealed_ruling,
    sealed_signature,
)
from service.ids import new_id
from service.store.rowcodes import coded, verified
from service.store.tables.consent import consent_ruling, consent_signature
from service.work import Work

_SIGN = insert(consent_signature)
_SIGNATURES = (
    select(consent_signature)
    .where(consent_signature.c.consent_id.in_(bindparam("ids", expanding=True)))
    .order_by(consent_signature.c.id)
)
_RULE = insert(consent_ruling)
_RULINGS = (
    select(consent_ruling)
    .where(consent_ruling.c.consent_id.in_(bindparam("ids", expanding=True)))
    .order_by(consent_ruling.c.ruled_at, consent_ruling.c.id)
)


def add_signature(work: Work, record: ConsentRecord, signature: Signature, image: str | None) -> None:
    """One signature with its image (base64), kept as it was made."""
    signature_id = new_id(work.now)
    work.db.execute(
        _SIGN,
        coded(
            work.db,
            consent_signature,
            {
                "id": signature_id,
                "program_id": work.caller.program_id,
                "consent_id": record.consent_id,
                "patient_id": record.patient_id,
                "signed_at": work.now,
                "entry_id": work.entry_id,
                **sealed_signature(work, signature_id, record.patient_id, signature, image),
            },
        ),
    )


def add_ruling(work: Work, record: ConsentRecord, kind: str, reason: str) -> None:
    """One ruling on the consent, kept as it was made."""
    ruling_id = new_id(work.now)
    work.db.execute(
        _RULE,
        coded(
            work.db,
            consent_ruling,
            {
                "id": ruling_id,
                "program_id": work.caller.program_id,
                "consent_id": record.consent_id,
                "patient_id": record.patient_id,
                "kind": kind,
                "particulars": sealed_ruling(work, ruling_id, record, kind, reason),
                "ruled_by": work.caller.account_id,
                "ruled_at": work.now,
                "entry_id": work.entry_id,
            },
        ),
    )


def signatures_of(work: Work, rows: Sequence[StoredConsent]) -> dict[UUID, tuple[Signature, ...]]:
    """Signatures by consent, in the order they were made; raises IntegrityError when one is not what was sealed."""
    if not rows:
        return {}
    found: dict[UUID, tuple[Signature, ...]] = {}
    for row in work.db.execute(_SIGNATURES, {"ids": [one.id for one in rows]}).all():
        verified(work.db, consent_signature, row)
        one = open_signature(work, row.id, row.patient_id, row.signature)
        found[row.consent_id] = (*found.get(row.consent_id, ()), one)
    return found


def rulings_of(work: Work, rows: Sequence[StoredConsent]) -> dict[UUID, tuple[Ruled, ...]]:
    """Rulings by consent, in the order they were made."""
    if not rows:
        return {}
    found: dict[UUID, tuple[Ruled, ...]] = {}
    for row in work.db.execute(_RULINGS, {"ids": [one.id for one in rows]}).all():
        verified(work.db, consent_ruling, row)
        kind = open_ruling(work, row.id, row.consent_id, row.patient_id, row.particulars)
        found[row.consent_id] = (*found.get(row.consent_id, ()), (kind, row.ruled_at))
    return found
