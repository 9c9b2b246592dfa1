"""Everything that ends a ground to disclose, against disclosures on that ground, over two processes: in the order in
which the database committed, nothing rests on what had ended; and nobody waits for each other in a circle.

Each lock is taken away once, and once their order is turned round, in a service broken on purpose: that service must
fail the same test.
"""

import asyncio
import os

import pytest

from tests.crash.mixture import Tally, Town, broken_order, deadlocks, happen
from tests.crash.test_race import several_processes
from tests.house import Cluster, Service, verify_ledger
from tests.processes import Worker
from tests.showing import Counted

#: In `make test` at a size that fits; in `make battery` at full size, with every mutant.
pytestmark = [pytest.mark.battery, pytest.mark.shows("T2")]
BATTERY = os.environ.get("CONSENTRY_BATTERY") == "1"
ROUNDS = 100 if BATTERY else 8
MOST_ROUNDS = 6 * ROUNDS
#: Rounds a service without a lock gets to betray itself; it needs fewer.
MUTANT_ROUNDS = 120

GROUNDS = frozenset({"revoked", "event", "ruled", "restricted", "evidence", "agreement"})
CIRCLE = "with_consents_before_patients"
#: What is broken on purpose, and the grounds that show it.
MUTANTS = {
    CIRCLE: frozenset({"revoked", "event", "ruled"}),
    "without_consent_lock": frozenset({"revoked", "ruled"}),
    "without_restriction_locks": frozenset({"restricted"}),
    "without_evidence_lock": frozenset({"evidence"}),
    "without_agreement_lock": frozenset({"agreement"}),
}


def one_round(
    service: Service, workers: tuple[Worker, ...], number: int, wanted: frozenset[str] = GROUNDS
) -> tuple[Tally, list[str]]:
    """What was answered, and the recipient that was restricted for a while."""
    town = Town(service, number)
    grounds = town.grounds(wanted)
    others = town.others() if wanted == GROUNDS else []
    restricted = [
        ground.asked.body["recipient"]["recipient_id"] for ground in grounds if ground.name == "restricted"
    ]
    return asyncio.run(happen(grounds, others, workers, seed=number)), restricted


def test_nothing_rests_on_what_had_ended_and_nobody_waits_in_a_circle(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory, counted: Counted
) -> None:
    with several_processes(cluster, tmp_path_factory, "mixed", "service.app:create") as (service, workers):
        before = deadlocks(service)
        answered = [one_round(service, workers, number) for number in range(ROUNDS)]
        # on a busy machine a few rounds may miss one side of an end: then it is asked a few times more
        while not _both_sides(answered) and len(answered) < MOST_ROUNDS:
            answered.append(one_round(service, workers, len(answered)))
        assert [fault for tally, _ in answered for fault in tally.faults] == []
        assert deadlocks(service) == before
        restricted = sorted({one for _, found in answered for one in found})
        assert broken_order(service, "commit", restricted) == {}
        verify_ledger(service)
        assert broken_order(service, "position", restricted) == {}
    # every ground was there before its end and was missed after it: else the order was never asked
    assert _both_sides(answered)
    counted("rounds", len(answered))
    counted("disclosures", sum(sum(tally.made.values()) for tally, _ in answered))
    busy = sum(tally.statuses.count(503) for tally, _ in answered)
    assert busy * 10 <= sum(len(tally.statuses) for tally, _ in answered), "too busy to have tried anything"


def _both_sides(answered: list[tuple[Tally, list[str]]]) -> bool:
    tallies = [tally for tally, _ in answered]
    return all(
        any(tally.made.get(ground, 0) for tally in tallies)
        and any(tally.refused.get(ground, 0) for tally in tallies)
        for ground in GROUNDS
    )


@pytest.mark.long
@pytest.mark.parametrize("mutant", sorted(MUTANTS))
def test_without_one_of_the_locks_or_their_order_it_is_noticed(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory, mutant: str
) -> None:
    factory = f"tests.crash.mutants:{mutant}"
    with several_processes(cluster, tmp_path_factory, mutant, factory) as (service, workers):
        before = deadlocks(service)
        for number in range(MUTANT_ROUNDS):
            _, restricted = one_round(service, workers, number, MUTANTS[mutant])
            circles = deadlocks(service) - before
            if circles if mutant == CIRCLE else broken_order(service, "commit", restricted):
                return  # caught
    pytest.fail("a service that locks wrongly was not caught: this test proves nothing")
