"""Answers of one form: a value or an explicit non-answer, each with whose word it is, who wrote it and when.

What the patient typed and what staff or an instrument said stand beside each other; neither replaces the other. What
counts is the strongest value: measured before staff before patient, and any value before a non-answer, so that "not
asked" by one never hides what another was told.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

from service.intake.medical.book import Absent, Condition, Source, Value

_STRONGEST: Final = (Source.MEASURED, Source.STAFF, Source.PATIENT)


@dataclass(frozen=True, slots=True, repr=False)
class Given:
    """An answer as it arrived, unchecked. `withdrawn`: the question is blank again."""

    value: Value = None
    absent: Absent | None = None
    source: Source = Source.STAFF
    certainty: str | None = None
    confirmed: bool = False
    withdrawn: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """One word on one question; exactly one of `value` and `absent` is there."""

    value: Value
    absent: Absent | None
    source: Source
    by: UUID
    at: datetime
    certainty: str | None = None
    confirmed: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "value": self.value,
            "absent": None if self.absent is None else self.absent.value,
            "by": str(self.by),
            "at": self.at.isoformat(),
            "certainty": self.certainty,
            "confirmed": self.confirmed,
        }

    @staticmethod
    def from_json(source: str, stored: Mapping[str, Any]) -> "Answer":
        return Answer(
            value=stored["value"],
            absent=None if stored["absent"] is None else Absent(stored["absent"]),
            source=Source(source),
            by=UUID(stored["by"]),
            at=datetime.fromisoformat(stored["at"]),
            certainty=stored["certainty"],
            confirmed=stored["confirmed"],
        )

    def says_as(self, given: Given) -> bool:
        """The same word again: nothing new, so author and time stay."""
        return (self.value, self.absent, self.certainty, self.confirmed) == (
            given.value,
            given.absent,
            given.certainty,
            given.confirmed,
        ) and type(self.value) is type(given.value)


@dataclass(frozen=True, slots=True, repr=False)
class Sheet:
    """The answers of one form by question, and of each question by source."""

    answers: Mapping[str, Mapping[Source, Answer]] = field(default_factory=dict[str, Mapping[Source, Answer]])

    def current(self, key: str) -> Answer | None:
        """The answer that counts; None when there is none, not even a non-answer."""
        said = self.answers.get(key, {})
        ranked = [said[source] for source in _STRONGEST if source in said]
        return next((one for one in ranked if one.absent is None), ranked[0] if ranked else None)

    def value(self, key: str) -> Value:
        """The value that counts; None for a blank and for every non-answer."""
        answer = self.current(key)
        return None if answer is None else answer.value

    def holds(self, condition: Condition | None) -> bool:
        """A question without a condition is asked; one whose condition has no value yet is not."""
        if condition is None:
            return True
        value = self.value(condition.question)
        return value is not None and matches(value, condition.values) is not condition.negated

    def __iter__(self) -> Iterator[tuple[str, Answer]]:
        """Every word of every source."""
        for key, said in self.answers.items():
            for answer in said.values():
                yield key, answer

    def with_given(self, given: Mapping[str, Given], by: UUID, at: datetime) -> "Sheet":
        """These answers over those; a word of another source is never touched."""
        answers = {key: dict(said) for key, said in self.answers.items()}
        for key, one in given.items():
            said = answers.setdefault(key, {})
            if one.withdrawn:
                said.pop(one.source, None)
            elif one.source not in said or not said[one.source].says_as(one):
                said[one.source] = Answer(
                    one.value, one.absent, one.source, by, at, one.certainty, one.confirmed
                )
        return Sheet({key: said for key, said in answers.items() if said})

    def to_json(self) -> dict[str, Any]:
        return {
            key: {source.value: answer.to_json() for source, answer in sorted(said.items())}
            for key, said in sorted(self.answers.items())
        }

    @staticmethod
    def from_json(stored: Mapping[str, Any]) -> "Sheet":
        return Sheet(
            {
                key: {Source(source): Answer.from_json(source, one) for source, one in said.items()}
                for key, said in stored.items()
            }
        )


def matches(value: Value, values: tuple[Value, ...]) -> bool:
    """One of the values, or for several choices any of them; True is not 1."""
    given = cast("list[Any]", value) if isinstance(value, list) else [value]
    return any(type(one) is type(other) and one == other for one in given for other in values)
