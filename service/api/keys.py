"""Keys over HTTP: which there are, new ones asked for, and the destruction of a patient's record by two people. Nobody
sees a key.
"""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.api.key_shapes import (
    DecisionBody,
    InventoryModel,
    NewRotationBody,
    NewShreddingBody,
    RotationModel,
    ShreddingModel,
)
from service.custody import key_list
from service.custody.rotations import operations as rotations
from service.custody.shredding import operations
from service.custody.shredding.destruction import Shredding
from service.custody.shredding.operations import Attester
from service.edge.context import state_of
from service.edge.deps import perform, perform_once, reply
from service.edge.models import Uuid
from service.edge.strict import StrictRoute
from service.ids import SERVICE_PROGRAM
from service.ledger.checkpoint import origin_of
from service.vault.rotating.records import Rotation
from service.work import Work

router = APIRouter(prefix="/keys", tags=["custody"], route_class=StrictRoute)


@router.get("", response_model=InventoryModel, summary="Which keys there are in this program; never a key")
async def list_keys(request: Request) -> Response:
    kms = state_of(request).mechanisms.vault.kms
    found = await perform(request, lambda work: key_list.keys_of_program(work, kms))
    epochs = [{"id": one.id.hex(), "active": one.active, "created_at": one.created} for one in found.epochs]
    keys = [
        {
            "purpose": one.purpose.value,
            "state": one.state.value,
            "keys": one.keys,
            "uses": one.uses,
            "oldest_at": one.oldest,
        }
        for one in found.keys
    ]
    unfinished = {"destructions": found.unfinished, "since": found.unfinished_since}
    newest = [_rotation(one) for one in found.rotations]
    return reply(200, {"epochs": epochs, "keys": keys, "rotations": newest, "unfinished": unfinished})


@router.post(
    "/rotations",
    status_code=202,
    response_model=RotationModel,
    summary="Ask for new keys; the service puts them in place while it works",
)
async def ask_for_rotation(request: Request, body: NewRotationBody) -> Response:
    def create(work: Work) -> tuple[UUID, Rotation]:
        asked = rotations.ask_for_rotation(work, body.kind)
        return asked.id, asked

    return reply(202, _rotation(await perform_once(request, create, rotations.read_rotation)))


@router.get("/rotations/{rotation_id}", response_model=RotationModel, summary="How far a rotation of keys is")
async def read_rotation(request: Request, rotation_id: Uuid) -> Response:
    found = await perform(request, lambda work: rotations.read_rotation(work, rotation_id))
    return reply(200, _rotation(found))


@router.post(
    "/shreddings",
    status_code=201,
    response_model=ShreddingModel,
    summary="Ask for a patient's record to be destroyed",
)
async def ask_for_shredding(request: Request, body: NewShreddingBody) -> Response:
    book = state_of(request).retention

    def create(work: Work) -> tuple[UUID, Shredding]:
        made = operations.ask(work, book, body.patient_id, body.basis, body.reason)
        return made.id, made

    return _one(201, await perform_once(request, create, operations.read_shredding))


@router.get(
    "/shreddings/{shredding_id}", response_model=ShreddingModel, summary="One request, and its receipt"
)
async def read_shredding(request: Request, shredding_id: Uuid) -> Response:
    return _one(200, await perform(request, lambda work: operations.read_shredding(work, shredding_id)))


@router.post(
    "/shreddings/{shredding_id}/approval",
    response_model=ShreddingModel,
    summary="Destroy the record, or decline to; somebody else than who asked",
)
async def decide_shredding(request: Request, shredding_id: Uuid, body: DecisionBody) -> Response:
    state = state_of(request)
    name = origin_of(state.settings.deployment, str(SERVICE_PROGRAM))
    attester = Attester(name, state.sequencer.signer)

    def act(work: Work) -> tuple[UUID, Shredding]:
        approved = body.decision == "approved"
        return shredding_id, operations.decide(
            work, state.retention, attester, shredding_id, approved=approved
        )

    decided = await perform_once(request, act, operations.read_shredding)
    # committed: here at once, in the other processes with their next call
    state.mechanisms.vault.forget()
    return _one(200, decided)


def _rotation(one: Rotation) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind,
        "began_at": one.began_at,
        "ended_at": one.ended_at,
        "done": one.done,
    }


def _one(status: int, one: Shredding) -> Response:
    view: dict[str, Any] = {
        "id": one.id,
        "patient_id": one.patient_id,
        "state": one.state.value,
        "basis": one.basis,
        "reason": one.reason,
        "asked_by": one.asked_by,
        "asked_at": one.asked_at,
        "decided_by": one.decided_by,
        "decided_at": one.decided_at,
        "finished_at": one.finished_at,
        "receipt": one.receipt,
        "receipt_note": one.note,
        "version": one.version,
    }
    return reply(status, view, etag=one.version)
