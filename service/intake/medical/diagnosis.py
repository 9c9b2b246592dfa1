"""A diagnosis: criteria counted, severity from the count, code from the severity. A clinician says it, never a score.

Two or three criteria of eleven are mild, four or five moderate, six and more severe (seen in a county's form). Moderate
and severe share one code, so the severity is kept beside it. A disorder induced by the substance, an intoxication or a
withdrawal has a code that stands in place of the plain one, never beside it. Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from service.errors import FieldError
from service.intake.medical.book import DiagnosisCode, MedicalBook, SubstanceClass
from service.labels import Label

CRITERIA: Final = 11


class Remission(StrEnum):
    """Early: 3 to 12 months. Sustained: 12 months and more (from memory)."""

    EARLY = "early"
    SUSTAINED = "sustained"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class NewDiagnosis:
    """What a clinician says. `code` None: the plain code of the substance's class and severity."""

    substance: str | None = None
    specific: str | None = None
    criteria: tuple[int, ...] = ()
    code: str | None = None
    remission: Remission | None = None
    controlled_environment: bool = False
    dated_on: date


@dataclass(frozen=True, slots=True, repr=False)
class Ruled:
    """A diagnosis as the tables have it."""

    code: DiagnosisCode
    severity: str | None
    met: int

    def content(self, new: NewDiagnosis, version: str) -> dict[str, Any]:
        return {
            "code": self.code.code,
            "title": self.code.title,
            "system": "http://hl7.org/fhir/sid/icd-10-cm",
            "substance": new.substance,
            "specific": new.specific,
            "criteria": sorted(new.criteria),
            "criteria_met": self.met,
            "severity": self.severity,
            "remission": None if new.remission is None else new.remission.value,
            "controlled_environment": new.controlled_environment,
            "dated_on": new.dated_on.isoformat(),
            "table": version,
        }


def severity_of(met: int) -> str | None:
    """None below two criteria: no disorder."""
    if met < 2:
        return None
    return "mild" if met < 4 else "moderate" if met < 6 else "severe"


def plain_code(one: SubstanceClass, severity: str, remission: Remission | None) -> str | None:
    """The code of a disorder of this severity; None where the table has none in remission."""
    if severity == "mild":
        return one.mild if remission is None else one.mild_remission
    return one.severe if remission is None else one.severe_remission


def rule(
    book: MedicalBook, new: NewDiagnosis, listed: Iterable[str], today: date
) -> tuple[Ruled | None, tuple[FieldError, ...]]:
    """The diagnosis, or every fault of it. `listed`: classes of the patient's substance entries."""
    faults = list(_faults(book, new, frozenset(listed), today))
    severity = severity_of(len(set(new.criteria))) if new.substance else None
    one = book.classes.get(new.substance or "")
    wanted = new.code
    if one is not None and severity is not None:
        plain = plain_code(one, severity, new.remission)
        wanted = new.code or plain
        if wanted is None:
            faults.append(FieldError("remission", "no_code", "There is no code for this in remission."))
        elif wanted != plain and not _replaces(book, one, wanted):
            faults.append(
                FieldError(
                    "code",
                    "not_of_severity",
                    "Not the code of this class and severity, nor one in its place.",
                )
            )
    code = book.codes.get(wanted or "")
    if wanted is not None:
        faults.extend(_code_faults(code, new))
    if faults or code is None:
        return None, tuple(
            faults or [FieldError("code", "missing", "Say the code, or the substance and its criteria.")]
        )
    return Ruled(code, severity, len(set(new.criteria))), ()


def labels_of(code: DiagnosisCode, substance: str | None) -> frozenset[Label]:
    """What the code tells; of anything said about a substance, that too."""
    return code.labels | {Label.SUD} if substance else code.labels


def stands_beside(book: MedicalBook, content: Mapping[str, Any], others: Iterable[Mapping[str, Any]]) -> bool:
    """Whether no other diagnosis is of the same class: a code in place of the plain one replaces it, as a changed
    severity does.
    """
    family = _family(book, content)
    return family is None or all(_family(book, other) != family for other in others)


def _family(book: MedicalBook, content: Mapping[str, Any]) -> str | None:
    one = book.classes.get(content["substance"] or "")
    return None if one is None else one.family


def _replaces(book: MedicalBook, one: SubstanceClass, code: str) -> bool:
    known = book.codes.get(code)
    return known is not None and known.replaces and code.startswith(one.family)


def _faults(
    book: MedicalBook, new: NewDiagnosis, listed: frozenset[str], today: date
) -> Iterable[FieldError]:
    if new.dated_on > today:
        yield FieldError("dated_on", "future", "A diagnosis is made today or was made earlier.")
    if new.substance is None:
        if new.criteria or new.remission or new.controlled_environment:
            yield FieldError("substance", "missing", "Criteria and remission belong to a substance.")
        if new.code is not None and new.code.startswith("F1"):
            yield FieldError("substance", "missing", "A substance use code says which substance.")
        return
    if new.substance not in book.classes:
        yield FieldError("substance", "unknown", "Not a class of the substance table.")
        return
    if new.substance not in listed and new.substance != "tobacco":
        yield FieldError(
            "substance", "not_listed", "The patient's list of substances has none of this class."
        )
    if not new.specific:
        yield FieldError("specific", "missing", "Name the substance beside the class.")
    if any(not 1 <= one <= CRITERIA for one in new.criteria):
        yield FieldError("criteria", "unknown", f"Criteria have the numbers 1 to {CRITERIA}.")
    elif severity_of(len(set(new.criteria))) is None:
        yield FieldError("criteria", "too_few", "Fewer than two criteria are no disorder.")


def _code_faults(code: DiagnosisCode | None, new: NewDiagnosis) -> Iterable[FieldError]:
    if code is None:
        yield FieldError("code", "unknown", "Not in the table of codes.")
    elif new.dated_on < code.valid_from or (code.valid_to is not None and new.dated_on > code.valid_to):
        yield FieldError("code", "not_in_force", "This code is not valid on that day.")
