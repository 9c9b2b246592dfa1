"""The files of law and wording that consents rest on, read once, strictly.

`policies/elements.yaml` holds the elements and reasons, `policies/consent_texts/*.yaml` the words, one file
for each version and language (`wording`). Unknown keys, missing keys, a duplicate code or an element without
a check stop the start: a rule that is silently not applied is the worst kind.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from service.consent.model import Reason
from service.consent.wording import DEFAULT_LANGUAGE, ConsentText, Row, TextVersion, load_texts, read_file
from service.errors import StartRefused
from service.people.state_rules import StateRules, read_state_rules

Applies = Literal[
    "all",
    "all_but_justice",
    "tpo",
    "tpo_any",
    "tpo_any_hipaa",
    "patient_request",
    "raises_funds",
    "intermediary",
    "counseling_notes",
    "psychotherapy_notes",
    "legal_proceedings",
    "criminal_justice",
    "registry",
    "fundraising",
]


class Element(Row):
    """One row of the element table."""

    code: str
    element: str
    field: str
    applies: Applies
    stage: Literal["draft", "signature"]
    message: str
    citation: str
    conf: Literal["law", "policy", "unsure"]
    source: Literal["seen", "memory"]
    #: A defect of form only: compliance may let it pass with a reason (ruling `formal`).
    formal: bool = False

    def reason(self) -> Reason:
        return Reason(self.code, self.message, self.citation, self.conf, self.field)


class _ReasonRow(Row):
    code: str
    element: str
    message: str
    citation: str
    conf: Literal["law", "policy", "unsure"]
    source: Literal["seen", "memory"]


class _ElementsFile(Row):
    elements: list[Element]
    reasons: list[_ReasonRow]


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Elements in file order, reasons by code, texts by version, and the newest version: drafts are written in it
    where the program has adopted none.
    """

    elements: tuple[Element, ...]
    reasons: Mapping[str, Reason]
    versions: Mapping[str, TextVersion]
    current: str
    #: Codes of elements whose lack is a defect of form only.
    formal: frozenset[str] = frozenset()
    #: What state law adds to who signs.
    states: StateRules = field(default_factory=StateRules)

    @property
    def texts(self) -> Mapping[str, ConsentText]:
        """The words of each version in English."""
        return {name: version.languages[DEFAULT_LANGUAGE] for name, version in self.versions.items()}

    def text(self, version: str, language: str = DEFAULT_LANGUAGE) -> ConsentText | None:
        """The words of a version in a language; None when there are none."""
        found = self.versions.get(version)
        return None if found is None else found.of(language)


def _refuse_duplicates(codes: Iterable[str], file: str) -> None:
    seen: set[str] = set()
    for code in codes:
        if code in seen:
            raise StartRefused(f"{file} lists {code} twice")
        seen.add(code)


def load_rulebook(policies: Path, checked: frozenset[str]) -> Rulebook:
    """The rulebook of the folder `policies`; `checked` are the codes that have a check in code."""
    file = read_file(policies / "elements.yaml", _ElementsFile)
    _refuse_duplicates((row.code for row in (*file.elements, *file.reasons)), "elements.yaml")
    listed = frozenset(row.code for row in file.elements)
    if listed != checked:
        raise StartRefused(f"elements.yaml and the checks differ: {', '.join(sorted(listed ^ checked))}")
    versions = load_texts(policies / "consent_texts")
    reasons = {row.code: Reason(row.code, row.message, row.citation, row.conf) for row in file.reasons}
    return Rulebook(
        elements=tuple(file.elements),
        reasons=reasons,
        versions=versions,
        current=max(versions),
        formal=frozenset(row.code for row in file.elements if row.formal),
        states=_state_rules(policies / "state_rules.yaml"),
    )


def _state_rules(path: Path) -> StateRules:
    try:
        return read_state_rules(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise StartRefused("state_rules.yaml cannot be read") from error
