"""The sealed half of an evidence row: what goes into its envelope, and how it comes out.

The clear columns a decision reads (kind, state, dates, who signed off, whom it names) are sealed beside what the paper
says and compared when opened. So a paper cannot be given another end, another recipient or another kind by hand: it
then does not open, and the attempt is an incident.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from service.errors import IntegrityError
from service.evidence.model import Evidence, Reach
from service.evidence.records import EVIDENCE_ROW, StoredEvidence
from service.store.types import Sealed
from service.work import Json, Work


def sealed_evidence(work: Work, evidence: Evidence) -> StoredEvidence:
    """The row of this evidence at its version, changed now."""
    stored = StoredEvidence(
        id=evidence.id,
        program_id=work.caller.program_id,
        patient_id=evidence.patient_id,
        kind=evidence.kind,
        state=evidence.state,
        version=evidence.version,
        starts_on=evidence.starts_on,
        ends_on=evidence.ends_on,
        particulars=Sealed(b""),
        recorded_by=evidence.recorded_by,
        recorded_at=evidence.recorded_at,
        signed_off_by=evidence.signed_off_by,
        signed_off_at=evidence.signed_off_at,
        changed_at=work.now,
        recipients=evidence.recipients,
    )
    value: dict[str, Json] = {
        "of": _clear(stored),
        "items": sorted(str(one) for one in evidence.items),
        "kinds": _kinds(evidence.kinds),
        "particulars": dict(evidence.particulars),
        "signed_off_roles": sorted(evidence.signed_off_roles),
        "ended_because": evidence.ended_because,
    }
    return replace(stored, **work.seal(EVIDENCE_ROW, stored.key, {"particulars": value}))


def open_evidence(work: Work, stored: StoredEvidence) -> Evidence:
    """Raises IntegrityError when the paper is not what was sealed for this row, or a clear column is not what it was."""
    opened: Any = work.open(EVIDENCE_ROW, stored.key, {"particulars": stored.particulars})["particulars"]
    if opened["of"] != _clear(stored):
        raise IntegrityError
    kinds: Reach = "all" if opened["kinds"] == "all" else frozenset(opened["kinds"])
    return Evidence(
        id=stored.id,
        kind=stored.kind,
        patient_id=stored.patient_id,
        state=stored.state,
        recipients=stored.recipients,
        starts_on=stored.starts_on,
        ends_on=stored.ends_on,
        items=frozenset(UUID(one) for one in opened["items"]),
        kinds=kinds,
        particulars=opened["particulars"],
        recorded_by=stored.recorded_by,
        recorded_at=stored.recorded_at,
        signed_off_roles=frozenset(opened["signed_off_roles"]),
        version=stored.version,
        signed_off_by=stored.signed_off_by,
        signed_off_at=stored.signed_off_at,
        ended_because=opened["ended_because"],
    )


def paper(evidence: Evidence) -> dict[str, Json]:
    """What the paper says, for its keyed hash in the ledger."""
    return {
        "kind": evidence.kind.value,
        "recipients": sorted(str(one) for one in evidence.recipients),
        "starts_on": evidence.starts_on.isoformat(),
        "ends_on": None if evidence.ends_on is None else evidence.ends_on.isoformat(),
        "items": sorted(str(one) for one in evidence.items),
        "kinds": _kinds(evidence.kinds),
        "particulars": dict(evidence.particulars),
    }


def _kinds(kinds: Reach) -> Json:
    return "all" if kinds == "all" else sorted(kinds)


def _clear(stored: StoredEvidence) -> list[Json]:
    """The clear columns, in one order."""
    return [
        stored.kind.value,
        stored.state.value,
        stored.starts_on.isoformat(),
        None if stored.ends_on is None else stored.ends_on.isoformat(),
        str(stored.recorded_by),
        _instant(stored.recorded_at),
        None if stored.signed_off_by is None else str(stored.signed_off_by),
        _instant(stored.signed_off_at),
        sorted(str(one) for one in stored.recipients),
    ]


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()
