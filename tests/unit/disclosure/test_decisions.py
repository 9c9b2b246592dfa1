"""Decisions by scenario id, against the real policies (tests/scenarios/decisions.yaml), and what must hold
for any.
"""

from dataclasses import replace
from datetime import datetime
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
import yaml

from service.access.caller import Role
from service.access.decision import Citation, Confidence, Decision
from service.access.facts import ReleaseFacts, UseFacts
from service.consent.model import (
    ConsentRecord,
    ConsentState,
    RecipientType,
)
from service.consent.model import (
    Recipient as NamedRecipient,
)
from service.disclosure.accounting import Channel, accountings
from service.disclosure.decide import DisclosureDecision, Effect
from service.disclosure.judging import judge as decide
from service.disclosure.situation import Recipient
from service.labels import Label
from service.record.item import ItemForDecision
from tests.unit.consent.cases import (
    FIXTURES,
    PATIENT,
    ROOT,
    consent,
    known_as,
    record_of,
)
from tests.unit.disclosure.rules import ENGINE, REASONS, RULES, judge, missing_duty, use
from tests.unit.disclosure.situations import ADULT, situation
from tests.unit.disclosure.situations import item as made_item

SCENARIOS: dict[str, Any] = yaml.safe_load(
    (ROOT / "tests/scenarios/decisions.yaml").read_text(encoding="utf-8")
)
NOW: datetime = SCENARIOS["now"]


def item(name: str, **change: Any) -> ItemForDecision:
    row = SCENARIOS["items"][name]
    labels = change.pop("labels", row["labels"])
    return made_item(
        row["kind"],
        name,
        labels=None if labels is None else frozenset(Label(code) for code in labels),
        **{key: value for key, value in row.items() if key == "unit"} | change,
    )


def recipient(name: str) -> Recipient:
    row = SCENARIOS["recipients"][name]
    return Recipient(
        known_as(row["name"]),
        row["name"],
        row.get("covered_entity", False),
        row.get("business_associate", False),
        frozenset(row.get("relationships", ())),
    )


def scenario_consent(given: dict[str, Any]) -> list[ConsentRecord]:
    if given["consent"] is None:
        return []
    fixture = dict(FIXTURES[given["consent"]])
    fixture["statements"] = [s for s in fixture["statements"] if s not in given.get("without", [])]
    return [record_of(fixture | given.get("change", {}), ConsentState(given.get("state", "active")))]


def decided(
    consents: list[ConsentRecord],
    *,
    to: str,
    purpose: str,
    items: list[ItemForDecision],
    channel: str = "ehr",
    at: datetime = NOW,
    patient: UUID = PATIENT,
) -> DisclosureDecision:
    asked = situation(
        items,
        consents,
        to=recipient(to),
        purpose=purpose,
        channel=channel,
        at=at,
        patient=replace(ADULT, id=patient),
    )
    # staff state TREAT for the call; what the records go out for is the question's own purpose
    return decide(asked, judge(), RULES)


@pytest.mark.parametrize("row", SCENARIOS["decisions"], ids=lambda row: row["id"])
def test_decision(row: dict[str, Any]) -> None:
    when, then = row["when"], row["then"]
    names = {known_as(name): name for name in when["items"]}
    decision = decided(
        scenario_consent(row["given"]),
        to=when["recipient"],
        purpose=when["purpose"],
        items=[item(name) for name in when["items"]],
        channel=when["channel"],
        at=when.get("at", NOW),
    )
    assert decision.effect == then["effect"]
    assert (decision.basis.id if decision.basis else None) == then.get("basis")
    assert [names[granted.id] for granted in decision.granted] == then.get("granted", [])
    found = {names[r.item.id]: r.reason for r in decision.rulings if not r.permitted}
    assert found == then.get("withheld", {})
    if "obligations" in then:
        assert list(decision.obligations) == then["obligations"]
    if "accounting" in then:
        assert decision.accounting is not None
        assert {
            "part2": decision.accounting.part2,
            "hipaa": decision.accounting.hipaa,
        } == then["accounting"]


@pytest.mark.parametrize("row", SCENARIOS["uses"], ids=lambda row: row["id"])
def test_use(row: dict[str, Any]) -> None:
    known, when = dict(row["given"]), row["when"]
    role = Role(known.pop("role"))
    subject = item(when["item"])
    purpose = ENGINE.purposes.by_code[when["purpose"]]
    facts = UseFacts(
        internal=True,
        kind=subject.kind,
        note_class=subject.note_class,
        regime="part2",
        labels_known=True,
        purpose_class=purpose.legal_class.value,
        kind_within_ceiling=purpose.can_need(subject.kind),
        **known,
    )
    decision = use(facts, role, when["purpose"])
    then = row["then"]
    assert decision.permitted is then["permitted"]
    assert decision.basis == then.get("basis")
    if then["permitted"]:
        assert list(decision.obligations) == then["obligations"]
        entered = accountings(
            ENGINE.bases.by_id[decision.basis], purpose.legal_class, Channel.EHR, authorization=False
        )
        assert {"part2": entered.part2, "hipaa": entered.hipaa} == then["accounting"]


@pytest.mark.parametrize("row", SCENARIOS["releases"], ids=lambda row: row["id"])
def test_release(row: dict[str, Any]) -> None:
    given = row["given"]
    code = missing_duty(
        notice_text=given.get("notice"),
        consent_copy=given.get("copy"),
        explanation=given.get("explanation"),
    )
    assert code == row["then"]
    assert code is None or code in REASONS.by_code


# ---- failures of others that must not be ours
# -------------------------------------------------------------------

ATTENDANCE, NOTE = item("ATTENDANCE"), item("COUNSELING_NOTE")


def test_a_newer_consent_for_somebody_else_cancels_nothing() -> None:
    older = consent("C_TPO")
    newer = replace(consent("C_SPEC", recipients=[{"name": "Employer Co"}]), consent_id=known_as("newer"))
    for order in permutations([older, newer]):
        decision = decided(list(order), to="R1", purpose="TREAT", items=[ATTENDANCE])
        assert decision.effect is Effect.PERMIT
        assert decision.basis is not None and decision.basis.consent_id == older.consent_id


def test_a_revoked_newer_consent_for_the_same_recipient_cancels_nothing() -> None:
    older = consent("C_TPO")
    newer = replace(consent("C_SPEC", state=ConsentState.REVOKED), consent_id=known_as("newer"))
    assert decided([newer, older], to="R1", purpose="TREAT", items=[ATTENDANCE]).effect is Effect.PERMIT


def test_a_consent_without_purpose_matches_no_purpose() -> None:
    silent = consent("C_SPEC", purposes=[])
    for purpose in ("HOUSING", "TREAT", "PATRQT", "EMPLOYMENT"):
        assert decided([silent], to="R3", purpose=purpose, items=[ATTENDANCE]).effect is Effect.DENY


def test_a_recipient_no_consent_names_receives_nothing() -> None:
    decision = decided([consent("C_SPEC")], to="EMPLOYER", purpose="HOUSING", items=[ATTENDANCE])
    assert (decision.effect, decision.basis, decision.granted, decision.obligations) == (
        Effect.DENY,
        None,
        (),
        (),
    )


def test_of_ordinary_and_sensitive_the_ordinary_goes() -> None:
    decision = decided([consent("C_TPO")], to="R1", purpose="TREAT", items=[NOTE, ATTENDANCE])
    assert [granted.id for granted in decision.granted] == [ATTENDANCE.id]
    assert [(w.category, w.count, w.reason) for w in decision.withheld] == [
        ("counseling_note", 1, "SCN_CONSENT_REQUIRED")
    ]


def test_an_unlabelled_item_is_sensitive() -> None:
    narrow = consent("C_SPEC", scope={"kinds": ["attendance"], "labels": ["SUD"]})
    unlabelled = item("ATTENDANCE", labels=[])
    decision = decided([narrow], to="R3", purpose="HOUSING", items=[unlabelled])
    assert (decision.effect, decision.rulings[0].reason) == (Effect.DENY, "LABEL_NOT_IN_SCOPE")
    unread = item("ATTENDANCE", labels=None)
    decision = decided([consent("C_SPEC")], to="R3", purpose="HOUSING", items=[unread])
    assert (decision.effect, decision.rulings[0].reason) == (Effect.DENY, "ITEM_NOT_CLASSIFIED")


def test_a_consent_about_another_patient_is_no_consent() -> None:
    decision = decided([consent("C_TPO")], to="R1", purpose="TREAT", items=[ATTENDANCE], patient=UUID(int=7))
    assert (decision.effect, decision.rulings[0].reason) == (Effect.DENY, "NO_CONSENT")


def test_nothing_asked_for_is_a_denial() -> None:
    decision = decided([consent("C_TPO")], to="R1", purpose="TREAT", items=[])
    assert (decision.effect, [r.rule for r in decision.reasons]) == (Effect.DENY, ["NO_RECORDS"])


# ---- one basis, the narrowest
# -----------------------------------------------------------------------------------


def _for_clinic(**change: Any) -> ConsentRecord:
    named = {
        "recipients": [{"name": "Elm Family Clinic", "covered_entity": True}],
        "purposes": ["TREAT"],
        "statements": FIXTURES["C_TPO"]["statements"],
    }
    return replace(consent("C_SPEC", **(named | change)), consent_id=known_as("for the clinic"))


def test_of_equals_the_narrowest_is_relied_on() -> None:
    wide, narrow = consent("C_TPO"), _for_clinic()
    for order in permutations([wide, narrow]):
        decision = decided(list(order), to="R1", purpose="TREAT", items=[ATTENDANCE])
        assert decision.basis is not None
        assert (decision.basis.id, decision.basis.consent_id) == ("B01", narrow.consent_id)


def test_one_disclosure_has_one_basis_and_consents_are_not_added_up() -> None:
    attendance = _for_clinic()
    screens = replace(
        _for_clinic(scope={"kinds": ["lab_result"], "labels": "all"}), consent_id=known_as("screens")
    )
    decision = decided(
        [attendance, screens], to="R1", purpose="TREAT", items=[ATTENDANCE, item("URINE_SCREEN")]
    )
    assert decision.effect is Effect.PARTIAL
    assert len(decision.granted) == 1
    first = min((attendance, screens), key=lambda one: one.consent_id)  # equally narrow: by id
    assert decision.basis is not None and decision.basis.consent_id == first.consent_id


def test_the_consent_that_covers_all_is_relied_on_before_a_narrower_one_that_does_not() -> None:
    decision = decided(
        [_for_clinic(), consent("C_TPO")], to="R1", purpose="TREAT", items=[ATTENDANCE, item("URINE_SCREEN")]
    )
    assert decision.effect is Effect.PERMIT
    assert decision.basis is not None and decision.basis.id == "B02"


# ---- any facts at all
# -------------------------------------------------------------------------------------------


def _answered(answer: Decision) -> DisclosureDecision:
    """A decision by policies that always give this answer."""
    return decide(situation([ATTENDANCE], [consent("C_TPO")]), lambda _: answer, RULES)


def test_a_permission_with_a_duty_we_do_not_know_is_a_denial() -> None:
    answer = Decision(True, ("B01",), (), ("NOTIFY_THE_MOON",))  # type: ignore[arg-type]
    decision = _answered(answer)
    assert (decision.effect, decision.rulings[0].reason) == (Effect.DENY, "DUTY_CANNOT_BE_MET")


def test_a_permission_by_a_rule_that_is_no_release_basis_is_a_denial() -> None:
    for name in ("B20", "clinician-record", ""):
        assert _answered(Decision(True, (name,))).effect is Effect.DENY
    assert _answered(Decision(True)).effect is Effect.DENY


def test_a_failed_evaluation_is_a_denial_with_its_own_reason() -> None:
    decision = _answered(Decision(False, failed=True))
    assert (decision.effect, decision.rulings[0].reason) == (Effect.DENY, "DECISION_FAILED")
    assert _answered(Decision(True, ("B01",), failed=True)).effect is Effect.DENY


def test_a_denial_nothing_explains_says_so() -> None:
    truths: dict[str, Any] = {
        name: True for name, field in ReleaseFacts.__dataclass_fields__.items() if field.type is bool
    }
    _, reason = REASONS.why(ReleaseFacts(**truths), Decision(False))
    assert reason.code == "NO_BASIS"


LAWFUL = ReleaseFacts(
    purpose_class="treatment",
    purpose_code="TREAT",
    recipient_known=True,
    recipient_is_program_ce_ba=True,
    kind_within_ceiling=True,
    kind="attendance",
    note_class="ordinary",
    regime="part2",
    labels_known=True,
    restricted=False,
    patient_life="living",
    patient_minor=False,
    confidential_communication=False,
    presence_reveals=False,
    consent_present=True,
    consent_kind="specific",
    consent_signer="patient",
    consent_state_active=True,
    consent_complete=True,
    consent_text_intact=True,
    consent_signed=True,
    consent_date_ok=True,
    consent_effective=True,
    consent_expired=False,
    consent_expiry_unknown=False,
    consent_false=False,
    consent_doubted=False,
    consent_revoked=False,
    discloser_covered=True,
    recipient_named=True,
    purpose_matches=True,
    kind_in_scope=True,
    label_in_scope=True,
    date_in_scope=True,
    scope_combines_notes=False,
    purpose_combines_legal=False,
)


#: Facts that, alone, turn a release under a specific or a TPO consent into a refusal.
_DECISIVE = (
    "recipient_known",
    "kind_within_ceiling",
    "labels_known",
    "proceedings_against_patient",
    "restricted",
    "consent_present",
    "consent_state_active",
    "consent_complete",
    "consent_text_intact",
    "consent_signed",
    "consent_date_ok",
    "consent_effective",
    "consent_expired",
    "consent_expiry_unknown",
    "consent_false",
    "consent_doubted",
    "consent_revoked",
    "discloser_covered",
    "recipient_named",
    "purpose_matches",
    "kind_in_scope",
    "label_in_scope",
    "date_in_scope",
    "scope_combines_notes",
    "purpose_combines_legal",
)


@pytest.mark.parametrize("name", _DECISIVE)
@pytest.mark.parametrize("kind", ["specific", "tpo"])
def test_every_fact_alone_can_close_a_lawful_release_and_says_why(name: str, kind: str) -> None:
    open_ = replace(LAWFUL, consent_kind=kind)
    assert judge()(open_).permitted
    closed = replace(open_, **{name: not getattr(open_, name)})
    ruling = judge()(closed)
    assert not ruling.permitted
    _, reason = REASONS.why(closed, ruling)
    assert reason.code not in ("NO_BASIS", "DECISION_FAILED")


def test_one_tpo_consent_reaches_only_programs_covered_entities_and_associates() -> None:
    outside = replace(LAWFUL, consent_kind="tpo", recipient_is_program_ce_ba=False)
    ruling = judge()(outside)
    assert not ruling.permitted
    assert REASONS.why(outside, ruling)[1].code == "RECIPIENT_NOT_COVERED_ENTITY"
    assert judge()(replace(outside, consent_kind="specific")).permitted


def test_the_basis_carries_the_words_and_paragraphs_of_its_rule() -> None:
    decision = decided([consent("C_TPO")], to="R1", purpose="TREAT", items=[ATTENDANCE])
    rule = ENGINE.rules["B02"].citation
    assert rule == Citation("B02", rule.cite, Confidence.LAW, rule.reason, rule.text)
    assert decision.basis is not None and decision.basis.citation == rule.cite
    assert [(r.rule, r.text) for r in decision.reasons] == [("B02", rule.text)]


def test_a_named_recipient_of_a_class_consent_is_matched_by_id_not_by_name() -> None:
    twin = replace(consent("C_SPEC"), consent_id=known_as("twin"))
    other = NamedRecipient(UUID(int=77), RecipientType.ENTITY, "Lee Attorney")
    renamed = replace(twin, terms=replace(twin.terms, recipients=(other,)))
    decision = decided([renamed], to="R3", purpose="HOUSING", items=[ATTENDANCE])
    assert decision.effect is Effect.DENY
