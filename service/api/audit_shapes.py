"""What the audit trail looks like over HTTP: entries, explanations, proofs."""

import base64
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from service.custody.operations import ExplainedEntry, ListedEntry
from service.custody.proving import ConsistencyProof, InclusionProof
from service.custody.records import StoredEntry


class ActorModel(BaseModel):
    kind: str
    id: UUID | None
    name: str | None


class EntryModel(BaseModel):
    id: UUID
    tree: UUID
    recorded_at: str
    occurred_at: str
    actor: ActorModel
    session: UUID | None
    action: str
    outcome: str
    purpose: str | None
    object_kind: str | None
    object: UUID | None
    object_version: int | None
    patient: UUID | None
    consent: UUID | None
    recipient: UUID | None
    basis: str | None
    policy_set: str
    request_id: str
    summary: str


class EntriesModel(BaseModel):
    items: list[EntryModel]
    next_cursor: str | None


class AuthorityModel(BaseModel):
    rule: str
    citation: str
    conf: str
    text: str


class HeldModel(BaseModel):
    reason: str
    citation: str
    conf: str
    count: int


class GroundsModel(BaseModel):
    """What a legal decision rested on and looked at, by id."""

    evidence: str | None
    consents_considered: list[str]
    evidence_considered: list[str]


class ExplanationModel(BaseModel):
    """`paragraph`: a legal decision in plain words, as said when it was made."""

    sentences: list[str]
    paragraph: str | None
    grounds: GroundsModel
    rules: list[AuthorityModel]
    withheld: list[HeldModel]
    obligations: list[str]
    reason: str | None
    policy_set_is_current: bool


class ExplainedEntryModel(EntryModel):
    recipient_name: str | None
    policies: list[str]
    detail: dict[str, Any]
    position: int | None
    explanation: ExplanationModel


class InclusionProofModel(BaseModel):
    """Base64 hashes, nearest sibling first. SHA-256(0x00 || leaf) is the leaf hash."""

    entry_id: UUID
    origin: str
    position: int
    size: int
    leaf: str
    leaf_hash: str
    hashes: list[str]
    root: str
    checkpoint: str


class ConsistencyProofModel(BaseModel):
    """Base64 hashes in the order of RFC 6962 section 2.1.2."""

    origin: str
    first: int
    second: int
    first_root: str
    second_root: str
    hashes: list[str]


def _entry(entry: StoredEntry, actor_name: str | None, summary: str) -> dict[str, Any]:
    return {
        "id": entry.id,
        "tree": entry.tree,
        "recorded_at": entry.recorded_at,
        "occurred_at": entry.occurred_at,
        "actor": {"kind": entry.actor_kind, "id": entry.actor_id, "name": actor_name},
        "session": entry.session_id,
        "action": entry.action,
        "outcome": entry.outcome,
        "purpose": entry.purpose,
        "object_kind": entry.object_kind or None,
        "object": entry.object_id,
        "object_version": entry.object_version,
        "patient": entry.patient_id,
        "consent": entry.consent_id,
        "recipient": entry.recipient_id,
        "basis": entry.basis,
        "policy_set": entry.policy_set,
        "request_id": entry.request_id,
        "summary": summary,
    }


def listed(one: ListedEntry) -> dict[str, Any]:
    return _entry(one.entry, one.actor_name, one.summary)


def explained(one: ExplainedEntry) -> dict[str, Any]:
    explanation = one.explanation
    return {
        **_entry(one.entry, one.actor_name, explanation.sentences[0]),
        "recipient_name": one.recipient_name,
        "policies": [authority.rule for authority in explanation.authorities],
        "detail": explanation.detail,
        "position": one.entry.position,
        "explanation": {
            "sentences": explanation.sentences,
            "paragraph": explanation.paragraph,
            "grounds": {
                "evidence": explanation.grounds.evidence,
                "consents_considered": explanation.grounds.consents,
                "evidence_considered": explanation.grounds.papers,
            },
            "rules": [
                {"rule": rule.rule, "citation": rule.cite, "conf": rule.conf, "text": rule.text}
                for rule in explanation.authorities
            ],
            "withheld": [
                {"reason": held.reason, "citation": held.cite, "conf": held.conf, "count": held.count}
                for held in explanation.withheld
            ],
            "obligations": explanation.obligations,
            "reason": explanation.reason,
            "policy_set_is_current": explanation.policy_set_is_current,
        },
    }


def inclusion(proof: InclusionProof) -> dict[str, Any]:
    return {
        "entry_id": proof.entry_id,
        "origin": proof.origin,
        "position": proof.position,
        "size": proof.size,
        "leaf": proof.leaf,
        "leaf_hash": _base64(proof.leaf_hash),
        "hashes": _all_base64(proof.hashes),
        "root": _base64(proof.root),
        "checkpoint": proof.checkpoint,
    }


def consistency(proof: ConsistencyProof) -> dict[str, Any]:
    return {
        "origin": proof.origin,
        "first": proof.first,
        "second": proof.second,
        "first_root": _base64(proof.first_root),
        "second_root": _base64(proof.second_root),
        "hashes": _all_base64(proof.hashes),
    }


def _base64(hashed: bytes) -> str:
    return base64.b64encode(hashed).decode("ascii")


def _all_base64(hashes: Sequence[bytes]) -> list[str]:
    return [_base64(hashed) for hashed in hashes]
