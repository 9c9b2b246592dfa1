"""The duties that come with a disclosure, and how each is discharged in the very act that brings it (rules 3.5).

A permission whose duty is not discharged is a denial: a record that left without its notice cannot be called back. So
what the act does about its duties is put together first, looked at here, and only then does anything leave. A duty
that is not in the table is one nobody knows how to discharge.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from service.access.decision import Obligation
from service.disclosure.accounting import Entered
from service.disclosure.notice import Notice, Notices
from service.evidence.establish import missing
from service.evidence.model import Evidence, EvidenceKind
from service.evidence.rulebook import EvidenceBook

#: What the recipient of restricted records is asked (2.26(a)(4); 45 CFR 164.522(a)(1)(iv)).
NO_FURTHER_USE: Final = (
    "The program has agreed with the patient to restrict the use and disclosure of these records. They are disclosed "
    "to you because they are needed for emergency treatment. The program asks you not to use or disclose them further."
)

_DOCUMENTS_EMERGENCY: Final = frozenset({EvidenceKind.EMERGENCY, EvidenceKind.FDA_NOTICE})
_DIRECTOR: Final = "director"


@dataclass(frozen=True, slots=True, repr=False)
class Discharge:
    """What the act does: what travels with the records, what it rests on, what it writes down."""

    notice: Notice | None = None
    #: Copy of the consent, or the explanation of its scope.
    explanation: str | None = None
    #: The statement that asks the recipient.
    asked: str | None = None
    #: The paper the basis rests on; its id goes into the row of the disclosure.
    evidence: Evidence | None = None
    #: The program director gave the consent (2.15(a)(2)).
    director_consented: bool = False
    entered: Entered | None = None
    #: A review is opened, to see that the patient is told.
    review: bool = False
    #: The package is decided about again whenever it is fetched.
    rechecked: bool = False


@dataclass(frozen=True, slots=True)
class Standards:
    """What a discharge is measured by."""

    notices: Notices
    evidence: EvidenceBook


def undischarged(
    duties: Iterable[Obligation], done: Discharge, by: Standards
) -> tuple[tuple[Obligation, str], ...]:
    """Every duty the act does not discharge, with the code of the reason; empty when it may go ahead."""
    return tuple(
        (duty, MISSING.get(duty, "DUTY_CANNOT_BE_MET")) for duty in duties if not _is_met(duty, done, by)
    )


def _is_met(duty: Obligation, done: Discharge, by: Standards) -> bool:
    test = _TESTS.get(duty)
    return test is not None and test(done, by)


def _documents(done: Discharge, by: Standards) -> bool:
    paper = done.evidence
    return (
        paper is not None
        and paper.kind in _DOCUMENTS_EMERGENCY
        and not missing(by.evidence, paper.kind, paper.particulars)
    )


def _finds(done: Discharge, by: Standards) -> bool:
    signed = done.evidence is not None and _DIRECTOR in done.evidence.signed_off_roles
    return signed or done.director_consented


_TESTS: Final[Mapping[Obligation, Callable[[Discharge, Standards], bool]]] = MappingProxyType(
    {
        Obligation.NOTICE_2_32: lambda done, by: (
            done.notice is not None and by.notices.is_current(done.notice.text)
        ),
        Obligation.COPY_OR_EXPLANATION_OF_CONSENT: lambda done, _: bool((done.explanation or "").strip()),
        Obligation.RECORD_ACCOUNTING_2_25: lambda done, _: done.entered is not None and done.entered.part2,
        Obligation.RECORD_ACCOUNTING_528: lambda done, _: done.entered is not None and done.entered.hipaa,
        Obligation.RECHECK_AT_RELEASE: lambda done, _: done.rechecked,
        Obligation.DOCUMENT_EMERGENCY_2_51C: _documents,
        Obligation.DIRECTOR_FINDING: _finds,
        Obligation.CITE_EVIDENCE: lambda done, _: done.evidence is not None,
        Obligation.ASK_RECIPIENT_NO_FURTHER_USE_2_26: lambda done, _: bool((done.asked or "").strip()),
        Obligation.NOTIFY_PATIENT: lambda done, _: done.review,
    }
)

#: Codes of their own for what 2.32 asks.
MISSING: Final[Mapping[Obligation, str]] = MappingProxyType(
    {
        Obligation.NOTICE_2_32: "NOTICE_TEXT_OUT_OF_DATE",
        Obligation.COPY_OR_EXPLANATION_OF_CONSENT: "MISSING_COPY_OR_EXPLANATION",
    }
)

#: Duties this service can discharge. A permission that comes with any other is a denial (fail closed).
DISCHARGEABLE: Final = frozenset(_TESTS)
