"""What a rule finds wrong with a plan."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    #: Blocks activation.
    ERROR = "E"
    WARNING = "W"


@dataclass(frozen=True, slots=True)
class Fault:
    """What one check found: where, and a sentence for whoever writes the plan."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault with the rule it breaks. `code` tells the rows of one rule apart."""

    rule: str
    code: str
    severity: Severity
    field: str
    message: str
    source: str
