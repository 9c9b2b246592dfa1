"""The service against its own description: whatever /openapi.json allows or forbids, the answer is a described one.

Schemathesis makes requests that fit the description and requests that do not. Every operation gets both kinds from
every role and from strangers. What is checked: never a 5xx; a described status, media type, headers and body, with
nothing in the body that is not described; and no answer but 401 for a stranger. A few requests per pair of operation and
role run with the other tests, 10,000 and more with CONSENTRY_BATTERY=1.
"""

import math
import os
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from service.app import build
from service.config import Settings
from tests.fuzz.town import ROLES, Town

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
STRANGER = "stranger"
#: What strangers bring along instead of a token.
NOBODY = (
    {},
    {"Authorization": "Bearer x.y.z"},
    {"Authorization": "Basic eDp5"},
    {"Authorization": "Bearer "},
)
#: Codes of answers about a header.
ABOUT_HEADERS = {
    "purpose_required": "Purpose-Of-Use",
    "purpose_not_allowed": "Purpose-Of-Use",
    "precondition_required": "If-Match",
    "version_stale": "If-Match",
    "idempotency_mismatch": "Idempotency-Key",
    "idempotency_key_invalid": "Idempotency-Key",
}
#: After these nobody is signed in who was.
ENDING = {"revoke", "end_session", "disable_user"}
#: Resources that requests use up: consents end, forms are completed.
CONSUMED = {
    *("consents", "assessments", "flags", "relationships", "disclosures", "record-requests"),
    *("evidence", "agreements", "attachments"),
}
#: Resources of an intake: episodes end, plans are no drafts any more.
STAYS = {"episodes", "care-plans", "placement-decisions", "forms", "packet", "level-of-care"}
#: Whoever calls these shows a token of their own, and a session's is none.
OWN_TOKEN = {"report_bounces"}
#: These ask how far the ledger is; nothing here sequences it by itself.
SEQUENCED = {"readyz", "prove_entry", "newest_checkpoint", "prove_consistency", "export_trail"}


def described() -> dict[str, Any]:
    """The description; made without a database, because pytest collects before there is one."""
    nowhere = "postgresql+psycopg://nobody@localhost/nothing"
    wanted = Settings(
        data=Path("nowhere"),
        database_url=nowhere,
        owner_database_url=nowhere,
        sequencer_database_url=nowhere,
        deployment="test",
    )
    return build(wanted).openapi()


def closed(description: dict[str, Any]) -> dict[str, Any]:
    """The description read narrowly: an object has the members it is described with and no others."""
    schemas = description["components"]["schemas"]
    for name, schema in schemas.items():
        if name != "ProblemModel" and "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return description


SCHEMA = schemathesis.openapi.from_dict(closed(described()))
#: Who calls is ours to say.
SCHEMA.config.generation.update(with_security_parameters=False)
OPERATIONS = {
    operation.ok().definition.raw["operationId"]: operation.ok() for operation in SCHEMA.get_all_operations()
}
BATTERY = os.environ.get("CONSENTRY_BATTERY") == "1"
EVERYBODY = (*ROLES, STRANGER)
#: Making a request that fits takes longer than sending it: the few go out once as everybody, the many as one role each.
PAIRS = [
    pytest.param(name, roles, id=f"{name}-{roles[0] if BATTERY else 'everybody'}")
    for name in sorted(OPERATIONS)
    for roles in ([(role,) for role in EVERYBODY] if BATTERY else [EVERYBODY])
]
EXAMPLES = math.ceil(10_000 / len(PAIRS)) if BATTERY else 2


@pytest.mark.battery
@pytest.mark.parametrize(("name", "roles"), PAIRS)
def test_answers_are_as_described(town: Town, name: str, roles: tuple[str, ...]) -> None:
    """The few are the same in every run; the many are new each time."""
    if CONSUMED & set(OPERATIONS[name].path.split("/")):
        town.restock(name)
    if STAYS & set(OPERATIONS[name].path.split("/")) and OPERATIONS[name].method != "get":
        town.restock_stay()
    if name in SEQUENCED:
        town.service.house.sequence()

    @settings(
        max_examples=EXAMPLES,
        derandomize=not BATTERY,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases(name), st.randoms(use_true_random=False))
    def send(case: Case, chosen: Random) -> None:
        for role in roles:
            try:
                _try(town, case, role, chosen)
            except Exception as error:
                error.add_note(f"{name} as {role}")
                raise

    send()


def _try(town: Town, case: Case, role: str, chosen: Random) -> None:
    """One request of this role, judged."""
    town.inhabit(case, chosen)
    answer = answered(town, case, role, chosen)
    case.validate_response(answer, checks=CHECKS)
    if role == STRANGER:
        keeps_strangers_out(case, answer)
    else:
        says_which_headers_count(case, answer)
    if case.operation.definition.raw["operationId"] in ENDING:
        town.service.accounts.clear()


@cache
def cases(name: str) -> st.SearchStrategy[Case]:
    """Requests that fit the operation's description, and requests that do not."""
    operation = OPERATIONS[name]
    fitting = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    if not (operation.path_parameters or operation.query or operation.body):
        return fitting
    return fitting | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)


def answered(town: Town, case: Case, role: str, chosen: Random) -> Any:
    """Send the request as this role; what the description asks of the transport is done by requests."""
    headers = NOBODY[chosen.randrange(len(NOBODY))] if role == STRANGER else town.caller(role).headers
    case.headers.pop("Authorization", None)
    given = {
        name: value for name, value in headers.items() if name not in case.headers or chosen.random() < 0.8
    }
    wire = requests.Request(**case.as_transport_kwargs(base_url="http://testserver", headers=given)).prepare()
    return town.service.house.http.request(
        str(wire.method), str(wire.url), content=wire.body, headers=dict(wire.headers), follow_redirects=False
    )


def keeps_strangers_out(case: Case, answer: Any) -> None:
    """Whatever else a stranger sends, the answer is 401; a path that is none may be a 404."""
    operation = case.operation.definition.raw
    if operation.get("security") == []:
        return
    elsewhere = case.meta is not None and case.meta.is_negative_at(ParameterLocation.PATH)
    assert answer.status_code == 401 or (elsewhere and answer.status_code in (404, 405)), answer.text
    if answer.status_code == 401:
        assert answer.json()["code"] == "unauthenticated"


def says_which_headers_count(case: Case, answer: Any) -> None:
    """An answer about a header comes only from operations that are described with it."""
    if answer.headers.get("content-type") != "application/problem+json":
        return
    operation, code = case.operation.definition.raw, answer.json()["code"]
    read = {parameter["name"] for parameter in operation.get("parameters", ())}
    assert ABOUT_HEADERS.get(code) in {None, *read}, answer.text
    assert code != "unauthenticated" or operation["operationId"] in ENDING | OWN_TOKEN, answer.text


def test_the_town_has_one_of_everything_a_path_names(town: Town) -> None:
    """What it has not is asked for by made-up names only, and every answer is a 404."""
    named = {part[1:-1] for one in OPERATIONS.values() for part in one.path.split("/") if part[:1] == "{"}
    assert {name for name in named - {"size", "tile"} if not town.known.get(name)} == set()
