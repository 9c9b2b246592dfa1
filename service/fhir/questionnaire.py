"""An instrument as FHIR R4 Questionnaire (https://hl7.org/fhir/R4/questionnaire.html): pure mapping of its data.

What is known beside the answers is a group of its own; what they amount to is a hidden one, computed by expressions that
`calculation.py` generates. Codes of LOINC stand only where the instrument's file has them, and then with LOINC's notice.
"""

from typing import Any, Final

from service.fhir.calculation import Calculation
from service.fhir.form import (
    Asking,
    askings,
    coding_of,
    is_coded,
    scored_coding_of,
    sections,
)
from service.fhir.vocabulary import (
    CALCULATED,
    ENABLE_WHEN,
    HIDDEN,
    LOINC,
    MAX_VALUE,
    MIN_VALUE,
    OPTION_EXCLUSIVE,
    VARIABLE,
    answers_of,
    canonical,
    expression,
    extension,
)
from service.intake.conditions import ContextCondition, ItemCondition
from service.intake.context import ContextField, ContextKind
from service.intake.flags import Status
from service.intake.instrument import TOTAL, Instrument, Item

Json = dict[str, Any]
CONTEXT: Final = "context"
RESULT: Final = "result"
STATUS: Final = "status"
BAND: Final = "band"
_TYPES: Final = {
    ContextKind.CHOICE: "choice",
    ContextKind.TRUTH: "boolean",
    ContextKind.NUMBER: "integer",
    ContextKind.TIME: "string",
}


def questionnaire_of(instrument: Instrument, code_notice: str) -> Json:
    """The Questionnaire of one version. `instrument` with the wording to be shown, whosever it is."""
    calculation = Calculation.of(instrument)
    resource: Json = {
        "resourceType": "Questionnaire",
        "extension": [
            extension(VARIABLE, "Expression", expression(text, name))
            for name, text in calculation.variables.items()
        ],
        "url": canonical(instrument.key),
        "version": str(instrument.version),
        "name": "".join(part.capitalize() for part in instrument.key.split("-")),
        "title": instrument.title,
        "status": "active",
        "subjectType": ["Patient"],
        "description": f"{instrument.wording.note} Source: {instrument.source}",
        "purpose": instrument.purpose,
        "copyright": _copyright(instrument, code_notice),
        "item": _items(instrument, calculation),
    }
    if instrument.panel_code is not None:
        resource["code"] = [{"system": LOINC, "code": instrument.panel_code}]
    return resource


def _copyright(instrument: Instrument, code_notice: str) -> str:
    licence = f"{instrument.licence.name}. {instrument.licence.text}"
    return f"{licence}\n\n{code_notice}" if is_coded(instrument) else licence


def _items(instrument: Instrument, calculation: Calculation) -> list[Json]:
    found: list[Json] = [{"linkId": "instruction", "type": "display", "text": instrument.instruction}]
    if instrument.context:
        fields = [_context(instrument, one) for one in instrument.context]
        found.append({"linkId": CONTEXT, "type": "group", "text": "Known beside the answers", "item": fields})
    for heading, link, items in sections(instrument):
        asked = [_item(instrument, calculation, item, way) for item in items for way in askings(item)]
        found += asked if heading is None else [_group(link, heading, asked)]
    found.append(_result(instrument, calculation))
    return found


def _group(link: str, text: str, items: list[Json]) -> Json:
    return {"linkId": link, "type": "group", "text": text, "item": items}


def _context(instrument: Instrument, one: ContextField) -> Json:
    item: Json = {
        "linkId": f"{CONTEXT}.{one.key}",
        "text": one.label,
        "type": _TYPES[one.kind],
        "required": one.required,
    }
    extensions: list[Json] = [] if one.asked else [extension(HIDDEN, "Boolean", value=True)]
    if one.kind is ContextKind.CHOICE:
        item["answerOption"] = [
            {"valueCoding": {"system": answers_of(instrument.key), "code": value, "display": label}}
            | ({"initialSelected": True} if value == one.default else {})
            for value, label in one.values.items()
        ]
    if one.kind is ContextKind.NUMBER:
        extensions += [extension(MIN_VALUE, "Integer", one.least), extension(MAX_VALUE, "Integer", one.most)]
    return {"extension": extensions, **item} if extensions else item


# ---- questions ---------------------------------------------------------------------------------------


def _item(instrument: Instrument, calculation: Calculation, item: Item, way: Asking) -> Json:
    options: list[Json] = []
    for option in way.options:
        offered: Json = {"valueCoding": scored_coding_of(instrument, item, option)}
        if option.exclusive:
            offered = {"extension": [extension(OPTION_EXCLUSIVE, "Boolean", value=True)], **offered}
        options.append(offered)
    found: Json = {
        "linkId": way.link,
        "text": way.text,
        "type": "choice",
        **_enabled(instrument, calculation, item, way),
        "required": item.required,
        "repeats": item.multiple,
        "answerOption": options,
    }
    if way.code is not None:
        found["code"] = [{"system": LOINC, "code": way.code}]
    return found


def _enabled(instrument: Instrument, calculation: Calculation, item: Item, way: Asking) -> Json:
    """When the question is asked: in plain R4 where that can say it, else as an expression."""
    if not item.variants and item.asked_when is None:
        return {}
    plain = _plainly(instrument, item, way)
    if plain is not None:
        return {"enableWhen": plain} | ({"enableBehavior": "any"} if len(plain) > 1 else {})
    parts = [] if item.asked_when is None else [f"({calculation.asked_when[item.key]})"]
    _, *variants = askings(item)
    before = variants if way.when is None else variants[: variants.index(way)]
    parts += [f"({calculation.truth(one.when)}).not()" for one in before if one.when is not None]
    if way.when is not None:
        parts.append(f"({calculation.truth(way.when)})")
    return {"extension": [extension(ENABLE_WHEN, "Expression", expression(" and ".join(parts)))]}


def _plainly(instrument: Instrument, item: Item, way: Asking) -> list[Json] | None:
    """As `enableWhen`, one of which must hold; None where that would say something else."""
    if item.variants:
        return None if item.asked_when is not None else _by_context(instrument, item, way)
    match item.asked_when:
        case ItemCondition() as one if not (one.declined or one.unanswered or one.refused):
            asked = [other for other in instrument.items if other.key in one.any_of]
            # a question that is left out counts as zero here, and as nothing in enableWhen
            if any(other.variants or other.multiple for other in asked) or (one.at_least or 0) < 1:
                return None
            return [
                _equals(other.key, coding_of(instrument, other, option))
                for other in asked
                for option in other.options
                if isinstance(option.value, int)
                and option.value >= (one.at_least or 0)
                and (one.at_most is None or option.value <= one.at_most)
            ]
        case _:
            return None


def _by_context(instrument: Instrument, item: Item, way: Asking) -> list[Json] | None:
    """A way of asking that hangs on one choice beside the answers."""
    conditions = [one.when for one in item.variants]
    plain = [one for one in conditions if isinstance(one, ContextCondition) and not one.negated]
    field = next((one for one in instrument.context if plain and one.key == plain[0].key), None)
    alike = len(plain) == len(conditions) and len({one.key for one in plain}) == 1
    if not alike or field is None or field.kind is not ContextKind.CHOICE:
        return None
    taken: set[str] = set()
    for one in plain:
        if one is way.when:
            break
        taken |= one.values
    own = _values_for(list(field.values), way, taken)
    link = f"{CONTEXT}.{field.key}"
    found = [_equals(link, {"system": answers_of(instrument.key), "code": value}) for value in own]
    if way.when is None:
        found.append({"question": link, "operator": "exists", "answerBoolean": False})
    return found


def _values_for(values: list[str], way: Asking, taken: set[str]) -> list[str]:
    """The values of the choice under which the question is asked this way."""
    allowed = way.when.values if isinstance(way.when, ContextCondition) else set(values)
    return [value for value in values if value in allowed and value not in taken]


def _equals(link: str, coding: Json) -> Json:
    return {"question": link, "operator": "=", "answerCoding": {k: coding[k] for k in ("system", "code")}}


# ---- result ------------------------------------------------------------------------------------------


def _result(instrument: Instrument, calculation: Calculation) -> Json:
    """What the answers amount to: hidden, read only, computed."""
    items = [_computed(STATUS, "State of the form", "choice", _picked(STATUS, "%status"))]
    items[0]["answerOption"] = _options(instrument, {one.value: one.value for one in Status})
    names = {one.key: one.label for one in instrument.scoring.scales}
    for key, text in calculation.scales.items():
        link, name = (TOTAL, "Total") if key == TOTAL else (f"scale.{key}", names[key])
        one = _computed(link, name, "integer", text)
        if key == TOTAL and instrument.total_code is not None:
            one["code"] = [{"system": LOINC, "code": instrument.total_code}]
        items.append(one)
    if calculation.band is not None:
        bands = {band.key: band.label for one in instrument.scoring.band_sets for band in one.bands}
        one = _computed(BAND, "Band", "choice", _picked(BAND, calculation.band))
        items.append(one | {"answerOption": _options(instrument, bands)})
    return {
        "extension": [extension(HIDDEN, "Boolean", value=True)],
        **_group(RESULT, "What the answers amount to", items),
    }


def _computed(link: str, text: str, kind: str, formula: str) -> Json:
    return {
        "extension": [extension(CALCULATED, "Expression", expression(formula))],
        "linkId": link,
        "text": text,
        "type": kind,
        "readOnly": True,
    }


def _picked(link: str, code: str) -> str:
    """A code as the Coding that the item offers for it."""
    return f"%options.where(linkId = '{link}').answerOption.valueCoding.where(code = {code})"


def _options(instrument: Instrument, offered: dict[str, str]) -> list[Json]:
    system = answers_of(instrument.key)
    return [
        {"valueCoding": {"system": system, "code": code, "display": label}} for code, label in offered.items()
    ]
