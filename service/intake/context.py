"""What is known beside the answers of a form: sex, pregnancy, the period asked about, a measurement."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class ContextKind(StrEnum):
    """What a context field holds: one of its values, yes or no (JSON true or false), a number, a time."""

    CHOICE = "choice"
    TRUTH = "truth"
    NUMBER = "number"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class ContextField:
    """Something known beside the answers. `separates`: results with different values are never compared.

    `values` of a choice by value with its label; `least` and `most` of a number. `asked`: whoever fills in
    the form is to be asked for it. `required`: no form is completed without it; that nobody knows is said, not left out.
    """

    key: str
    label: str
    kind: ContextKind
    values: Mapping[str, str]
    default: str | None
    least: int
    most: int
    separates: bool
    asked: bool
    required: bool = False
