"""A paragraph in the form in which it is compared: a copy with another date or score is still a copy."""

import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Paragraph:
    """Where it stands in its text, and what is compared of it."""

    field: str
    form: str


def form_of(text: str) -> str:
    """Letters and single spaces, without case, digits and punctuation; "" when nothing is left."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    kept = (mark if unicodedata.category(mark)[0] in "LM" else " " for mark in folded)
    return " ".join("".join(kept).split())
