"""Who is what to a patient on a day: for operations above, inside an act that is allowed already."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from service.errors import IntegrityError
from service.ids import RecipientId
from service.people.recipient import RecipientClass, RelationshipKind, in_class, in_force
from service.people.relationships import records
from service.people.relationships.records import StoredRelationship
from service.people.relationships.roles import StaffRole
from service.vault.envelope import RowKey
from service.work import Work


def relationship_kinds(
    work: Work, patient_id: UUID, recipient_id: UUID, on: date
) -> frozenset[RelationshipKind]:
    """Kinds of relationship between a patient and a recipient in force on a day, locked until commit."""
    return records.kinds_between(work.db, patient_id, recipient_id, on)


def related_recipients(
    work: Work, patient_id: UUID, on: date
) -> dict[RecipientId, frozenset[RelationshipKind]]:
    """Every recipient related to a patient on a day, in the order of recording, with the kinds in force."""
    found: dict[RecipientId, frozenset[RelationshipKind]] = {}
    for stored in records.relationships(work.db, patient_id):
        if stored.recipient_id is not None and in_force(stored.starts_on, stored.ends_on, on):
            found[stored.recipient_id] = found.get(stored.recipient_id, frozenset()) | {stored.kind}
    return found


def role_of(work: Work, stored: StoredRelationship) -> StaffRole | None:
    """What a member of staff is to the patient; None where nobody said, or the record was destroyed since."""
    kept = work.open_if_kept(records.RELATIONSHIP_ROW, _row(stored), {"evidence": stored.evidence})
    role = None if kept is None else _evidence(kept["evidence"]).get("role")
    return None if role is None else StaffRole(role)


def recipient_in_class(
    work: Work, patient_id: UUID, recipient_id: UUID, recipient_class: RecipientClass, on: date
) -> bool:
    """Whether a recorded relationship puts the recipient into the class for this patient on that day."""
    return in_class(relationship_kinds(work, patient_id, recipient_id, on), recipient_class)


def evidence_of(work: Work, stored: StoredRelationship) -> Mapping[str, Any]:
    """On what it rests, and the role of a member of staff."""
    opened = work.open(records.RELATIONSHIP_ROW, _row(stored), {"evidence": stored.evidence})
    return _evidence(opened["evidence"])


def _row(stored: StoredRelationship) -> RowKey:
    return RowKey(stored.program_id, stored.id, stored.version, stored.patient_id)


def _evidence(opened: Any) -> Mapping[str, Any]:
    if not isinstance(opened, Mapping):
        raise IntegrityError
    return opened  # pyright: ignore[reportUnknownVariableType] -- any JSON object
