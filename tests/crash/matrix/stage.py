"""The state every case begins with: one small deployment, made once, and a copy of its database and its files for each.

In it are a patient with a chart and a consent, a patient whose destruction was asked for long after every period, and
entries of both trees that have no position yet.
"""

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from service.config import AnchorSettings, Settings
from service.store.roles import OWNER
from tests.house import Cluster, House, Service, open_program
from tests.integration.disclosure.office import SPECIFIC, Office

LONG = timedelta(days=366 * 9)
_PERSON = {
    "given_name": "Zelda",
    "family_name": "Testperson",
    "birth_date": "1981-05-06",
    "sex": "female",
    "identifiers": [{"system": "mrn", "value": "SYN-000471"}],
}


@dataclass(frozen=True, slots=True)
class Case:
    """One copy of the deployment, and the names of what is in it."""

    settings: Settings
    program: str
    program_id: UUID
    patient: UUID
    #: Whose destruction was asked for, and the request.
    doomed: UUID
    shredding: UUID
    decided_at: datetime

    @property
    def environment(self) -> dict[str, str]:
        """What a process of this deployment is given."""
        return self.settings.to_environment()


class Stage:
    """Makes cases. The template's application is closed: PostgreSQL copies only what nobody uses."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._cluster, self._folder, self._numbers = cluster, folder, count()
        self._template = f"matrix_{folder.name.replace('-', '_')}"
        house = House(cluster, self._template, folder / "template")
        try:
            self._first = _played(house)
        finally:
            house.close()

    @contextmanager
    def case(self, anchors: AnchorSettings | None = None) -> Generator[Case]:
        """A fresh copy, gone afterwards. `anchors` instead of the file alone."""
        name = f"{self._template}_{next(self._numbers)}"
        data = self._folder / name
        with self._cluster.server.admin() as admin:
            admin.autocommit = True
            admin.execute(
                sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                    *map(sql.Identifier, (name, OWNER, self._template))
                )
            )
        shutil.copytree(self._folder / "template", data)
        settings = self._cluster.settings(name, data)
        if anchors is not None:
            settings = replace(settings, anchors=anchors)
        try:
            yield replace(self._first, settings=settings)
        finally:
            shutil.rmtree(data)
            with self._cluster.server.admin() as admin:
                admin.autocommit = True
                admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def superuser(self, case: Case) -> psycopg.Connection[Any]:
        return self._cluster.superuser(str(case.settings.database_url).split("?")[0].rsplit("/", 1)[-1])


def _played(house: House) -> Case:
    now = house.clock.now()
    house.clock.set(now - LONG)
    service = open_program(house)
    answer = service.client("intake").post("/patients", _PERSON)
    assert answer.status_code == 201, answer.text
    doomed = answer.json()["id"]
    house.clock.set(now)
    service.accounts.clear()
    house.sequence()
    patient = _in_care(service)
    asked = service.client("compliance").post(
        "/keys/shreddings",
        {"patient_id": doomed, "basis": "retention_over", "reason": "Every period is over."},
    )
    assert asked.status_code == 201, asked.text
    return Case(
        settings=house.settings,
        program=service.program.key,
        program_id=service.program_id,
        patient=UUID(patient),
        doomed=UUID(doomed),
        shredding=UUID(asked.json()["id"]),
        decided_at=now,
    )


def _in_care(service: Service) -> str:
    office = Office(service)
    office.item("attendance")
    office.item("progress_note")
    office.signed(SPECIFIC)
    return office.patient_id
