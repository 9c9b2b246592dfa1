"""Programs, patients, recipients, instants and items that situations are made of. Synthetic all of them."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from uuid import UUID
from zoneinfo import ZoneInfo

from service.access.program import Program, Regime, Unit
from service.consent.model import Today
from service.disclosure.situation import Recipient
from service.ids import ProgramId
from service.labels import Label
from service.people.at_law import PatientAtLaw
from service.record.item import ItemForDecision, ItemState, Kind, NoteClass, Provenance, note_class_of
from tests.oracle.choosing import Choose

PATIENT, OTHER_PATIENT = UUID(int=0xA1), UUID(int=0xA2)
RECIPIENT, OTHER, VIA, OTHER_VIA, CLASS, STAFF = (UUID(int=0xB0 + n) for n in range(6))

UNITS = MappingProxyType(
    {
        "U1": Unit("U1", "Test Substance Use IOP", Regime.PART2, publicly_sud_only=True),
        "U2": Unit("U2", "Test Mental Health IOP", Regime.HIPAA_ONLY),
        "U3": Unit("U3", "Test Dual Diagnosis IOP", Regime.PART2),
    }
)
ZONES = ("America/New_York", "America/Los_Angeles", "Pacific/Honolulu")
#: Ordinary days, the days the clocks change, the last and first seconds of a day and of a year.
INSTANTS = (
    (2026, 6, 1, 12, 0, 0),
    (2026, 6, 1, 23, 59, 59),
    (2026, 6, 2, 0, 0, 0),
    (2026, 3, 8, 3, 30, 0),
    (2026, 11, 1, 1, 30, 0),
    (2026, 12, 31, 23, 59, 59),
    (2027, 1, 1, 0, 0, 0),
    (2028, 2, 29, 8, 0, 0),
)
ROLES = (
    *(
        "part2_program",
        "health_plan",
        "third_party_payer",
        "medical_personnel",
        "fda",
        "qso",
        "law_enforcement",
    ),
    *("criminal_justice", "court", "child_protection", "public_health_authority", "medical_examiner"),
    *(
        "central_registry",
        "treatment_program",
        "pdmp",
        "researcher",
        "auditor",
        "hhs_secretary",
        "armed_forces",
    ),
    *("veterans_affairs", "parent_or_guardian", "personal_representative", "patient", "family"),
    "administrative_control",
)
RELATIONSHIPS = (
    *("treating", "health_plan", "third_party_payer", "operations", "parent", "guardian"),
    *("personal_representative", "self"),
)


def program(choose: Choose) -> Program:
    return Program(
        id=ProgramId(UUID(int=0xC1)),
        key="test-program",
        name="Harbor Testprogram",
        timezone=choose.one(ZONES),
        state="NY",
        director="Dr. Testdirector",
        covered_entity=not choose.chance(12),
        units=UNITS,
    )


def today(choose: Choose, timezone: str) -> Today:
    instant = datetime(*choose.one(INSTANTS), tzinfo=ZoneInfo(timezone))
    return Today(instant, timezone)


def local_day(now: Today) -> date:
    return now.now.astimezone(ZoneInfo(now.timezone)).date()


def patient(choose: Choose) -> PatientAtLaw:
    """Mostly a living adult."""
    age = choose.one((34, 70, 18, 34))
    return PatientAtLaw(PATIENT, age, minor=False, adjudicated=choose.chance(3))


def minor(choose: Choose) -> PatientAtLaw:
    return PatientAtLaw(PATIENT, choose.one((15, 17, 12)), minor=True)


def deceased(choose: Choose, day: date) -> PatientAtLaw:
    return PatientAtLaw(PATIENT, 70, minor=False, deceased_on=day - timedelta(days=choose.one((20, 1))))


def recipient(choose: Choose, *roles: str, ce: bool | None = None, **more: frozenset[str]) -> Recipient:
    covered = choose.chance(50) if ce is None else ce
    return Recipient(RECIPIENT, "Elm Testclinic", covered, choose.chance(10), roles=frozenset(roles), **more)


def item(
    choose: Choose, number: int, kinds: tuple[str, ...], day: date, *, unit: str | None = None
) -> ItemForDecision:
    """One item of these kinds, of a Part 2 unit unless said."""
    kind = Kind(choose.one(kinds))
    where = unit or choose.one(("U1", "U3"))
    if where != "U2" and kind is Kind.PSYCHOTHERAPY_NOTE and choose.chance(70):
        kind = Kind.ATTENDANCE
    dated_on = day - timedelta(days=choose.one((3, 0, 30, 200)))
    return ItemForDecision(
        id=UUID(int=0xE0 + number),
        kind=kind,
        note_class=note_class_of(kind),
        unit=where,
        regime=UNITS[where].regime,
        dated_on=dated_on,
        state=choose.one((ItemState.FINAL, ItemState.FINAL, ItemState.AMENDED)),
        version=1,
        author_id=STAFF,
        labels=labels(choose),
        confidential_communication=choose.chance(40),
        provenance=Provenance.OWN,
        created_at=None if choose.chance(10) else datetime.combine(dated_on, time(10), UTC),
    )


def labels(choose: Choose) -> frozenset[Label]:
    return choose.one(
        (
            frozenset({Label.SUD}),
            frozenset({Label.SUD}),
            frozenset({Label.SUD, Label.HIV}),
            frozenset({Label.PSY}),
            frozenset(),
        )
    )


def spoil_item(choose: Choose, one: ItemForDecision) -> ItemForDecision:
    """The item with one thing about it changed."""
    return choose.one(
        (
            lambda: replace(one, labels=None),
            lambda: replace(one, unit="U9", regime=None),
            lambda: replace(one, unit="U2", regime=Regime.HIPAA_ONLY),
            lambda: replace(one, unit="U2", regime=Regime.HIPAA_ONLY, provenance=Provenance.QUOTES_PART2),
            lambda: replace(one, unit="U2", regime=Regime.HIPAA_ONLY, provenance=Provenance.RECEIVED_PART2),
            lambda: replace(one, note_class=NoteClass.SUD_COUNSELING_NOTE),
            lambda: replace(one, kind=Kind.COUNSELING_NOTE, note_class=NoteClass.SUD_COUNSELING_NOTE),
            lambda: replace(one, note_class=NoteClass.PSYCHOTHERAPY_NOTE),
            lambda: replace(one, labels=labels(choose)),
            lambda: replace(one, dated_on=one.dated_on - timedelta(days=400)),
            lambda: replace(one, kind=choose.one(Kind)),
            lambda: replace(one, kind=Kind.PATIENT_STATUS),
            lambda: replace(one, unit="U1", regime=Regime.PART2),
            lambda: replace(one, confidential_communication=not one.confidential_communication),
        )
    )()
