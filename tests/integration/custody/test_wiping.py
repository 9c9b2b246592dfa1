"""What a destroyed record takes with it: of every keyed hash that is said to go, nothing of the patient is left."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, column, select, table

from service.access.actions import Action
from service.access.caller import CallerKind, Role
from service.custody.wiping.fingerprints import TAKEN
from service.custody.wiping.taking import take_away
from service.identity import accounts
from service.identity.accounts import NewAccount
from service.ids import PatientId
from service.store.tables.identity import account as account_table
from service.work import Work
from tests.fuzz.intake import Stay
from tests.house import Service
from tests.integration.disclosure.office import Office

SAID = "I want to sit with my family in the evening and to know the next morning what all of us talked about."

#: (table, column) -> values; of the whole program, so that a row which only lost its patient is still seen.
Hashes = dict[tuple[str, str], set[bytes]]


def hashes(service: Service) -> Hashes:
    def read(db: Connection) -> Hashes:
        return {
            (name, of): {
                bytes(row[0]) for row in db.execute(select(column(of)).select_from(table(name))) if row[0]
            }
            for name, of in TAKEN
            if of != "index_key"
        }

    return service.unit(read)


@pytest.fixture
def office(service: Service) -> Office:
    """A patient with something in every place, and an account whose sign-in failed once."""
    office = Office(service)
    office.chart()
    stay = Stay(office)
    stay.admitted()
    plan = stay.plan()
    plan["goals"][0]["own_words"] = SAID
    assert office.clinician.post(f"/patients/{office.patient_id}/care-plans", plan).status_code == 201
    path = f"/patients/{office.patient_id}"
    made = office.intake.post(f"{path}/packet-links")
    assert made.status_code == 201, made.text
    wish = {
        "kinds": ["lab_result"],
        "recipients": [office.clinic],
        "purposes": ["HPAYMT"],
        "reason": "private",
    }
    once = {"Idempotency-Key": str(uuid4())}
    assert office.patient.post(f"{path}/restrictions", wish, headers=once).status_code == 201
    grant = {"grant_type": "password", "username": _own_account(office), "password": "not the one it is"}
    assert service.house.http.post("/api/v1/auth/token", data=grant).status_code == 401
    return office


def _own_account(office: Office) -> str:
    """The user name of an account that the patient was given."""
    name = f"pat.testperson-{uuid4().hex[:8]}"
    new = NewAccount(
        kind=CallerKind.PATIENT,
        username=name,
        display_name="Pat Testperson",
        password_hash="",
        roles=frozenset({Role.PATIENT}),
        patient_id=PatientId(UUID(office.patient_id)),
    )
    administrator = office.service.account("administrator").caller
    office.service.work(administrator, lambda work: accounts.create_account(work, new))
    return name


def _taken(office: Office, before: Hashes) -> tuple[dict[str, int], Hashes]:
    """The patient's own hashes that are gone, after everything was taken away."""
    service = office.service

    def act(work: Work) -> dict[str, int]:
        accounts.may_manage_users(work)  # any act will do: what refuses a destruction is tested elsewhere
        done = take_away(work, UUID(office.patient_id))
        work.record(action=Action.USER_MANAGE, object_kind="patient", object_id=UUID(office.patient_id))
        return done.rows

    rows = service.work(service.account("administrator").caller, act)
    after = hashes(service)
    return rows, {place: values - after[place] for place, values in before.items()}


def test_nothing_that_finds_the_patient_is_left(office: Office) -> None:
    before = hashes(office.service)
    rows, gone = _taken(office, before)
    assert {place for place, values in gone.items() if not values} == set(), "nothing of these was taken"
    assert {name for name, many in rows.items() if not many} == set(), "nothing of these was there"
    after = hashes(office.service)
    for place in (
        ("patient_index", "value"),
        ("care_plan_paragraph", "mark"),
        ("packet_link", "token_index"),
    ):
        assert not after[place], place
    states: list[Any] = []

    def read(db: Connection) -> None:
        mine = account_table.c.patient_id == UUID(office.patient_id)
        states.extend(db.execute(select(account_table.c.state, account_table.c.index_key).where(mine)))

    office.service.unit(read)
    assert {tuple(one) for one in states} == {("disabled", None)}
    texts = select(column("state")).select_from(table("message"))
    assert office.service.unit(lambda db: set(db.execute(texts).scalars())) == {"cancelled"}
    links = select(column("index_key")).select_from(table("packet_link"))
    assert office.service.unit(lambda db: set(db.execute(links).scalars())) == {None}
