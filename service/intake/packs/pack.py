"""A content pack: the wording of a licensed instrument, and who attested when that this program may use it. Pure.

A pack brings words and nothing else: item texts, labels of options, the instruction. Values, order, skip rules and
scoring are the instrument's file's, whatever a pack says, so a result means the same with and without one.

What follows for an instrument whose wording does not ship (rules of this service, not of a holder):

* never attested: our short labels are shown and the values of the licensed paper form are entered;
* a pack in force: its wording, for this program only. A pack without any wording attests a licence for paper;
* every pack lapsed (run out, or withdrawn): no new form of it is begun. Old forms stay readable, and a draft that was
  begun under the licence may be finished: nobody breaks off a suicide screen over a date.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from service.errors import Code, Conflict, FieldError
from service.intake.instrument import Instrument, Item, Option, WordingState

Json = Any


class PackState(StrEnum):
    ACTIVE = "active"
    WITHDRAWN = "withdrawn"


class Standing(StrEnum):
    """Where the wording of an instrument comes from today."""

    FULL = "full"
    PAPER_FORM = "paper_form"
    PACK = "pack"
    EXPIRED = "expired"


PAPER_NOTE = "Use your licensed paper form; enter the values."
PACK_NOTE = "The wording the program has attested its licence for."
EXPIRED_NOTE = (
    "The licence attested for this instrument has run out or was withdrawn. No new form of it is begun."
)


@dataclass(frozen=True, slots=True)
class Words:
    """The wording of one item: its text, the label of an option by its value, and the same of its variants."""

    text: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    variants: "tuple[Words, ...]" = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """One pack. `document` is the JSON as it was given, `sha256` that of its canonical form (RFC 8785)."""

    id: UUID
    document: Mapping[str, Json]
    sha256: str
    state: PackState
    starts_on: date
    expires_on: date
    attested_by: UUID
    attested_at: datetime
    version: int = 1
    withdrawn_because: str | None = None

    @property
    def instrument(self) -> str:
        return str(self.document["instrument"])

    def in_force(self, today: date) -> bool:
        """Until the end of its last day, by the program's calendar."""
        return self.state is PackState.ACTIVE and self.starts_on <= today <= self.expires_on

    def lapsed(self, today: date) -> bool:
        return self.state is PackState.WITHDRAWN or self.expires_on < today


#: The one thing that happens to a pack: state before, state after, what a page calls it.
TRANSITIONS = {PackState.ACTIVE: (PackState.WITHDRAWN, "Withdraw")}


def withdrawn(pack: Pack, reason: str) -> Pack:
    """The pack after its withdrawal; raises Conflict when there is nothing to withdraw."""
    if pack.state not in TRANSITIONS:
        raise Conflict(Code.PACK_STATE, "This pack is withdrawn already.", state=pack.state.value)
    after, _ = TRANSITIONS[pack.state]
    return replace(pack, state=after, version=pack.version + 1, withdrawn_because=reason)


def standing(instrument: Instrument, packs: Iterable[Pack], today: date) -> tuple[Standing, Pack | None]:
    """Where the wording comes from, and the pack in force: the one attested last. A pack for another version of the
    instrument is a licence all the same; `worded` decides whether its words fit.
    """
    if instrument.wording.state is WordingState.FULL:
        return Standing.FULL, None
    own = [pack for pack in packs if pack.instrument == instrument.key]
    current = max(
        (pack for pack in own if pack.in_force(today)),
        key=lambda pack: (pack.attested_at, pack.id),
        default=None,
    )
    if current is not None:
        return Standing.PACK, current
    lapsed = any(pack.lapsed(today) for pack in own)
    return (Standing.EXPIRED if lapsed else Standing.PAPER_FORM), None


# ---- wording -----------------------------------------------------------------------------------------


def faults_of(document: Mapping[str, Json], instrument: Instrument) -> list[FieldError]:
    """What of the wording does not belong to the instrument: packs add no item, no option and no variant."""
    faults: list[FieldError] = []
    if instrument.wording.state is WordingState.FULL:
        faults.append(
            FieldError("instrument", "not_licensed", "The wording of this instrument ships already.")
        )
    if document["version"] != instrument.version:
        faults.append(FieldError("pack.version", "unknown", "Not the current version of the instrument."))
    items = {item.key: item for item in instrument.items}
    for key, given in document["wording"].items():
        item = items.get(key)
        if item is None:
            faults.append(FieldError("pack.wording", "unknown_item", "A key is no item of this instrument."))
            continue
        words, place = _words(given), f"pack.wording.{key}"
        ways = [item.options, *(variant.options or item.options for variant in item.variants)]
        if len(words.variants) > len(item.variants):
            faults.append(FieldError(f"{place}.variants", "unknown_variant", "The item has fewer variants."))
        for options, one in zip(ways, (words, *words.variants), strict=False):
            known = {str(option.value) for option in options}
            if not {value for value, _ in one.options} <= known:
                faults.append(
                    FieldError(f"{place}.options", "unknown_option", "A value is not one of the item's.")
                )
    return faults


def worded(instrument: Instrument, pack: Pack | None) -> Instrument:
    """The instrument in the words of the pack, for showing. It is never scored with: rules come from the file."""
    if pack is None or pack.document["version"] != instrument.version:
        return instrument
    wording = {key: _words(given) for key, given in pack.document["wording"].items()}
    return replace(
        instrument,
        instruction=pack.document.get("instruction") or instrument.instruction,
        items=tuple(
            _item(item, wording[item.key]) if item.key in wording else item for item in instrument.items
        ),
    )


def _words(given: Mapping[str, Json]) -> Words:
    labels: Mapping[str, str] = given.get("options") or {}
    return Words(
        given.get("text"),
        tuple(labels.items()),
        tuple(_words(one) for one in given.get("variants") or ()),
    )


def _item(item: Item, words: Words) -> Item:
    own = (*words.variants, *(Words() for _ in item.variants[len(words.variants) :]))
    variants = tuple(
        replace(
            variant,
            text=one.text or variant.text,
            options=None if variant.options is None else _options(variant.options, one),
        )
        for variant, one in zip(item.variants, own, strict=True)
    )
    return replace(
        item,
        text=words.text or item.text,
        options=_options(item.options, words),
        variants=variants,
    )


def _options(options: tuple[Option, ...], words: Words) -> tuple[Option, ...]:
    labels = dict(words.options)
    return tuple(replace(one, label=labels.get(str(one.value), one.label)) for one in options)
