"""The instruments of this installation: wording, options, rules and licence, for whoever renders a form."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from service.access.actions import Action
from service.edge.context import state_of
from service.edge.deps import perform, reply
from service.edge.strict import StrictRoute
from service.errors import Code, NotFound
from service.intake.instrument import Catalogue, Instrument, PatternBand, TotalBand
from service.work import Work

router = APIRouter(prefix="/instruments", tags=["intake"], route_class=StrictRoute)


class OptionModel(BaseModel):
    value: int
    label: str
    code: str | None


class ItemModel(BaseModel):
    """`declined` says what the word "declined" does: `answer` counts, `missing` leaves the item unanswered."""

    key: str
    text: str
    options: list[OptionModel]
    required: bool
    scored: bool
    declined: str
    asked_when: dict[str, Any] | None
    code: str | None


class BandModel(BaseModel):
    """By total (`first` to `last`), or by pattern of answers (neither)."""

    key: str
    label: str
    first: int | None
    last: int | None


class InstrumentModel(BaseModel):
    key: str
    version: int
    title: str
    purpose: str
    instruction: str
    source: str
    licence: dict[str, str]
    labels: list[str]
    rule_version: str
    codes: dict[str, str | None]
    code_notice: str | None
    items: list[ItemModel]
    bands: list[BandModel]


class InstrumentListModel(BaseModel):
    items: list[InstrumentModel]
    next_cursor: str | None


@router.get("", response_model=InstrumentListModel, summary="All instruments, current versions")
async def list_instruments(request: Request) -> Response:
    catalogue = state_of(request).instruments

    def unit(work: Work) -> tuple[Instrument, ...]:
        return _allowed(work, catalogue).current()

    found = await perform(request, unit)
    return reply(200, {"items": [_view(catalogue, one) for one in found], "next_cursor": None})


@router.get("/{key}", response_model=InstrumentModel, summary="One instrument, current version")
async def read_instrument(request: Request, key: str) -> Response:
    catalogue = state_of(request).instruments

    def unit(work: Work) -> Instrument:
        instrument = _allowed(work, catalogue).find(key)
        if instrument is None:
            raise NotFound(Code.NOT_FOUND, "There is no such instrument.")
        return instrument

    return reply(200, _view(catalogue, await perform(request, unit)))


def _allowed(work: Work, catalogue: Catalogue) -> Catalogue:
    """The catalogue, for a caller who may read it; it holds nothing about anybody."""
    work.require(Action.INSTRUMENT_READ, object_kind="instrument")
    work.record(action=Action.INSTRUMENT_READ, object_kind="instrument", object_id=None)
    return catalogue


def _view(catalogue: Catalogue, instrument: Instrument) -> dict[str, Any]:
    coded = instrument.panel_code or any(item.code for item in instrument.items)
    return {
        "key": instrument.key,
        "version": instrument.version,
        "title": instrument.title,
        "purpose": instrument.purpose,
        "instruction": instrument.instruction,
        "source": instrument.source,
        "licence": {"name": instrument.licence.name, "text": instrument.licence.text},
        "labels": sorted(instrument.labels),
        "rule_version": instrument.rule_version,
        "codes": {"panel": instrument.panel_code, "total": instrument.total_code},
        "code_notice": catalogue.code_notice if coded else None,
        "items": [
            {
                "key": item.key,
                "text": item.text,
                "options": [
                    {"value": option.value, "label": option.label, "code": option.code}
                    for option in item.options
                ],
                "required": item.required,
                "scored": item.scored,
                "declined": "answer" if item.declined_answers else "missing",
                "asked_when": None
                if item.asked_when is None
                else {
                    "any_of": list(item.asked_when.any_of),
                    "at_least": item.asked_when.at_least,
                    "declined": item.asked_when.declined,
                },
                "code": item.code,
            }
            for item in instrument.items
        ],
        "bands": [_band(band) for band in instrument.scoring.bands],
    }


def _band(band: TotalBand | PatternBand) -> dict[str, Any]:
    limits = (band.first, band.last) if isinstance(band, TotalBand) else (None, None)
    return {"key": band.key, "label": band.label, "first": limits[0], "last": limits[1]}
