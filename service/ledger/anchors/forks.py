"""Whether the database continues what is kept outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from service.ledger.anchors import records
from service.ledger.checkpoint import Checkpoint
from service.ledger.merkle import Frontier
from service.ledger.restores import Branch, continued, read_branch

#: Heads by tree, then by anchor.
Heads = Mapping[UUID, Mapping[str, Checkpoint]]


@dataclass(frozen=True, slots=True)
class Fork:
    """A tree that went on outside, and the heads that say so."""

    tree: UUID
    here: Frontier
    outside: tuple[Checkpoint, ...]


def branches_of(db: Connection, mac_keys: Sequence[bytes]) -> dict[UUID, list[Branch]]:
    """What recorded restores explain, by tree, oldest first."""
    found: dict[UUID, list[Branch]] = {}
    for tree, _, row in records.restores(db):
        branch = read_branch(row, *mac_keys)
        if branch is not None and str(row["tree"]) == str(tree):
            found.setdefault(tree, []).append(branch)
    return found


def find_forks(db: Connection, heads: Heads, branches: Mapping[UUID, Sequence[Branch]]) -> tuple[Fork, ...]:
    """Trees with a head outside that the database's tree does not contain. Heads were read before the database."""
    here = records.trees(db)
    forks: list[Fork] = []
    for tree, outside in heads.items():
        frontier = here.get(tree, Frontier())
        found = {
            head
            for head in outside.values()
            if not _contains(db, tree, frontier, continued(head, branches.get(tree, ())))
        }
        if found:
            forks.append(Fork(tree, frontier, tuple(sorted(found, key=lambda one: one.size))))
    return tuple(forks)


def _contains(db: Connection, tree: UUID, here: Frontier, head: Checkpoint) -> bool:
    if head.size >= here.size:
        return head.size == here.size and head.root == here.root()
    if head.size == 0:
        return True
    return records.root_at(db, tree, head.size) == head.root
