"""O-29: what somebody who may write the database does to a ciphertext, against the running service.

Bits flipped, ends cut, nonces and whole values moved: every reading of it is refused in one and the same way, stands in
the ledger as an incident, shows nothing of another place, and every other row is read as before.
"""

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection

from service.errors import IntegrityError
from service.store.types import Sealed
from service.vault.envelope import RowKey, SealedTable
from tests.house import Client, Service, open_program
from tests.integration.disclosure.office import SPECIFIC, Office
from tests.integration.sealed_columns import key_of, rows_of, sealed_columns
from tests.showing import Counted

#: In `make test` one bit of each byte and every fourth length; in `make battery` all of them.
pytestmark = [pytest.mark.battery, pytest.mark.shows("O-29")]
FULL = os.environ.get("CONSENTRY_BATTERY") == "1"
SAID = "A stored value could not be verified. The incident has been recorded."
SECRETS = ("mine", "beside", "elsewhere", "foreign")


def envelope_of(db: psycopg.Connection[Any], item: str, column: str = "content") -> bytes:
    row = db.execute(f"SELECT {column} FROM record_item WHERE id = %s", [item]).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return bytes(row[0])


@dataclass
class Case:
    """An item whose content is replaced again and again, one beside it, and what the service said."""

    service: Service
    reader: Client
    victim: str
    beside: str
    db: psycopg.Connection[Any]
    answers: set[str] = field(default_factory=set[str])
    done: int = 0

    def put(self, envelope: bytes) -> None:
        """As the attacker: triggers off, this value in the place of the item's content."""
        change = "UPDATE record_item SET content = %s WHERE id = %s"
        assert self.db.execute(change, [envelope, self.victim]).rowcount == 1

    def refused(self, envelope: bytes) -> None:
        self.put(envelope)
        answer = self.reader.get(f"/items/{self.victim}")
        body: dict[str, Any] = answer.json()
        self.answers.add(f"{answer.status_code} {body['code']} {body['detail']} {sorted(body)}")
        assert not [one for one in SECRETS if one in answer.text]
        self.done += 1

    def others_are_read(self) -> None:
        assert self.reader.get(f"/items/{self.beside}").json()["content"] == "beside"

    def incidents(self) -> int:
        return len(self.service.entries(action="integrity.failed", outcome="deny"))


@pytest.fixture
def case(service: Service) -> Iterator[Case]:
    office = Office(service)
    victim, beside = office.item("attendance", "mine"), office.item("lab_result", "beside")
    with service.house.superuser() as db:
        db.execute("SET session_replication_role = replica")
        yield Case(service, office.clinician, victim, beside, db)


def bits(envelope: bytes) -> Iterator[bytes]:
    """With one bit flipped: each, or in turn one of each byte."""
    for at in range(len(envelope)):
        for bit in range(8) if FULL else (at % 8,):
            bent = bytearray(envelope)
            bent[at] ^= 1 << bit
            yield bytes(bent)


def test_every_bit_and_every_length(case: Case, counted: Counted) -> None:
    whole = envelope_of(case.db, case.victim)
    for bent in bits(whole):
        case.refused(bent)
    flipped = case.done
    for end in range(0, len(whole), 1 if FULL else 4):
        case.refused(whole[:end])
    case.refused(whole + b"\x00")
    assert len(case.answers) == 1
    assert case.answers.pop().startswith(f"500 integrity {SAID}")
    assert case.incidents() == case.done  # one for each reading
    case.others_are_read()
    case.put(whole)
    assert case.reader.get(f"/items/{case.victim}").json()["content"] == "mine"
    counted("stored bits flipped", flipped)
    counted("stored values cut", case.done - flipped)


def test_another_row_column_patient_tenant_or_nonce(case: Case, counted: Counted) -> None:
    other = Office(case.service)
    case.service.account("clinician", related_to=[other.patient_id])
    elsewhere = other.item("attendance", "elsewhere")
    foreign = Office(open_program(case.service.house)).item("attendance", "foreign")
    whole, beside = envelope_of(case.db, case.victim), envelope_of(case.db, case.beside)
    moved = [
        beside,
        envelope_of(case.db, elsewhere),
        envelope_of(case.db, foreign),
        envelope_of(case.db, case.victim, "labels"),
        whole[:18] + beside[18:30] + whole[30:],  # the other's nonce
        whole[:30] + beside[30:],  # the other's ciphertext
        whole[:2] + envelope_of(case.db, elsewhere)[2:18] + whole[18:],  # says the other's key
        b"\x01\x02" + whole[2:],  # says the suite that is reserved
    ]
    for envelope in moved:
        case.refused(envelope)
        case.others_are_read()
    assert len(case.answers) == 1
    assert case.answers.pop().startswith(f"500 integrity {SAID}")
    assert case.incidents() == case.done == len(moved)
    counted("stored values moved", len(moved))


@dataclass(frozen=True)
class Kept:
    """One sealed value of the database and where it belongs."""

    table: str
    column: str
    row: RowKey
    sealed: Sealed


def everything(service: Service) -> list[Kept]:
    return [
        Kept(name, column, key_of(name, row), value)
        for name, columns in sealed_columns().items()
        for row in service.unit(lambda db, name=name: db.execute(rows_of(name, service.program_id)).all())
        for column in columns
        if (value := getattr(row, column)) is not None
    ]


def test_no_value_of_a_filled_database_opens_at_a_place_of_another(
    service: Service, counted: Counted
) -> None:
    office = Office(service)
    office.chart()
    office.signed(SPECIFIC)
    office.disclose(office.clinic)
    kept, chance = everything(service), random.Random(29)
    assert len({(one.table, one.column) for one in kept}) >= 9
    pairs = [
        (one, other)
        for one in kept
        for other in kept
        if (one.table, one.column, one.row) != (other.table, other.column, other.row)
        # the same owner is the harder case: the key is there, only the place is not the value's
        and (one.row.patient_id == other.row.patient_id or chance.random() < 0.02)
    ]
    if not FULL:
        pairs = chance.sample(pairs, min(1_000, len(pairs)))
    vault = service.house.state.mechanisms.vault

    def opens(db: Connection, value: Kept, place: Kept) -> bool:
        table = SealedTable(place.table, (place.column,))
        try:
            vault.open_row(db, table, place.row, {place.column: value.sealed})
        except IntegrityError:
            return False
        return True

    assert all(service.unit(lambda db: [opens(db, one, one) for one in kept]))
    assert not any(service.unit(lambda db: [opens(db, value, place) for value, place in pairs]))
    counted("values tried at other places", len(pairs))
