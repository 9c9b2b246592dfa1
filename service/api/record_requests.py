"""Requests of outside parties over HTTP: a package, or one refusal that is the same in every byte (42 CFR 2.13(c))."""

import asyncio
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from service.api.package_shapes import PackageModel
from service.clock import monotonic
from service.disclosure.asking import known_categories
from service.disclosure.requesting import RecordsAsked, request_again, request_records
from service.edge.context import state_of
from service.edge.deps import perform_once, reply
from service.edge.models import IsoDate, ShortText, StrictModel
from service.edge.strict import StrictRoute
from service.errors import ConsentryError
from service.work import Work

router = APIRouter(tags=["disclosure"], route_class=StrictRoute)

#: No refusal is heard before this many seconds: finding somebody and judging their items takes milliseconds that
#: finding nobody does not, and the difference must not be measurable from outside.
FLOOR_SECONDS = 0.25


class SoughtPatientModel(StrictModel):
    """The person as the requester knows them; all that is given must match exactly."""

    family_name: ShortText
    given_name: ShortText
    birth_date: IsoDate
    identifier: ShortText | None = None


class RecordRequestBody(StrictModel):
    """Whose records and what for. The purpose stated here is the only one that counts."""

    patient: SoughtPatientModel
    purpose: ShortText
    categories: list[ShortText] | None = Field(default=None, min_length=1, max_length=50)

    def asked(self) -> RecordsAsked:
        return RecordsAsked(
            family_name=self.patient.family_name,
            given_name=self.patient.given_name,
            birth_date=self.patient.birth_date,
            identifier=self.patient.identifier,
            purpose=self.purpose,
            categories=None if self.categories is None else known_categories(self.categories),
        )


class DeliveredModel(BaseModel):
    """The package: notice, explanation and items. It says nothing about what it does not hold."""

    package: PackageModel


@router.post(
    "/record-requests",
    summary="For outside requesters: exactly what a consent lets them have, or one refusal",
    response_model=DeliveredModel,
)
async def request_package(request: Request, body: RecordRequestBody) -> Response:
    started = monotonic()
    rules, asked = state_of(request).disclosure, body.asked()

    def create(work: Work) -> tuple[UUID, dict[str, Any] | None]:
        return request_records(work, rules, asked)

    def again(work: Work, made: UUID) -> dict[str, Any] | None:
        return request_again(work, rules, asked, made)

    try:
        package = await perform_once(request, create, again)
    except ConsentryError:
        await asyncio.sleep(max(0.0, FLOOR_SECONDS - (monotonic() - started)))
        raise
    return reply(200, {"package": package})
