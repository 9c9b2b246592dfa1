"""Which accounting a disclosure enters and how far a request reaches (42 CFR 2.25, 45 CFR 164.528)."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.access.purposes import PurposeClass
from service.disclosure.accounting import Channel, Entered, Rule, accountings, window_start, within
from tests.unit.disclosure.rules import ENGINE

BASES = ENGINE.bases
TPO = [PurposeClass.TREATMENT, PurposeClass.PAYMENT, PurposeClass.OPERATIONS]


@pytest.mark.parametrize("purpose", TPO)
@pytest.mark.parametrize("basis", ["B01", "B02"])
@pytest.mark.parametrize("channel", list(Channel))
def test_tpo_counts_under_part_2_only_through_an_ehr(
    basis: str, purpose: PurposeClass, channel: Channel
) -> None:
    entered = accountings(BASES.by_id[basis], purpose, channel, authorization=False)
    assert entered == Entered(part2=channel is Channel.EHR, hipaa=False)


@pytest.mark.parametrize("purpose", sorted(set(PurposeClass) - set(TPO)))
@pytest.mark.parametrize("channel", list(Channel))
@pytest.mark.parametrize("authorization", [True, False])
def test_everything_else_with_consent_counts_always(
    purpose: PurposeClass, channel: Channel, authorization: bool
) -> None:
    entered = accountings(BASES.by_id["B01"], purpose, channel, authorization=authorization)
    assert entered == Entered(part2=True, hipaa=not authorization)


def test_internal_use_is_no_disclosure() -> None:
    for basis in ("B20", "B20-INTAKE"):
        entered = accountings(BASES.by_id[basis], PurposeClass.TREATMENT, Channel.EHR, authorization=False)
        assert entered == Entered(part2=False, hipaa=False)


def test_only_covered_entities_keep_the_accounting_of_hipaa() -> None:
    for covered_entity in (True, False):
        entered = accountings(
            BASES.by_id["B22"],
            PurposeClass.REPORTING,
            Channel.FAX,
            authorization=False,
            covered_entity=covered_entity,
        )
        assert entered == Entered(part2=False, hipaa=covered_entity)


def test_a_basis_nobody_has_placed_is_listed_in_both() -> None:
    assert accountings(None, PurposeClass.TREATMENT, Channel.FAX, authorization=True) == Entered(True, True)


@pytest.mark.parametrize(
    ("on", "rule", "start"),
    [
        (date(2026, 6, 1), Rule.PART2, date(2023, 6, 1)),
        (date(2026, 6, 1), Rule.HIPAA, date(2020, 6, 1)),
        (date(2028, 2, 29), Rule.PART2, date(2025, 2, 28)),  # the earlier start: more is listed
        (date(2028, 2, 29), Rule.HIPAA, date(2022, 2, 28)),
        (date(2026, 2, 28), Rule.HIPAA, date(2020, 2, 28)),
    ],
)
def test_the_window(on: date, rule: Rule, start: date) -> None:
    assert window_start(on, rule) == start
    assert within(start, on, rule)
    assert not within(date.fromordinal(start.toordinal() - 1), on, rule)
    assert within(on, on, rule)
    assert not within(date.fromordinal(on.toordinal() + 1), on, rule)


@given(st.dates(date(2010, 1, 1), date(2060, 12, 31)), st.dates(), st.dates(), st.sampled_from(Rule))
def test_a_patient_can_ask_for_less_and_never_for_more(
    on: date, disclosed: date, since: date, rule: Rule
) -> None:
    narrowed = within(disclosed, on, rule, since=since)
    assert narrowed == (within(disclosed, on, rule) and disclosed >= since)
    assert not (within(disclosed, on, Rule.PART2) and not within(disclosed, on, Rule.HIPAA))
