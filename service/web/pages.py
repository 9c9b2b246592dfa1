"""How a page is made: templates, headers, and errors as pages instead of documents."""

import re
import secrets
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, Final, TypeVar
from uuid import UUID

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse

from service.access.actions import Action
from service.access.caller import Caller, CallerKind, Role
from service.access.facts import Facts
from service.access.program import Contact
from service.edge.context import request_id_of
from service.edge.deps import once, perform_as
from service.edge.once import claim_under
from service.edge.problems import STATUS
from service.errors import Code, Conflict, ConsentryError, NotFound, Unauthenticated
from service.identity.operations import own_account
from service.intake.safety.counting import Waiting, count_waiting
from service.web import cookies
from service.web.words import words_in
from service.work import Work

T = TypeVar("T")

#: Nothing but our own style sheet and images; no script at all, so none can be injected.
POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
#: For pages that save while somebody types: our own module, which may talk to us and may not write markup.
SCRIPTED: Final = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    # `no-referrer` would make browsers send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_ONCE: Final = re.compile(r"[A-Za-z0-9_-]{20,40}", re.ASCII)
_TITLES: Final = {
    Code.NOT_PERMITTED: "Not part of your role",
    Code.CSRF_REFUSED: "This form is out of date",
    Code.NOT_FOUND: "There is nothing here",
    Code.UNAVAILABLE: "Not available right now",
}


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at a page, for its header. `form_token` guards the sign-out button. `patient_id`: of a patient, who is
    told on every page whom to call.
    """

    name: str
    program: str
    may_read_trail: bool
    form_token: str
    account_id: UUID
    may_read_list: bool = False
    #: Of those who read the work list: how many flags wait for somebody.
    flags: Waiting | None = None
    patient_id: UUID | None = None
    office: Contact | None = None
    language: str = "en"
    #: Where the page is there in the other language.
    other: str | None = None

    @property
    def words(self) -> Mapping[str, str]:
        return words_in(self.language)


def viewer_of(request: Request, work: Work) -> Viewer:
    """The header's facts; inside an act that is already allowed and recorded."""
    account, purpose = own_account(work), purpose_of(work.caller)
    may_read_list = work.access.decide(Action.WORK_LIST_READ, work.caller, purpose, Facts()).permitted
    return Viewer(
        name=account.display_name,
        program=work.program.name,
        may_read_trail=work.permits(Action.AUDIT_READ),
        form_token=cookies.session_form_token(request),
        account_id=account.id,
        may_read_list=may_read_list,
        flags=count_waiting(work, purpose) if may_read_list else None,
        patient_id=work.caller.patient_id,
        office=work.program.front_office,
        language=cookies.language_of(request) if work.caller.kind is CallerKind.PATIENT else "en",
    )


def purpose_of(caller: Caller) -> str:
    """What the pages of an intake are for. A link carries no header, so the page says it, in words too."""
    match caller.kind:
        case CallerKind.PATIENT:
            return "PATRQT"
        case _:
            return "HOPERAT" if caller.roles == frozenset({Role.COMPLIANCE}) else "TREAT"


async def perform_on_page(request: Request, unit: Callable[[Work], T]) -> T:
    """`unit` for whoever the session cookie names, for the purpose of an intake."""
    return await perform_as(
        request, cookies.session_of(request), unit=unit, channel="page", purpose=purpose_of
    )


async def perform_once_on_page(
    request: Request,
    form: Mapping[str, str],
    create: Callable[[Work], tuple[UUID, T]],
    again: Callable[[Work, UUID], T],
) -> T:
    """The same for a form that makes something: sent twice (a second click, a page loaded anew), it is made once. The
    key stands in the form (`once_key`), the rest is as with the API's Idempotency-Key.
    """
    key = form.get("once", "")
    claim = await claim_under(request, key) if _ONCE.fullmatch(key) else None
    try:
        return await perform_on_page(request, once(claim, create, again))
    except Conflict as error:
        if error.code is not Code.IDEMPOTENCY_MISMATCH:
            raise
        # somebody went back, changed something and sent it again: they see what the first made before a second is
        said = "This form was sent already. Look at what was kept before you send it again."
        raise Conflict(error.code, said) from None


def once_key() -> str:
    """A key for one form shown once."""
    return secrets.token_urlsafe(16)


def in_both_languages(viewer: Viewer, path: str) -> Viewer:
    """The viewer of a page that a patient can read in the other language."""
    other = "en" if viewer.language == "es" else "es"
    return viewer if viewer.patient_id is None else replace(viewer, other=f"{path}?lang={other}")


def render(
    template: str,
    status: int = 200,
    viewer: Viewer | None = None,
    leave: str | None = None,
    *,
    scripted: bool = False,
    language: str = "en",
    **facts: Any,
) -> HTMLResponse:
    """A page from a template; everything in `facts` is escaped where it is put out.

    `leave` is the form token of the sign-out button where nobody is named (an error page).
    """
    leave = viewer.form_token if viewer else leave
    say = viewer.words if viewer else words_in(language)
    text = _templates().get_template(template).render(viewer=viewer, leave=leave, say=say, **facts)
    policy = {"Content-Security-Policy": SCRIPTED if scripted else POLICY}
    return HTMLResponse(text, status_code=status, headers=_HEADERS | policy)


def go(path: str) -> RedirectResponse:
    """See other: after a form, the browser asks for the next page with GET. Only ever to our own fixed paths."""
    return RedirectResponse(path, status_code=303, headers=_HEADERS)


class PageRoute(APIRoute):
    """A route whose errors are pages: strangers go to the sign-in page, everybody else is told what happened."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def page(request: Request) -> Response:
            try:
                return await handler(request)
            except Unauthenticated:
                return _to_sign_in(request)
            except RequestValidationError:
                return error_page(request, NotFound(Code.NOT_FOUND, "There is no page at this address."))
            except ConsentryError as error:
                return error_page(request, error)

        return page


def error_page(request: Request, error: ConsentryError) -> HTMLResponse:
    """What went wrong, in words; the number helps whoever is asked for help."""
    request.scope["consentry.code"] = error.code.value
    response = render(
        "error.html",
        STATUS[error.code],
        leave=cookies.session_form_token(request) if cookies.has_session(request) else None,
        title=_TITLES.get(error.code, "This did not work"),
        detail=error.detail,
        request_id=request_id_of(request),
    )
    if STATUS[error.code] == 503:
        response.headers["Retry-After"] = "1"
    return response


def _to_sign_in(request: Request) -> Response:
    if not cookies.has_session(request):
        return go("/sign-in")
    response = go("/sign-in?ended=1")
    cookies.drop(request, response, cookies.SESSION)
    return response


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("service.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["utc"] = _utc
    return environment


def _utc(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
