"""Rotation on a real database: what is sealed moves to new keys, opens as before, and nothing is left under the old."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Engine

from service.cli.operator import Operator
from service.custody.rotating import Acts
from service.identity.programs import SERVICE
from service.store.engine import plain_engine
from service.store.types import Sealed
from service.vault import keyring, resealing, rotation
from service.vault.envelope import RowKey
from service.vault.keys import Owner, Purpose
from service.vault.places import PLACES
from service.vault.rotating.sealed import records
from service.vault.vault import Vault
from tests.house import Cluster, House, Service, verify_ledger
from tests.integration.disclosure.office import SPECIFIC, Office
from tests.integration.sealed_columns import opened


@pytest.fixture(scope="module")
def house(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A deployment of its own: its key-encryption key is every program's."""
    built = House(cluster, "consentry_rotation", tmp_path_factory.mktemp("rotation"))
    try:
        yield built
    finally:
        built.close()


@pytest.fixture
def keeper(service: Service) -> Engine:
    assert service.house.settings.keeper_database_url
    return plain_engine(service.house.settings.keeper_database_url)


def acts(service: Service) -> Acts:
    """The operator's ground, in this test's program and the service itself."""
    return Acts(Operator(service.house.settings, service.clock), [SERVICE, service.program])


def fresh(service: Service) -> Vault:
    return Vault(keyring.load(service.house.settings.keyring))


def a_chart(service: Service) -> Office:
    office = Office(service)
    office.chart()
    office.signed(SPECIFIC)
    return office


def rotated(service: Service, keeper: Engine) -> tuple[int, int]:
    """One rotation of data keys: (keys renewed, values sealed again)."""
    service.clock.advance(timedelta(minutes=1))
    renewed = resealing.renew(acts(service), service.clock.now(), service.clock.now)
    return renewed, resealing.sweep(keeper, lambda: fresh(service)).done


def test_every_value_moves_to_the_new_keys_and_opens_as_before(service: Service, keeper: Engine) -> None:
    office = a_chart(service)
    before = sorted(opened(service))
    assert len({place for place, _ in before}) > 6
    renewed, sealed = rotated(service, keeper)
    assert renewed >= 2  # the patient's and the program's
    assert sealed >= len(before)
    assert resealing.left_in(keeper) == {}
    assert sorted(opened(service)) == before
    assert office.clinician.get(f"/patients/{office.patient_id}").status_code == 200
    assert resealing.finish(keeper, service.clock.now(), settled=3600) is None  # a process may not have heard
    assert resealing.finish(keeper, service.clock.now() + timedelta(hours=1), settled=3600)
    assert [entry for entry in service.entries(action="key.rotate") if entry["detail"]["keys"] >= 2]
    assert rotated(service, keeper)[1] >= len(before)  # and again
    verify_ledger(service)


@pytest.mark.shows("T10")
def test_the_next_call_of_a_process_that_knows_the_old_key_seals_under_the_new(service: Service) -> None:
    office = a_chart(service)  # so this process holds the keys; the rotation runs in another
    service.clock.advance(timedelta(minutes=1))
    resealing.renew(acts(service), service.clock.now(), service.clock.now)
    item = office.item("attendance", "after")
    with service.house.superuser() as root:
        state = root.execute(
            "SELECT k.state FROM record_item i JOIN vault_key k ON k.key_id = substring(i.content FROM 3 FOR 16) "
            "WHERE i.id = %s",
            [item],
        ).fetchone()
    assert state == ("active",)


def test_what_somebody_changes_meanwhile_is_not_lost(service: Service, keeper: Engine) -> None:
    office = a_chart(service)
    changed = office.item("attendance", "before")
    service.clock.advance(timedelta(minutes=1))
    resealing.renew(acts(service), service.clock.now(), service.clock.now)
    with service.house.superuser() as root:
        root.autocommit = False
        root.execute(
            "SELECT 1 FROM record_item WHERE id = %s FOR UPDATE", [changed]
        )  # somebody is changing it
        resealing.sweep(keeper, lambda: fresh(service))
        left = resealing.left_in(keeper)
        root.rollback()
    assert left == {"record_item": 1}
    assert resealing.finish(keeper, service.clock.now() + timedelta(hours=1)) is None
    assert resealing.sweep(keeper, lambda: fresh(service)).done == 2
    assert resealing.left_in(keeper) == {}


def test_what_was_changed_since_it_was_read_is_not_written_over(service: Service, keeper: Engine) -> None:
    office = a_chart(service)
    service.clock.advance(timedelta(minutes=1))
    resealing.renew(acts(service), service.clock.now(), service.clock.now)
    place = next(one for one in PLACES if one.table.name == "record_item")
    with keeper.connect() as db:
        rows = records.under_old_keys(db, place, None, 100)
    row = next(one for one in rows if one.row_id == UUID(office.items["attendance"]))
    other = replace(row, sealed={**row.sealed, "content": Sealed(b"\x01\x01" + bytes(60))})
    with keeper.connect() as db:
        again = fresh(service).seal_row_again(
            db, place.table, RowKey(row.program_id, row.row_id, row.version, row.patient_id), row.sealed
        )
        assert set(again) == {"labels", "content"}
        assert records.seal_instead(db, place, other, again) == 1  # the labels, which are as they were read


def test_the_keeper_changes_nothing_but_the_key(service: Service, keeper: Engine) -> None:
    office = a_chart(service)
    item = office.items["attendance"]
    with _as_keeper(service) as db:
        for statement in (
            "UPDATE record_item SET state = 'final' WHERE id = %s",
            "UPDATE record_item SET content = substring(content from 1 for 40) WHERE id = %s",
            "UPDATE record_item SET content = set_byte(content, octet_length(content) - 1, 0) WHERE id = %s",
            "UPDATE record_item SET content = overlay(content placing gen_random_uuid()::text::bytea from 3 for 16) "
            "WHERE id = %s",
            "DELETE FROM record_item WHERE id = %s",
            "UPDATE vault_key SET state = 'retired' WHERE patient_id = %s",
            "UPDATE vault_key SET wrapped = NULL WHERE patient_id = %s",
        ):
            with pytest.raises(psycopg.Error, match=r"permission denied|only seals again"):
                db.execute(statement, [item])


def test_a_rotation_of_the_key_encryption_key_leaves_one_epoch(service: Service) -> None:
    office, house = a_chart(service), service.house
    kms = keyring.load(house.settings.keyring)
    before = kms.active_id
    ground = _everywhere(service)
    slept: list[float] = []
    rolled = rotation.roll(kms, ground, lambda: datetime.now(UTC), settled=3600, sleep=slept.append)
    assert rolled.wrapped >= 8
    assert rolled.ended == (before,)
    assert rolled.left == ()
    assert 3000 < slept[0] <= 3600
    assert [one.id for one in kms.epochs()] == [rolled.epoch]
    service.house.state.mechanisms.vault.forget()
    assert office.clinician.get(f"/patients/{office.patient_id}").status_code == 200
    assert not rotation.unfinished(kms, ground)


def test_a_rotation_broken_off_goes_on(service: Service) -> None:
    a_chart(service)
    kms, ground = keyring.load(service.house.settings.keyring), _everywhere(service)
    first = kms.begin_epoch(datetime.now(UTC))
    rotation.wrap_again(kms, ground, service.program_id)
    assert rotation.unfinished(kms, ground)
    rolled = rotation.roll(kms, ground, lambda: datetime.now(UTC), go_on=True, settled=0)
    assert rolled.epoch == first
    assert rolled.ended
    assert rolled.left == ()


def test_a_key_that_does_not_unwrap_keeps_its_epoch(service: Service) -> None:
    a_chart(service)
    kms, ground = keyring.load(service.house.settings.keyring), _everywhere(service)
    with service.house.superuser() as root:
        where = "program_id = %s AND purpose = 'index'"
        kept = root.execute(f"SELECT wrapped FROM vault_key WHERE {where}", [service.program_id]).fetchone()
        assert kept
        damaged = bytes(kept[0])[:-1] + bytes([bytes(kept[0])[-1] ^ 1])
        change = f"UPDATE vault_key SET wrapped = %s WHERE {where}"
        root.execute(change, [damaged, service.program_id])
        rolled = rotation.roll(kms, ground, lambda: datetime.now(UTC), settled=0)
        assert rolled.ended == ()
        assert rolled.left
        root.execute(change, [kept[0], service.program_id])
    rolled = rotation.roll(kms, ground, lambda: datetime.now(UTC), go_on=True, settled=0)
    assert rolled.wrapped == 1
    assert rolled.left == ()


def _everywhere(service: Service) -> Acts:
    """Every program of the house: an epoch is ended only when nothing anywhere is under it."""
    operator = Operator(service.house.settings, service.clock)
    return Acts(operator, [SERVICE, *(operator.program(key) for key in operator.program_keys())])


@contextmanager
def _as_keeper(service: Service) -> Generator[psycopg.Connection[tuple[object, ...]]]:
    url = service.house.settings.keeper_database_url
    assert url
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as db:
        yield db


def test_a_new_key_is_nobody_elses(service: Service) -> None:
    owner = Owner(Purpose.PATIENT, service.program_id)
    assert service.unit(lambda db: fresh(service).renew(db, owner, service.clock.now())) is False
