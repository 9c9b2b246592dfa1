"""The office of a fresh program, with somebody who answers for it."""

import pytest

from tests.house import Client, Service
from tests.integration.disclosure.office import Office


@pytest.fixture
def office(service: Service) -> Office:
    return Office(service)


@pytest.fixture
def compliance(service: Service) -> Client:
    return service.client("compliance", purpose="HOPERAT")
