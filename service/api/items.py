"""Record items over HTTP: one item written or read, and the chart of a patient."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from service.edge.deps import perform, perform_once, reply
from service.edge.models import IsoDate, LongText, StrictModel, Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute
from service.errors import Code, Invalid
from service.record import operations
from service.record.item import (
    Item,
    Kind,
    NewItem,
    NoteClass,
    Provenance,
    labels_from,
    note_class_of,
    regime_of,
)
from service.record.operations import Chart
from service.work import Work

router = APIRouter(tags=["record"], route_class=StrictRoute)

KindCode = Annotated[Kind, Field(strict=False)]
NoteClassName = Literal["ordinary", "sud_counseling_note", "psychotherapy_note"]
ProvenanceName = Literal["own", "quotes_part2", "received_part2"]
LabelCode = Annotated[str, Field(min_length=1, max_length=16)]


class NewItemBody(StrictModel):
    """An item of a unit of this program. Without labels it is treated as sensitive."""

    kind: KindCode
    note_class: NoteClassName | None = Field(
        default=None, description="Follows from the kind; a value that contradicts it is refused."
    )
    unit: Annotated[str, Field(min_length=1, max_length=41)]
    labels: Annotated[list[LabelCode], Field(max_length=20)] | None = Field(
        default=None, description="SUD, PSY, HIV, STD, SDV, REPRO; ETH is read as SUD."
    )
    content: LongText | dict[str, Any]
    dated_on: IsoDate | None = None
    confidential_communication: bool = Field(
        default=True,
        description="What the patient told the program: an order opens it only under 42 CFR 2.63.",
    )
    provenance: ProvenanceName = Field(
        default="own", description="Whose words these are. What repeats Part 2 records is under Part 2."
    )
    kept_separately: bool | None = Field(
        default=None, description="Follows from the kind: session notes are, nothing else is."
    )
    quotes: Annotated[list[Uuid], Field(max_length=50)] = Field(
        default_factory=list[Uuid], description="Items of this patient whose words this one repeats."
    )


class ItemModel(BaseModel):
    id: UUID
    patient_id: UUID
    kind: Kind
    note_class: NoteClassName
    unit: str
    regime: Literal["part2", "hipaa_only"] | None
    categories: list[str]
    state: Literal["draft", "final", "amended", "entered_in_error"]
    dated_on: str
    version: int
    author: UUID
    confidential_communication: bool
    provenance: ProvenanceName
    kept_separately: bool
    quotes: list[UUID]
    content: str | dict[str, Any]
    created_at: str
    changed_at: str


class ListedItemModel(BaseModel):
    id: UUID
    kind: Kind
    note_class: NoteClassName
    unit: str
    regime: Literal["part2", "hipaa_only"] | None
    categories: list[str]
    state: Literal["draft", "final", "amended", "entered_in_error"]
    dated_on: str
    version: int
    confidential_communication: bool
    provenance: ProvenanceName
    kept_separately: bool


class WithheldModel(BaseModel):
    category: Kind
    count: int
    reason: str
    citation: str


class ChartModel(BaseModel):
    items: list[ListedItemModel]
    withheld: list[WithheldModel]
    next_cursor: str | None


@router.post(
    "/patients/{patient_id}/items", status_code=201, response_model=ItemModel, summary="Write an item"
)
async def write_item(request: Request, patient_id: Uuid, body: NewItemBody) -> Response:
    labels, faults = labels_from(body.labels)
    if faults:
        raise Invalid(Code.ITEM_INVALID, "The item cannot be kept like this.", faults)
    new = NewItem(
        patient_id=patient_id,
        kind=body.kind,
        note_class=NoteClass(body.note_class) if body.note_class else note_class_of(body.kind),
        unit=body.unit,
        labels=labels,
        content=body.content,
        dated_on=body.dated_on,
        confidential_communication=body.confidential_communication,
        provenance=Provenance(body.provenance),
        kept_separately=body.kept_separately,
        quotes=frozenset(body.quotes),
    )

    def create(work: Work) -> tuple[UUID, dict[str, Any]]:
        item_id, item = operations.write_item(work, new)
        return item_id, _item(work, item)

    def again(work: Work, item_id: UUID) -> dict[str, Any]:
        return _item(work, operations.read_item(work, item_id))

    view = await perform_once(request, create, again)
    return reply(201, view, etag=view["version"], headers={"Location": f"/api/v1/items/{view['id']}"})


@router.get("/items/{item_id}", response_model=ItemModel, summary="Read an item")
async def read_item(request: Request, item_id: Uuid) -> Response:
    view = await perform(request, lambda work: _item(work, operations.read_item(work, item_id)))
    return reply(200, view, etag=view["version"])


@router.get(
    "/patients/{patient_id}/record", response_model=ChartModel, summary="The chart, as far as you may use it"
)
async def read_record(
    request: Request, patient_id: Uuid, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    before = read_cursor(cursor)
    chart = await perform(
        request, lambda work: operations.read_record(work, patient_id, before=before, at_most=limit)
    )
    return reply(200, _chart(chart))


def _item(work: Work, item: Item) -> dict[str, Any]:
    regime = regime_of(work.program.units.get(item.unit), item.provenance)
    return {
        "id": item.id,
        "patient_id": item.patient_id,
        "kind": item.kind.value,
        "note_class": item.note_class.value,
        "unit": item.unit,
        "regime": regime.value if regime else None,
        "categories": operations.codes(item.labels),
        "state": item.state.value,
        "dated_on": item.dated_on,
        "version": item.version,
        "author": item.author_id,
        "confidential_communication": item.confidential_communication,
        "provenance": item.provenance.value,
        "kept_separately": item.kept_separately,
        "quotes": sorted(item.quotes),
        "content": item.content,
        "created_at": item.created_at,
        "changed_at": item.changed_at,
    }


def _chart(chart: Chart) -> dict[str, Any]:
    return {
        "items": [
            {
                "id": item.id,
                "kind": item.kind.value,
                "note_class": item.note_class.value,
                "unit": item.unit,
                "regime": item.regime.value if item.regime else None,
                "categories": operations.codes(item.labels),
                "state": item.state.value,
                "dated_on": item.dated_on,
                "version": item.version,
                "confidential_communication": item.confidential_communication,
                "provenance": item.provenance.value,
                "kept_separately": item.kept_separately,
            }
            for item in chart.items
        ],
        "withheld": [
            {
                "category": one.category.value,
                "count": one.count,
                "reason": one.reason,
                "citation": one.citation,
            }
            for one in chart.withheld
        ],
        "next_cursor": write_cursor(chart.last) if chart.more and chart.last else None,
    }
