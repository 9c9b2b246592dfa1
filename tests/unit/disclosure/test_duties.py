"""Every duty is discharged in the act, or the act is refused: each discharge is taken away, and the duty is missed."""

from dataclasses import replace
from typing import Any

import pytest

from service.access.decision import Obligation
from service.disclosure.accounting import Entered
from service.disclosure.duties import DISCHARGEABLE, NO_FURTHER_USE, Discharge, undischarged
from service.disclosure.notice import Notice
from service.evidence.model import Evidence, EvidenceKind
from tests.unit.disclosure.rules import ENGINE, NOTICES, RULES
from tests.unit.disclosure.situations import evidence

EMERGENCY: dict[str, Any] = {
    "nature": "overdose (synthetic)",
    "date": "2026-06-01",
    "time": "11:52",
    "recipient_name": "Dr Roe Testperson",
    "recipient_facility": "St Ann ED",
    "discloser_name": "Nurse Testperson",
    "bona_fide": True,
    "patient_state": "unconscious",
    "consent_obtainable": False,
}
PAPER = evidence(EvidenceKind.EMERGENCY, EMERGENCY)
WHOLE = Discharge(
    notice=NOTICES.full,
    explanation="A specific consent.",
    asked=NO_FURTHER_USE,
    evidence=PAPER,
    entered=Entered(part2=True, hipaa=True),
    review=True,
    rechecked=True,
)


def _without(paper: Evidence, name: str) -> Evidence:
    return replace(paper, particulars={k: v for k, v in paper.particulars.items() if k != name})


#: duty, what is taken away, reason
LACKING: list[tuple[Obligation, dict[str, Any], str]] = [
    (Obligation.NOTICE_2_32, {"notice": None}, "NOTICE_TEXT_OUT_OF_DATE"),
    (
        Obligation.NOTICE_2_32,
        {"notice": Notice("old", "42 CFR part 2 prohibits.", "0")},
        "NOTICE_TEXT_OUT_OF_DATE",
    ),
    (Obligation.COPY_OR_EXPLANATION_OF_CONSENT, {"explanation": None}, "MISSING_COPY_OR_EXPLANATION"),
    (Obligation.COPY_OR_EXPLANATION_OF_CONSENT, {"explanation": " \n"}, "MISSING_COPY_OR_EXPLANATION"),
    (Obligation.RECORD_ACCOUNTING_2_25, {"entered": None}, "DUTY_CANNOT_BE_MET"),
    (Obligation.RECORD_ACCOUNTING_2_25, {"entered": Entered(part2=False, hipaa=True)}, "DUTY_CANNOT_BE_MET"),
    (Obligation.RECORD_ACCOUNTING_528, {"entered": None}, "DUTY_CANNOT_BE_MET"),
    (Obligation.RECORD_ACCOUNTING_528, {"entered": Entered(part2=True, hipaa=False)}, "DUTY_CANNOT_BE_MET"),
    (Obligation.RECHECK_AT_RELEASE, {"rechecked": False}, "DUTY_CANNOT_BE_MET"),
    (Obligation.DOCUMENT_EMERGENCY_2_51C, {"evidence": None}, "DUTY_CANNOT_BE_MET"),
    (Obligation.DOCUMENT_EMERGENCY_2_51C, {"evidence": _without(PAPER, "time")}, "DUTY_CANNOT_BE_MET"),
    (
        Obligation.DOCUMENT_EMERGENCY_2_51C,
        {"evidence": replace(PAPER, kind=EvidenceKind.INCIDENT)},
        "DUTY_CANNOT_BE_MET",
    ),
    (
        Obligation.DIRECTOR_FINDING,
        {"evidence": replace(PAPER, signed_off_roles=frozenset({"compliance"}))},
        "DUTY_CANNOT_BE_MET",
    ),
    (Obligation.DIRECTOR_FINDING, {"evidence": None}, "DUTY_CANNOT_BE_MET"),
    (Obligation.CITE_EVIDENCE, {"evidence": None}, "DUTY_CANNOT_BE_MET"),
    (Obligation.ASK_RECIPIENT_NO_FURTHER_USE_2_26, {"asked": None}, "DUTY_CANNOT_BE_MET"),
    (Obligation.NOTIFY_PATIENT, {"review": False}, "DUTY_CANNOT_BE_MET"),
]


@pytest.mark.parametrize("duty", list(Obligation))
def test_a_whole_act_discharges_every_duty(duty: Obligation) -> None:
    assert undischarged([duty], WHOLE, RULES.standards) == ()


@pytest.mark.parametrize(
    ("duty", "taken", "reason"), LACKING, ids=[f"{n}-{duty.value}" for n, (duty, _, _) in enumerate(LACKING)]
)
def test_a_duty_without_its_discharge_is_missed(duty: Obligation, taken: dict[str, Any], reason: str) -> None:
    assert undischarged([duty], replace(WHOLE, **taken), RULES.standards) == ((duty, reason),)


def test_every_duty_has_a_discharge_that_can_be_taken_away() -> None:
    assert {duty for duty, _, _ in LACKING} == set(Obligation) == set(DISCHARGEABLE)


def test_every_reason_has_words() -> None:
    assert {reason for _, _, reason in LACKING} <= set(RULES.reasons.by_code)


def test_a_duty_nobody_knows_is_missed() -> None:
    unknown: Any = "NOTIFY_THE_MOON"
    assert undischarged([unknown], WHOLE, RULES.standards) == ((unknown, "DUTY_CANNOT_BE_MET"),)


def test_the_director_who_signed_the_consent_has_found() -> None:
    bare = replace(WHOLE, evidence=None, director_consented=True)
    assert undischarged([Obligation.DIRECTOR_FINDING], bare, RULES.standards) == ()


def test_every_duty_of_the_policies_is_one_we_can_discharge() -> None:
    brought = {duty for rule in ENGINE.rules.values() for duty in rule.obligations}
    assert brought <= DISCHARGEABLE
    assert Obligation.DOCUMENT_EMERGENCY_2_51C in brought
