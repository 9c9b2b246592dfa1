"""Each attack on a row that decides is refused, and by the one look that is there for it: without that look it succeeds.

An attack returns whether the service refused. Every one runs twice: against the service, which refuses it, and against
one that is broken on purpose in one place, which does not. So no test here passes because something else stands in the
way, and none passes whatever the service does.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import bindparam

from service.consent import records as consents
from service.custody.findings import records as findings
from service.custody.holds import records as holds
from service.custody.shredding import records as shreddings
from service.identity.open_sessions import records as sessions
from service.identity.tenants import records as tenants
from service.people.recipients import records as recipients
from service.people.relationships import records as relationships
from service.rights import records as rights
from service.store.tables.vault import vault_key
from service.vault import records as keys
from service.vault.rotating import records as rotating
from service.vault.shredding import RecordDestroyed
from tests.house import Service
from tests.integration.custody.test_findings import denied
from tests.integration.custody.test_shredding import LONG, later, register
from tests.integration.custody.watchfulness import Watchfulness
from tests.integration.disclosure.office import TPO, Office
from tests.showing import Counted

pytestmark = pytest.mark.shows("O-29")

LICENCE = {
    "kind": "licensed_clinician",
    "number": "SYN-0001",
    "issuer": "State board (synthetic)",
    "starts_on": "2026-01-01",
    "ends_on": "2027-12-31",
    "verified_with": "the board's register",
}
WHY = {"nature": "unresponsive", "why_no_consent": "nobody can be reached"}


def by_hand(service: Service, statement: str, *values: object) -> None:
    """One row changed by the owner of the database, whom no trigger, grant or policy binds."""
    with service.house.superuser() as db:
        db.execute("set session_replication_role = replica")
        assert db.execute(statement, values).rowcount == 1  # type: ignore[arg-type]


@contextmanager
def put_back(service: Service, table: str, row_id: UUID | str) -> Generator[None]:
    """What happens inside has not happened to this row afterwards: it is as it was, its code included."""
    with service.house.superuser() as db:
        cursor = db.execute(f"select * from {table} where id = %s", [row_id])  # type: ignore[arg-type]
        names = [column.name for column in cursor.description or ()]
        was = cursor.fetchone()
    assert was is not None
    yield
    marks = ", ".join(["%s"] * len(names))
    by_hand(service, f"update {table} set ({', '.join(names)}) = row({marks}) where id = %s", *was, row_id)


def refused(answer: Any) -> bool:
    return answer.status_code >= 400


# -- who somebody is -------------------------------------------------------------------------------


def more_roles(service: Service) -> bool:
    who = service.account("clinician")
    by_hand(service, "update account set roles = roles || '{administrator}' where id = %s", who.id)
    return refused(service.client(who, None).get("/keys"))


def longer_session(service: Service) -> bool:
    who = service.account("clinician")
    by_hand(
        service, "update session set expires_at = expires_at + interval '1 day' where id = %s", who.session_id
    )
    return refused(service.client(who).get("/auth/me"))


def session_after_its_end(service: Service) -> bool:
    who = service.account("clinician")
    with put_back(service, "session", who.session_id):
        assert service.client(who).delete(f"/auth/sessions/{who.session_id}").status_code == 204
    return refused(service.client(who).get("/auth/me"))


def account_with_its_former_roles(service: Service) -> bool:
    who, admin = service.account("clinician"), service.client("administrator")
    with put_back(service, "account", who.id), put_back(service, "session", who.session_id):
        assert admin.post(f"/users/{who.id}/disable").status_code == 200
    return refused(service.client(who).get("/auth/me"))


def licence_after_its_withdrawal(service: Service) -> bool:
    who, admin = service.account("clinician"), service.client("administrator")
    patient = Office(service).patient_id
    made = admin.post(f"/users/{who.id}/credentials", LICENCE).json()
    with put_back(service, "credential", made["id"]):
        suspended = admin.patch(f"/credentials/{made['id']}", {"state": "suspended"}, version=1)
        assert suspended.status_code == 200, suspended.text
    return refused(service.client(who, "BTG").post(f"/patients/{patient}/emergency-access", WHY))


def longer_licence(service: Service) -> bool:
    who, admin = service.account("clinician"), service.client("administrator")
    patient = Office(service).patient_id
    made = admin.post(f"/users/{who.id}/credentials", LICENCE | {"ends_on": "2026-02-01"}).json()
    by_hand(service, "update credential set ends_on = '2030-01-01' where id = %s", made["id"])
    return refused(service.client(who, "BTG").post(f"/patients/{patient}/emergency-access", WHY))


def another_description(service: Service) -> bool:
    """What the program says of its own units is changed by hand, with the version that makes everybody read it."""
    who = service.account("clinician")
    assert service.client(who).get("/auth/me").status_code == 200
    by_hand(
        service,
        "update program set config = replace(config, 'regime: part2', 'regime: hipaa_only'), version = version + 1 "
        "where id = %s",
        service.program_id,
    )
    return refused(service.client(who).get("/auth/me"))


# -- who is what to a patient ----------------------------------------------------------------------


def relationship_of_somebody_else(service: Service) -> bool:
    office = Office(service)
    assert office.clinician.get(f"/patients/{office.patient_id}").status_code == 200
    stranger, known = service.account("clinician", name="stranger"), service.accounts["clinician"]
    by_hand(service, "update relationship set account_id = %s where account_id = %s", stranger.id, known.id)
    return refused(service.client(stranger).get(f"/patients/{office.patient_id}"))


def _worked_with(service: Service) -> tuple[Office, dict[str, Any]]:
    office = Office(service)
    who = service.account("clinician", name="once")
    said = {
        "kind": "staff",
        "account_id": str(who.id),
        "starts_on": "2026-01-01",
        "evidence": "on the team",
    }
    made = office.intake.post(f"/patients/{office.patient_id}/relationships", said)
    assert made.status_code == 201, made.text
    return office, made.json()


def relationship_after_its_end(service: Service) -> bool:
    office, made = _worked_with(service)
    client = service.client(service.accounts["once"])
    assert client.get(f"/patients/{office.patient_id}").status_code == 200
    with put_back(service, "relationship", made["id"]):
        ended = office.intake.patch(f"/relationships/{made['id']}", {"ends_on": "2026-02-01"}, version=1)
        assert ended.status_code == 200, ended.text
    return refused(client.get(f"/patients/{office.patient_id}"))


def treating_after_its_end(service: Service) -> bool:
    """A clinic that treated the patient once: a consent for those who treat reaches it no more."""
    office = Office(service)
    office.item("attendance")
    clinic = office.clinic
    office.signed(TPO)
    assert office.disclose(clinic).status_code == 201
    listed = office.intake.get(f"/patients/{office.patient_id}/relationships").json()["items"]
    made = next(one for one in listed if one["kind"] == "treating")
    with put_back(service, "relationship", made["id"]):
        ended = office.intake.patch(f"/relationships/{made['id']}", {"ends_on": "2026-02-01"}, version=1)
        assert ended.status_code == 200, ended.text
    return refused(office.disclose(clinic))


def recipient_made_a_covered_entity(service: Service) -> bool:
    office = Office(service)
    office.item("attendance")
    clinic = office.clinic
    office.signed(TPO)
    by_hand(service, "update recipient set business_associate = not business_associate where id = %s", clinic)
    return refused(office.disclose(clinic))


# -- what a patient said ---------------------------------------------------------------------------


def consent_after_its_revocation(service: Service) -> bool:
    office = Office(service)
    office.item("attendance")
    clinic, consent = office.clinic, office.signed(TPO)["id"]
    with put_back(service, "consent", consent):
        office.revoke(consent)
    return refused(office.disclose(clinic))


def _restricted(service: Service, **more: Any) -> tuple[Office, str, dict[str, Any]]:
    """What the patient asked for is agreed to: nothing goes to the clinic."""
    office = Office(service)
    office.item("attendance")
    clinic = office.clinic
    office.signed(TPO)
    wanted = {
        "items": [office.items["attendance"]],
        "recipients": [clinic],
        "purposes": ["TREAT"],
        "classes": ["treatment"],
    }
    made = office.intake.post(f"/patients/{office.patient_id}/restrictions", wanted | more)
    assert made.status_code == 201, made.text
    return office, clinic, made.json()


def deleted_restriction(service: Service) -> bool:
    office, clinic, made = _restricted(service)
    by_hand(service, "delete from restriction where id = %s", made["id"])
    return refused(office.disclose(clinic))


def restriction_as_it_was_asked_for(service: Service) -> bool:
    """Agreed to, and put back to what it was before: asked for, and not in force."""
    office, clinic, made = _restricted(service)
    assert made["state"] == "requested"
    with put_back(service, "restriction", made["id"]):
        agreed = service.client("compliance").post(
            f"/restrictions/{made['id']}/answer", {"answer": "agreed", "reason": "asked"}, version=1
        )
        assert agreed.status_code == 200, agreed.text
    return refused(office.disclose(clinic))


# -- what is destroyed -----------------------------------------------------------------------------


def _destroying(service: Service) -> tuple[Any, str]:
    """A record that could be destroyed now, and a request for it."""
    patient = register(service)
    later(service, LONG)
    body = {"patient_id": patient, "basis": "retention_over", "reason": "Every period is over."}
    client = service.client("compliance")
    return client.post("/keys/shreddings", body).json(), patient


def deleted_hold(service: Service) -> bool:
    asked, patient = _destroying(service)
    owner = service.account("compliance")
    held = {"patient_id": patient, "owner_id": str(owner.id), "reason": "a claim (synthetic)"}
    made = service.client(owner).post("/legal-holds", held)
    assert made.status_code == 201, made.text
    by_hand(service, "delete from legal_hold where id = %s", made.json()["id"])
    path = f"/keys/shreddings/{asked['id']}/approval"
    return refused(service.client("administrator").post(path, {"decision": "approved"}))


def deleted_hold_on_everybody(service: Service) -> bool:
    asked, _ = _destroying(service)
    owner = service.account("compliance")
    made = service.client(owner).post("/legal-holds", {"owner_id": str(owner.id), "reason": "audit"})
    assert made.status_code == 201, made.text
    by_hand(service, "delete from legal_hold where id = %s", made.json()["id"])
    path = f"/keys/shreddings/{asked['id']}/approval"
    return refused(service.client("administrator").post(path, {"decision": "approved"}))


def destruction_said_to_need_no_end_of_keys(service: Service) -> bool:
    """The key-encryption keys that a destruction waits for are struck from its row: it would be finished at once."""
    asked, _ = _destroying(service)
    client = service.client("administrator")
    assert (
        client.post(f"/keys/shreddings/{asked['id']}/approval", {"decision": "approved"}).status_code == 200
    )
    by_hand(service, "update shredding set epochs = null where id = %s", asked["id"])
    return refused(service.client("compliance").get(f"/keys/shreddings/{asked['id']}"))


def key_after_its_destruction(service: Service) -> bool:
    """Wrapped key and patient are put back from a copy of before. What had wrapped the key is not gone yet."""
    vault = service.house.state.mechanisms.vault
    asked, patient = _destroying(service)
    with service.house.superuser() as db:
        key = db.execute("select id from vault_key where patient_id = %s", [patient]).fetchone()
    assert key is not None
    with put_back(service, "vault_key", key[0]), put_back(service, "patient", patient):
        done = service.client("administrator").post(
            f"/keys/shreddings/{asked['id']}/approval", {"decision": "approved"}
        )
        assert done.status_code == 200, done.text
    vault.forget()
    try:
        service.unit(lambda db: vault.patient_key(db, service.program_id, UUID(patient)))
    except RecordDestroyed:
        return True
    return False


def finding_called_justified(service: Service) -> bool:
    """What the rules found about somebody is taken off the list without a decision."""
    watch = Watchfulness(service)
    denied(watch, 5)
    watch.look()
    (found,) = watch.findings()
    by_hand(service, "update finding set state = 'justified' where id = %s", found["id"])
    return refused(watch.compliance.get("/audit/reviews"))


@dataclass(frozen=True)
class Attack:
    """What is done, and the look (or both looks) without which it succeeds: attributes of a module."""

    run: Callable[[Service], bool]
    module: ModuleType
    look: str

    def __str__(self) -> str:
        return self.run.__name__


ATTACKS = [
    Attack(more_roles, sessions, "check"),
    Attack(longer_session, sessions, "check"),
    Attack(session_after_its_end, sessions, "refuse_older"),
    Attack(account_with_its_former_roles, sessions, "refuse_older"),
    Attack(licence_after_its_withdrawal, sessions, "refuse_older"),
    Attack(longer_licence, sessions, "check"),
    Attack(another_description, tenants, "verified"),
    Attack(relationship_of_somebody_else, relationships, "check verified"),
    Attack(relationship_after_its_end, relationships, "refuse_older"),
    Attack(treating_after_its_end, relationships, "refuse_older"),
    Attack(recipient_made_a_covered_entity, recipients, "verified"),
    Attack(consent_after_its_revocation, consents, "stands"),
    Attack(deleted_restriction, rights, "restriction_lost"),
    Attack(restriction_as_it_was_asked_for, rights, "stands"),
    Attack(deleted_hold, holds, "hold_lost"),
    Attack(deleted_hold_on_everybody, holds, "hold_lost"),
    Attack(key_after_its_destruction, keys, "_OF_PATIENT"),
    Attack(finding_called_justified, findings, "verified"),
    Attack(destruction_said_to_need_no_end_of_keys, shreddings, "verified"),
]


def sees_nothing(*_: object) -> None:
    """A check that checks nothing."""


def finds_nothing_wrong(*_: object) -> bool:
    return True


def misses_nothing(*_: object) -> bool:
    return False


def as_it_came(_db: object, _table: object, row: object) -> object:
    return row


#: What the look is replaced by.
BLIND: dict[str, Any] = {
    "check": sees_nothing,
    "verified": as_it_came,
    "refuse_older": sees_nothing,
    "stands": finds_nothing_wrong,
    "restriction_lost": misses_nothing,
    "hold_lost": misses_nothing,
    "_OF_PATIENT": keys.__dict__["_OF_OWNER"].where(vault_key.c.patient_id == bindparam("patient_id")),
}


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_it_is_refused_and_an_incident(service: Service, attack: Attack, counted: Counted) -> None:
    before = incidents(service)
    assert attack.run(service)
    # a consent and a restriction say by themselves what a damaged one means: it permits nothing, it forbids everything;
    # and a record that was destroyed is one that was destroyed
    assert incidents(service) > before or attack.look in ("stands", "_OF_PATIENT")
    counted("rows that decide attacked and refused", 1)


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_nothing_else_refuses_it(service: Service, attack: Attack, monkeypatch: pytest.MonkeyPatch) -> None:
    for look in attack.look.split():
        monkeypatch.setattr(attack.module, look, BLIND[look])
    assert not attack.run(service)


def test_the_key_of_a_destroyed_record_is_not_wrapped_again(service: Service) -> None:
    """Else it would outlive the key-encryption key that is rolled because of it."""
    other = register(service, given_name="Another")
    assert key_after_its_destruction(service)
    with service.house.superuser() as db:
        rows = db.execute(
            "select key_id, patient_id, state from vault_key where program_id = %s and patient_id is not null",
            [service.program_id],
        ).fetchall()
    assert {state for *_, state in rows} == {"active"}, "both stand there as if nothing had happened"
    found = service.unit(
        lambda db: rotating.wrapped_elsewhere(
            db, service.program_id, bytes(16), after=UUID(int=0), at_most=100
        )
    )
    assert [str(one.owner.patient_id) for one in found if one.owner.patient_id] == [other]


def incidents(service: Service) -> int:
    with service.house.superuser() as db:
        row = db.execute("select count(*) from audit_entry where action = 'integrity.failed'").fetchone()
    assert row is not None
    return int(row[0])
