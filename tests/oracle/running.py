"""So many different situations from a seed on, each put to the service and to the oracle."""

from itertools import count

from hypothesis import HealthCheck, Phase, given, seed, settings

from service.disclosure.situation import Situation
from tests.oracle.compare import Tally, described, difference
from tests.oracle.strategies import traced

PROCESSES = 2
#: Situations drawn from one seed: the further into it, the more of them were there before.
CHUNK = 1000


def run(cases: int, first_seed: int) -> tuple[Tally, list[str]]:
    """So many different cases from this seed on: what they were like, and the disagreements in full."""
    tally, found, seen = Tally(), list[str](), set[int]()

    @settings(
        max_examples=CHUNK,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(traced())
    def judged(each: tuple[Situation, int]) -> None:
        situation, known_by = each
        if known_by in seen or tally.cases >= cases:
            return
        seen.add(known_by)
        told = difference(situation, tally)
        if told is not None:
            found.append(f"{told}\n{described(situation)}")

    for seeded in count(first_seed, PROCESSES):
        if tally.cases >= cases:
            return tally, found
        seed(seeded)(judged)()
    raise AssertionError("unreachable")
