"""Everything a disclosure decision rests on, loaded and locked: facts in, nothing decided.

`judging.judge(situation, ...)` turns it into a decision without database, clock or settings; the operations build it,
the oracle of the tests and the benchmark build it by hand.
"""

from dataclasses import dataclass
from uuid import UUID

from service.access.program import Program
from service.access.purposes import Purpose
from service.consent.model import ConsentRecord, Today
from service.disclosure.accounting import Channel
from service.evidence.model import Evidence
from service.people.at_law import PatientAtLaw
from service.record.item import ItemForDecision
from service.rights.restriction import Restriction


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who would receive. `relationships` are the kinds recorded with this patient, in force today."""

    id: UUID
    name: str
    covered_entity: bool
    business_associate: bool
    relationships: frozenset[str] = frozenset()
    #: Values of people/recipient.py RecipientRole.
    roles: frozenset[str] = frozenset()
    type: str = "entity"
    #: False when the register does not have it, or no longer.
    known: bool = True


@dataclass(frozen=True, slots=True, repr=False)
class Situation:
    """One question and all that bears on it.

    `consents`: every signed consent of the patient that names the recipient, the intermediary on the way, or a
    class. `evidence`: what is offered with the question and the agreements in the register that name the recipient.
    `restrictions`: all of the patient's.
    """

    program: Program
    patient: PatientAtLaw
    recipient: Recipient
    purpose: Purpose
    channel: Channel
    today: Today
    items: tuple[ItemForDecision, ...]
    consents: tuple[ConsentRecord, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    restrictions: tuple[Restriction, ...] = ()
    #: The intermediary through which the recipient is reached.
    via: UUID | None = None
