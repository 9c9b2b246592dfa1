"""A migrated database of its own: these tests change what is stored behind the service's back."""

from pathlib import Path

import pytest

from service.store.engine import plain_engine
from service.store.versions import migrate
from tests.house import Cluster
from tests.ledger_database import LedgerDatabase


@pytest.fixture(scope="session")
def ledger_database(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> str:
    name = "consentry_ledger"
    cluster.create_database(name)
    settings = cluster.settings(name, tmp_path_factory.mktemp("ledger"))
    assert settings.owner_database_url is not None
    migrate(plain_engine(settings.owner_database_url), settings.migrations)
    return name


@pytest.fixture
def ledger(cluster: Cluster, ledger_database: str, tmp_path: Path) -> LedgerDatabase:
    return LedgerDatabase(cluster, ledger_database, tmp_path / "checkpoints")
