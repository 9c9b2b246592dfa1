"""The whole matrix role x act, written here a second time by hand, against the policies that run.

`_MAY` is the oracle: for each act, the roles that may do it and what else must hold. Every other cell must be denied,
so a new act or a widened grant turns red until somebody writes it down here too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from service.access.actions import Action
from service.access.caller import Caller, CallerKind, Role
from service.access.compile import ROLES_TABLE, differences, read_role_table
from service.access.engine import Engine
from service.access.facts import Facts, ReleaseFacts, UseFacts
from service.access.groups import CONTENT_ACTIONS, LEGAL_ACTIONS, TOUCHING_PATIENT
from tests.policies.callers import ELSEWHERE, HOME, PURPOSE_OF, caller

POLICIES = Path(__file__).parents[2] / "policies"

RELATED = Facts(relationship=True)
OWN = Facts(patient_is_caller=True)
ADDRESSED = Facts(recipient_is_caller=True)
IN_UNIT = Facts(unit_assigned=True)
RELATED_IN_UNIT = Facts(relationship=True, unit_assigned=True)
GRANTED = Facts(emergency_grant=True)
ANY = Facts()

_INTAKE = {Role.INTAKE: ANY}
_CARE = {Role.INTAKE: ANY, Role.CLINICIAN: RELATED}
_STAFF = {Role.INTAKE: ANY, Role.CLINICIAN: ANY, Role.COMPLIANCE: ANY}
_RECIPIENTS = _STAFF | {Role.DIRECTOR: ANY}
_COMPLIANCE = {Role.COMPLIANCE: ANY}
_READING = {Role.INTAKE: ANY, Role.CLINICIAN: (RELATED, GRANTED)}
_EVERYONE = dict.fromkeys(Role, ANY)
_CONSENT_READ = {Role.INTAKE: ANY, Role.CLINICIAN: RELATED, Role.COMPLIANCE: ANY, Role.PATIENT: OWN}
_RULE = {Role.CLINICIAN: RELATED, Role.COMPLIANCE: ANY}
_DISCLOSE = _RULE | {Role.DIRECTOR: ANY}
_EVIDENCE_READ = {Role.CLINICIAN: RELATED, Role.COMPLIANCE: ANY, Role.DIRECTOR: ANY}
_ADMINISTER = {Role.ADMINISTRATOR: ANY, Role.SYSTEM: ANY}
_RESTRICT = {Role.INTAKE: ANY, Role.CLINICIAN: RELATED, Role.COMPLIANCE: ANY, Role.PATIENT: OWN}

_OWN_TOO = _CARE | {Role.PATIENT: OWN}
_CLINICAL = {Role.CLINICIAN: RELATED}
_DESK_AND_CLINIC = {Role.INTAKE: ANY, Role.CLINICIAN: ANY}

#: act -> role -> the least that must be true besides the role; several: any of them.
_MAY: dict[Action, Mapping[Role, Facts | tuple[Facts, ...]]] = {
    Action.PATIENT_REGISTER: _INTAKE,
    Action.PATIENT_SEARCH: {Role.INTAKE: ANY, Role.CLINICIAN: ANY},
    Action.PATIENT_READ: {Role.INTAKE: ANY, Role.CLINICIAN: RELATED, Role.PATIENT: OWN},
    Action.PATIENT_UPDATE: _CARE,
    Action.PATIENT_REINDEX: {Role.SYSTEM: ANY},
    Action.RELATIONSHIP_RECORD: _INTAKE,
    Action.EVENT_RECORD: _CARE | _COMPLIANCE,
    Action.PATIENT_MERGE: _INTAKE,
    Action.PATIENT_UNMERGE: _INTAKE | _COMPLIANCE,
    Action.PATIENT_UNMARK: _COMPLIANCE,
    Action.CASELOAD_READ: _DESK_AND_CLINIC,
    Action.EPISODE_OPEN: _CARE,
    Action.EPISODE_READ: _CARE,
    Action.EPISODE_ADMIT: _CARE,
    Action.EPISODE_MOVE: _CLINICAL,
    Action.FLAG_ASSIGN: _CARE,
    Action.PACK_ATTEST: _COMPLIANCE,
    Action.PACK_READ: _STAFF,
    Action.MEDICAL_WRITE: _OWN_TOO,
    Action.MEDICAL_READ: _OWN_TOO,
    Action.MEDICAL_REVIEW: _CLINICAL,
    Action.DIAGNOSIS_RECORD: _CLINICAL,
    Action.LABEL_RAISE: _CARE,
    Action.LABEL_LOWER: _COMPLIANCE,
    Action.PACKET_READ: _OWN_TOO | _COMPLIANCE,
    Action.PACKET_WORK: _CARE,
    Action.PACKET_WAIVE: _CLINICAL | _COMPLIANCE,
    Action.WORK_LIST_READ: _STAFF,
    Action.FORM_SIGN: _OWN_TOO,
    Action.FORM_READ: _OWN_TOO,
    Action.PLACEMENT_READ: _CARE | {Role.SYSTEM: ANY},
    Action.PLACEMENT_DECIDE: _CLINICAL,
    Action.PLACEMENT_SECOND: _CLINICAL,
    Action.CARE_PLAN_WRITE: _CLINICAL,
    Action.CARE_PLAN_READ: _CLINICAL | {Role.PATIENT: OWN},
    Action.CARE_PLAN_SIGN: _CLINICAL,
    Action.CARE_PLAN_COSIGN: _CLINICAL,
    Action.VISIT_RECORD: _CLINICAL,
    Action.REPORT_READ: _COMPLIANCE,
    Action.MESSAGE_SEND: _CARE | {Role.SYSTEM: ANY},
    Action.MESSAGE_READ: _CARE | _COMPLIANCE,
    Action.LINK_MAKE: _CARE,
    Action.LINK_END: _CARE,
    Action.CREDENTIAL_MANAGE: _ADMINISTER,
    Action.EMERGENCY_OPEN: {Role.CLINICIAN: ANY},
    Action.EMERGENCY_END: {Role.CLINICIAN: ANY},
    Action.RECIPIENT_REGISTER: _RECIPIENTS,
    Action.RECIPIENT_LIST: _RECIPIENTS,
    Action.INSTRUMENT_READ: _STAFF | {Role.SYSTEM: ANY},
    Action.ASSESSMENT_SAVE: _OWN_TOO,
    Action.ASSESSMENT_COMPLETE: _OWN_TOO,
    Action.ASSESSMENT_AMEND: _CARE,
    Action.ASSESSMENT_READ: _OWN_TOO,
    Action.ASSESSMENT_LIST: _CARE,
    Action.FLAG_ACKNOWLEDGE: _CARE,
    Action.FLAG_ACKNOWLEDGE_URGENT: _CARE,
    Action.ITEM_WRITE: {Role.INTAKE: IN_UNIT, Role.CLINICIAN: RELATED_IN_UNIT},
    Action.ITEM_READ: _READING,
    Action.RECORD_READ: _READING,
    Action.ATTACHMENT_ADD: _CARE | _COMPLIANCE,
    Action.ATTACHMENT_READ: {Role.CLINICIAN: RELATED},
    Action.ATTACHMENT_LIST: _CARE | _COMPLIANCE,
    Action.CONSENT_DRAFT: _CARE,
    Action.CONSENT_READ: _CONSENT_READ | {Role.DIRECTOR: ANY},
    Action.CONSENT_LIST: _CONSENT_READ | {Role.DIRECTOR: ANY},
    Action.CONSENT_PREVIEW: {Role.INTAKE: ANY, Role.CLINICIAN: RELATED, Role.PATIENT: OWN},
    Action.CONSENT_SIGN: {
        Role.INTAKE: ANY,
        Role.CLINICIAN: RELATED,
        Role.PATIENT: OWN,
        Role.DIRECTOR: ANY,
    },
    Action.CONSENT_REVOKE: _CONSENT_READ,
    Action.CONSENT_SUPERSEDE: _CARE,
    Action.CONSENT_MARK_ERROR: _RULE,
    Action.CONSENT_RULE: _COMPLIANCE,
    Action.CONSENT_EXPIRE: {Role.SYSTEM: ANY},
    Action.CONSENT_TEXT_READ: _STAFF,
    Action.CONSENT_TEXT_ADOPT: _COMPLIANCE,
    Action.CONSENT_TEXT_RECOLLECT: _COMPLIANCE,
    Action.RESTRICTION_REQUEST: _RESTRICT,
    Action.RESTRICTION_ANSWER: _COMPLIANCE,
    Action.RESTRICTION_END: _COMPLIANCE | {Role.PATIENT: OWN},
    Action.RESTRICTION_LIST: _RESTRICT,
    Action.EVIDENCE_RECORD: _RULE,
    Action.EVIDENCE_SIGN_OFF: _COMPLIANCE,
    Action.EVIDENCE_FIND: {Role.DIRECTOR: ANY},
    Action.EVIDENCE_END: _COMPLIANCE,
    Action.EVIDENCE_READ: _EVIDENCE_READ,
    Action.EVIDENCE_LIST: _EVIDENCE_READ,
    Action.AGREEMENT_RECORD: _COMPLIANCE | {Role.DIRECTOR: ANY},
    Action.AGREEMENT_READ: {Role.CLINICIAN: ANY, Role.COMPLIANCE: ANY, Role.DIRECTOR: ANY},
    Action.DISCLOSURE_PREVIEW: _DISCLOSE,
    Action.DISCLOSURE_MAKE: _DISCLOSE,
    Action.DISCLOSURE_READ: _DISCLOSE | {Role.PATIENT: OWN},
    Action.DISCLOSURE_LIST: _DISCLOSE | {Role.PATIENT: OWN},
    Action.PACKAGE_FETCH: {Role.CLINICIAN: RELATED, Role.REQUESTER: ADDRESSED},
    Action.RECORDS_REQUEST: {Role.REQUESTER: ANY},
    Action.ACCOUNTING_READ: {Role.COMPLIANCE: ANY, Role.PATIENT: OWN},
    Action.AUDIT_READ: {Role.COMPLIANCE: ANY},
    Action.AUDIT_EXPORT: {Role.COMPLIANCE: ANY},
    Action.REVIEW_LIST: _COMPLIANCE,
    Action.FINDING_LIST: _COMPLIANCE,
    Action.FINDING_DECIDE: _COMPLIANCE,
    Action.FINDING_RAISE: {Role.SYSTEM: ANY},
    Action.PATIENT_WATCH: _COMPLIANCE,
    Action.LEDGER_RESTORE: {Role.SYSTEM: ANY},
    Action.LEDGER_WITNESS: _COMPLIANCE | {Role.SYSTEM: ANY},
    Action.HOLD_PLACE: _COMPLIANCE,
    Action.HOLD_LIFT: _COMPLIANCE,
    Action.HOLD_READ: _COMPLIANCE,
    Action.REVIEW_CLOSE: _COMPLIANCE,
    Action.ACCOUNT_READ_SELF: _EVERYONE,
    Action.SESSION_LIST: _EVERYONE,
    Action.SESSION_END: _EVERYONE,
    Action.USER_MANAGE: _ADMINISTER,
    Action.CLIENT_MANAGE: _ADMINISTER,
    Action.PROGRAM_READ: _STAFF | _ADMINISTER,
    Action.PROGRAM_MANAGE: _ADMINISTER,
    Action.KEY_MANAGE: _ADMINISTER,
    Action.KEY_READ: _ADMINISTER | _COMPLIANCE,
    Action.KEY_ROTATE: _ADMINISTER,
    Action.KEY_SHRED_ASK: _COMPLIANCE,
    Action.KEY_SHRED_APPROVE: {Role.ADMINISTRATOR: ANY},
}

_ORDINARY = [action for action in Action if not action.is_event and action not in LEGAL_ACTIONS]
_SITUATIONS = [ANY, RELATED, OWN, ADDRESSED, IN_UNIT, RELATED_IN_UNIT, GRANTED]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.load(POLICIES)


def permits(engine: Engine, who: Caller, action: Action, facts: Facts, purpose: str | None = "") -> bool:
    stated = PURPOSE_OF[next(iter(who.roles))] if purpose == "" else purpose
    return engine.decide(action, who, stated, facts).permitted


def _covers(facts: Facts, needed: Facts | tuple[Facts, ...]) -> bool:
    """Everything that must be true is true."""
    if isinstance(needed, tuple):
        return any(_covers(facts, one) for one in needed)
    return all(getattr(facts, name) or not getattr(needed, name) for name in facts.__slots__)


def _cells(action: Action) -> Iterator[tuple[Role, Facts, bool]]:
    for role in Role:
        needed = _MAY.get(action, {}).get(role)
        for facts in _SITUATIONS:
            yield role, facts, needed is not None and _covers(facts, needed)


def _permitted(action: Action) -> Iterator[tuple[Role, Facts]]:
    return ((role, facts) for role, facts, expected in _cells(action) if expected)


@pytest.mark.parametrize("action", _ORDINARY)
def test_every_ordinary_act_is_in_the_table(action: Action) -> None:
    assert action in _MAY


@pytest.mark.parametrize("action", _ORDINARY)
def test_matrix(engine: Engine, action: Action) -> None:
    cells = [(role, facts, expected) for role, facts, expected in _cells(action)]
    assert len(cells) == len(Role) * len(_SITUATIONS)
    wrong = [
        (role, facts)
        for role, facts, expected in cells
        if permits(engine, caller(role), action, facts) is not expected
    ]
    assert wrong == []


@pytest.mark.parametrize("action", _ORDINARY)
def test_whatever_is_permitted_is_denied_in_another_program(engine: Engine, action: Action) -> None:
    for role, facts in _permitted(action):
        away, here = replace(facts, program=ELSEWHERE), replace(facts, program=HOME)
        assert "guard-program" in engine.decide(action, caller(role), PURPOSE_OF[role], away).refused_by
        assert engine.decide(action, caller(role), PURPOSE_OF[role], here).permitted


@pytest.mark.parametrize("action", [action for action in _ORDINARY if action in TOUCHING_PATIENT])
def test_acts_on_patients_need_a_purpose_the_caller_may_state(engine: Engine, action: Action) -> None:
    for role, facts in _permitted(action):
        for purpose in (None, "DONAT" if role is not Role.REQUESTER else "TRAIN", "HOUSE", "treat", ""):
            assert engine.decide(action, caller(role), purpose, facts).refused_by == ("guard-purpose",)


@pytest.mark.parametrize("grant", read_role_table((POLICIES / ROLES_TABLE).read_text()).grants)
def test_every_role_policy_decides_something_and_denies_without_its_role(engine: Engine, grant) -> None:
    """Rows that allow and rows that deny, for each policy by its id."""
    roles = [grant.role] if grant.role else list(Role)
    for action in grant.actions:
        allowed = [
            engine.decide(action, caller(role), PURPOSE_OF[role], facts)
            for role in roles
            for facts in _SITUATIONS
        ]
        assert any(decision.permitted and grant.id in decision.policies for decision in allowed)
        others = [role for role in Role if role not in roles]
        for role in others:
            for facts in _SITUATIONS:
                assert grant.id not in engine.decide(action, caller(role), PURPOSE_OF[role], facts).policies


@pytest.mark.parametrize("note_class", ["sud_counseling_note", "psychotherapy_note"])
@pytest.mark.parametrize("action", [Action.ITEM_READ, Action.ITEM_WRITE])
def test_intake_never_reads_or_writes_session_notes(engine: Engine, action: Action, note_class: str) -> None:
    about = {"relationship": True, "unit_assigned": True}
    assert permits(engine, caller(Role.INTAKE), action, Facts(**about, note_class="ordinary"))
    assert not permits(engine, caller(Role.INTAKE), action, Facts(**about, note_class=note_class))
    assert permits(engine, caller(Role.CLINICIAN), action, Facts(**about, note_class=note_class))


@pytest.mark.parametrize("action", [action for action in _ORDINARY if action in TOUCHING_PATIENT])
def test_an_administrator_sees_no_patient_even_with_a_second_role(engine: Engine, action: Action) -> None:
    for second in (Role.INTAKE, Role.CLINICIAN, Role.COMPLIANCE, Role.DIRECTOR):
        decision = engine.decide(action, caller(second, Role.ADMINISTRATOR), "TREAT", RELATED)
        assert not decision.permitted
        assert "guard-administrator" in decision.refused_by


def test_an_administrator_does_not_review_the_trail(engine: Engine) -> None:
    decision = engine.decide(Action.AUDIT_READ, caller(Role.COMPLIANCE, Role.ADMINISTRATOR), None, ANY)
    assert not decision.permitted
    assert decision.refused_by == ("guard-administrator-trail",)


@pytest.mark.parametrize("action", [Action.ITEM_READ, Action.RECORD_READ, Action.ASSESSMENT_READ])
def test_a_compliance_officer_reads_no_content_even_as_clinician(engine: Engine, action: Action) -> None:
    assert permits(engine, caller(Role.CLINICIAN), action, RELATED)
    decision = engine.decide(action, caller(Role.CLINICIAN, Role.COMPLIANCE), "TREAT", RELATED)
    assert decision.refused_by == ("guard-compliance-content",)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.REQUESTER])
def test_a_requester_given_a_staff_role_gains_nothing(engine: Engine, role: Role) -> None:
    who = caller(role, kind=CallerKind.REQUESTER)
    for action in _ORDINARY:
        for facts in _SITUATIONS:
            decision = engine.decide(action, who, PURPOSE_OF[role], facts)
            assert not decision.permitted
            assert "guard-roles-fit" in decision.refused_by


def test_the_outside_guard_holds_by_itself(engine: Engine) -> None:
    decision = engine.decide(Action.PATIENT_SEARCH, caller(Role.REQUESTER), "TREAT", ANY)
    assert decision.refused_by == ("guard-outside",)
    assert engine.decide(Action.RECORDS_REQUEST, caller(Role.REQUESTER), "TREAT", ANY).permitted


def test_a_patient_acts_only_on_what_is_theirs(engine: Engine) -> None:
    decision = engine.decide(Action.CONSENT_READ, caller(Role.PATIENT), "PATRQT", RELATED)
    assert decision.refused_by == ("guard-patient-own",)


def test_no_role_at_all_may_do_nothing(engine: Engine) -> None:
    nobody = Caller(CallerKind.STAFF, caller(Role.INTAKE).account_id, HOME, None, frozenset())
    for action in _ORDINARY:
        assert not engine.decide(action, nobody, "TREAT", RELATED).permitted


def test_internal_use_is_for_staff(engine: Engine) -> None:
    facts = UseFacts(
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
    assert engine.decide(Action.RECORD_USE, caller(Role.CLINICIAN), "TREAT", facts).policies == ("B20",)
    for role in (Role.REQUESTER, Role.PATIENT, Role.SYSTEM):
        decision = engine.decide(Action.RECORD_USE, caller(role), PURPOSE_OF[role], facts)
        assert not decision.permitted
        assert "guard-use-by-staff" in decision.refused_by
    compliance = engine.decide(Action.RECORD_USE, caller(Role.COMPLIANCE), "HOPERAT", facts)
    assert "guard-compliance-content" in compliance.refused_by


def test_a_release_is_decided_for_a_requester_but_not_for_an_administrator(engine: Engine) -> None:
    assert (
        "guard-outside"
        not in engine.decide(
            Action.DISCLOSURE_RELEASE, caller(Role.REQUESTER), "TREAT", ReleaseFacts()
        ).refused_by
    )
    assert (
        "guard-administrator"
        in engine.decide(
            Action.DISCLOSURE_RELEASE, caller(Role.ADMINISTRATOR), "TREAT", ReleaseFacts()
        ).refused_by
    )


def test_generated_files_are_current() -> None:
    assert differences(POLICIES) == []


def test_a_program_director_may_have_a_second_role(engine: Engine) -> None:
    """Combined with another role a director may do what either may, and only the guards of the other hold."""
    both = caller(Role.DIRECTOR, Role.CLINICIAN)
    assert permits(engine, both, Action.EVIDENCE_FIND, RELATED, "HOPERAT")
    assert permits(engine, both, Action.ITEM_READ, RELATED, "TREAT")
    officer = caller(Role.DIRECTOR, Role.COMPLIANCE)
    assert permits(engine, officer, Action.EVIDENCE_SIGN_OFF, ANY, "HOPERAT")
    assert not permits(engine, officer, Action.ITEM_READ, RELATED, "TREAT")


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.DIRECTOR])
def test_a_finding_of_the_director_is_nobody_elses(engine: Engine, role: Role) -> None:
    decision = engine.decide(Action.EVIDENCE_FIND, caller(role), PURPOSE_OF[role], RELATED)
    assert not decision.permitted
    assert "guard-director-findings" in decision.refused_by


def test_a_director_reads_no_content_by_that_role_alone(engine: Engine) -> None:
    for action in sorted(CONTENT_ACTIONS - LEGAL_ACTIONS):
        for facts in _SITUATIONS:
            assert not permits(engine, caller(Role.DIRECTOR), action, facts)
