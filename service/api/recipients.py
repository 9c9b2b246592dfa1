"""The register of recipients over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from service.edge.deps import perform, perform_once, reply
from service.edge.models import ShortText, StrictModel, Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute
from service.ids import SERVICE_PROGRAM
from service.people.recipient import Party, Recipient, RecipientClass, RecipientRole, RecipientType
from service.people.recipients import operations
from service.work import Work

router = APIRouter(tags=["recipients"], route_class=StrictRoute)

ExactName = Annotated[str | None, Query(min_length=1, max_length=200)]
RoleCode = Annotated[RecipientRole, Field(strict=False)]
ExactNpi = Annotated[str | None, Query(pattern=r"^[0-9]{10}$")]


class NewRecipientBody(StrictModel):
    """A person, entity or intermediary by name, or a class of recipients by its code."""

    type: RecipientType = Field(strict=False)
    name: ShortText | None = None
    npi: ShortText | None = None
    recipient_class: RecipientClass | None = Field(default=None, alias="class", strict=False)
    covered_entity: bool | None = None
    business_associate: bool | None = None
    address: ShortText | None = None
    phone: ShortText | None = None
    roles: Annotated[list[RoleCode], Field(max_length=25)] | None = Field(
        default=None, description="What it is in law: who may receive on which basis. Left out: not said."
    )


class RecipientModel(BaseModel):
    id: Uuid
    type: str
    name: str
    npi: str | None
    recipient_class: str | None = Field(alias="class")
    covered_entity: bool
    business_associate: bool
    address: str | None
    phone: str | None
    roles: list[RecipientRole]
    state: str
    version: int


class RecipientsModel(BaseModel):
    items: list[RecipientModel]
    next_cursor: str | None


@router.post("/recipients", summary="Register a recipient", status_code=201, response_model=RecipientModel)
async def register_recipient(request: Request, body: NewRecipientBody) -> Response:
    party = Party(
        type=body.type,
        name=body.name,
        npi=body.npi,
        recipient_class=body.recipient_class,
        covered_entity=body.covered_entity,
        business_associate=body.business_associate,
        address=body.address,
        phone=body.phone,
        roles=None if body.roles is None else frozenset(body.roles),
    )

    def create(work: Work) -> tuple[UUID, Recipient]:
        made = operations.register_recipient(work, party)
        return made.id, made

    made = await perform_once(request, create, operations.read_recipient)
    return reply(201, recipient_view(made), etag=made.version)


@router.get("/recipients", summary="Recipients, or those with a name or NPI", response_model=RecipientsModel)
async def list_recipients(
    request: Request, name: ExactName = None, npi: ExactNpi = None, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    after = read_cursor(cursor) or SERVICE_PROGRAM

    def listed(work: Work) -> list[Recipient]:
        return operations.list_recipients(work, name=name, npi=npi, after=after, limit=limit + 1)

    found = await perform(request, listed)
    page = found[:limit]
    more = write_cursor(page[-1].id) if len(found) > limit else None
    return reply(200, {"items": [recipient_view(one) for one in page], "next_cursor": more})


@router.get("/recipients/{recipient_id}", summary="One recipient", response_model=RecipientModel)
async def show_recipient(request: Request, recipient_id: Uuid) -> Response:
    read = await perform(request, lambda work: operations.read_recipient(work, recipient_id))
    return reply(200, recipient_view(read), etag=read.version)


def recipient_view(one: Recipient) -> dict[str, Any]:
    """A recipient as the API shows it."""
    return {
        "id": one.id,
        "type": one.type.value,
        "name": one.name,
        "npi": one.npi,
        "class": one.recipient_class.value if one.recipient_class else None,
        "covered_entity": one.covered_entity,
        "business_associate": one.business_associate,
        "address": one.address,
        "phone": one.phone,
        "roles": sorted(one.roles),
        "state": one.state,
        "version": one.version,
    }
