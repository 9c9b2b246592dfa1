"""The people, consents, items and papers of the open scenarios, as the oracle is asked about them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from service.access.program import Program
from service.consent.model import (
    Expiry,
    ExpiryKind,
    Today,
)
from service.disclosure.accounting import Channel
from service.disclosure.situation import Recipient, Situation
from service.evidence.model import Evidence, EvidenceKind, EvidenceState
from service.ids import ProgramId
from service.labels import Label
from service.people.at_law import PatientAtLaw
from service.record.item import ItemForDecision, ItemState, Kind, note_class_of
from tests.oracle import consenting, world
from tests.oracle.consenting import Plan, a_class, named
from tests.oracle.evidencing import WHOLE
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
