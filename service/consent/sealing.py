"""The sealed half of a consent's rows: what is put into the envelopes, and how it comes out of them.

All sealed columns of a consent row are bound to its version, so a change seals them all. A signature row has one
version for ever.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from service.consent.document import text_hash
from service.consent.model import ConsentRecord, ConsentState, ConsentTerms, Revocation, Signature
from service.errors import IntegrityError
from service.store.types import Sealed
from service.vault.envelope import RowKey, SealedTable
from service.work import Json, Work

CONSENT = SealedTable("consent", ("terms", "document", "revocation"))
SIGNATURE = SealedTable("consent_signature", ("signature",))
RULING = SealedTable("consent_ruling", ("particulars",))

#: A ruling as the rules see it: kind and instant.
Ruled = tuple[str, datetime]

_TERMS = TypeAdapter(ConsentTerms)
_SIGNATURE = TypeAdapter(Signature)
_REVOCATIONS = TypeAdapter(tuple[Revocation, ...])


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
    #: The clear columns carry their code, and the trail knows of no later version.
    as_written: bool


@dataclass(frozen=True, slots=True, repr=False)
class OpenedConsent:
    """A consent as opened: the record the rules judge, and the exact text that was signed (None for a
    draft).
    """

    record: ConsentRecord
    signed_text: str | None
    changed_at: datetime


def sealed_columns(work: Work, record: ConsentRecord, signed_text: str | None) -> Mapping[str, Sealed | None]:
    """The three sealed columns of the row at `record.version`; `signed_text` None for a draft."""
    key = RowKey(work.caller.program_id, record.consent_id, record.version, record.patient_id)
    values: dict[str, Json] = {
        "terms": _TERMS.dump_python(record.terms, mode="json"),
    }
    ending: dict[str, Json] = {}
    if record.revocations:
        ending["revocations"] = _REVOCATIONS.dump_python(record.revocations, mode="json")
    if record.superseded_by is not None:
        ending["superseded_by"] = str(record.superseded_by)
    if record.error_reason is not None:
        ending["error_reason"] = record.error_reason
    # What there is elsewhere stands in a column that is never empty: emptying the column of endings, or taking away
    # the row of a signature or a ruling, does not undo them.
    values["document"] = {
        "version": record.text_version,
        "text": signed_text,
        "endings": sorted(ending),
        "signatures": len(record.signatures),
        "rulings": [kind for kind, _ in record.rulings],
        "expired": record.state is ConsentState.EXPIRED,
        "active_from": _instant(record.active_from),
    }
    if ending:
        values["revocation"] = ending
    return {"revocation": None, **work.seal(CONSENT, key, values)}


def open_consent(
    work: Work,
    stored: StoredConsent,
    signatures: tuple[Signature, ...],
    rulings: tuple[Ruled, ...] = (),
) -> OpenedConsent:
    """Raises IntegrityError when a column is not what was sealed for this row and version.

    A row that was changed beside its sealed columns, or put back as it once was, opens, but its text counts as changed:
    void for every decision, and an incident (incidents.py).
    """
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
    if sorted(ending) != document["endings"]:
        raise IntegrityError
    # rows older than the keys after "endings" are held to what they have
    if document.get("signatures", len(signatures)) != len(signatures):
        raise IntegrityError
    if document.get("active_from", _instant(stored.activated_at)) != _instant(stored.activated_at):
        raise IntegrityError
    ruled = _in_order(document.get("rulings", ()), rulings)
    superseded_by: str | None = ending.get("superseded_by")
    record = ConsentRecord(
        consent_id=stored.id,
        patient_id=stored.patient_id,
        terms=_TERMS.validate_python(values["terms"]),
        # what has ended with an event stays ended, whatever becomes of the rows of the state and the event
        state=ConsentState.EXPIRED if document.get("expired") else stored.state,
        version=stored.version,
        text_version=document["version"],
        created_at=stored.created_at,
        text_sha256=None if document["text"] is None else _hash(document["text"], stored.as_written),
        signatures=signatures,
        active_from=stored.activated_at,
        revocations=_REVOCATIONS.validate_python(ending.get("revocations", ())),
        superseded_by=UUID(superseded_by) if superseded_by else None,
        error_reason=ending.get("error_reason"),
        rulings=ruled,
    )
    return OpenedConsent(record, document["text"], stored.changed_at)


def _hash(text: str, as_written: bool) -> str:
    return text_hash(text) if as_written else "not as it was written"


def _instant(at: datetime | None) -> str | None:
    """Whatever the zone the database session speaks in."""
    return None if at is None else str(at.timestamp())


def _in_order(kinds: Sequence[str], rows: tuple[Ruled, ...]) -> tuple[Ruled, ...]:
    """The rulings in the order in which they were made; IntegrityError when a row is missing or one too many."""
    if sorted(kinds) != sorted(kind for kind, _ in rows):
        raise IntegrityError
    left = list(rows)
    return tuple(left.pop(next(n for n, row in enumerate(left) if row[0] == kind)) for kind in kinds)


def sealed_signature(
    work: Work, signature_id: UUID, patient_id: UUID, signature: Signature, image: str | None
) -> Mapping[str, Sealed]:
    """`image`: the drawing or scan as it came, base64."""
    key = RowKey(work.caller.program_id, signature_id, 1, patient_id)
    value = {"signature": _SIGNATURE.dump_python(signature, mode="json"), "image": image}
    return work.seal(SIGNATURE, key, {"signature": value})


def open_signature(work: Work, signature_id: UUID, patient_id: UUID, sealed: Sealed) -> Signature:
    key = RowKey(work.caller.program_id, signature_id, 1, patient_id)
    value: Any = work.open(SIGNATURE, key, {"signature": sealed})["signature"]
    return _SIGNATURE.validate_python(value["signature"])


def sealed_ruling(work: Work, ruling_id: UUID, record: ConsentRecord, kind: str, reason: str) -> Sealed:
    """Kind and consent stand inside as well: the clear columns of the row are not trusted alone."""
    key = RowKey(work.caller.program_id, ruling_id, 1, record.patient_id)
    value: Json = {"kind": kind, "consent_id": str(record.consent_id), "reason": reason}
    return work.seal(RULING, key, {"particulars": value})["particulars"]


def open_ruling(work: Work, ruling_id: UUID, consent_id: UUID, patient_id: UUID, sealed: Sealed) -> str:
    """The kind of the ruling; IntegrityError when it was made about another consent."""
    key = RowKey(work.caller.program_id, ruling_id, 1, patient_id)
    value: Any = work.open(RULING, key, {"particulars": sealed})["particulars"]
    if value["consent_id"] != str(consent_id):
        raise IntegrityError
    return str(value["kind"])
