"""Every rule of disclosure.cedar and legal_gates.cedar, with facts it applies to and facts it does not.

A row names one rule, facts one step away from a lawful release or use, and whether the rule speaks.
"""

from dataclasses import replace
from typing import Any

import pytest

from service.access.caller import Role
from service.access.facts import ReleaseFacts, UseFacts
from tests.unit.disclosure.rules import ENGINE, judge, use
from tests.unit.disclosure.test_decisions import LAWFUL

USE = UseFacts(
    internal=True,
    relationship=True,
    unit_assigned=True,
    need_to_know=True,
    kind="progress_note",
    note_class="ordinary",
    regime="part2",
    labels_known=True,
    purpose_class="treatment",
    kind_within_ceiling=True,
)
NOTE = {"kind": "counseling_note", "note_class": "sud_counseling_note"}

#: rule, change to a lawful release, does it permit
RELEASES: list[tuple[str, dict[str, Any], bool]] = [
    ("B01", {}, True),
    ("B01", {"recipient_named": False, "recipient_in_class": True}, True),
    ("B01", {"purpose_class": "other", "recipient_is_program_ce_ba": False}, True),
    ("B01", {"regime": "hipaa_only"}, True),
    ("B01", {"consent_kind": "tpo", "purpose_class": "other"}, False),
    ("B01", {"recipient_named": False}, False),
    ("B01", {"recipient_known": False}, False),
    ("B01", {"purpose_matches": False}, False),
    ("B01", {"discloser_covered": False}, False),
    ("B01", {"consent_state_active": False}, False),
    ("B01", {"kind_in_scope": False}, False),
    ("B01", {"label_in_scope": False}, False),
    ("B01", {"date_in_scope": False}, False),
    ("B01", {"consent_present": False}, False),
    ("B02", {"consent_kind": "tpo"}, True),
    ("B02", {"consent_kind": "tpo", "purpose_class": "payment"}, True),
    ("B02", {"consent_kind": "tpo", "purpose_class": "operations"}, True),
    ("B02", {"consent_kind": "tpo", "recipient_named": False, "recipient_in_class": True}, True),
    ("B02", {"consent_kind": "tpo", "recipient_is_program_ce_ba": False}, False),
    ("B02", {"consent_kind": "tpo", "purpose_class": "research"}, False),
    ("B02", {"consent_kind": "tpo", "purpose_class": "public_health"}, False),
    ("B02", {"consent_kind": "tpo", "purpose_class": "other"}, False),
    ("B02", {"consent_kind": "tpo", "recipient_named": False}, False),
    ("B02", {"consent_kind": "tpo", "consent_state_active": False}, False),
    ("B02", {"consent_kind": "tpo", "discloser_covered": False}, False),
    ("B02", {"consent_kind": "tpo", "purpose_matches": False}, False),
    ("B02", {"consent_kind": "tpo", "kind_in_scope": False}, False),
    ("B02", {"consent_kind": "tpo", "label_in_scope": False}, False),
    ("B02", {"consent_kind": "tpo", "date_in_scope": False}, False),
    ("B02", {"consent_kind": "intermediary"}, False),
]

#: gate, facts that close it, facts beside them that do not
GATES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("G3", {"proceedings_against_patient": True}, {"purpose_class": "other"}),
    ("G3", {"purpose_class": "legal"}, {"purpose_class": "research"}),
    ("G4", NOTE, {"kind": "progress_note"}),
    ("G4", {"kind": "counseling_note"}, {"kind": "attendance"}),
    ("G4", {"note_class": "sud_counseling_note"}, {"note_class": "ordinary"}),
    ("G4", {"note_class": "a_class_of_tomorrow"}, {}),
    ("G4-PSYCHOTHERAPY", {"note_class": "psychotherapy_note"}, {}),
    ("G4-PSYCHOTHERAPY", {"kind": "psychotherapy_note"}, {"kind": "diagnosis"}),
    ("G6", {"kind_within_ceiling": False}, {}),
    ("G-UNKNOWN", {"labels_known": False}, {}),
    ("G-UNKNOWN", {"regime": ""}, {"regime": "hipaa_only"}),
    ("C-REVOKED", {"consent_revoked": True}, {}),
    ("C-EXPIRED", {"consent_expired": True}, {}),
    ("C-SIGNATURE", {"consent_signed": False}, {}),
    ("C-DATE", {"consent_date_ok": False}, {}),
    ("C-NOT-YET", {"consent_effective": False}, {}),
    ("C-DEFICIENT", {"consent_complete": False}, {}),
    ("C-TEXT-CHANGED", {"consent_text_intact": False}, {}),
    ("C-COMBINE-SCN", {"scope_combines_notes": True}, {}),
    ("C-COMBINE-LEGAL", {"purpose_combines_legal": True}, {}),
]

#: rule, role, change to an ordinary use, does the rule permit
USES: list[tuple[str, Role, dict[str, Any], bool]] = [
    ("B20", Role.CLINICIAN, {}, True),
    ("B20", Role.CLINICIAN, {"purpose_class": "payment"}, True),
    ("B20", Role.CLINICIAN, {**NOTE, "author_is_caller": True}, True),
    ("B20", Role.CLINICIAN, {"internal": False}, False),
    ("B20", Role.CLINICIAN, {"relationship": False}, False),
    ("B20", Role.CLINICIAN, {"unit_assigned": False}, False),
    ("B20", Role.CLINICIAN, {"need_to_know": False}, False),
    ("B20", Role.CLINICIAN, {"purpose_class": "research"}, False),
    ("B20", Role.COMPLIANCE, {}, False),
    ("B20", Role.ADMINISTRATOR, {}, False),
    ("B20-INTAKE", Role.INTAKE, {"kind": "assessment", "relationship": False}, True),
    ("B20-INTAKE", Role.INTAKE, {"kind": "medication_list"}, True),
    ("B20-INTAKE", Role.INTAKE, {"kind": "progress_note"}, False),
    ("B20-INTAKE", Role.INTAKE, {**NOTE, "author_is_caller": True}, False),
    ("B20-INTAKE", Role.INTAKE, {"kind": "assessment", "unit_assigned": False}, False),
    ("B20-INTAKE", Role.INTAKE, {"kind": "assessment", "need_to_know": False}, False),
    ("B20-INTAKE", Role.INTAKE, {"kind": "assessment", "internal": False}, False),
    ("B20-INTAKE", Role.INTAKE, {"kind": "assessment", "purpose_class": "other"}, False),
]

USE_GATES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("G3-USE", {"purpose_class": "legal"}, {}),
    ("G4-USE", NOTE, NOTE | {"author_is_caller": True}),
    ("G4-USE", {**NOTE, "author_is_caller": True, "purpose_class": "operations"}, {}),
    ("G4-USE", {"kind": "psychotherapy_note", "note_class": "psychotherapy_note"}, {}),
    ("G4-USE", {"note_class": "a_class_of_tomorrow"}, {}),
    ("G6-USE", {"kind_within_ceiling": False}, {}),
    ("G-UNKNOWN-USE", {"labels_known": False}, {}),
    ("G-UNKNOWN-USE", {"regime": ""}, {"regime": "hipaa_only"}),
]


@pytest.mark.parametrize(("rule", "change", "permits"), RELEASES)
def test_a_basis_for_release(rule: str, change: dict[str, Any], permits: bool) -> None:
    decision = judge()(replace(LAWFUL, **change))
    assert decision.permitted is permits
    assert (decision.policies == (rule,)) is permits


@pytest.mark.parametrize(("rule", "closes", "does_not"), GATES)
def test_a_gate_on_release(rule: str, closes: dict[str, Any], does_not: dict[str, Any]) -> None:
    closed = judge()(replace(LAWFUL, **closes))
    assert not closed.permitted and not closed.failed
    assert rule in closed.refused_by
    beside = judge()(replace(LAWFUL, **does_not))
    assert rule not in beside.refused_by and beside.permitted


@pytest.mark.parametrize("rule", [name for name, _, _ in GATES if name.startswith("C-")])
def test_without_a_consent_the_gates_on_consents_are_silent(rule: str) -> None:
    ruling = judge()(ReleaseFacts())
    assert not ruling.permitted
    assert rule not in ruling.refused_by


@pytest.mark.parametrize(("rule", "role", "change", "permits"), USES)
def test_a_basis_for_use(rule: str, role: Role, change: dict[str, Any], permits: bool) -> None:
    decision = use(replace(USE, **change), role)
    assert decision.permitted is permits
    assert (decision.policies == (rule,)) is permits
    assert decision.obligations == ()


@pytest.mark.parametrize(("rule", "closes", "does_not"), USE_GATES)
def test_a_gate_on_use(rule: str, closes: dict[str, Any], does_not: dict[str, Any]) -> None:
    closed = use(replace(USE, **closes), Role.CLINICIAN)
    assert not closed.permitted and not closed.failed
    assert rule in closed.refused_by
    beside = use(replace(USE, **does_not), Role.CLINICIAN)
    assert rule not in beside.refused_by and beside.permitted


def test_every_rule_of_these_files_has_a_row_each_way() -> None:
    ours = {
        name for name, rule in ENGINE.rules.items() if rule.file in ("disclosure.cedar", "legal_gates.cedar")
    }
    permits = {(name, ok) for name, _, ok in RELEASES} | {(name, ok) for name, _, _, ok in USES}
    gates = {name for name, _, _ in (*GATES, *USE_GATES)}
    assert ours == {name for name, _ in permits} | gates
    assert {name for name, ok in permits if ok} == {name for name, ok in permits if not ok}


def test_no_facts_at_all_open_nothing() -> None:
    assert not judge()(ReleaseFacts()).permitted
    for role in Role:
        assert not use(UseFacts(), role).permitted
