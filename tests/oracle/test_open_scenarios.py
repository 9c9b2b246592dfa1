"""The oracle against the open scenarios: an oracle that cannot say these right has no say about the service."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from service.access.program import Program
from service.consent.model import (
    ConsentState,
    Discloser,
    Expiry,
    ExpiryKind,
    Form,
    Initiator,
    Today,
)
from service.disclosure.accounting import Channel
from service.disclosure.situation import Recipient, Situation
from service.evidence.model import Evidence, EvidenceKind, EvidenceState
from service.ids import ProgramId
from service.labels import Label
from service.people.at_law import PatientAtLaw
from service.record.item import ItemForDecision, ItemState, Kind, note_class_of
from service.rights.restriction import Restriction, RestrictionState
from tests.oracle import consenting, world
from tests.oracle.consenting import Plan, a_class, an_intermediary, named
from tests.oracle.consents import standing
from tests.oracle.evidencing import FINDINGS, WHOLE
from tests.oracle.law import Outcome, decide
from tests.oracle.words import PURPOSES

ZONE = "America/New_York"
NOW = Today(datetime(2026, 6, 1, 16, tzinfo=UTC), ZONE)
NOTICE = {"NOTICE_2_32", "COPY_OR_EXPLANATION_OF_CONSENT"}
PROGRAM = Program(
    ProgramId(UUID(int=0xC1)),
    "test-program",
    "Harbor Testprogram",
    ZONE,
    "NY",
    "Dr. Testdirector",
    True,
    world.UNITS,
)

Change = Callable[[Plan], object]


def c_tpo() -> Plan:
    drafted = consenting.terms("tpo", (a_class("tpo"),), ("TPO",))
    return Plan(replace(drafted, expiry=Expiry(ExpiryKind.NONE)), NOW, date(2026, 1, 10))


def c_spec() -> Plan:
    drafted = consenting.terms("specific", (named(world.RECIPIENT),), ("HOUSING",), ("attendance",))
    says = replace(
        drafted.statements, hipaa_redisclosure=False, redisclosure_potential=False, refusal_consequences=False
    )
    drafted = replace(drafted, statements=says, expiry=Expiry(ExpiryKind.DATE, date(2026, 12, 31)))
    return Plan(drafted, NOW, date(2026, 2, 1))


def terms(**change: Any) -> Change:
    return lambda plan: setattr(plan, "terms", replace(plan.terms, **change))


def unsaid(statement: str) -> Change:
    return lambda plan: setattr(
        plan, "terms", replace(plan.terms, statements=replace(plan.terms.statements, **{statement: False}))
    )


def scope(**change: Any) -> Change:
    return lambda plan: setattr(plan, "terms", replace(plan.terms, scope=replace(plan.terms.scope, **change)))


def plan(**change: Any) -> Change:
    def make(given: Plan) -> None:
        for name, value in change.items():
            setattr(given, name, value)

    return make


def nothing(given: Plan) -> None:
    """As the fixture is."""


VALIDITY: list[tuple[str, Callable[[], Plan], Change, bool]] = [
    ("O01", c_tpo, nothing, True),
    ("O02", c_tpo, unsaid("revocation_how"), False),
    ("O03", c_tpo, unsaid("refusal_consequences"), False),
    ("O04", c_tpo, unsaid("hipaa_redisclosure"), False),
    ("O05", c_spec, terms(expiry=Expiry(ExpiryKind.NONE)), False),
    ("O06", c_spec, terms(purposes=("PATRQT",), initiated_by=Initiator.STAFF), False),
    ("O07", c_spec, terms(purposes=("PATRQT",), initiated_by=Initiator.PATIENT), True),
    ("O08", c_spec, terms(form=Form.ORAL), False),
    ("O10", c_tpo, scope(kinds=("attendance", "counseling_note")), False),
    ("O11", c_tpo, terms(purposes=("TPO", "HLEGAL")), False),
    (
        "O12",
        c_tpo,
        lambda given: (unsaid("fundraising_optout")(given), terms(program_intends_fundraising=True)(given)),
        False,
    ),
    ("O13", c_spec, lambda given: (scope(kinds=())(given), terms(recipients=())(given)), False),
    ("O14", c_spec, plan(roles=("parent",)), False),
    ("O16", c_spec, plan(roles=("parent", "patient")), True),
    ("O17", c_tpo, plan(roles=("personal_representative",)), True),
    ("M01", c_tpo, terms(patient_name=""), False),
    ("M02", c_tpo, terms(disclosers=()), False),
    ("M03", c_spec, terms(purposes=()), False),
    ("M04", c_spec, terms(expiry=None), False),
    ("M05", c_tpo, plan(roles=()), False),
    ("M06", c_tpo, plan(signed_on=None), False),
    ("M07", c_tpo, plan(signed_on=date(2026, 6, 2), active_from=NOW.now), False),
    ("M08", c_tpo, unsaid("revocation"), False),
    ("M09", c_tpo, unsaid("redisclosure_potential"), False),
    ("M12", c_spec, terms(recipients=(a_class("tpo"),)), False),
    ("M13", c_spec, plan(roles=("neighbour",)), False),
]


@pytest.mark.parametrize("row", VALIDITY, ids=lambda row: row[0])
def test_validity(row: tuple[str, Callable[[], Plan], Change, bool]) -> None:
    _, base, change, valid = row
    given = base()
    change(given)
    assert standing(given.record(), NOW).valid is valid


def test_o09_the_event_has_happened() -> None:
    given = c_spec()
    consenting.expires(given, ExpiryKind.EVENT, event="discharge")
    assert standing(given.record(), NOW).valid
    assert not standing(
        given.record(), replace(NOW, events=frozenset({("discharge", date(2026, 5, 20))}))
    ).valid


def an_item(kind: str, unit: str = "U1", number: int = 0) -> ItemForDecision:
    return ItemForDecision(
        id=UUID(int=0xE0 + number),
        kind=Kind(kind),
        note_class=note_class_of(Kind(kind)),
        unit=unit,
        regime=world.UNITS[unit].regime,
        dated_on=date(2026, 5, 1),
        state=ItemState.FINAL,
        version=1,
        author_id=world.STAFF,
        labels=frozenset({Label.SUD}),
    )


def asked(code: str, *items: ItemForDecision, to: Recipient, **more: Any) -> Situation:
    patient = more.pop("patient", PatientAtLaw(world.PATIENT, 34, minor=False))
    channel = more.pop("channel", Channel.EHR)
    today = more.pop("today", NOW)
    return Situation(PROGRAM, patient, to, PURPOSES.by_code[code], channel, today, items, **more)


def who(*roles: str, ce: bool = False, relationships: frozenset[str] = frozenset()) -> Recipient:
    return Recipient(world.RECIPIENT, "Elm Testclinic", ce, False, relationships, frozenset(roles))


def a_paper(kind: str, **more: Any) -> Evidence:
    about = None if kind in {"qsoa"} else world.PATIENT
    given = WHOLE[kind] | more.pop("particulars", {})
    return Evidence(
        id=UUID(int=0xF0),
        kind=EvidenceKind(kind),
        patient_id=about,
        state=EvidenceState.SIGNED_OFF,
        recipients=frozenset({world.RECIPIENT}),
        starts_on=more.pop("starts_on", date(2026, 6, 1)),
        ends_on=more.pop("ends_on", None),
        items=more.pop("items", frozenset()),
        kinds=more.pop("kinds", "all"),
        particulars=given,
        recorded_by=world.STAFF,
        recorded_at=NOW.now,
        signed_off_roles=more.pop("signed_off_roles", frozenset({"clinician", "compliance", "director"})),
    )


CLINIC = who(ce=True, relationships=frozenset({"treating"}))
POLICE = who("law_enforcement")
MEDS, ATTENDANCE, SCREEN = an_item("medication_list"), an_item("attendance"), an_item("lab_result", number=1)


def only(situation: Situation) -> Outcome:
    expected = decide(situation)
    assert len(expected.outcomes) == 1
    return expected.outcomes[0]


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
    assert answer.obligations == {"DOCUMENT_EMERGENCY_2_51C", "NOTIFY_PATIENT"}


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
