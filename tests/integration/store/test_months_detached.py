"""Months past retention: detached only when six years are over and every entry has its position; verified ever after."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from service.custody.months import detach_months
from service.custody.operations import Page, search_entries
from service.custody.records import Query
from service.errors import Unavailable
from service.ledger.checkpoint import origin_of
from service.ledger.export import ExportSource
from service.ledger.verify import Kind, verify
from service.store import partitions
from service.store.session import in_unit_sync
from service.work import Work
from tests.house import Service, open_program
from tests.integration.store.months import attach_again, intact, made, part_of, report_of, without_triggers

MONTH = "audit_entry_2019_03"


def _read(work: Work) -> Page:
    return search_entries(work, Query({}))


@pytest.mark.parametrize("years", [5, 0, -6])
def test_nothing_younger_than_six_years_is_detached(service: Service, years: int) -> None:
    with pytest.raises(Unavailable) as refused:
        service.unit(lambda db: db.execute(text(f"SELECT audit_detach_months({years})")))
    assert "six years" in str(refused.value.__cause__)


def test_the_youngest_month_that_is_detached_ended_six_years_ago(service: Service) -> None:
    """By the database's clock: the month that ended then goes, the one after it stays."""
    house = service.house
    with house.superuser() as root:
        now = root.execute("SELECT date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC')").fetchone()
    assert now is not None
    ended, stays = (now[0].replace(year=now[0].year - 6) - timedelta(days=days) for days in (20, 0))
    for month in (ended, stays):
        made(house, f"{month:%Y-%m-01}")
    gone = service.work(service.account("administrator").caller, lambda work: detach_months(work, 6))
    assert f"{ended:%Y-%m}" in gone
    assert f"{stays:%Y-%m}" not in gone
    left = dict(in_unit_sync(house.engine, partitions.attached))
    assert f"audit_entry_{stays:%Y_%m}" in left
    assert f"audit_entry_{ended:%Y_%m}" not in left
    without_triggers(house, f"DROP TABLE audit_entry_{ended:%Y_%m}")


def test_a_month_with_an_entry_that_has_no_position_is_not_detached(service: Service) -> None:
    """The sequencer and the verifier look for waiting entries in the trail; beside it nobody would miss one."""
    house = service.house
    made(house, "2013-07-01")
    service.clock.set(datetime(2013, 7, 5, tzinfo=UTC))
    told = service.unit(lambda db: service.entry(db, "patient.register"))
    service.clock.set(datetime(2026, 6, 1, 12, 5, tzinfo=UTC))
    caller = service.account("administrator").caller
    with pytest.raises(Unavailable) as refused:
        service.work(caller, lambda work: detach_months(work, 6))
    assert "no position" in str(refused.value.__cause__)
    assert part_of(house, told) == "audit_entry_2013_07"
    house.sequence()
    assert "2013-07" in service.work(caller, lambda work: detach_months(work, 6))
    house.sequence()
    assert intact(service)
    attach_again(house, datetime(2013, 7, 1, tzinfo=UTC))


def test_a_detached_month_is_not_searched_and_still_verified(service: Service) -> None:
    """Its rows cannot be changed, its leaves stay, and the verifier names what somebody changes in it."""
    house = service.house
    made(house, "2019-03-01")
    compliance = service.account("compliance")
    kept = [service.entries()[0]["id"]]
    service.clock.set(datetime(2019, 3, 5, tzinfo=UTC))
    service.work(compliance.caller, _read)
    service.clock.set(datetime(2026, 6, 1, 12, 5, tzinfo=UTC))
    old = service.entries(action="audit.read")[0]["id"]
    assert part_of(house, old) == MONTH
    house.sequence()
    gone = service.work(service.account("administrator").caller, lambda work: detach_months(work, 6))
    assert "2019-03" in gone
    assert MONTH in in_unit_sync(house.engine, partitions.detached)
    shown = service.client("compliance").get("/audit/entries?sort=recorded_at").json()["items"]
    assert str(old) not in [one["id"] for one in shown]
    assert str(kept[0]) in [one["id"] for one in shown]
    assert service.client("compliance").get(f"/audit/entries/{old}").status_code == 404
    house.sequence()
    assert intact(service)
    for statement in (f"UPDATE {MONTH} SET outcome = 'deny'", f"DELETE FROM {MONTH}", f"TRUNCATE {MONTH}"):
        with house.superuser() as root, pytest.raises(psycopg.Error, match="append-only"):
            root.execute(statement)  # type: ignore[arg-type]
    without_triggers(house, f"UPDATE {MONTH} SET outcome = 'deny' WHERE id = '{old}'")
    assert not intact(service)
    without_triggers(house, f"UPDATE {MONTH} SET outcome = 'permit' WHERE id = '{old}'")
    assert intact(service)
    attach_again(house, datetime(2019, 3, 1, tzinfo=UTC))


def test_an_export_holds_detached_months_and_outlives_their_tables(service: Service, tmp_path: Path) -> None:
    """What is handed out over HTTP holds them too; once such a table is moved away, only the export can be verified."""
    house = service.house
    compliance = service.client("compliance")
    service.clock.set(datetime(2019, 4, 1, tzinfo=UTC))
    made(house, "2019-04-01")
    service.work(service.account("compliance").caller, _read)
    service.clock.set(datetime(2026, 6, 1, 12, 5, tzinfo=UTC))
    old = service.entries(action="audit.read")[0]["id"]
    house.sequence()
    service.work(service.account("administrator").caller, lambda work: detach_months(work, 6))
    house.sequence()
    answer = compliance.get("/audit/export")
    assert answer.status_code == 200, answer.text
    assert str(old) in answer.text
    stranger = open_program(house)
    assert (
        stranger.unit(lambda db: db.execute(text("SELECT count(*) FROM audit_entry_2019_04")).scalar()) == 0
    )
    path = tmp_path / "trail.ndjson"
    path.write_bytes(answer.content)
    public_key = house.state.sequencer.signer.public_key
    origin = origin_of(house.settings.deployment, service.program.key)
    without_triggers(house, "CREATE TABLE moved_away AS SELECT * FROM audit_entry_2019_04")
    without_triggers(house, f"DELETE FROM audit_entry_2019_04 WHERE program_id = '{service.program_id}'")
    found = report_of(service).first
    assert found is not None
    assert found.kind is Kind.MISSING
    report = verify(ExportSource(path), origin, public_key=public_key)
    assert report.intact, report.findings
    without_triggers(house, "INSERT INTO audit_entry_2019_04 SELECT * FROM moved_away "
                             f"WHERE program_id = '{service.program_id}'")  # fmt: skip
    without_triggers(house, "DROP TABLE moved_away")
    attach_again(house, datetime(2019, 4, 1, tzinfo=UTC))
