"""A request that is sent twice is done once: every route that makes or changes something says how, and does so.

What the description promises is compared with what the routes read; then the acts themselves are repeated.
"""

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from service.store.base import metadata
from tests.fuzz.intake import SAFETY_PLAN
from tests.fuzz.town import PNG, Town
from tests.house import Client, House, Service
from tests.integration.sealed_columns import sealed_columns
from tests.unit.evidence.papers import PAPERS

#: POSTs that make nothing, or nothing twice: signing in and out, questions, what is done already when it is done.
REPEATABLE = {
    "token",
    "revoke",
    "search_patients",
    "preview_disclosure",
    "preview_reach",
    "disable_user",
    "open_packet_link",
    "report_bounces",
    "add_cosignatures",
}


@dataclass(frozen=True)
class Door:
    """One operation: how it is described, and the source of its route."""

    name: str
    method: str
    headers: dict[str, bool]
    source: str


@pytest.fixture
def doors(house: House) -> list[Door]:
    described = house.http.get("/openapi.json").json()["paths"]
    found = list(_doors(house, described))
    assert len(found) > 80
    return found


def _doors(house: House, described: dict[str, Any]) -> Iterator[Door]:
    for route in iter_route_contexts(house.app.routes):
        original = route.original_route
        for method, operation in described.get(str(route.path), {}).items():
            if isinstance(original, APIRoute) and method.upper() in original.methods:
                headers = {
                    one["name"]: one["required"]
                    for one in operation.get("parameters", ())
                    if one["in"] == "header"
                }
                yield Door(operation["operationId"], method, headers, _source(original.endpoint))


def _source(endpoint: Any) -> str:
    """The route's function, and those of its module that it calls."""
    own = inspect.getmodule(endpoint)
    called = [getattr(own, name, None) for name in endpoint.__code__.co_names]
    beside = [one for one in called if inspect.isfunction(one) and inspect.getmodule(one) is own]
    return "".join(inspect.getsource(one) for one in (endpoint, *beside))


def test_every_post_is_done_once_under_its_key_or_said_to_be_repeatable(doors: list[Door]) -> None:
    for door in doors:
        once = "perform_once(" in door.source
        assert ("Idempotency-Key" in door.headers) == once, door.name
        if door.method == "post":
            assert once != (door.name in REPEATABLE), door.name
        else:
            assert not once, door.name


def test_a_version_is_read_where_it_is_described_and_only_there(doors: list[Door]) -> None:
    for door in doors:
        welcome = "if_match(request)" in door.source
        demanded = re.search(r"if_match\(request\)(?! if )", door.source) is not None
        told = door.headers.get("If-Match")
        assert welcome == (told is not None), door.name
        if door.method in ("put", "patch"):
            assert told is True and demanded, door.name
        elif told is not None:
            assert told is False and not demanded, door.name


def test_every_sealed_value_belongs_to_a_program_and_an_act() -> None:
    for table in sealed_columns():
        assert {"program_id", "entry_id"} <= {column.name for column in metadata.tables[table].c}, table


# ---- the acts themselves ------------------------------------------------------------------------------


class Twice:
    """Sends everything twice under one key, and once more, changed, under the same."""

    def __init__(self, service: Service) -> None:
        self.town = Town(service)
        self.service = service
        self.done: set[str] = set()

    def act(
        self, who: str | Client, path: str, body: Any, *, other: Any = None, **options: Any
    ) -> dict[str, Any]:
        client = self.town.caller(who) if isinstance(who, str) else who
        headers = {"Idempotency-Key": str(uuid4()), **options.pop("headers", {})}
        options |= {"content": body} if isinstance(body, bytes) else {"json": body}
        first = client.request("POST", path, headers=headers, **options)
        assert first.status_code in (200, 201), (path, first.text)
        before = self.rows()
        again = client.request("POST", path, headers=headers, **options)
        assert (again.status_code, again.json()["id"]) == (first.status_code, first.json()["id"]), path
        assert self.rows() == before, f"{path} was done twice"
        options |= (
            {"content": body + b"x"} if isinstance(body, bytes) else {"json": {**body, **(other or {})}}
        )
        if isinstance(body, bytes) or other:
            changed = client.request("POST", path, headers=headers, **options)
            assert (changed.status_code, changed.json()["code"]) == (409, "idempotency_mismatch"), (
                changed.text
            )
        self.done.add(re.sub(r"[0-9a-f-]{36}", "*", path.partition("?")[0]))
        return first.json()

    def rows(self) -> dict[str, list[Any]]:
        """Everything but the keys, sessions and the ledger: a repetition is read, and reading is recorded."""
        found: dict[str, list[Any]] = {}
        with self.service.house.superuser() as db:
            for name in sealed_columns():
                columns = {column.name for column in metadata.tables[name].c}
                versioned = "version" if "version" in columns else "1"
                query = f"SELECT entry_id::text, {versioned} FROM {name} WHERE program_id = %s ORDER BY 1, 2"
                found[name] = db.execute(query, [self.service.program_id]).fetchall()  # type: ignore[call-overload]
        return found


def test_every_new_act_sent_twice_is_done_once(service: Service) -> None:
    twice = Twice(service)
    town = twice.town
    patient, ed = f"/patients/{town.patient_id}", town.known["recipient_id"][2]
    why, because = {"reason": "recorded by mistake"}, {"reason": "looked into"}

    def paper(kind: str) -> dict[str, Any]:
        return {
            "kind": kind,
            "recipients": [{"recipient_id": ed}],
            "kinds": ["attendance"],
            "starts_on": "2026-02-01",
            "particulars": dict(PAPERS[kind].particulars),
        }

    for where, there, kind in (
        (f"{patient}/evidence", "/evidence", "incident"),
        ("/agreements", "/agreements", "qsoa"),
    ):
        made = twice.act("compliance", where, paper(kind), other={"starts_on": "2026-02-02"})
        assert twice.act("compliance", f"{there}/{made['id']}/sign-off", {})["state"] == "signed_off"
        assert twice.act("compliance", f"{there}/{made['id']}/end", why, other=because)["state"] == "ended"
    asked = {"kinds": ["lab_result"], "recipients": [ed], "classes": ["treatment"], "reason": "private"}
    made = twice.act("intake", f"{patient}/restrictions", asked, other=because)
    agreed = {"answer": "agreed", "reason": "we can"}
    twice.act("compliance", f"/restrictions/{made['id']}/answer", agreed, other=because)
    twice.act(
        "patient", f"/restrictions/{made['id']}/ending", {"by": "patient_written"}, other={"note": "by post"}
    )
    texts = {"nature": "unresponsive", "why_no_consent": "nobody can be reached"}
    made = twice.act("clinician", f"{patient}/emergency-access", texts, other={"nature": "fell"})
    twice.act("clinician", f"/emergency-access/{made['id']}/ending", {})
    (review, *_) = town.known["review_id"]
    closing = {"decision": "appropriate", **because}
    twice.act("compliance", f"/audit/reviews/{review}", closing, other={"decision": "incident"})
    ruling = {"kind": "doubted", **because}
    twice.act(
        "compliance", f"/consents/{town.known['consent_id'][0]}/rulings", ruling, other={"kind": "false"}
    )
    twice.act(
        "intake",
        f"{patient}/events",
        {"kind": "discharge", "occurred_on": "2026-05-01"},
        other={"kind": "transfer"},
    )
    offered = {"kind": "emergency", "particulars": dict(PAPERS["emergency"].particulars)}
    emergency = town.asked(ed, "BTG", categories=["medication_list"], evidence=offered)
    twice.act("clinician", f"{patient}/disclosures", emergency, other={"channel": "fax"})
    png = {"Content-Type": "image/png"}
    made = twice.act("clinician", f"{patient}/attachments?kind=other", PNG, headers=png)
    twice.act("clinician", f"/attachments/{made['id']}/error", why, other=because)
    licence = {"licence_id": "L-1 on test", "holder": "A holder on test", "attestation": "We are licensed."}
    own = {"instrument": "audit", "version": 1, "wording": {}, **licence}
    attested = {"pack": own, "starts_on": "2026-01-01", "expires_on": "2030-12-31"}
    made = twice.act("compliance", "/instruments/audit/packs", attested, other={"expires_on": "2031-12-31"})
    twice.act("compliance", f"/packs/{made['id']}/withdrawal", why, other=because)
    watch = {"kind": "vip", **because}
    made = twice.act("compliance", f"{patient}/watches", watch, other={"kind": "coworker"})
    twice.act("compliance", f"/watches/{made['id']}/end", why, other=because)
    (user, *_) = town.known["user_id"]
    said = {"birth_date": "1980-02-03"}
    twice.act("administrator", f"/users/{user}/particulars", said, other={"family_name": "Testperson"})
    assert len(twice.done) == 22


def test_every_act_of_an_intake_sent_twice_is_done_once(service: Service) -> None:
    twice = Twice(service)
    town = twice.town
    stay, known = town.stay, {name: ids[0] for name, ids in town.known.items()}
    patient, episode = f"/patients/{town.patient_id}", f"/episodes/{known['episode_id']}"
    plan, why, other = f"/care-plans/{known['plan_id']}", {"reason": "looked into"}, {"reason": "once more"}
    today = stay.today.isoformat()
    visit = {"held_on": today, "minutes": 60, "outcome": "attended", "format": "group"}
    signed = {"kind": "patient", "name": "Pat Testperson", "decision": "agrees"}
    flag, done = f"/flags/{known['flag_id']}", {"action": "Spoke with the patient at length"}
    done |= {"seen_by": "Dr Olu", "outcome": "safe_now"}
    taken = {"account_id": str(service.account("clinician").id)}
    decision = stay.decision(known["episode_id"])
    acts: tuple[tuple[str, str, Any, Any], ...] = (
        ("clinician", f"{episode}/placement-decisions", decision, {"level": "1.0"}),
        ("clinician", f"{patient}/safety-plans", SAFETY_PLAN, {"given_on": "2026-05-30"}),
        ("clinician", f"{episode}/visits", visit, {"minutes": 61}),
        ("clinician", f"{plan}/signatures", signed, {"name": "P. Testperson"}),
        ("intake", f"{patient}/forms/F16", stay.form("F16"), {"attestation": "Signed."}),
        ("intake", f"{patient}/packet-links", {}, None),
        ("clinician", f"{flag}/assignment", taken, {"account_id": None}),
        ("clinician", f"{flag}/acknowledgement", done, {"seen_by": "Dr Ida"}),
        ("intake", f"/merges/{known['merge_id']}/undoing", why, other),
        (
            "administrator",
            f"/users/{known['user_id']}/credentials",
            stay.credential_body(),
            {"number": "T-9"},
        ),
        ("clinician", f"{episode}/discharge", stay.discharge_body(), other),
    )
    for who, path, body, changed in acts:
        twice.act(who, path, body, other=changed)
    assert len(twice.done) == len(acts)
