"""One oracle for every case: what must hold at any moment, what once a service runs again, what once a process is done.

It asks the tables as their superuser, the files and the places outside; from the service it takes what an operator has
for checking: the two verifiers, `integrity verify`, `keys status`, and the vault to open what is sealed.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from service.ids import SERVICE_PROGRAM
from service.ledger.anchors.anchor import Anchor
from service.ledger.anchors.forks import branches_of
from service.ledger.checkpoint import VerifierKey, origin_of, parse
from service.ledger.export import export
from service.ledger.offline.verifying import verify_export
from service.ledger.restores import explained
from service.ledger.standing import LedgerState
from service.ledger.stored import begin_snapshot
from service.store.engine import plain_engine
from service.store.session import in_unit_sync
from tests.anchors import service_keys
from tests.crash.matrix import keys
from tests.crash.matrix.asking import Root, number
from tests.crash.matrix.processes import standing, told
from tests.crash.matrix.stage import Case

Head = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Outside:
    """Where checkpoints went: anchors that can be asked, and what a system log was sent, by tree."""

    anchors: tuple[Anchor, ...]
    messages: Callable[[], Mapping[UUID, list[str]]]


def wrong_now(case: Case, root: Root, outside: Outside) -> list[str]:
    """What must hold even while a process lies dead."""
    return _asked(
        lambda: _leaves(root),
        lambda: keys.epochs(case, root),
        lambda: keys.sealed(case, root),
        lambda: keys.found(case),
        lambda: keys.shredding(case, root),
        lambda: _outside(case, root, outside),
    )


def wrong_at_rest(case: Case, root: Root, outside: Outside, folder: Path) -> list[str]:
    """What must hold once every entry has its position and every anchor its heads."""
    return wrong_now(case, root, outside) + _asked(
        lambda: _unplaced(root),
        lambda: _verified(case, root, folder),
        lambda: _acts(root),
        lambda: _heads(root, outside),
        lambda: _stands(case),
    )


def _asked(*questions: Callable[[], Iterable[str]]) -> list[str]:
    """All that is wrong. A question that cannot be asked to its end is wrong as well, and the others are still asked."""
    found: list[str] = []
    for question in questions:
        try:
            found += question()
        except Exception as error:
            found.append(f"{', '.join(question.__code__.co_names)}: {type(error).__name__}: {error}")
    return found


def _stands(case: Case) -> Iterator[str]:
    if (state := standing(case)) is not LedgerState.OK:
        yield f"the ledger stands {state.value}"


# -- the ledger --------------------------------------------------------------------------------------------

_UNPLACED: Final = (
    "SELECT count(*) FROM audit_entry e LEFT JOIN audit_leaf l ON l.entry_id = e.id WHERE l.entry_id IS NULL"
)
_COUNTS: Final = """
SELECT t.tree, t.size, count(l.position), count(DISTINCT l.entry_id), coalesce(max(l.position) + 1, 0),
       count(e.id), (SELECT coalesce(max(c.size), 0) FROM audit_checkpoint c WHERE c.tree = t.tree)
FROM (SELECT tree, size FROM audit_tree UNION SELECT tree, -1 FROM audit_leaf WHERE tree NOT IN
      (SELECT tree FROM audit_tree) UNION SELECT tree, -1 FROM audit_checkpoint WHERE tree NOT IN
      (SELECT tree FROM audit_tree)) t
LEFT JOIN audit_leaf l ON l.tree = t.tree LEFT JOIN audit_entry e ON e.id = l.entry_id AND e.tree = t.tree
GROUP BY t.tree, t.size
"""


def _unplaced(root: Root) -> Iterator[str]:
    if many := number(root, _UNPLACED):
        yield f"{many} entries without a position"


def _leaves(root: Root) -> Iterator[str]:
    """Positions without a gap, each of another entry that is there; the tree and its newest head as long as they."""
    for tree, *numbers in root.execute(_COUNTS).fetchall():
        if len(set(numbers)) != 1:
            yield f"tree {tree}: size, leaves, entries, end, stored entries, head are {numbers}"


def _verified(case: Case, root: Root, folder: Path) -> Iterator[str]:
    """Online, from the database; offline, from an export with the copies; and the rows that decide."""
    for what in ("ledger", "integrity"):
        ended = told(case, what, "verify")
        if ended.returncode:
            yield f"{what} verify: {ended.stdout}{ended.stderr}"
    public = service_keys(case.settings).ledger_signer.public_key
    for tree, key in ((SERVICE_PROGRAM, None), (case.program_id, case.program)):
        origin = origin_of(case.settings.deployment, key or "service")
        path = folder / f"{tree}.ndjson"

        def write(db: Connection, path: Path = path, tree: UUID = tree, origin: str = origin) -> None:
            begin_snapshot(db)
            with path.open("wb") as file:
                file.writelines(export(db, tree, origin))

        in_unit_sync(plain_engine(case.settings.sequencer_database_url), write)
        found = verify_export(path, vkey=str(VerifierKey(origin, public)), copies=case.settings.checkpoints)
        entries = number(root, "SELECT count(*) FROM audit_entry WHERE tree = %s", tree)
        if found.wrong or not found.copies or found.entries != entries:
            yield f"{origin} offline: {found.entries} of {entries}, {found.copies} copies, {found.findings}"


# -- acts and entries --------------------------------------------------------------------------------------

_STEP: Final = "SELECT count(*) FROM audit_entry WHERE action = 'key.rotate' AND detail::json->>'step' = "
_PERMITTED: Final = "SELECT count(*) FROM audit_entry WHERE outcome = 'permit' AND action = "
_KEYS: Final = (
    "SELECT coalesce(sum((detail::json->>'keys')::int), 0) FROM audit_entry WHERE action = 'key.rotate' "
    "AND detail::json->>'step' = 'batch' AND detail::json->>'what'"
)
#: What was done, and the entries that say so.
_PAIRS: Final[Mapping[str, tuple[str, str]]] = {
    "patients": ("SELECT count(*) FROM patient", f"{_PERMITTED} 'patient.register'"),
    "items": ("SELECT count(*) FROM record_item", f"{_PERMITTED} 'item.write'"),
    "rotations begun": ("SELECT count(*) FROM vault_rotation", f"{_STEP} 'begin'"),
    "rotations ended": (
        "SELECT count(*) FROM vault_rotation WHERE ended_at IS NOT NULL",
        f"{_STEP} 'end'",
    ),
    "keys renewed": (
        "SELECT count(*) FROM vault_key WHERE retired_at IS NOT NULL AND purpose IN ('patient', 'program')",
        f"{_KEYS} = 'data'",
    ),
    # each is announced and put in the place of the one before; every program, and the service, began with one
    "index keys announced and put in place": (
        "SELECT count(*) - count(DISTINCT program_id) + count(retired_at) FROM vault_key WHERE purpose = 'index'",
        f"{_KEYS} = 'index'",
    ),
    "restores": ("SELECT count(*) FROM ledger_restore", f"{_PERMITTED} 'ledger.restore'"),
    "destructions finished": (
        "SELECT count(*) FROM shredding WHERE state = 'finished'",
        f"{_PERMITTED} 'key.rotate' AND object_kind = 'shredding' AND object_id IS NOT NULL",
    ),
}


def _acts(root: Root) -> Iterator[str]:
    for what, (done, said) in _PAIRS.items():
        acts, entries = number(root, done), number(root, said)
        if acts != entries:
            yield f"{what}: {acts} done, {entries} recorded"


# -- outside -----------------------------------------------------------------------------------------------


def _outside(case: Case, root: Root, outside: Outside) -> Iterator[str]:
    """Whatever lies outside was signed here, or belongs to a branch that a recorded restore gave up."""
    here = _signed(root)
    mac = service_keys(case.settings).ledger_mac
    branches = in_unit_sync(
        plain_engine(case.settings.sequencer_database_url), lambda db: branches_of(db, (mac,))
    )
    for anchor in outside.anchors:
        for tree in anchor.trees():
            last = (-1, b"")
            for note in explained(
                lambda anchor=anchor, tree=tree: anchor.notes(tree), branches.get(tree, ())
            ):
                head = _head(note)
                if head not in here.get(tree, ()):
                    yield f"{anchor.name} holds a head of {tree} of size {head[0]} that is not in the database"
                if head[0] <= last[0]:
                    yield f"{anchor.name} holds {head[0]} behind {last[0]}"
                last = head
    for tree, notes in outside.messages().items():
        for note in notes:
            if _head(note) not in here.get(tree, ()) and not branches.get(tree):
                yield f"the system log was sent a head of {tree} that is not in the database"


def _heads(root: Root, outside: Outside) -> Iterator[str]:
    """Every anchor has the newest head of every tree."""
    for tree, heads in _signed(root).items():
        newest = max(heads)
        for anchor in outside.anchors:
            head = anchor.newest(tree)
            if head is None or (head.size, head.root) != newest:
                yield f"{anchor.name} does not have the newest head of {tree}"


def _signed(root: Root) -> dict[UUID, set[Head]]:
    found: dict[UUID, set[Head]] = {}
    for tree, size, signed in root.execute("SELECT tree, size, root FROM audit_checkpoint").fetchall():
        found.setdefault(tree, set()).add((size, bytes(signed)))
    return found


def _head(note: str) -> Head:
    head = parse(note).checkpoint
    return head.size, head.root
