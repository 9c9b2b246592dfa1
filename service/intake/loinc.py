"""The reviewed list of LOINC codes, and their check digit.

Invented codes circulate in public code (a CIWA-Ar and a C-SSRS code that LOINC never gave out); the check
digit finds most of them and the reviewed list finds the rest. Source: LOINC Users' Guide, appendix on the
mod-10 check digit.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_NUMERIC = re.compile(r"[0-9]{1,8}-[0-9]")
_ANSWER = re.compile(r"LA[0-9]{1,8}-[0-9]")


@dataclass(frozen=True, slots=True)
class CodeList:
    """Displays by code, for terms and for answers (LA codes), with the notice that must travel with them."""

    system: str
    notice: str
    terms: Mapping[str, str]
    answers: Mapping[str, str]


def is_numeric_code(code: str) -> bool:
    """Has the form of a LOINC term code, with the right check digit."""
    return _NUMERIC.fullmatch(code) is not None and code[-1] == check_digit(code[:-2])


def is_answer_code(code: str) -> bool:
    """Has the form of a LOINC answer code; the plain check digit does not fit those."""
    return _ANSWER.fullmatch(code) is not None


def check_digit(number: str) -> str:
    """The mod-10 (Luhn) digit of a LOINC number given without hyphen and digit."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)
