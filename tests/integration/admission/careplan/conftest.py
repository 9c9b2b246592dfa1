"""A fresh program with a patient who has just been admitted."""

import pytest

from tests.house import Service
from tests.integration.admission.careplan.ward import Ward


@pytest.fixture
def ward(service: Service) -> Ward:
    made = Ward(service)
    made.admit()
    return made
