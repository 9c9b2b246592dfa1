"""Sensitivity labels of an item on a page: raised by staff with a button, lowered by compliance with a reason.

Compliance reads no content: the page of an item asks which labels go and why, shows what that would open, and does it.
"""

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.access.caller import Role
from service.disclosure.lowering import Opens, relabel
from service.edge.context import state_of
from service.edge.forms import read_form
from service.edge.models import Uuid
from service.errors import Code, ConsentryError, Invalid, Stale
from service.identity.operations import me
from service.intake.medical.labelling import Relabelled, Relabelling
from service.labels import Label
from service.web import cookies
from service.web.medical_carried import version_in
from service.web.medical_words import LABELS
from service.web.pages import (
    PageRoute,
    Viewer,
    go,
    once_key,
    perform_on_page,
    perform_once_on_page,
    render,
    viewer_of,
)
from service.work import Work

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_MOST_REASON: Final = 4000
Shown = tuple[Relabelled, tuple[Opens, ...]]


@router.get("/items/{item_id}/labels")
async def labels_page(request: Request, item_id: Uuid) -> Response:
    return await _show(request, item_id)


@router.post("/items/{item_id}/labels")
async def change_labels(request: Request, item_id: Uuid) -> Response:
    sent = await read_form(request)
    cookies.check_form(request, sent, cookies.SESSION)
    asked = Relabelling(
        raised=_chosen(sent, "raise:"),
        lowered=_chosen(sent, "lower:"),
        reason=sent.get("reason", "").strip()[:_MOST_REASON] or None,
        preview=sent.get("act") == "preview",
    )
    expected = version_in(sent) if "version" in sent else None

    book = state_of(request).rulebook

    def create(work: Work) -> tuple[UUID, Shown]:
        return item_id, relabel(work, book, item_id, asked, expected=expected)

    def again(work: Work, made: UUID) -> Shown:
        return relabel(work, book, made, asked, replay=True)

    try:
        shown = await perform_once_on_page(request, sent, create, again)
    except (Invalid, Stale) as error:
        return await _show(request, item_id, 409 if isinstance(error, Stale) else 422, sent=sent, error=error)
    if asked.raised and "back" in sent:
        return go(_section(sent))
    return await _show(request, item_id, sent=sent if asked.preview else None, shown=shown)


def _section(sent: dict[str, str]) -> str:
    """The section the button stood in; a path of ours whatever was sent."""
    try:
        patient_id = UUID(sent.get("patient_id", ""))
    except ValueError:
        raise Invalid(Code.INVALID_REQUEST, "This form is not complete. Go back and try again.") from None
    key = sent["back"]
    known = key.isascii() and key.replace("_", "").isalnum()
    return f"/patients/{patient_id}/medical/{key}" if known else f"/patients/{patient_id}/medical"


def _chosen(sent: dict[str, str], prefix: str) -> frozenset[Label]:
    return frozenset(label for label in Label if prefix + label.value in sent)


async def _show(
    request: Request,
    item_id: UUID,
    status: int = 200,
    *,
    sent: dict[str, str] | None = None,
    shown: Shown | None = None,
    error: ConsentryError | None = None,
) -> Response:
    """The form; with `shown` what was done or, of a preview, would be. It says nothing about the item by itself."""

    def unit(work: Work) -> tuple[Viewer, bool]:
        me(work)
        return viewer_of(request, work), Role.COMPLIANCE in work.caller.roles

    viewer, lowering = await perform_on_page(request, unit)
    return render(
        "labels.html",
        status,
        viewer,
        item_id=item_id,
        lowering=lowering,
        sent=sent or {},
        one=None if shown is None else shown[0],
        opens=() if shown is None else shown[1],
        preview=sent is not None and shown is not None,
        error=error,
        once=once_key(),
        label_words=LABELS,
    )
