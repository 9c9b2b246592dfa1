"""Content packs over HTTP: licensed wording, attested by compliance, for one program."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from service.edge.context import state_of
from service.edge.deps import perform, perform_once, reply
from service.edge.models import Instant, IsoDate, LongText, ShortText, StrictModel, Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute
from service.intake.packs import operations
from service.intake.packs.operations import NewPack
from service.intake.packs.pack import Pack
from service.work import Work

router = APIRouter(tags=["packs"], route_class=StrictRoute)

ItemKey = Annotated[str, Field(min_length=1, max_length=60)]
OptionValue = Annotated[str, Field(min_length=1, max_length=60)]
Labels = Annotated[dict[OptionValue, ShortText], Field(max_length=50)]


class VariantWordingBody(StrictModel):
    text: LongText | None = None
    options: Labels | None = None


class ItemWordingBody(StrictModel):
    """`options`: labels by the option's value, written as text. `variants`: in the order of the instrument's."""

    text: LongText | None = None
    options: Labels | None = None
    variants: Annotated[list[VariantWordingBody], Field(max_length=10)] | None = None


class PackDocumentBody(StrictModel):
    """Wording and nothing else. Empty `wording` attests a licence for use on paper."""

    instrument: ShortText
    version: Annotated[int, Field(ge=1, le=10**6)]
    licence_id: ShortText
    holder: ShortText
    instruction: LongText | None = None
    wording: Annotated[dict[ItemKey, ItemWordingBody], Field(max_length=200)]
    attestation: LongText


class NewPackBody(StrictModel):
    """`expires_on`: the last day on which the licence holds."""

    pack: PackDocumentBody
    starts_on: IsoDate
    expires_on: IsoDate


class WithdrawalBody(StrictModel):
    reason: LongText


class PackModel(BaseModel):
    """`sha256` is of the pack's canonical JSON (RFC 8785). `items`: the items it words."""

    id: Uuid
    instrument: str
    instrument_version: int
    state: str
    licence_id: str
    holder: str
    attestation: str
    items: list[str]
    sha256: str
    starts_on: IsoDate
    expires_on: IsoDate
    attested_by: Uuid
    attested_at: Instant
    withdrawn_because: str | None
    version: int


class PackListModel(BaseModel):
    items: list[PackModel]
    next_cursor: str | None


@router.post(
    "/instruments/{key}/packs",
    status_code=201,
    response_model=PackModel,
    summary="Attest the licence for an instrument and give its wording",
)
async def attest_pack(request: Request, key: str, body: NewPackBody) -> Response:
    catalogue = state_of(request).instruments
    # as it was given: what was not said is not made up
    new = NewPack(body.pack.model_dump(exclude_unset=True), body.starts_on, body.expires_on)

    def create(work: Work) -> tuple[UUID, Pack]:
        made = operations.attest(work, catalogue, key, new)
        return made.id, made

    return _one(201, await perform_once(request, create, operations.read_pack))


@router.get("/packs", response_model=PackListModel, summary="Content packs of this program, newest first")
async def list_packs(request: Request, limit: Limit = 50, cursor: Cursor = None) -> Response:
    before = read_cursor(cursor)
    page = await perform(request, lambda work: operations.list_packs(work, before=before, at_most=limit))
    more = write_cursor(page.packs[-1].id) if page.more else None
    return reply(200, {"items": [_view(one) for one in page.packs], "next_cursor": more})


@router.post(
    "/packs/{pack_id}/withdrawal",
    response_model=PackModel,
    summary="Withdraw a pack: no new form rests on it, old forms stay readable",
)
async def withdraw_pack(request: Request, pack_id: Uuid, body: WithdrawalBody) -> Response:
    def create(work: Work) -> tuple[UUID, Pack]:
        return pack_id, operations.withdraw(work, pack_id, body.reason)

    return _one(200, await perform_once(request, create, operations.read_pack))


def _one(status: int, pack: Pack) -> Response:
    return reply(status, _view(pack), etag=pack.version)


def _view(pack: Pack) -> dict[str, Any]:
    """Everything about the pack but the wording, which is shown with its instrument and nowhere else."""
    return {
        "id": pack.id,
        "instrument": pack.instrument,
        "instrument_version": pack.document["version"],
        "state": pack.state.value,
        "licence_id": pack.document["licence_id"],
        "holder": pack.document["holder"],
        "attestation": pack.document["attestation"],
        "items": sorted(pack.document["wording"]),
        "sha256": pack.sha256,
        "starts_on": pack.starts_on,
        "expires_on": pack.expires_on,
        "attested_by": pack.attested_by,
        "attested_at": pack.attested_at,
        "withdrawn_because": pack.withdrawn_because,
        "version": pack.version,
    }
