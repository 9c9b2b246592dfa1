"""An entry of the trail as a reader sees it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """`policies` and `detail` are JSON texts: codes and ids, never patient information. `position` None: not sequenced
    yet, or not asked for.
    """

    id: UUID
    tree: UUID
    occurred_at: datetime
    recorded_at: datetime
    actor_kind: str
    actor_id: UUID | None
    session_id: UUID | None
    action: str
    outcome: str
    purpose: str | None
    object_kind: str | None
    object_id: UUID | None
    object_version: int | None
    patient_id: UUID | None
    consent_id: UUID | None
    recipient_id: UUID | None
    basis: str | None
    policy_set: str
    policies: str
    detail: str
    request_id: str
    position: int | None = None
