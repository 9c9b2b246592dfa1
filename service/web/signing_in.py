"""Signing in and out with a browser."""

from fastapi import APIRouter, Request, Response

from service.access.caller import Role
from service.edge.deps import perform_as
from service.edge.forms import read_form
from service.edge.signin import sign_in
from service.identity.model import Channel
from service.identity.operations import me, sign_out
from service.identity.signin import PEOPLE
from service.web import cookies
from service.web.pages import PageRoute, Viewer, go, render, viewer_of
from service.work import Work

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/")
async def home(request: Request) -> Response:
    session_id = cookies.session_of(request)

    def unit(work: Work) -> Viewer:
        me(work)
        return viewer_of(request, work)

    return render("home.html", viewer=await perform_as(request, session_id, unit, channel="page"))


@router.get("/sign-in")
async def sign_in_page(request: Request) -> Response:
    notice = "You are signed out." if "signed_out" in request.query_params else None
    if "ended" in request.query_params:
        notice = "Your session has ended. Sign in again to continue."
    return _form(request, notice=notice)


@router.post("/sign-in")
async def sign_in_with_form(request: Request) -> Response:
    form = await read_form(request)
    cookies.check_form(request, form, cookies.FORM)
    username, password = form.get("username", ""), form.get("password", "")
    if not username or not password:
        return _form(request, 422, username=username, problem="Enter your user name and your password.")
    admission = await sign_in(request, username, password, kinds=PEOPLE, channel=Channel.PAGE)
    if admission is None:
        problem = "The user name or the password is not right. After ten attempts the name is locked for 15 minutes."
        return _form(request, 401, username=username, problem=problem)
    response = go("/audit" if Role.COMPLIANCE in admission.caller.roles else "/")
    cookies.put(request, response, cookies.SESSION, admission.token)
    cookies.drop(request, response, cookies.FORM)
    return response


@router.post("/sign-out")
async def sign_out_with_form(request: Request) -> Response:
    session_id = cookies.session_of(request)
    cookies.check_form(request, await read_form(request), cookies.SESSION)
    await perform_as(request, session_id, sign_out, channel="page")
    response = go("/sign-in?signed_out=1")
    cookies.drop(request, response, cookies.SESSION)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _form(
    request: Request,
    status: int = 200,
    *,
    username: str = "",
    notice: str | None = None,
    problem: str | None = None,
) -> Response:
    value, token = cookies.sign_in_form(request)
    response = render(
        "sign_in.html", status, form_token=token, username=username, notice=notice, problem=problem
    )
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="consentry"'
    cookies.put(request, response, cookies.FORM, value)
    return response
