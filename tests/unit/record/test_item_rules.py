"""The axes of an item, and the words of a refusal."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.access.caller import Caller, CallerKind, Role
from service.access.decision import Citation, Confidence, Decision
from service.access.facts import Facts
from service.access.program import Regime, Unit
from service.access.purposes import Purpose, PurposeClass
from service.ids import AccountId, ProgramId
from service.labels import Label
from service.record.item import (
    ItemForDecision,
    ItemState,
    Kind,
    NoteClass,
    Provenance,
    faults_of,
    labels_from,
    note_class_of,
    quoting,
    regime_of,
    separation_fault,
)
from service.record.use import Withheld, summed, use_facts, why_withheld

UNITS = {"U1": Unit("U1", "SUD", Regime.PART2, True), "U2": Unit("U2", "MH", Regime.HIPAA_ONLY)}
TODAY = date(2026, 6, 1)
AUTHOR = UUID("00000000-0000-7000-8000-00000000c001")
ITEM = ItemForDecision(
    id=UUID("00000000-0000-7000-8000-00000000c002"),
    kind=Kind.PROGRESS_NOTE,
    note_class=NoteClass.ORDINARY,
    unit="U1",
    regime=Regime.PART2,
    dated_on=TODAY,
    state=ItemState.FINAL,
    version=1,
    author_id=AUTHOR,
    labels=frozenset({Label.SUD}),
)
TREAT = Purpose(
    "TREAT", "Treatment", PurposeClass.TREATMENT, frozenset(), frozenset({"progress_note"}), False
)


def staff(*roles: Role, units: frozenset[str] = frozenset({"U1"})) -> Caller:
    program = ProgramId(UUID("00000000-0000-7000-8000-00000000c003"))
    return Caller(CallerKind.STAFF, AccountId(AUTHOR), program, None, frozenset(roles), units)


@given(st.sampled_from(Kind), st.sampled_from(NoteClass), st.sampled_from(["U1", "U2", "U9"]))
def test_an_item_is_acceptable_only_with_the_class_of_its_kind_and_a_fitting_unit(
    kind: Kind, note_class: NoteClass, unit: str
) -> None:
    faults = {fault.field for fault in faults_of(kind, note_class, unit, UNITS, TODAY, TODAY)}
    assert ("note_class" in faults) is (note_class is not note_class_of(kind))
    sud_note_outside = note_class is NoteClass.SUD_COUNSELING_NOTE and unit == "U2"
    assert ("unit" in faults) is (unit == "U9" or sud_note_outside)


def test_an_item_does_not_speak_of_tomorrow() -> None:
    def faults(on: date) -> tuple[object, ...]:
        return faults_of(Kind.ATTENDANCE, NoteClass.ORDINARY, "U1", UNITS, on, TODAY)

    assert faults(TODAY) == ()
    assert faults(date(2026, 6, 2)) != ()


@given(st.sampled_from(Kind), st.sampled_from([None, True, False]))
def test_what_is_kept_separately_is_a_session_note_and_the_other_way_round(
    kind: Kind, separate: bool | None
) -> None:
    is_note = note_class_of(kind) is not NoteClass.ORDINARY
    fault = separation_fault(kind, separate)
    assert (fault is None) is (separate in (None, is_note))
    if fault is not None and is_note:
        assert "progress_note" in fault.message


@pytest.mark.parametrize("unit", ["U1", "U2", None])
@pytest.mark.parametrize("provenance", Provenance)
def test_part_2_words_stay_under_part_2_wherever_they_stand(unit: str | None, provenance: Provenance) -> None:
    of_unit = UNITS[unit] if unit else None
    found = regime_of(of_unit, provenance)
    if of_unit is None:
        assert found is None
    elif provenance is Provenance.OWN:
        assert found is of_unit.regime
    else:
        assert found is Regime.PART2


@given(st.sampled_from(Provenance), st.lists(st.sampled_from([Regime.PART2, Regime.HIPAA_ONLY, None])))
def test_quoting_only_ever_adds_protection(given_as: Provenance, quoted: list[Regime | None]) -> None:
    found = quoting(given_as, quoted)
    if given_as is Provenance.OWN and any(one is not Regime.HIPAA_ONLY for one in quoted):
        assert found is Provenance.QUOTES_PART2
    else:
        assert found is given_as


@pytest.mark.parametrize(
    ("codes", "labels", "faulty"),
    [
        (None, frozenset(), False),
        ([], frozenset(), False),
        (["ETH"], frozenset({Label.SUD}), False),
        (["SUD", "ETH", "HIV"], frozenset({Label.SUD, Label.HIV}), False),
        (["sud"], frozenset(), True),
        (["SUD", "N"], frozenset(), True),
    ],
)
def test_labels(codes: list[str] | None, labels: frozenset[Label], faulty: bool) -> None:
    read, faults = labels_from(codes)
    assert read == labels
    assert bool(faults) is faulty


def test_facts_of_a_clinician_in_the_unit_with_a_relationship() -> None:
    facts = use_facts(ITEM, Facts(relationship=True), staff(Role.CLINICIAN), TREAT)
    assert facts.internal and facts.relationship and facts.unit_assigned and facts.need_to_know
    assert facts.labels_known and facts.kind_within_ceiling and facts.author_is_caller
    assert (facts.regime, facts.purpose_class, facts.kind) == ("part2", "treatment", "progress_note")


NEAR = Facts(relationship=True)
CARER = staff(Role.CLINICIAN)
OUTSIDE = replace(staff(Role.REQUESTER), kind=CallerKind.REQUESTER)


@pytest.mark.parametrize(
    ("item", "about", "caller", "purpose", "closed"),
    [
        (ITEM, Facts(), CARER, TREAT, {"relationship", "need_to_know"}),
        (ITEM, Facts(), staff(Role.INTAKE), TREAT, {"relationship"}),
        (ITEM, NEAR, staff(Role.CLINICIAN, units=frozenset({"U2"})), TREAT, {"unit_assigned"}),
        (ITEM, NEAR, CARER, None, {"kind_within_ceiling"}),
        (replace(ITEM, kind=Kind.LAB_RESULT), NEAR, CARER, TREAT, {"kind_within_ceiling"}),
        (replace(ITEM, labels=None), NEAR, CARER, TREAT, {"labels_known"}),
        (replace(ITEM, author_id=ITEM.id), NEAR, CARER, TREAT, {"author_is_caller"}),
        (ITEM, NEAR, OUTSIDE, TREAT, {"internal", "need_to_know"}),
        (ITEM, Facts(emergency_grant=True), CARER, TREAT, {"relationship", "need_to_know"}),
    ],
)  # fmt: skip
def test_a_fact_nobody_established_stays_unfavourable(
    item: ItemForDecision, about: Facts, caller: Caller, purpose: Purpose | None, closed: set[str]
) -> None:
    facts = use_facts(item, about, caller, purpose)
    flags = {name: getattr(facts, name) for name in facts.__slots__}
    assert flags.pop("emergency_grant") is about.emergency_grant
    assert {name for name, value in flags.items() if value is False} == closed


def test_an_item_of_a_unit_that_is_gone_has_no_regime() -> None:
    assert use_facts(replace(ITEM, regime=None), Facts(), staff(Role.INTAKE), TREAT).regime == ""


def denied(*rules: str) -> Decision:
    citations = tuple(Citation(rule, f"paragraph of {rule}", Confidence.LAW) for rule in rules)
    return Decision(False, rules, citations, refused_by=rules)


@pytest.mark.parametrize(
    ("rules", "reason", "citation"),
    [
        ((), "NOT_IN_PART2_UNIT_NEED", "42 CFR 2.12(c)(3)"),
        (("guard-purpose",), "NOT_IN_PART2_UNIT_NEED", "42 CFR 2.12(c)(3)"),
        (("G6-USE",), "NOT_NEEDED_FOR_PURPOSE", "paragraph of G6-USE"),
        (("G4-USE", "G6-USE"), "NOTE_OF_ITS_AUTHOR", "paragraph of G4-USE"),
        (("G3-USE", "G4-USE"), "PROCEEDINGS_AGAINST_PATIENT", "paragraph of G3-USE"),
        (("G-UNKNOWN-USE",), "ITEM_NOT_CLASSIFIED", "paragraph of G-UNKNOWN-USE"),
    ],
)
def test_the_first_reason_that_applies_is_given(rules: tuple[str, ...], reason: str, citation: str) -> None:
    assert why_withheld(ITEM, denied(*rules)) == Withheld(Kind.PROGRESS_NOTE, reason, citation)


@given(st.lists(st.tuples(st.sampled_from(Kind), st.sampled_from(["A", "B"])), max_size=40))
def test_counts_add_up(pairs: list[tuple[Kind, str]]) -> None:
    rows = summed(Withheld(kind, reason, "c") for kind, reason in pairs)
    assert sum(row.count for row in rows) == len(pairs)
    assert len({(row.category, row.reason) for row in rows}) == len(rows) == len(set(pairs))
