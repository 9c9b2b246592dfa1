"""Errors become documents here and nowhere else (RFC 9457). One table chooses the status; unknown errors say nothing."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from service.edge.context import request_id_of, state_of
from service.errors import Code, ConsentryError, FieldError
from service.log import log

#: The only place where a code meets an HTTP status.
STATUS: Final[Mapping[Code, int]] = {
    Code.MALFORMED_JSON: 422,
    Code.INVALID_REQUEST: 422,
    Code.BODY_TOO_LARGE: 413,
    Code.UNSUPPORTED_MEDIA_TYPE: 415,
    Code.METHOD_NOT_ALLOWED: 405,
    Code.PRECONDITION_REQUIRED: 428,
    Code.VERSION_STALE: 412,
    Code.IDEMPOTENCY_MISMATCH: 409,
    Code.IDEMPOTENCY_KEY_INVALID: 400,
    Code.CURSOR_INVALID: 422,
    Code.UNAUTHENTICATED: 401,
    Code.INVALID_CLIENT: 401,
    Code.INVALID_GRANT: 401,
    Code.UNSUPPORTED_GRANT_TYPE: 400,
    Code.TOKEN_REQUEST_INVALID: 400,
    Code.CSRF_REFUSED: 403,
    Code.PURPOSE_REQUIRED: 400,
    Code.PURPOSE_NOT_ALLOWED: 403,
    Code.NOT_PERMITTED: 403,
    Code.NOT_FOUND: 404,
    Code.NO_AUTHORIZED_RECORDS: 404,
    Code.TOO_MANY_REQUESTS: 429,
    Code.SEARCH_TOO_BROAD: 422,
    Code.RECIPIENT_INVALID: 422,
    Code.RELATIONSHIP_INVALID: 422,
    Code.EVENT_INVALID: 422,
    Code.ITEM_INVALID: 422,
    Code.EVENT_ALREADY_RECORDED: 409,
    Code.EPISODE_INVALID: 422,
    Code.EPISODE_STATE: 409,
    Code.EPISODE_OPEN: 409,
    Code.PATIENT_MERGED: 409,
    Code.MERGE_INVALID: 422,
    Code.MERGE_STATE: 409,
    Code.EMERGENCY_INVALID: 422,
    Code.EMERGENCY_ENDED: 409,
    Code.REVIEW_CLOSED: 409,
    Code.RESTRICTION_INVALID: 422,
    Code.RESTRICTION_STATE: 409,
    Code.RESTRICTION_MUST_BE_AGREED: 409,
    Code.INSTRUMENT_UNKNOWN: 422,
    Code.ASSESSMENT_REJECTED: 422,
    Code.ASSESSMENT_INCOMPLETE: 422,
    Code.ASSESSMENT_NOT_DRAFT: 409,
    Code.ASSESSMENT_IN_ERROR: 409,
    Code.INTERPRETER_MISSING: 422,
    Code.ASSESSMENT_NOT_COMPLETED: 409,
    Code.ASSESSMENT_PATIENT_TYPED: 409,
    Code.TOTAL_MISMATCH: 422,
    Code.LICENCE_EXPIRED: 409,
    Code.PACK_INVALID: 422,
    Code.PACK_STATE: 409,
    Code.FLAG_CLOSED: 409,
    Code.PACKET_ITEM_STATE: 409,
    Code.PACKET_ITEM_INVALID: 422,
    Code.PACKET_ITEM_NOT_WAIVABLE: 409,
    Code.FORM_INVALID: 422,
    Code.FORM_TEXT_CHANGED: 409,
    Code.FORM_NOT_NOW: 409,
    Code.SCREENING_BLOCKED: 409,
    Code.ADMISSION_BLOCKED: 409,
    Code.CARE_PLAN_INVALID: 422,
    Code.CARE_PLAN_STATE: 409,
    Code.VISIT_INVALID: 422,
    Code.VISIT_IN_ERROR: 409,
    Code.DISCHARGE_INVALID: 422,
    Code.PLACEMENT_INVALID: 422,
    Code.PLACEMENT_STATE: 409,
    Code.SUGGESTION_STALE: 409,
    Code.MEDICAL_INVALID: 422,
    Code.MEDICAL_INCOMPLETE: 422,
    Code.MEDICAL_FLAGS_OPEN: 409,
    Code.DIAGNOSIS_INVALID: 422,
    Code.DIAGNOSIS_STANDS: 409,
    Code.LABELS_INVALID: 422,
    Code.CONSENT_KIND_UNSUPPORTED: 422,
    Code.CONSENT_INCOMPLETE: 422,
    Code.CONSENT_NOT_DRAFT: 409,
    Code.CONSENT_NOT_ACTIVE: 409,
    Code.CONSENT_TEXT_CHANGED: 409,
    Code.CONSENT_TEXT_ADOPTED: 409,
    Code.CONSENT_NOT_REVOCABLE_YET: 409,
    Code.RULING_NOT_APPLICABLE: 409,
    Code.TRANSITION_REFUSED: 409,
    Code.DISCLOSURE_DENIED: 403,
    Code.DISCLOSURE_NEEDS_REVIEW: 403,
    Code.DISCLOSURE_INVALID: 422,
    Code.EVIDENCE_INCOMPLETE: 422,
    Code.RECORD_DESTROYED: 410,
    Code.HOLD_INVALID: 422,
    Code.HOLD_LIFTED: 409,
    Code.SHREDDING_INVALID: 422,
    Code.SHREDDING_STATE: 409,
    Code.SHREDDING_SECOND_PERSON: 403,
    Code.RECORD_MUST_BE_KEPT: 409,
    Code.COSIGNATURE_INVALID: 422,
    Code.USERNAME_TAKEN: 409,
    Code.PASSWORD_UNACCEPTABLE: 422,
    Code.PROGRAM_INVALID: 422,
    Code.ROLE_INVALID: 422,
    Code.CREDENTIAL_INVALID: 422,
    Code.MESSAGE_UNSENDABLE: 409,
    Code.SEALED: 503,
    Code.INTEGRITY: 500,
    Code.UNAVAILABLE: 503,
    Code.LEDGER_FORKED: 503,
    Code.LEDGER_NOT_ANCHORED: 503,
    Code.INTERNAL: 500,
}

#: What Starlette itself raises, as our codes.
_FRAMEWORK: Final[Mapping[int, tuple[Code, str]]] = {
    404: (Code.NOT_FOUND, "There is nothing here for you."),
    405: (Code.METHOD_NOT_ALLOWED, "This resource does not take that method."),
    413: (Code.BODY_TOO_LARGE, "The body is larger than 1 MiB."),
    415: (Code.UNSUPPORTED_MEDIA_TYPE, "Send application/json in UTF-8."),
}

_MESSAGES: Final[Mapping[str, str]] = {
    "missing": "This field is needed.",
    "extra_forbidden": "There is no such field.",
    "string_type": "A text is expected.",
    "string_too_short": "This text is too short.",
    "string_too_long": "This text is too long.",
    "int_type": "A whole number is expected.",
    "bool_type": "true or false is expected.",
    "list_type": "A list is expected.",
    "dict_type": "An object is expected.",
    "model_type": "An object is expected.",
    "model_attributes_type": "An object is expected.",
    "literal_error": "Not one of the allowed values.",
    "enum": "Not one of the allowed values.",
    "too_short": "Too few entries.",
    "too_long": "Too many entries.",
}


def problem(
    request: Request,
    code: Code,
    detail: str,
    errors: tuple[FieldError, ...] = (),
    extra: Mapping[str, Any] | None = None,
) -> Response:
    """The problem document for `code`. `retry_after` in `extra` becomes the header."""
    members = dict(extra or {})
    headers = {str(name): str(value) for name, value in members.pop("headers", {}).items()}
    retry_after = members.pop("retry_after", None)
    status = STATUS[code]
    if retry_after is not None or status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(retry_after or 1)
    if status == HTTPStatus.UNAUTHORIZED:
        headers.setdefault("WWW-Authenticate", 'Bearer realm="consentry"')
    body: dict[str, Any] = {
        "type": f"urn:consentry:problem:{code.value}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code.value,
        "detail": detail,
        "request_id": request_id_of(request),
        **members,
    }
    if errors:
        body["errors"] = [
            {"field": e.field, "code": e.code, "message": e.message}
            | ({"citation": e.citation} if e.citation else {})
            for e in errors
        ]
    return Response(
        json.dumps(body, ensure_ascii=False, separators=(",", ":"), default=str),
        status_code=status,
        headers=headers,
        media_type="application/problem+json",
    )


def of_error(request: Request, error: ConsentryError) -> Response:
    """One of our errors as a document."""
    request.scope["consentry.code"] = error.code.value
    if error.code is Code.UNAUTHENTICATED:
        state = state_of(request)
        state.strangers.note(state.clock.now())
    return problem(request, error.code, error.detail, error.errors, error.extra)


def of_validation(request: Request, error: RequestValidationError) -> Response:
    """A body or parameter that does not fit: field paths and our own sentences, never the input."""
    errors = tuple(
        FieldError(_path(_known(e)), str(e["type"]), _MESSAGES.get(str(e["type"]), "Not acceptable here."))
        for e in error.errors()[:100]
    )
    request.scope["consentry.code"] = Code.INVALID_REQUEST.value
    return problem(request, Code.INVALID_REQUEST, "Some fields are not acceptable.", errors)


def _known(error: Mapping[str, Any]) -> tuple[int | str, ...]:
    """Where a fault is, without a name that the caller made up: an unknown field could be called anything."""
    location: tuple[int | str, ...] = tuple(error["loc"])
    return (*location[:-1], "?") if error["type"] == "extra_forbidden" else location


def _path(location: tuple[int | str, ...]) -> str:
    """`("body", "recipients", 0, "name")` as `recipients[0].name`; names the caller invented are not echoed."""
    path = ""
    for part in location[1:] if location and location[0] in ("body", "query", "path", "header") else location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            name = part if part.isidentifier() and len(part) <= 60 else "?"
            path += f".{name}" if path else name
    return path


def install(app: FastAPI) -> None:
    """Hand every error of `app` to this module."""

    async def ours(request: Request, error: Exception) -> Response:
        if not isinstance(error, ConsentryError):
            raise error
        return of_error(request, error)

    async def invalid(request: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):
            raise error
        return of_validation(request, error)

    async def framework(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        code, detail = _FRAMEWORK.get(status, (Code.INVALID_REQUEST, "The request cannot be read."))
        extra = {"headers": error.headers or {}} if isinstance(error, HTTPException) else {}
        request.scope["consentry.code"] = code.value
        return problem(request, code, detail, extra=extra)

    app.add_exception_handler(ConsentryError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, framework)


def internal(request: Request, error: Exception) -> Response:
    """The last resort: the class of the error is logged, the caller learns only the request id."""
    log().error("internal_error", request_id=request_id_of(request), exc_info=error)
    request.scope["consentry.code"] = Code.INTERNAL.value
    return problem(request, Code.INTERNAL, "Something went wrong here. Nothing was changed.")
