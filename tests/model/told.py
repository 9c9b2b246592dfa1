"""What callers were told, act by act, and the comparison of that with every entry the ledger has.

Nothing here knows how the service makes an entry: which action, object and outcome a call leaves is said by whoever
makes the call, in the words of docs/ledger.md. Each act carries a request id of its own, so a difference names its act.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from tests.house import House

#: An object whose id the caller was not told: there must be one.
UNTOLD: Final = "untold"

Key = tuple[str | None, str, str | None, str]


@dataclass(frozen=True, slots=True)
class Said:
    """One entry that has to be there: ids as text, None where there is nobody or nothing."""

    action: str
    object_id: str | None = None
    outcome: str = "permit"


@dataclass(frozen=True, slots=True)
class Act:
    """What one caller did under one request id, and the entries that follow from it; instants in UTC."""

    what: str
    actor: str | None
    says: tuple[Said, ...]
    began: datetime
    ended: datetime

    def expected(self) -> Counter[Key]:
        return Counter((self.actor, one.action, one.object_id, one.outcome) for one in self.says)


@dataclass(slots=True)
class Book:
    """The acts of a run by request id, since the database's clock said `since`."""

    since: datetime
    acts: dict[str, Act] = field(default_factory=dict[str, Act])
    #: Acts of setting up, by request id: not compared.
    set_up: set[str] = field(default_factory=set[str])
    strangers: int = 0

    def note(self, request: str, act: Act) -> None:
        assert request not in self.acts
        self.acts[request] = act

    @property
    def entries(self) -> int:
        return sum(len(act.says) for act in self.acts.values())


def database_time(house: House) -> datetime:
    """The clock that says when an entry was recorded."""
    with house.superuser() as db:
        row = db.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    return row[0].astimezone(UTC)


def ledger_since(house: House, since: datetime) -> list[dict[str, Any]]:
    """Every entry of every program recorded after `since`, with its tree and position: what the superuser sees."""
    with house.superuser() as db:
        cursor = db.execute(
            "SELECT e.*, l.position FROM audit_entry e LEFT JOIN audit_leaf l ON l.entry_id = e.id "
            "WHERE e.recorded_at > %s ORDER BY e.recorded_at, e.id",
            [since],
        )
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def differences(book: Book, rows: list[dict[str, Any]]) -> list[str]:
    """Where the ledger and what callers were told differ: an entry too few, too many or other, and when."""
    found: list[str] = []
    by_request: dict[str, list[dict[str, Any]]] = {}
    strangers = 0
    for row in rows:
        if row["action"] == "call.unauthenticated":
            strangers += int(row["detail"].split('"calls":')[1].split(",")[0].rstrip("}"))
        elif row["request_id"] not in book.set_up:
            by_request.setdefault(row["request_id"], []).append(row)
    if strangers != book.strangers:
        found.append(f"{book.strangers} calls by strangers, {strangers} in the ledger")
    for request in by_request.keys() - book.acts.keys():
        found += [f"nobody did {_shown(row)}" for row in by_request[request]]
    for request, act in book.acts.items():
        found += _differing(act, by_request.get(request, []))
    return found


def _differing(act: Act, rows: list[dict[str, Any]]) -> list[str]:
    left, found = act.expected(), list[str]()
    for row in rows:
        key = _key(row)
        untold = (key[0], key[1], UNTOLD, key[3])
        taken = key if left[key] else untold if key[2] and left[untold] else None
        if taken is None:
            found.append(f"{act.what} was recorded as {_shown(row)}")
        else:
            left[taken] -= 1
        if not act.began <= row["recorded_at"] <= act.ended:
            found.append(f"{act.what} of {act.began} to {act.ended} is said to be of {row['recorded_at']}")
    return found + [f"{act.what} left no {key}" for key in left.elements()]


def _key(row: dict[str, Any]) -> Key:
    return _text(row["actor_id"]), row["action"], _text(row["object_id"]), row["outcome"]


def _shown(row: dict[str, Any]) -> str:
    return f"{_key(row)} (request {row['request_id']})"


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
