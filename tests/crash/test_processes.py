"""Two processes are one service: sessions, sign-out, disabling and idempotency hold on every worker at once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest

from tests.house import Account, Cluster, House, Service, open_program
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


def test_a_record_destroyed_by_one_process_is_gone_from_the_other_with_its_next_call(
    pair: tuple[Service, Worker, Worker],
) -> None:
    """The other process has the patient's key unwrapped in its memory: with it, it would open what is still stored as
    soon as somebody turned the patient's state back by hand.
    """
    service, first, second = pair
    service.clock.set(datetime.now(UTC) - timedelta(days=366 * 9))
    person = {"given_name": "Zelda", "family_name": "Warmcache", "birth_date": "1981-05-06"}
    patient = (
        service.client(service.account("intake", name="long ago")).post("/patients", person).json()["id"]
    )
    service.clock.set(datetime.now(UTC))
    clinician = service.account("clinician", name="carries", related_to=[patient])
    compliance, administrator = service.account("compliance"), service.account("administrator")

    def at(worker: Worker, who: Account, path: str, body: object = None) -> httpx2.Response:
        method, url = "GET" if body is None else "POST", f"{worker.base_url}/api/v1{path}"
        return httpx2.request(method, url, headers=_headers(who.token), json=body, timeout=10)

    for _ in range(2):
        assert at(second, clinician, f"/patients/{patient}").json()["family_name"] == "Warmcache"
        assert "Warmcache" in at(second, clinician, "/caseload").text
    ask = {"patient_id": patient, "basis": "retention_over", "reason": "Every period is over."}
    asked = at(first, compliance, "/keys/shreddings", ask)
    assert asked.status_code == 201, asked.text
    decided = at(
        first, administrator, f"/keys/shreddings/{asked.json()['id']}/approval", {"decision": "approved"}
    )
    assert decided.json()["state"] == "destroyed", decided.text
    listed = at(second, clinician, "/caseload")
    assert (listed.status_code, "Warmcache" in listed.text, "Zelda" in listed.text) == (200, False, False)
    for worker in (second, first):
        answer = at(worker, clinician, f"/patients/{patient}")
        assert (answer.status_code, answer.json().get("code")) == (410, "record_destroyed")
        found = at(worker, service.account("intake"), "/patients/search", person | {"given_name": "Zelda"})
        assert patient not in found.text
    with service.house.superuser() as root:
        root.execute("SET session_replication_role = replica")
        root.execute("UPDATE patient SET state = 'active' WHERE id = %s", [patient])
    for worker in (second, first):
        answer = at(worker, clinician, f"/patients/{patient}")
        assert (answer.status_code, answer.json().get("code")) == (410, "record_destroyed")
