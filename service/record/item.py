"""A record item on its three independent axes: kind, labels, regime.

The *kind* says what it is, the *labels* what it is about (service/labels.py), the *regime* which law
governs it. The regime is never stored with the item: it follows from the unit it came from (42 CFR 2.11
"program", "records") and from whose words it repeats, so it cannot be set wrongly item by item. Notes of
counseling sessions kept apart from the rest of the record carry a *note class* of their own, because
neither role nor ordinary consent reaches them (2.31(b), 45 CFR 164.508(a)(2)).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from service.access.program import Regime, Unit
from service.errors import FieldError
from service.labels import Label, UnknownLabel, read_labels

#: What the content of an item may be: a text, or an object whose shape its kind's concept knows.
Content = Any


class Kind(StrEnum):
    """What an item is. The names are those of consents' scopes and purposes' ceilings."""

    ASSESSMENT = "assessment"
    ATTENDANCE = "attendance"
    MEDICATION_LIST = "medication_list"
    DIAGNOSIS = "diagnosis"
    PROGRESS_NOTE = "progress_note"
    COUNSELING_NOTE = "counseling_note"
    PSYCHOTHERAPY_NOTE = "psychotherapy_note"
    LAB_RESULT = "lab_result"
    CARE_PLAN = "care_plan"
    DISCHARGE_SUMMARY = "discharge_summary"
    DEMOGRAPHICS = "demographics"
    ATTACHMENT = "attachment"
    HEALTH_HISTORY = "health_history"
    ALLERGY_LIST = "allergy_list"
    VITAL_SIGNS = "vital_signs"
    #: What the clinician decided about placement, never what the rules suggested.
    LEVEL_OF_CARE = "level_of_care"
    SAFETY_PLAN = "safety_plan"
    # extracts: the little that a basis without consent can reach, written for that act
    NAME = "name"
    ADDRESS = "address"
    LAST_WHEREABOUTS = "last_whereabouts"
    PATIENT_STATUS = "patient_status"
    INCIDENT_FACTS = "incident_facts"
    THREAT_FACTS = "threat_facts"
    ABUSE_REPORT = "abuse_report"
    CAUSE_OF_DEATH = "cause_of_death"
    REGISTRY_FACTS = "registry_facts"
    DISPENSING_RECORD = "dispensing_record"
    SPECIMEN_ORDER = "specimen_order"
    CLAIM = "claim"
    DEIDENTIFIED_REPORT = "deidentified_report"


class NoteClass(StrEnum):
    """Whether a note is kept apart. SUD counseling notes are Part 2's, psychotherapy notes are HIPAA's."""

    ORDINARY = "ordinary"
    SUD_COUNSELING_NOTE = "sud_counseling_note"
    PSYCHOTHERAPY_NOTE = "psychotherapy_note"


class Provenance(StrEnum):
    """Where the words of an item come from: what a Part 2 unit wrote stays under Part 2 wherever it is quoted."""

    OWN = "own"
    #: Quotes or summarises records of a Part 2 unit.
    QUOTES_PART2 = "quotes_part2"
    #: Received from a Part 2 program or lawful holder.
    RECEIVED_PART2 = "received_part2"


class ItemState(StrEnum):
    """How far an item has come. Only what is final or amended can leave the program."""

    DRAFT = "draft"
    FINAL = "final"
    AMENDED = "amended"
    ENTERED_IN_ERROR = "entered_in_error"


#: The note class each kind of session note always has; every other kind is ordinary.
_CLASS_OF: Mapping[Kind, NoteClass] = {
    Kind.COUNSELING_NOTE: NoteClass.SUD_COUNSELING_NOTE,
    Kind.PSYCHOTHERAPY_NOTE: NoteClass.PSYCHOTHERAPY_NOTE,
}

#: Which law a class of session note belongs to: SUD counseling notes are those of a Part 2 program (2.11).
_REGIME_OF: Mapping[NoteClass, Regime] = {NoteClass.SUD_COUNSELING_NOTE: Regime.PART2}


@dataclass(frozen=True, slots=True, repr=False)
class Item:
    """One item at one version, opened. `labels` empty means nobody labelled it: it is treated as sensitive."""

    id: UUID
    patient_id: UUID
    kind: Kind
    note_class: NoteClass
    unit: str
    state: ItemState
    dated_on: date
    author_id: UUID
    version: int
    labels: frozenset[Label]
    content: Content
    created_at: datetime
    changed_at: datetime
    confidential_communication: bool = True
    provenance: Provenance = Provenance.OWN
    kept_separately: bool = False
    #: Items whose words this one repeats.
    quotes: frozenset[UUID] = frozenset()

    @property
    def classification(self) -> "Classification":
        return Classification(
            self.labels,
            self.confidential_communication,
            self.provenance,
            self.kept_separately,
            self.quotes,
        )


@dataclass(frozen=True, slots=True)
class Classification:
    """What is sealed about an item beside its content: what a decision reads without opening the content."""

    labels: frozenset[Label]
    #: What the patient told the program (2.63); unless somebody says otherwise, it is.
    confidential_communication: bool
    provenance: Provenance
    kept_separately: bool
    quotes: frozenset[UUID]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class NewItem:
    """An item to be kept. `id` None: a new one; `dated_on` None: today where the program is; `kept_separately` None:
    as its kind is.
    """

    patient_id: UUID
    kind: Kind
    unit: str
    content: Content
    note_class: NoteClass = NoteClass.ORDINARY
    labels: frozenset[Label] = frozenset()
    state: ItemState = ItemState.FINAL
    dated_on: date | None = None
    id: UUID | None = None
    confidential_communication: bool = True
    provenance: Provenance = Provenance.OWN
    kept_separately: bool | None = None
    quotes: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class ItemForDecision:
    """What a decision may know about an item: everything but its content.

    `labels` None means they could not be read; `regime` None that the unit is no longer one of the
    program's. Both are facts a policy refuses.
    """

    id: UUID
    kind: Kind
    note_class: NoteClass
    unit: str
    regime: Regime | None
    dated_on: date
    state: ItemState
    version: int
    author_id: UUID
    labels: frozenset[Label] | None
    #: What the patient told the program (2.63).
    confidential_communication: bool = True
    provenance: Provenance = Provenance.OWN
    kept_separately: bool = False
    #: When the program made or received it; None when nobody says.
    created_at: datetime | None = None


def note_class_of(kind: Kind) -> NoteClass:
    """The class every item of this kind has."""
    return _CLASS_OF.get(kind, NoteClass.ORDINARY)


def regime_of(unit: Unit | None, provenance: Provenance) -> Regime | None:
    """The law of an item: that of its unit, and Part 2 wherever words of a Part 2 record stand in it (2.12(d)(2)(i)(C)).
    None when the unit is no longer one of the program's.
    """
    if unit is None or provenance is Provenance.OWN:
        return unit.regime if unit else None
    return Regime.PART2


def quoting(provenance: Provenance, quoted: Iterable[Regime | None]) -> Provenance:
    """Where the words come from, when items of these regimes are quoted: what nobody knows counts as Part 2."""
    if provenance is Provenance.OWN and any(regime is not Regime.HIPAA_ONLY for regime in quoted):
        return Provenance.QUOTES_PART2
    return provenance


def separation_fault(kind: Kind, kept_separately: bool | None) -> FieldError | None:
    """A session note is one because it is kept apart from the rest of the record (2.11; 45 CFR 164.501): its kind and
    where it is kept cannot disagree.
    """
    is_note = kind in _CLASS_OF
    if kept_separately is None or kept_separately is is_note:
        return None
    said = (
        "A session note is kept separately. What goes into the chart is written as a progress_note."
        if is_note
        else "Only session notes are kept separately: write it as a counseling_note or psychotherapy_note."
    )
    return FieldError("kept_separately", "does_not_fit_kind", said, "42 CFR 2.11; 45 CFR 164.501")


def repeating_fault(note_class: NoteClass, quoted: Iterable[NoteClass]) -> FieldError | None:
    """The words of a session note are repeated in a note of its own class or not at all: in a progress note they would
    leave on a consent that does not reach them (2.31(b); 45 CFR 164.508(a)(2); our policy).
    """
    if all(one in (NoteClass.ORDINARY, note_class) for one in quoted):
        return None
    said = "The words of a session note stay in session notes. Write what belongs in the chart in words of its own."
    return FieldError("quotes", "session_note", said, "42 CFR 2.31(b); 45 CFR 164.508(a)(2)")


def faults_of(
    kind: Kind, note_class: NoteClass, unit: str, units: Mapping[str, Unit], dated_on: date, today: date
) -> tuple[FieldError, ...]:
    """Everything that makes a new item unacceptable, all at once."""
    faults: list[FieldError] = []
    if note_class is not note_class_of(kind):
        faults.append(
            FieldError(
                "note_class",
                "does_not_fit_kind",
                f"A {kind.value} has the note class {note_class_of(kind).value}.",
                "42 CFR 2.11; 45 CFR 164.501",
            )
        )
    origin = units.get(unit)
    if origin is None:
        faults.append(FieldError("unit", "unknown", "Not a unit of this program."))
    elif _REGIME_OF.get(note_class, origin.regime) is not origin.regime:
        faults.append(
            FieldError(
                "unit",
                "does_not_fit_note",
                "SUD counseling notes are written in a unit under 42 CFR Part 2.",
                "42 CFR 2.11",
            )
        )
    if dated_on > today:
        faults.append(FieldError("dated_on", "future", "An item speaks of today or an earlier day."))
    return tuple(faults)


def labels_from(codes: Iterable[str] | None) -> tuple[frozenset[Label], tuple[FieldError, ...]]:
    """Labels for the codes given (ETH is read as SUD), or the fault. None and no codes alike mean
    unlabelled.
    """
    try:
        return read_labels(codes or ()), ()
    except UnknownLabel:
        known = ", ".join(label.value for label in Label)
        return frozenset(), (FieldError("labels", "unknown", f"Known labels: {known}; ETH is read as SUD."),)
