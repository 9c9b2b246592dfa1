"""The desk of a fresh program."""

import pytest

from tests.house import Service
from tests.integration.consent.desk import Desk


@pytest.fixture
def desk(service: Service) -> Desk:
    return Desk(service)
