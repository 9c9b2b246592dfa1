"""Words a policy may compare a fact with, and the check that it uses no other.

Cedar's schema knows that a fact is a string, not which strings there are. A misspelt word validates, and the rule it
stands in is silent forever: a basis nobody can use, or a gate that never closes. So every string literal of every
policy is looked up, and one that is not a word of its fact refuses the start.

The words of recipients, consents and items stand in policies/vocabulary.yaml, because this package knows none of
those; purposes and evidence have tables of their own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeAlias, cast

import yaml

from service.access.bases import BASES_FILE, Bases, Family
from service.access.purposes import Purposes
from service.errors import StartRefused

VOCABULARY_FILE = "vocabulary.yaml"
EVIDENCE_FILE = "evidence.yaml"

#: Facts whose words are listed in vocabulary.yaml.
LISTED: Final = frozenset(
    {"recipient_roles", "consent_kind", "consent_signer", "patient_life", "kind", "note_class", "regime"}
)

#: How somebody may have come in.
ASSURANCES: Final = frozenset({"password", "link", "service", "console"})

#: Cedar's syntax tree as JSON.
Node: TypeAlias = Mapping[str, Any]

_COMPARISONS: Final = ("==", "!=", "contains", "containsAny", "containsAll", "in")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Fact -> its words; `says`: kind of evidence -> what a paper of that kind can establish."""

    words: Mapping[str, frozenset[str]]
    says: Mapping[str, frozenset[str]]


def read_vocabulary(listed: str, evidence: str, purposes: Purposes) -> Vocabulary:
    """The words from the texts of vocabulary.yaml and evidence.yaml and the table of purposes; StartRefused when a
    list is missing, or a ceiling names a kind that is none.
    """
    try:
        lists = cast("Mapping[str, list[str]]", yaml.safe_load(listed))
        if frozenset(lists) != LISTED:
            raise ValueError(f"the lists are {', '.join(sorted(LISTED))}")
        words = {name: frozenset(map(str, of)) for name, of in lists.items()}
        kinds = cast("Mapping[str, Any]", yaml.safe_load(evidence))["kinds"]
        says = {str(kind): frozenset(map(str, row["says"])) for kind, row in kinds.items()}
    except (yaml.YAMLError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise StartRefused(f"policies/{VOCABULARY_FILE}, {EVIDENCE_FILE}: {error}") from None
    for purpose in purposes.by_code.values():
        if strange := (purpose.ceiling or frozenset()) - words["kind"]:
            raise StartRefused(f"policies/purposes.yaml: {purpose.code}: no such kind: {_list(strange)}")
    words["purpose_code"] = frozenset(purposes.by_code)
    words["purpose_class"] = frozenset(purpose.legal_class.value for purpose in purposes.by_code.values())
    words["assurance"] = ASSURANCES
    words["evidence_kind"] = frozenset(says)
    words["evidence_says"] = frozenset(word for of in says.values() for word in of)
    return Vocabulary(MappingProxyType(words), MappingProxyType(says))


def check_words(name: str, body: Node, vocabulary: Vocabulary) -> None:
    """StartRefused when the policy `name` compares a fact with a word it never is, holds a string that is compared
    with no fact, or asks of a kind of evidence what that kind never says.
    """
    said: dict[str, set[str]] = {}
    for condition in body["conditions"]:
        for fact, word in literals(condition["body"]):
            if fact is None:
                raise StartRefused(f"{name}: {word!r} is compared with no fact")
            if word not in vocabulary.words.get(fact, frozenset()):
                raise StartRefused(f"{name}: {fact} is never {word!r}")
            said.setdefault(fact, set()).add(word)
    kinds = said.get("evidence_kind", set())
    possible = {word for kind in kinds for word in vocabulary.says[kind]}
    if kinds and (never := said.get("evidence_says", set()) - possible):
        raise StartRefused(f"{name}: {_list(kinds)} never says {_list(never)}")


def check_bases(
    bodies: Mapping[str, Node], releases: frozenset[str], uses: frozenset[str], bases: Bases
) -> None:
    """StartRefused unless the permits and the table of bases are about the same ids, and each basis about the same
    kinds of consent and of evidence on both sides. `releases`, `uses`: ids of the permits for each act.
    """
    if odd := (releases | uses) ^ set(bases.by_id):
        raise StartRefused(f"policies/{BASES_FILE}: not on both sides: {_list(odd)}")
    named = {body["annotations"]["basis"] for body in bodies.values() if "basis" in body["annotations"]}
    if strange := named - set(bases.by_id):
        raise StartRefused(f"policies/{BASES_FILE}: @basis names none of them: {_list(strange)}")
    for basis in bases.by_id.values():
        if (basis.family is Family.INTERNAL) != (basis.id in uses):
            raise StartRefused(f"policies/{BASES_FILE}: {basis.id}: internal use is what permits record.use")
        found = [pair for one in bodies[basis.id]["conditions"] for pair in literals(one["body"])]
        evidence = {basis.evidence_kind} - {None}
        for fact, stated in (("consent_kind", set(basis.consent_kinds)), ("evidence_kind", evidence)):
            if {word for name, word in found if name == fact} != stated:
                raise StartRefused(f"policies/{BASES_FILE}: {basis.id}: {fact} differs from the policy")


def literals(node: Any, fact: str | None = None) -> Iterator[tuple[str | None, str]]:
    """Every string in an expression with the fact it is compared with; None when there is none."""
    if isinstance(node, list):
        for member in cast("list[Any]", node):
            yield from literals(member, fact)
        return
    if not isinstance(node, dict):
        return
    for operator, inner in cast("dict[str, Any]", node).items():
        if operator == "Value":
            if isinstance(inner, str):
                yield fact, inner
        elif operator in _COMPARISONS:
            sides = (inner["left"], inner["right"])
            about = next((found for side in sides if (found := _fact(side))), None)
            for side in sides:
                yield from literals(side, about)
        elif operator == ".":
            yield from literals(inner["left"])
        elif operator == "Set":
            yield from literals(inner, fact)
        elif isinstance(inner, dict):  # a connective: what stood outside it says nothing about what is inside
            yield from literals(list(cast("dict[str, Any]", inner).values()))


def _fact(node: Any) -> str | None:
    """X of `context.facts.X`, and how the caller signed in; None for anything else."""
    match node:
        case {
            ".": {"left": {".": {"left": {"Var": "context"}, "attr": "caller"}}, "attr": "assurance" as name}
        }:
            return name
        case {".": {"left": {".": {"left": {"Var": "context"}, "attr": "facts"}}, "attr": str(name)}}:
            return name
        case _:
            return None


def _list(names: frozenset[str] | set[str]) -> str:
    return ", ".join(sorted(names))
