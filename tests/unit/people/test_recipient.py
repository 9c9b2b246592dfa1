"""Recipients: what can be registered, which description means whom, who belongs to a class."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import Invalid
from service.people import recipient
from service.people.recipient import (
    CLASS_NAMES,
    CLASS_RELATIONSHIPS,
    PEOPLE_OF,
    Party,
    Recipient,
    RecipientClass,
    RecipientRole,
    RecipientType,
    RelationshipKind,
)

NPI = "1234567893"
CLINIC = Recipient(
    id=UUID(int=1),
    type=RecipientType.ENTITY,
    name="Elm Clinic",
    npi=NPI,
    recipient_class=None,
    covered_entity=True,
    business_associate=False,
    address=None,
    phone=None,
    state="active",
    version=1,
)


def test_the_npi_of_the_standard_is_one() -> None:
    assert recipient.is_npi(NPI)
    assert recipient.is_npi("1245319599")


@pytest.mark.parametrize(
    "number", ["", "123456789", "12345678931", "１２３４５６７８９３", "12345 6789", "1234567893\n"]
)
def test_what_is_not_ten_digits_is_no_npi(number: str) -> None:
    assert not recipient.is_npi(number)


@given(position=st.integers(0, 9), digit=st.integers(1, 9))
def test_one_wrong_digit_is_noticed(position: int, digit: int) -> None:
    wrong = (int(NPI[position]) + digit) % 10
    assert not recipient.is_npi(f"{NPI[:position]}{wrong}{NPI[position + 1 :]}")


def test_a_class_needs_a_code_and_everybody_else_a_name() -> None:
    recipient.check(Party(RecipientType.CLASS, recipient_class=RecipientClass.TPO))
    recipient.check(Party(RecipientType.PERSON, "Lee Attorney"))
    for party, fields in (
        (Party(RecipientType.CLASS, "My doctors"), ["class"]),
        (Party(RecipientType.PERSON), ["name"]),
        (Party(RecipientType.ENTITY, " ", npi="1"), ["name", "npi"]),
        (Party(RecipientType.ENTITY, "A", recipient_class=RecipientClass.TPO), ["class"]),
    ):
        with pytest.raises(Invalid) as refusal:
            recipient.check(party, "recipients[2].")
        assert [error.field for error in refusal.value.errors] == [f"recipients[2].{name}" for name in fields]


def test_every_class_has_a_name_and_its_relationships() -> None:
    assert set(CLASS_NAMES) == set(CLASS_RELATIONSHIPS) == set(RecipientClass)
    assert Party(RecipientType.CLASS, recipient_class=RecipientClass.TPO).display_name == CLASS_NAMES["tpo"]


def test_staff_of_the_program_are_in_no_class_of_recipients() -> None:
    for of_class in RecipientClass:
        assert not recipient.in_class(frozenset({RelationshipKind.STAFF}), of_class)
        assert not recipient.in_class(frozenset(), of_class)


@given(st.frozensets(st.sampled_from(RelationshipKind)))
def test_the_tpo_class_is_the_other_classes_together(kinds: frozenset[RelationshipKind]) -> None:
    others = set(RecipientClass) - {RecipientClass.TPO}
    assert recipient.in_class(kinds, RecipientClass.TPO) == any(
        recipient.in_class(kinds, of_class) for of_class in others
    )


def test_each_relationship_makes_a_member_of_one_class_besides_tpo() -> None:
    nobody = {RelationshipKind.STAFF, *PEOPLE_OF}
    for kind in RelationshipKind:
        member_of = [c for c in RecipientClass if recipient.in_class(frozenset({kind}), c)]
        assert len(member_of) == (0 if kind in nobody else 2)


R = RecipientRole

ROLES_NOBODY_HAS: list[tuple[Party, str]] = [
    (Party(RecipientType.CLASS, recipient_class=RecipientClass.TPO, roles=frozenset({R.COURT})), "roles"),
    (Party(RecipientType.ENTITY, "A", roles=frozenset({R.HEALTH_PLAN, R.THIRD_PARTY_PAYER})), "roles"),
    (
        Party(RecipientType.ENTITY, "A", covered_entity=False, roles=frozenset({R.HEALTH_PLAN})),
        "covered_entity",
    ),
    (Party(RecipientType.INTERMEDIARY, "A", roles=frozenset({R.PATIENT})), "roles"),
]


@pytest.mark.parametrize(("party", "field"), ROLES_NOBODY_HAS, ids=["class", "payer", "plan", "intermediary"])
def test_a_role_fits_what_else_is_said(party: Party, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        recipient.check(party)
    assert [error.field for error in refusal.value.errors] == [field]


@given(
    st.frozensets(st.sampled_from(RecipientRole)), st.none() | st.frozensets(st.sampled_from(RecipientRole))
)
def test_a_description_claims_no_role_that_the_register_does_not_have(
    registered: frozenset[RecipientRole], claimed: frozenset[RecipientRole] | None
) -> None:
    known = replace(CLINIC, roles=registered)
    party = Party(RecipientType.ENTITY, "Elm Clinic", roles=claimed)
    agrees = claimed is None or all(role in registered for role in claimed)
    assert recipient.conflict(party, known) == (None if agrees else "roles")


def test_a_description_that_says_less_does_not_contradict() -> None:
    assert recipient.conflict(Party(RecipientType.ENTITY, "ELM  clinic."), CLINIC) is None
    assert (
        recipient.conflict(Party(RecipientType.ENTITY, "Elm Clinic", NPI, None, True, False), CLINIC) is None
    )


@pytest.mark.parametrize(
    ("party", "field"),
    [
        (Party(RecipientType.ENTITY, "Oak Clinic"), "name"),
        (Party(RecipientType.ENTITY, "Elm Clinic", npi="1245319599"), "npi"),
        (Party(RecipientType.ENTITY, "Elm Clinic", covered_entity=False), "covered_entity"),
        (Party(RecipientType.ENTITY, "Elm Clinic", business_associate=True), "business_associate"),
    ],
)
def test_a_description_that_says_otherwise_contradicts(party: Party, field: str) -> None:
    assert recipient.conflict(party, CLINIC) == field


def test_a_description_may_bring_the_npi_the_register_lacks() -> None:
    party = Party(RecipientType.ENTITY, "Elm Clinic", npi=NPI)
    assert recipient.conflict(party, replace(CLINIC, npi=None)) is None


@given(
    start=st.dates(date(2000, 1, 1), date(2050, 1, 1)),
    length=st.none() | st.integers(0, 400),
    at=st.integers(-9, 410),
)
def test_a_relationship_holds_from_its_first_to_its_last_day(
    start: date, length: int | None, at: int
) -> None:
    end = None if length is None else start + timedelta(days=length)
    holds = at >= 0 and (length is None or at <= length)
    assert recipient.in_force(start, end, start + timedelta(days=at)) == holds
