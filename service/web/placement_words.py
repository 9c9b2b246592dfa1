"""The words of the admission check's pages, and where each fact it asks for is entered."""

from typing import Final
from uuid import UUID

from service.admission.placement.book import PlacementBook
from service.admission.placement.reevaluation import Trigger
from service.admission.placement.rules import Outcome
from service.intake.medical.book import MedicalBook

SUGGESTIONS: Final = {
    Outcome.EMERGENCY: "Emergency care now: act on the open flags first.",
    Outcome.HIGHER: "A higher level of care than intensive outpatient.",
    Outcome.MEDICAL_REVIEW: "A medical review before a level of care can be named.",
    Outcome.INCOMPLETE: "Not enough is known yet.",
    Outcome.LOWER: "A lower level of care than intensive outpatient.",
    Outcome.IOP_CONDITIONS: "Intensive outpatient, with conditions.",
    Outcome.IOP: "Intensive outpatient.",
}
VIEWS: Final = {
    "agrees": "Agrees",
    "disagrees": "Disagrees",
    "other_wish": "Has another wish",
    "not_asked": "Was not asked",
}
STATES: Final = {
    "awaiting_second": "Waits for a second signature",
    "signed": "In force",
    "superseded": "Superseded",
}
AGAIN: Final = {
    Trigger.URGENT_FLAG: "A new urgent flag.",
    Trigger.MISSED_SESSIONS: "Sessions missed in a row.",
    Trigger.POSITIVE_TEST: "A positive test after negative ones.",
    Trigger.DAY: "The day to look again has come.",
    Trigger.REVIEW_DATE: "The review date has come.",
    Trigger.STEP_DOWN_ASKED: "A step down is asked for.",
    Trigger.STEP_UP_RULE: "A rule for a higher level fires.",
    Trigger.STEP_UP_MISSED: "Days missed: a higher level is to be considered.",
    Trigger.STEP_UP_USE: "Use on several days of a week.",
    Trigger.STEP_UP_RELAPSES: "Relapses within two weeks.",
}
#: Facts that are worked out of a section and not asked as they are.
_WORKED_OUT: Final = {
    "pregnant": "pregnancy",
    "seizure_or_dt_history": "withdrawal_history",
    "vitals_urgent": "vitals",
    "last_use_h_alcohol_sedative": "substances",
    "last_use_d_any": "substances",
    "benzo_daily": "substances",
    "alcohol_daily": "substances",
    "overdose_days": "substances",
    "failed_level1_12m": "treatment_episodes",
    "failed_iop_90d": "treatment_episodes",
}


def asked_at(book: PlacementBook, medical: MedicalBook, patient_id: UUID, name: str) -> str | None:
    """The page on which a fact is entered; None for what has no page of its own."""
    if instruments := book.core.facts[name].instruments:
        return f"/patients/{patient_id}/forms/{instruments[0]}"
    for key, section in medical.sections.items():
        for question in section.form.questions:
            if question.fact is not None and question.fact.name == name:
                return f"/patients/{patient_id}/medical/{key}#f-{question.key}"
    if name == "sud_severity":
        return f"/patients/{patient_id}/diagnoses/new"
    section = _WORKED_OUT.get(name)
    return f"/patients/{patient_id}/medical/{section}" if section in medical.sections else None
