"""The words of the forms that are no consents to disclose: by form, version and language, hashed as they are shown.

Files are policies/packets/texts/<form>@<version>.yaml; a version never changes once somebody has signed it, a new one
stands beside it and holds from its day on. A form has no answer of its own: every answer is the patient's, so a field
for one is unknown here (K3).
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, Literal, cast

from service.admission.packet.catalogue import FOLDER, LANGUAGES
from service.errors import StartRefused
from service.intake.yamlfield import Field, read_fields

Type = Literal["yes_no", "choice", "text"]
TYPES: Final = ("yes_no", "choice", "text")
#: What is shown and signed when somebody says no to a consent, which has words of its own.
DECLINING: Final = "declining"


@dataclass(frozen=True, slots=True)
class Question:
    """One answer a form asks for. `must`: only this answer completes the form; `required_if`: another question and the
    answer to it that makes this one needed.
    """

    key: str
    type: Type
    words: str
    required: bool
    choices: Mapping[str, str]
    must: bool | None = None
    required_if: tuple[str, bool] | None = None


@dataclass(frozen=True, slots=True)
class FormText:
    """One form in one version and language."""

    form: str
    version: str
    language: str
    effective_from: date
    title: str
    text: str
    questions: tuple[Question, ...]

    @property
    def document(self) -> str:
        """Exactly what is shown: what a signature stands under."""
        asked = [_asked(number, one) for number, one in enumerate(self.questions, 1)]
        return "\n\n".join((self.title, self.text, *asked)) + "\n"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.document.encode()).hexdigest()


class TextBook:
    """All words, by form."""

    def __init__(self, texts: Iterable[FormText]) -> None:
        self._texts: dict[tuple[str, str], list[FormText]] = {}
        for text in sorted(texts, key=lambda one: (one.effective_from, one.version)):
            self._texts.setdefault((text.form, text.language), []).append(text)

    @property
    def forms(self) -> frozenset[str]:
        return frozenset(form for form, _ in self._texts)

    def current(self, form: str, language: str, day: date) -> FormText | None:
        """The words in force on a day: the newest that have begun."""
        begun = [one for one in self._texts.get((form, language), ()) if one.effective_from <= day]
        return begun[-1] if begun else None

    def newer_than(self, form: str, version: str, day: date) -> FormText | None:
        """The words that replaced this version, if any has by `day`; None while it is the one in force."""
        now = self.current(form, LANGUAGES[0], day)
        return None if now is None or now.version == version else now

    def versions(self, form: str, language: str) -> Sequence[FormText]:
        return tuple(self._texts.get((form, language), ()))


def load_texts(policies: Path, needed: Iterable[str]) -> TextBook:
    """The words of the folder; StartRefused for a fault, and when a needed form has none."""
    read: list[FormText] = []
    for path in sorted((policies / FOLDER / "texts").glob("*.yaml")):
        try:
            content = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise StartRefused(f"{path.name} cannot be read: {type(error).__name__}") from error
        texts = parse_text(path.name, content)
        if path.stem != f"{texts[0].form}@{texts[0].version}":
            raise StartRefused(f"{path.name}:1: form: is not the name of the file")
        read.extend(texts)
    book = TextBook(read)
    if lacking := frozenset((*needed, DECLINING)) - book.forms:
        raise StartRefused(f"no words for: {', '.join(sorted(lacking))}")
    return book


def parse_text(source: str, content: str) -> tuple[FormText, ...]:
    """One form in every language; StartRefused with `source`, line and field."""
    members = read_fields(source, content).members(
        ("form", "version", "effective_from", "title", "text"), ("questions",)
    )
    titles, texts = members["title"].members(LANGUAGES), members["text"].members(LANGUAGES)
    rows = members["questions"].sequence() if "questions" in members else []
    keys = [row.members(("key",), _QUESTION)["key"].text() for row in rows]
    if len(set(keys)) != len(keys):
        members["questions"].fault("a key stands twice")
    return tuple(
        FormText(
            form=members["form"].text(),
            version=members["version"].text(),
            language=language,
            effective_from=_day(members["effective_from"]),
            title=titles[language].text(),
            text=texts[language].text(),
            questions=tuple(_question(row, language, keys) for row in rows),
        )
        for language in LANGUAGES
    )


_QUESTION: Final = ("type", "words", "required", "choices", "must", "required_if")


def _question(row: Field, language: str, keys: Sequence[str]) -> Question:
    members = row.members(("key", "type", "words", "required"), ("choices", "must", "required_if"))
    kind = cast("Type", members["type"].one_of(TYPES))
    if (kind == "choice") != ("choices" in members):
        row.fault("choices: needed if, and only if, it is a choice")
    if "must" in members and kind != "yes_no":
        members["must"].fault("only a yes_no question has an answer that must be")
    choices = members["choices"].mapping() if "choices" in members else {}
    return Question(
        key=members["key"].text(),
        type=kind,
        words=members["words"].members(LANGUAGES)[language].text(),
        required=members["required"].truth(),
        choices={code: one.members(LANGUAGES)[language].text() for code, one in choices.items()},
        must=members["must"].truth() if "must" in members else None,
        required_if=_required_if(members["required_if"], keys) if "required_if" in members else None,
    )


def _required_if(field: Field, keys: Sequence[str]) -> tuple[str, bool]:
    members = field.members(("question", "is"))
    return members["question"].one_of(keys), members["is"].truth()


def _day(field: Field) -> date:
    try:
        return date.fromisoformat(field.text())
    except ValueError:
        field.fault("must be a date in quotes, YYYY-MM-DD")


def _asked(number: int, question: Question) -> str:
    return "\n".join(
        (f"{number}. {question.words}", *(f"   - {words}" for words in question.choices.values()))
    )
