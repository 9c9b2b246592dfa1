"""Unknown codes, missing facts and failing policies open nothing; what needs a person grants nothing."""

import inspect
from dataclasses import MISSING, fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.access.decision import Decision
from service.access.facts import ReleaseFacts
from service.access.purposes import Purpose, PurposeClass
from service.consent.model import ConsentState
from service.disclosure.decide import Effect
from service.disclosure.requesting import no_authorized_records
from service.disclosure.situation import Situation
from service.record.item import Kind, NoteClass, note_class_of
from tests.oracle import consenting, world
from tests.oracle.consenting import Plan, named
from tests.oracle.parts_of_scenarios import an_item, asked, who
from tests.oracle.strategies import situations
from tests.oracle.words import PURPOSES
from tests.properties.asking import ASK, decided, few_cases, more_cases, reach, with_facts

DEFAULTS: dict[str, Any] = {each.name: each.default for each in fields(ReleaseFacts)}

#: HL7 v3 ActReason, purposes of use: child -> its parents there. In law nothing follows from it.
HL7_UNDER: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("CLINTRL", "COC", "ETREAT", "POPHLTH", "ERTREAT", "BTG", "CLINTRCH"), ("TREAT", "ETREAT")
    ),
    **dict.fromkeys(
        ("CAREMGT", "DONAT", "FRAUD", "GOV", "HACCRED", "HCOMPL", "HDECD", "HDIRECT"), ("HOPERAT",)
    ),
    **dict.fromkeys(
        ("HDM", "HLEGAL", "HOUTCOMS", "HPRGRP", "HQUALIMP", "HSYSADMIN", "LABELING"), ("HOPERAT",)
    ),
    **dict.fromkeys(("METAMGT", "MEMADMIN", "MILCDM", "PATADMIN", "PATSFTY", "PERFMSR"), ("HOPERAT",)),
    **dict.fromkeys(
        ("RECORDMGT", "SYSDEV", "HTEST", "TRAIN", "FAMRQT", "PWATRNY", "SUPNWK"), ("HOPERAT", "PATRQT")
    ),
    **dict.fromkeys(("CLMATTCH", "COVAUTH", "COVERAGE", "ELIGDTRM", "ELIGVER", "ENROLLM"), ("HPAYMT",)),
    **dict.fromkeys(("MILDCRG", "REMITADV", "PMTDS"), ("HPAYMT",)),
    **dict.fromkeys(("BIORCH", "CLINTRCH", "CLINTRCHNPC", "CLINTRCHPC", "PRECLINTRCH", "DSRCH"), ("HRESCH",)),
    **dict.fromkeys(("POARCH", "TRANSRCH"), ("HRESCH",)),
    **dict.fromkeys(("DISASTER", "THREAT"), ("PUBHLTH",)),
}


def test_every_fact_has_an_unfavourable_default() -> None:
    assert MISSING not in DEFAULTS.values()
    assert not ASK(ReleaseFacts()).permitted


@pytest.mark.parametrize("fact", sorted(DEFAULTS))
@given(situation=situations())
@few_cases
def test_a_missing_fact_opens_nothing(fact: str, situation: Situation) -> None:
    """Whatever else is established: a fact that nobody established is never what opens."""
    forgotten = with_facts(lambda facts: replace(facts, **{fact: DEFAULTS[fact]}))
    assert reach(situation, forgotten) <= reach(situation)


@given(situation=situations(), failing=st.integers(0, 5))
@more_cases
def test_a_policy_that_errs_opens_nothing(situation: Situation, failing: int) -> None:
    questions = 0

    def ask(facts: ReleaseFacts) -> Decision:
        nonlocal questions
        questions += 1
        return Decision(permitted=False, failed=True) if questions % 6 >= failing else ASK(facts)

    assert {item.id for item in decided(situation, ask).granted} <= reach(situation)
    always = decided(situation, lambda facts: Decision(permitted=False, failed=True))
    assert (always.effect, always.granted) == (Effect.DENY, ())


@given(situation=situations())
@more_cases
def test_what_is_not_granted_carries_nothing(situation: Situation) -> None:
    """Refused or for a person: no item, no basis, no duty, no accounting. Granted: exactly those items."""
    decision = decided(situation)
    permitted = [ruling.item for ruling in decision.rulings if ruling.permitted]
    assert list(decision.granted) == permitted
    if decision.effect in {Effect.DENY, Effect.NEEDS_REVIEW}:
        assert (decision.granted, decision.obligations) == ((), ())
        assert decision.basis is None
        assert decision.accounting is None
    else:
        assert decision.granted
        assert decision.basis is not None


def test_an_outsiders_refusal_has_nothing_to_vary_by() -> None:
    """2.13(c): the refusal is made from nothing, so no reason can show in it."""
    assert not inspect.signature(no_authorized_records).parameters
    one, other = no_authorized_records(), no_authorized_records()
    assert (type(one), one.args, str(one), vars(one)) == (type(other), other.args, str(other), vars(other))


def test_codes_of_hl7_that_are_not_in_the_table_are_nothing() -> None:
    """No code is read by what it is under; the two schemes differ in more than one place."""
    unlisted = [code for code in HL7_UNDER if code not in PURPOSES.by_code]
    assert len(unlisted) > 20
    assert all(PURPOSES.find(code) is None for code in unlisted)
    assert PURPOSES.by_code["HLEGAL"].legal_class is PurposeClass.LEGAL
    assert PURPOSES.by_code["CLINTRL"].legal_class is PurposeClass.RESEARCH


#: The codes that name a class of 45 CFR 164.501 as a whole; what is in the class says the table, not HL7.
NAMES_A_CLASS = {
    "TREAT": PurposeClass.TREATMENT,
    "HPAYMT": PurposeClass.PAYMENT,
    "HOPERAT": PurposeClass.OPERATIONS,
}
PAIRS = [(child, parent) for child, parents in HL7_UNDER.items() for parent in parents if child != parent]


@pytest.mark.parametrize(("child", "parent"), PAIRS)
def test_what_is_under_a_purpose_in_hl7_is_not_under_it_in_law(child: str, parent: str) -> None:
    """A consent for the parent is one for the child only where the table says so: never HLEGAL under HOPERAT, CLINTRL or
    POPHLTH under TREAT, THREAT under PUBHLTH.
    """
    listed = PURPOSES.by_code.get(child)
    purpose = listed or Purpose(child, child, PurposeClass.OTHER, frozenset(), None, proceedings=False)
    everybody = who("part2_program", ce=True, relationships=frozenset({"treating"}))
    kinds = (kind for kind in Kind if note_class_of(kind) is NoteClass.ORDINARY)
    items = tuple(an_item(kind.value, "U3", number) for number, kind in enumerate(kinds))
    question = replace(asked("TREAT", *items, to=everybody), purpose=purpose)
    drafted = consenting.terms("specific", (named(world.RECIPIENT),), (parent,))
    consent = Plan(drafted, question.today, world.local_day(question.today)).record()
    granted = decided(replace(question, consents=(consent,))).granted
    named_class = NAMES_A_CLASS.get(parent)
    # TRAIN is of the class as well, and can need nothing
    in_class = (
        named_class is not None and purpose.legal_class is named_class and purpose.ceiling != frozenset()
    )
    assert bool(granted) is in_class


def test_one_consent_for_tpo_opens_no_legal_purpose() -> None:
    drafted = consenting.terms("tpo", (named(world.RECIPIENT, ce=True),), ("TPO",))
    base = asked("HOPERAT", an_item("attendance"), to=who(ce=True))
    given_ = replace(Plan(drafted, base.today, world.local_day(base.today)), state=ConsentState.ACTIVE)
    assert decided(replace(base, consents=(given_.record(),))).granted
    for code, purpose in PURPOSES.by_code.items():
        question = replace(base, consents=(given_.record(),), purpose=purpose)
        if not purpose.legal_class.is_tpo:
            assert not decided(question).granted, code
