"""The packet's rows, sealed and opened inside an act that is already authorised.

What is sealed repeats the clear columns beside it: a form that somebody with the database turns from declined into
signed does not open, and nobody is admitted on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from service.admission.packet.model import Outcome
from service.admission.packet.records import ITEM_ROW, SIGNATURE_ROW, StoredDecision, StoredSignature
from service.admission.packet.traces import Decided
from service.errors import IntegrityError
from service.vault.envelope import RowKey
from service.work import Json, Work


@dataclass(frozen=True, slots=True, repr=False)
class SignatureEvent:
    """One signature event, opened, with everything that will be argued later (K5). `document` is the text signed."""

    id: UUID
    patient_id: UUID
    episode_id: UUID | None
    form: str
    text_version: str
    language: str
    text_sha256: str
    outcome: Outcome
    signed_at: datetime
    expires_on: date | None
    superseded_at: datetime | None
    recorded_by: UUID
    particulars: Mapping[str, Any]
    document: str

    @property
    def by_parent(self) -> bool:
        signer: Any = self.particulars.get("signer")
        return signer is not None and signer["role"] in ("parent", "guardian")

    @property
    def reason(self) -> str:
        return str(self.particulars.get("reason") or "")

    @property
    def answers(self) -> Mapping[str, Any]:
        answers: Mapping[str, Any] = self.particulars["answers"]
        return answers


def sealed_signature(work: Work, event: SignatureEvent) -> StoredSignature:
    """The row of a new event; its version is 1 and stays so."""
    key = RowKey(work.caller.program_id, event.id, 1, event.patient_id)
    clear = _clear_event(event)
    values: dict[str, Json] = {"particulars": {**event.particulars, "of": clear}, "document": event.document}
    sealed = work.seal(SIGNATURE_ROW, key, values)
    return StoredSignature(
        id=event.id,
        program_id=work.caller.program_id,
        patient_id=event.patient_id,
        episode_id=event.episode_id,
        form=event.form,
        text_version=event.text_version,
        language=event.language,
        text_sha256=event.text_sha256,
        outcome=event.outcome.value,
        signed_at=event.signed_at,
        expires_on=event.expires_on,
        superseded_at=event.superseded_at,
        version=1,
        particulars=sealed["particulars"],
        document=sealed["document"],
        recorded_by=event.recorded_by,
    )


def opened_signature(work: Work, stored: StoredSignature) -> SignatureEvent:
    """Raises IntegrityError when a value, or a clear column, is not what was sealed."""
    values: dict[str, Any] = dict(
        work.open(SIGNATURE_ROW, stored.key, {"particulars": stored.particulars, "document": stored.document})
    )
    particulars = dict(values["particulars"])
    event = SignatureEvent(
        id=stored.id,
        patient_id=stored.patient_id,
        episode_id=stored.episode_id,
        form=stored.form,
        text_version=stored.text_version,
        language=stored.language,
        text_sha256=stored.text_sha256,
        outcome=Outcome(stored.outcome),
        signed_at=stored.signed_at,
        expires_on=stored.expires_on,
        superseded_at=stored.superseded_at,
        recorded_by=stored.recorded_by,
        particulars=particulars,
        document=values["document"],
    )
    if particulars.pop("of") != _clear_event(event):
        raise IntegrityError
    return event


def sealed_decision(
    work: Work, decided: Decided, *, row_id: UUID, patient_id: UUID, episode_id: UUID, state: str
) -> StoredDecision:
    """The row of one decided item at `decided.version`."""
    key = RowKey(work.caller.program_id, row_id, decided.version, patient_id)
    kept: dict[str, Json] = {
        "of": _clear_decision(decided),
        "nudges": decided.nudges,
        "called_at": _said(decided.called_at),
        "waived_at": _said(decided.waived_at),
        "waived_by": decided.waived_by,
        "waiver": decided.waiver,
        "returned_at": _said(decided.returned_at),
        "returned": decided.returned,
        "skipped_at": _said(decided.skipped_at),
        "skipped": decided.skipped,
        "opened_at": _said(decided.opened_at),
        "reason": decided.reason,
    }
    return StoredDecision(
        id=row_id,
        program_id=work.caller.program_id,
        patient_id=patient_id,
        episode_id=episode_id,
        item=decided.item,
        instance=decided.instance,
        state=state,
        assignee_role=decided.assignee_role,
        assignee_id=None if decided.assignee_id is None else UUID(decided.assignee_id),
        due_at=decided.due_at,
        last_nudge_at=decided.last_nudge_at,
        version=decided.version,
        particulars=work.seal(ITEM_ROW, key, {"particulars": kept})["particulars"],
        changed_at=work.now,
    )


def opened_decision(work: Work, stored: StoredDecision) -> Decided:
    """Raises IntegrityError when a value, or whose item it is, is not what was sealed."""
    kept: Any = work.open(ITEM_ROW, stored.key, {"particulars": stored.particulars})["particulars"]
    decided = Decided(
        item=stored.item,
        instance=stored.instance,
        version=stored.version,
        assignee_role=stored.assignee_role,
        due_at=stored.due_at,
        last_nudge_at=stored.last_nudge_at,
        assignee_id=None if stored.assignee_id is None else str(stored.assignee_id),
    )
    if kept["of"] != _clear_decision(decided):
        raise IntegrityError
    return replace(
        decided,
        nudges=int(kept["nudges"]),
        called_at=_read(kept["called_at"]),
        waived_at=_read(kept["waived_at"]),
        waived_by=str(kept["waived_by"]),
        waiver=str(kept["waiver"]),
        returned_at=_read(kept["returned_at"]),
        returned=str(kept["returned"]),
        skipped_at=_read(kept["skipped_at"]),
        skipped=str(kept["skipped"]),
        opened_at=_read(kept["opened_at"]),
        reason=str(kept["reason"]),
    )


def _clear_event(event: SignatureEvent) -> list[Json]:
    return [
        event.form,
        event.text_version,
        event.language,
        event.text_sha256,
        event.outcome.value,
        str(event.signed_at.timestamp()),
        None if event.expires_on is None else event.expires_on.isoformat(),
        None if event.episode_id is None else str(event.episode_id),
        str(event.recorded_by),
    ]


def _clear_decision(decided: Decided) -> list[Json]:
    return [
        decided.item,
        decided.instance,
        None if decided.due_at is None else str(decided.due_at.timestamp()),
    ]


def _said(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _read(at: str | None) -> datetime | None:
    return None if at is None else datetime.fromisoformat(at)
