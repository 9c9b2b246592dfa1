"""The vault on a real database: keys are made once, found again, bound to their owner, and never outlive a
rollback.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection

from service.errors import IntegrityError, Unavailable
from service.ids import SERVICE_PROGRAM
from service.store.session import in_unit_sync
from service.store.types import Sealed
from service.vault import keyring
from service.vault.envelope import RowKey, SealedTable
from service.vault.keyring import VaultSealed
from service.vault.shredding import RecordDestroyed
from service.vault.vault import Vault
from service.work import enter
from tests.house import Service, open_program

T = TypeVar("T")
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TABLE = SealedTable("patient", ("demographics",))


class Ticks:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def patient_id(service: Service) -> UUID:
    return with_key(service, uuid4())


def with_key(service: Service, patient_id: UUID) -> UUID:
    vault = service.house.state.mechanisms.vault
    service.unit(lambda db: vault.create_patient_key(db, service.program_id, patient_id, NOW))
    return patient_id


def fresh(service: Service, **options: Any) -> Vault:
    """The vault of another worker."""
    return Vault(keyring.load(service.house.settings.keyring), **options)


def row(service: Service, patient_id: UUID | None) -> RowKey:
    return RowKey(service.program_id, UUID(int=7), 1, patient_id)


def seal(service: Service, vault: Vault, patient_id: UUID | None) -> dict[str, Sealed]:
    place = row(service, patient_id)
    return service.unit(lambda db: vault.seal_row(db, TABLE, place, {"demographics": "secret"}))


def opened(service: Service, vault: Vault, patient_id: UUID | None, sealed: dict[str, Sealed]) -> object:
    place = row(service, patient_id)
    return service.unit(lambda db: vault.open_row(db, TABLE, place, sealed))["demographics"]


def as_service(service: Service, act: Callable[[Connection], T]) -> T:
    def entered(db: Connection) -> T:
        enter(db, SERVICE_PROGRAM)
        return act(db)

    return in_unit_sync(service.house.engine, entered)


def superuser(service: Service, statement: str, *values: object) -> None:
    with service.house.superuser() as db:
        assert db.execute(statement, values).rowcount >= 1  # type: ignore[arg-type]


def test_what_one_worker_seals_another_opens(service: Service, patient_id: UUID) -> None:
    for of in (patient_id, None):
        sealed = seal(service, fresh(service), of)
        assert opened(service, fresh(service), of, sealed) == "secret"


def test_a_patient_has_one_key_and_a_program_its_own(service: Service, patient_id: UUID) -> None:
    with pytest.raises(IntegrityError):
        with_key(service, patient_id)
    vault = fresh(service)
    other = with_key(service, uuid4())
    keys = [
        service.unit(lambda db: vault.patient_key(db, service.program_id, patient_id)),
        service.unit(lambda db: vault.patient_key(db, service.program_id, other)),
        service.unit(lambda db: vault.program_key(db, service.program_id)),
        service.unit(lambda db: vault.index_key(db, service.program_id)),
    ]
    assert len({key.id for key in keys}) == len({key.secret for key in keys}) == 4


def test_program_keys_are_made_once(service: Service) -> None:
    vault = fresh(service)
    before = service.unit(lambda db: vault.program_key(db, service.program_id)).id
    service.unit(lambda db: vault.ensure_program_keys(db, service.program_id, NOW))
    assert service.unit(lambda db: fresh(service).program_key(db, service.program_id)).id == before


def test_a_key_of_a_rolled_back_transaction_is_not_kept(service: Service) -> None:
    vault, patient_id = fresh(service), uuid4()
    rolled_back: list[bytes] = []

    def act(db: Connection) -> None:
        vault.create_patient_key(db, service.program_id, patient_id, NOW)
        rolled_back.append(vault.patient_key(db, service.program_id, patient_id).id)
        raise RuntimeError("something fails before the commit")

    with pytest.raises(RuntimeError):
        service.unit(act)
    with pytest.raises(IntegrityError):
        seal(service, vault, patient_id)
    service.unit(lambda db: vault.create_patient_key(db, service.program_id, patient_id, NOW))
    kept = service.unit(lambda db: vault.patient_key(db, service.program_id, patient_id)).id
    assert kept != rolled_back[0]
    assert opened(service, fresh(service), patient_id, seal(service, vault, patient_id)) == "secret"


def test_a_patient_without_a_key_cannot_be_sealed_for(service: Service) -> None:
    with pytest.raises(IntegrityError):
        seal(service, fresh(service), uuid4())


def test_another_programs_key_is_not_found(service: Service, patient_id: UUID) -> None:
    sealed = seal(service, fresh(service), patient_id)
    other = open_program(service.house)
    place = row(service, patient_id)
    with pytest.raises(IntegrityError):
        other.unit(lambda db: fresh(service).open_row(db, TABLE, place, sealed))


def test_a_wrapped_key_moved_to_another_owner_does_not_unwrap(service: Service, patient_id: UUID) -> None:
    other = with_key(service, uuid4())
    superuser(service, "delete from vault_key where patient_id = %s", other)
    superuser(service, "update vault_key set patient_id = %s where patient_id = %s", other, patient_id)
    with pytest.raises(IntegrityError):
        seal(service, fresh(service), other)
    superuser(
        service,
        "update vault_key set patient_id = null, purpose = 'ledger_mac' where patient_id = %s",
        other,
    )
    superuser(
        service, "delete from vault_key where program_id = %s and purpose = 'ledger_mac'", service.program_id
    )


def test_two_swapped_wrapped_keys_do_not_unwrap(service: Service, patient_id: UUID) -> None:
    other = with_key(service, uuid4())
    superuser(
        service,
        "update vault_key a set wrapped = b.wrapped from vault_key b "
        "where a.patient_id = any(%s) and b.patient_id = any(%s) and a.id <> b.id",
        [patient_id, other],
        [patient_id, other],
    )
    for one in (patient_id, other):
        with pytest.raises(IntegrityError):
            seal(service, fresh(service), one)


def test_a_kept_key_is_used_without_the_database_until_its_time(service: Service, patient_id: UUID) -> None:
    ticks = Ticks()
    vault = fresh(service, cache_seconds=30.0, ticks=ticks)
    sealed = seal(service, vault, patient_id)
    superuser(
        service, "update vault_key set state = 'shredded', wrapped = null where patient_id = %s", patient_id
    )
    ticks.at = 29.9
    assert opened(service, vault, patient_id, sealed) == "secret"
    ticks.at = 30.0
    with pytest.raises(RecordDestroyed):
        opened(service, vault, patient_id, sealed)


def test_an_evicted_key_is_looked_for_again(service: Service, patient_id: UUID) -> None:
    vault = fresh(service)
    sealed = seal(service, vault, patient_id)
    superuser(
        service, "update vault_key set state = 'shredded', wrapped = null where patient_id = %s", patient_id
    )
    assert opened(service, vault, patient_id, sealed) == "secret"
    vault.evict(service.program_id, patient_id)
    with pytest.raises(RecordDestroyed):
        opened(service, vault, patient_id, sealed)


def test_a_retired_key_opens_and_no_longer_seals(service: Service, patient_id: UUID) -> None:
    """Another worker rotates the key: ours still holds the old set and opens what the new key sealed."""
    ours = fresh(service)
    before = seal(service, ours, patient_id)
    superuser(service, "update vault_key set state = 'retired' where patient_id = %s", patient_id)
    service.unit(lambda db: fresh(service).create_patient_key(db, service.program_id, patient_id, NOW))
    after = seal(service, fresh(service), patient_id)
    assert before["demographics"].envelope[2:18] != after["demographics"].envelope[2:18]
    assert opened(service, ours, patient_id, after) == "secret"
    assert opened(service, fresh(service), patient_id, before) == "secret"


def test_blind_indexes_and_hashes_belong_to_their_program(service: Service) -> None:
    vault, other = fresh(service), open_program(service.house)

    def values(of: Service) -> tuple[bytes, ...]:
        return of.unit(
            lambda db: (
                vault.index(db, of.program_id, "patient_index", "name_birth", "testperson"),
                vault.keyed_hash(db, of.program_id, {"b": 1, "a": "x"}),
            )
        )

    assert values(service) == values(service)
    assert not set(values(service)) & set(values(other))
    same = service.unit(lambda db: vault.keyed_hash(db, service.program_id, {"a": "x", "b": 1}))
    assert same == values(service)[1]


# -- the service's own keys ----------------------------------------------------------------------------


def test_the_services_keys_are_the_same_for_every_worker(service: Service) -> None:
    first = as_service(service, fresh(service).load_service_keys)
    second = as_service(service, lambda db: fresh(service).ensure_service_keys(db, NOW))
    assert first.ledger_mac == second.ledger_mac
    assert first.token_signing_pem == second.token_signing_pem
    assert first.ledger_signer.public_key == second.ledger_signer.public_key
    assert first.ledger_mac.hex() not in repr(first)


def test_the_service_seals_for_itself_under_any_tenant(service: Service) -> None:
    vault = fresh(service)
    as_service(service, vault.load_service_keys)
    place = RowKey(SERVICE_PROGRAM, UUID(int=7), 1, None)
    sealed = service.unit(lambda db: vault.seal_row(db, TABLE, place, {"demographics": "secret"}))
    assert service.unit(lambda db: vault.open_row(db, TABLE, place, sealed)) == {"demographics": "secret"}
    assert len(service.unit(lambda db: vault.index(db, SERVICE_PROGRAM, "account", "username", "a"))) == 16


def test_a_wrong_keyring_keeps_the_service_shut(service: Service, tmp_path: Path) -> None:
    path = keyring.keyring_path(tmp_path)
    keyring.init(path, NOW)
    wrong = Vault(keyring.load(path))
    with pytest.raises(VaultSealed, match="another deployment"):
        as_service(service, wrong.load_service_keys)
    with pytest.raises(VaultSealed, match="another deployment"):
        as_service(service, lambda db: wrong.ensure_service_keys(db, NOW))
    as_service(service, fresh(service).load_service_keys)  # nothing was replaced


def test_a_database_without_service_keys_is_not_served(service: Service) -> None:
    with pytest.raises(VaultSealed, match="never set up"):
        service.unit(
            lambda db: fresh(service).load_service_keys(db)
        )  # a program's tenancy shows none of them


def test_the_application_cannot_delete_keys(service: Service, patient_id: UUID) -> None:
    from sqlalchemy import text
    from sqlalchemy.exc import ProgrammingError

    with pytest.raises((ProgrammingError, Unavailable)):
        service.unit(lambda db: db.execute(text("delete from vault_key")))
    assert seal(service, fresh(service), patient_id)
