"""Situations built by hand: a program of two units, one patient, and what is asked for."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid5

from service.access.program import Program, Regime, Unit
from service.consent.model import ConsentRecord, Today
from service.disclosure.accounting import Channel
from service.disclosure.situation import Recipient, Situation
from service.evidence.model import Evidence, EvidenceKind, EvidenceState
from service.ids import ProgramId
from service.labels import Label
from service.people.at_law import PatientAtLaw
from service.record.item import ItemForDecision, ItemState, Kind, NoteClass
from tests.unit.consent.cases import NOW, PATIENT, ZONE, known_as
from tests.unit.disclosure.rules import ENGINE

PROGRAM = Program(
    id=ProgramId(UUID(int=2)),
    key="harbor-testprogram",
    name="Harbor Testprogram",
    timezone=ZONE,
    state="NY",
    director="Dana Testdirector",
    covered_entity=True,
    units={
        "U1": Unit("U1", "SUD intensive outpatient", Regime.PART2, publicly_sud_only=True),
        "U2": Unit("U2", "Mental health intensive outpatient", Regime.HIPAA_ONLY),
    },
)
ADULT = PatientAtLaw(PATIENT, age=34, minor=False)
CLINIC = Recipient(known_as("Elm Family Clinic"), "Elm Family Clinic", True, False, frozenset({"treating"}))

_NOTES = {
    Kind.COUNSELING_NOTE: NoteClass.SUD_COUNSELING_NOTE,
    Kind.PSYCHOTHERAPY_NOTE: NoteClass.PSYCHOTHERAPY_NOTE,
}


def item(kind: str, name: str | None = None, **change: Any) -> ItemForDecision:
    """A final item of unit U1, labelled SUD; the same name is the same id."""
    made = ItemForDecision(
        id=known_as(name or kind),
        kind=Kind(kind),
        note_class=_NOTES.get(Kind(kind), NoteClass.ORDINARY),
        unit="U1",
        regime=Regime.PART2,
        dated_on=NOW.date(),
        state=ItemState.FINAL,
        version=1,
        author_id=UUID(int=4),
        labels=frozenset({Label.SUD}),
        confidential_communication=False,
    )
    if change.get("unit") == "U2":
        change.setdefault("regime", Regime.HIPAA_ONLY)
    return replace(made, **change)


def evidence(kind: EvidenceKind, particulars: dict[str, Any], **change: Any) -> Evidence:
    """A paper in force that names the clinic and speaks of all it may, signed off by whoever may."""
    made = Evidence(
        id=uuid5(PATIENT, kind.value),
        kind=kind,
        patient_id=PATIENT,
        state=EvidenceState.SIGNED_OFF,
        recipients=frozenset({CLINIC.id}),
        starts_on=date(2026, 1, 1),
        ends_on=None,
        items=frozenset(),
        kinds=frozenset(kind.value for kind in Kind),
        particulars=particulars,
        recorded_by=UUID(int=4),
        recorded_at=NOW,
        signed_off_roles=frozenset({"clinician", "compliance", "director"}),
    )
    return replace(made, **change)


def situation(
    items: Sequence[ItemForDecision],
    consents: Iterable[ConsentRecord] = (),
    *,
    to: Recipient = CLINIC,
    purpose: str = "TREAT",
    channel: str = "ehr",
    at: datetime = NOW,
    **more: Any,
) -> Situation:
    """What is asked, and all that bears on it."""
    return Situation(
        program=PROGRAM,
        patient=more.pop("patient", ADULT),
        recipient=to,
        purpose=ENGINE.purposes.by_code[purpose],
        channel=Channel(channel),
        today=more.pop("today", Today(at, ZONE)),
        items=tuple(items),
        consents=tuple(consents),
        **more,
    )
