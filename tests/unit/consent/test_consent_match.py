"""What a consent covers: the match facts, the words for what it does not cover, and that one of many
decides alone.
"""

from dataclasses import fields, replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.access.facts import ReleaseFacts
from service.consent import validity
from service.consent.document import rendered_hash
from service.consent.match import (
    ConsentMatch,
    Item,
    Request,
    match,
    purpose_covered,
    standing,
    why_not,
    with_consent,
)
from service.consent.model import ConsentRecord, ConsentState, Revocation, Today
from service.consent.standing import Standing
from tests.unit.consent.cases import BOOK, CLASSES, NOW, PATIENT, ZONE, consent, known_as

TODAY = Today(NOW, ZONE)
LAWYER = Request(PATIENT, known_as("Lee Attorney"), frozenset(), "HOUSING")
CLINIC = Request(PATIENT, known_as("Elm Family Clinic"), frozenset({"treating"}), "TREAT")
ATTENDANCE = Item("attendance", "ordinary", frozenset({"SUD"}), date(2026, 3, 2), "U1")
MEDICATION = Item("medication_list", "ordinary", frozenset({"SUD"}), date(2026, 3, 2), "U1")


def stands(record: ConsentRecord, today: Today = TODAY) -> Standing:
    return standing(BOOK, CLASSES, record, today)


def ask(record: ConsentRecord, request: Request, item: Item) -> ConsentMatch:
    return match(stands(record), request, item)


def codes(found: ConsentMatch) -> set[str]:
    return {reason.code for reason in why_not(BOOK, found)}


def test_a_named_recipient_gets_what_was_consented_to() -> None:
    found = ask(consent(), LAWYER, ATTENDANCE)
    assert found.covers
    assert codes(found) == set()


def test_a_treating_clinic_is_in_the_class() -> None:
    found = ask(consent("C_TPO"), CLINIC, MEDICATION)
    assert found.covers
    assert found.reach.recipient_in_class
    assert not found.reach.recipient_named


@pytest.mark.parametrize(
    ("request_change", "item_change", "expected"),
    [
        ({"recipient_id": known_as("Somebody Else")}, {}, {"RECIPIENT_NOT_NAMED"}),
        ({"purpose": "EMPLOYMENT"}, {}, {"PURPOSE_NOT_COVERED"}),
        ({"purpose": None}, {}, {"PURPOSE_NOT_COVERED"}),
        ({"purpose": ""}, {}, {"PURPOSE_NOT_COVERED"}),
        ({"purpose": "housing"}, {}, {"PURPOSE_NOT_COVERED"}),
        ({"purpose": "TPO"}, {}, {"PURPOSE_NOT_COVERED"}),
        ({"patient_id": known_as("another patient")}, {}, {"PATIENT_NOT_NAMED"}),
        ({}, {"kind": "lab_result"}, {"ITEM_NOT_IN_SCOPE"}),
        ({}, {"unit": "U2"}, {"DISCLOSER_NOT_COVERED"}),
        ({}, {"note_class": "sud_counseling_note"}, {"SCN_CONSENT_REQUIRED"}),
        ({}, {"kind": "counseling_note"}, {"SCN_CONSENT_REQUIRED"}),
        ({}, {"note_class": "something new"}, {"SCN_CONSENT_REQUIRED"}),
        ({}, {"kind": "psychotherapy_note"}, {"PSYCHOTHERAPY_AUTHORIZATION_REQUIRED"}),
    ],
)
def test_one_thing_wrong_is_one_reason(
    request_change: dict[str, Any], item_change: dict[str, Any], expected: set[str]
) -> None:
    found = ask(consent(), replace(LAWYER, **request_change), replace(ATTENDANCE, **item_change))
    assert codes(found) == expected
    assert not found.covers


def test_all_reasons_are_given_not_the_first() -> None:
    found = ask(
        consent(expiry={"kind": "date", "date": date(2026, 5, 1)}),
        Request(PATIENT, known_as("Somebody Else"), frozenset(), "TREAT"),
        replace(MEDICATION, unit="U2"),
    )
    assert codes(found) == {
        "C-EXPIRED",
        "DISCLOSER_NOT_COVERED",
        "RECIPIENT_NOT_NAMED",
        "PURPOSE_NOT_COVERED",
        "ITEM_NOT_IN_SCOPE",
    }


# ---- recipients


@pytest.mark.parametrize(
    ("named", "relationship", "inside"),
    [
        ("tpo", "treating", True),
        ("tpo", "health_plan", True),
        ("tpo", "third_party_payer", True),
        ("tpo", "operations", True),
        ("tpo", "staff", False),
        ("tpo", "family", False),
        ("treating_providers", "treating", True),
        ("treating_providers", "health_plan", False),
        ("health_plans", "health_plan", True),
        ("third_party_payers", "health_plan", False),
        ("program_operations", "operations", True),
    ],
)
def test_a_class_matches_through_a_recorded_relationship(named: str, relationship: str, inside: bool) -> None:
    record = consent("C_TPO", recipients=[{"class": named}])
    found = ask(record, replace(CLINIC, relationships=frozenset({relationship})), MEDICATION)
    assert found.reach.recipient_in_class is inside
    assert codes(found) == (set() if inside else {"NOT_IN_CLASS"})


def test_without_a_relationship_nobody_is_in_a_class() -> None:
    found = ask(consent("C_TPO"), replace(CLINIC, relationships=frozenset()), MEDICATION)
    assert codes(found) == {"NOT_IN_CLASS"}


def test_the_class_row_of_the_register_is_not_a_recipient() -> None:
    """Somebody who got hold of the class's own id is not thereby named."""
    found = ask(consent("C_TPO"), Request(PATIENT, known_as("tpo"), frozenset(), "TREAT"), MEDICATION)
    assert not found.reach.recipient_named
    assert not found.reach.recipient_in_class


def test_a_relationship_does_not_name_anybody() -> None:
    found = ask(consent(), replace(CLINIC, purpose="HOUSING"), ATTENDANCE)
    assert codes(found) == {"RECIPIENT_NOT_NAMED"}


def test_a_recipient_taken_out_is_out_and_the_others_stay() -> None:
    record = consent(recipients=[{"name": "Lee Attorney"}, {"name": "Elm Family Clinic"}])
    partly = replace(
        record, revocations=(Revocation(NOW, NOW, "written", "patient", frozenset({LAWYER.recipient_id})),)
    )
    assert codes(ask(partly, LAWYER, ATTENDANCE)) == {"C-REVOKED"}
    assert ask(partly, replace(CLINIC, purpose="HOUSING"), ATTENDANCE).covers


def test_a_member_of_a_class_can_be_taken_out() -> None:
    partly = replace(
        consent("C_TPO"),
        revocations=(Revocation(NOW, NOW, "oral", "patient", frozenset({CLINIC.recipient_id})),),
    )
    assert codes(ask(partly, CLINIC, MEDICATION)) == {"C-REVOKED"}
    assert ask(partly, replace(CLINIC, recipient_id=known_as("Acme Health Plan")), MEDICATION).covers


def test_a_class_taken_out_takes_its_members_along() -> None:
    record = consent("C_TPO", recipients=[{"class": "treating_providers"}, {"class": "health_plans"}])
    partly = replace(
        record,
        revocations=(
            Revocation(NOW, NOW, "written", "patient", frozenset({known_as("treating_providers")})),
        ),
    )
    assert codes(ask(partly, CLINIC, MEDICATION)) == {"NOT_IN_CLASS"}
    plan = Request(PATIENT, known_as("Acme Health Plan"), frozenset({"health_plan"}), "HPAYMT")
    assert ask(partly, plan, MEDICATION).covers


# ---- purposes


@pytest.mark.parametrize(
    ("stated", "asked", "covered"),
    [
        ("TPO", "TREAT", True),
        ("TPO", "COC", True),
        ("TPO", "HPAYMT", True),
        ("TPO", "HOPERAT", True),
        ("TPO", "CAREMGT", True),
        ("TPO", "HLEGAL", False),
        ("TPO", "CLINTRL", False),
        ("TPO", "HRESCH", False),
        ("TPO", "HMARKT", False),
        ("TPO", "PUBHLTH", False),
        ("TPO", "PATRQT", False),
        ("TREAT", "COC", True),
        ("TREAT", "CLINTRL", False),
        ("TREAT", "HPAYMT", False),
        ("COC", "TREAT", False),
        ("HOPERAT", "HLEGAL", False),
        ("HOPERAT", "CAREMGT", True),
        ("CAREMGT", "HOPERAT", False),
        ("HOUSING", "HOUSING", True),
        ("HOUSING", "EMPLOYMENT", False),
        ("PATRQT", "PATRQT", True),
        ("PATRQT", "TREAT", False),
        ("SORCERY", "SORCERY", False),
    ],
)
def test_purposes_match_by_table_not_by_hierarchy(stated: str, asked: str, covered: bool) -> None:
    assert purpose_covered((stated,), CLASSES, asked) is covered


@given(st.lists(st.sampled_from([*CLASSES, "TPO", ""]), max_size=4))
def test_a_missing_purpose_matches_nothing(stated: list[str]) -> None:
    assert not purpose_covered(tuple(stated), CLASSES, None)
    assert not purpose_covered(tuple(stated), CLASSES, "")
    assert not purpose_covered(tuple(stated), CLASSES, "TPO")


# ---- scope


@pytest.mark.parametrize(
    ("labels", "borne", "inside"),
    [
        ("all", {"SUD", "HIV"}, True),
        ("all", set(), True),
        (["SUD"], {"SUD"}, True),
        (["SUD"], {"SUD", "HIV"}, False),
        (["SUD", "HIV", "PSY"], {"SUD", "HIV"}, True),
        (["SUD"], set(), False),
        (["SUD", "PSY", "HIV", "STD", "SDV", "REPRO"], set(), False),
    ],
)
def test_every_label_of_an_item_has_to_be_allowed(labels: Any, borne: set[str], inside: bool) -> None:
    record = consent(scope={"kinds": ["attendance"], "labels": labels})
    found = ask(record, LAWYER, replace(ATTENDANCE, labels=frozenset(borne)))
    assert found.label_in_scope is inside
    assert codes(found) == (set() if inside else {"LABEL_NOT_IN_SCOPE"})


@pytest.mark.parametrize(
    ("first", "last", "dated", "inside"),
    [
        (date(2026, 3, 1), date(2026, 3, 31), date(2026, 3, 1), True),
        (date(2026, 3, 1), date(2026, 3, 31), date(2026, 3, 31), True),
        (date(2026, 3, 1), date(2026, 3, 31), date(2026, 2, 28), False),
        (date(2026, 3, 1), date(2026, 3, 31), date(2026, 4, 1), False),
        (date(2026, 3, 1), None, date(2030, 1, 1), True),
        (None, date(2026, 3, 31), date(1999, 1, 1), True),
        (date(2026, 3, 1), None, None, False),
        (None, date(2026, 3, 31), None, False),
        (None, None, None, True),
    ],
)
def test_both_ends_of_a_period_belong_to_it(
    first: date | None, last: date | None, dated: date | None, inside: bool
) -> None:
    record = consent(scope={"kinds": ["attendance"], "labels": "all", "from": first, "to": last})
    assert ask(record, LAWYER, replace(ATTENDANCE, dated_on=dated)).date_in_scope is inside


@pytest.mark.parametrize("kind", ["counseling_note", "psychotherapy_note"])
@pytest.mark.parametrize("kinds", ["all", ["all"], ["counseling_note"], ["psychotherapy_note", "attendance"]])
def test_no_scope_reaches_separate_notes(kind: str, kinds: Any) -> None:
    record = consent("C_TPO", scope={"kinds": kinds, "labels": "all"})
    found = ask(record, CLINIC, Item(kind, "ordinary", frozenset({"SUD"}), None, "U1"))
    assert not found.kind_in_scope
    assert not found.covers


def test_every_unit_is_covered_when_the_whole_program_may_disclose() -> None:
    record = consent(disclosers=["*"])
    for unit in ("U1", "U2"):
        assert ask(record, LAWYER, replace(ATTENDANCE, unit=unit)).covers


# ---- facts for the policies

_CONSENT_FACTS = {
    field.name
    for field in fields(ReleaseFacts)
    if field.name.startswith("consent_")
    or field.name.endswith(("_in_scope", "_covered", "_named", "_in_class"))
} | {"purpose_matches", "scope_combines_notes", "purpose_combines_legal"}
#: Set only where an intermediary is on the way; tested by themselves.
_CONSENT_FACTS -= {"participant_designated"}


def _set(facts: ReleaseFacts) -> dict[str, Any]:
    return {name: getattr(facts, name) for name in _CONSENT_FACTS}


def test_a_good_consent_gives_only_favourable_facts() -> None:
    facts = with_consent(ReleaseFacts(), ask(consent(), LAWYER, ATTENDANCE))
    unfavourable = {
        "consent_expired",
        "consent_expiry_unknown",
        "consent_false",
        "consent_doubted",
        "consent_revoked",
        "scope_combines_notes",
        "purpose_combines_legal",
        "intermediary_named",
        "participant_named",
    }
    assert {n: v for n, v in _set(facts).items() if n in unfavourable} == dict.fromkeys(unfavourable, False)
    assert facts.consent_kind == "specific"
    assert facts.consent_signer == "patient"
    words = {"consent_kind", "consent_signer", "recipient_in_class"}
    rest = {n: v for n, v in _set(facts).items() if n not in unfavourable | words}
    assert rest == dict.fromkeys(rest, True)


def test_the_request_and_item_facts_are_left_alone() -> None:
    before = ReleaseFacts(purpose_class="other", kind="attendance", regime="part2", recipient_known=True)
    after = with_consent(before, ask(consent(), LAWYER, ATTENDANCE))
    untouched = {field.name for field in fields(ReleaseFacts)} - _CONSENT_FACTS
    assert {n: getattr(after, n) for n in untouched} == {n: getattr(before, n) for n in untouched}


@pytest.mark.parametrize(
    ("record", "fact", "value"),
    [
        (consent(state=ConsentState.REVOKED), "consent_revoked", True),
        (consent(state=ConsentState.REVOKED), "consent_state_active", False),
        (consent(state=ConsentState.DRAFT), "consent_signed", False),
        (consent(state=ConsentState.DRAFT), "consent_complete", False),
        (consent(state=ConsentState.DRAFT), "consent_text_intact", False),
        (consent(state=ConsentState.EXPIRED), "consent_expired", True),
        (consent(expiry={"kind": "date", "date": date(2026, 5, 31)}), "consent_expired", True),
        (consent(expiry=None), "consent_expired", True),
        (consent(expiry={"kind": "event", "event": "unheard of"}), "consent_expired", False),
        (consent(expiry={"kind": "event", "event": "unheard of"}), "consent_expiry_unknown", True),
        (consent(rulings=["doubted"]), "consent_doubted", True),
        (consent(rulings=["false"]), "consent_false", True),
        (consent(rulings=["false", "cleared"]), "consent_false", False),
        (consent(signer="personal_representative"), "consent_signer", "personal_representative"),
        (consent(signer="guardian"), "consent_signer", "personal_representative"),
        (consent(signer=["patient", "parent"]), "consent_signer", "patient_and_parent"),
        (consent(signer=["patient", "parent", "guardian"]), "consent_signer", "patient_and_parent"),
        (
            consent(signer=["guardian", "personal_representative"]),
            "consent_signer",
            "personal_representative",
        ),
        (consent(signer="program_director"), "consent_signer", "program_director"),
        (consent(signer="parent"), "consent_signer", ""),
        (consent(signer=["patient", "program_director"]), "consent_signer", ""),
        (consent(signer="neighbour"), "consent_signer", ""),
        (consent(statements=["revocation"]), "consent_complete", False),
        (consent(signed_text="other"), "consent_text_intact", False),
        (consent(signer=None), "consent_signed", False),
        (consent(signed_on=None), "consent_date_ok", False),
        (consent(signed_on=date(2026, 6, 2)), "consent_date_ok", False),
        (consent(active_from=NOW + timedelta(seconds=1)), "consent_effective", False),
        (
            consent(scope={"kinds": ["attendance", "counseling_note"], "labels": "all"}),
            "scope_combines_notes",
            True,
        ),
        (consent(purposes=["HOUSING", "HLEGAL"]), "purpose_combines_legal", True),
    ],
)
def test_what_is_wrong_with_a_consent_becomes_its_fact(
    record: ConsentRecord, fact: str, value: object
) -> None:
    assert getattr(with_consent(ReleaseFacts(), ask(record, LAWYER, ATTENDANCE)), fact) == value


def test_another_patients_consent_contributes_nothing() -> None:
    request = replace(LAWYER, patient_id=known_as("another patient"))
    assert with_consent(ReleaseFacts(), ask(consent(), request, ATTENDANCE)) == ReleaseFacts()


# ---- intermediaries (2.31(a)(4)(ii))

EXCHANGE, PINE = known_as("Valley HIE"), known_as("Pine Ortho")
THROUGH = Request(PATIENT, PINE, frozenset(), "TREAT", via=EXCHANGE)
BY_NAME = [{"name": "Valley HIE", "type": "intermediary", "participants": ["Pine Ortho"]}]


@pytest.mark.parametrize(
    ("recipients", "request_change", "expected", "why"),
    [
        (None, {}, (True, False, True), set[str]()),
        (BY_NAME, {}, (True, True, False), set[str]()),
        (BY_NAME, {"recipient_id": known_as("Oak Ortho")}, (True, False, False), {"NOT_A_PARTICIPANT"}),
        (BY_NAME, {"via": known_as("Other HIE")}, (False, False, False), {"INTERMEDIARY_NOT_NAMED"}),
        (BY_NAME, {"via": None}, (False, False, False), {"RECIPIENT_NOT_NAMED"}),
        (BY_NAME, {"via": None, "recipient_id": EXCHANGE}, (False, False, False), set[str]()),
    ],
    ids=["designated", "named", "not a member", "another exchange", "directly", "the exchange itself"],
)
def test_participants_are_reached_through_the_intermediary_that_is_named(
    recipients: Any, request_change: dict[str, Any], expected: tuple[bool, bool, bool], why: set[str]
) -> None:
    record = consent("C_INT", **({} if recipients is None else {"recipients": recipients}))
    found = ask(record, replace(THROUGH, **request_change), MEDICATION)
    facts = with_consent(ReleaseFacts(), found)
    assert (facts.intermediary_named, facts.participant_named, facts.participant_designated) == expected
    assert codes(found) == why


@pytest.mark.parametrize("gone", [EXCHANGE, PINE], ids=["the exchange", "the participant"])
def test_revoking_the_exchange_or_its_participant_closes_the_way(gone: Any) -> None:
    record = consent("C_INT", recipients=[*BY_NAME, {"name": "Another"}])
    partly = replace(record, revocations=(Revocation(NOW, NOW, "oral", "patient", frozenset({gone})),))
    assert with_consent(ReleaseFacts(), ask(partly, THROUGH, MEDICATION)).consent_revoked
    assert not with_consent(ReleaseFacts(), ask(record, THROUGH, MEDICATION)).consent_revoked


# ---- separate notes

NOTE = Item("counseling_note", "sud_counseling_note", frozenset({"SUD"}), date(2026, 3, 2), "U1")
PSY = Item("psychotherapy_note", "psychotherapy_note", frozenset({"PSY"}), date(2026, 3, 2), "U2")
ELM = replace(CLINIC, relationships=frozenset())


@pytest.mark.parametrize(
    ("base", "purpose", "item", "inside"),
    [
        ("C_SCN", "HOUSING", NOTE, True),
        ("C_SCN", "HOUSING", replace(PSY, unit="U1"), False),
        ("C_SCN", "HOUSING", ATTENDANCE, False),
        ("C_SCN", "HOUSING", replace(NOTE, note_class="ordinary"), False),
        ("C_PSY", "PATRQT", PSY, True),
        ("C_PSY", "PATRQT", replace(NOTE, unit="U2"), False),
        ("C_PSY", "PATRQT", replace(ATTENDANCE, unit="U2"), False),
    ],
)
def test_session_notes_are_reached_by_the_consent_of_their_kind(
    base: str, purpose: str, item: Item, inside: bool
) -> None:
    found = ask(consent(base), replace(ELM, purpose=purpose), item)
    assert found.kind_in_scope is inside
    assert found.covers is inside


@pytest.mark.parametrize("base", ["C_SCN", "C_PSY"])
@pytest.mark.parametrize("item", [NOTE, PSY, ATTENDANCE])
def test_all_reaches_no_session_note_even_in_their_own_consent(base: str, item: Item) -> None:
    record = consent(base, scope={"kinds": "all", "labels": "all"})
    assert not ask(record, replace(ELM, purpose="HOUSING"), item).kind_in_scope


# ---- fundraising


def test_who_declined_fundraising_is_not_asked() -> None:
    record = consent("C_FUND")
    ask_for = Request(PATIENT, known_as("Harbor Foundation"), frozenset(), "FUNDRAISE")
    item = replace(ATTENDANCE, kind="demographics")

    def revoked(request: Request, *events: tuple[str, date]) -> bool:
        today = replace(TODAY, events=frozenset(events))
        return with_consent(ReleaseFacts(), match(stands(record, today), request, item)).consent_revoked

    assert not revoked(ask_for)
    assert revoked(replace(ask_for, opted_out=True))
    assert revoked(ask_for, ("fundraising_opt_out", date(2026, 2, 1)))
    assert not revoked(ask_for, ("fundraising_opt_out", date(2026, 1, 31)))
    other = with_consent(ReleaseFacts(), ask(consent(), replace(LAWYER, opted_out=True), ATTENDANCE))
    assert not other.consent_revoked


# ---- what is dear is done once, and only where it could matter


class Counted:
    """How often a consent was rendered and hashed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.times = 0

        def counting(terms: Any, text: Any) -> str:
            self.times += 1
            return rendered_hash(terms, text)

        monkeypatch.setattr(validity, "rendered_hash", counting)


def test_a_consent_that_cannot_permit_is_not_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(monkeypatch)
    for record, request, item in (
        (consent(), replace(LAWYER, purpose="EMPLOYMENT"), ATTENDANCE),
        (consent(), replace(LAWYER, recipient_id=known_as("Somebody Else")), ATTENDANCE),
        (consent(), LAWYER, MEDICATION),
        (consent(), LAWYER, replace(ATTENDANCE, unit="U2")),
        (consent(state=ConsentState.REVOKED), LAWYER, ATTENDANCE),
        (consent(expiry={"kind": "date", "date": date(2026, 5, 1)}), LAWYER, ATTENDANCE),
        (consent(rulings=["false"]), LAWYER, ATTENDANCE),
    ):
        facts = with_consent(ReleaseFacts(), ask(record, request, item))
        assert facts.consent_text_intact
        assert facts.consent_complete
    assert counted.times == 0


def test_a_consent_that_may_permit_is_rendered_once_for_all_items(monkeypatch: pytest.MonkeyPatch) -> None:
    counted, of = Counted(monkeypatch), stands(consent())
    for _ in range(5):
        assert with_consent(ReleaseFacts(), match(of, LAWYER, ATTENDANCE)).consent_text_intact
    assert counted.times == 1


@pytest.mark.parametrize("change", [{"rulings": ["doubted"]}, {"expiry": {"kind": "event", "event": "rain"}}])
def test_what_a_person_may_still_settle_is_examined(change: dict[str, Any]) -> None:
    """Needs review only if nothing else is wrong: so everything else has to be known."""
    facts = with_consent(ReleaseFacts(), ask(consent(signed_text="other", **change), LAWYER, ATTENDANCE))
    assert not facts.consent_text_intact


@given(
    record=st.sampled_from(
        [consent(), consent("C_TPO"), consent(state=ConsentState.REVOKED), consent(purposes=[])]
    ),
    request=st.builds(
        Request,
        patient_id=st.sampled_from([PATIENT, known_as("another")]),
        recipient_id=st.sampled_from([LAWYER.recipient_id, CLINIC.recipient_id]),
        relationships=st.frozensets(st.sampled_from(["treating", "staff"])),
        purpose=st.sampled_from(["HOUSING", "TREAT", None]),
    ),
    item=st.builds(
        Item,
        kind=st.sampled_from(["attendance", "lab_result", "counseling_note"]),
        note_class=st.sampled_from(["ordinary", "sud_counseling_note"]),
        labels=st.frozensets(st.sampled_from(["SUD", "HIV"])),
        dated_on=st.just(date(2026, 3, 2)),
        unit=st.sampled_from(["U1", "U2"]),
    ),
)
def test_there_is_a_reason_exactly_when_it_is_not_covered(
    record: ConsentRecord, request: Request, item: Item
) -> None:
    found = ask(record, request, item)
    assert found.covers is (codes(found) == set())
