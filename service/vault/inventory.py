"""What keys there are: counts and ages, by purpose and state. Ids, never a key."""

from dataclasses import dataclass
from datetime import datetime

from service.vault.kms import Kms
from service.vault.rotating.counts import records
from service.vault.rotating.counts.records import KeyCount
from service.vault.rotation import Ground


@dataclass(frozen=True, slots=True)
class EpochLine:
    """One key-encryption key: how many keys are wrapped under it."""

    id: bytes
    created: datetime | None
    active: bool
    keys: int


@dataclass(frozen=True, slots=True)
class Inventory:
    """All keys of a deployment. `lost`: epochs that keys are wrapped under and the key store does not have."""

    epochs: tuple[EpochLine, ...]
    lost: tuple[EpochLine, ...]
    keys: tuple[KeyCount, ...]


def take(kms: Kms, ground: Ground) -> Inventory:
    """Read from every program what is there."""
    wrapped: dict[bytes, int] = {}
    keys: list[KeyCount] = []
    for program_id in ground.programs():
        for kek_id, many in ground.look(program_id, lambda db, one=program_id: records.by_epoch(db, one)):
            wrapped[kek_id] = wrapped.get(kek_id, 0) + many
        keys += ground.look(program_id, lambda db, one=program_id: records.by_state(db, one))
    epochs = tuple(EpochLine(one.id, one.created, one.active, wrapped.pop(one.id, 0)) for one in kms.epochs())
    lost = tuple(EpochLine(kek_id, None, False, many) for kek_id, many in sorted(wrapped.items()))
    return Inventory(epochs, lost, tuple(keys))
