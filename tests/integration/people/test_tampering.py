"""Somebody with the database moves or bends what is sealed: one uniform refusal, on record, and nothing else."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.house import Service

BODY = {"given_name": "Ana", "family_name": "Testperson", "birth_date": "1990-04-05"}
OTHER = {"given_name": "Bea", "family_name": "Otherperson", "birth_date": "1991-05-06"}
Tamper = Callable[[psycopg.Connection[Any], str, str], None]


def copy_from_the_other(db: psycopg.Connection[Any], victim: str, other: str) -> None:
    run(
        db,
        "update patient a set demographics = b.demographics from patient b where a.id = %s and b.id = %s",
        victim,
        other,
    )


def take_the_other_key(db: psycopg.Connection[Any], victim: str, other: str) -> None:
    run(
        db,
        "update vault_key a set wrapped = b.wrapped, kek_id = b.kek_id from vault_key b "
        "where a.patient_id = %s and b.patient_id = %s",
        victim,
        other,
    )


def flip_a_bit(db: psycopg.Connection[Any], victim: str, other: str) -> None:
    run(
        db,
        "update patient set demographics = set_byte(demographics, 40, get_byte(demographics, 40) # 1) where id = %s",
        victim,
    )


def cut_the_end(db: psycopg.Connection[Any], victim: str, other: str) -> None:
    run(db, "update patient set demographics = substr(demographics, 1, 50) where id = %s", victim)


def empty(db: psycopg.Connection[Any], victim: str, other: str) -> None:
    run(db, "update patient set demographics = ''::bytea where id = %s", victim)


def say_another_version(db: psycopg.Connection[Any], victim: str, other: str) -> None:
    run(db, "update patient set version = 2 where id = %s", victim)


def bring_back_the_old_value(db: psycopg.Connection[Any], victim: str, other: str) -> None:
    run(
        db,
        "update patient p set demographics = v.demographics, version = v.version from patient_version v "
        "where p.id = %s and v.patient_id = p.id",
        victim,
    )


def lose_the_key(db: psycopg.Connection[Any], victim: str, other: str) -> None:
    run(db, "delete from vault_key where patient_id = %s", victim)


def run(db: psycopg.Connection[Any], statement: str, *values: str) -> None:
    """As the attacker: triggers off, exactly one row."""
    db.execute("set session_replication_role = replica")
    assert db.execute(statement, values).rowcount == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "tamper",
    [
        copy_from_the_other,
        take_the_other_key,
        flip_a_bit,
        cut_the_end,
        empty,
        say_another_version,
        bring_back_the_old_value,
        lose_the_key,
    ],
)
def test_a_tampered_patient_is_refused_uniformly_and_the_others_stay_readable(
    service: Service, tamper: Tamper
) -> None:
    intake = service.client("intake")
    victim, other = (intake.post("/patients", body).json()["id"] for body in (BODY, OTHER))
    if tamper is bring_back_the_old_value:
        assert intake.patch(f"/patients/{victim}", {"sex": "female"}, version=1).status_code == 200
    with service.house.superuser() as db:
        tamper(db, victim, other)
    service.house.state.mechanisms.vault.evict(service.program_id, UUID(victim))
    answer = intake.get(f"/patients/{victim}")
    body = answer.json()
    assert (answer.status_code, body["code"]) == (500, "integrity")
    assert body["detail"] == "A stored value could not be verified. The incident has been recorded."
    assert "person" not in answer.text
    last = service.entries()[-1]
    assert (last["action"], last["outcome"]) == ("integrity.failed", "deny")
    assert intake.get(f"/patients/{other}").json()["family_name"] == "Otherperson"
