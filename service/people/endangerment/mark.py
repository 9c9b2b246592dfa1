"""The mark that a patient is in danger at home, in the document of their demographics. Pure.

There are two ways to it. Somebody says so (`sdv`), and may say later that it is over. Or the answers to a screen say so:
then the service sets a mark that no change of the patient's details takes away, because whoever sits beside the patient
at the desk may be the danger. Compliance takes it away, with a reason; a later screen sets it again.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

from service.errors import FieldError

SAID: Final = "sdv"
MARK: Final = "sdv_mark"


def is_endangered(document: Mapping[str, Any]) -> bool:
    """Whether the patient is to be reached as somebody in danger: somebody says so, or the mark stands."""
    return document.get(SAID) is True or is_marked(document)


def is_marked(document: Mapping[str, Any]) -> bool:
    """Whether the service set the mark and nobody has taken it away since."""
    mark = document.get(MARK)
    return isinstance(mark, Mapping) and "lowered" not in cast("Mapping[str, Any]", mark)


def marked(document: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """The document with the mark set at `at`."""
    return {**document, SAID: True, MARK: {"set_at": at.isoformat()}}


def lowered(document: Mapping[str, Any], at: datetime, by: UUID, reason: str) -> dict[str, Any]:
    """The document with the mark taken away: by whom and why stays in it."""
    mark = cast("Mapping[str, Any]", document[MARK])
    why = {"at": at.isoformat(), "by": str(by), "reason": reason}
    rest = {name: value for name, value in document.items() if name != SAID}
    return {**rest, MARK: {**mark, "lowered": why}}


def mark_faults(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[FieldError]:
    """Faults of a change of details that would take back what only compliance takes away."""
    if is_marked(before) and after.get(SAID) is not True:
        yield FieldError(SAID, "set_by_screen", "A screen says so: compliance takes it away, with a reason.")


def seen_by_patient(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document without any word of it: the patient's telephone is not only in the patient's hands."""
    return {name: value for name, value in document.items() if name not in (SAID, MARK)}
