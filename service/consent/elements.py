"""Which elements of 42 CFR 2.31 a consent lacks: all of them, never only the first.

The table (`policies/elements.yaml`) says when an element applies and what to tell the patient; the checks
(`element_checks` for the terms, `signature_checks` for the signatures) say whether it is missing, one per code.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from service.consent.element_checks import DRAFT_CHECKS, TPO_CLASSES, Assessment
from service.consent.model import PATIENT_REQUEST, ConsentKind, Reason
from service.consent.rulebook import Element, Rulebook
from service.consent.signature_checks import SIGNATURE_CHECKS, Signing

__all__ = ["CHECKED", "TPO_CLASSES", "Assessment", "Signing", "missing_at_signing", "missing_elements"]

#: Every code that has a check; the loader compares it with the table.
CHECKED: Final = frozenset({*DRAFT_CHECKS, *SIGNATURE_CHECKS})


def _of_kind(kind: ConsentKind) -> Callable[[Assessment], bool]:
    return lambda a: a.terms.kind is kind


_APPLIES: Mapping[str, Callable[[Assessment], bool]] = {
    "all": lambda a: True,
    "all_but_justice": lambda a: a.terms.kind is not ConsentKind.CRIMINAL_JUSTICE,
    "tpo": _of_kind(ConsentKind.TPO),
    "tpo_any": lambda a: a.tpo_any,
    "tpo_any_hipaa": lambda a: a.tpo_any and any(r.under_hipaa for r in a.terms.recipients),
    "patient_request": lambda a: PATIENT_REQUEST in a.terms.purposes,
    "raises_funds": lambda a: a.raises_funds,
    "intermediary": _of_kind(ConsentKind.INTERMEDIARY),
    "counseling_notes": _of_kind(ConsentKind.COUNSELING_NOTES),
    "psychotherapy_notes": _of_kind(ConsentKind.PSYCHOTHERAPY_NOTES),
    "legal_proceedings": _of_kind(ConsentKind.LEGAL_PROCEEDINGS),
    "criminal_justice": _of_kind(ConsentKind.CRIMINAL_JUSTICE),
    "registry": _of_kind(ConsentKind.REGISTRY),
    "fundraising": _of_kind(ConsentKind.FUNDRAISING),
}


def _missing(rows: Iterable[Element], a: Assessment) -> tuple[Reason, ...]:
    return tuple(row.reason() for row in rows if _APPLIES[row.applies](a) and DRAFT_CHECKS[row.code](a))


def missing_elements(book: Rulebook, a: Assessment) -> tuple[Reason, ...]:
    """Everything a draft still lacks, signature and date aside, in the order of the table."""
    return _missing((row for row in book.elements if row.stage == "draft"), a)


def missing_at_signing(book: Rulebook, a: Assessment, s: Signing) -> tuple[Reason, ...]:
    """Everything that stands between this consent, with these signatures, and being in force."""
    unsigned = tuple(
        row.reason() for row in book.elements if row.stage == "signature" and SIGNATURE_CHECKS[row.code](s)
    )
    return missing_elements(book, a) + unsigned
