"""What may happen to a consent, and what must not come of it (42 CFR 2.31, 2.33)."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.consent.document import rendered_hash
from service.consent.model import (
    ConsentRecord,
    ConsentState,
    ConsentTerms,
    Recipient,
    Revocation,
    Scope,
    Statements,
)
from service.disclosure.situation import Situation
from service.people.recipient import RecipientType
from service.rights.restriction import Restriction, RestrictionState
from tests.oracle import world
from tests.oracle.breaking import STATEMENTS
from tests.oracle.strategies import situations
from tests.oracle.words import TEXTS
from tests.properties.asking import decided, more_cases, reach, some_cases

#: Each element of 2.31(a) taken out whole, the consent then signed in the words that are left.
WITHOUT: dict[str, ConsentTerms | dict[str, object]] = {
    "patient": {"patient_name": ""},
    "disclosers": {"disclosers": ()},
    "kinds": {"scope": Scope((), "all")},
    "labels": {"scope": Scope("all", ())},
    "recipients": {"recipients": ()},
    "purposes": {"purposes": ()},
    "expiry": {"expiry": None},
    "form": {"form": None},
    "proceeding": {"proceeding": None},
    "justice_condition": {"justice_condition": None},
    "revocable_after": {"revocable_after": None},
    "initiated_by": {"initiated_by": None},
}


def signed_again(record: ConsentRecord, terms: ConsentTerms) -> ConsentRecord:
    """The same consent in other words, intact if it was intact."""
    text = TEXTS.get(record.text_version)
    if text is None or record.text_sha256 != rendered_hash(record.terms, text):
        return replace(record, terms=terms)
    digest = rendered_hash(terms, text)
    signatures = tuple(
        replace(each, text_sha256=digest) if each.text_sha256 == record.text_sha256 else each
        for each in record.signatures
    )
    return replace(record, terms=terms, text_sha256=digest, signatures=signatures)


def alone(situation: Situation) -> Situation:
    """The situation with its first consent only, and no paper but what serves one."""
    assume(situation.consents)
    return replace(situation, consents=situation.consents[:1])


@pytest.mark.parametrize("element", sorted(WITHOUT))
@given(situation=situations())
@some_cases
def test_an_element_less_opens_nothing(element: str, situation: Situation) -> None:
    """2.31(c)(2)."""
    before = alone(situation)
    record = before.consents[0]
    change = WITHOUT[element]
    after = replace(before, consents=(signed_again(record, replace(record.terms, **change)),))  # type: ignore[arg-type]
    assert reach(after) <= reach(before)


@pytest.mark.parametrize("statement", STATEMENTS)
@given(situation=situations())
@some_cases
def test_a_statement_less_opens_nothing(statement: str, situation: Situation) -> None:
    """2.31(a)(4)(iii), (5)(iii), (6), (10)."""
    before = alone(situation)
    record = before.consents[0]
    statements: Statements = replace(record.terms.statements, **{statement: False})
    after = replace(before, consents=(signed_again(record, replace(record.terms, statements=statements)),))
    assert reach(after) <= reach(before)


@given(situation=situations())
@some_cases
def test_no_signature_opens_nothing(situation: Situation) -> None:
    """2.31(a)(8), (9)."""
    before = alone(situation)
    record = before.consents[0]
    undated = tuple(replace(each, signed_on=None) for each in record.signatures)
    for signatures in ((), record.signatures[:1], undated):
        after = replace(before, consents=(replace(record, signatures=signatures),))
        # a parent's name taken from beside the patient's leaves what the patient signed
        if len(signatures) != 1 or len(record.signatures) == 1:
            assert reach(after) <= reach(before)


@given(situation=situations(), newer=st.booleans(), tpo=st.booleans())
@more_cases
def test_an_unrelated_consent_cancels_nothing(situation: Situation, newer: bool, tpo: bool) -> None:
    """Each consent is judged by itself: one for somebody else, or something else, neither adds nor takes away."""
    assume(situation.consents)
    record = situation.consents[0]
    days = timedelta(days=1 if newer else -1)
    if tpo:
        stranger = Recipient(world.OTHER_VIA, RecipientType.ENTITY, "Oak Testclinic")
        terms = replace(record.terms, recipients=(stranger,))
    else:
        purpose = "EMPLOYMENT" if situation.purpose.code != "EMPLOYMENT" else "CHARITY"
        terms = replace(record.terms, purposes=(purpose,))
    unrelated = replace(
        signed_again(record, terms),
        consent_id=UUID(int=0x77),
        created_at=record.created_at + days,
        active_from=record.active_from and record.active_from + days,
    )
    for consents in ((*situation.consents, unrelated), (unrelated, *situation.consents)):
        before, after = decided(situation), decided(replace(situation, consents=consents))
        assert after.granted == before.granted
        assert after.basis == before.basis
        assert after.obligations == before.obligations


@given(situation=situations())
@more_cases
def test_revoking_never_widens(situation: Situation) -> None:
    """2.31(c)(3): as a whole, or for one recipient."""
    before = alone(situation)
    record = before.consents[0]
    whole = replace(record, state=ConsentState.REVOKED)
    assert reach(replace(before, consents=(whole,))) <= reach(before)
    assert len(decided(replace(before, consents=(whole,))).granted) <= len(decided(before).granted)
    for each in (world.RECIPIENT, world.VIA, world.CLASS, world.OTHER):
        moment = before.today.now
        revocation = Revocation(moment, moment, "written", "patient", frozenset({each}))
        after = replace(before, consents=(replace(record, revocations=(*record.revocations, revocation)),))
        assert reach(after) <= reach(before)
        if each == before.recipient.id:
            assert not decided(after).basis or decided(after).basis.consent_id is None  # type: ignore[union-attr]


@given(situation=situations(), everything=st.booleans())
@more_cases
def test_a_restriction_never_widens(situation: Situation, everything: bool) -> None:
    """2.26."""
    restriction = Restriction(
        id=UUID(int=0x52),
        patient_id=situation.patient.id,
        state=RestrictionState.AGREED,
        kinds="all" if everything else frozenset({situation.items[0].kind.value}),
        items=frozenset(),
        recipients="all",
        classes=frozenset({"treatment", "payment", "operations"}),
    )
    after = replace(situation, restrictions=(*situation.restrictions, restriction))
    assert reach(after) <= reach(situation)
    assert len(decided(after).granted) <= len(decided(situation).granted)


@given(situation=situations())
@more_cases
def test_nested_periods_are_all_honoured(situation: Situation) -> None:
    """The consent's term, the days its scope names: every one of them binds, however wide the others are."""
    before = alone(situation)
    record, today = before.consents[0], before.today
    items = before.items
    first = max(item.dated_on for item in items) + timedelta(days=1)
    last = min(item.dated_on for item in items) - timedelta(days=1)
    for scope in (
        replace(record.terms.scope, first_day=first, last_day=None),
        replace(record.terms.scope, first_day=None, last_day=last),
    ):
        narrowed = signed_again(record, replace(record.terms, scope=scope))
        basis = decided(replace(before, consents=(narrowed,))).basis
        assert basis is None or basis.consent_id is None
    not_yet = replace(record, active_from=today.now + timedelta(seconds=1))
    basis = decided(replace(before, consents=(not_yet,))).basis
    assert basis is None or basis.consent_id is None


@given(situation=situations())
@more_cases
def test_a_purpose_that_is_missing_never_matches(situation: Situation) -> None:
    """2.31(a)(5): neither the empty list nor a list without the purpose."""
    before = alone(situation)
    record = before.consents[0]
    asked = before.purpose
    # a consent that says treatment, payment or operations as such means every purpose of that class
    as_such = {"TREAT": "treatment", "HPAYMT": "payment", "HOPERAT": "operations"}
    others = tuple(
        code
        for code in record.terms.purposes
        if code not in {asked.code, "TPO"} and as_such.get(code) != asked.legal_class.value
    )
    for purposes in ((), others):
        after = replace(before, consents=(signed_again(record, replace(record.terms, purposes=purposes)),))
        basis = decided(after).basis
        assert basis is None or basis.consent_id is None
