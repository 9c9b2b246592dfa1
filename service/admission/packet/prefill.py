"""What is known already, with where it comes from and since when, so that nobody types it twice; and the question
whether it is still right. Pure.

Never an answer of a screening form: a patient who is shown last month's answers confirms last month. This module does
not know instruments, and nothing hands them to it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

#: What is older is asked again: still right?
ASKED_AGAIN_AFTER: Final = timedelta(days=90)
#: Fields of the patient's own entry that forms and sections would else ask for.
FIELDS: Final = (
    "given_name", "family_name", "birth_date", "sex", "phone", "email", "address", "language",
    "interpreter_needed", "interpreter", "name_used", "pronouns", "channels", "contacts",
)  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class Known:
    """One value. `form` None: the patient's entry. `still_right`: it has to be confirmed before it is used."""

    field: str
    value: Any
    source: str
    recorded_at: datetime
    still_right: bool
    form: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Answered:
    """The last answers to one form that is no screening form, and the words they were given to."""

    form: str
    text_version: str
    signed_at: datetime
    answers: Mapping[str, Any]


def known_values(
    document: Mapping[str, Any],
    changed_at: datetime,
    answered: Iterable[Answered],
    opened_at: datetime,
    now: datetime,
) -> tuple[Known, ...]:
    """Everything that can be offered; what was said before this stay, or long ago, has to be confirmed."""

    def doubtful(at: datetime) -> bool:
        return at < opened_at or at + ASKED_AGAIN_AFTER <= now

    return (
        *(
            Known(field, document[field], "demographics", changed_at, doubtful(changed_at))
            for field in FIELDS
            if document.get(field) is not None
        ),
        *_of_forms(answered, doubtful),
    )


def _of_forms(answered: Iterable[Answered], doubtful: Callable[[datetime], bool]) -> Iterator[Known]:
    for one in sorted(answered, key=lambda one: one.form):
        for field, value in sorted(one.answers.items()):
            if value is not None:
                source = f"form {one.form}, version {one.text_version}"
                yield Known(field, value, source, one.signed_at, doubtful(one.signed_at), one.form)
