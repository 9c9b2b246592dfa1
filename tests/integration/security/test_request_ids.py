"""A caller's own request id goes into logs and the ledger in the clear: it must not be a number of somebody's."""

import pytest

from tests.house import Service

KEPT = ["5a3e0000-0000-7000-8000-000000000003", "0123" * 8]
PERSONAL = ["123-45-6789", "1990-04-05", "212-555-0100", "00017-0001", "Pat Testperson", "4111111111111111"]


@pytest.mark.shows("O-26")
@pytest.mark.parametrize("given", KEPT + PERSONAL)
def test_only_what_is_an_id_is_kept(service: Service, given: str) -> None:
    answer = service.client("intake").get("/auth/me", headers={"X-Request-Id": given})
    assert answer.status_code == 200
    assert (answer.headers["x-request-id"] == given) is (given in KEPT)
    assert (service.entries()[-1]["request_id"] == given) is (given in KEPT)
