"""A policy as loaded: what its annotations say of it, strictly read, and the hash of all of them together."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from service.access.decision import Citation, Confidence, Obligation
from service.errors import StartRefused

#: What a determining rule brings along besides its effect.
_REQUIRED = frozenset({"id", "cite", "conf"})
_OPTIONAL = frozenset({"basis", "obligation", "reason", "review", "text"})
#: A forbid that asks for a person's judgement: only where everything else permits, or in any case.
_REVIEWS = frozenset({"", "if_permitted", "always"})
_HASHED_SUFFIXES = frozenset({".cedar", ".cedarschema", ".yaml", ".txt"})
#: Versioned and recorded by themselves: a program's configuration, an instrument.
_HASHED_ELSEWHERE = frozenset({"programs", "instruments"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One policy as loaded: what it says (`citation`), which duties it brings, whether it forbids.

    `conditions` are Cedar's own syntax trees, for the documents that show them in words; nothing is decided on them.
    """

    citation: Citation
    obligations: tuple[Obligation, ...]
    forbids: bool
    file: str
    conditions: tuple[Mapping[str, Any], ...] = ()


def read_rule(file: str, body: Mapping[str, Any]) -> Rule:
    """One policy from its JSON form; strict about annotations: an unknown one may have been meant to matter."""
    notes = cast("dict[str, str | None]", body.get("annotations", {}))
    name = notes.get("id") or "a policy without @id"
    if missing := [note for note in sorted(_REQUIRED) if not notes.get(note)]:
        raise StartRefused(f"{file}: {name} lacks {', '.join('@' + note for note in missing)}")
    if unknown := set(notes) - _REQUIRED - _OPTIONAL:
        raise StartRefused(f"{file}: {name} has unknown annotations: {', '.join(sorted(unknown))}")
    try:
        conf = Confidence(notes["conf"] or "")
        duties = tuple(Obligation(duty) for duty in (notes.get("obligation") or "").replace(",", " ").split())
    except ValueError as error:
        raise StartRefused(f"{file}: {name}: {error}") from None
    if duties and body["effect"] != "permit":
        raise StartRefused(f"{file}: {name}: only a permission brings duties")
    review = notes.get("review") or ""
    if review not in _REVIEWS or ("review" in notes and (not review or body["effect"] != "forbid")):
        raise StartRefused(f"{file}: {name}: @review is if_permitted or always, on a rule that forbids")
    if "basis" in notes and (not notes["basis"] or body["effect"] != "permit"):
        raise StartRefused(f"{file}: {name}: @basis names another basis, on a rule that permits")
    citation = Citation(
        id=name,
        cite=notes["cite"] or "",
        conf=conf,
        reason=notes.get("reason") or "",
        text=notes.get("text") or "",
        basis=notes.get("basis") or "",
        review=review,
    )
    return Rule(citation, duties, body["effect"] == "forbid", file, tuple(body["conditions"]))


def hash_policies(policies: Path) -> str:
    """SHA-256 over name and bytes of every file a decision rests on, each with its length in front, by
    name.
    """
    digest = hashlib.sha256()
    for path in sorted(policies.rglob("*")):
        name = path.relative_to(policies)
        if not path.is_file() or path.suffix not in _HASHED_SUFFIXES or name.parts[0] in _HASHED_ELSEWHERE:
            continue
        for part in (name.as_posix().encode(), path.read_bytes()):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()
