"""Purposes: the table is explicit, strict, and never decides by HL7's hierarchy."""

from pathlib import Path

import pytest

from service.access.actions import Action
from service.access.caller import Role
from service.access.purposes import PurposeClass, Purposes, read_purposes
from service.errors import BadRequest, Code, Refused, StartRefused
from tests.policies.callers import caller

TABLE = (Path(__file__).parents[3] / "policies" / "purposes.yaml").read_text()


@pytest.fixture(scope="module")
def purposes() -> Purposes:
    return read_purposes(TABLE)


@pytest.mark.parametrize(
    ("code", "legal_class"),
    [
        ("TREAT", PurposeClass.TREATMENT),
        ("COC", PurposeClass.TREATMENT),
        ("HPAYMT", PurposeClass.PAYMENT),
        ("CAREMGT", PurposeClass.OPERATIONS),
        ("POPHLTH", PurposeClass.OPERATIONS),
        ("HLEGAL", PurposeClass.LEGAL),
        ("CLINTRL", PurposeClass.RESEARCH),
        ("PUBHLTH", PurposeClass.PUBLIC_HEALTH),
        ("HOUSING", PurposeClass.OTHER),
        ("EMPLOYMENT", PurposeClass.OTHER),
        ("BTG", PurposeClass.TREATMENT),
        ("ERTREAT", PurposeClass.TREATMENT),
        ("AUDIT", PurposeClass.OPERATIONS),
        ("THREAT", PurposeClass.REPORTING),
        ("MILCDM", PurposeClass.REPORTING),
        ("HDECD", PurposeClass.REPORTING),
        ("SECRETARY", PurposeClass.OVERSIGHT),
        ("CJMON", PurposeClass.CRIMINAL_JUSTICE),
        ("FUNDRAISE", PurposeClass.FUNDRAISING),
        ("INVESTPGM", PurposeClass.LEGAL),
    ],
)
def test_class_in_law(purposes: Purposes, code: str, legal_class: PurposeClass) -> None:
    found = purposes.find(code)
    assert found is not None
    assert found.legal_class is legal_class


def test_a_legal_purpose_is_against_the_patient_unless_it_is_one_of_three(purposes: Purposes) -> None:
    legal = {code for code, p in purposes.by_code.items() if p.legal_class is PurposeClass.LEGAL}
    against = {code for code, p in purposes.by_code.items() if p.proceedings}
    assert against == legal - {"LEGALOTHER", "DEFENSE", "INVESTPGM"}
    assert {"HLEGAL", "PROCEED", "PROSECUTE"} <= against


def test_an_act_on_a_patient_needs_a_purpose(purposes: Purposes) -> None:
    with pytest.raises(BadRequest) as missing:
        purposes.check(Action.PATIENT_READ, caller(Role.CLINICIAN), None)
    assert missing.value.code is Code.PURPOSE_REQUIRED


@pytest.mark.parametrize("code", ["", "treat", "TREATMENT", "DONAT", "PATRQT "])
def test_a_purpose_the_caller_may_not_state_is_refused(purposes: Purposes, code: str) -> None:
    with pytest.raises(Refused) as refused:
        purposes.check(Action.PATIENT_READ, caller(Role.CLINICIAN), code)
    assert refused.value.code is Code.PURPOSE_NOT_ALLOWED


def test_a_stated_purpose_is_returned(purposes: Purposes) -> None:
    found = purposes.check(Action.PATIENT_READ, caller(Role.CLINICIAN), "TREAT")
    assert found is purposes.find("TREAT")


def test_acts_that_touch_nobody_need_none(purposes: Purposes) -> None:
    assert purposes.check(Action.AUDIT_READ, caller(Role.COMPLIANCE), None) is None


def test_no_role_states_everything(purposes: Purposes) -> None:
    for role in Role:
        stated = [p for p in purposes.by_code.values() if role in p.stated_by]
        assert len(stated) < len(purposes.by_code)
    assert not [p for p in purposes.by_code.values() if Role.ADMINISTRATOR in p.stated_by]


def test_ceiling(purposes: Purposes) -> None:
    housing = purposes.find("HOUSING")
    treatment = purposes.find("TREAT")
    assert housing is not None and treatment is not None
    assert housing.can_need("attendance")
    assert not housing.can_need("lab_result")
    assert treatment.can_need("lab_result")
    assert not treatment.can_need("rumour")


@pytest.mark.parametrize(
    "document",
    [
        "",
        "[]",
        "purposes: {}",
        "ceilings: {a: [x]}\npurposes: {T: {display: T, class: cure, stated_by: [intake], ceiling: a}}",
        "ceilings: {a: [x]}\npurposes: {T: {display: T, class: treatment, stated_by: [boss], ceiling: a}}",
        "ceilings: {a: [x]}\npurposes: {T: {display: T, class: treatment, stated_by: [intake], ceiling: b}}",
        "ceilings: {a: [x]}\npurposes: {T: {display: T, class: treatment, stated_by: [intake]}}",
        "ceilings: {a: [x]}\npurposes: {T: {display: T, class: treatment, stated_by: [], ceiling: a, parent: X}}",
        "ceilings: {a: [x]}\npurposes: {T: {display: T, class: treatment, stated_by: [], ceiling: a, proceedings: 1}}",
        "ceilings: {a: [x]}\npurposes: [T]",
        "{",
    ],
)
def test_a_faulty_table_refuses_the_start(document: str) -> None:
    with pytest.raises(StartRefused):
        read_purposes(document)
