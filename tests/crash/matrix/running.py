"""Running cases: a process watched to its end; one that ends at a step, is started again, and is judged."""

import signal
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from unittest.mock import patch
from uuid import UUID, uuid4

from service.access.engine import Engine
from service.clock import SystemClock
from service.ledger.anchors.opening import open_anchors
from tests.anchors import SystemLog, everywhere
from tests.crash.matrix import oracle, processes
from tests.crash.matrix.killed import run_killed
from tests.crash.matrix.oracle import Outside
from tests.crash.matrix.plan import Process
from tests.crash.matrix.stage import Case, Stage
from tests.crash.matrix.steps import AFTER, BEFORE, Crash, Watch, watching


@dataclass(slots=True)
class Matrix:
    """A stage, the object store beside it, and the cases that were run on it."""

    stage: Stage
    endpoint: str
    folder: Path
    cases: int = 0
    wrong: list[str] = field(default_factory=list[str])

    def found(self) -> list[str]:
        """What was wrong since this was last asked."""
        found, self.wrong = self.wrong, []
        return found

    def recorded(self, process: Process) -> Watch:
        """The process undisturbed: its steps."""
        with self._case(process) as (case, _), watching(Watch()) as watch:
            process.run(case)
        return watch

    def broken(self, process: Process, at: int, when: str) -> None:
        """The process ended at a step, before or after its effect; started again; judged, then and at its end."""
        self.cases += 1
        with self._case(process) as (case, outside):
            watch = Watch(at, when)
            try:
                with watching(watch):
                    process.run(case)
            except Crash:
                kind = watch.steps[at]
            else:
                self.wrong.append(f"{process.name}: step {at} did not come")
                return
            self.resume(process, case, outside, f"{process.name}, step {at} ({kind}), {when}")

    def killed(self, process: Process, at: int, when: str) -> None:
        """The same with a process of its own that is killed there, as a machine would."""
        self.cases += 1
        with self._case(process) as (case, outside):
            status = run_killed(process, case, at, when)
            if status != -signal.SIGKILL:
                self.wrong.append(f"{process.name}: ended with {status} instead of being killed at step {at}")
            self.resume(process, case, outside, f"{process.name}, killed {when} step {at}")

    def resume(self, process: Process, case: Case, outside: Outside, name: str) -> None:
        """After an end: what must hold at once, then the process again, then everything."""
        with self.stage.superuser(case) as root:
            self.wrong += (f"{name}, dead: {one}" for one in oracle.wrong_now(case, root, outside))
        try:
            process.run(case)
        except Exception as error:
            self.wrong.append(f"{name}, again: {type(error).__name__}: {error}")
        self._judge(process, case, outside, name)

    @contextmanager
    def _case(self, process: Process) -> Generator[tuple[Case, Outside]]:
        with ExitStack() as ends:
            anchors = None
            messages = dict[UUID, list[str]]
            if process.far:
                log = SystemLog()
                ends.callback(log.close)
                messages, anchors = log.messages, everywhere(self.endpoint, log, f"case-{uuid4()}/")
            case = ends.enter_context(self.stage.case(anchors))
            process.ready(case)
            asked = tuple(one for one in open_anchors(case.settings, SystemClock()) if one.confirms)
            yield case, Outside(asked, messages)

    def _judge(self, process: Process, case: Case, outside: Outside, name: str) -> None:
        try:
            processes.sequenced(case)
            if process.far:
                processes.anchored(case)
        except Exception as error:
            self.wrong.append(f"{name}, sequenced: {type(error).__name__}: {error}")
        with self.stage.superuser(case) as root:
            found = [
                *oracle.wrong_at_rest(case, root, outside, case.settings.data),
                *process.claims(case, root),
            ]
        self.wrong += (f"{name}: {one}" for one in found)


@contextmanager
def policies_read_once() -> Generator[None]:
    """Half of what a command costs is reading the policies, which no process changes."""
    with patch.object(Engine, "load", cache(Engine.load)):
        yield


def both(steps: Iterable[int]) -> Iterator[tuple[int, str]]:
    for at in steps:
        yield at, BEFORE
        yield at, AFTER
