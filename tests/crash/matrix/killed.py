"""A process of the matrix as a process of its own, which kills itself at a step: no `finally` runs, no lock is let go.

    python -m tests.crash.matrix.killed '{"process": "sequencer", "at": 12, "when": "before", ...}'

The deployment is that of the environment.
"""

import json
import os
import signal
import subprocess
import sys
from datetime import datetime
from typing import Any
from uuid import UUID

from service.config import ROOT, read_settings
from tests.crash.matrix.plan import PROCESSES, Process
from tests.crash.matrix.stage import Case
from tests.crash.matrix.steps import Watch, watching


def run_killed(process: Process, case: Case, at: int, when: str) -> int:
    """Run it elsewhere until it kills itself; its exit status, negative for a signal."""
    told = {
        "process": process.name,
        "at": at,
        "when": when,
        "program": case.program,
        "ids": [str(one) for one in (case.program_id, case.patient, case.doomed, case.shredding)],
        "decided_at": case.decided_at.isoformat(),
    }
    ended = subprocess.run(
        [sys.executable, "-m", "tests.crash.matrix.killed", json.dumps(told)],
        env={**os.environ, **case.environment, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        timeout=120,
        check=False,
    )
    return ended.returncode


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(told: dict[str, Any]) -> None:
    process = next(one for one in PROCESSES if one.name == told["process"])
    ids = [UUID(one) for one in told["ids"]]
    case = Case(read_settings(), told["program"], *ids, decided_at=datetime.fromisoformat(told["decided_at"]))
    with watching(Watch(told["at"], told["when"], _kill)):
        process.run(case)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
