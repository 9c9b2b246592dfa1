"""A care plan: its content, and what has happened to it since.

Signatures, reviews and what was measured stand beside the content; every change of any of them is a version of the
item.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from service.admission.careplan.content import Content
from service.admission.careplan.parts import (
    Code,
    Day,
    Decided,
    Few,
    GoalState,
    Id,
    Key,
    Line,
    Number,
    Part,
    SignerKind,
    Status,
    Text,
)
from service.labels import Label


class Signature(Part):
    """Somebody's word on one version of the content. `decision` is the patient's, or why there is none."""

    kind: Annotated[SignerKind, Field(strict=False)]
    account_id: Id
    at: str
    content_version: int
    name: Line | None = None
    decision: Annotated[Decided, Field(strict=False)] | None = None
    reason: Line | None = None
    trainee: bool = False


class Taken(Part):
    """A value measured on a day: the score of an instrument, a test, a day of use, something done."""

    code: Code
    value: Number
    on: Day
    at: str
    account_id: Id
    goal: Key | None = None
    objective: Key | None = None
    note: Text | None = None


class GoalStep(Part):
    """A goal that changed its state, by a measured value or a clinician's note (what it rested on is kept)."""

    goal: Key
    before: Annotated[GoalState, Field(strict=False)]
    after: Annotated[GoalState, Field(strict=False)]
    at: str
    account_id: Id
    note: Text | None = None
    taken: Few[Taken] = ()


class Review(Part):
    """The plan gone through with the person, and the day by which it is gone through again."""

    at: str
    on: Day
    account_id: Id
    summary: Text
    next_on: Day
    patient_took_part: bool
    content_version: int


class Used(Part):
    """An assessment the plan rests on, at the version it had."""

    item_id: Id
    instrument: Code
    version: int


class Basis(Part):
    placement: Id | None = None
    assessments: Few[Used] = ()


class Kept(Part):
    """What is sealed: the content, and what has happened to it."""

    content: Content
    content_version: int = 1
    basis: Basis = Basis()
    signatures: Few[Signature] = ()
    reviews: Few[Review] = ()
    taken: Annotated[tuple[Taken, ...], Field(strict=False)] = ()
    steps: Annotated[tuple[GoalStep, ...], Field(strict=False)] = ()
    activated_at: str | None = None
    ended_reason: Text | None = None

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")

    @staticmethod
    def from_json(stored: Mapping[str, Any]) -> "Kept":
        return Kept.model_validate(stored)


@dataclass(frozen=True, slots=True, repr=False)
class CarePlan:
    """One version of a plan. `review_on` and `starts_on` are clear in its row; the rest is sealed."""

    id: UUID
    patient_id: UUID
    episode_id: UUID
    unit: str
    status: Status
    version: int
    author_id: UUID
    labels: frozenset[Label]
    kept: Kept
    created_at: datetime
    changed_at: datetime

    @property
    def content(self) -> Content:
        return self.kept.content

    @property
    def signatures(self) -> tuple[Signature, ...]:
        """Those that are on the content as it stands."""
        return tuple(one for one in self.kept.signatures if one.content_version == self.kept.content_version)
