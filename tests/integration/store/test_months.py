"""The trail by month: parts made ahead, closed to everybody, detached past retention and still verified."""

from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from service.custody.months import detach_months, months_ahead
from service.custody.operations import Page, search_entries
from service.custody.records import Query
from service.errors import Unavailable
from service.ledger.checkpoint import origin_of
from service.ledger.stored import DatabaseSource, begin_snapshot
from service.ledger.verify import verify
from service.store import partitions
from service.store.session import in_unit_sync
from service.work import Work
from tests.house import House, Service

PART_OF = "SELECT tableoid::regclass::text FROM audit_entry WHERE id = %s"
MONTH = "audit_entry_2019_03"


def _made(house: House, begin: str) -> None:
    with house.superuser() as root:
        root.execute("SET ROLE consentry_owner")
        root.execute("SELECT audit_add_month(%s::timestamp)", [begin])


def _part(house: House, entry_id: UUID) -> str:
    with house.superuser() as root:
        found = root.execute(PART_OF, [entry_id]).fetchone()
    assert found is not None
    return str(found[0])


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
    assert _part(house, told) == "audit_entry_other"  # the tests' clock stands in a month nobody made
    _made(house, "2018-05-01")
    service.clock.set(datetime(2018, 5, 31, 23, 59, 59, tzinfo=UTC))
    assert (
        _part(house, service.unit(lambda db: service.entry(db, "patient.register"))) == "audit_entry_2018_05"
    )
    service.clock.set(datetime(2018, 6, 1, tzinfo=UTC))
    assert _part(house, service.unit(lambda db: service.entry(db, "patient.register"))) == "audit_entry_other"


def test_a_month_whose_entries_stand_with_the_rest_leaves_them_there(service: Service) -> None:
    service.clock.set(datetime(2017, 2, 3, tzinfo=UTC))
    told = service.unit(lambda db: service.entry(db, "patient.register"))
    _made(service.house, "2017-02-01")
    assert _part(service.house, told) == "audit_entry_other"
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
    _made(service.house, "2016-01-01")
    for change in ("", "SET ROLE consentry_sequencer"):
        with service.house.superuser() as root, pytest.raises(psycopg.errors.InsufficientPrivilege):
            root.execute(change or "SET ROLE consentry_app")
            root.execute(statement.format(part))  # type: ignore[arg-type]


@pytest.mark.parametrize("statement", ["UPDATE {} SET outcome = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
def test_even_the_superuser_meets_the_guards_of_a_part(service: Service, statement: str) -> None:
    _made(service.house, "2015-01-01")
    service.clock.set(datetime(2015, 1, 2, tzinfo=UTC))
    service.unit(lambda db: service.entry(db, "patient.register"))
    for part in ("audit_entry", "audit_entry_2015_01"):
        with service.house.superuser() as root, pytest.raises(psycopg.Error, match="append-only"):
            root.execute(statement.format(part))  # type: ignore[arg-type]


def test_the_job_makes_what_is_missing_and_says_so_once(service: Service) -> None:
    caller = service.account("administrator").caller
    with service.house.superuser() as root:
        last = root.execute(
            "SELECT max(relname) FROM pg_class WHERE relname ~ '^audit_entry_20[0-9]{2}_[0-9]{2}$' AND relispartition"
        ).fetchone()
        assert last is not None
        root.execute(f"ALTER TABLE audit_entry DETACH PARTITION {last[0]}")  # type: ignore[arg-type]
        root.execute(f"DROP TABLE {last[0]}")  # type: ignore[arg-type]
    assert service.work(caller, months_ahead) == 1
    assert service.work(caller, months_ahead) == 0
    made = [one["detail"]["months_made"] for one in service.entries(action="ledger.status")]
    assert made == [[last[0].removeprefix("audit_entry_").replace("_", "-")]]


def test_nothing_younger_than_six_years_is_detached(service: Service) -> None:
    with pytest.raises(Unavailable) as refused:
        service.unit(lambda db: db.execute(text("SELECT audit_detach_months(5)")))
    assert "six years" in str(refused.value.__cause__)


def test_a_detached_month_is_not_searched_and_still_verified(service: Service) -> None:
    """Its rows cannot be changed, its leaves stay, and the verifier names what somebody changes in it."""
    house = service.house
    _made(house, "2019-03-01")
    compliance = service.account("compliance")
    kept = [service.entries()[0]["id"]]
    service.clock.set(datetime(2019, 3, 5, tzinfo=UTC))
    service.work(compliance.caller, _read)
    service.clock.set(datetime(2026, 6, 1, 12, 5, tzinfo=UTC))
    old = service.entries(action="audit.read")[0]["id"]
    assert _part(house, old) == MONTH
    house.sequence()
    gone = service.work(service.account("administrator").caller, lambda work: detach_months(work, 6))
    assert "2019-03" in gone
    assert MONTH in in_unit_sync(house.engine, partitions.detached)
    shown = service.client("compliance").get("/audit/entries?sort=recorded_at").json()["items"]
    assert str(old) not in [one["id"] for one in shown]
    assert str(kept[0]) in [one["id"] for one in shown]
    assert service.client("compliance").get(f"/audit/entries/{old}").status_code == 404
    house.sequence()
    assert _intact(service)
    for statement in (f"UPDATE {MONTH} SET outcome = 'deny'", f"DELETE FROM {MONTH}", f"TRUNCATE {MONTH}"):
        with house.superuser() as root, pytest.raises(psycopg.Error, match="append-only"):
            root.execute(statement)  # type: ignore[arg-type]
    _without_triggers(house, f"UPDATE {MONTH} SET outcome = 'deny' WHERE id = '{old}'")
    assert not _intact(service)
    _without_triggers(house, f"UPDATE {MONTH} SET outcome = 'permit' WHERE id = '{old}'")
    assert _intact(service)
    with house.superuser() as root:  # for the tests after this one
        root.execute("SET session_replication_role = replica")
        root.execute(
            f"DROP TRIGGER append_only ON {MONTH}; DROP TRIGGER append_only_all ON {MONTH}; "  # type: ignore[arg-type]
            f"ALTER TABLE audit_entry ATTACH PARTITION {MONTH} FOR VALUES FROM ("
            "audit_first_id('2019-03-01')) TO (audit_first_id('2019-04-01'))"
        )


def _read(work: Work) -> Page:
    return search_entries(work, Query({}))


def _without_triggers(house: House, statement: str) -> None:
    with house.superuser() as root:
        root.execute("SET session_replication_role = replica")
        root.execute(statement)  # type: ignore[arg-type]


def _intact(service: Service) -> bool:
    house = service.house
    with house.sequencer_engine.connect() as db:
        begin_snapshot(db)
        report = verify(
            DatabaseSource(db, service.program_id),
            origin_of(house.settings.deployment, service.program.key),
            public_key=house.state.sequencer.signer.public_key,
            mac_keys=[house.state.mechanisms.ledger_mac_key],
        )
    return report.intact
