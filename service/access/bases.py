"""Lawful bases as a table: what each is, what it rests on, and which accounting it enters (policies/bases.yaml).

The policies decide when a basis permits; this table says what follows once one does. One disclosure has one
basis, the one of lowest rank among those that permitted its items, and its row picks the accounting: nothing is
relabelled later.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, cast

import yaml

from service.errors import StartRefused

BASES_FILE = "bases.yaml"

_FIELDS = frozenset(
    {"title", "rank", "family", "consent_kinds", "evidence_kind", "accounting", "time_limit", "cite"}
)


class Family(StrEnum):
    """Where the authority comes from."""

    #: The written consent of the patient, or of who may give it for the patient (2.31).
    CONSENT = "consent"
    #: An exception of Part 2, with a paper that shows it applies.
    NO_CONSENT = "no_consent"
    #: A use inside the program, no disclosure at all (2.12(c)(3)).
    INTERNAL = "internal"
    #: An item that Part 2 does not govern.
    HIPAA = "hipaa"


class Part2Accounting(StrEnum):
    """Listed in the accounting of 42 CFR 2.25?"""

    ALWAYS = "always"
    #: For treatment, payment and operations only what went through an electronic health record (2.25(b)).
    EHR_ONLY_FOR_TPO = "ehr_only_for_tpo"
    NEVER = "never"


class HipaaAccounting(StrEnum):
    """Listed in the accounting of 45 CFR 164.528, where the program is a covered entity?"""

    ALWAYS = "always"
    #: Not when the consent also meets 164.508(c) (164.528(a)(1)(iv)).
    UNLESS_AUTHORIZATION = "unless_authorization"
    #: Nor when the purpose is treatment, payment or operations (164.528(a)(1)(i)).
    UNLESS_TPO_OR_AUTHORIZATION = "unless_tpo_or_authorization"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Basis:
    """One row. `rank`: the lower, the sooner it is the one recorded; no two are alike."""

    id: str
    title: str
    rank: int
    family: Family
    consent_kinds: frozenset[str]
    evidence_kind: str | None
    part2: Part2Accounting
    hipaa: HipaaAccounting
    time_limit: str
    cite: str


@dataclass(frozen=True, slots=True)
class Bases:
    """The table by id, in the order of rank."""

    by_id: Mapping[str, Basis]

    @property
    def release(self) -> tuple[str, ...]:
        """The ids of the bases by which records leave, first in rank first."""
        return tuple(name for name, basis in self.by_id.items() if basis.family is not Family.INTERNAL)

    def lead(self, ids: Iterable[str]) -> Basis | None:
        """The basis that is recorded when these permitted: the lowest rank. An id without a row is no basis."""
        found = [self.by_id[name] for name in ids if name in self.by_id]
        return min(found, key=lambda basis: basis.rank, default=None)


def read_bases(document: str) -> Bases:
    """The table from the text of bases.yaml. Strict: an unknown field, a missing one, a rank used twice refuse
    the start.
    """
    try:
        loaded: object = yaml.safe_load(document)
    except yaml.YAMLError:
        raise StartRefused(f"policies/{BASES_FILE} is not valid YAML") from None
    if not isinstance(loaded, dict) or set(cast("dict[str, Any]", loaded)) != {"bases"}:
        raise StartRefused(f"policies/{BASES_FILE} has the one part `bases`")
    try:
        rows = [_basis(str(name), row) for name, row in cast("dict[str, Any]", loaded)["bases"].items()]
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise StartRefused(f"policies/{BASES_FILE}: {error}") from None
    rows.sort(key=lambda basis: basis.rank)
    if len({basis.rank for basis in rows}) != len(rows):
        raise StartRefused(f"policies/{BASES_FILE}: a rank is used twice")
    return Bases(MappingProxyType({basis.id: basis for basis in rows}))


def _basis(name: str, row: Mapping[str, Any]) -> Basis:
    if set(row) - _FIELDS:
        raise ValueError(f"{name}: unknown field")
    rank, evidence = row["rank"], row.get("evidence_kind")
    if type(rank) is not int:
        raise ValueError(f"{name}: rank is a whole number")
    kinds, accounting = row.get("consent_kinds", []), row["accounting"]
    if type(kinds) is not list or set(accounting) != {"part2", "hipaa"}:
        raise ValueError(f"{name}: consent_kinds is a list; accounting has part2 and hipaa")
    words = {field: row[field] for field in ("title", "time_limit", "cite")}
    if not all(isinstance(word, str) and word.strip() for word in words.values()):
        raise ValueError(f"{name}: title, time_limit and cite are texts")
    return Basis(
        id=name,
        title=words["title"],
        rank=rank,
        family=Family(row["family"]),
        consent_kinds=frozenset(map(str, cast("list[object]", kinds))),
        evidence_kind=None if evidence is None else str(evidence),
        part2=Part2Accounting(accounting["part2"]),
        hipaa=HipaaAccounting(accounting["hipaa"]),
        time_limit=words["time_limit"],
        cite=words["cite"],
    )
