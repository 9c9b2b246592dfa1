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
PAIRS = [
    pytest.param(name, role, id=f"{name}-{role}")
    for name in sorted(OPERATIONS)
    for role in (*ROLES, STRANGER)
]
BATTERY = os.environ.get("CONSENTRY_BATTERY") == "1"
EXAMPLES = math.ceil(10_000 / len(PAIRS)) if BATTERY else 2


@pytest.mark.battery
@pytest.mark.parametrize(("name", "role"), PAIRS)
def test_answers_are_as_described(town: Town, name: str, role: str) -> None:
    """The few are the same in every run; the many are new each time."""
    if CONSUMED & set(OPERATIONS[name].path.split("/")):
        town.restock(name)
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
        town.inhabit(case, chosen)
        answer = answered(town, case, role, chosen)
        case.validate_response(answer, checks=CHECKS)
        if role == STRANGER:
            keeps_strangers_out(case, answer)
        else:
            says_which_headers_count(case, answer)
        if name in ENDING:
            town.service.accounts.clear()

    send()


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
    assert code != "unauthenticated" or operation["operationId"] in ENDING, answer.text
