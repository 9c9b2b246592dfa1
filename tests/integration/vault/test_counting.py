"""Every sealed value is counted, and a key that sealed too many is renewed; the test lowers the limit."""

from uuid import UUID

import pytest

from service.access.caller import Caller, CallerKind, Role
from service.custody.rotating import count_and_renew
from service.ids import AccountId, ProgramId
from service.vault.counting import MOST_USES, RENEWED_AT, STEP
from service.vault.keys import DataKey
from tests.house import Service, verify_ledger
from tests.integration.disclosure.office import Office
from tests.integration.sealed_columns import opened

pytestmark = pytest.mark.shows("T10")


def system(service: Service) -> Caller:
    return Caller(
        kind=CallerKind.SYSTEM,
        account_id=AccountId(UUID(int=9)),
        program_id=ProgramId(service.program_id),
        session_id=None,
        roles=frozenset({Role.SYSTEM}),
        assurance="console",
    )


def counted(service: Service, limit: int = RENEWED_AT) -> int:
    return service.work(system(service), lambda work: count_and_renew(work, limit=limit), purpose="HOPERAT")


def patient_key(service: Service, patient_id: str) -> DataKey:
    vault = service.house.state.mechanisms.vault
    vault.forget()  # as other processes do, when they see the mark
    return service.unit(lambda db: vault.patient_key(db, service.program_id, UUID(patient_id)))


def uses(service: Service) -> dict[bytes, int]:
    with service.house.superuser() as root:
        rows = root.execute(
            "SELECT key_id, uses FROM vault_key WHERE program_id = %s", [service.program_id]
        ).fetchall()
    return {bytes(row[0]): row[1] for row in rows}


def test_the_limit_is_below_what_nonces_bear() -> None:
    assert RENEWED_AT + (1 << 26) == MOST_USES == 1 << 28


def test_a_key_used_often_enough_is_renewed_and_what_it_sealed_opens(service: Service) -> None:
    office = Office(service)
    counted(service)  # registering and signing
    key = patient_key(service, office.patient_id)
    before = uses(service)[key.id]
    for _ in range(STEP // 2 + 1):
        office.item("attendance")  # labels and content
    assert counted(service) == 0
    assert uses(service)[key.id] - before == 2 * STEP  # rounded up: never fewer than there were
    assert counted(service) == 0
    assert uses(service)[key.id] - before == 2 * STEP  # counted once
    assert counted(service, limit=before + 2 * STEP + 1) == 0
    assert counted(service, limit=before + 2 * STEP) == 1
    assert patient_key(service, office.patient_id).id != key.id
    office.item("attendance", "under the new key")
    assert sum(1 for place, _ in opened(service) if place == "record_item.content") == STEP // 2 + 2
    assert service.entries(action="key.rotate")[-1]["detail"] == {"keys": 1, "step": "worn", "what": "data"}
    verify_ledger(service)
