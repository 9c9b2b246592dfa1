"""Many situations, judged by the service and by the oracle: `python -m tests.oracle [cases] [seed]`.

Two processes, each with its own seed; the seeds are printed, and the same seed makes the same cases. Ends with 1 when
the two disagree on any case, or when some basis was never granted or too few cases granted anything.
"""

import multiprocessing
import secrets
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from time import monotonic

from hypothesis import HealthCheck, Phase, given, seed, settings

from service.disclosure.situation import Situation
from tests.oracle.compare import Tally, described, difference
from tests.oracle.law import ORDER
from tests.oracle.strategies import situations

PROCESSES = 2
#: A smaller share would show mostly that everybody says no.
LEAST_GRANTING = 0.25
SHOWN = 5


def run(cases: int, seeded: int) -> tuple[Tally, list[str], Counter[str]]:
    """So many cases from this seed: what they were like, and the disagreements in full."""
    tally, found, kinds = Tally(), list[str](), Counter[str]()

    @seed(seeded)
    @settings(
        max_examples=cases,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(situations())
    def judged(situation: Situation) -> None:
        told = difference(situation, tally)
        if told is not None:
            kinds[told.split(" 2.25")[0]] += 1
            found.append(f"{told}\n{described(situation)}")

    judged()
    return tally, found, kinds


def main(cases: int, first_seed: int) -> int:
    begun = monotonic()
    seeds = [first_seed + number for number in range(PROCESSES)]
    print(f"{cases} cases, seeds {seeds}")
    with ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn")) as pool:
        parts = list(pool.map(run, [-(-cases // PROCESSES)] * PROCESSES, seeds))
    tally = Tally()
    found: list[str] = []
    for part, told, _ in parts:
        tally.cases += part.cases
        tally.effects += part.effects
        tally.bases += part.bases
        found += told
    never = [basis for basis in ORDER if not tally.bases[basis]]
    for told in sorted(found, key=len)[:SHOWN]:
        print(told, end="\n\n")
    print(f"cases {tally.cases}  disagreements {len(found)}  seconds {monotonic() - begun:.0f}")
    print("effects  " + "  ".join(f"{name} {number}" for name, number in sorted(tally.effects.items())))
    print("bases    " + "  ".join(f"{name} {tally.bases[name]}" for name in ORDER))
    print(f"granting {tally.granting:.0%}; never granted: {', '.join(never) or 'none'}")
    return 1 if found or never or tally.granting < LEAST_GRANTING else 0


if __name__ == "__main__":
    asked = [int(word) for word in sys.argv[1:]]
    sys.exit(main(asked[0] if asked else 20_000, asked[1] if len(asked) > 1 else secrets.randbelow(2**31)))
