"""What a verification found, and how it is said."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

_KEPT = 100


class Unreadable(Exception):
    """Not what an export, a key or a copy looks like; the text says where."""


class Found(NamedTuple):
    """One thing that is wrong. `position` is the first it concerns, or None."""

    position: int | None
    kind: str
    text: str
    entry_id: str | None = None


@dataclass(slots=True)
class Outcome:
    """What was looked at and what is wrong, the first hundred by position."""

    origin: str = ""
    entries: int = 0
    checkpoints: int = 0
    copies: int = 0
    wrong: int = 0
    restores: int = 0
    witnesses: int = 0
    signed: bool = False
    findings: list[Found] = field(default_factory=list[Found])

    def add(self, kind: str, text: str, position: int | None, entry_id: str | None = None) -> None:
        self.wrong += 1
        self.findings.append(Found(position, kind, text, entry_id))
        if len(self.findings) > 2 * _KEPT:
            self.sort()

    def sort(self) -> None:
        """By position, an entry before the checkpoint that stands behind it."""
        self.findings.sort(
            key=lambda found: (found.position is None, found.position or 0, found.kind == "checkpoint")
        )
        del self.findings[_KEPT:]

    def within(self, first: int, last: int, kind: str | None = None) -> bool:
        """Whether something (of this kind) is known to be wrong from `first` up to, not including, `last`."""
        return any(
            found.position is not None and first <= found.position < last and kind in (None, found.kind)
            for found in self.findings
        )


def say(outcome: Outcome) -> Iterator[str]:
    """The outcome in sentences."""
    counts = (
        f"{outcome.entries:,} entries, {outcome.checkpoints:,} checkpoints, {outcome.copies:,} copies outside"
    )
    if outcome.restores:
        counts += f", {outcome.restores} recorded restore(s)"
    if outcome.witnesses:
        counts += f", {outcome.witnesses} witness(es)"
    unsigned = "" if outcome.signed else " Signatures were not checked: no key was given."
    if not outcome.wrong:
        yield f"{outcome.origin}: intact. {counts}.{unsigned}"
        return
    yield f"{outcome.origin}: NOT INTACT. {counts}. {outcome.wrong:,} finding(s).{unsigned}"
    for number, found in enumerate(outcome.findings[:10]):
        place = "no position" if found.position is None else f"position {found.position}"
        named = f", entry {found.entry_id}" if found.entry_id else ""
        yield f"  {'also' if number else 'first bad entry'}: {place}{named}: {found.kind}: {found.text}"
