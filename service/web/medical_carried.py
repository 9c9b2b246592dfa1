"""What a form of the medical intake carried along: which version it was of, what stood in it, what was chosen."""

from collections.abc import Mapping
from typing import Any

from service.access.caller import CallerKind
from service.edge.strict import read_json
from service.errors import Code, Invalid
from service.intake.medical.book import Form
from service.intake.medical.writing import Writing
from service.web.medical_sent import CHOICE, MINE, THEIRS, given_in
from service.work import Work


def writing_in(work: Work, form: Form, sent: Mapping[str, str], *, final: bool = False) -> Writing:
    """What was sent, as the operation takes it: only what differs from the page as it was given out."""
    before, own = kept_fields(sent), work.caller.kind is CallerKind.PATIENT
    given = given_in(form, sent, before, work.program.zone, own=own)
    if sent.get("act") == "keep":
        given = {key: one for key, one in given.items() if sent.get(CHOICE + key) != THEIRS}
    return Writing(
        given=given,
        expected=version_in(sent),
        final=final,
        reason=sent.get("reason", "").strip()[:4000] or None,
    )


def version_in(sent: Mapping[str, str]) -> int:
    text = sent.get("version", "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise _incomplete()
    return int(text)


def kept_fields(sent: Mapping[str, str]) -> dict[str, str]:
    """The fields as the page was given out, which it carried along."""
    value: Any = read_json(sent.get("before", "{}").encode())
    if not isinstance(value, dict):
        raise _incomplete()
    return {str(name): str(text) for name, text in value.items()}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] -- JSON


def _incomplete() -> Invalid:
    return Invalid(Code.INVALID_REQUEST, "This form is not complete. Go back, reload the page and try again.")


def unchosen(sent: Mapping[str, str]) -> bool:
    """Whether a choice between two versions was asked for and is missing."""
    asked = [key for key in sent.get("asked", "").split(" ") if key] if sent.get("act") == "keep" else []
    return any(sent.get(CHOICE + key) not in (MINE, THEIRS) for key in asked)
