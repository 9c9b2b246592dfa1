"""The way in by a packet link: the message's token and a birth date, and then the patient's own to-do list.

The token stands after the `#` of the address, so that it is in no log; the module puts it into the form, which is sent
in a body. Whoever has no script types it. Every refusal is the same page, as it is the same answer in the API.
"""

import re
from datetime import date
from typing import Final

from fastapi import APIRouter, Request, Response

from service.edge.forms import read_form
from service.edge.link import open_with_link
from service.web import cookies
from service.web.pages import PageRoute, go, render
from service.web.words import words_in

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,200}", re.ASCII)
_US_DAY: Final = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", re.ASCII)


@router.get("/packet")
@router.get("/p")
async def link_page(request: Request) -> Response:
    return cookies.keep_language(request, _form(request))


@router.post("/packet")
async def open_link(request: Request) -> Response:
    form = await read_form(request)
    cookies.check_form(request, form, cookies.FORM)
    token, born = form.get("token", "").strip(), read_day(form.get("birth_date", ""))
    words = words_in(cookies.language_of(request))
    if born is None:
        return _form(request, 422, problem=words["link_missing"], token=token)
    opened = await open_with_link(request, token, born) if _TOKEN.fullmatch(token) else None
    if opened is None:
        return _form(request, 401, problem=words["link_refused"], token=token)
    response = go(f"/patients/{opened.caller.patient_id}/intake")
    cookies.put(request, response, cookies.SESSION, opened.token)
    cookies.drop(request, response, cookies.FORM)
    return response


def read_day(text: str) -> date | None:
    """A day as people here write it (02/28/1985), or as a date field sends it; None for what is none."""
    text = text.strip()
    us = _US_DAY.fullmatch(text)
    try:
        return date(int(us[3]), int(us[1]), int(us[2])) if us else date.fromisoformat(text)
    except ValueError:
        return None


def _form(request: Request, status: int = 200, *, problem: str | None = None, token: str = "") -> Response:
    value, form_token = cookies.sign_in_form(request)
    language = cookies.language_of(request)
    other = "en" if language == "es" else "es"
    response = render(
        "link.html",
        status,
        scripted=True,
        language=language,
        form_token=form_token,
        problem=problem,
        token=token,
        other=f"/packet?lang={other}",
    )
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="consentry"'
    cookies.put(request, response, cookies.FORM, value)
    return response
