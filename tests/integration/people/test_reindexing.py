"""Patients of an earlier version: found by former name and telephone again once their terms are written."""

from functools import partial
from typing import Any
from uuid import UUID

from service.identity.system import PURPOSE, system_caller
from service.ids import ProgramId
from service.people.reindexing.operations import Batch, write_missing_terms
from tests.house import Service, open_program, verify_ledger

ANA: dict[str, Any] = {
    "given_name": "Ana",
    "family_name": "Testperson",
    "birth_date": "1990-04-05",
    "phone": "+1 555 0100",
    "aliases": [{"family_name": "Formerly", "given_name": "Ana"}],
}
#: What earlier versions wrote.
FORMER = "family_birth", "given_birth", "name_birth", "phonetic_birth", "identifier", "system_identifier"


def register(service: Service, **changes: Any) -> UUID:
    return UUID(service.client("intake").post("/patients", ANA | changes).json()["id"])


def as_of_an_earlier_version(service: Service) -> None:
    with service.house.superuser() as db:
        db.execute("delete from patient_index where name <> all(%s)", [list(FORMER)])
        db.commit()


def reindex(service: Service, **how: Any) -> Batch:
    caller = system_caller(ProgramId(service.program_id))
    return service.work(caller, partial(write_missing_terms, **how), purpose=PURPOSE)


def by_former_name(service: Service, born: str = "1990-04-05") -> list[UUID]:
    sought = {"family_name": "Formerly", "given_name": "Ana", "birth_date": born}
    answer = service.client("intake").post("/patients/search", sought)
    return [UUID(item["id"]) for item in answer.json()["items"]]


def test_whoever_lacks_terms_is_found_again_and_nobody_is_done_twice(service: Service) -> None:
    first, second = register(service), register(service, birth_date="1991-05-06", phone="+1 555 0199")
    assert by_former_name(service) == [first]
    as_of_an_earlier_version(service)
    assert by_former_name(service) == []
    alike = ANA | {"given_name": "Somebody", "family_name": "Else", "aliases": []}
    assert service.client("intake").post("/patients", alike).json()["possible_duplicates"] == []
    began = len(service.entries())

    # a batch of one: the run is broken off after it, and goes on without being told where
    assert reindex(service, at_most=1) == Batch(1, (), 1, first)
    assert (by_former_name(service), by_former_name(service, "1991-05-06")) == ([first], [])
    assert reindex(service) == Batch(1, (), 0, second)
    assert by_former_name(service, "1991-05-06") == [second]
    assert reindex(service) == Batch(0, (), 0, None)

    noted = [one for one in service.entries()[began:] if one["action"] == "patient.reindex"]
    assert [one["patient_id"] for one in noted] == [first, second, None]
    assert {one["actor_kind"] for one in noted} == {"system"}
    again = service.client("intake").post("/patients", alike | {"given_name": "Again"})
    assert str(first) in {one["id"] for one in again.json()["possible_duplicates"]}
    verify_ledger(service)


def test_who_is_registered_or_changed_now_needs_nothing(service: Service) -> None:
    patient = register(service)
    client = service.client("intake")
    client.patch(f"/patients/{patient}", {"phone": "+1 555 0177"}, headers={"If-Match": '"1"'})
    assert reindex(service).written == 0


def test_a_chart_that_does_not_verify_keeps_nobody_behind_it_from_being_found(service: Service) -> None:
    damaged, sound = register(service), register(service, birth_date="1991-05-06")
    as_of_an_earlier_version(service)
    with service.house.superuser() as db:
        db.execute("set session_replication_role = replica")
        db.execute(
            "update patient set demographics = (select demographics from patient where id = %s) where id = %s",
            [sound, damaged],
        )
        db.commit()
    assert reindex(service) == Batch(1, (damaged,), 1, sound)
    assert by_former_name(service, "1991-05-06") == [sound]
    incidents = [one for one in service.entries() if one["action"] == "integrity.failed"]
    assert [one["patient_id"] for one in incidents] == [damaged]


def test_patients_of_another_program_are_left_alone(service: Service) -> None:
    other = open_program(service.house)
    register(service)
    as_of_an_earlier_version(service)
    assert reindex(other) == Batch(0, (), 0, None)
    assert reindex(service).written == 1
