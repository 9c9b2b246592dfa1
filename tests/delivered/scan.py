"""Bandit over the service and its migrations, where a file that was not looked at counts as a finding.

    python -m tests.delivered.scan

By itself bandit says "files skipped" about a file that it cannot read, and ends as if all were well.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from service.config import ROOT

FOLDERS: Final = ("service", "migrations")


def findings(root: Path, folders: tuple[str, ...] = FOLDERS) -> Iterator[str]:
    """What bandit found below `root`, and every Python file that it did not look at."""
    command = [
        sys.executable,
        "-m",
        "bandit",
        "-q",
        "-c",
        str(ROOT / "pyproject.toml"),
        "-f",
        "json",
        "-r",
        *folders,
    ]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    for one in report["results"]:
        yield f"{one['filename']}:{one['line_number']}: {one['test_id']} {one['issue_text']}"
    for one in report["errors"]:
        yield f"{one['filename']}: not looked at: {one['reason']}"
    scanned = {str(Path(name)) for name in report["metrics"]}
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            if str(path.relative_to(root)) not in scanned:
                yield f"{path.relative_to(root)}: not looked at"


def main() -> int:
    found = list(findings(ROOT))
    for one in found:
        sys.stdout.write(f"{one}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
