"""Verifying an export, whole: a file of NDJSON, or a folder of tiles."""

from collections.abc import Callable, Iterable
from pathlib import Path

from service.ledger.offline.folder import Folder
from service.ledger.offline.notes import Heads, Key, Witness, copies_of, read_note
from service.ledger.offline.outcome import Outcome, Unreadable
from service.ledger.offline.source import Odd, Source
from service.ledger.offline.trail import Trail
from service.ledger.offline.walk import Walk

Progress = Callable[[int], None]


def verify_export(
    export: Path,
    *,
    vkey: str | None = None,
    copies: Path | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Verify an export; raises Unreadable when it is none, or when key or copies cannot be read.

    `copies`: a file of checkpoints kept outside, or a folder of <tree>.notes.
    """
    trail = Trail(export)
    key = _key(vkey, trail.origin)
    outcome = Outcome(origin=trail.origin, signed=key is not None)
    branches = list(trail.branches())
    outcome.restores = len(branches)
    kept = copies / f"{trail.tree}.notes" if copies is not None and copies.is_dir() else copies
    copied = copies_of([kept] if kept is not None and kept.exists() else [], branches)
    _walk(trail, outcome, key, copied, progress)
    return outcome


def verify_tiles(
    folder: Path,
    *,
    vkey: str | None = None,
    copies: Path | None = None,
    witnesses: Iterable[str] = (),
    progress: Progress | None = None,
) -> Outcome:
    """Verify a folder of tiles; each of `witnesses` must have signed its checkpoint. Raises Unreadable as above."""
    tiles = Folder(folder)
    key = _key(vkey, tiles.origin)
    outcome = Outcome(origin=tiles.origin, signed=key is not None)
    tiles.report_to(outcome)
    _, head, text, lines = read_note(tiles.note)
    for witness in map(Witness, witnesses):
        if witness.signed(text, lines):
            outcome.witnesses += 1
        else:
            outcome.add("checkpoint", f"not signed by the witness {witness.name}", max(head.size - 1, 0))
    if key is not None and not key.signed(text, lines):
        # nothing that it says can be relied upon, not even how far to read
        outcome.add("checkpoint", "the checkpoint is not signed by the log's key", max(head.size - 1, 0))
        return outcome
    branches = list(tiles.branches())
    outcome.restores = len(branches)
    # a folder of tiles does not know the tree's id; checkpoints of other trees are passed over
    kept = sorted(copies.glob("*.notes")) if copies is not None and copies.is_dir() else [copies]
    copied = copies_of([path for path in kept if path is not None and path.exists()], branches)
    _walk(tiles, outcome, key, copied, progress)
    return outcome


def _key(vkey: str | None, origin: str) -> Key | None:
    key = Key(vkey) if vkey else None
    if key is not None and key.name != origin:
        raise Unreadable(f"the key is that of {key.name}, the export that of {origin}")
    return key


def _walk(
    source: Source, outcome: Outcome, key: Key | None, copies: Iterable[str], progress: Progress | None
) -> None:
    stored = Heads(source.checkpoints(), outcome, key, outside=False)
    copied = Heads(copies, outcome, key, outside=True)
    # a folder of tiles holds the newest checkpoint alone
    walk = Walk(outcome, stored, copied, source.entries, complete=isinstance(source, Trail))
    try:
        for step in source.steps():
            if isinstance(step, Odd):
                walk.step(step)
            else:
                walk.run(step)
            if progress is not None:
                progress(walk.position)
    except Unreadable as error:
        outcome.add("altered", f"cannot be read: {error}", walk.position)
    walk.finish()
    outcome.sort()
    outcome.entries, outcome.checkpoints, outcome.copies = walk.position, stored.count, copied.count
