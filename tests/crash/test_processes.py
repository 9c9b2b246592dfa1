"""Two processes are one service: sessions, sign-out, disabling and idempotency hold on every worker at once."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest

from tests.house import Cluster, House, Service, open_program
from tests.processes import Worker


@pytest.fixture(scope="module")
def pair(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Service, Worker, Worker]]:
    """A program served by two processes."""
    house = House(cluster, "consentry_pair", tmp_path_factory.mktemp("pair"))
    house.clock.set(datetime.now(UTC))
    folder: Path = tmp_path_factory.mktemp("pair-logs")
    service = open_program(house)
    try:
        with (
            Worker(house.settings, folder / "a.log") as first,
            Worker(house.settings, folder / "b.log") as second,
        ):
            yield service, first, second
    finally:
        house.close()


def _headers(token: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Purpose-Of-Use": "TREAT", **more}


def _status(worker: Worker, token: str) -> int:
    return httpx2.get(f"{worker.base_url}/api/v1/auth/me", headers=_headers(token), timeout=10).status_code


def test_a_session_is_known_everywhere_and_ends_everywhere(pair: tuple[Service, Worker, Worker]) -> None:
    service, first, second = pair
    who = service.account("intake", name="leaves")
    assert (_status(first, who.token), _status(second, who.token)) == (200, 200)
    ended = httpx2.post(f"{first.base_url}/api/v1/auth/revoke", headers=_headers(who.token), timeout=10)
    assert ended.status_code in (200, 204)
    assert (_status(second, who.token), _status(first, who.token)) == (401, 401)


def test_disabling_an_account_acts_on_the_next_call_everywhere(pair: tuple[Service, Worker, Worker]) -> None:
    service, first, second = pair
    who, administrator = service.account("clinician", name="dismissed"), service.account("administrator")
    assert _status(second, who.token) == 200
    disabled = httpx2.post(
        f"{first.base_url}/api/v1/users/{who.id}/disable",
        headers=_headers(administrator.token, **{"If-Match": '"1"'}),
        json={},
        timeout=10,
    )
    assert disabled.status_code in (200, 204), disabled.text
    assert (_status(second, who.token), _status(first, who.token)) == (401, 401)


def test_one_key_is_one_act_whichever_process_hears_it(pair: tuple[Service, Worker, Worker]) -> None:
    service, first, second = pair
    token = service.account("intake", name="registrar").token
    body = {"given_name": "Idem", "family_name": "Potentsson", "birth_date": "1990-01-02"}
    headers = _headers(token, **{"Idempotency-Key": str(uuid4())})
    answers = [
        httpx2.post(f"{worker.base_url}/api/v1/patients", json=body, headers=headers, timeout=10)
        for worker in (first, second, first, second)
    ]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(service.entries(action="patient.register")) == 1
    other = httpx2.post(
        f"{second.base_url}/api/v1/patients",
        json={**body, "given_name": "Other"},
        headers=headers,
        timeout=10,
    )
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_mismatch")
