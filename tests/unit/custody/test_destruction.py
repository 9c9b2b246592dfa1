"""What stands against destroying a record, how long what is kept, and that no keyed hash was forgotten."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import LargeBinary

from service.custody.shredding.destruction import (
    ShreddingState,
    Situation,
    check_open,
    check_possible,
    check_second_person,
    obstacles,
)
from service.custody.shredding.retention import Since, load_retention
from service.custody.wiping.fingerprints import STAYING, TAKEN
from service.errors import Conflict, Refused, StartRefused
from service.store import tables
from service.store.base import metadata
from service.store.types import SealedBytes

POLICIES = Path(__file__).parents[3] / "policies"
BOOK = load_retention(POLICIES)
TODAY = date(2026, 6, 1)
assert tables


SINCE: tuple[Since, ...] = ("last_entry", "consent_end", "last_disclosure", "last_restriction")


def running(
    days: Mapping[str, date], basis: str = "retention_over", born: date | None = None, today: date = TODAY
) -> set[str]:
    return set(BOOK.running(basis, {since: days.get(since) for since in SINCE}, born, today))


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ({}, set[str]()),
        ({"last_entry": date(2019, 6, 1)}, {"clinical_record"}),
        ({"last_entry": date(2019, 5, 31)}, set[str]()),
        ({"consent_end": date(2020, 6, 1)}, {"consent"}),
        ({"consent_end": date(2020, 5, 31)}, set[str]()),
        ({"last_disclosure": date(2020, 6, 1)}, {"disclosure"}),
        ({"last_restriction": date(2026, 6, 1)}, {"restriction"}),
    ],
)
def test_a_period_runs_to_the_end_of_its_last_day(days: dict[str, date], expected: set[str]) -> None:
    assert running(days) == expected


def test_a_child_is_waited_for_and_an_unknown_birth_date_shortens_nothing() -> None:
    assert running({"last_entry": date(2010, 1, 1)}, born=date(2001, 6, 1)) == {"clinical_record"}
    assert running({"last_entry": date(2010, 1, 1)}, born=date(2001, 5, 31)) == set()
    assert running({"last_entry": date(2020, 1, 1)}, born=date(1950, 1, 1)) == {"clinical_record"}
    assert running({"last_entry": date(2020, 1, 1)}, born=None) == {"clinical_record"}


def test_a_leap_day_is_waited_for() -> None:
    disclosed = {"last_disclosure": date(2020, 2, 29)}
    assert running(disclosed, today=date(2026, 3, 1)) == {"disclosure"}
    assert running(disclosed, today=date(2026, 3, 2)) == set()


def test_an_order_ends_what_it_says_and_not_the_accounting() -> None:
    everything = {str(one): TODAY for one in SINCE}
    assert running(everything, "court_order") == {"disclosure"}
    assert running(everything, "program_closed") == set(BOOK.periods)


def test_everything_that_stands_against_it_is_named_together() -> None:
    found = Situation(
        holds=1,
        open_episodes=1,
        open_flags=2,
        open_requests=1,
        open_reviews=3,
        merged=True,
        running={"consent": TODAY},
    )
    named = [fault.code for fault in obstacles(found)]
    assert named == [
        "legal_hold", "episode_open", "flag_open", "request_open", "review_open", "chart_merged", "period_running",
    ]  # fmt: skip
    with pytest.raises(Conflict) as refused:
        check_possible(found)
    assert len(refused.value.errors) == 7
    check_possible(Situation())


def test_it_is_decided_once_and_by_somebody_else() -> None:
    one, other = uuid4(), uuid4()
    check_second_person(one, other)
    with pytest.raises(Refused):
        check_second_person(one, one)
    check_open(ShreddingState.ASKED)
    for state in set(ShreddingState) - {ShreddingState.ASKED}:
        with pytest.raises(Conflict):
            check_open(state)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("years: 7", "years: seven"),
        ("from: last_entry", "from: last_week"),
        ("conf: law", "conf: sure"),
        ("ends: [clinical_record,", "ends: [everything,"),
        ("  consent:\n", "  clinical_record:\n"),
        ("bases:\n", "grounds:\n"),
        ("from: consent_end", "from: last_entry"),
    ],
)
def test_a_file_that_is_not_as_it_should_be_stops_the_start(tmp_path: Path, before: str, after: str) -> None:
    text = (POLICIES / "retention.yaml").read_text()
    assert before in text
    (tmp_path / "retention.yaml").write_text(text.replace(before, after))
    with pytest.raises(StartRefused):
        load_retention(tmp_path)


def test_every_keyed_hash_of_the_database_is_taken_or_stays_for_a_reason() -> None:
    columns = {
        (table.name, column.name)
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary) and not isinstance(column.type, SealedBytes)
    }
    assert not TAKEN.keys() & STAYING.keys()
    assert columns == TAKEN.keys() | STAYING.keys()
