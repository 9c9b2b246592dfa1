"""Destructions finished and rotations carried out by the service itself: nobody gives a command."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from service.config import read_settings
from service.errors import StartRefused
from service.jobs.keeping import Keeping
from service.jobs.runner import Service as JobService
from service.store.engine import plain_engine
from service.vault import keyring
from service.vault.keyring import Keyring
from service.vault.rotating.records import alone
from tests.house import Cluster, House, Service, open_program, verify_ledger
from tests.integration.custody.test_shredding import LONG, Office, code, later, register

MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def own(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house whose keys no other test uses."""
    house = House(cluster, "consentry_upkeep", tmp_path_factory.mktemp("upkeep") / "house")
    try:
        yield house
    finally:
        house.close()


@pytest.fixture
def service(own: House) -> Iterator[Service]:
    own.clock.set(own.clock.beginning)
    fresh = open_program(own)
    yield fresh
    verify_ledger(fresh)


def upkeep(service: Service, *, settled: float = 0, **settings: Any) -> int:
    """One round of the job, as a serving process runs it every minute."""
    house = service.house
    jobs = JobService(house.state.engine, house.state.mechanisms, house.clock)
    keeping = Keeping(jobs, replace(house.settings, **settings), settled=settled, data_settled=settled)
    portal = house.http.portal
    assert portal is not None
    return int(portal.call(keeping.run_once))


def destroyed(service: Service) -> tuple[Office, str]:
    """Somebody whose record two people have just destroyed: the office, and the path of the request."""
    patient = register(service)
    later(service, LONG)
    office = Office(service, service.account("compliance"), service.account("administrator"), patient)
    return office, f"/keys/shreddings/{office.destroy()['id']}"


def keys(service: Service) -> dict[str, Any]:
    return service.client("administrator").get("/keys").json()


def epochs(service: Service) -> list[str]:
    return [one.id.hex() for one in keyring.load(service.house.settings.keyring).epochs()]


def test_a_destruction_is_finished_by_itself_once_nobody_can_use_the_old_key(service: Service) -> None:
    office, path = destroyed(service)
    reader = service.client(office.compliance)
    before = epochs(service)
    assert keys(service)["unfinished"]["destructions"] == 1
    assert upkeep(service, settled=60) == 0
    assert (reader.get(path).json()["state"], len(epochs(service))) == ("destroyed", 2)
    service.clock.advance(MINUTE + timedelta(seconds=1))
    assert upkeep(service, settled=60) == 1
    done = reader.get(path).json()
    assert (done["state"], done["finished_at"]) == (
        "finished",
        service.clock.now().isoformat().replace("+00:00", "Z"),
    )
    assert len(epochs(service)) == 1
    assert not set(epochs(service)) & set(before)
    assert keys(service)["unfinished"] == {"destructions": 0, "since": None}
    ends = [one for one in service.entries(action="key.rotate") if one["object_kind"] == "shredding"]
    assert [(one["actor_kind"], one["detail"]["epochs"]) for one in ends] == [("system", before)]
    assert upkeep(service, settled=60) == 0
    other = register(service)
    assert service.client("intake").get(f"/patients/{other}").status_code == 200


def test_destructions_wait_to_be_finished_together_or_for_an_operator(service: Service) -> None:
    office, path = destroyed(service)
    before = epochs(service)
    since = service.client(office.compliance).get(path).json()["decided_at"]
    assert (upkeep(service, finish_destructions=None), upkeep(service, finish_destructions=2)) == (0, 0)
    assert (epochs(service), keys(service)["unfinished"]) == (before, {"destructions": 1, "since": since})
    later(service, timedelta(hours=2))
    assert upkeep(service, finish_destructions=None) == 0
    assert upkeep(service, finish_destructions=2) == 1
    assert service.client("compliance").get(path).json()["state"] == "finished"


def test_nothing_is_done_while_somebody_else_rotates(service: Service) -> None:
    office, path = destroyed(service)
    before = epochs(service)
    with plain_engine(service.house.settings.database_url).connect() as connection:
        assert alone(connection)
        assert upkeep(service) == 0
        assert epochs(service) == before
    assert upkeep(service) == 1
    assert service.client(office.compliance).get(path).json()["state"] == "finished"


@pytest.mark.parametrize("step", ["begin_epoch", "wrap", "end_epoch"])
@pytest.mark.parametrize("after", [False, True])
def test_what_was_broken_off_is_gone_on_with(
    service: Service, monkeypatch: pytest.MonkeyPatch, step: str, *, after: bool
) -> None:
    office, path = destroyed(service)
    other = register(service, family_name="Otherperson")
    whole = getattr(Keyring, step)

    def broken(*given: Any) -> None:
        if after:
            whole(*given)
        raise OSError("the process ends here")

    with monkeypatch.context() as patched:
        patched.setattr(Keyring, step, broken)
        assert upkeep(service) == 0
    assert upkeep(service) == 1
    assert service.client(office.compliance).get(path).json()["state"] == "finished"
    assert len(epochs(service)) == 1
    service.house.state.mechanisms.vault.forget()
    assert service.client("intake").get(f"/patients/{other}").json()["family_name"] == "Otherperson"


def test_an_administrator_asks_for_a_new_key_encryption_key(service: Service) -> None:
    patient, before = register(service), epochs(service)
    client = service.client("administrator")
    once = {"Idempotency-Key": str(uuid4())}
    answers = [client.post("/keys/rotations", {"kind": "kek"}, headers=one) for one in (once, once, None)]
    assert [answer.status_code for answer in answers] == [202, 202, 202]
    assert len({answer.json()["id"] for answer in answers}) == 1
    asked = answers[0].json()
    assert keys(service)["rotations"][-1] == asked
    assert asked["ended_at"] is None
    assert upkeep(service, settled=60) == 0
    service.clock.advance(MINUTE)
    assert upkeep(service, settled=60) == 1
    path = f"/keys/rotations/{asked['id']}"
    ended = client.get(path).json()
    assert (ended["kind"], ended["ended_at"] is not None) == ("kek", True)
    assert (len(epochs(service)), set(epochs(service)) & set(before)) == (1, set())
    service.house.state.mechanisms.vault.forget()
    assert service.client("intake").get(f"/patients/{patient}").status_code == 200
    assert upkeep(service) == 0
    assert client.post("/keys/rotations", {"kind": "kek"}).json()["id"] != asked["id"]
    assert upkeep(service) == 1
    steps = [(one["actor_kind"], one["detail"]["step"]) for one in asked_entries(service, asked["id"])]
    assert steps == [("staff", "begin"), ("staff", "go_on")]


def asked_entries(service: Service, rotation: str) -> list[dict[str, Any]]:
    return service.entries(action="key.rotate", object_id=rotation)


def test_new_data_keys_wait_for_whoever_may_seal_again(service: Service) -> None:
    patient = register(service)
    service.clock.advance(MINUTE)
    asked = service.client("administrator").post("/keys/rotations", {"kind": "data"}).json()
    assert upkeep(service, keeper_database_url=None) == 0
    assert counted_keys(service) == {"active": 1}
    assert upkeep(service, settled=60) == 0
    assert counted_keys(service) == {"active": 1, "retired": 1}
    service.clock.advance(MINUTE)
    assert upkeep(service, settled=60) == 1
    path = f"/keys/rotations/{asked['id']}"
    assert service.client("administrator").get(path).json()["ended_at"] is not None
    assert service.client("intake").get(f"/patients/{patient}").json()["family_name"] == "Testperson"


def counted_keys(service: Service) -> dict[str, int]:
    return {one["state"]: one["keys"] for one in keys(service)["keys"] if one["purpose"] == "patient"}


@pytest.mark.parametrize("role", ["intake", "clinician", "compliance", "director", "patient", "requester"])
def test_nobody_else_asks(service: Service, role: str) -> None:
    answer = service.client(role).post("/keys/rotations", {"kind": "kek"})
    assert code(answer) in {(403, "not_permitted"), (404, "not_found")}
    assert keys(service)["rotations"] == [one for one in keys(service)["rotations"] if one["ended_at"]]


def test_what_is_no_rotation(service: Service) -> None:
    client = service.client("administrator")
    assert client.post("/keys/rotations", {"kind": "everything"}).status_code == 422
    assert code(client.get(f"/keys/rotations/{uuid4()}")) == (404, "not_found")


@pytest.mark.parametrize(
    ("said", "meant"), [(None, 0), ("0", 0), ("24", 24), ("operator", None), ("720", 720)]
)
def test_the_setting_is_hours_or_a_word(service: Service, said: str | None, meant: int | None) -> None:
    environment = service.house.settings.to_environment()
    environment.pop("CONSENTRY_FINISH_DESTRUCTIONS")
    if said is not None:
        environment["CONSENTRY_FINISH_DESTRUCTIONS"] = said
    read = read_settings(environment)
    assert read.finish_destructions == meant
    assert read_settings(read.to_environment()).finish_destructions == meant


@pytest.mark.parametrize("said", ["never", "-1", "721", "1.5"])
def test_another_word_stops_the_start(service: Service, said: str) -> None:
    environment = service.house.settings.to_environment() | {"CONSENTRY_FINISH_DESTRUCTIONS": said}
    with pytest.raises(StartRefused, match="CONSENTRY_FINISH_DESTRUCTIONS"):
        read_settings(environment)
