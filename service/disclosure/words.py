"""The plain words for decisions and previews, read once, strictly (policies/words, one file a language).

What a code is called is data, so that a lawyer and a translator can read it without Python. Both languages have
the same keys, or the service does not start; whether every code of the policies has words is for the tests.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from service.errors import StartRefused

#: What people are asked and answered in; a notice of 2.32 is never translated.
LANGUAGES: Final = ("en", "es")


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Counted(_Row):
    """One and many of a thing."""

    one: str
    many: str

    def of(self, count: int) -> str:
        """`count` of them, in words."""
        return self.one if count == 1 else self.many.format(count=count)


class Sentences(_Row):
    """The frames of a paragraph; codes, counts and clauses fill them."""

    why: str
    withheld: str
    denied: str
    review: str
    reason: str
    reason_alone: str
    reason_unworded: str
    basis_unworded: str
    paper: str
    duties: str
    ends: str
    after: str


class PreviewWords(_Row):
    """What a consent would do, said to the person about to sign it."""

    summary: str
    reads: str
    nothing: str
    review: str
    stays: str
    nobody: str
    through: str
    without: str
    kind: str


class BasisWords(_Row):
    """Why a basis allows something, the key of how long it does, and of the kind of paper it rests on."""

    why: str
    ends: str
    paper: str | None = None


class Language(_Row):
    """The words of one language."""

    language: str
    records: Counted
    effects: dict[str, str]
    sentences: Sentences
    preview: PreviewWords
    ends: dict[str, str]
    bases: dict[str, BasisWords]
    obligations: dict[str, str]
    #: Kinds of evidence.
    papers: dict[str, str]
    reasons: dict[str, str]


@dataclass(frozen=True, slots=True)
class Words:
    """All languages by code."""

    by_language: Mapping[str, Language]

    def of(self, language: str) -> Language:
        """The words of a language; English when there are none of it."""
        return self.by_language.get(language, self.by_language["en"])


def read_words(documents: Mapping[str, str]) -> Words:
    """The words from the text of each file, by language. StartRefused when one is missing, not of its shape, or has
    other keys than English.
    """
    if set(documents) != set(LANGUAGES):
        raise StartRefused(f"policies/words must have exactly {', '.join(LANGUAGES)}")
    found = {language: _read(language, text) for language, text in documents.items()}
    for language, words in found.items():
        if different := _keys(words) ^ _keys(found["en"]):
            raise StartRefused(
                f"policies/words/{language}.yaml and en.yaml differ: {', '.join(sorted(different))}"
            )
        papers = {basis.paper for basis in words.bases.values() if basis.paper is not None}
        ends = {basis.ends for basis in words.bases.values()}
        if unknown := (ends - words.ends.keys()) | (papers - words.papers.keys()):
            raise StartRefused(
                f"policies/words/{language}.yaml has no words for {', '.join(sorted(unknown))}"
            )
    return Words(MappingProxyType(found))


def load_words(policies: Path) -> Words:
    """The words of the folder `policies`."""
    try:
        documents = {
            path.stem: path.read_text(encoding="utf-8")
            for path in sorted((policies / "words").glob("*.yaml"))
        }
    except (OSError, UnicodeDecodeError) as error:
        raise StartRefused("policies/words cannot be read") from error
    return read_words(documents)


def _read(language: str, text: str) -> Language:
    try:
        words = Language.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, ValidationError):
        raise StartRefused(f"policies/words/{language}.yaml does not have the shape it must have") from None
    if words.language != language:
        raise StartRefused(f"policies/words/{language}.yaml says it is {words.language}")
    return words


def _keys(words: Language) -> set[str]:
    """Every code that has words, under the name of its table."""
    document = words.model_dump()
    return {
        f"{table}.{code}"
        for table, codes in document.items()
        if isinstance(codes, dict)
        for code in codes  # pyright: ignore[reportUnknownVariableType]
    }
