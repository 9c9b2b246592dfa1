"""A program's description decides which law governs its units: another tenant neither reads nor changes it."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import DBAPIError

from service.ids import SERVICE_PROGRAM
from service.store.session import in_unit_sync
from service.store.tables.programs import program
from service.work import enter
from tests.house import House, Service, open_program


def test_a_tenant_sees_its_own_description_and_no_other(service: Service, house: House) -> None:
    other = open_program(house)
    own = service.unit(lambda db: db.execute(select(program.c.id)).scalars().all())
    assert own == [service.program_id]
    assert in_unit_sync(house.engine, lambda db: db.execute(select(program.c.id)).all()) == []

    def all_of_them(db: Connection) -> set[UUID]:
        enter(db, SERVICE_PROGRAM)
        return set(db.execute(select(program.c.id)).scalars())

    assert {service.program_id, other.program_id} <= in_unit_sync(house.engine, all_of_them)


def test_a_tenant_changes_no_other_description(service: Service, house: House) -> None:
    other = open_program(house)

    def taken_over(db: Connection) -> int:
        change = update(program).where(program.c.id == other.program_id)
        return db.execute(change.values(config="{}", entry_id=service.entry(db, "program.manage"))).rowcount

    assert service.unit(taken_over) == 0

    def made_up(db: Connection) -> None:
        values = {
            "id": uuid4(),
            "key": "made-up",
            "name": "Made up",
            "config": "{}",
            "version": 1,
            "changed_at": service.clock.now(),
            "entry_id": service.entry(db, "program.manage"),
        }
        db.execute(insert(program).values(values))

    with pytest.raises(DBAPIError, match="row-level security"):
        service.unit(made_up)
