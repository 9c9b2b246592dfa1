"""What the medical intake says about placement: one reading per fact, with where it comes from.

A fact that is not in the mapping is unknown. Unknown, declined and not asked never read as no.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True, repr=False)
class FactReading:
    """A fact with its source item, its time, its author and the question it was read from.

    `item_id`, `recorded_at` and `author_id` are None for what comes from the patient's own entry (the birth date).
    """

    value: bool | int | str
    item_id: UUID | None
    recorded_at: datetime | None
    author_id: UUID | None
    field: str
