"""A packet, an item, a work list and an admission as the API shows them."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from service.admission.admit import Admission
from service.admission.packet.model import Gate, PacketItem
from service.admission.packet.nudging import nudged_of
from service.admission.packet.prefill import Known
from service.admission.packet.traces import ITSELF
from service.admission.packet.whole import Packet
from service.admission.packet.worklist import Entry
from service.admission.placement.rules import Suggestion
from service.edge.models import Instant, IsoDate, Uuid

Status = Literal["not_started", "sent", "in_progress", "needs_fix", "declined", "done", "waived", "expired"]


class TaskModel(BaseModel):
    """One thing to do. `key` with an instance (`F04:re_offer`) is a follow-up of what could not be done."""

    key: str
    kind: str = Field(description="What makes it done: form, consent, sections, instruments, records ...")
    title: str
    status: Status
    due: Instant | None
    due_within: str | None
    due_source: str | None = Field(description="Where the deadline is written.")
    blocks_admission: bool
    blocks: list[str]
    depends_on: list[str]
    waiting_for: list[str]
    owner: str
    assignee_id: Uuid | None
    waits_for: Literal["patient", "staff", "outside"]
    required: bool
    waivable: bool
    why: str
    citation: str
    conf: Literal["law", "policy", "unsure"]
    last_nudge_at: Instant | None
    expires_on: IsoDate | None
    version: int


class MissingModel(BaseModel):
    code: str
    words: str
    who: str
    item: str | None


class GateModel(BaseModel):
    block: str
    open: bool
    missing: list[MissingModel]


class FlagOnPacketModel(BaseModel):
    id: Uuid
    code: str
    severity: str
    message: str
    next_step: str
    due_at: Instant


class RuleFactModel(BaseModel):
    rule: str
    fact: str
    citation: str | None = None


class LevelOfCareModel(BaseModel):
    suggestion: str | None
    reasons: list[RuleFactModel]


class PacketModel(BaseModel):
    patient_id: Uuid
    episode_id: Uuid | None = Field(description="Null before anybody has opened an episode.")
    tasks: list[TaskModel]
    flags: list[FlagOnPacketModel]
    level_of_care: LevelOfCareModel
    gates: list[GateModel]
    call_patient: bool = Field(description="Reminders are at their end: somebody calls.")
    ready_for_admission: bool


class KnownModel(BaseModel):
    field: str
    value: Any
    form: str | None = Field(description="The form that asked for it; null for the patient's entry.")
    source: str
    recorded_at: Instant
    still_right: bool = Field(description="To be confirmed by the patient before it is used.")


class PrefillModel(BaseModel):
    items: list[KnownModel]


class WorkListEntryModel(BaseModel):
    patient_id: Uuid
    episode_id: Uuid
    state: str
    family_name: str | None
    given_name: str | None
    open_flags: int
    flag_due_at: Instant | None
    flag_severity: str | None
    blocking: str | None
    call_patient: bool
    tasks: list[TaskModel]


class WorkListModel(BaseModel):
    items: list[WorkListEntryModel]
    next_cursor: str | None


class AdmissionModel(BaseModel):
    id: Uuid
    patient_id: Uuid
    state: str
    admitted_on: IsoDate | None
    level: str | None
    put_off: list[str] = Field(description="What was skipped in an emergency and is still to be done.")
    version: int


def task_view(item: PacketItem) -> dict[str, Any]:
    """One item."""
    due = item.due
    return {
        "key": item.key if item.instance == ITSELF else f"{item.key}:{item.instance}",
        "kind": item.kind,
        "title": item.title,
        "status": item.status.value,
        "due": None if due is None else due.at,
        "due_within": None if due is None else due.within,
        "due_source": None if due is None else due.source,
        "blocks_admission": "ADMIT" in {block.value for block in item.blocks},
        "blocks": [block.value for block in item.blocks],
        "depends_on": list(item.depends_on),
        "waiting_for": list(item.waiting_for),
        "owner": item.owner,
        "assignee_id": item.assignee_id,
        "waits_for": item.source.value,
        "required": item.required,
        "waivable": item.waivable,
        "why": item.why,
        "citation": item.hook.citation,
        "conf": item.hook.conf,
        "last_nudge_at": item.last_nudge_at,
        "expires_on": item.expires_on,
        "version": item.version,
    }


def gate_view(gate: Gate) -> dict[str, Any]:
    """A gate with everything that keeps it shut."""
    return {
        "block": gate.block.value,
        "open": gate.open,
        "missing": [
            {"code": one.code, "words": one.words, "who": one.who, "item": one.item} for one in gate.missing
        ],
    }


def packet_view(packet: Packet, suggestion: Suggestion | None, *, own: bool) -> dict[str, Any]:
    """A packet. A patient sees their own list: no flags, no gates, no suggestion."""
    episode = packet.episode
    open_flags = [one for one in packet.gathered.flags if one.state.value != "acknowledged"]
    return {
        "patient_id": packet.gathered.intake.patient_id,
        "episode_id": None if episode is None else episode.id,
        "tasks": [task_view(item) for item in packet.items],
        "flags": []
        if own
        else [
            {
                "id": one.id,
                "code": one.flag.code,
                "severity": one.flag.severity.value,
                "message": one.flag.message,
                "next_step": one.next_step,
                "due_at": one.due_at,
            }
            for one in sorted(open_flags, key=lambda flag: flag.urgency)
        ],
        "level_of_care": {
            "suggestion": None if suggestion is None else suggestion.outcome.value,
            "reasons": [
                {"rule": one.id, "fact": f"{', '.join(sorted(one.facts))}: {one.reason}", "citation": None}
                for one in (() if suggestion is None else suggestion.fired)
            ],
        },
        "gates": [gate_view(gate) for gate in packet.gates],
        "call_patient": not own and nudged_of(packet.gathered).called,
        "ready_for_admission": bool(packet.gates) and episode is not None and packet.ready_for_admission,
    }


def known_view(one: Known) -> dict[str, Any]:
    """A value that is known already."""
    return {
        "field": one.field,
        "value": one.value,
        "form": one.form,
        "source": one.source,
        "recorded_at": one.recorded_at,
        "still_right": one.still_right,
    }


def entry_view(entry: Entry) -> dict[str, Any]:
    """One patient of a work list."""
    return {
        "patient_id": entry.patient_id,
        "episode_id": entry.episode_id,
        "state": entry.state,
        "family_name": entry.family_name,
        "given_name": entry.given_name,
        "open_flags": entry.open_flags,
        "flag_due_at": entry.flag_due_at,
        "flag_severity": entry.flag_severity,
        "blocking": None if entry.blocking is None else entry.blocking.value,
        "call_patient": entry.call_patient,
        "tasks": [task_view(item) for item in entry.items],
    }


def admission_view(admission: Admission) -> dict[str, Any]:
    """An admission."""
    episode = admission.episode
    return {
        "id": episode.id,
        "patient_id": episode.patient_id,
        "state": episode.state.value,
        "admitted_on": episode.admitted_on,
        "level": episode.level,
        "put_off": list(admission.put_off),
        "version": episode.version,
    }
