"""The medical intake as data: its sections, what each asks, and the tables the answers are read with.

Nothing here comes from code: `policies/intake` says it, `loading.py` reads it strictly, and a question is the same
whoever asks it. A blank is not an answer; every question takes the four explicit non-answers instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from service.intake.flags import Flag
from service.labels import Label
from service.record.item import Kind

#: A value as it was given: a truth, a number, a text, or a list of codes.
Value = Any


class Absent(StrEnum):
    """Why there is no value: FHIR data-absent-reason unknown, asked-declined, not-asked, not-applicable (memory)."""

    UNKNOWN = "unknown"
    DECLINED = "declined"
    NOT_ASKED = "not_asked"
    NOT_APPLICABLE = "not_applicable"


class Source(StrEnum):
    """Whose word an answer is."""

    PATIENT = "patient"
    STAFF = "staff"
    MEASURED = "measured"


class Need(StrEnum):
    """R: asked of everybody. C: asked when its condition holds. O: may be left blank."""

    REQUIRED = "R"
    CONDITIONAL = "C"
    OPTIONAL = "O"


class Type(StrEnum):
    YES_NO = "yes_no"
    CHOICE = "choice"
    CHOICES = "choices"
    INTEGER = "integer"
    QUANTITY = "quantity"
    DATE = "date"
    INSTANT = "instant"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Coding:
    """A code of a public system; `source` seen | memory."""

    system: str
    code: str
    source: str


@dataclass(frozen=True, slots=True)
class Choice:
    code: str
    label: str


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds when another question of the same form has one of these values, or (`negated`) any other value."""

    question: str
    values: tuple[Value, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Consequence:
    """What one of these values brings with it: labels, and a notice that somebody reads."""

    values: tuple[Value, ...]
    labels: frozenset[Label]
    notice: str | None
    text: str | None


@dataclass(frozen=True, slots=True)
class Span:
    """From `low` to `high`, both included; `above` and `below` themselves are not. None: open."""

    low: Decimal | None = None
    high: Decimal | None = None
    above: Decimal | None = None
    below: Decimal | None = None

    def holds(self, value: Decimal) -> bool:
        return (
            (self.low is None or value >= self.low)
            and (self.high is None or value <= self.high)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )


@dataclass(frozen=True, slots=True)
class FactRule:
    """The placement fact an answer gives: itself, or what `values` reads it as. A value not listed gives no fact."""

    name: str
    values: Mapping[Value, Value] = field(default_factory=dict[Any, Any])


@dataclass(frozen=True, slots=True)
class Question:
    """One thing asked. `concept` names the data element: no other input of the service asks for it."""

    key: str
    label: str
    why: str
    need: Need
    type: Type
    concept: str
    labels: frozenset[Label] = frozenset()
    consequences: tuple[Consequence, ...] = ()
    choices: tuple[Choice, ...] = ()
    codes: tuple[Coding, ...] = ()
    unit: str | None = None
    #: Outside of these it is no answer.
    limits: Span | None = None
    #: Outside of these it is an answer somebody has to confirm.
    accept: Span | None = None
    #: Inside any of these it is an urgent finding.
    urgent: tuple[Span, ...] = ()
    when: Condition | None = None
    self_report: bool = True
    clinician_only: bool = False
    #: An instant is given with how certain it is.
    certainty: bool = False
    #: A date or an instant in time to come is no answer.
    past: bool = False
    fact: FactRule | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """Questions answered together and kept as one record item."""

    questions: tuple[Question, ...]

    def find(self, key: str) -> Question | None:
        return next((one for one in self.questions if one.key == key), None)


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the intake. With `entries` it is a list: each entry is an item of its own, `form` its head."""

    key: str
    number: int
    title: str
    kind: Kind
    labels: frozenset[Label]
    form: Form
    entries: Form | None = None
    entry_title: str = ""
    #: Required always, or only when this rule of the service holds ("recent_use").
    required_when: str | None = None
    #: Texts here reach people who must not learn of the program.
    tells_nothing: bool = False

    @property
    def takes_patient(self) -> bool:
        """The patient may answer some of it."""
        return any(one.self_report for one in self.questions)

    @property
    def questions(self) -> tuple[Question, ...]:
        return self.form.questions + (self.entries.questions if self.entries else ())


@dataclass(frozen=True, slots=True)
class Ingredient:
    """A medicine's ingredient (RxNorm): what it tells about the patient, and its class where rules ask."""

    name: str
    rxcui: str | None
    labels: frozenset[Label]
    group: str | None


@dataclass(frozen=True, slots=True)
class SubstanceClass:
    """A class of the substance table, its ICD-10-CM family and the codes of its disorders by severity."""

    key: str
    label: str
    family: str
    mild: str
    severe: str
    mild_remission: str | None
    severe_remission: str | None


@dataclass(frozen=True, slots=True)
class DiagnosisCode:
    """An ICD-10-CM code and the dates of service it can be used for. `replaces`: in place of the plain disorder."""

    code: str
    title: str
    valid_from: date
    valid_to: date | None
    replaces: bool
    labels: frozenset[Label]


@dataclass(frozen=True, slots=True)
class MedicalBook:
    """Everything the medical intake is made of. `version` names the bytes it was read from."""

    version: str
    sections: Mapping[str, Section]
    ingredients: Mapping[str, Ingredient]
    classes: Mapping[str, SubstanceClass]
    codes: Mapping[str, DiagnosisCode]
    urgent: Mapping[str, Flag]
    #: Words that would tell an outsider why somebody comes here.
    telling_words: frozenset[str]

    def find(self, key: str) -> Section | None:
        return self.sections.get(key)
