"""An entry, explained, without database."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from service.access.actions import Action
from service.access.caller import CallerKind
from service.access.decision import Citation, Confidence, Obligation
from service.access.purposes import Purpose, PurposeClass
from service.custody.explanation import Grounds, Held, duty_words, explain
from service.custody.records import StoredEntry
from service.custody.words import ACTORS, DONE, DUTIES

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ENTRY = StoredEntry(
    id=UUID(int=1),
    tree=UUID(int=2),
    occurred_at=NOW,
    recorded_at=NOW,
    actor_kind="staff",
    actor_id=UUID(int=3),
    session_id=None,
    action="disclosure.make",
    outcome="partial",
    purpose="TREAT",
    object_kind="disclosure",
    object_id=UUID(int=4),
    object_version=1,
    patient_id=UUID(int=5),
    consent_id=UUID(int=6),
    recipient_id=UUID(int=7),
    basis="B02",
    policy_set="now",
    policies='["B02","old"]',
    detail=json.dumps(
        {
            "items": [
                {"item": "a", "permitted": True, "rules": ["B02"], "reason": None},
                {"item": "b", "permitted": False, "rules": [], "reason": "LABEL_NOT_IN_SCOPE"},
                {"item": "c", "permitted": False, "rules": [], "reason": "LABEL_NOT_IN_SCOPE"},
            ],
            "obligations": ["NOTICE_2_32"],
            "citations": {"LABEL_NOT_IN_SCOPE": "42 CFR 2.31(a)(3)"},
            "confidence": {"LABEL_NOT_IN_SCOPE": "policy"},
            "consents": ["one", "two"],
            "evidence": ["three"],
            "relied_on": "three",
            "explanation": "A part of what was asked for may be shared.",
        }
    ),
    request_id="r",
)
RULES = {"B02": Citation("B02", "42 CFR 2.33(b)", Confidence.UNSURE, text="One consent for all treatment.")}
TREAT = Purpose("TREAT", "Treatment", PurposeClass.TREATMENT, frozenset(), None, False)


def test_every_act_and_every_kind_of_caller_has_words() -> None:
    assert set(DONE) == set(Action)
    assert set(ACTORS) == {kind.value for kind in CallerKind} | {"unknown"}  # who failed to sign in


def test_every_duty_has_words_and_an_unknown_one_its_code() -> None:
    assert set(DUTIES) == set(Obligation)
    assert duty_words("NOTIFY_PATIENT") == "a task to tell the patient was opened"
    assert duty_words("A_DUTY_OF_TOMORROW") == "A_DUTY_OF_TOMORROW"


def test_a_partial_disclosure_in_sentences() -> None:
    said = explain(ENTRY, RULES, TREAT, "now", "Test Clinician", "Test Hospital")
    assert said.sentences == (
        "Test Clinician (a member of staff) disclosed records.",
        "The stated purpose was Treatment (TREAT).",
        "It was permitted in part.",
        "Rule B02 decided: One consent for all treatment [42 CFR 2.33(b)] (counsel should confirm this reading).",
        "Rule old took part in the decision; today's policies do not have it.",
        "The lawful basis was B02.",
        f"It relied on consent {ENTRY.consent_id}.",
        "It relied on evidence three.",
        "The recipient was Test Hospital.",
        "2 items were withheld: LABEL_NOT_IN_SCOPE [42 CFR 2.31(a)(3)].",
        "Duties that came with it: the statement of 42 CFR 2.32(a) went with the records.",
    )
    assert said.withheld == (Held("LABEL_NOT_IN_SCOPE", "42 CFR 2.31(a)(3)", 2, "policy"),)
    assert said.paragraph == "A part of what was asked for may be shared."
    assert said.grounds == Grounds("three", ("one", "two"), ("three",))
    assert said.reason is None
    assert said.policy_set_is_current


@pytest.mark.parametrize(
    ("outcome", "effect", "said"),
    [
        ("permit", "permit", "It was permitted."),
        ("permit", None, "It was permitted."),
        ("permit", "partial", "It was permitted in part."),
        ("partial", None, "It was permitted in part."),
        ("deny", "needs_review", "It was not permitted: a person must look at it first."),
        ("deny", "deny", "It was refused."),
    ],
)
def test_the_effect_of_a_legal_decision_is_said(outcome: str, effect: str | None, said: str) -> None:
    entry = replace(ENTRY, outcome=outcome, detail=json.dumps({"effect": effect} if effect else {}))
    assert explain(entry, RULES, TREAT, "now").sentences[2] == said


def test_rules_of_another_day_are_said_to_be_so() -> None:
    said = explain(ENTRY, RULES, TREAT, "later")
    assert not said.policy_set_is_current
    assert said.sentences[-1].startswith("It was decided under an earlier set of policies")


@pytest.mark.parametrize(
    ("detail", "ending"),
    [
        (
            {"code": "not_permitted", "reason": "policy_error"},
            "because the decision could not be evaluated, which",
        ),
        ({"code": "brand_new"}, "because of brand_new."),
        ({}, "It was refused."),
    ],
)
def test_a_refusal_says_why(detail: dict[str, str], ending: str) -> None:
    denied = replace(ENTRY, outcome="deny", detail=json.dumps(detail), policies="[]", purpose="WHAT")
    said = explain(denied, RULES, None, "now")
    assert said.sentences[0] == "A member of staff was refused: disclosed records."
    assert said.sentences[1] == "A purpose was stated that is not in the list of purposes."
    assert ending in said.sentences[2]


def test_counts_of_a_chart_and_broken_details() -> None:
    chart = replace(ENTRY, detail=json.dumps({"withheld": {"progress_note:X": 1, "lab_result:Y": 3}}))
    assert explain(chart, RULES, None, "now").withheld == (
        Held("lab_result:Y", "", 3),
        Held("progress_note:X", "", 1),
    )
    for broken in (
        "",
        "[]",
        "null",
        '{"items": 3, "withheld": [1], "citations": [], "obligations": {}, "explanation": 1, '
        '"consents": {}, "evidence": "x", "relied_on": ["x"]}',
    ):
        said = explain(replace(ENTRY, detail=broken, policies="{"), RULES, None, "now")
        assert said.withheld == ()
        assert said.authorities == ()
        assert said.paragraph is None
        assert said.grounds == Grounds(None)


def test_an_act_of_a_later_version_is_still_shown() -> None:
    said = explain(replace(ENTRY, action="later.act", actor_kind="robot"), RULES, None, "now")
    assert said.sentences[0] == "Somebody did something this version has no word for."
