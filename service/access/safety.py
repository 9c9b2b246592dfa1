"""What a raised flag asks for, as policies/safety.yaml has it: whose it is, by when, what counts as an action on it.

Read once, strictly, with the rest of the policy set: an unknown key, a task that nobody owns or an action that asks for
what does not exist stops the start, because a safety rule that is silently not applied is the worst kind.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from service.access.caller import Role
from service.access.strictyaml import read_strictly

FILE: Final = "safety.yaml"
SeverityName = Literal["urgent", "same_day", "review", "form"]
#: What an acknowledgement must say beside the action.
Particular = Literal["seen_by", "outcome"]
_OWNERS: Final = (Role.INTAKE, Role.CLINICIAN)
_Owner = Annotated[Role, Field(strict=False)]
_Minutes = Annotated[int, Field(ge=1, le=60 * 24 * 30)]
_Text = Annotated[str, Field(min_length=3)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Task(_Row):
    """One task: who owns it, what counts as an action, and where its clock or its questions are its own."""

    owner: _Owner
    actions: Mapping[str, _Text] = Field(min_length=1)
    #: What raises it says that the patient is in danger at home: no mail, no voicemail from then on.
    endangered: bool = False
    minutes: Mapping[SeverityName, _Minutes] = Field(default_factory=dict[SeverityName, int])
    asks: Mapping[SeverityName, list[Particular]] = Field(
        default_factory=dict[SeverityName, list[Particular]]
    )

    @model_validator(mode="after")
    def _owned_by_somebody_who_acts(self) -> "Task":
        if self.owner not in _OWNERS:
            raise ValueError("owned by a role that can act on it")
        return self


class _Overdue(_Row):
    owner: _Owner
    review: bool


class _Line(_Row):
    name: _Text
    phone: str = Field(min_length=3)


class _File(_Row):
    conf: Literal["law", "policy", "unsure"]
    source: _Text
    clocks: Mapping[SeverityName, _Minutes]
    overdue: _Overdue
    patient_words: Mapping[str, _Text]
    crisis_line: _Line
    outcomes: Mapping[str, _Text] = Field(min_length=1)
    tasks: Mapping[str, Task] = Field(min_length=1)
    otherwise: Task

    @model_validator(mode="after")
    def _whole(self) -> "_File":
        if set(self.clocks) != {"urgent", "same_day", "review", "form"}:
            raise ValueError("a clock for each severity")
        if "en" not in self.patient_words:
            raise ValueError("patient_words has en")
        if self.overdue.owner not in _OWNERS:
            raise ValueError("what is overdue goes to a role that can act on it")
        return self


@dataclass(frozen=True, slots=True)
class Duty:
    """What one flag asks for: `minutes` from the answer, `actions` that count, `asks` what else must be said."""

    owner: Role
    minutes: int
    actions: Mapping[str, str]
    asks: tuple[Particular, ...]


@dataclass(frozen=True, slots=True)
class SafetyBook:
    """The file. `overdue_owner`: whose a flag becomes when its clock has run out."""

    tasks: Mapping[str, Task]
    otherwise: Task
    clocks: Mapping[SeverityName, int]
    overdue_owner: Role
    overdue_review: bool
    outcomes: Mapping[str, str]
    crisis_line: tuple[str, str]
    _words: Mapping[str, str]

    def duty(self, task: str | None, severity: SeverityName) -> Duty:
        """The duty of a task at a severity; a task the file does not name is not nobody's."""
        row = self.tasks.get(task or "", self.otherwise)
        minutes = row.minutes.get(severity, self.clocks[severity])
        return Duty(row.owner, minutes, row.actions, tuple(row.asks.get(severity, ())))

    def endangers(self, task: str | None) -> bool:
        """Whether a flag with this task marks the patient as in danger at home."""
        return self.tasks.get(task or "", self.otherwise).endangered

    def words_for_patient(self, language: str) -> str:
        """What a patient reads whose own form raised a flag; English where there is nothing else."""
        return self._words.get(language, self._words["en"])


def read_safety(document: str) -> SafetyBook:
    """The book from the text of safety.yaml; raises StartRefused with the place for whoever edited it."""
    file = read_strictly(FILE, document, _File)
    return SafetyBook(
        tasks=file.tasks,
        otherwise=file.otherwise,
        clocks=file.clocks,
        overdue_owner=file.overdue.owner,
        overdue_review=file.overdue.review,
        outcomes=file.outcomes,
        crisis_line=(file.crisis_line.name, file.crisis_line.phone),
        _words=file.patient_words,
    )
