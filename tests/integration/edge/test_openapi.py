"""The description is whole: every route is in it, and every operation says what it takes and how it answers."""

from typing import Any

import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from service.edge.directory import Index
from service.edge.strict import StrictRoute
from service.errors import Code
from service.web.pages import PageRoute
from tests.house import House

#: Routes that are no part of the API: the description itself. Pages (PageRoute) are for people.
OUTSIDE = {"/openapi.json"}
#: Operations that strangers may call.
OPEN = {"healthz", "readyz", "metrics", "jwks", "token", "open_packet_link", "report_bounces"}
PROBLEM = {"schema": {"$ref": "#/components/schemas/ProblemModel"}}


@pytest.fixture
def described(house: House) -> dict[str, Any]:
    return house.http.get("/openapi.json").json()


def operations(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Operations by id, which is theirs alone."""
    every = [operation for methods in described["paths"].values() for operation in methods.values()]
    found = {operation["operationId"]: operation for operation in every}
    assert len(found) == len(every)
    return found


def test_every_route_is_described(house: House, described: dict[str, Any]) -> None:
    for route in iter_route_contexts(house.app.routes):
        path = str(route.path).replace(":path}", "}")  # described by its name alone
        if isinstance(route.original_route, Index):  # leads to routes, and is none
            continue
        of_pages = getattr(route.original_route, "endpoint", None).__module__.startswith("service.web.")
        if (
            isinstance(route.original_route, PageRoute) or of_pages
        ):  # what the pages' own script asks for, too
            assert not path.startswith(("/api", "/.well-known")), path
        elif path not in OUTSIDE:
            assert isinstance(route.original_route, APIRoute)
            assert {str(method).lower() for method in route.methods or ()} <= set(described["paths"][path]), (
                path
            )


def test_routes_of_the_api_are_strict(house: House) -> None:
    for route in iter_route_contexts(house.app.routes):
        if str(route.path).startswith("/api"):
            assert isinstance(route.original_route, StrictRoute), route.path


def test_every_operation_says_what_it_is(described: dict[str, Any]) -> None:
    for name, operation in operations(described).items():
        assert operation["summary"].strip(), name
        assert operation["tags"], name
        assert name.isidentifier(), name


def test_every_operation_describes_its_success(described: dict[str, Any]) -> None:
    for name, operation in operations(described).items():
        successes = {status: answer for status, answer in operation["responses"].items() if status[0] == "2"}
        assert len(successes) == 1, name
        for status, answer in successes.items():
            contents = answer.get("content", {})
            assert bool(contents) == (status != "204"), name
            for content in contents.values():
                assert content["schema"], name


def test_every_operation_answers_errors_with_problems(described: dict[str, Any]) -> None:
    for name, operation in operations(described).items():
        for statuses in ("4XX", "5XX"):
            assert operation["responses"][statuses]["content"] == {"application/problem+json": PROBLEM}, name
        assert "422" not in operation["responses"], name
    problem = described["components"]["schemas"]["ProblemModel"]
    assert {"type", "title", "status", "code", "detail", "request_id"} <= set(problem["required"])
    assert set(problem["properties"]["code"]["enum"]) == {code.value for code in Code}


def test_every_operation_says_who_may_call(described: dict[str, Any]) -> None:
    assert described["security"] == [{"bearer": []}]
    assert described["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for name, operation in operations(described).items():
        assert operation.get("security") == ([] if name in OPEN else None), name


def test_every_change_is_described_with_its_body_and_headers(described: dict[str, Any]) -> None:
    bodiless = {"disable_user", "preview_reach", "end_emergency_access"} | {
        "sign_off_evidence",
        "sign_off_agreement",
        "make_packet_link",
        "end_packet_link",
        "recheck_duplicates",
        "review_medical_intake",
    }
    for methods in described["paths"].values():
        for method, operation in methods.items():
            name = operation["operationId"]
            assert ("requestBody" in operation) == (
                method in ("post", "put", "patch") and name not in bodiless
            ), name
            headers = {one["name"]: one for one in operation.get("parameters", ()) if one["in"] == "header"}
            if method in ("put", "patch"):
                assert headers["If-Match"]["required"], name
            if method == "post" and "201" in operation["responses"]:
                assert "Idempotency-Key" in headers, name


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    found = 0
    for reference in _references(described):
        place: Any = described
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
        assert place, reference
        found += 1
    assert found > 100


def _references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [found for member in value for found in _references(member)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
    return own + [found for member in value.values() for found in _references(member)]
