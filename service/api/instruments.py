"""The instruments of this installation: wording, options, rules and licence, for whoever renders a form."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from service.access.actions import Action
from service.edge.context import state_of
from service.edge.deps import perform, reply
from service.edge.models import IsoDate, Uuid
from service.edge.strict import StrictRoute
from service.errors import Code, NotFound
from service.fhir.form import is_coded
from service.intake.conditions import condition_to_json
from service.intake.context import ContextField
from service.intake.instrument import Band, Catalogue, Item, Option
from service.intake.packs.operations import Shown, shown_instruments
from service.intake.packs.pack import EXPIRED_NOTE, PACK_NOTE, PAPER_NOTE, Standing
from service.work import Work

router = APIRouter(prefix="/instruments", tags=["intake"], route_class=StrictRoute)


class OptionModel(BaseModel):
    """`value` is what a form sends: a whole number, or a word of a multiple choice (a list of words). `points`
    is what it adds. An `exclusive` option stands alone.
    """

    value: int | str
    label: str
    points: int
    exclusive: bool
    code: str | None


class VariantModel(BaseModel):
    """How the item differs when the condition on the context holds; null: as in the item."""

    when: dict[str, Any]
    text: str | None
    options: list[OptionModel] | None
    code: str | None


class ItemModel(BaseModel):
    """`declined` says what the word "declined" does: `answer` counts, `missing` leaves the item unanswered.

    `measured_by` names a context field whose value answers the item.
    """

    key: str
    section: str | None
    text: str
    options: list[OptionModel]
    multiple: bool
    required: bool
    scored: bool
    declined: str
    asked_when: dict[str, Any] | None
    variants: list[VariantModel]
    measured_by: str | None
    code: str | None


class BandModel(BaseModel):
    """By total (`first` to `last`), or by pattern of answers (neither)."""

    key: str
    label: str
    first: int | None
    last: int | None


class BandSetModel(BaseModel):
    """The bands where the condition on the context holds; null: everywhere else."""

    when: dict[str, Any] | None
    bands: list[BandModel]


class ScaleModel(BaseModel):
    key: str
    label: str
    method: str
    items: list[str]


class ContextModel(BaseModel):
    """What is known beside the answers. Results with different values of a field that `separates` are never
    compared.
    """

    key: str
    label: str
    kind: str
    values: dict[str, str]
    default: str | None
    asked: bool
    separates: bool
    required: bool = Field(description='No form is completed without it; "unknown" where nobody can tell.')


class WordingModel(BaseModel):
    """Where the texts come from. `full`: the published wording. `paper_form`: short labels of our own; the wording is
    on the program's licensed paper form. `pack`: the wording the program has attested its licence for, until
    `licensed_until`. `expired`: that licence has lapsed; labels again, and no new form is begun.
    """

    state: str
    holder: str | None
    checked: bool
    note: str
    pack_id: Uuid | None
    licensed_until: IsoDate | None


class ChangeModel(BaseModel):
    """Differences of totals that are more than chance, and that matter to the patient."""

    reliable: int
    meaningful: int | None
    source: str


class InstrumentModel(BaseModel):
    key: str
    version: int
    title: str
    purpose: str
    instruction: str
    answered_by: str
    source: str
    scoring_source: str
    licence: dict[str, str]
    wording: WordingModel
    labels: list[str]
    rule_version: str
    settings: dict[str, int]
    codes: dict[str, str | None]
    code_notice: str | None
    context: list[ContextModel]
    items: list[ItemModel]
    subscales: list[ScaleModel]
    bands: list[BandModel]
    band_sets: list[BandSetModel]
    change: ChangeModel | None


class InstrumentListModel(BaseModel):
    items: list[InstrumentModel]
    next_cursor: str | None


@router.get("", response_model=InstrumentListModel, summary="All instruments, current versions")
async def list_instruments(request: Request) -> Response:
    catalogue = state_of(request).instruments

    def unit(work: Work) -> tuple[Shown, ...]:
        _allow(work)
        return shown_instruments(work, catalogue.current())

    found = await perform(request, unit)
    return reply(200, {"items": [_view(catalogue, one) for one in found], "next_cursor": None})


@router.get("/{key}", response_model=InstrumentModel, summary="One instrument, current version")
async def read_instrument(request: Request, key: str) -> Response:
    catalogue = state_of(request).instruments
    shown = await perform(request, lambda work: one_shown(work, catalogue, key))
    return reply(200, _view(catalogue, shown))


def one_shown(work: Work, catalogue: Catalogue, key: str) -> Shown:
    """One instrument in the words this program may use; raises NotFound."""
    _allow(work)
    instrument = catalogue.find(key)
    if instrument is None:
        raise NotFound(Code.NOT_FOUND, "There is no such instrument.")
    (shown,) = shown_instruments(work, (instrument,))
    return shown


def _allow(work: Work) -> None:
    """Whoever may read instruments; they hold nothing about anybody."""
    work.require(Action.INSTRUMENT_READ, object_kind="instrument")
    work.record(action=Action.INSTRUMENT_READ, object_kind="instrument", object_id=None)


def _wording(shown: Shown) -> dict[str, Any]:
    wording, pack = shown.instrument.wording, shown.pack
    notes = {Standing.PAPER_FORM: PAPER_NOTE, Standing.EXPIRED: EXPIRED_NOTE}
    return {
        "state": shown.standing.value,
        "holder": wording.holder,
        "checked": wording.checked,
        "note": notes.get(shown.standing, wording.note) if pack is None else PACK_NOTE,
        "pack_id": None if pack is None else pack.id,
        "licensed_until": None if pack is None else pack.expires_on,
    }


def _view(catalogue: Catalogue, shown: Shown) -> dict[str, Any]:
    instrument = shown.instrument
    scoring = instrument.scoring
    return {
        "key": instrument.key,
        "version": instrument.version,
        "title": instrument.title,
        "purpose": instrument.purpose,
        "instruction": instrument.instruction,
        "answered_by": instrument.answered_by.value,
        "source": instrument.source,
        "scoring_source": scoring.source,
        "licence": {"name": instrument.licence.name, "text": instrument.licence.text},
        "wording": _wording(shown),
        "labels": sorted(instrument.labels),
        "rule_version": instrument.rule_version,
        "settings": dict(instrument.settings),
        "codes": {"panel": instrument.panel_code, "total": instrument.total_code},
        "code_notice": catalogue.code_notice if is_coded(instrument) else None,
        "context": [_context(field) for field in instrument.context],
        "items": [_item(item) for item in instrument.items],
        "subscales": [
            {"key": one.key, "label": one.label, "method": one.method.value, "items": list(one.items)}
            for one in scoring.scales
        ],
        "bands": [_band(band) for band in scoring.bands],
        "band_sets": [
            {
                "when": None if one.when is None else condition_to_json(one.when),
                "bands": [_band(band) for band in one.bands],
            }
            for one in scoring.band_sets
        ],
        "change": None
        if instrument.change is None
        else {
            "reliable": instrument.change.reliable,
            "meaningful": instrument.change.meaningful,
            "source": instrument.change.source,
        },
    }


def _item(item: Item) -> dict[str, Any]:
    return {
        "key": item.key,
        "section": item.section,
        "text": item.text,
        "options": [_option(option) for option in item.options],
        "multiple": item.multiple,
        "required": item.required,
        "scored": item.scored,
        "declined": "answer" if item.declined_answers else "missing",
        "asked_when": None if item.asked_when is None else condition_to_json(item.asked_when),
        "variants": [
            {
                "when": condition_to_json(variant.when),
                "text": variant.text,
                "options": None
                if variant.options is None
                else [_option(option) for option in variant.options],
                "code": variant.code,
            }
            for variant in item.variants
        ],
        "measured_by": None if item.derived is None else item.derived.context,
        "code": item.code,
    }


def _option(option: Option) -> dict[str, Any]:
    return {
        "value": option.value,
        "label": option.label,
        "points": option.points,
        "exclusive": option.exclusive,
        "code": option.code,
    }


def _context(field: ContextField) -> dict[str, Any]:
    return {
        "key": field.key,
        "label": field.label,
        "kind": field.kind.value,
        "values": dict(field.values),
        "default": field.default,
        "asked": field.asked,
        "separates": field.separates,
        "required": field.required,
    }


def _band(band: Band) -> dict[str, Any]:
    return {"key": band.key, "label": band.label, "first": band.first, "last": band.last}
