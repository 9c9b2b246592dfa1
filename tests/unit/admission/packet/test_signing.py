"""When a signature event may be kept: whole or not at all (K1-K6)."""

from dataclasses import replace
from typing import Any

import pytest

from service.admission.packet.model import Outcome
from service.admission.packet.signing import NewSignature, Reader, Signatory, Signer, faults_of, not_now
from tests.unit.admission.packet.books import PACKET, words

ADULT = Signatory(minor=False, may_sign_alone=False)
MINOR = Signatory(minor=True, may_sign_alone=False)
PATIENT = Signer("patient", "Pia Testperson")
PARENT = Signer("parent", "Pat Testperson", "Birth certificate")


def event(form: str, outcome: Outcome = Outcome.SIGNED, **more: Any) -> NewSignature:
    text = words(form)
    answers = {
        one.key: {"yes_no": True, "text": "words"}.get(one.type) or next(iter(one.choices), True)
        for one in text.questions
    }
    whole = NewSignature(
        outcome=outcome,
        text_version=text.version,
        text_sha256=text.sha256,
        language="en",
        reader=Reader("self"),
        device="staff_device",
        signer=PATIENT if outcome is Outcome.SIGNED else None,
        attestation="This is my signature." if outcome is Outcome.SIGNED else None,
        reason="Would rather not." if outcome is Outcome.DECLINED else None,
        answers=answers,
    )
    return replace(whole, **more)


def faults(form: str, new: NewSignature, who: Signatory = ADULT) -> list[tuple[str, str]]:
    return [(one.field, one.code) for one in faults_of(PACKET.items[form], words(form), new, who)]


@pytest.mark.parametrize(
    "form", ["F01", "F02", "F03", "F04", "F14", "F15", "F16", "F17", "F19", "F24", "F27"]
)
def test_a_whole_event_has_no_fault(form: str) -> None:
    outcome = Outcome.SIGNED if "signed" in PACKET.items[form].done_by.names else Outcome.GIVEN
    assert faults(form, event(form, outcome)) == []


@pytest.mark.parametrize("form", ["F16", "F17", "F24", "F27"])
def test_a_blank_form_is_not_complete_and_every_missing_answer_is_named(form: str) -> None:
    questions = [one.key for one in words(form).questions]
    told = faults(form, event(form, answers={}))
    assert told == [(f"answers.{key}", "missing") for key in questions] and questions


def test_an_unsigned_form_is_not_complete() -> None:
    assert faults("F04", event("F04", signer=None, attestation=None)) == [("signer", "missing")]
    assert faults("F04", event("F04", attestation=" ")) == [("attestation", "missing")]
    assert faults("F04", event("F04", signer=Signer("patient", " "))) == [("signer.name", "missing")]


def test_declining_takes_a_reason_and_no_answers() -> None:
    assert faults("F17", event("F17", Outcome.DECLINED, answers={})) == []
    assert faults("F17", event("F17", Outcome.DECLINED, reason=" ", answers={})) == [("reason", "missing")]


def test_outcomes_are_those_of_the_form() -> None:
    assert ("outcome", "not_possible") in faults("F04", event("F04", Outcome.GIVEN))
    assert faults("F02", event("F02", Outcome.GIVEN)) == []
    own = replace(ADULT, caller_is_patient=True)
    assert ("outcome", "not_yours") in faults("F02", event("F02", Outcome.GIVEN), own)
    # a consent to share is signed as a consent; here it can only be declined
    text = words("declining")
    consent = replace(event("declining"), outcome=Outcome.SIGNED)
    assert [one.field for one in faults_of(PACKET.items["F05"], text, consent, ADULT)] == ["outcome"]


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({"may_write": "yes", "video": True}, "wrong_type"),
        ({"may_write": True, "video": True, "all_of_it": True}, "unknown"),
        ({"may_write": True, "video": None}, "missing"),
    ],
    ids=["text-for-truth", "not-asked", "null"],
)
def test_an_answer_is_one_of_the_forms(answers: dict[str, Any], code: str) -> None:
    assert [one for _, one in faults("F16", event("F16", answers=answers))] == [code]


def test_answers_that_must_be_texts_and_choices() -> None:
    assert faults("F27", event("F27", answers={"copies_given": False, "told_how_to_revoke": True})) == [
        ("answers.copies_given", "not_complete")
    ]
    given = {"backup_phone": " ", "usual_place": "x" * 501, "private_room": True}
    assert [code for _, code in faults("F15", event("F15", answers=given))] == ["wrong_type"] * 2
    assert faults("F23", event("F23", answers={"has_paper": "maybe"})) == [
        ("answers.has_paper", "unknown_code")
    ]


def test_an_interpreter_who_is_needed_is_named() -> None:
    needs = replace(ADULT, interpreter_needed=True)
    assert faults("F04", event("F04"), needs) == [("reader.how", "interpreter_needed")]
    named = Reader("interpreter", "INT-17", "Ines Interpreterperson")
    assert faults("F04", event("F04", reader=named), needs) == []
    for lacking in (replace(named, interpreter_id=None), replace(named, interpreter_name=" ")):
        assert faults("F04", event("F04", reader=lacking), needs) == [("reader.interpreter_id", "missing")]


@pytest.mark.parametrize(
    ("who", "signer", "allowed"),
    [
        (ADULT, PATIENT, True),
        (ADULT, PARENT, False),
        (MINOR, PARENT, True),
        (MINOR, PATIENT, False),
        (replace(MINOR, may_sign_alone=True), PATIENT, True),
        (replace(MINOR, minor=None), PATIENT, False),
        (MINOR, Signer("personal_representative", "Pat Testperson", "Order"), False),
        (replace(ADULT, adjudicated=True), PATIENT, False),
        (replace(ADULT, adjudicated=True), Signer("guardian", "Gia Testperson", "Order 7"), True),
    ],
    ids=[
        "adult",
        "parent-of-adult",
        "parent",
        "minor",
        "minor-may",
        "age-unknown",
        "representative",
        "ward",
        "guardian",
    ],
)
def test_who_signs_the_consent_to_care(who: Signatory, signer: Signer, allowed: bool) -> None:
    told = faults("F04", event("F04", signer=signer), who)
    assert told == ([] if allowed else [("signer.role", "not_allowed")])


def test_a_minor_signs_house_rules_alone() -> None:
    assert faults("F19", event("F19"), MINOR) == []


def test_whoever_signs_for_somebody_says_by_what_right_and_never_from_the_patients_account() -> None:
    bare = Signer("parent", "Pat Testperson")
    assert faults("F04", event("F04", signer=bare), MINOR) == [("signer.authority", "missing")]
    own = replace(MINOR, caller_is_patient=True)
    assert ("signer.role", "not_yours") in faults("F04", event("F04", signer=PARENT), own)


@pytest.mark.parametrize("state", ["intoxicated", "incapable"])
@pytest.mark.parametrize("outcome", list(Outcome))
def test_nobody_signs_refuses_or_takes_notice_who_cannot_decide(state: str, outcome: Outcome) -> None:
    who = replace(ADULT, **{state: True})
    assert not_now(PACKET.items["F02"], event("F02", outcome), who)
    assert not_now(PACKET.items["F02"], event("F02", outcome), ADULT) is None


def test_a_parent_signs_for_a_minor_who_cannot_and_staff_note_their_own_work() -> None:
    drunk = replace(MINOR, intoxicated=True)
    assert not_now(PACKET.items["F04"], event("F04", signer=PARENT), drunk) is None
    assert not_now(PACKET.items["identity"], event("identity", Outcome.GIVEN), drunk) is None
