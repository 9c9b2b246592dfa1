"""Which lines and branches of the service a test run reaches: `-p tests.tracing`, merged by `slipcover --merge`.

slipcover rewrites the code once instead of being called for every line, so a traced run takes about as long as an
untraced one. Only `service` is rewritten, when it is imported; each process of the run leaves a file of its own.
"""

import json
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest
import slipcover
from slipcover.importer import SlipcoverLoader

FOLDER = Path(".trace-cache")
_reached = slipcover.Slipcover(branch=True, source=["service"])


class Tracing(MetaPathFinder):
    """Finds the service's modules as Python would, with their code rewritten."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != "service":
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin and isinstance(spec.loader, SourceFileLoader):
            spec.loader = SlipcoverLoader(_reached, spec.loader, spec.origin)
        return spec


sys.meta_path.insert(0, Tracing())


def pytest_sessionfinish(session: pytest.Session) -> None:
    FOLDER.mkdir(exist_ok=True)
    name = os.environ.get("PYTEST_XDIST_WORKER", "main")
    (FOLDER / f"{name}.json").write_text(json.dumps(_reached.get_coverage()))
