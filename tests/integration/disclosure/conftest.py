"""The office of a fresh program."""

import pytest

from tests.house import Service
from tests.integration.disclosure.office import Office


@pytest.fixture
def office(service: Service) -> Office:
    return Office(service)
