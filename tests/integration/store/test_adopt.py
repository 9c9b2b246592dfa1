"""A database older than the codes of rows: no service starts on it, an operator takes its rows over, once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner, Result

from service.app import Options, build
from service.cli.integrity import app
from service.clock import SystemClock
from service.config import Settings
from service.errors import StartRefused
from service.ids import SERVICE_PROGRAM
from service.setup import prepare_database
from service.store.engine import plain_engine
from service.store.rowcodes import CODED, RowCodes
from service.store.sweep import Fault, look
from service.vault import keyring
from service.vault.kms import open_kms
from service.vault.units import run_unit_sync
from service.vault.vault import Vault
from service.work import enter
from tests.house import Cluster, House, open_program
from tests.integration.disclosure.office import TPO, Office
from tests.integration.store import released
from tests.integration.store.catalogue import columns, content
from tests.showing import Counted

NAME = "released_and_adopted"


def command(settings: Settings, what: str) -> Result:
    return CliRunner().invoke(app, [what, "--data", str(settings.data)], env=settings.to_environment())


def forget_the_codes(root: Any) -> None:
    """A database as it is right after the migration that brought the codes: no row has one, and there is no key."""
    root.execute("set session_replication_role = replica")
    for table in CODED:
        root.execute(f"update {table.name} set mac = null")
    root.execute("delete from vault_key where purpose = 'row_mac'")


def uncoded(root: Any) -> dict[str, int]:
    return {
        table.name: root.execute(f"select count(*) from {table.name} where mac is null").fetchone()[0]
        for table in CODED
    }


@pytest.fixture
def upgraded(cluster: Cluster, tmp_path: Path) -> Iterator[Settings]:
    """Rows of the last release in every table, migrated; with the service's keys, as the last release had them."""
    cluster.create_database(NAME)
    settings = cluster.settings(NAME, tmp_path)
    owner = plain_engine(cluster.server.url("consentry_owner", NAME))
    with owner.connect() as db:
        released.upgrade(db, released.VERSION)
    owner.dispose()
    keyring.init(keyring.keyring_path(tmp_path), SystemClock().now())
    with cluster.superuser(NAME) as root:
        released.fill(root)
        root.execute("delete from vault_key")
    prepare_database(settings, SystemClock())
    with cluster.superuser(NAME) as root:
        forget_the_codes(root)
    yield settings
    with cluster.server.admin() as admin:
        admin.execute(f"drop database {NAME} with (force)")  # type: ignore[arg-type]


def test_rows_of_the_last_release_get_their_codes_and_nothing_else_changes(
    cluster: Cluster, upgraded: Settings, counted: Counted
) -> None:
    with cluster.superuser(NAME) as root:
        missing = uncoded(root)
        named = {
            table: ", ".join(name for name in names.split(", ") if name != "mac")
            for table, names in columns(root).items()
            if table in missing
        }
        before = content(root, named)
    assert all(missing[name] for name in missing.keys() - {"legal_hold", "shredding", "finding"}), missing
    with (
        pytest.raises(StartRefused, match="consentry integrity adopt"),
        TestClient(build(upgraded, Options(sequence=False))),
    ):
        raise AssertionError("a service started on rows that nobody vouched for")

    done = command(upgraded, "adopt")
    assert done.exit_code == 0, done.output
    with cluster.superuser(NAME) as root:
        assert not any(uncoded(root).values())
        assert content(root, named) == before
        said = root.execute("select detail from audit_entry where action = 'key.manage' and tree = %s",
                            [SERVICE_PROGRAM]).fetchall()  # fmt: skip
    assert len(said) == 1
    assert '"rows":"adopted"' in said[0][0]
    assert {fault for fault in faults(upgraded) if fault in (Fault.NO_CODE, Fault.ALTERED)} == set()
    again = command(upgraded, "adopt")
    assert again.exit_code != 0
    assert "have been adopted" in str(again.exception)
    counted("rows adopted", sum(missing.values()))


def faults(settings: Settings) -> list[Fault]:
    vault, engine = Vault(open_kms(settings)), plain_engine(settings.database_url, settings)

    def unit(db: Any) -> list[Fault]:
        enter(db, SERVICE_PROGRAM)
        codes = RowCodes(vault.load_service_keys(db).row_mac)
        enter(db, released.PROGRAM)
        return [bad.fault for bad in look(db, codes, lambda _count: None)]

    try:
        return run_unit_sync(engine, vault, unit)
    finally:
        engine.dispose()


def test_a_service_goes_on_where_it_was(cluster: Cluster, tmp_path: Path) -> None:
    """The same with rows that a service wrote: after the adoption it serves them, and the look finds nothing."""
    house = House(cluster, "served_and_adopted", tmp_path)
    service = open_program(house)
    office = Office(service)
    office.item("attendance")
    clinic, consent = office.clinic, office.signed(TPO)["id"]
    house.close()
    with house.superuser() as root:
        forget_the_codes(root)
        known = root.execute("select count(*) from account where program_id = %s", [service.program_id])
        assert known.fetchone() != (0,)
    refused = command(house.settings, "verify")
    assert refused.exit_code != 0
    assert "consentry integrity adopt" in str(refused.exception)

    assert command(house.settings, "adopt").exit_code == 0
    told = command(house.settings, "verify")
    assert told.exit_code == 0, told.output
    assert "every row is as the service wrote it" in told.output
    house.app = build(house.settings, Options(clock=house.clock, sequence=False))
    house.http = TestClient(house.app, base_url="http://testserver", raise_server_exceptions=False)
    with house.http:
        assert office.read(consent)["state"] == "active"
        assert office.disclose(clinic).status_code == 201
