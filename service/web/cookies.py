"""What the browser keeps, and how a form proves that it came from our page.

The session cookie holds a token that names a session of the channel `page`; the API does not take it, and the pages
take nothing else. It is `__Host-` bound over TLS (RFC 6265bis section 4.1.3.2), HttpOnly, and SameSite=Strict.

A form carries a hash of the cookie that the browser sent for it. Whoever can compute that hash has the cookie already;
another site has neither, and its requests are refused by Origin and Sec-Fetch-Site before that (OWASP ASVS 5.0 V3.5).
The sign-in form has no session yet, so it gets a random cookie of its own.
"""

import base64
import hashlib
import hmac
import secrets
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request, Response

from service.edge.context import state_of
from service.errors import BadRequest, Code
from service.ids import SessionId

SESSION: Final = "consentry"
FORM: Final = "consentry-form"
LANGUAGE: Final = "consentry-language"
#: Name of the hidden field.
FIELD: Final = "form_token"


def session_of(request: Request) -> SessionId:
    """The session the cookie names; raises Unauthenticated. Whether it still lives is asked inside the unit."""
    state = state_of(request)
    return state.tokens.verify(_cookie(request, SESSION) or "", state.clock.now()).session_id


def has_session(request: Request) -> bool:
    """Whether the browser sent a session cookie at all, good or not."""
    return _cookie(request, SESSION) is not None


def session_form_token(request: Request) -> str:
    """The hidden field of a form on a page of a signed-in caller."""
    return _bound_to(_cookie(request, SESSION) or "")


def sign_in_form(request: Request) -> tuple[str, str]:
    """The random cookie of the sign-in form, the browser's own if it has one, and the hidden field that fits it."""
    value = _cookie(request, FORM) or secrets.token_urlsafe(32)
    return value, _bound_to(value)


def check_form(request: Request, form: dict[str, str], cookie: str) -> None:
    """Refuse a form that our own page did not send: BadRequest `csrf_refused` (403)."""
    value = _cookie(request, cookie)
    given = form.get(FIELD, "")
    fits = value is not None and hmac.compare_digest(_bound_to(value).encode(), given.encode())
    if not fits or not _from_here(request):
        raise BadRequest(
            Code.CSRF_REFUSED, "This form is out of date. Go back, reload the page and try again."
        )


def language_of(request: Request) -> str:
    """The language a patient reads: chosen on this page, chosen before, or the browser's first."""
    chosen = request.query_params.get("lang") or _cookie(request, LANGUAGE)
    first = chosen or request.headers.get("accept-language", "")
    return "es" if first[:2].lower() == "es" else "en"


def keep_language(request: Request, response: Response) -> Response:
    """Remember a language that was just chosen."""
    if request.query_params.get("lang") in ("en", "es"):
        put(request, response, LANGUAGE, language_of(request))
    return response


def put(request: Request, response: Response, name: str, value: str) -> None:
    """Set a cookie that ends with the browser."""
    secure = state_of(request).settings.secure_cookies
    response.set_cookie(
        _full_name(request, name), value, path="/", secure=secure, httponly=True, samesite="strict"
    )


def drop(request: Request, response: Response, name: str) -> None:
    """Take a cookie back."""
    secure = state_of(request).settings.secure_cookies
    response.delete_cookie(
        _full_name(request, name), path="/", secure=secure, httponly=True, samesite="strict"
    )


def _full_name(request: Request, name: str) -> str:
    return f"__Host-{name}" if state_of(request).settings.secure_cookies else name


def _cookie(request: Request, name: str) -> str | None:
    return request.cookies.get(_full_name(request, name)) or None


def _bound_to(value: str) -> str:
    digest = hashlib.sha256(b"consentry form 1\0" + value.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")


def _from_here(request: Request) -> bool:
    """Whether the browser says that one of our own pages sent this; silence of old browsers is left to the token."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return True
    public = urlsplit(state_of(request).settings.public_url)
    return urlsplit(origin).netloc in (request.headers.get("host", ""), public.netloc) and origin != "null"
