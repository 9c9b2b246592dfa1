"""The registry of a fresh program: a patient, a chart, a recipient, and the people who record papers."""

import pytest

from tests.house import Service
from tests.integration.evidence.registry import Registry


@pytest.fixture
def registry(service: Service) -> Registry:
    return Registry(service)
