"""Proofs of the trail over HTTP: checkpoints, tiles, inclusion and consistency, and what witnesses hand in.

`checkpoint` and `tile/...` below `/api/v1/audit` are a C2SP tlog-tiles log, but for two things: who reads has to say who
they are, and `tree=service` asks for the tree of sign-ins and administration. Reading is an act with an entry of its
own, so nothing is cached.
"""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from service.api.audit_shapes import ConsistencyProofModel, InclusionProofModel, consistency, inclusion
from service.custody import proving
from service.custody.proving import Witnessed
from service.edge.context import state_of
from service.edge.deps import perform, reply
from service.edge.models import StrictModel, Uuid
from service.edge.strict import StrictRoute

router = APIRouter(prefix="/audit", tags=["audit"], route_class=StrictRoute)

TreeName = Annotated[
    Literal["program", "service"],
    Query(description="The program's tree, or that of sign-ins and administration."),
]
Size = Annotated[int, Query(ge=0, le=2**63 - 1)]
Signed = Annotated[
    int | None,
    Query(ge=0, le=2**63 - 1, description="The signed checkpoint of this size; default the newest."),
]
_NOTE = {"text/plain": {"schema": {"type": "string"}}}


class CosignedBody(StrictModel):
    """A checkpoint of this log with the lines of witnesses below the log's own."""

    checkpoint: Annotated[str, Field(min_length=1, max_length=65_536)]
    tree: Literal["program", "service"] = "program"


class CosignatureModel(BaseModel):
    witness: str
    signed_at: int = Field(description="Seconds since the epoch, as the witness says.")


class WitnessedModel(BaseModel):
    """What the checkpoint of this size is served with from now on."""

    size: int
    checkpoint: str
    cosignatures: list[CosignatureModel]


@router.get(
    "/entries/{entry_id}/proof",
    response_model=InclusionProofModel,
    summary="Inclusion proof of one entry",
    responses={200: {"content": _NOTE, "description": "The proof; as text a C2SP tlog-proof."}},
)
async def prove_entry(
    request: Request,
    entry_id: Uuid,
    size: Signed = None,
    format: Annotated[Literal["json", "tlog-proof"], Query()] = "json",
) -> Response:
    proof = await perform(request, lambda work: proving.prove_entry(work, entry_id, size))
    if format == "json":
        return reply(200, inclusion(proof))
    name = f'attachment; filename="{entry_id}.tlog-proof"'
    return Response(
        proof.as_text, media_type="text/plain; charset=utf-8", headers={"Content-Disposition": name}
    )


@router.get(
    "/checkpoint",
    response_class=Response,
    summary="The newest signed checkpoint",
    responses={200: {"content": _NOTE, "description": "A C2SP signed note, with what witnesses signed."}},
)
async def newest_checkpoint(request: Request, tree: TreeName = "program", size: Signed = None) -> Response:
    note = await perform(request, lambda work: proving.checkpoint(work, size, service_tree=tree == "service"))
    return Response(note, media_type="text/plain; charset=utf-8")


@router.get(
    "/consistency", response_model=ConsistencyProofModel, summary="Consistency proof between two sizes"
)
async def prove_consistency(
    request: Request,
    first: Size,
    second: Annotated[int | None, Query(ge=0, le=2**63 - 1)] = None,
    tree: TreeName = "program",
) -> Response:
    proof = await perform(
        request,
        lambda work: proving.prove_consistency(work, first, second, service_tree=tree == "service"),
    )
    return reply(200, consistency(proof))


@router.get(
    "/tile/{coordinates:path}",
    response_class=Response,
    summary="A tile of hashes, or a bundle of entries",
    responses={
        200: {
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
            "description": "32-byte hashes in a row, or entries behind their two-byte lengths (C2SP tlog-tiles).",
        }
    },
)
async def read_tile(
    request: Request,
    coordinates: Annotated[
        str,
        Path(max_length=64, description="<level>/<number> or entries/<number>, with .p/<width> if partial."),
    ],
    tree: TreeName = "program",
) -> Response:
    content = await perform(
        request, lambda work: proving.read_tile(work, coordinates, service_tree=tree == "service")
    )
    return Response(content, media_type="application/octet-stream")


@router.post(
    "/cosignatures",
    response_model=WitnessedModel,
    summary="Hand in what witnesses signed",
)
async def add_cosignatures(request: Request, body: CosignedBody) -> Response:
    witnesses = state_of(request).witnesses
    kept = await perform(
        request,
        lambda work: proving.witness(work, witnesses, body.checkpoint, service_tree=body.tree == "service"),
    )
    return reply(200, _witnessed(kept))


def _witnessed(kept: Witnessed) -> dict[str, object]:
    return {
        "size": kept.size,
        "checkpoint": kept.checkpoint,
        "cosignatures": [{"witness": one.name, "signed_at": one.time} for one in kept.witnesses],
    }
