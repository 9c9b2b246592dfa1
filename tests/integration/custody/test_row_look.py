"""What nobody asked for since it was bent is found by the night's look: an incident, a review, a number to watch."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from service.custody import looking
from service.edge.metrics import exposition
from service.jobs.job import Job
from service.jobs.records import try_lead
from service.jobs.registered import all_jobs
from service.jobs.runner import Jobs
from service.store.looking import Look, last_look
from service.store.sweep import KNOWN_TO_THE_TRAIL
from service.work import enter
from tests.fuzz.town import Town
from tests.house import Service, open_program
from tests.integration.delivery.mailroom import OneProgram
from tests.integration.disclosure.office import TPO, Office
from tests.integration.identity.test_administration import new_user


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many passes for few rows."""
    monkeypatch.setattr(looking, "AT_ONCE", 3)


class Night:
    """The job, run as a process would."""

    def __init__(self, service: Service) -> None:
        self.service = service
        state = service.house.state
        self.itself = OneProgram(state.engine, state.mechanisms, state.clock, service)
        self.job: Job = next(job for job in all_jobs(state) if job.name == "row_look")

    def run(self) -> int:
        portal = self.service.house.http.portal
        assert portal is not None
        return portal.call(Jobs(self.itself, [self.job]).run_once)["row_look"]

    def stands(self) -> Look:
        found = self.service.unit(lambda db: last_look(db, self.service.program_id))
        assert found is not None
        return found

    def passes(self) -> Iterator[Look]:
        """Each pass until the look has ended."""
        while True:
            self.run()
            yield self.stands()
            if self.stands().ended_at is not None:
                return

    def incidents(self) -> list[dict[str, Any]]:
        return self.service.entries(action="integrity.failed")

    def reviews(self) -> list[dict[str, Any]]:
        answer = self.service.client("compliance").get("/audit/reviews?state=open")
        assert answer.status_code == 200, answer.text
        found = answer.json()["items"]
        return [one for one in found if one["kind"] == "integrity"]


def number() -> float:
    lines = exposition()[0].decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("consentry_bad_rows_total"))


def by_hand(service: Service, statement: str, *values: object) -> None:
    with service.house.superuser() as db:
        db.execute("set session_replication_role = replica")
        assert db.execute(statement, values).rowcount == 1  # type: ignore[arg-type]


def test_a_bent_row_becomes_an_incident_a_review_and_a_number(service: Service) -> None:
    office = Office(service)
    item, consent = office.item("attendance"), office.signed(TPO)["id"]
    night = Night(service)
    assert night.run() == 0
    assert (night.stands().bad, night.incidents(), night.reviews()) == (0, [], [])
    by_hand(service, "update consent set expires_on = '2099-01-01' where id = %s", consent)
    by_hand(service, "delete from record_item where id = %s", item)
    assert night.run() == 0, "it was looked at a moment ago"
    service.clock.advance(timedelta(hours=20))
    service.accounts.clear()
    before = number()
    assert night.run() == 2
    assert number() == before + 2
    (said,) = [entry["detail"] for entry in night.incidents()]
    assert said["rows"] == 2
    assert set(said["first"].split("; ")) == {f"consent {consent} altered", f"record_item {item} deleted"}
    assert {one["subject_id"] for one in night.reviews()} == {consent, item}

    service.clock.advance(timedelta(hours=20))
    service.accounts.clear()
    assert night.run() == 2, "what is not repaired is said again"
    assert len(night.incidents()) == 2
    assert len(night.reviews()) == 2, "somebody is asked once"


@pytest.mark.usefixtures("small")
def test_pages_go_on_where_the_last_one_ended_and_see_every_row_once(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    Office(service).signed(TPO)
    night = Night(service)
    passes = list(night.passes())
    assert len(passes) > 3
    assert [one.began_at for one in passes] == [passes[0].began_at] * len(passes)
    assert all(later.seen - one.seen <= 3 for one, later in pairwise(passes))
    monkeypatch.setattr(looking, "AT_ONCE", 2_000)
    service.clock.advance(timedelta(hours=20))
    (whole,) = night.passes()
    assert whole.seen == passes[-1].seen


@pytest.mark.usefixtures("small")
def test_a_row_is_found_on_whatever_page_it_stands(service: Service) -> None:
    names = [service.account("clinician", name=f"clinician {number}") for number in range(7)]
    for who in (names[0], names[3], names[6]):
        by_hand(service, "update account set units = '{}' where id = %s", who.id)
    night = Night(service)
    found = list(night.passes())[-1]
    assert found.bad == 3
    assert {UUID(one["subject_id"]) for one in night.reviews()} == {names[0].id, names[3].id, names[6].id}


def test_one_process_looks_at_a_time(service: Service) -> None:
    night = Night(service)
    with service.house.engine.connect() as other, other.begin():
        enter(other, service.program_id)
        assert try_lead(other, "row_look", service.program_id)
        night.run()
        assert service.unit(lambda db: last_look(db, service.program_id)) is None
    night.run()
    assert night.stands().ended_at is None or night.stands().seen > 0


def test_another_program_is_another_look(service: Service) -> None:
    other = open_program(service.house)
    who = other.account("clinician")
    by_hand(other, "update account set units = '{}' where id = %s", who.id)
    assert Night(service).run() == 0
    assert Night(other).run() == 1


def test_in_a_full_program_all_is_well_until_the_trail_knows_better(service: Service) -> None:
    """One row of each kind that the trail knows, whether it carries a code or not."""
    Town(service)
    assert service.client("administrator").post("/users", new_user()).status_code == 201
    night = Night(service)
    assert night.run() == 0, [entry["detail"] for entry in night.incidents()]
    with service.house.superuser() as db:
        found = db.execute(
            "select object_kind, min(object_id::text) from audit_entry where program_id = %s "
            "and object_version is not null group by object_kind",
            [service.program_id],
        ).fetchall()
        known = {kind: row_id for kind, row_id in found if kind in KNOWN_TO_THE_TRAIL}
        assert known.keys() == set(KNOWN_TO_THE_TRAIL)
    later_versions(service, list(known.values()), 1000)
    service.clock.advance(timedelta(hours=20))
    assert night.run() == len(known)
    (said,) = [entry["detail"] for entry in night.incidents()]
    assert set(said["first"].split("; ")) == {
        f"{KNOWN_TO_THE_TRAIL[kind].name} {row_id} older" for kind, row_id in known.items()
    }
    later_versions(service, list(known.values()), -1000)


def later_versions(service: Service, ids: list[str], more: int) -> None:
    """The trail is made to know of later versions than there are: as if older rows had been put back."""
    with service.house.superuser() as db:
        db.execute("set session_replication_role = replica")
        db.execute(
            "update audit_entry set object_version = object_version + %s where object_id = any(%s::uuid[])",
            [more, ids],
        )
