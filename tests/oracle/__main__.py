"""Many situations, judged by the service and by the oracle: `python -m tests.oracle [cases] [seed]`.

So many *different* situations: Hypothesis likes to come back to one it has had, and that one is not counted twice. Two
processes, each with its own seeds; the first is printed, and the same one makes the same cases. Ends with 1 when the
two disagree on any case, or when some basis was never granted or too few cases granted anything.
"""

import multiprocessing
import secrets
import sys
from concurrent.futures import ProcessPoolExecutor
from time import monotonic

from tests.oracle.compare import Tally
from tests.oracle.law import ORDER
from tests.oracle.running import PROCESSES, run

#: A smaller share would show mostly that everybody says no.
LEAST_GRANTING = 0.25
SHOWN = 5


def main(cases: int, first_seed: int) -> int:
    begun = monotonic()
    seeds = [first_seed + number for number in range(PROCESSES)]
    print(f"{cases} cases, seeds {first_seed} and following", flush=True)
    with ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn")) as pool:
        parts = list(pool.map(run, [-(-cases // PROCESSES)] * PROCESSES, seeds))
    tally = Tally()
    found: list[str] = []
    for part, told in parts:
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
