"""Which words are in force on which day, and which consents are to be signed again."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.consent.texts.adoption import Adoption, in_force, needs_recollection, versions_that_stay

DAY = date(2026, 11, 1)
AT = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)
VERSIONS = ["v1", "v2", "v3", "v4"]


def adopted(version: str, day: int, recollect: int | None = None, order: int = 0) -> Adoption:
    return Adoption(
        id=UUID(int=order + 1),
        program_id=UUID(int=9),
        version=version,
        text_hash="0" * 64,
        effective_from=DAY + timedelta(days=day),
        recollect_by=None if recollect is None else DAY + timedelta(days=recollect),
        adopted_by=UUID(int=8),
        adopted_at=AT + timedelta(minutes=order),
    )


@pytest.mark.parametrize(
    ("day", "expected"), [(-1, None), (0, "v1"), (9, "v1"), (10, "v2"), (400, "v2")], ids=str
)
def test_the_words_in_force_on_a_day(day: int, expected: str | None) -> None:
    found = in_force([adopted("v2", 10, order=1), adopted("v1", 0)], DAY + timedelta(days=day))
    assert (found and found.version) == expected


def test_of_two_that_begin_on_one_day_the_later_decision_counts() -> None:
    both = [adopted("v2", 0, order=1), adopted("v1", 0, order=2)]
    for order in (both, both[::-1]):
        found = in_force(order, DAY)
        assert found is not None
        assert found.version == "v1"


@pytest.mark.parametrize(
    ("version", "day", "due"),
    [
        pytest.param("v1", 9, None, id="not before the new words are in force"),
        pytest.param("v1", 10, 40, id="older words"),
        pytest.param(None, 10, 40, id="words from before versions were kept"),
        pytest.param("v0", 10, 40, id="words the program never adopted"),
        pytest.param("v2", 10, None, id="the words asked for"),
        pytest.param("v3", 30, None, id="newer words"),
        pytest.param("v1", 90, 40, id="overdue stays due"),
    ],
)
def test_what_is_to_be_signed_again(version: str | None, day: int, due: int | None) -> None:
    known = [adopted("v1", 0), adopted("v2", 10, recollect=40, order=1), adopted("v3", 30, order=2)]
    expected = None if due is None else DAY + timedelta(days=due)
    assert needs_recollection(version, known, DAY + timedelta(days=day)) == expected


def test_without_a_day_nothing_is_collected_again() -> None:
    known = [adopted("v1", 0), adopted("v2", 10, order=1)]
    assert needs_recollection("v1", known, DAY + timedelta(days=50)) is None
    assert versions_that_stay(known, DAY + timedelta(days=50)) is None


def test_the_earliest_day_counts() -> None:
    known = [adopted("v2", 10, recollect=90, order=1), adopted("v3", 20, recollect=40, order=2)]
    assert needs_recollection("v1", known, DAY + timedelta(days=20)) == DAY + timedelta(days=40)
    assert needs_recollection("v2", known, DAY + timedelta(days=20)) == DAY + timedelta(days=40)


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.none() | st.integers(20, 60)), min_size=0, max_size=len(VERSIONS)
    ),
    st.sampled_from([*VERSIONS, None]),
    st.integers(-1, 25),
)
def test_the_query_finds_exactly_what_the_rule_says(
    plan: list[tuple[int, int | None]], version: str | None, day: int
) -> None:
    """`versions_that_stay` is what SQL leaves out; every other active consent is one the rule names, and no more."""
    known = [
        adopted(name, begins, due, order)
        for order, (name, (begins, due)) in enumerate(zip(VERSIONS, plan, strict=False))
    ]
    today = DAY + timedelta(days=day)
    stays = versions_that_stay(known, today)
    found = stays is not None and (version is None or version not in stays)
    assert found is (needs_recollection(version, known, today) is not None)
