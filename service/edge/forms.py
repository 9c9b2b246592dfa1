"""Forms (application/x-www-form-urlencoded), read as narrowly as JSON is: UTF-8, each field once, nothing else."""

from typing import Final
from urllib.parse import parse_qsl

from fastapi import Request

from service.errors import BadRequest, Code, ConsentryError, Invalid

FORM_TYPE: Final = "application/x-www-form-urlencoded"
_MAX_FIELDS: Final = 40
_MAX_BYTES: Final = 64 * 1024


async def read_form(request: Request, *, most: int = _MAX_FIELDS) -> dict[str, str]:
    """The fields of the body, at most so many. Raises BadRequest for another media type, Invalid for what is not one
    clear form.
    """
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != FORM_TYPE:
        raise BadRequest(Code.UNSUPPORTED_MEDIA_TYPE, f"Send {FORM_TYPE} in UTF-8.")
    raw = await request.body()
    if len(raw) > _MAX_BYTES:
        raise BadRequest(Code.BODY_TOO_LARGE, "A form has at most 64 KiB.")
    try:
        fields = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(raw),
            errors="strict",
            max_num_fields=most,
        )
    except ValueError:
        raise _unclear() from None
    form = dict(fields)
    if len(form) != len(fields) or any("\x00" in text for field in fields for text in field):
        raise _unclear()
    return form


def _unclear() -> ConsentryError:
    return Invalid(Code.INVALID_REQUEST, "The form cannot be read: each field once, in UTF-8, without NUL.")
