"""An instrument: items with their own value lists, how answers become a result, and what raises a flag.

Only data and its vocabulary; `definition.py` reads it from `policies/instruments`, `scoring.py` applies it.
Cut-offs are data with a version and a source, and a stored result names the version that scored it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from service.errors import StartRefused
from service.intake.conditions import Condition
from service.intake.context import ContextField
from service.intake.flags import FindingRule, FlagRule
from service.labels import Label

#: The key of the scale that is an instrument's total.
TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Option:
    """One answer on offer. `value` is what a form sends: a whole number, or a word in a multiple choice.

    `points` is what it adds; it differs from the value where an item is scored the other way round. An
    `exclusive` option ("none of the above") stands alone.
    """

    value: int | str
    label: str
    code: str | None = None
    points: int = 0
    exclusive: bool = False


@dataclass(frozen=True, slots=True)
class Variant:
    """How an item differs in a context: another wording, code or value list. None: as in the item."""

    when: Condition
    text: str | None = None
    code: str | None = None
    options: tuple[Option, ...] | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """Measurements up to and including `up_to` (None: all above) amount to `value`."""

    up_to: int | None
    value: int


@dataclass(frozen=True, slots=True)
class Derived:
    """An item that may be left to a measurement given in the context: its steps, rising."""

    context: str
    steps: tuple[Step, ...]

    def value_of(self, measured: int) -> int:
        return next(step.value for step in self.steps if step.up_to is None or measured <= step.up_to)


@dataclass(frozen=True, slots=True)
class Item:
    """One question. `declined_answers`: a refusal is an answer here; elsewhere it leaves the item without
    one. `multiple`: the answer is a list of option values. `section` is a heading the item stands under.
    """

    key: str
    text: str
    options: tuple[Option, ...]
    required: bool
    scored: bool
    declined_answers: bool
    asked_when: Condition | None
    code: str | None
    multiple: bool = False
    section: str | None = None
    variants: tuple[Variant, ...] = ()
    derived: Derived | None = None

    def option(self, value: object) -> Option | None:
        """The option with exactly this value. Not by `==` alone: True is not 1, and 2.0 is not 2."""
        return next(
            (one for one in self.options if type(one.value) is type(value) and one.value == value), None
        )

    @property
    def least_points(self) -> int:
        return min(option.points for option in self.options)

    @property
    def most_points(self) -> int:
        return max(option.points for option in self.options)


class Method(StrEnum):
    """How a scale is made of its items. `COUNT`: items with a value of at least `count_from`. `HIGHEST`: the
    place (from 1) of the last item answered above its lowest value, 0 for none. `MEAN`: the mean in
    hundredths.
    """

    SUM = "sum"
    COUNT = "count"
    HIGHEST = "highest"
    MEAN = "mean"


@dataclass(frozen=True, slots=True)
class Scale:
    """A number made of some of the items, beside the total or as the total (`TOTAL`)."""

    key: str
    label: str
    items: tuple[str, ...]
    method: Method = Method.SUM
    count_from: int = 1
    may_miss: int = 0


@dataclass(frozen=True, slots=True)
class Prorating:
    """Estimate the total from the mean when at most `max_missing` scored items have no answer, and none of
    `never`.
    """

    max_missing: int
    never: frozenset[str]
    source: str


@dataclass(frozen=True, slots=True)
class Band:
    """By total (`first` to `last`), or by condition (`when`; the last band of a set has none).

    `kept`: an unfinished form that is certainly in this band says so.
    """

    key: str
    label: str
    first: int | None = None
    last: int | None = None
    when: Condition | None = None
    kept: bool = False

    @property
    def by_total(self) -> bool:
        return self.first is not None

    def holds(self, total: int) -> bool:
        return self.first is not None and self.last is not None and self.first <= total <= self.last


@dataclass(frozen=True, slots=True)
class BandSet:
    """The bands that apply when the condition on the context holds; the last set has none."""

    when: Condition | None
    bands: tuple[Band, ...]


@dataclass(frozen=True, slots=True)
class Scoring:
    """How answers amount to something: a total or none, bands or none, scales. `source`: where cut-offs are
    published.
    """

    total: Scale | None
    prorating: Prorating | None
    scales: tuple[Scale, ...]
    band_sets: tuple[BandSet, ...]
    source: str

    @property
    def bands(self) -> tuple[Band, ...]:
        """The bands where nothing is known beside the answers; empty when the instrument has none."""
        return self.band_sets[-1].bands if self.band_sets else ()


@dataclass(frozen=True, slots=True)
class Change:
    """How many points of difference between two totals are more than chance, and matter to the patient."""

    reliable: int
    meaningful: int | None
    source: str


@dataclass(frozen=True, slots=True)
class LabelRule:
    """A sensitivity label that depends on what was answered."""

    label: Label
    when: Condition


@dataclass(frozen=True, slots=True)
class Licence:
    name: str
    text: str


class WordingState(StrEnum):
    """`FULL`: the file carries the published wording. `LICENSED`: it carries short labels of our own; the
    wording is the holder's, and a clinic uses it under its own licence.
    """

    FULL = "full"
    LICENSED = "licensed"


@dataclass(frozen=True, slots=True)
class Wording:
    """`checked`: compared word by word with the published form; `note` says with what, or what is not sure."""

    state: WordingState
    checked: bool
    note: str
    holder: str | None = None


class AnsweredBy(StrEnum):
    PATIENT = "patient"
    CLINICIAN = "clinician"
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class Instrument:
    key: str
    version: int
    title: str
    purpose: str
    instruction: str
    source: str
    licence: Licence
    wording: Wording
    answered_by: AnsweredBy
    labels: frozenset[Label]
    label_rules: tuple[LabelRule, ...]
    panel_code: str | None
    total_code: str | None
    context: tuple[ContextField, ...]
    settings: Mapping[str, int]
    items: tuple[Item, ...]
    scoring: Scoring
    flags: tuple[FlagRule, ...]
    findings: tuple[FindingRule, ...]
    change: Change | None
    sha256: str
    #: What it asks is not answered through whoever happens to speak the language: an interpreter is named.
    interpreted: bool = False

    @property
    def rule_version(self) -> str:
        """Names the rules exactly: the version for people, the start of the hash for everyone else."""
        return f"{self.key}@{self.version}+{self.sha256[:12]}"

    @property
    def scored_items(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.scored)

    @property
    def required_items(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.required)


class Catalogue:
    """The instruments of this installation, every version of them; a version is never taken away from old
    results.
    """

    def __init__(self, instruments: Iterable[Instrument], code_notice: str) -> None:
        self.code_notice = code_notice
        versions: dict[tuple[str, int], Instrument] = {}
        current: dict[str, Instrument] = {}
        for instrument in sorted(instruments, key=lambda one: (one.key, one.version)):
            if (instrument.key, instrument.version) in versions:
                raise StartRefused(
                    f"instrument {instrument.key} version {instrument.version} is defined twice"
                )
            versions[instrument.key, instrument.version] = instrument
            current[instrument.key] = instrument
        self._versions: Mapping[tuple[str, int], Instrument] = MappingProxyType(versions)
        self._current: Mapping[str, Instrument] = MappingProxyType(current)

    def current(self) -> tuple[Instrument, ...]:
        return tuple(self._current.values())

    def find(self, key: str, version: int | None = None) -> Instrument | None:
        """The current version, or the one asked for; None when there is none."""
        if version is None:
            return self._current.get(key)
        return self._versions.get((key, version))
