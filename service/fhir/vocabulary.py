"""Addresses of the extensions and code systems our forms use, and how our sensitivity labels are said.

FHIR R4 core: https://hl7.org/fhir/R4/questionnaire.html. Expressions, hidden items and variables follow Structured Data
Capture (http://hl7.org/fhir/uv/sdc). What has no public code has one of this project's own systems, a URN: no host that
somebody could take for a service.
"""

from collections.abc import Iterable
from typing import Any, Final

from service.labels import Label

LOINC: Final = "http://loinc.org"
ORDINAL_VALUE: Final = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
OPTION_EXCLUSIVE: Final = "http://hl7.org/fhir/StructureDefinition/questionnaire-optionExclusive"
HIDDEN: Final = "http://hl7.org/fhir/StructureDefinition/questionnaire-hidden"
MIN_VALUE: Final = "http://hl7.org/fhir/StructureDefinition/minValue"
MAX_VALUE: Final = "http://hl7.org/fhir/StructureDefinition/maxValue"
ABSENT: Final = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
VARIABLE: Final = "http://hl7.org/fhir/StructureDefinition/variable"
_SDC: Final = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
CALCULATED: Final = f"{_SDC}calculatedExpression"
ENABLE_WHEN: Final = f"{_SDC}enableWhenExpression"

_CONFIDENTIALITY: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
_SENSITIVITY: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
#: Our label as a code of v3-ActCode; a label that is none there is covered by the confidentiality code.
_CODE_OF: Final = {Label.SUD: "SUD", Label.PSY: "PSY", Label.HIV: "HIV", Label.STD: "STD", Label.SDV: "SDV"}


def canonical(key: str) -> str:
    """The address of an instrument as a Questionnaire."""
    return f"urn:consentry:instrument:{key}"


def answers_of(key: str) -> str:
    """The code system of an instrument's own answers, bands and states."""
    return f"urn:consentry:answers:{key}"


def expression(text: str, name: str | None = None) -> dict[str, str]:
    """A FHIRPath Expression."""
    named = {} if name is None else {"name": name}
    return {**named, "language": "text/fhirpath", "expression": text}


def security(labels: Iterable[Label]) -> list[dict[str, str]]:
    """Security labels of a resource: restricted, and what makes it sensitive."""
    codes = [_CODE_OF[one] for one in sorted(labels) if one in _CODE_OF]
    return [
        {"system": _CONFIDENTIALITY, "code": "R"},
        *({"system": _SENSITIVITY, "code": code} for code in codes),
    ]


def extension(url: str, kind: str, value: Any) -> dict[str, Any]:
    return {"url": url, f"value{kind}": value}
