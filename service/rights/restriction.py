"""A restriction on uses and disclosures for treatment, payment or operations (42 CFR 2.26; 45 CFR 164.522(a)).

The patient may always ask. The program need not agree, except for a disclosure to a health plan for payment or
operations, not otherwise required by law, about an item or service paid in full by somebody else (2.26(a)(6)).
Once agreed it binds, but for emergency treatment, and the recipient is then asked not to use it further.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID


class RestrictionState(StrEnum):
    REQUESTED = "requested"
    AGREED = "agreed"
    DECLINED = "declined"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, repr=False)
class Restriction:
    """One restriction, opened. `kinds`, `items`, `recipients`: "all" or the ones meant; an item is meant when its id
    or kind is. `classes`: legal classes of purpose it is about (treatment, payment, operations).
    """

    id: UUID
    patient_id: UUID
    state: RestrictionState
    kinds: Literal["all"] | frozenset[str]
    items: frozenset[UUID]
    recipients: Literal["all"] | frozenset[UUID]
    classes: frozenset[str]
    #: Paid in full by the patient, or by somebody other than the plan, out of pocket.
    paid_in_full: bool = False
    #: The disclosure is required by other law: then it need not be agreed to.
    required_by_law: bool = False
    reason: str = ""
    #: The program had no choice when it agreed (2.26(a)(6)): then no notice of its own ends it.
    owed: bool = False
    #: What the program said when it agreed or declined, and how it ended.
    answer: str = ""
    ending: str = ""
    requested_at: datetime | None = None
    agreed_at: datetime | None = None
    ended_at: datetime | None = None
    #: Records created or received after this instant are no longer covered (ended by the program, 164.522(a)(2)(iii)).
    only_until: datetime | None = None
    #: False when the stored terms did not open or are not this row's: then it counts as agreed, about everything.
    readable: bool = True
    version: int = 1
