"""`consentry ledger restored`: an operator answers for a database that was brought back from a backup.

The service has seen that the copies outside hold more, or something else, than the database, and writes nothing. This
command says that the heads outside are those of a branch that was given up, and nothing else: a head that appears later
is a fork again.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy import Connection

from service.cli.database import DEFAULT_DATA, Data, database_settings
from service.cli.operator import Operator
from service.clock import SystemClock
from service.config import Settings
from service.custody.standing import record_restore
from service.errors import StartRefused
from service.identity.programs import SERVICE
from service.ledger.anchors import records
from service.ledger.anchors.anchor import Anchor, AnchorFailed
from service.ledger.anchors.forks import Fork, branches_of, find_forks
from service.ledger.anchors.opening import open_anchors
from service.ledger.checkpoint import Checkpoint, CheckpointInvalid, parse
from service.ledger.merkle import EMPTY_ROOT
from service.ledger.restores import Branch
from service.store.engine import plain_engine
from service.store.session import in_unit_sync
from service.work import Work

_CHUNK = 500


def restored_command(
    reason: Annotated[str, typer.Option(help="Why, in words; kept sealed.")],
    backup_time: Annotated[datetime, typer.Option(help="When the backup was made (UTC).")],
    data: Data = DEFAULT_DATA,
) -> None:
    """Record that the database was restored from a backup; the service then writes again."""
    with database_settings(data) as settings:
        recorded = record(settings, reason, backup_time.replace(tzinfo=UTC))
    if not recorded:
        typer.echo("The copies outside and the database agree: there is no restore to record.")
        raise typer.Exit(1)
    for fork, branch in recorded:
        typer.echo(
            f"Tree {fork.tree}: continues at {branch.common[0]}; abandoned: "
            + ", ".join(f"{size} ({root.hex()[:16]})" for size, root in sorted(branch.abandoned))
        )


def record(settings: Settings, reason: str, backup_time: datetime) -> list[tuple[Fork, Branch]]:
    """Record the restore of every tree that went on outside; what was recorded."""
    clock = SystemClock()
    operator = Operator(settings, clock)
    anchors = open_anchors(settings, clock)
    try:
        heads = _heads(anchors)
        found = in_unit_sync(
            plain_engine(settings.sequencer_database_url),
            lambda db: [
                (fork, _branch(db, anchors, fork))
                for fork in find_forks(db, heads, branches_of(db, operator.ledger_mac_keys))
            ],
        )
    except AnchorFailed as error:
        raise StartRefused(
            f"A copy outside cannot be read, so nobody can say what was abandoned: {error}."
        ) from error

    def unit(work: Work) -> None:
        for fork, branch in found:
            record_restore(work, fork.tree, branch, backup_time=backup_time, reason=reason)

    if found:
        operator.job(unit, SERVICE)
    return found


def _heads(anchors: Sequence[Anchor]) -> Mapping[UUID, Mapping[str, Checkpoint]]:
    heads: dict[UUID, dict[str, Checkpoint]] = {}
    for anchor in anchors:
        for tree in anchor.trees():
            head = anchor.newest(tree)
            if head is not None:
                heads.setdefault(tree, {})[anchor.name] = head
    return heads


def _branch(db: Connection, anchors: Sequence[Anchor], fork: Fork) -> Branch:
    """The largest head that is both outside and in the database, and those that are given up."""
    common = (0, EMPTY_ROOT)
    for anchor in anchors:
        notes = _sizes(anchor.notes(fork.tree))
        while chunk := list(islice(notes, _CHUNK)):
            here = records.roots_at(db, fork.tree, {size for size, _ in chunk})
            shared = [(size, root) for size, root in chunk if here.get(size) == root]
            common = max((common, *shared), key=lambda head: head[0])
    return Branch(common, frozenset((head.size, head.root) for head in fork.outside))


def _sizes(notes: Iterator[str]) -> Iterator[tuple[int, bytes]]:
    for note in notes:
        try:
            head = parse(note).checkpoint
        except CheckpointInvalid:
            continue
        yield head.size, head.root
