"""Whose recorded relationship lets them sign for a patient (42 CFR 2.14, 2.15): shown, not decided.

Who has to sign a consent on a day is decided with the consent (service/consent/signers.py); this is the list of people
it can be, so that the desk knows whom to call.
"""

from typing import Any, Final
from uuid import UUID

from service.people.facts import program_day
from service.people.recipient import RelationshipKind, in_force
from service.people.recipients.operations import recipient_facts
from service.people.relationships.records import relationships
from service.work import Work

SIGNING: Final = frozenset(
    {RelationshipKind.PARENT, RelationshipKind.GUARDIAN, RelationshipKind.PERSONAL_REPRESENTATIVE}
)


def signatories(work: Work, patient_id: UUID) -> list[dict[str, Any]]:
    """`{relationship_id, kind, recipient_id, name, starts_on, ends_on}` of those in force today, oldest first; inside
    an act about this patient that is allowed already.
    """
    today = program_day(work)
    found: list[dict[str, Any]] = []
    for stored in relationships(work.db, patient_id):
        holds = in_force(stored.starts_on, stored.ends_on, today)
        if stored.kind not in SIGNING or not holds or stored.recipient_id is None:
            continue
        known = recipient_facts(work, stored.recipient_id)
        if known is not None:
            found.append(
                {
                    "relationship_id": stored.id,
                    "kind": stored.kind.value,
                    "recipient_id": stored.recipient_id,
                    "name": known.name,
                    "starts_on": stored.starts_on,
                    "ends_on": stored.ends_on,
                }
            )
    return found
