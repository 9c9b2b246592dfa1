"""`make bench`: run every bench (or those named), print tables, write `bench-<date>.json`.

python -m tests.bench            # all
python -m tests.bench P5         # one
"""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from tests.bench import (
    bench_append,
    bench_decide,
    bench_find,
    bench_read,
    bench_seal,
    bench_submit,
    bench_trail,
    bench_verify,
)
from tests.bench.harness import Outcome, write_json

#: Name of each bench as in the README, and what runs it. A new bench adds one line.
BENCHES: dict[str, Callable[[], Outcome]] = {
    "P1": bench_read.run,
    "P2": bench_submit.run,
    "P3": bench_decide.run,
    "P4": bench_seal.run,
    "P5": bench_append.run,
    "P6": bench_verify.run,
    "P7": bench_find.run,
    "P8": bench_trail.run,
}
#: Benches that take too long to stand among the others; asked for by name (`make bench-large`).
LARGE: dict[str, Callable[[], Outcome]] = {"P8-large": bench_trail.run_large}


def main(chosen: list[str]) -> int:
    every = BENCHES | LARGE
    unknown = [name for name in chosen if name not in every]
    if unknown:
        sys.stderr.write(f"no bench called {', '.join(unknown)}; there are {', '.join(every)}\n")
        return 2
    console = Console(width=120, highlight=False)
    outcomes: list[Outcome] = []
    for name in chosen or BENCHES:
        outcomes.append(every[name]())
        outcomes[-1].print(console)
    path = Path(f"bench-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json")
    write_json(outcomes, path)
    console.print(f"written: {path}")
    return 1 if any(outcome.missed for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
