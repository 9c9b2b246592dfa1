"""The oracle against the open scenarios about decisions: an oracle that cannot say these right has no say about the
service.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from service.consent.model import (
    ConsentState,
    Discloser,
    ExpiryKind,
    Today,
)
from service.people.at_law import PatientAtLaw
from service.rights.restriction import Restriction, RestrictionState
from tests.oracle import consenting, world
from tests.oracle.consenting import Plan, an_intermediary
from tests.oracle.evidencing import FINDINGS
from tests.oracle.parts_of_scenarios import (
    ATTENDANCE,
    CLINIC,
    MEDS,
    NOTICE,
    NOW,
    POLICE,
    SCREEN,
    ZONE,
    a_paper,
    an_item,
    asked,
    c_spec,
    c_tpo,
    only,
    scope,
    terms,
    who,
)


def test_o18_only_the_facts_about_the_threat() -> None:
    answer = only(
        asked(
            "THREAT",
            an_item("threat_facts"),
            an_item("progress_note", number=1),
            to=who("parent_or_guardian"),
            patient=PatientAtLaw(world.PATIENT, 16, minor=True),
            evidence=(a_paper("minor_threat_finding"),),
        )
    )
    assert (answer.effect, answer.basis, answer.granted) == ("partial", "B38", {UUID(int=0xE0)})
    assert "DIRECTOR_FINDING" in answer.obligations


def test_o19_one_consent_for_treatment_payment_and_operations() -> None:
    answer = only(asked("TREAT", MEDS, to=CLINIC, consents=(c_tpo().record(),)))
    assert (answer.basis, answer.obligations) == ("B02", NOTICE | {"RECORD_ACCOUNTING_2_25"})
    assert (answer.acc25, answer.acc528) == (True, False)


def test_o20_a_purpose_not_covered() -> None:
    assert only(asked("EMPLOYMENT", ATTENDANCE, to=who(), consents=(c_tpo().record(),))).effect == "deny"


def test_o21_within_the_scope_only() -> None:
    answer = only(asked("HOUSING", ATTENDANCE, SCREEN, to=who(), consents=(c_spec().record(),)))
    assert (answer.effect, answer.basis, answer.granted) == ("partial", "B01", {ATTENDANCE.id})


@pytest.mark.parametrize(("ends_on", "effect"), [(date(2026, 5, 31), "deny"), (date(2026, 6, 1), "permit")])
def test_o24_an_agreement_not_in_force(ends_on: date, effect: str) -> None:
    agreement = a_paper("qsoa", starts_on=date(2026, 1, 1), ends_on=ends_on)
    answer = only(asked("HOPERAT", an_item("specimen_order"), to=who("qso"), evidence=(agreement,)))
    assert answer.effect == effect


def test_o25_a_subpoena_is_no_order() -> None:
    paper = a_paper(
        "court_order", kinds=frozenset({"attendance"}), particulars={"order_type": "none", "subpoena": True}
    )
    assert only(asked("HLEGAL", ATTENDANCE, to=POLICE, evidence=(paper,))).effect == "deny"
    findings = dict.fromkeys(FINDINGS["2_64"], True) | {"confidential_ground": "serious_crime"}
    order = a_paper(
        "court_order", kinds=frozenset({"attendance"}), particulars={"order_type": "2_64"} | findings
    )
    assert only(asked("HLEGAL", ATTENDANCE, to=POLICE, evidence=(order,))).basis == "B31"


def test_o26_the_incident_and_nothing_clinical() -> None:
    kinds = ("name", "address", "last_whereabouts", "patient_status", "incident_facts", "diagnosis")
    items = [an_item(kind, number=number) for number, kind in enumerate(kinds)]
    answer = only(asked("INCIDENT", *items, to=POLICE, evidence=(a_paper("incident"),)))
    assert (answer.effect, answer.basis, len(answer.granted)) == ("partial", "B22", 5)
    assert (answer.acc25, answer.acc528) == (False, True)


def test_o27_the_report_exception_covers_no_records() -> None:
    paper = a_paper("child_abuse_report", particulars={"phase": "follow_up"})
    answer = only(asked("ABUSERPT", an_item("progress_note"), to=who("child_protection"), evidence=(paper,)))
    assert answer.effect == "deny"


def test_o28_not_deidentified() -> None:
    paper = a_paper("deidentification", particulars={"no_reasonable_basis": False})
    item = an_item("deidentified_report")
    to = who("public_health_authority")
    assert only(asked("PUBHLTH", item, to=to, evidence=(paper,))).effect == "deny"


def test_o29_a_record_of_hipaa_alone() -> None:
    answer = only(asked("TREAT", an_item("care_plan", "U2"), to=CLINIC))
    assert (answer.effect, answer.basis, answer.obligations) == ("permit", "164.506", frozenset())


def test_o33_an_emergency() -> None:
    answer = only(asked("BTG", MEDS, to=who("medical_personnel", ce=True), evidence=(a_paper("emergency"),)))
    assert (answer.basis, answer.acc25, answer.acc528) == ("B24", False, False)
    assert answer.obligations == {"DOCUMENT_EMERGENCY_2_51C"}


def test_o34_an_emergency_without_its_time() -> None:
    paper = a_paper("emergency", particulars={"time": None})
    assert only(asked("BTG", MEDS, to=who("medical_personnel"), evidence=(paper,))).effect == "deny"


def test_o35_an_alert_patient_can_be_asked() -> None:
    paper = a_paper("emergency", particulars={"patient_state": "alert", "consent_obtainable": True})
    assert only(asked("ETREAT", MEDS, to=who("medical_personnel"), evidence=(paper,))).effect == "deny"


def test_o36_session_notes_have_a_consent_of_their_own() -> None:
    note = an_item("counseling_note")
    assert only(asked("TREAT", note, to=CLINIC, consents=(c_tpo().record(),))).effect == "deny"


def test_o38_never_against_the_patient() -> None:
    for code in ("HLEGAL", "PROCEED", "PROSECUTE"):
        assert only(asked(code, MEDS, to=CLINIC, consents=(c_tpo().record(),))).effect == "deny"


@pytest.mark.parametrize("treats", [False, True])
def test_o39_the_designation_reaches_treating_providers(treats: bool) -> None:
    middle = an_intermediary(world.VIA, designation="treating_providers")
    consent = Plan(consenting.terms("intermediary", (middle,), ("TREAT",)), NOW, date(2026, 1, 10)).record()
    to = who(ce=True, relationships=frozenset({"treating"} if treats else ()))
    answer = only(asked("TREAT", MEDS, to=to, via=world.VIA, consents=(consent,)))
    assert answer.basis == ("B03" if treats else None)


def test_o41_revoked_between_queue_and_release() -> None:
    revoked = replace(c_tpo().record(), state=ConsentState.REVOKED)
    assert only(asked("TREAT", MEDS, to=CLINIC, consents=(revoked,))).effect == "deny"


def test_o42_paid_in_full() -> None:
    restriction = Restriction(
        id=UUID(int=0x51),
        patient_id=world.PATIENT,
        state=RestrictionState.AGREED,
        kinds=frozenset({"claim"}),
        items=frozenset(),
        recipients=frozenset({world.RECIPIENT}),
        classes=frozenset({"payment", "operations"}),
        paid_in_full=True,
    )
    plan_ = who("health_plan", ce=True, relationships=frozenset({"health_plan"}))
    question = asked("HPAYMT", an_item("claim"), to=plan_, consents=(c_tpo().record(),))
    assert only(question).basis == "B02"
    assert only(replace(question, restrictions=(restriction,))).effect == "deny"


def test_nobody_can_say_whether_the_event_has_happened() -> None:
    given = c_tpo()
    consenting.expires(given, ExpiryKind.EVENT, event="when the tides turn")
    assert only(asked("TREAT", MEDS, to=CLINIC, consents=(given.record(),))).effect == "needs_review"


def test_words_quoted_from_a_part2_unit_stay_under_part2() -> None:
    quoting = replace(an_item("care_plan", "U2"), provenance=world.Provenance.QUOTES_PART2)
    assert only(asked("TREAT", quoting, to=CLINIC)).effect == "deny"


def test_two_consents_are_not_pieced_together() -> None:
    one, other = c_spec(), c_spec()
    scope(kinds=("lab_result",))(other)
    terms(purposes=("EMPLOYMENT",), disclosers=(Discloser("U1", "Test Unit"),))(other)
    answer = only(asked("HOUSING", ATTENDANCE, to=who(), consents=(one.record(), replace(other.record()))))
    assert (answer.effect, answer.granted) == ("permit", {ATTENDANCE.id})


def test_the_last_day_counts_where_the_program_is() -> None:
    record = c_spec().record()
    end = datetime(2027, 1, 1, 5, tzinfo=UTC)  # midnight in New York
    for moment, effect in ((end - timedelta(seconds=1), "permit"), (end, "deny")):
        question = asked("HOUSING", ATTENDANCE, to=who(), consents=(record,), today=Today(moment, ZONE))
        assert only(question).effect == effect
