"""Data folders that the database user can reach: pytest's own temporary folders are closed to it."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.store import embedded
from service.store.embedded import EmbeddedPostgres


@pytest.fixture
def data_dir() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="consentry-test-"))
    folder.chmod(0o711)
    yield folder / "data"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """One server for the tests that leave it running."""
    folder = Path(tempfile.mkdtemp(prefix="consentry-test-"))
    folder.chmod(0o711)
    with embedded.start(folder / "data", tcp=True) as running:
        yield running
    shutil.rmtree(folder, ignore_errors=True)
