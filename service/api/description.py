"""The OpenAPI description: FastAPI's own, completed with what the edge reads and sends around every route.

Generated clients and the fuzz of the service work from this document, so it says what is true: which headers count,
that every error is a problem document (RFC 9457), and which routes are open to strangers.
"""

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from service.edge.models import ProblemModel
from service.errors import Code

_SCHEMAS: Final = "#/components/schemas/"
_METHODS: Final = ("get", "put", "post", "patch", "delete")

#: Resources about patients: their routes are told the purpose of use.
_ABOUT_PATIENTS: Final = frozenset(
    {
        "patients",
        "intake",
        "record",
        "consent",
        "disclosure",
        "audit",
        "rights",
        "evidence",
        "agreements",
        "messages",
        "episodes",
        "placement",
        "packet",
        "care_plans",
    }
)
#: POSTs that make nothing, so that repeating them needs no key.
_REPEATABLE: Final = frozenset(
    {
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
)
#: POSTs that may name the version they mean; the state of the thing decides anyway.
_MAY_NAME_VERSION: Final = frozenset(
    {
        "take_step",
        "unmerge_charts",
        "hand_over",
        "complete_assessment",
        "amend_assessment",
        "mark_assessment_error",
        "assign_flag",
        "sign_consent",
        "revoke_consent",
        "rule_on_consent",
        "answer_restriction",
        "end_restriction",
        "lift_hold",
        "sign_care_plan",
        "activate_care_plan",
        "review_care_plan",
        "settle_care_plan",
        "measure_care_plan",
        "step_goal",
        "complete_medical_section",
        "relabel_item",
        "waive_item",
        "assign_item",
        "send_item_back",
        "skip_item",
    }
)

_PURPOSE: Final = {
    "name": "Purpose-Of-Use",
    "in": "header",
    "required": False,
    "description": "HL7 v3 ActReason code, once. Needed for whatever touches a patient: else 400 purpose_required.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 32, "examples": ["TREAT"]},
}
_IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key and body within 24 hours is the same act; another body is a 409.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
}
_VERSION: Final = {"type": "string", "pattern": '^"[0-9]{1,9}"$', "examples": ['"1"']}
_IF_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The ETag that was read: 428 without, 412 when the thing changed since.",
    "schema": _VERSION,
}
_RESPONSE_HEADERS: Final = {
    "X-Request-Id": {
        "required": True,
        "description": "Names this request in logs and in the trail.",
        "schema": {"type": "string", "pattern": "^[0-9A-Fa-f-]{8,64}$"},
    },
    "Audit-Entry": {
        "description": "The ledger entry this call wrote; never sent to outside requesters.",
        "schema": {"type": "string", "format": "uuid"},
    },
}


def describe(app: FastAPI) -> dict[str, Any]:
    """The description of `app`, made once: every route takes the bearer token unless it says otherwise."""
    if app.openapi_schema is None:
        described = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        components = described.setdefault("components", {})
        schemes = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
        components.setdefault("securitySchemes", {}).update(schemes)
        components.setdefault("schemas", {}).update(_problem_schemas())
        components["headers"] = _RESPONSE_HEADERS
        described["security"] = [{"bearer": []}]
        for method, operation in operations(described):
            _complete(method, operation)
        app.openapi_schema = described
    return app.openapi_schema


def operations(described: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every operation with its method."""
    for path in described["paths"].values():
        yield from ((method, path[method]) for method in _METHODS if method in path)


def _problem_schemas() -> dict[str, Any]:
    """ProblemModel and what it refers to, with the codes there are."""
    problem = ProblemModel.model_json_schema(ref_template=_SCHEMAS + "{model}")
    schemas: dict[str, Any] = problem.pop("$defs")
    problem["properties"]["code"]["enum"] = sorted(code.value for code in Code)
    return schemas | {ProblemModel.__name__: problem}


def _complete(method: str, operation: dict[str, Any]) -> None:
    parameters = _headers_read(method, operation)
    if parameters:
        operation["parameters"] = [*operation.get("parameters", ()), *parameters]
    for response in operation["responses"].values():
        everywhere = {name: {"$ref": f"#/components/headers/{name}"} for name in _RESPONSE_HEADERS}
        response["headers"] = everywhere | response.get("headers", {})


def _headers_read(method: str, operation: dict[str, Any]) -> list[dict[str, Any]]:
    """Header parameters; the routes read them off the request, where FastAPI does not see them."""
    name = operation["operationId"]
    if operation.get("security") == []:
        return []
    found: list[dict[str, Any]] = []
    if _ABOUT_PATIENTS & set(operation["tags"]):
        found.append(_PURPOSE)
    if method in ("put", "patch"):
        found.append(_IF_MATCH)
    elif name in _MAY_NAME_VERSION:
        found.append(_IF_MATCH | {"required": False})
    if method == "post" and name not in _REPEATABLE:
        found.append(_IDEMPOTENCY_KEY)
    return found
