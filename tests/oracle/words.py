"""The agreed vocabulary, read as data: purposes, and the words and events of consents."""

from pathlib import Path

from service.access.purposes import read_purposes
from tests.unit.consent.cases import BOOK

POLICIES = Path(__file__).parents[2] / "policies"
PURPOSES = read_purposes((POLICIES / "purposes.yaml").read_text(encoding="utf-8"))
TEXTS = BOOK.texts
TEXT = TEXTS["v2026-02"]
#: Ending events the program records; of any other nobody can say whether it has happened.
RECORDED_EVENTS = frozenset(TEXT.events)
