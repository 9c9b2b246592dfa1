"""Forms over HTTP: their words, and one signature event at a time. There is no call that signs several."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from service.admission.packet import forms
from service.admission.packet.model import Outcome
from service.admission.packet.sealing import SignatureEvent
from service.admission.packet.signing import NewSignature, Reader, Signer
from service.api.packet_form_shapes import (
    FormTextModel,
    SignatureModel,
    SignaturesModel,
    signature_view,
    text_view,
)
from service.edge.context import state_of
from service.edge.deps import perform, perform_once, reply
from service.edge.models import LongText, ShortText, StrictModel, Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute
from service.work import Work

router = APIRouter(tags=["packet"], route_class=StrictRoute)

FormKey = Annotated[str, Path(pattern=r"^[A-Za-z0-9_]{1,40}$", max_length=40)]
Language = Annotated[str, Query(pattern=r"^[a-z]{2}$", max_length=2)]
#: An answer is given by somebody: true, false or words. What is left out was not answered.
AnswerValue = bool | Annotated[str, Field(max_length=500)] | None


class SignerBody(StrictModel):
    """Who signs; `authority` where somebody signs for the patient."""

    role: Literal["patient", "parent", "guardian", "personal_representative"]
    name: ShortText
    authority: ShortText | None = None


class ReaderBody(StrictModel):
    """How the words reached the signer."""

    how: Literal["self", "read_aloud", "interpreter"]
    interpreter_id: ShortText | None = None
    interpreter_name: ShortText | None = None


class NewSignatureBody(StrictModel):
    """One event on one form. `text_sha256` is the hash of the words that were shown."""

    outcome: Literal["signed", "given", "declined"]
    text_version: ShortText
    text_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")]
    reader: ReaderBody
    device: Literal["staff_device", "shared_tablet", "own_device", "paper"]
    signer: SignerBody | None = None
    witness: ShortText | None = None
    attestation: LongText | None = None
    reason: ShortText | None = None
    answers: dict[Annotated[str, Field(max_length=40)], AnswerValue] = Field(
        default_factory=dict[str, AnswerValue], max_length=40
    )


@router.get("/forms/{key}", response_model=FormTextModel, summary="The words of a form in force today")
async def read_form(request: Request, key: FormKey, language: Language = "en") -> Response:
    library = state_of(request).packet
    text = await perform(request, lambda work: forms.read_text(work, library, key, language))
    return reply(200, text_view(text, key))


@router.post(
    "/patients/{patient_id}/forms/{key}",
    status_code=201,
    response_model=SignatureModel,
    summary="Sign, note as given, or decline one form",
)
async def sign_form(request: Request, patient_id: Uuid, key: FormKey, body: NewSignatureBody) -> Response:
    library, new = state_of(request).packet, _new(body)

    def act(work: Work) -> tuple[UUID, SignatureEvent | None]:
        made = forms.sign(work, library, patient_id, key, new)
        return (made, None) if isinstance(made, UUID) else (made.id, made)

    made = await perform_once(request, act, forms.signature_or_refusal)
    if made is None:
        raise RuntimeError("what could not be signed is answered with its error")
    return reply(201, signature_view(made))


@router.get(
    "/patients/{patient_id}/forms",
    response_model=SignaturesModel,
    summary="Signature events, newest first; superseded ones stay",
)
async def list_signatures(
    request: Request,
    patient_id: Uuid,
    form: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_]{1,40}$", max_length=40)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    before = read_cursor(cursor)
    page = await perform(
        request,
        lambda work: forms.list_signatures(work, patient_id, form=form, before=before, at_most=limit),
    )
    more = write_cursor(page.events[-1].id) if page.more else None
    return reply(200, {"items": [signature_view(one) for one in page.events], "next_cursor": more})


@router.get(
    "/form-signatures/{signature_id}",
    response_model=SignatureModel,
    summary="One signature event with the exact text that was signed",
)
async def read_signature(request: Request, signature_id: Uuid) -> Response:
    event = await perform(request, lambda work: forms.read_signature(work, signature_id))
    return reply(200, signature_view(event))


def _new(body: NewSignatureBody) -> NewSignature:
    signer, reader = body.signer, body.reader
    return NewSignature(
        outcome=Outcome(body.outcome),
        text_version=body.text_version,
        text_sha256=body.text_sha256,
        language=body.language,
        reader=Reader(reader.how, reader.interpreter_id, reader.interpreter_name),
        device=body.device,
        signer=None if signer is None else Signer(signer.role, signer.name, signer.authority),
        witness=body.witness,
        attestation=body.attestation,
        reason=body.reason,
        answers=dict(body.answers),
    )
