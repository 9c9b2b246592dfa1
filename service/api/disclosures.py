"""Disclosures over HTTP: previewed, made, read, fetched; the accounting of them; what a consent would reach."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from service.api.accounting_shapes import AccountModel, ForesightModel, account_json, foresight_json
from service.api.disclosure_shapes import (
    DisclosureBody,
    DisclosureListModel,
    DisclosureModel,
    PreviewModel,
    StandingDisclosureModel,
    listed_json,
    made_json,
    read_json,
)
from service.api.package_shapes import PackageModel
from service.disclosure import fetching, operations
from service.disclosure.accounting import Rule
from service.disclosure.foresight import preview_consent
from service.disclosure.shown import decision_document
from service.edge.context import state_of
from service.edge.deps import perform, perform_once, reply
from service.edge.models import IsoDate, Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute
from service.work import Work

router = APIRouter(tags=["disclosure"], route_class=StrictRoute)

Explained = Annotated[
    Literal["en", "es"], Query(description="The language in which the decision explains itself.")
]


@router.post(
    "/patients/{patient_id}/disclosures/preview",
    summary="What a disclosure would be; nothing is released",
    response_model=PreviewModel,
)
async def preview_disclosure(
    request: Request, patient_id: Uuid, body: DisclosureBody, language: Explained = "en"
) -> Response:
    rules, asked = state_of(request).disclosure, body.ask()
    decision = await perform(request, lambda work: operations.preview(work, rules, patient_id, asked))
    return reply(200, {"decision": decision_document(decision, rules.words, language)})


@router.post(
    "/patients/{patient_id}/disclosures",
    summary="Disclose: 403 with the decision when no basis covers it, or a person has to settle something first",
    status_code=201,
    response_model=DisclosureModel,
)
async def make_disclosure(request: Request, patient_id: Uuid, body: DisclosureBody) -> Response:
    rules, asked = state_of(request).disclosure, body.ask()

    def create(work: Work) -> tuple[UUID, dict[str, Any]]:
        made = operations.make(work, rules, patient_id, asked)
        return made.id, made_json(made, rules.words)

    def again(work: Work, made: UUID) -> dict[str, Any]:
        return read_json(operations.read(work, rules, made))

    return reply(201, await perform_once(request, create, again))


@router.get(
    "/patients/{patient_id}/disclosures",
    summary="What was disclosed, newest first",
    response_model=DisclosureListModel,
)
async def list_disclosures(
    request: Request, patient_id: Uuid, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    before = read_cursor(cursor)
    page = await perform(
        request, lambda work: operations.list_of(work, patient_id, before=before, at_most=limit)
    )
    last = page.disclosures[-1].id if page.more else None
    return reply(
        200,
        {
            "items": [listed_json(stored) for stored in page.disclosures],
            "next_cursor": None if last is None else write_cursor(last),
        },
    )


@router.get(
    "/disclosures/{disclosure_id}",
    summary="A disclosure, without its records",
    response_model=StandingDisclosureModel,
)
async def read_disclosure(request: Request, disclosure_id: Uuid) -> Response:
    rules = state_of(request).disclosure
    view = await perform(request, lambda work: operations.read(work, rules, disclosure_id))
    stored = view.disclosure
    body = read_json(view) | {
        "patient_id": stored.patient_id,
        "recipient_id": stored.recipient_id,
        "purpose": stored.purpose,
        "channel": stored.channel,
        "disclosed_by": stored.disclosed_by,
        "disclosed_at": stored.disclosed_at,
    }
    return reply(200, body)


@router.get(
    "/disclosures/{disclosure_id}/package",
    summary="The package, decided about again at this moment",
    response_model=PackageModel,
)
async def fetch_package(
    request: Request, disclosure_id: Uuid, form: Annotated[Literal["json"], Query(alias="format")] = "json"
) -> Response:
    rules = state_of(request).disclosure
    return reply(200, await perform(request, lambda work: fetching.fetch(work, rules, disclosure_id)))


@router.get(
    "/patients/{patient_id}/accounting",
    summary="Accounting of disclosures: 42 CFR 2.25 or 45 CFR 164.528",
    response_model=AccountModel,
)
async def read_accounting(
    request: Request,
    patient_id: Uuid,
    rule: Annotated[Literal["part2", "hipaa"], Query()] = "part2",
    since: Annotated[IsoDate | None, Query(alias="from")] = None,
) -> Response:
    account = await perform(
        request, lambda work: operations.accounting(work, patient_id, Rule(rule), since=since)
    )
    return reply(200, account_json(account))


@router.post(
    "/consents/{consent_id}/preview",
    summary="Which of today's items would reach whom",
    response_model=ForesightModel,
)
async def preview_reach(
    request: Request, consent_id: Uuid, language: Annotated[Literal["en", "es"] | None, Query()] = None
) -> Response:
    rules = state_of(request).disclosure
    found = await perform(request, lambda work: preview_consent(work, rules, consent_id, language))
    return reply(200, foresight_json(found, rules.words))
