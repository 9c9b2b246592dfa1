"""Bodies and answers of keys, destructions and legal holds."""

from typing import Literal

from pydantic import BaseModel, Field

from service.edge.models import Instant, LongText, ShortText, StrictModel, Uuid


class EpochModel(BaseModel):
    """One key-encryption key: an id and what is wrapped under it, never the key."""

    id: str
    active: bool
    created_at: Instant | None = Field(
        description="Null: keys are wrapped under it and the key store does not have it."
    )


class KeyCountModel(BaseModel):
    """Keys of this program, by purpose and state."""

    purpose: str
    state: Literal["active", "retired", "shredded"]
    keys: int
    uses: int = Field(description="The most values that one of them has sealed.")
    oldest_at: Instant


class NewRotationBody(StrictModel):
    kind: Literal["kek", "data"] = Field(
        description="kek: what wraps every key of the deployment. data: the keys of every patient and program."
    )


class RotationModel(BaseModel):
    """A rotation of keys of the deployment; `ended_at` null: asked for, or under way."""

    id: Uuid
    kind: str
    began_at: Instant
    ended_at: Instant | None
    done: int = Field(description="Keys wrapped again or values sealed again, as its end counted them.")


class UnfinishedModel(BaseModel):
    """Destructions of records in this program that older copies of the database could still undo."""

    destructions: int
    since: Instant | None = Field(description="When the oldest of them was decided.")


class InventoryModel(BaseModel):
    epochs: list[EpochModel]
    keys: list[KeyCountModel]
    rotations: list[RotationModel] = Field(description="The newest of each kind.")
    unfinished: UnfinishedModel


class NewShreddingBody(StrictModel):
    patient_id: Uuid
    basis: ShortText = Field(
        description="A ground of the retention policy: retention_over, program_closed, ..."
    )
    reason: LongText


class DecisionBody(StrictModel):
    decision: Literal["approved", "declined"]


class ShreddingModel(BaseModel):
    id: Uuid
    patient_id: Uuid
    state: Literal["asked", "declined", "destroyed", "finished"] = Field(
        description="Destroyed: unreadable here. Finished: in every older copy of the database as well."
    )
    basis: str
    reason: str
    asked_by: Uuid
    asked_at: Instant
    decided_by: Uuid | None
    decided_at: Instant | None
    finished_at: Instant | None
    receipt: str | None = Field(description="Canonical JSON (RFC 8785): ids, times and hashes.")
    receipt_note: str | None = Field(
        description="A C2SP signed note over the receipt's SHA-256, by the ledger's key."
    )
    version: int


class NewHoldBody(StrictModel):
    patient_id: Uuid | None = Field(default=None, description="Left out: everything of the program is held.")
    owner_id: Uuid = Field(description="The member of staff who answers for the hold.")
    reason: LongText


class LiftingBody(StrictModel):
    reason: LongText


class HoldModel(BaseModel):
    id: Uuid
    patient_id: Uuid | None
    state: Literal["placed", "lifted"]
    owner_id: Uuid
    reason: str | None = Field(description="Null once the record it was about has been destroyed.")
    placed_by: Uuid
    placed_at: Instant
    lifted_by: Uuid | None
    lifted_at: Instant | None
    lifting: str | None
    version: int


class HoldsModel(BaseModel):
    items: list[HoldModel]
    next_cursor: str | None
