"""The nearest anchor: files beside the keys, one for each tree (`service/ledger/copies.py`)."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

from service.ledger.anchors.anchor import AnchorFailed, AnchorUnfit
from service.ledger.checkpoint import Checkpoint, split_notes
from service.ledger.copies import CheckpointCopies, copy_of


class FileAnchor:
    """Every checkpoint, forced to the disk; mount something there that the database's owner cannot write."""

    name = "file"
    near = True
    confirms = True

    def __init__(self, folder: Path) -> None:
        self.copies = CheckpointCopies(folder)

    def check(self) -> None:
        folder = self.copies.folder
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            trial = folder / f".trial-{os.getpid()}"
            descriptor = os.open(trial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.close(descriptor)
            trial.unlink()
        except OSError as error:
            raise AnchorUnfit(
                f"checkpoints cannot be written to {folder} ({type(error).__name__})"
            ) from error

    def trees(self) -> Sequence[UUID]:
        try:
            names = [path.stem for path in self.copies.folder.glob("*.notes")]
        except OSError as error:
            raise AnchorFailed("the folder of checkpoints cannot be read") from error
        return [tree for tree in map(_uuid, names) if tree is not None]

    def newest(self, tree: UUID) -> Checkpoint | None:
        try:
            return self.copies.head(tree)
        except OSError as error:
            raise AnchorFailed("the checkpoints cannot be read") from error

    def notes(self, tree: UUID) -> Iterator[str]:
        try:
            with copy_of(self.copies.folder, tree).open(encoding="utf-8", errors="replace") as lines:
                yield from split_notes(lines)
        except FileNotFoundError:
            return
        except OSError as error:
            raise AnchorFailed("the checkpoints cannot be read") from error

    def publish(self, tree: UUID, notes: Sequence[str], over: Checkpoint | None = None) -> None:
        try:
            self.copies.append(tree, notes, over)
        except OSError as error:
            raise AnchorFailed("the checkpoints cannot be written") from error


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
