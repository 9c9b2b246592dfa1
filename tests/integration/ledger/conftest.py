"""A migrated database of its own: these tests change what is stored behind the service's back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.config import ROOT
from service.store import embedded
from service.store.engine import plain_engine
from service.store.versions import migrate
from tests.ledger_database import LedgerDatabase


@pytest.fixture(scope="session")
def ledger_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.EmbeddedPostgres]:
    with embedded.start(tmp_path_factory.mktemp("ledger") / "data", durable=False) as server:
        migrate(plain_engine(server.owner_url), ROOT / "migrations")
        yield server
        server.stop(remove=True)


@pytest.fixture
def ledger(ledger_server: embedded.EmbeddedPostgres, tmp_path: Path) -> LedgerDatabase:
    return LedgerDatabase(ledger_server, tmp_path / "checkpoints")
