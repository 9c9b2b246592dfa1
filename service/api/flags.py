"""Raised safety flags over HTTP: a patient's, the program's work list of them, taken by somebody, acknowledged."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from service.edge.context import state_of
from service.edge.deps import if_match, perform, perform_once, reply
from service.edge.models import LongText, ShortText, StrictModel, Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute
from service.intake.safety import operations, worklist
from service.intake.safety.flag import Done, RaisedFlag
from service.intake.safety.worklist import Listed, Whose
from service.work import Work

router = APIRouter(tags=["intake"], route_class=StrictRoute)

Severity = Literal["urgent", "same_day", "review", "form"]


class FlagModel(BaseModel):
    code: str
    severity: Severity
    message: str
    next_step: str
    task: str | None


class AcknowledgementBody(StrictModel):
    """What was done about the flag, in words. `code`: one of the task's actions in safety.yaml. Who saw the patient,
    and with what outcome, is asked for where the task says so: an urgent suicide flag does.
    """

    action: LongText
    code: ShortText | None = None
    seen_by: ShortText | None = None
    outcome: ShortText | None = None


class AssignmentBody(StrictModel):
    """Who takes the flag; null gives it back."""

    account_id: Uuid | None


class ContactModel(BaseModel):
    name: str
    phone: str


class RaisedFlagModel(FlagModel):
    id: UUID
    patient_id: UUID
    source: Literal["assessment", "medical", "placement"]
    subject_id: UUID | None
    assessment_id: UUID | None
    also_assessment_id: UUID | None = Field(
        description="The form that was kept, after a refused one had raised this with the same answers."
    )
    instrument: str
    state: Literal["open", "taken", "acknowledged"]
    version: int
    raised_at: str
    due_at: str
    owner_role: str
    owner_id: UUID | None
    escalated_at: str | None
    contact: ContactModel | None = Field(description="The program's on-call clinician.")
    acknowledged_at: str | None
    acknowledged_by: UUID | None
    action: str | None
    action_code: str | None
    seen_by: str | None
    outcome: str | None


class RaisedFlagListModel(BaseModel):
    items: list[RaisedFlagModel]
    next_cursor: str | None


class WaitingFlagModel(BaseModel):
    """A flag that waits. `closed`: overdue, and not a patient of yours; call whom it names."""

    id: UUID
    patient_id: UUID
    severity: Severity
    state: Literal["open", "taken"]
    version: int
    due_at: str
    owner_role: str
    owner_id: UUID | None
    escalated_at: str | None
    contact: ContactModel | None
    closed: bool
    code: str | None
    instrument: str | None
    message: str | None
    next_step: str | None
    task: str | None


class WaitingFlagListModel(BaseModel):
    items: list[WaitingFlagModel]
    next_cursor: str | None


@router.get(
    "/patients/{patient_id}/flags",
    response_model=RaisedFlagListModel,
    summary="What somebody must act on, newest first",
)
async def list_flags(
    request: Request, patient_id: Uuid, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    before = read_cursor(cursor)
    flags = await perform(
        request, lambda work: operations.list_of(work, patient_id, before=before, at_most=limit + 1)
    )
    shown = flags[:limit]
    more = len(flags) > limit
    body = {
        "items": [raised_view(one) for one in shown],
        "next_cursor": write_cursor(shown[-1].id) if more else None,
    }
    return reply(200, body)


@router.get(
    "/flags",
    response_model=WaitingFlagListModel,
    summary="Flags of the program that wait for somebody, urgent first, then by the clock",
)
async def list_waiting_flags(
    request: Request,
    state: Annotated[Literal["open"], Query(description="Taken ones wait too.")] = "open",
    owner: Annotated[
        Whose, Query(description="me: taken by you; role: of your roles, taken by nobody else.")
    ] = (Whose.ALL),
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    del state  # the only one there is a list for: what is acknowledged stands with its patient
    after = read_cursor(cursor)
    page = await perform(request, lambda work: worklist.waiting(work, owner, after=after, at_most=limit))
    body = {
        "items": [_waiting(row) for row in page.rows],
        "next_cursor": write_cursor(page.rows[-1].flag.id) if page.more else None,
    }
    return reply(200, body)


@router.post(
    "/flags/{flag_id}/assignment",
    response_model=RaisedFlagModel,
    summary="Take a flag, give it to somebody who can act on it, or give it back; from somebody else with If-Match",
)
async def assign_flag(request: Request, flag_id: Uuid, body: AssignmentBody) -> Response:
    expected = if_match(request) if "if-match" in request.headers else None
    book = state_of(request).credentials

    def create(work: Work) -> tuple[UUID, RaisedFlag]:
        return flag_id, operations.assign(work, flag_id, body.account_id, book, expected=expected)

    flag = await perform_once(request, create, operations.read_assigned)
    return reply(200, raised_view(flag), etag=flag.version)


@router.post(
    "/flags/{flag_id}/acknowledgement",
    response_model=RaisedFlagModel,
    summary="Say what was done about a flag",
)
async def acknowledge_flag(request: Request, flag_id: Uuid, body: AcknowledgementBody) -> Response:
    done = Done(body.action, body.code, body.seen_by, body.outcome)

    def create(work: Work) -> tuple[UUID, RaisedFlag]:
        return flag_id, operations.acknowledge(work, flag_id, done)

    def again(work: Work, made: UUID) -> RaisedFlag:
        return operations.acknowledge(work, made, done, replay=True)

    flag = await perform_once(request, create, again)
    return reply(200, raised_view(flag), etag=flag.version)


def raised_view(one: RaisedFlag) -> dict[str, Any]:
    done = one.done
    return {
        "id": one.id,
        "patient_id": one.patient_id,
        "source": one.source,
        "subject_id": one.subject_id,
        "assessment_id": one.assessment_id,
        "also_assessment_id": one.also,
        "instrument": one.instrument,
        "code": one.flag.code,
        "severity": one.flag.severity,
        "message": one.flag.message,
        "next_step": one.next_step,
        "task": one.flag.task,
        "state": one.state,
        "version": one.version,
        "raised_at": one.raised_at,
        "due_at": one.due_at,
        "owner_role": one.owner_role,
        "owner_id": one.owner_id,
        "escalated_at": one.escalated_at,
        "contact": _contact(one),
        "acknowledged_at": one.acknowledged_at,
        "acknowledged_by": one.acknowledged_by,
        "action": None if done is None else done.action,
        "action_code": None if done is None else done.code,
        "seen_by": None if done is None else done.seen_by,
        "outcome": None if done is None else done.outcome,
    }


def _waiting(row: Listed) -> dict[str, Any]:
    one = row.flag
    known = {
        "code": one.flag.code,
        "instrument": one.instrument,
        "message": one.flag.message,
        "next_step": one.next_step,
        "task": one.flag.task,
    }
    return {
        "id": one.id,
        "patient_id": one.patient_id,
        "severity": one.flag.severity,
        "state": one.state,
        "version": one.version,
        "due_at": one.due_at,
        "owner_role": one.owner_role,
        "owner_id": one.owner_id,
        "escalated_at": one.escalated_at,
        "contact": _contact(one),
        "closed": row.closed,
        **(dict.fromkeys(known) if row.closed else known),
    }


def _contact(one: RaisedFlag) -> dict[str, str] | None:
    return None if one.contact is None else {"name": one.contact.name, "phone": one.contact.phone}
