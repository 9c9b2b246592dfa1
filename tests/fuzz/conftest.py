"""A town for a whole module: building it takes longer than asking it something."""

from collections.abc import Iterator

import pytest

from service.api import record_requests
from tests.fuzz.town import Town
from tests.house import House, open_program, verify_ledger


@pytest.fixture(scope="module")
def town(house: House) -> Iterator[Town]:
    """One program for all requests; afterwards its ledger must verify."""
    house.clock.set(house.clock.beginning)
    service = open_program(house)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record_requests, "FLOOR_SECONDS", 0.0)
        yield Town(service)
    verify_ledger(service)
