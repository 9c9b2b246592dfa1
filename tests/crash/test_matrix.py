"""The crash matrix: each external step of sequencing, anchoring, rotating and shredding fails once before and once
after it took effect; the process is started again, and one oracle looks at everything.

The steps are not listed by hand: each process is run once under a recorder (`matrix/steps.py`), which must have seen the
kinds that are expected of it. A run of `make test` takes some of the cases, always the same; the battery takes all, and
ends a few with `kill -9` in a process of their own.
"""

import os
import random
from collections.abc import Iterator

import pytest

from tests.anchors import object_store
from tests.crash.matrix.plan import PROCESSES, Process
from tests.crash.matrix.running import Matrix, both, policies_read_once
from tests.crash.matrix.stage import Stage
from tests.house import Cluster
from tests.showing import Counted

pytestmark = [pytest.mark.battery, pytest.mark.shows("O-22", "T1")]
BATTERY = os.environ.get("CONSENTRY_BATTERY") == "1"
#: Cases of each process in an ordinary run, and what chooses them.
SOME, SEED = 1, 20260616
KILLED = 4 if BATTERY else 1


def _named(process: Process) -> str:
    return process.name.replace(" ", "_")


@pytest.fixture(scope="module")
def matrix(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    folder = tmp_path_factory.mktemp("matrix")
    with object_store() as (endpoint, _), policies_read_once():
        yield Matrix(Stage(cluster, folder), endpoint, folder)


@pytest.mark.parametrize("process", PROCESSES, ids=_named)
def test_every_step_fails_once_before_and_once_after(
    matrix: Matrix, process: Process, counted: Counted
) -> None:
    seen = matrix.recorded(process)
    missing = {kind: many for kind, many in process.least.items() if seen.kinds[kind] < many}
    assert not missing, (missing, seen.kinds)
    cases = list(both(range(len(seen.steps))))
    chosen = cases if BATTERY else random.Random(SEED).sample(cases, SOME)
    for at, when in chosen:
        matrix.broken(process, at, when)
    assert matrix.found() == []
    counted("crash cases", len(chosen))
    print(f"{process.name}: {len(seen.steps)} steps, {len(chosen)} of {len(cases)} cases; {dict(seen.kinds)}")


@pytest.mark.long
@pytest.mark.parametrize("process", PROCESSES, ids=_named)
def test_a_process_that_is_killed_there_is_no_worse(
    matrix: Matrix, process: Process, counted: Counted
) -> None:
    """`kill -9` of a process of its own: no handler runs, and the system takes back what it held."""
    steps = range(sum(process.least.values()))
    chosen = random.Random(SEED).sample(list(both(steps)), KILLED)
    for at, when in chosen:
        matrix.killed(process, at, when)
    assert matrix.found() == []
    counted("processes killed at a step", len(chosen))
