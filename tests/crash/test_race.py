"""Disclosing while the patient revokes, over several processes: nothing is disclosed after the revocation.

"After" is the order in which the database committed (pg_xact_commit_timestamp of each entry's transaction),
not the order in which anybody's clock saw the answers: with unlocked reads the clocks look fine and the
commits do not. A service without the lock on the consent must fail the same test.
"""

import asyncio
import os
import random
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from uuid import UUID

import httpx2
import pytest

from tests.house import Cluster, House, Service, open_program, verify_ledger
from tests.integration.disclosure.office import TPO, Office
from tests.processes import Worker
from tests.showing import Counted

#: In `make test` at a size that fits; in `make battery` at full size.
pytestmark = [pytest.mark.battery, pytest.mark.shows("T2")]
BATTERY = os.environ.get("CONSENTRY_BATTERY") == "1"
ROUNDS = 200 if BATTERY else 40
WORKERS = 4 if BATTERY else 2
#: Rounds a service without the lock gets to betray itself; it needs far fewer.
MUTANT_ROUNDS = 60
#: Disclosures before and after the revocation in the order of sending.
EACH_SIDE = 6
JITTER_SECONDS = 0.020


@dataclass(frozen=True)
class Round:
    """What happened to one consent: statuses as answered, and commit order as the database has it."""

    statuses: tuple[int, ...]
    made: int
    late: int


@contextmanager
def several_processes(
    cluster: Cluster, folder: pytest.TempPathFactory, name: str, factory: str, *, many: int = 2
) -> Generator[tuple[Service, tuple[Worker, ...]]]:
    """A program served by `many` processes of `factory`."""
    house = House(cluster, f"consentry_{name}", folder.mktemp(name))
    house.clock.set(datetime.now(UTC))
    service = open_program(house)
    logs = folder.mktemp(f"{name}-logs")
    try:
        with ExitStack() as running:
            yield (
                service,
                tuple(
                    running.enter_context(Worker(house.settings, logs / f"{number}.log", factory=factory))
                    for number in range(many)
                ),
            )
    finally:
        house.close()


def prepared(service: Service, number: int) -> tuple[Office, str]:
    """A patient of their own for a round, with one item and one consent that covers it; everybody signed in
    now.
    """
    service.clock.set(datetime.now(UTC))
    service.accounts.clear()
    office = Office(service)
    assert office.clinic
    office.item("attendance", f"round {number}")
    return office, office.signed(TPO)["id"]


async def race(office: Office, consent_id: str, workers: tuple[Worker, ...], seed: int) -> tuple[int, ...]:
    """Six disclosures, the revocation, six disclosures: sent in that order with jitter, answered as they
    come.
    """
    chance = random.Random(seed)
    disclosing = {"Authorization": f"Bearer {office.clinician.who.token}", "Purpose-Of-Use": "TREAT"}
    revoking = {"Authorization": f"Bearer {office.patient.who.token}", "Purpose-Of-Use": "PATRQT"}
    body = office.asked(office.recipients["Elm Family Clinic"])
    revocation = {
        "received_at": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "form": "written",
        "by": "patient",
    }
    sent_at = list(accumulate(chance.random() * JITTER_SECONDS for _ in range(2 * EACH_SIDE + 1)))
    async with httpx2.AsyncClient(timeout=20) as client:

        async def send(place: int) -> int:
            await asyncio.sleep(sent_at[place])
            base = f"{workers[place % len(workers)].base_url}/api/v1"
            if place == EACH_SIDE:
                url = f"{base}/consents/{consent_id}/revocation"
                answer = await client.post(url, json=revocation, headers=revoking)
                assert answer.status_code == 200, answer.text
            else:
                url = f"{base}/patients/{office.patient_id}/disclosures"
                answer = await client.post(url, json=body, headers=disclosing)
                assert answer.status_code in (201, 403), answer.text
            return answer.status_code

        return tuple(await asyncio.gather(*(send(place) for place in range(2 * EACH_SIDE + 1))))


def observed(service: Service, consent_id: str, statuses: tuple[int, ...]) -> Round:
    """The round as the database committed it."""
    query = """
        SELECT action, pg_xact_commit_timestamp(xid::xid) AS committed
        FROM audit_entry
        WHERE consent_id = %s AND outcome = 'permit' AND action IN ('disclosure.make', 'consent.revoke')
    """
    with service.house.superuser() as db:
        rows = db.execute(query, [UUID(consent_id)]).fetchall()
    made = [committed for action, committed in rows if action == "disclosure.make"]
    (revoked,) = [committed for action, committed in rows if action == "consent.revoke"]
    assert all(committed is not None for _, committed in rows)
    return Round(statuses, len(made), sum(committed > revoked for committed in made))


def one_round(service: Service, workers: tuple[Worker, ...], number: int) -> Round:
    office, consent_id = prepared(service, number)
    return observed(service, consent_id, asyncio.run(race(office, consent_id, workers, seed=number)))


def ledger_disagrees(service: Service) -> int:
    """Disclosures that the ledger has at a later position than the revocation of the consent they rest on."""
    query = """
        SELECT count(*)
        FROM audit_entry made
        JOIN audit_leaf at ON at.entry_id = made.id
        JOIN audit_entry revoked ON revoked.consent_id = made.consent_id AND revoked.action = 'consent.revoke'
        JOIN audit_leaf revoked_at ON revoked_at.entry_id = revoked.id
        WHERE made.action = 'disclosure.make' AND made.outcome = 'permit' AND at.position > revoked_at.position
    """
    with service.house.superuser() as db:
        row = db.execute(query).fetchone()
    assert row is not None
    return row[0]


def test_nothing_is_disclosed_after_the_revocation(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory, counted: Counted
) -> None:
    served = several_processes(cluster, tmp_path_factory, "race", "service.app:create", many=WORKERS)
    with served as (service, workers):
        rounds = [one_round(service, workers, number) for number in range(ROUNDS)]
        verify_ledger(service)
        assert ledger_disagrees(service) == 0
    assert sum(one.late for one in rounds) == 0
    # what was answered is what was committed, and both sides of the revocation were seen
    assert all(one.statuses.count(201) == one.made for one in rounds)
    assert any(one.made for one in rounds)
    assert any(403 in one.statuses for one in rounds)
    counted("rounds", len(rounds))
    counted("disclosures", sum(one.made for one in rounds))
    counted("disclosures after the revocation", sum(one.late for one in rounds))


def test_without_the_lock_the_race_is_lost(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> None:
    mutant = "tests.crash.mutants:without_consent_lock"
    with several_processes(cluster, tmp_path_factory, "race_unlocked", mutant) as (service, workers):
        for number in range(MUTANT_ROUNDS):
            if one_round(service, workers, number).late:
                return  # caught
    pytest.fail("a service that does not lock the consent was not caught: this test proves nothing")
