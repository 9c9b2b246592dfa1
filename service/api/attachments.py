"""Attachments over HTTP. The file is the body, as it is, under its own Content-Type: `curl --data-binary @order.pdf`, or
`fetch` with a file from a form. What is said about it stands beside: kind and subject are codes and ids in the query,
the title, which may name somebody, in a header, because addresses end up in logs.
"""

from typing import Annotated, Any, Final, Literal
from urllib.parse import unquote
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel

from service.edge.deps import perform, perform_once, reply
from service.edge.models import LongText, StrictModel, Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute
from service.errors import Code, FieldError, Invalid
from service.record.attachments import operations
from service.record.attachments.content import SUFFIXES, AttachmentKind, MediaType, SubjectKind
from service.record.attachments.operations import NewAttachment
from service.record.attachments.sealing import Attachment
from service.work import Work

router = APIRouter(tags=["record"], route_class=StrictRoute)

_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
_FILES: Final = {media_type.value: _BINARY for media_type in MediaType}
_UPLOAD: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "The file, at most 10 MiB; its content has to be what Content-Type says.",
        "content": _FILES,
    }
}
#: A saved file, never a page: whatever its content, nothing of it runs in this origin.
_SAVED: Final = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox"}
MOST_TITLE: Final = 200

Title = Annotated[
    str | None,
    Header(
        alias="Attachment-Title",
        pattern=r"^[!-~]{1,2400}$",
        description="What the paper is called, at most 200 characters, percent-encoded UTF-8.",
    ),
]


class ErrorBody(StrictModel):
    reason: LongText


class AttachmentModel(BaseModel):
    """`media_type` is what the content is; `sha256` that of the file as it came."""

    id: UUID
    patient_id: UUID
    kind: str
    title: str
    media_type: str
    size: int
    sha256: str
    subject_kind: str | None
    subject_id: UUID | None
    state: Literal["kept", "entered_in_error"]
    version: int
    added_by: UUID
    added_at: str
    error_reason: str


class AttachmentsModel(BaseModel):
    items: list[AttachmentModel]
    next_cursor: str | None


@router.post(
    "/patients/{patient_id}/attachments",
    status_code=201,
    response_model=AttachmentModel,
    summary="Attach a PDF, PNG, JPEG or TIFF: scanned consent, order, identity paper",
    openapi_extra=_UPLOAD,
)
async def add_attachment(
    request: Request,
    patient_id: Uuid,
    kind: Annotated[AttachmentKind, Query()],
    subject_kind: Annotated[SubjectKind | None, Query()] = None,
    subject_id: Annotated[Uuid | None, Query()] = None,
    title: Title = None,
) -> Response:
    new = NewAttachment(
        kind=kind,
        claimed=request.headers.get("content-type", ""),
        content=await request.body(),
        title=_title(title),
        subject_kind=subject_kind,
        subject_id=subject_id,
    )

    def create(work: Work) -> tuple[UUID, Attachment]:
        added = operations.add_attachment(work, patient_id, new)
        return added.id, added

    return _one(201, await perform_once(request, create, operations.read_attachment))


@router.get(
    "/patients/{patient_id}/attachments",
    response_model=AttachmentsModel,
    summary="Newest first, without content",
)
async def list_attachments(
    request: Request, patient_id: Uuid, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    before = read_cursor(cursor)
    page = await perform(
        request, lambda work: operations.list_attachments(work, patient_id, before=before, at_most=limit)
    )
    following = write_cursor(page.attachments[-1].id) if page.more else None
    return reply(200, {"items": [_json(one) for one in page.attachments], "next_cursor": following})


@router.get("/attachments/{attachment_id}", response_model=AttachmentModel, summary="One, without content")
async def read_attachment(request: Request, attachment_id: Uuid) -> Response:
    return _one(200, await perform(request, lambda work: operations.read_attachment(work, attachment_id)))


@router.get(
    "/attachments/{attachment_id}/content",
    response_class=Response,
    responses={
        200: {"content": _FILES, "description": "The file as it came, to be saved, never shown in place"}
    },
    summary="The file",
)
async def read_attachment_content(request: Request, attachment_id: Uuid) -> Response:
    found, content = await perform(request, lambda work: operations.read_content(work, attachment_id))
    name = f"attachment-{found.id}.{SUFFIXES[found.media_type]}"
    headers = _SAVED | {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=found.media_type.value, headers=headers)


@router.post(
    "/attachments/{attachment_id}/error",
    response_model=AttachmentModel,
    summary="Mark as entered in error: kept, and shown as that",
)
async def mark_attachment_as_error(request: Request, attachment_id: Uuid, body: ErrorBody) -> Response:
    def create(work: Work) -> tuple[UUID, Attachment]:
        return attachment_id, operations.mark_attachment_error(work, attachment_id, body.reason)

    return _one(200, await perform_once(request, create, operations.read_attachment))


def _title(given: str | None) -> str:
    try:
        title = unquote(given or "", errors="strict")
    except UnicodeDecodeError:
        title = "\x00"
    if len(title) > MOST_TITLE or not (title == "" or title.isprintable()):
        fault = FieldError(
            "attachment-title", "not_acceptable", "At most 200 printable characters, percent-encoded."
        )
        raise Invalid(Code.INVALID_REQUEST, "Some fields are not acceptable.", [fault])
    return title


def _one(status: int, attachment: Attachment) -> Response:
    return reply(status, _json(attachment), etag=attachment.version)


def _json(attachment: Attachment) -> dict[str, Any]:
    subject = attachment.subject_kind
    return {
        "id": attachment.id,
        "patient_id": attachment.patient_id,
        "kind": attachment.kind.value,
        "title": attachment.title,
        "media_type": attachment.media_type.value,
        "size": attachment.size,
        "sha256": attachment.sha256,
        "subject_kind": None if subject is None else subject.value,
        "subject_id": attachment.subject_id,
        "state": attachment.state.value,
        "version": attachment.version,
        "added_by": attachment.added_by,
        "added_at": attachment.added_at,
        "error_reason": attachment.error_reason,
    }
