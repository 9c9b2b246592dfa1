"""An instrument: items with their own value lists, how answers become a result, and what raises a flag.

Only data and its vocabulary; `definition.py` reads it from `policies/instruments`, `scoring.py` applies it.
Cut-offs are data with a version and a source, and a stored result names the version that scored it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from service.errors import StartRefused
from service.intake.flags import FlagRule, ItemCondition
from service.labels import Label


@dataclass(frozen=True, slots=True)
class Option:
    value: int
    label: str
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One question. `declined_answers`: a refusal is an answer here; elsewhere it leaves the item without
    one.
    """

    key: str
    text: str
    options: tuple[Option, ...]
    required: bool
    scored: bool
    declined_answers: bool
    asked_when: ItemCondition | None
    code: str | None

    def allows(self, value: int) -> bool:
        return any(option.value == value for option in self.options)


@dataclass(frozen=True, slots=True)
class Prorating:
    """Estimate the total from the mean when at most `max_missing` scored items have no answer, and none of
    `never`.
    """

    max_missing: int
    never: frozenset[str]
    source: str


@dataclass(frozen=True, slots=True)
class TotalBand:
    key: str
    label: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class PatternBand:
    """A band given by answers instead of a total; the last one has no condition."""

    key: str
    label: str
    when: ItemCondition | None


@dataclass(frozen=True, slots=True)
class SumScoring:
    """Add the scored items; the bands cover every possible total once."""

    bands: tuple[TotalBand, ...]
    prorating: Prorating | None


@dataclass(frozen=True, slots=True)
class PatternScoring:
    """No total: the first band whose condition holds."""

    bands: tuple[PatternBand, ...]


@dataclass(frozen=True, slots=True)
class Licence:
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Instrument:
    key: str
    version: int
    title: str
    purpose: str
    instruction: str
    source: str
    licence: Licence
    labels: frozenset[Label]
    panel_code: str | None
    total_code: str | None
    items: tuple[Item, ...]
    scoring: SumScoring | PatternScoring
    flags: tuple[FlagRule, ...]
    sha256: str

    @property
    def rule_version(self) -> str:
        """Names the rules exactly: the version for people, the start of the file's hash for everyone else."""
        return f"{self.key}@{self.version}+{self.sha256[:12]}"

    @property
    def scored_items(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.scored)


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
