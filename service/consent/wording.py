"""The shapes of the words of consents: what a version of the text must have, and nothing else.

A version is one file for each language (`v2026-11.en.yaml`); the first version had English only and one file
(`v2026-02.yaml`), in the first shape. Words signed under a version are rendered with its files for ever, so a shape,
once used, is never changed: a new shape is added beside it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from service.consent.model import ConsentKind
from service.errors import StartRefused

#: The languages a consent can be written in.
LANGUAGES: Final = ("en", "es")
#: What a consent is written in when nobody says otherwise.
DEFAULT_LANGUAGE: Final = "en"


class Row(BaseModel):
    """A part of a policy file: unknown and missing keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Headings(Row):
    patient: str
    disclosers: str
    recipients: str
    scope: str
    purposes: str
    expiry: str
    statements: str
    form: str


class _Disclosers(Row):
    all_units: str
    unit: str


class _Recipients(Row):
    named: str
    classes: dict[str, str]


class _Scope(Row):
    all_kinds: str
    kinds: str
    all_labels: str
    labels: str
    between: str
    since: str
    until: str
    description: str


class _Expiry(Row):
    date: str
    event: str
    none: str
    end_of_treatment: str


class _Statements(Row):
    revocation: str
    revocation_how: str
    hipaa_redisclosure: str
    redisclosure_potential: str
    refusal_consequences: str


class _Form(Row):
    electronic: str
    paper: str
    oral: str


class ConsentText(Row):
    """The words of a consent in one language, in the first shape: specific and tpo consents alike."""

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

    def speaks_of(self, kind: ConsentKind) -> bool:
        """Has this version words for a consent of this kind?"""
        return kind in (ConsentKind.SPECIFIC, ConsentKind.TPO)


class _Sections(Row):
    about: str
    details: str
    reference: str


class _Named(Row):
    address: str
    intermediary: str
    participants: str
    treating_providers: str
    designation: str


class _Details(Row):
    asked_by_patient: str
    asked_by_staff: str
    proceeding: str
    justice_condition: str
    revocable_after_day: str
    revocable_after: str
    within_200_miles: str
    fundraises: str
    conditioned: str
    free: str


class KindWords(Row):
    """What is said only in a consent of one kind. `statements` take the place of the common ones; `free`: the text
    says that nothing depends on signing.
    """

    title: str
    about: list[str]
    statements: dict[str, str] = {}
    free: bool = False


class ConsentTextByKind(ConsentText):
    """The second shape: words for every kind of consent, and for every detail its terms can have."""

    sections: _Sections
    months: list[str]
    day: str
    named: _Named
    fundraising_optout: str
    details: _Details
    reference: str
    consents: dict[str, KindWords]

    def speaks_of(self, kind: ConsentKind) -> bool:
        return kind.value in self.consents


@dataclass(frozen=True, slots=True)
class TextVersion:
    """One version in its languages. `sha256`: of its files as they are now, which an adoption binds itself to."""

    version: str
    languages: Mapping[str, ConsentText]
    sha256: str

    def of(self, language: str) -> ConsentText | None:
        return self.languages.get(language)


_File = TypeVar("_File", bound=Row)


def read_file(path: Path, shape: type[_File]) -> _File:
    """One file as `shape`; the error names the file and the key, for the operator who edited it."""
    try:
        return shape.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise StartRefused(f"{path.name} cannot be read: {type(error).__name__}") from error
    except ValidationError as error:
        places = ", ".join(".".join(str(part) for part in e["loc"]) for e in error.errors())
        raise StartRefused(f"{path.name} is not as it should be at: {places}") from error


def load_texts(folder: Path) -> Mapping[str, TextVersion]:
    """Every version in the folder; StartRefused for a file that is not what its name says, or lacks a kind."""
    found: dict[str, dict[str, ConsentText]] = {}
    digests: dict[str, dict[str, str]] = {}
    for path in sorted(folder.glob("*.yaml")):
        version, _, language = path.stem.partition(".")
        text = read_file(path, ConsentTextByKind if language else ConsentText)
        if (text.version, text.language) != (version, language or DEFAULT_LANGUAGE):
            raise StartRefused(f"{path.name} says it is version {text.version}, language {text.language}")
        if isinstance(text, ConsentTextByKind):
            _refuse_incomplete(text, path.name)
        found.setdefault(version, {})[text.language] = text
        digests.setdefault(version, {})[text.language] = hashlib.sha256(path.read_bytes()).hexdigest()
    if not found:
        raise StartRefused("there is no consent text in policies/consent_texts")
    return {
        version: TextVersion(version, texts, _digest(digests[version])) for version, texts in found.items()
    }


def _refuse_incomplete(text: ConsentTextByKind, file: str) -> None:
    if set(text.consents) != {kind.value for kind in ConsentKind}:
        raise StartRefused(f"{file} must have words for every kind of consent and no other")
    for name, words in text.consents.items():
        if not set(words.statements) <= set(_Statements.model_fields):
            raise StartRefused(f"{file}: {name} changes a statement that does not exist")
    if len(text.months) != 12:
        raise StartRefused(f"{file} must have twelve months")


def _digest(files: Mapping[str, str]) -> str:
    """One hash over the files of a version, by language."""
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode("ascii")).hexdigest()
