"""Who signs (2.31(a)(8), 2.14, 2.15): the patient's standing at law, the law of the state, and every set of signers."""

from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.consent.model import SignerRole
from service.consent.signers import Authority, required_signers, signer_faults
from service.errors import StartRefused
from service.people.at_law import PatientAtLaw, at_law, years
from service.people.patient import Event
from service.people.state_rules import StateRule, StateRules, may_sign_alone, read_state_rules
from tests.unit.consent.cases import PATIENT, authority_of, consent

ROLES = [role.value for role in SignerRole]
TODAY = date(2026, 6, 1)
FILE = Path(__file__).parents[3] / "policies/state_rules.yaml"
SHIPPED = read_state_rules(FILE.read_text(encoding="utf-8"))


# ---- the patient


@pytest.mark.parametrize(
    ("born", "on", "expected"),
    [
        (date(2008, 6, 1), date(2026, 6, 1), 18),
        (date(2008, 6, 2), date(2026, 6, 1), 17),
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
    ],
)
def test_a_year_is_completed_on_the_birthday(born: date, on: date, expected: int) -> None:
    assert years(born, on) == expected


def standing(born: date | None = date(1990, 1, 2), *events: tuple[Event, date]) -> PatientAtLaw:
    return at_law(PATIENT, born, [(kind.value, day) for kind, day in events], None, TODAY)


def test_nobody_is_of_age_without_a_birth_date() -> None:
    assert standing(None) == PatientAtLaw(id=PATIENT, age=None, minor=None)


def test_emancipation_ends_minority_and_the_state_may_set_another_age() -> None:
    young = date(2008, 6, 2)
    assert standing(young).minor is True
    assert standing(young, (Event.EMANCIPATION, TODAY)).minor is False
    later = SHIPPED.rows["NY", "sud_outpatient"][0].model_copy(update={"age_of_majority": 21})
    assert at_law(PATIENT, date(2006, 1, 1), [], later, TODAY).minor is True


@pytest.mark.parametrize(
    ("events", "adjudicated"),
    [
        ([(Event.INCAPACITY_ADJUDICATED, date(2026, 1, 1))], True),
        (
            [
                (Event.INCAPACITY_ADJUDICATED, date(2026, 1, 1)),
                (Event.CAPACITY_RESTORED, date(2026, 2, 1)),
            ],
            False,
        ),
        (
            [
                (Event.CAPACITY_RESTORED, date(2026, 1, 1)),
                (Event.INCAPACITY_ADJUDICATED, date(2026, 2, 1)),
            ],
            True,
        ),
        ([(Event.INCAPACITY_ADJUDICATED, TODAY), (Event.CAPACITY_RESTORED, TODAY)], True),
        ([(Event.INCAPACITY_ADJUDICATED, date(2026, 6, 2))], False),
    ],
    ids=["lost", "restored", "lost again", "both on one day", "to come"],
)
def test_capacity_is_what_was_found_last(events: list[tuple[Event, date]], adjudicated: bool) -> None:
    assert standing(date(1990, 1, 2), *events).adjudicated is adjudicated


def test_death_and_declined_fundraising_are_known() -> None:
    dead = standing(date(1990, 1, 2), (Event.DEATH, date(2026, 5, 1)), (Event.FUNDRAISING_OPT_OUT, TODAY))
    assert dead.deceased_on == date(2026, 5, 1)
    assert dead.fundraising_opt_out
    assert standing().deceased_on is None


# ---- the law of the state


def test_the_rules_that_ship_say_where_they_are_from_and_how_sure_we_are() -> None:
    states = {state for state, _ in SHIPPED.rows}
    assert {"NY", "CA", "TX", "FL", "WA"} <= states
    for rows in SHIPPED.rows.values():
        for row in rows:
            assert row.conf == "unsure" or "memory" not in row.source
            assert may_sign_alone(row, 17) is not row.parental_consent_required


def test_the_rule_of_the_day_is_the_newest_that_had_begun() -> None:
    text = "\n".join(
        ["rules:"]
        + [
            f"  - {{state: NY, service: sud_outpatient, age_of_majority: 18, minor_may_self_consent_from: {age},"
            f" parental_consent_required: false, effective_from: {day}, source: made up, conf: policy}}"
            for age, day in ((14, "2020-01-01"), (12, "2024-01-01"))
        ]
    )
    rules = read_state_rules(text)
    ages = [
        None if (row := rules.on("NY", day)) is None else row.minor_may_self_consent_from
        for day in (date(2019, 12, 31), date(2020, 1, 1), date(2023, 12, 31), date(2024, 1, 1))
    ]
    assert ages == [None, 14, 14, 12]
    assert rules.on("ZZ", TODAY) is None


@pytest.mark.parametrize(
    "text",
    [
        "rules: [",
        "rules: [{state: New York}]",
        "other: 1",
        "rules: [{state: NY, service: s, age_of_majority: 18, minor_may_self_consent_from: 12,"
        " parental_consent_required: false, effective_from: 2020-01-01, source: abc, conf: sure}]",
    ],
)
def test_a_table_nobody_can_read_stops_the_start(text: str) -> None:
    with pytest.raises(StartRefused):
        read_state_rules(text)


def test_two_rows_of_one_day_stop_the_start() -> None:
    row = FILE.read_text(encoding="utf-8").splitlines()[-1]
    with pytest.raises(StartRefused):
        read_state_rules(f"rules:\n{row}\n{row}")


# ---- every set of signers

_RELATED = {
    "parent": "Pat Testperson",
    "guardian": "Pat Testperson",
    "personal_representative": "Pat Testperson",
}
_PERSONS: dict[str, dict[str, Any]] = {
    "adult": {},
    "adult adjudicated": {"patient": {"age": 70, "adjudicated": True}},
    "deceased": {"patient": {"age": 70, "deceased_on": TODAY}},
    "minor alone": {
        "patient": {"age": 15},
        "state_rule": {"minor_may_self_consent_from": 12, "parental_consent_required": False},
    },
    "minor and parent": {"patient": {"age": 15}, "state_rule": {}},
    "minor, law not known": {"patient": {"age": 15}},
    "age not known": {"patient": {"age": None}},
    "emancipated": {"patient": {"age": 15, "emancipated": True}},
}
#: Written out a second time on purpose: the sets of signers that are right for each.
_RIGHT: dict[str, set[frozenset[str]]] = {
    "adult": {frozenset({"patient"})},
    "adult adjudicated": {
        frozenset({"personal_representative"}),
        frozenset({"guardian"}),
        frozenset({"personal_representative", "guardian"}),
    },
    "minor alone": {frozenset({"patient"})},
    "minor and parent": {
        frozenset({"patient", "parent"}),
        frozenset({"patient", "guardian"}),
        frozenset({"patient", "parent", "guardian"}),
    },
    "age not known": set(),
    "emancipated": {frozenset({"patient"})},
}
_RIGHT["deceased"] = {frozenset({"personal_representative"})}
_RIGHT["minor, law not known"] = _RIGHT["minor and parent"]

_SETS = [frozenset(chosen) for size in (1, 2, 3) for chosen in combinations(ROLES, size)]


def faults(
    by: Authority, roles: frozenset[str], base: str = "C_SPEC", *, payment: bool = False
) -> frozenset[str]:
    record = consent(base, signer=sorted(roles), authority="papers")
    return signer_faults(record.terms, record.signatures, by, payment_only=payment)


@pytest.mark.parametrize("who", sorted(_PERSONS))
@pytest.mark.parametrize("roles", _SETS, ids=["+".join(sorted(s)) for s in _SETS])
def test_exactly_the_right_signers_put_a_consent_in_force(who: str, roles: frozenset[str]) -> None:
    by = authority_of(_PERSONS[who] | {"related": _RELATED})
    assert (not faults(by, roles)) is (roles in _RIGHT[who])


@pytest.mark.parametrize("who", sorted(_PERSONS))
@pytest.mark.parametrize("roles", _SETS, ids=["+".join(sorted(s)) for s in _SETS])
def test_without_an_authority_on_record_only_patients_sign(who: str, roles: frozenset[str]) -> None:
    if not faults(authority_of(_PERSONS[who]), roles):
        assert roles == {"patient"}


def test_the_director_signs_for_payment_alone() -> None:
    director = authority_of({"director": True})
    alone = frozenset({"program_director"})
    assert not faults(director, alone, "C_PAYER", payment=True)
    assert faults(director, alone, "C_PAYER") == {"C-SIGNER-DIRECTOR-PAYMENT-ONLY"}
    assert faults(director, alone, payment=True) == {"C-SIGNER-DIRECTOR-PAYMENT-ONLY"}
    assert faults(authority_of({}), alone, "C_PAYER", payment=True) == {"C-SIGNER"}
    both = frozenset({"program_director", "patient"})
    assert faults(director, both, "C_PAYER", payment=True) == {"C-SIGNER"}


@pytest.mark.parametrize("who", sorted(set(_PERSONS) - {"age not known"}))
def test_what_is_asked_for_is_what_suffices(who: str) -> None:
    by = authority_of(_PERSONS[who] | {"related": _RELATED})
    wanted = {"parent" if one == "parent_or_guardian" else one for one in required_signers(by)}
    assert frozenset(wanted) in _RIGHT[who]


@given(
    st.integers(10, 25),
    st.sampled_from([None, *range(10, 20)]),
    st.booleans(),
    st.sets(st.sampled_from(ROLES), min_size=1),
)
def test_a_parent_alone_never_signs_for_a_minor(
    age: int, alone_from: int | None, parental: bool, roles: set[str]
) -> None:
    rule = StateRule(
        state="ZZ",
        service="sud_outpatient",
        age_of_majority=18,
        minor_may_self_consent_from=alone_from,
        parental_consent_required=parental,
        effective_from=date(2020, 1, 1),
        source="made up",
        conf="policy",
    )
    by = Authority(
        patient=PatientAtLaw(id=UUID(int=1), age=age, minor=age < 18),
        rule=rule,
        related=frozenset((kind, "pat testperson") for kind in _RELATED),
    )
    if age < 18 and not faults(by, frozenset(roles)):
        assert "patient" in roles


def test_no_rules_at_all_is_the_stricter_reading() -> None:
    assert StateRules().on("NY", TODAY) is None
    assert not may_sign_alone(None, 17)
