"""A consent whose stored words are not the words that were signed: void for every decision, and an incident."""

from collections.abc import Iterable
from typing import Protocol

from service.consent import records
from service.consent.model import ConsentRecord
from service.people.reviews import ReviewKind, open_review
from service.work import Work


class _Coded(Protocol):
    @property
    def code(self) -> str: ...


def report_changed_text(work: Work, record: ConsentRecord, against: Iterable[_Coded]) -> bool:
    """Open an integrity review when C-TEXT-CHANGED is among the reasons; inside an act that is recorded already.

    One at a time: while a review of this consent is open, meeting it again opens no second one.
    """
    changed = any(reason.code == "C-TEXT-CHANGED" for reason in against)
    if not changed or records.incident_open(work, record.consent_id):
        return False
    open_review(
        work,
        kind=ReviewKind.INTEGRITY,
        patient_id=record.patient_id,
        subject_id=record.consent_id,
        account_id=None,
    )
    return True
