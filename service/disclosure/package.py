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

from service.access.program import Regime
from service.disclosure.notice import Notice

FORMAT: Final = "consentry-package/1"

CONFIDENTIALITY: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
#: Codes HL7 does not have.
LOCAL: Final = "urn:consentry:handling"

#: An instant as RFC 3339 in UTC.
_INSTANT: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class PackagedItem:
    """One released record item, opened."""

    id: UUID
    kind: str
    dated_on: date
    unit: str
    regime: Regime
    labels: tuple[str, ...]
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
    notice: Notice
    explanation: str


@dataclass(frozen=True, slots=True)
class Package:
    """The document and the SHA-256 of its canonical bytes (RFC 8785)."""

    document: Mapping[str, Any]
    sha256: str


def security_labels(regime: Regime, sensitivity: Sequence[str]) -> list[dict[str, str]]:
    """Labels of one item: restricted, its sensitivity, the law it comes under, and the bar on proceedings.

    The bar is local because HL7 has no code for it; it stands on every item, whatever the recipient may do
    otherwise.
    """
    labels = [{"system": CONFIDENTIALITY, "code": "R"}]
    if regime is Regime.PART2:
        labels.append({"system": ACT_CODE, "code": "42CFRPart2"})
    labels.extend({"system": ACT_CODE, "code": code} for code in sorted(sensitivity))
    labels.append({"system": LOCAL, "code": "NO-USE-IN-PROCEEDINGS"})
    return labels


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
        "notice": {"id": envelope.notice.id, "text": envelope.notice.text, "sha256": envelope.notice.sha256},
        "scope_explanation": envelope.explanation,
        "items": [_item(item) for item in items],
    }
    return Package(document, digest(document))


def digest(document: Mapping[str, Any]) -> str:
    """SHA-256, in hexadecimal, of the canonical JSON: the same for everyone who holds the same package."""
    return hashlib.sha256(rfc8785.dumps(dict(document))).hexdigest()


def _item(item: PackagedItem) -> dict[str, Any]:
    return {
        "id": str(item.id),
        "kind": item.kind,
        "dated_on": item.dated_on.isoformat(),
        "unit": item.unit,
        "security_labels": security_labels(item.regime, item.labels),
        "content": item.content,
    }
