"""Statements handed to the driver as text keep what SQLAlchemy's way gives (`service/store/direct.py`)."""

from uuid import uuid4

import pytest
from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import IntegrityError, OperationalError

from service.people.records import patient_for_staff
from service.store.direct import rows, write
from service.store.session import in_unit_sync
from service.store.tables.identity import sign_in_slot
from service.store.tables.people import patient
from service.store.types import Sealed
from tests.house import House, Service

_ADD = insert(sign_in_slot)
_ALL = select(sign_in_slot)
_PATIENTS = select(patient)
_PID = select(func.pg_backend_pid().label("pid"))
_ADD_PATIENT = insert(patient)


def test_row_written_by_first_statement_is_committed(service: Service) -> None:
    name = uuid4().bytes
    slot = {
        "username_index": name,
        "failures": 3,
        "locked_until": None,
        "last_attempt_at": service.clock.now(),
    }
    in_unit_sync(service.house.engine, lambda db: write(db, _ADD, slot))
    found = in_unit_sync(service.house.engine, lambda db: rows(db, _ALL, {}))
    assert [(one.failures, one.locked_until) for one in found if bytes(one.username_index) == name] == [
        (3, None)
    ]


def test_error_is_sqlalchemys_and_quotes_no_value(service: Service) -> None:
    slot = {
        "username_index": b"x",
        "failures": None,
        "locked_until": None,
        "last_attempt_at": service.clock.now(),
    }
    with pytest.raises(IntegrityError) as raised:
        in_unit_sync(service.house.engine, lambda db: write(db, _ADD, slot))
    assert raised.value.params is None
    assert raised.value.statement is None


def test_lost_connection_leaves_the_pool(house: House) -> None:
    with house.engine.connect() as db:
        backend = rows(db, _PID, {})[0].pid
        with house.superuser() as root:
            root.execute("SELECT pg_terminate_backend(%s)", [backend])
        with pytest.raises(OperationalError) as raised:
            rows(db, _ALL, {})
        assert raised.value.connection_invalidated
        assert db.invalidated


def test_sealed_columns_stay_sealed(service: Service) -> None:
    made = service.client("intake").post(
        "/patients", {"given_name": "Direct", "family_name": "Testperson", "birth_date": "1980-01-01"}
    )
    found = service.unit(lambda db: rows(db, _PATIENTS, {}))
    assert [str(one.id) for one in found] == [made.json()["id"]]
    assert type(found[0].demographics) is Sealed
    with pytest.raises(TypeError):
        service.unit(lambda db: write(db, _ADD_PATIENT, {**found[0]._asdict(), "demographics": b"plain"}))


def test_patient_and_relationship_are_one_answer(service: Service) -> None:
    made = service.client("intake").post(
        "/patients", {"given_name": "Direct", "family_name": "Testperson", "birth_date": "1980-01-01"}
    )
    patient_id, today = made.json()["id"], service.clock.now().date()
    near, far = (
        service.account("clinician", related_to=[patient_id]),
        service.account("clinician", name="far"),
    )

    def asked(db: Connection) -> list[bool | None]:
        found = [patient_for_staff(db, patient_id, who.id, today) for who in (near, far)]
        return [None if one is None else one[1] for one in found]

    assert service.unit(asked) == [True, False]
    assert service.unit(lambda db: patient_for_staff(db, uuid4(), near.id, today)) is None
