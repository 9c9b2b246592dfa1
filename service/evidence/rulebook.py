"""The kinds of evidence as policies/evidence.yaml has them, read once, strictly.

An unknown key, a kind missing or named twice, a condition on a field that does not exist: each stops the start, because
a rule that is silently not applied is the worst kind. The file is part of the policy set, so its hash stands in every
ledger entry.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.access.caller import Role
from service.access.strictyaml import load_strictly
from service.errors import StartRefused
from service.evidence.model import EvidenceKind

FILE: Final = "evidence.yaml"
Check = Literal["term_at_most_12_months"]
_Role = Annotated[Role, Field(strict=False)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class RequiredWhen(_Row):
    """Asked for only when another field has this value."""

    field: str
    value: str = Field(alias="is")


class Question(_Row):
    """One field of a kind: what may be answered, and which paragraph asks."""

    type: Literal["text", "date", "time", "flag", "choice", "choices"]
    required: bool = False
    required_when: RequiredWhen | None = None
    choices: tuple[str, ...] = Field(default=(), strict=False)
    default: str | None = None
    cite: str | None = None


class Condition(_Row):
    """One thing that must hold: exactly one of the four forms."""

    field: str | None = None
    is_: bool | str | None = Field(default=None, alias="is")
    is_not: bool | str | None = None
    some: Literal[True] | None = None
    check: Check | None = None


class KindRule(_Row):
    """One kind: who may record it and sign it off, what it asks, what it says."""

    cite: str
    conf: Literal["law", "policy", "unsure"]
    source: Literal["seen", "memory"]
    recorded_by: list[_Role] = Field(min_length=1)
    signed_off_by: list[_Role] = Field(min_length=1)
    patient: bool
    standing: bool
    reach: Literal["all", "named"]
    lasts_days: int | None = Field(ge=0)
    fields: dict[str, Question] = Field(min_length=1)
    says: dict[str, list[Condition]] = Field(min_length=1)

    @property
    def director_only(self) -> bool:
        """A finding that is the program director's alone."""
        return self.signed_off_by == [Role.DIRECTOR]


class _File(_Row):
    kinds: dict[str, KindRule]


@dataclass(frozen=True, slots=True)
class EvidenceBook:
    """Every kind of EvidenceKind with its rule."""

    kinds: Mapping[EvidenceKind, KindRule]

    def find(self, kind: str) -> KindRule | None:
        """The rule of a kind; None for one we do not know."""
        return self.kinds.get(EvidenceKind(kind)) if kind in set(EvidenceKind) else None


def load_evidence(policies: Path) -> EvidenceBook:
    """The book of the folder `policies`; raises StartRefused with the place for the operator who edited it."""
    file = load_strictly(FILE, policies / FILE, _File)
    known = {kind.value for kind in EvidenceKind}
    if differing := known ^ set(file.kinds):
        raise StartRefused(f"{FILE} and the kinds of evidence differ: {', '.join(sorted(differing))}")
    for name, rule in file.kinds.items():
        if fault := _fault(rule):
            raise StartRefused(f"{FILE}, {name}: {fault}")
    return EvidenceBook({EvidenceKind(name): rule for name, rule in file.kinds.items()})


def _fault(rule: KindRule) -> str | None:
    """What makes a rule one that could never hold, or hold by mistake."""
    if rule.patient == rule.standing:
        return "what is about one patient is made for an occasion, an agreement stands"
    for name, question in rule.fields.items():
        if (question.type in ("choice", "choices")) != bool(question.choices):
            return f"{name} needs choices if, and only if, it is a choice"
        if question.default is not None and (question.required or question.default not in question.choices):
            return f"{name} has a default that is never used, or is none of its choices"
        if question.required_when and not _compares(
            rule, question.required_when.field, question.required_when.value
        ):
            return f"{name} depends on a value that cannot be"
    for word, conditions in rule.says.items():
        if not all(_possible(rule, condition) for condition in conditions):
            return f"{word} has a condition that is not one"
    return None


def _possible(rule: KindRule, condition: Condition) -> bool:
    forms = (condition.is_, condition.is_not, condition.some, condition.check)
    if sum(form is not None for form in forms) != 1:
        return False
    if condition.check is not None:
        return condition.field is None
    if condition.some is not None:
        return condition.field in rule.fields and rule.fields[condition.field].type == "choices"
    value = condition.is_ if condition.is_ is not None else condition.is_not
    return condition.field is not None and _compares(rule, condition.field, value)


def _compares(rule: KindRule, field: str, value: object) -> bool:
    """Whether a field can have this value at all, also when nobody answered it."""
    question = rule.fields.get(field)
    if question is None:
        return False
    if question.type == "flag":
        return isinstance(value, bool)
    answered = question.required or question.default is not None
    return question.type == "choice" and value in question.choices and answered
