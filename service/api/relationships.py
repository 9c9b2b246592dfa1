"""Who stands around a patient, over HTTP: recorded, listed, ended."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from service.edge.deps import if_match, perform, perform_once, reply
from service.edge.models import IsoDate, LongText, StrictModel, Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute
from service.people.recipient import RelationshipKind
from service.people.relationships import operations as relationships
from service.people.relationships.operations import Handover, NewRelationship, Relationship
from service.people.relationships.roles import StaffRole
from service.work import Work

router = APIRouter(tags=["patients"], route_class=StrictRoute)


class RelationshipBody(StrictModel):
    """`staff` names an account; every other kind names a recipient of the register."""

    kind: RelationshipKind = Field(strict=False)
    account_id: Uuid | None = None
    recipient_id: Uuid | None = None
    starts_on: IsoDate
    ends_on: IsoDate | None = None
    evidence: LongText
    role: StaffRole | None = Field(default=None, strict=False)


class RelationshipEndBody(StrictModel):
    ends_on: IsoDate


class HandoverBody(StrictModel):
    """The member of staff who takes over on a day, and why."""

    account_id: Uuid
    on: IsoDate
    evidence: LongText


class RelationshipModel(BaseModel):
    id: Uuid
    patient_id: Uuid
    kind: str
    account_id: Uuid | None
    recipient_id: Uuid | None
    starts_on: IsoDate
    ends_on: IsoDate | None
    evidence: str
    role: str | None
    version: int


class RelationshipsModel(BaseModel):
    items: list[RelationshipModel]
    next_cursor: str | None


@router.post(
    "/patients/{patient_id}/relationships",
    summary="Record who treats, pays for or works with a patient",
    status_code=201,
    response_model=RelationshipModel,
)
async def record_relationship(request: Request, patient_id: Uuid, body: RelationshipBody) -> Response:
    new = NewRelationship(
        kind=body.kind,
        account_id=body.account_id,
        recipient_id=body.recipient_id,
        starts_on=body.starts_on,
        ends_on=body.ends_on,
        evidence=body.evidence,
        role=body.role,
    )

    def create(work: Work) -> tuple[UUID, Relationship]:
        made = relationships.record_relationship(work, patient_id, new)
        return made.id, made

    made = await perform_once(request, create, relationships.read_relationship)
    return reply(201, _relationship_view(made), etag=made.version)


@router.get(
    "/patients/{patient_id}/relationships",
    summary="Relationships of a patient",
    response_model=RelationshipsModel,
)
async def list_relationships(
    request: Request, patient_id: Uuid, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    after = read_cursor(cursor)
    found, more = await perform(
        request, lambda work: relationships.list_relationships(work, patient_id, after=after, at_most=limit)
    )
    following = write_cursor(found[-1].id) if more else None
    return reply(200, {"items": [_relationship_view(one) for one in found], "next_cursor": following})


@router.post(
    "/relationships/{relationship_id}/handover",
    summary="Another member of staff takes over, with the role",
    status_code=201,
    response_model=RelationshipModel,
)
async def hand_over(request: Request, relationship_id: Uuid, body: HandoverBody) -> Response:
    version = if_match(request) if "if-match" in request.headers else None
    to = Handover(body.account_id, body.on, body.evidence)

    def act(work: Work) -> tuple[UUID, Relationship]:
        made = relationships.hand_over(work, relationship_id, to, version=version)
        return made.id, made

    made = await perform_once(request, act, relationships.read_relationship)
    return reply(201, _relationship_view(made), etag=made.version)


@router.patch(
    "/relationships/{relationship_id}", summary="End a relationship", response_model=RelationshipModel
)
async def end_relationship(request: Request, relationship_id: Uuid, body: RelationshipEndBody) -> Response:
    version = if_match(request)
    ended = await perform(
        request,
        lambda work: relationships.end_relationship(work, relationship_id, version, body.ends_on),
    )
    return reply(200, _relationship_view(ended), etag=ended.version)


def _relationship_view(one: Relationship) -> dict[str, Any]:
    return {
        "id": one.id,
        "patient_id": one.patient_id,
        "kind": one.kind.value,
        "account_id": one.account_id,
        "recipient_id": one.recipient_id,
        "starts_on": one.starts_on,
        "ends_on": one.ends_on,
        "evidence": one.evidence,
        "role": None if one.role is None else one.role.value,
        "version": one.version,
    }
