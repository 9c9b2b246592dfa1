"""What a test needs of the machine beyond Python: a program, a library of the system.

Where it is not there, a run of `make test` goes on and says so; `make battery`, which is to show everything, fails.
"""

import os
import shutil
from pathlib import Path

import pytest


def needs(what: str, why: str) -> str:
    """The path of a program, or `what` itself when it is the path of a file that is there; else the test ends here."""
    found = what if Path(what).is_file() else shutil.which(what)
    if found:
        return found
    if os.environ.get("CONSENTRY_BATTERY") == "1":
        pytest.fail(f"{what} is not on this machine: {why}")
    pytest.skip(f"not shown here: {why} ({what} is not on this machine)")
