"""One primary clinician at a time; everything else is shared."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.people.recipient import in_force
from service.people.relationships.roles import StaffRole, taken

PRIMARY = StaffRole.PRIMARY_CLINICIAN
MAY = (date(2026, 5, 1), date(2026, 5, 31))
days = st.dates(date(2026, 1, 1), date(2026, 3, 1))


@pytest.mark.parametrize(
    ("starts_on", "ends_on", "held"),
    [
        (date(2026, 6, 1), None, False),
        (date(2026, 5, 31), None, True),
        (date(2026, 4, 1), date(2026, 4, 30), False),
        (date(2026, 4, 1), date(2026, 5, 1), True),
        (date(2026, 4, 1), None, True),
        (date(2026, 5, 10), date(2026, 5, 11), True),
    ],
)
def test_two_periods_share_a_day_or_not(starts_on: date, ends_on: date | None, held: bool) -> None:
    assert taken(PRIMARY, starts_on, ends_on, [(PRIMARY, *MAY)]) is held
    for other in (None, *set(StaffRole) - {PRIMARY}):
        assert not taken(PRIMARY, starts_on, ends_on, [(other, *MAY)])
        assert not taken(other, starts_on, ends_on, [(PRIMARY, *MAY)])


@given(one=days, until=st.none() | days, other=days, end=st.none() | days)
def test_taken_is_a_day_on_which_both_hold(
    one: date, until: date | None, other: date, end: date | None
) -> None:
    every = [
        date.fromordinal(day) for day in range(date(2026, 1, 1).toordinal(), date(2026, 3, 3).toordinal())
    ]
    if (until is None or one <= until) and (end is None or other <= end):
        both = any(in_force(one, until, day) and in_force(other, end, day) for day in every)
        assert taken(PRIMARY, one, until, [(PRIMARY, other, end)]) is both
