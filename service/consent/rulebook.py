"""The files of law and wording that consents rest on, read once, strictly.

`policies/elements.yaml` holds the elements and reasons, `policies/consent_texts/*.yaml` the words, one
file a version. Unknown keys, missing keys, a duplicate code or an element without a check stop the start:
a rule that is silently not applied is the worst kind.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from service.consent.model import Reason
from service.errors import StartRefused

Applies = Literal["all", "tpo", "tpo_any", "tpo_any_hipaa", "patient_request"]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Element(_Row):
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

    def reason(self) -> Reason:
        return Reason(self.code, self.message, self.citation, self.conf, self.field)


class _ReasonRow(_Row):
    code: str
    element: str
    message: str
    citation: str
    conf: Literal["law", "policy", "unsure"]
    source: Literal["seen", "memory"]


class _ElementsFile(_Row):
    elements: list[Element]
    reasons: list[_ReasonRow]


class _Headings(_Row):
    patient: str
    disclosers: str
    recipients: str
    scope: str
    purposes: str
    expiry: str
    statements: str
    form: str


class _Disclosers(_Row):
    all_units: str
    unit: str


class _Recipients(_Row):
    named: str
    classes: dict[str, str]


class _Scope(_Row):
    all_kinds: str
    kinds: str
    all_labels: str
    labels: str
    between: str
    since: str
    until: str
    description: str


class _Expiry(_Row):
    date: str
    event: str
    none: str
    end_of_treatment: str


class _Statements(_Row):
    revocation: str
    revocation_how: str
    hipaa_redisclosure: str
    redisclosure_potential: str
    refusal_consequences: str


class _Form(_Row):
    electronic: str
    paper: str
    oral: str


class ConsentText(_Row):
    """One version of the words of a consent."""

    version: str
    language: str
    title: str
    headings: _Headings
    patient: str
    disclosers: _Disclosers
    recipients: _Recipients
    scope: _Scope
    kinds: dict[str, str]
    labels: dict[str, str]
    purposes: dict[str, str]
    expiry: _Expiry
    events: dict[str, str]
    statements: _Statements
    form: _Form


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Elements in file order, reasons by code, texts by version, and the version new drafts are written
    in.
    """

    elements: tuple[Element, ...]
    reasons: Mapping[str, Reason]
    texts: Mapping[str, ConsentText]
    current: str

    def text(self, version: str) -> ConsentText | None:
        return self.texts.get(version)


_File = TypeVar("_File", bound=_Row)


def _read(path: Path, shape: type[_File]) -> _File:
    """One file as `shape`; the error names the file and the key, for the operator who edited it."""
    try:
        return shape.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise StartRefused(f"{path.name} cannot be read: {type(error).__name__}") from error
    except ValidationError as error:
        places = ", ".join(".".join(str(part) for part in e["loc"]) for e in error.errors())
        raise StartRefused(f"{path.name} is not as it should be at: {places}") from error


def _refuse_duplicates(codes: Iterable[str], file: str) -> None:
    seen: set[str] = set()
    for code in codes:
        if code in seen:
            raise StartRefused(f"{file} lists {code} twice")
        seen.add(code)


def load_rulebook(policies: Path, checked: frozenset[str]) -> Rulebook:
    """The rulebook of the folder `policies`; `checked` are the codes that have a check in code."""
    file = _read(policies / "elements.yaml", _ElementsFile)
    _refuse_duplicates((row.code for row in (*file.elements, *file.reasons)), "elements.yaml")
    listed = frozenset(row.code for row in file.elements)
    if listed != checked:
        raise StartRefused(f"elements.yaml and the checks differ: {', '.join(sorted(listed ^ checked))}")
    texts: dict[str, ConsentText] = {}
    for path in sorted((policies / "consent_texts").glob("*.yaml")):
        text = _read(path, ConsentText)
        if text.version != path.stem:
            raise StartRefused(f"{path.name} says it is version {text.version}")
        texts[text.version] = text
    if not texts:
        raise StartRefused("there is no consent text in policies/consent_texts")
    reasons = {row.code: Reason(row.code, row.message, row.citation, row.conf) for row in file.reasons}
    return Rulebook(tuple(file.elements), reasons, texts, max(texts))
