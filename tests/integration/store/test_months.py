"""The trail by month: parts made ahead and closed to everybody; no entry fails for lack of one."""

from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Connection

from service.custody.months import months_ahead
from service.ids import new_id
from service.store import partitions
from service.store.session import in_unit_sync
from tests.house import House, Service
from tests.integration.store.months import NEWEST, made, part_of


def test_this_month_and_those_ahead_are_there(house: House) -> None:
    with house.superuser() as root:
        now = root.execute("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY_MM')").fetchone()
    names = [name for name, _ in in_unit_sync(house.engine, partitions.attached)]
    assert now is not None
    assert f"audit_entry_{now[0]}" in names
    assert "audit_entry_other" in names
    assert (
        len([name for name in names if name >= f"audit_entry_{now[0]}" and name != "audit_entry_other"]) >= 4
    )


def test_an_entry_stands_in_its_month_or_with_the_rest(service: Service) -> None:
    house = service.house
    told = service.unit(lambda db: service.entry(db, "patient.register"))
    assert part_of(house, told) == "audit_entry_other"  # the tests' clock stands in a month nobody made
    made(house, "2018-05-01")
    service.clock.set(datetime(2018, 5, 31, 23, 59, 59, tzinfo=UTC))
    assert (
        part_of(house, service.unit(lambda db: service.entry(db, "patient.register")))
        == "audit_entry_2018_05"
    )
    service.clock.set(datetime(2018, 6, 1, tzinfo=UTC))
    assert (
        part_of(house, service.unit(lambda db: service.entry(db, "patient.register"))) == "audit_entry_other"
    )


def test_a_month_whose_entries_stand_with_the_rest_leaves_them_there(service: Service) -> None:
    service.clock.set(datetime(2017, 2, 3, tzinfo=UTC))
    told = service.unit(lambda db: service.entry(db, "patient.register"))
    made(service.house, "2017-02-01")
    assert part_of(service.house, told) == "audit_entry_other"
    assert "audit_entry_2017_02" not in dict(in_unit_sync(service.house.engine, partitions.attached))


@pytest.mark.parametrize("part", ["audit_entry_other", "audit_entry_2016_01"])
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM {}",
        "INSERT INTO {} SELECT * FROM audit_entry",
        "DELETE FROM {}",
        "TRUNCATE {}",
        "DROP TABLE {}",
    ],
)
def test_nobody_reads_or_writes_a_part(service: Service, part: str, statement: str) -> None:
    """Not the application's role, and not the sequencer's: the table's own rule is the only way in."""
    made(service.house, "2016-01-01")
    for change in ("", "SET ROLE consentry_sequencer"):
        with service.house.superuser() as root, pytest.raises(psycopg.errors.InsufficientPrivilege):
            root.execute(change or "SET ROLE consentry_app")
            root.execute(statement.format(part))  # type: ignore[arg-type]


@pytest.mark.parametrize("statement", ["UPDATE {} SET outcome = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
def test_even_the_superuser_meets_the_guards_of_a_part(service: Service, statement: str) -> None:
    made(service.house, "2015-01-01")
    service.clock.set(datetime(2015, 1, 2, tzinfo=UTC))
    service.unit(lambda db: service.entry(db, "patient.register"))
    for part in ("audit_entry", "audit_entry_2015_01"):
        with service.house.superuser() as root, pytest.raises(psycopg.Error, match="append-only"):
            root.execute(statement.format(part))  # type: ignore[arg-type]


def test_the_job_makes_what_is_missing_and_says_so_once(service: Service) -> None:
    caller = service.account("administrator").caller
    with service.house.superuser() as root:
        last = root.execute(NEWEST).fetchone()
        assert last is not None
        root.execute(f"ALTER TABLE audit_entry DETACH PARTITION {last[0]}")  # type: ignore[arg-type]
        root.execute(f"DROP TABLE {last[0]}")  # type: ignore[arg-type]
    assert service.work(caller, months_ahead) == 1
    assert service.work(caller, months_ahead) == 0
    made = [one["detail"]["months_made"] for one in service.entries(action="ledger.status")]
    assert made == [[last[0].removeprefix("audit_entry_").replace("_", "-")]]


@pytest.mark.parametrize(
    "moment",
    [
        "2030-12-31T23:59:59.999", "2031-01-01T00:00:00", "2032-02-29T12:00:00", "2099-12-31T23:59:59.999",
        "2100-01-01T00:00:00", "2199-06-15T00:00:00", "1970-01-01T00:00:01",
    ],
)  # fmt: skip
def test_no_clock_is_so_wrong_that_an_entry_cannot_be_written(service: Service, moment: str) -> None:
    """Ahead by years, back by decades, on either side of the turn of a year, months made or not."""
    service.clock.set(datetime.fromisoformat(f"{moment}+00:00"))
    told = service.unit(lambda db: service.entry(db, "patient.register"))
    assert part_of(service.house, told).startswith("audit_entry_")
    assert told in [one["id"] for one in service.entries(action="patient.register")]
    service.clock.set(service.clock.beginning)


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/New_York"])
def test_months_meet_without_a_gap_wherever_the_database_thinks_it_is(house: House, zone: str) -> None:
    """For each month of eighty years: its first id is the least that `new_id` can make then, and ends the one before."""
    months = [datetime(year, month, 1, tzinfo=UTC) for year in range(2020, 2100) for month in range(1, 13)]
    with house.superuser() as root:
        root.execute(f"SET timezone = '{zone}'")  # type: ignore[arg-type]
        found = root.execute(
            "SELECT audit_first_id(month), audit_first_id(month + interval '1 month') FROM generate_series("
            "timestamp '2020-01-01', timestamp '2099-12-01', interval '1 month') AS month"
        ).fetchall()
    first = [UUID(int=int(month.timestamp() * 1000) << 80) for month in months]
    assert [one for one, _ in found] == first
    assert [one for _, one in found[:-1]] == first[1:]
    assert all(new_id(month) > least for month, least in zip(months, first, strict=True))


def test_months_are_made_beside_somebody_who_is_writing(service: Service) -> None:
    """Making one waits for no open entry of this month, and the entry is kept."""
    house = service.house
    service.clock.set(datetime.now(UTC))
    with house.superuser() as root:
        last = root.execute(NEWEST).fetchone()
        assert last is not None
        root.execute(f"ALTER TABLE audit_entry DETACH PARTITION {last[0]}")  # type: ignore[arg-type]
        root.execute(f"DROP TABLE {last[0]}")  # type: ignore[arg-type]

    def writing(db: Connection) -> UUID:
        told = service.entry(db, "patient.register")
        made = in_unit_sync(house.engine, partitions.make_ahead)
        assert [f"audit_entry_{month.replace('-', '_')}" for month in made] == [last[0]]
        return told

    told = service.unit(writing)
    assert told in [one["id"] for one in service.entries()]
    service.clock.set(service.clock.beginning)


def test_following_the_trail_to_its_end_ends(service: Service) -> None:
    """Oldest first, two at a time: each page adds one entry of its own, and the end is reached all the same."""
    compliance = service.client("compliance")
    before, pages, cursor = len(service.entries()), 0, ""
    while pages < 50:
        page = compliance.get(f"/audit/entries?sort=recorded_at&limit=2{cursor}").json()
        pages += 1
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert pages <= before + 1
    read = service.entries(action="audit.read")
    assert len(read) == pages
    assert len(service.entries()) == before + pages
