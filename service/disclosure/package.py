"""What leaves: the released items with their labels, the notice, the explanation, and a hash over all of it.

Every item says which law governs it (from its provenance), how sensitive it is, and that it must not be
used in proceedings against the patient. A package never says what was withheld, nor that anything was
(2.13(c)): "content removed" tells a stranger that there was content.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import rfc8785

from service.disclosure.notice import Notice
from service.disclosure.redisclosure import MayRedisclose, SecurityLabel

FORMAT: Final = "consentry-package/1"

#: An instant as RFC 3339 in UTC.
_INSTANT: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class PackagedItem:
    """One released record item, opened."""

    id: UUID
    kind: str
    dated_on: date
    unit: str
    labels: tuple[SecurityLabel, ...]
    content: Any


@dataclass(frozen=True, slots=True)
class Envelope:
    """Everything in a package besides its items."""

    disclosure_id: UUID
    disclosed_at: datetime
    program: str
    recipient_id: UUID
    recipient: str
    patient: Mapping[str, str]
    purpose: str
    channel: str
    basis: str
    citation: str
    #: Only with a consent (2.32).
    notice: Notice | None
    explanation: str | None
    #: What the recipient is asked about restricted records (2.26(a)(4)).
    asked: str | None
    may_redisclose: MayRedisclose


@dataclass(frozen=True, slots=True)
class Package:
    """The document and the SHA-256 of its canonical bytes (RFC 8785)."""

    document: Mapping[str, Any]
    sha256: str


def build(envelope: Envelope, items: Sequence[PackagedItem]) -> Package:
    """The package of one disclosure. A disclosure of nothing has no package."""
    if not items:
        raise ValueError("a package holds at least one item")
    document: dict[str, Any] = {
        "format": FORMAT,
        "disclosure_id": str(envelope.disclosure_id),
        "disclosed_at": envelope.disclosed_at.strftime(_INSTANT),
        "program": envelope.program,
        "recipient": {"id": str(envelope.recipient_id), "name": envelope.recipient},
        "patient": dict(envelope.patient),
        "purpose": envelope.purpose,
        "channel": envelope.channel,
        "basis": {"id": envelope.basis, "citation": envelope.citation},
        "notice": _notice(envelope.notice),
        "scope_explanation": envelope.explanation,
        "restriction_request": envelope.asked,
        "redisclosure": {
            "id": envelope.may_redisclose.id,
            "text": envelope.may_redisclose.text,
            "citation": envelope.may_redisclose.citation,
        },
        "items": [_item(item) for item in items],
    }
    return Package(document, digest(document))


def digest(document: Mapping[str, Any]) -> str:
    """SHA-256, in hexadecimal, of the canonical JSON: the same for everyone who holds the same package."""
    return hashlib.sha256(rfc8785.dumps(dict(document))).hexdigest()


def _notice(notice: Notice | None) -> dict[str, str] | None:
    return None if notice is None else {"id": notice.id, "text": notice.text, "sha256": notice.sha256}


def _item(item: PackagedItem) -> dict[str, Any]:
    return {
        "id": str(item.id),
        "kind": item.kind,
        "dated_on": item.dated_on.isoformat(),
        "unit": item.unit,
        "security_labels": [{"system": one.system, "code": one.code} for one in item.labels],
        "content": item.content,
    }
