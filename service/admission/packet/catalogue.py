"""The items of a packet as policies/packets/*.yaml has them, read once, strictly: a fault names file, line and field.

An item that silently blocks nothing, or waits for a form that does not exist, would let somebody in who may not be, or
keep somebody out for ever. So what one row names of another has to be there.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, cast

from service.admission.deadlines import CONFS, Conf, Deadlines
from service.admission.packet.model import Block, Hook, Known, Outcome, Source
from service.admission.packet.situation import CONDITIONS, Situation
from service.consent.model import ConsentKind
from service.errors import StartRefused
from service.intake.yamlfield import Field, read_fields
from service.people.recipient import RecipientType
from service.record.item import Kind

FOLDER: Final = "packets"
LANGUAGES: Final = ("en", "es")
OWNERS: Final = ("intake", "clinician", "compliance")
ACTORS: Final = ("patient", "staff", "guardian", "clinician", "nurse")
STARTS: Final = ("opened", "admitted", "screened")
AGAIN_ON: Final = ("new_text", "birthday_18", "level_change", "suicide_flag")
#: Treatment without consent is a clinical finding: nobody else lets these wait, even in an emergency (42 CFR 2.51).
CONSENT_TO_CARE: Final = frozenset({"F04", "F25"})
#: A person alone decides about these: no waiver ever (packet.md section 3).
NEVER_WAIVED: Final = frozenset({"F02", "F04", "F22"})
Start = Literal["opened", "admitted", "screened"]
#: What an item can wait for in the patient's own entry.
ENTRY: Final = ("channels", "interpreter")
How = Literal["form", "consent", "sections", "instruments", "records", "attachments", "placement", "plan"]
HOWS: Final = ("form", "consent", "sections", "instruments", "records", "attachments", "placement", "plan")


@dataclass(frozen=True, slots=True)
class Condition:
    """What it means for an item when nobody knows whether this holds."""

    name: str
    if_unknown: bool
    says: str

    def holds(self, situation: Situation) -> bool:
        known: Known = situation.knows(self.name)
        return self.if_unknown if known is None else known


@dataclass(frozen=True, slots=True)
class Blocking:
    """What an item keeps from happening; with a condition, only while it holds (or, with `unless`, does not)."""

    block: Block
    condition: str | None = None
    unless: bool = False


@dataclass(frozen=True, slots=True)
class DoneBy:
    """What makes an item done: `names` are outcomes of a form, kinds of consent or of record item, sections ..."""

    how: How
    names: frozenset[str]
    recipients: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ItemRule:
    """One row of the packet."""

    key: str
    order: int
    title: Mapping[str, str]
    completed_by: tuple[str, ...]
    owner: str
    waits_for: Source
    done_by: DoneBy
    hook: Hook
    declining_lifts: bool
    blocks: tuple[Blocking, ...] = ()
    depends_on: tuple[str, ...] = ()
    when: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    within: str | None = None
    counted_from: Start = "opened"
    required: bool = True
    waivable: bool = True
    #: Only a clinician finds that it cannot be waited for; else whoever works on the packet.
    clinician_skips: bool = False
    renew_days: int | None = None
    again_on: frozenset[str] = frozenset()
    either: str | None = None
    #: What the patient's own entry must say before the item is done.
    entry: frozenset[str] = frozenset()

    @property
    def is_form(self) -> bool:
        return self.done_by.how == "form"

    @property
    def can_be_declined(self) -> bool:
        """A patient can say no to a form and to a consent; a vital sign not taken is a waiver."""
        return self.done_by.how in ("form", "consent")


@dataclass(frozen=True, slots=True)
class PacketBook:
    """One packet: its items in the order of an intake."""

    name: str
    version: str
    conditions: Mapping[str, Condition]
    items: Mapping[str, ItemRule] = field(default_factory=dict[str, ItemRule])

    def applies(self, rule: ItemRule, situation: Situation) -> bool:
        """Whether the item is there at all: what nobody knows counts as the file says, for `unless` as well."""
        held = all(self.conditions[name].holds(situation) for name in rule.when)
        return held and not any(self.conditions[name].holds(situation) for name in rule.unless)

    def blocks_of(self, rule: ItemRule, situation: Situation) -> tuple[Block, ...]:
        """What the item blocks for this patient, in the order of an intake."""
        found = {
            one.block
            for one in rule.blocks
            if one.condition is None or self.conditions[one.condition].holds(situation) is not one.unless
        }
        return tuple(block for block in Block if block in found)


def load_packet(policies: Path, deadlines: Deadlines, name: str = "iop") -> PacketBook:
    """The packet of `policies/packets/<name>.yaml`; StartRefused names file, line and field of the first fault."""
    path = policies / FOLDER / f"{name}.yaml"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StartRefused(f"{path.name} cannot be read: {type(error).__name__}") from error
    return parse_packet(path.name, text, deadlines)


def parse_packet(source: str, text: str, deadlines: Deadlines) -> PacketBook:
    """The packet in `text`; StartRefused with `source`, line and field."""
    file = read_fields(source, text).members(("packet", "version", "conditions", "items"))
    conditions = {name: _condition(name, one) for name, one in file["conditions"].mapping().items()}
    for name in CONDITIONS:
        if name not in conditions:
            file["conditions"].fault(f"field {name} is missing")
    given = file["items"].mapping()
    if not given:
        file["items"].fault("names no item")
    items = {key: _item(key, order, row, deadlines, given) for order, (key, row) in enumerate(given.items())}
    _no_circles(items, given)
    return PacketBook(file["packet"].text(), file["version"].text(), conditions, items)


def _condition(name: str, row: Field) -> Condition:
    if name not in CONDITIONS:
        row.fault("unknown condition")
    members = row.members(("unknown", "says"))
    return Condition(name, members["unknown"].one_of(("holds", "fails")) == "holds", members["says"].text())


_REQUIRED = ("title", "completed_by", "owner", "waits_for", "done_by", "declining", "hook")
_OPTIONAL = (
    "due", "blocks", "depends_on", "when", "unless", "required", "either", "renew_days", "again_on", "waivable",
    "entry", "skipped_by",
)  # fmt: skip


def _item(key: str, order: int, row: Field, deadlines: Deadlines, known: Collection[str]) -> ItemRule:
    given = row.members(_REQUIRED, _OPTIONAL)
    titles = given["title"].members(LANGUAGES)
    hook = given["hook"].members(("cite", "conf"))
    within, counted_from = _due(given["due"], deadlines) if "due" in given else (None, "opened")
    waivable = given["waivable"].truth() if "waivable" in given else True
    if waivable and key in NEVER_WAIVED:
        row.fault("waivable: this item can never be waived")
    clinician_skips = "skipped_by" in given and given["skipped_by"].one_of(("clinician",)) == "clinician"
    if not clinician_skips and key in CONSENT_TO_CARE:
        row.fault("skipped_by: only a clinician lets this one wait")
    renew = given["renew_days"].integer() if "renew_days" in given else None
    if renew is not None and renew < 1:
        given["renew_days"].fault("must be 1 or more")
    return ItemRule(
        key=key,
        order=order,
        title={language: one.text() for language, one in titles.items()},
        completed_by=_words(given["completed_by"], ACTORS),
        owner=given["owner"].one_of(OWNERS),
        waits_for=Source(given["waits_for"].one_of([one.value for one in Source])),
        done_by=_done_by(given["done_by"]),
        hook=Hook(hook["cite"].text(), cast("Conf", hook["conf"].one_of(CONFS))),
        declining_lifts=given["declining"].one_of(("lifts", "keeps")) == "lifts",
        blocks=tuple(_blocking(one) for one in given["blocks"].sequence()) if "blocks" in given else (),
        depends_on=_words(given["depends_on"], known) if "depends_on" in given else (),
        when=_words(given["when"], CONDITIONS) if "when" in given else (),
        unless=_words(given["unless"], CONDITIONS) if "unless" in given else (),
        within=within,
        counted_from=cast("Start", counted_from),
        required=given["required"].truth() if "required" in given else True,
        waivable=waivable,
        clinician_skips=clinician_skips,
        renew_days=renew,
        again_on=frozenset(_words(given["again_on"], AGAIN_ON)) if "again_on" in given else frozenset(),
        either=given["either"].text() if "either" in given else None,
        entry=frozenset(_words(given["entry"], ENTRY)) if "entry" in given else frozenset(),
    )


def _words(field: Field, known: Collection[str]) -> tuple[str, ...]:
    found = tuple(one.one_of(known) for one in field.sequence())
    if not found or len(set(found)) != len(found):
        field.fault("names nothing, or something twice")
    return found


def _due(field: Field, deadlines: Deadlines) -> tuple[str, str]:
    members = field.members(("within", "from"))
    within = members["within"].text()
    if within not in deadlines:
        members["within"].fault("is no deadline of deadlines.yaml")
    return within, members["from"].one_of(STARTS)


def _blocking(field: Field) -> Blocking:
    blocks = [one.value for one in Block]
    if not field.is_mapping:
        return Blocking(Block(field.one_of(blocks)))
    members = field.members(("block",), ("when", "unless"))
    if ("when" in members) == ("unless" in members):
        field.fault("needs when or unless, not both")
    unless = "unless" in members
    condition = members["unless" if unless else "when"].one_of(CONDITIONS)
    return Blocking(Block(members["block"].one_of(blocks)), condition, unless)


#: What may be named under each way of being done; None: any word (another file of the policies knows them).
_NAMED: Mapping[str, Collection[str] | None] = {
    "sections": None,
    "instruments": None,
    "records": [one.value for one in Kind],
    "attachments": ("identity_paper", "scanned_consent", "court_order", "other"),
}


def _done_by(field: Field) -> DoneBy:
    members = field.members((), HOWS)
    if len(members) != 1:
        field.fault("needs exactly one way to be done")
    ((how, given),) = members.items()
    if how == "form":
        outcomes = given.members(("outcomes",))["outcomes"]
        return DoneBy("form", frozenset(_words(outcomes, (Outcome.SIGNED, Outcome.GIVEN))))
    if how == "consent":
        return _consent(given)
    if how == "placement":
        return DoneBy("placement", frozenset({given.one_of(("signed",))}))
    if how == "plan":
        return DoneBy("plan", frozenset({given.one_of(("active",))}))
    known = _NAMED[how]
    names = _words(given, known) if known is not None else tuple(one.text() for one in given.sequence())
    if not names:
        given.fault("names nothing")
    return DoneBy(cast("How", how), frozenset(names))


def _consent(given: Field) -> DoneBy:
    members = given.members(("kinds",), ("recipients", "purposes"))
    types = [one.value for one in RecipientType]
    return DoneBy(
        "consent",
        frozenset(_words(members["kinds"], [one.value for one in ConsentKind])),
        frozenset(_words(members["recipients"], types)) if "recipients" in members else frozenset(),
        frozenset(one.text() for one in members["purposes"].sequence())
        if "purposes" in members
        else frozenset(),
    )


def _no_circles(items: Mapping[str, ItemRule], rows: Mapping[str, Field]) -> None:
    """An item waits for items before it: then nothing ever waits for itself."""
    for key, rule in items.items():
        for other in rule.depends_on:
            if items[other].order >= rule.order:
                rows[key].fault(f"depends_on: {other} comes later")
