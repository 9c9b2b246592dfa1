"""Jobs: one leader, one transaction, and nothing that stops the others."""

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from service.access.actions import Action
from service.app import Options, build
from service.cli.jobs import _run
from service.delivery.carriers import Sent
from service.delivery.model import Queued
from service.edge.metrics import exposition
from service.identity.system import ITSELF
from service.jobs.job import Job
from service.jobs.records import try_lead
from service.jobs.registered import all_jobs
from service.jobs.runner import MOST_ROUNDS, Jobs
from service.work import Work
from tests.house import Service
from tests.integration.delivery.mailroom import Mailroom, OneProgram

SECOND = timedelta(seconds=1)


@pytest.fixture
def itself(service: Service) -> OneProgram:
    state = service.house.state
    return OneProgram(state.engine, state.mechanisms, state.clock, service)


def run(itself: OneProgram, *jobs: Job) -> dict[str, int]:
    portal = itself.only.house.http.portal
    assert portal is not None
    return portal.call(Jobs(itself, jobs).run_once)


def job(unit: Callable[[Work], int], name: str = "tried") -> Job:
    return Job(name, SECOND, unit)


def noted(work: Work, left: list[int]) -> int:
    """A job that does one thing a round while there is something left, and records it."""
    if not left:
        return 0
    work.require(Action.MESSAGE_SEND)
    work.record(action=Action.MESSAGE_SEND, object_kind="job", object_id=None)
    return left.pop()


def failures(name: str) -> float:
    for line in exposition()[0].decode().splitlines():
        if line.startswith(f'consentry_job_runs_total{{job="{name}",outcome="failed"}}'):
            return float(line.rpartition(" ")[2])
    return 0.0


def test_rounds_are_run_while_there_is_something_to_do(itself: OneProgram) -> None:
    left = [3, 2, 1]
    assert run(itself, job(lambda work: noted(work, left))) == {"tried": 6}
    entries = itself.only.entries(object_kind="job")
    assert [(one["actor_kind"], one["actor_id"], one["purpose"]) for one in entries] == [
        ("system", ITSELF, "HOPERAT")
    ] * 3
    endless = [1] * (MOST_ROUNDS + 5)
    assert run(itself, job(lambda work: noted(work, endless))) == {"tried": MOST_ROUNDS}


def test_what_fails_is_undone_counted_by_class_and_tried_again(itself: OneProgram) -> None:
    left, broken = [1], [True]

    def fails_once(work: Work) -> int:
        done = noted(work, left)
        if broken:
            broken.clear()
            left.append(1)
            raise KeyError("something about Ann Testperson")
        return done

    before = failures("fails")
    other = [7]
    with capture_logs() as logged:
        done = run(itself, job(fails_once, "fails"), job(lambda work: noted(work, other), "other"))
    assert done == {"fails": 0, "other": 7}
    assert failures("fails") == before + 1
    (line,) = [one for one in logged if one["event"] == "job_failed"]
    assert line == {"event": "job_failed", "log_level": "error", "job": "fails", "error": "KeyError"}
    assert len(itself.only.entries(object_kind="job")) == 1, "what the failed one recorded is rolled back"
    assert run(itself, job(fails_once, "fails")) == {"fails": 1}


def test_an_act_without_its_entry_does_not_happen_in_a_job_either(itself: OneProgram) -> None:
    def forgets(work: Work) -> int:
        work.require(Action.MESSAGE_SEND)
        return 1

    before = failures("forgets")
    assert run(itself, job(forgets, "forgets")) == {"forgets": 0}
    assert failures("forgets") == before + 1


def test_what_a_job_may_not_do_is_refused_and_recorded(itself: OneProgram) -> None:
    def reads(work: Work) -> int:
        work.require(Action.PATIENT_SEARCH, object_kind="patient")
        return 1

    assert run(itself, job(reads)) == {"tried": 0}
    (refused,) = itself.only.entries(action="patient.search")
    assert (refused["outcome"], refused["actor_kind"]) == ("deny", "system")


def test_one_leader_for_each_job_and_program(itself: OneProgram) -> None:
    """While another process leads, nothing is done; when it dies, the lead is free."""
    service, left = itself.only, [1]
    held, done = threading.Event(), threading.Event()

    def lead() -> None:
        def hold(db: Any) -> None:
            assert try_lead(db, "tried", service.program_id)
            held.set()
            done.wait(10)
            raise RuntimeError("the leader dies")

        with pytest.raises(RuntimeError):
            service.unit(hold)

    other = threading.Thread(target=lead)
    other.start()
    assert held.wait(10)
    try:
        assert run(itself, job(lambda work: noted(work, left))) == {"tried": 0}
        assert left == [1]
        assert run(itself, job(lambda work: noted(work, left), "another")) == {"another": 1}
    finally:
        done.set()
        other.join()
    left.append(1)
    assert run(itself, job(lambda work: noted(work, left))) == {"tried": 1}


def test_two_processes_at_once_do_everything_once(itself: OneProgram) -> None:
    """The post of two processes, at the same time: every message is sent once."""
    room = Mailroom(itself.only)
    queued = {room.queue() for _ in range(6)}
    taken: list[str] = []

    class Slow:
        async def carry(self, parcel: Any) -> Any:
            taken.append(parcel.message_id)
            await asyncio.sleep(0)
            return Sent()

    async def both() -> list[int]:
        return await asyncio.gather(room.post(Slow()).run_once(), room.post(Slow()).run_once())

    portal = itself.only.house.http.portal
    assert portal is not None
    assert sum(portal.call(both)) == 6
    assert sorted(taken) == sorted(str(one.message_id) for one in queued if isinstance(one, Queued))


def test_a_serving_process_runs_its_jobs_and_the_console_can(service: Service) -> None:
    room = Mailroom(service)
    room.queue()
    done = asyncio.run(_run(service.house.settings))
    assert done["delivery"] >= 1
    assert set(done) == {"delivery", "keys", *(one.name for one in all_jobs(service.house.state))}
    assert room.only()["state"] == "failed", "there is no carrier here, and that is said"

    again = room.register({"channel": "text", "address": "+1 555 0199", "safe": True})
    room.queue(patient_id=again)
    app = build(service.house.settings, Options(clock=service.clock, sequence=False, jobs=True))
    with TestClient(app, base_url="http://testserver") as http:
        for _ in range(200):
            if room.only(again)["state"] != "queued":
                break
            http.get("/healthz")
            threading.Event().wait(0.02)
    assert room.only(again)["state"] == "failed"
