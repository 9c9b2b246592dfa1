"""The words of messages: policies/messages/*.yaml, read once and strictly, and a message made of them.

Every template there is stands in every language, and uses the front office's name and telephone and its own parameters,
all of them and nothing else: a message cannot be told a name.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from types import MappingProxyType
from typing import Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.access.program import Contact
from service.delivery.model import PARAMETERS, Template
from service.errors import StartRefused

FOLDER: Final = "messages"
LANGUAGES: Final = ("en", "es")
OFFICE: Final = frozenset({"office", "phone"})


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Words(_Row):
    """One template in one language."""

    subject: str = Field(min_length=1, max_length=80, pattern=r"^[^\r\n]+$")
    email: str = Field(min_length=1, max_length=2000)
    text: str = Field(min_length=1, max_length=300, pattern=r"^[^\r\n]+$")


class _File(_Row):
    language: str
    templates: dict[str, Words]


@dataclass(frozen=True, slots=True)
class MessageBook:
    """Words by language and template."""

    words: Mapping[str, Mapping[Template, Words]]


@dataclass(frozen=True, slots=True, repr=False)
class Composed:
    """A message in words. `sender` is how the front office is called in front of the address."""

    sender: str
    subject: str
    email: str
    text: str


def language_for(tag: object) -> str:
    """The language we have that comes nearest to a language tag; English without one."""
    primary = str(tag or "").partition("-")[0].casefold()
    return primary if primary in LANGUAGES else LANGUAGES[0]


def compose(
    book: MessageBook, language: str, template: Template, office: Contact, parameters: Mapping[str, str]
) -> Composed:
    """The message; `parameters` are exactly those of the template (ValueError)."""
    if frozenset(parameters) != PARAMETERS[template]:
        raise ValueError("a message is told exactly what its template lists")
    words = book.words[language][template]
    said = {**parameters, "office": office.name, "phone": office.phone}
    return Composed(
        sender=office.name,
        subject=words.subject.format_map(said),
        email=words.email.format_map(said),
        text=words.text.format_map(said),
    )


class _StrictLoader(yaml.SafeLoader):
    """YAML in which a key stands once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value]
        if len(keys) != len(set(keys)):
            raise StartRefused(f"messages: a key stands twice, from line {node.start_mark.line + 1}")
        return super().construct_mapping(node, deep=deep)


def load_messages(policies: Path) -> MessageBook:
    """The book of the folder `policies`; raises StartRefused with file and place."""
    return MessageBook(MappingProxyType({code: _read(policies / FOLDER, code) for code in LANGUAGES}))


def _read(folder: Path, language: str) -> Mapping[Template, Words]:
    name = f"{FOLDER}/{language}.yaml"
    try:
        text = (folder / f"{language}.yaml").read_text(encoding="utf-8")
        loaded = yaml.load(text, Loader=_StrictLoader)  # nosec B506 # noqa: S506 -- a SafeLoader, stricter
        file = _File.model_validate(loaded)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise StartRefused(f"{name} cannot be read: {type(error).__name__}") from error
    except ValidationError as error:
        places = ", ".join(".".join(str(part) for part in fault["loc"]) for fault in error.errors())
        raise StartRefused(f"{name} is not as it should be at: {places}") from error
    if file.language != language:
        raise StartRefused(f"{name} says it is {file.language}")
    if differing := set(map(str, Template)) ^ set(file.templates):
        raise StartRefused(f"{name} and the messages there are differ: {', '.join(sorted(differing))}")
    for key, words in file.templates.items():
        _check(f"{name}, {key}", Template(key), words)
    return MappingProxyType({Template(key): words for key, words in file.templates.items()})


def _check(place: str, template: Template, words: Words) -> None:
    allowed = PARAMETERS[template] | OFFICE
    for part, text in (("subject", words.subject), ("email", words.email), ("text", words.text)):
        try:
            fields = list(Formatter().parse(text))
        except ValueError:
            raise StartRefused(f"{place}: {part} has a brace that belongs to nothing") from None
        used = {name for _, name, _, _ in fields if name is not None}
        plain = all(not spec and not turned for _, name, spec, turned in fields if name is not None)
        if not used <= allowed or not plain:
            raise StartRefused(f"{place}: {part} uses what it is not told")
        if part != "subject" and not PARAMETERS[template] | {"office", "phone"} <= used:
            raise StartRefused(f"{place}: {part} leaves out the office, its telephone or a parameter")
