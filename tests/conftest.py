"""Fixtures of all tests: see `tests/house.py`. The server of a run is shared between its workers."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from service.log import configure_logs
from tests.house import Cluster, House, Service, open_program, verify_ledger

# How long an example takes says something about the machine, not about the property. An ordinary run asks the same
# examples every time, so that a red test is a change and not luck; the battery looks for new ones.
settings.register_profile("consentry", deadline=None, derandomize="CONSENTRY_BATTERY" not in os.environ)
settings.load_profile("consentry")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is marked `long` waits for the battery."""
    if "CONSENTRY_BATTERY" not in os.environ:
        later = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=later)
        items[:] = [item for item in items if not item.get_closest_marker("long")]


@pytest.fixture(scope="session", autouse=True)
def _logs() -> None:
    """What a test sees in the log is what an operator would see."""
    configure_logs()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A PostgreSQL server of this test process, gone with it."""
    server = Cluster(tmp_path_factory.mktemp("cluster") / "data")
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def house(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One migrated database and one application per worker."""
    built = House(cluster, "consentry_test", tmp_path_factory.mktemp("house"))
    try:
        yield built
    finally:
        built.close()


@pytest.fixture
def service(house: House) -> Iterator[Service]:
    """A fresh program. Afterwards its ledger is sequenced and must verify."""
    house.clock.set(house.clock.beginning)
    fresh = open_program(house)
    yield fresh
    verify_ledger(fresh)
