"""The file of checkpoint copies: only appended to, whole notes at a time, whatever interrupted the writing before."""

from pathlib import Path
from uuid import uuid4

import pytest

from service.ledger.checkpoint import Checkpoint, parse, sign, split_notes
from service.ledger.copies import CheckpointCopies, copy_of
from tests.ledger_entries import Key

SIGNER = Key()
NOTES = [
    sign(Checkpoint("consentry/test/harbour", size, bytes([size] * 32)), SIGNER) for size in range(1, 60)
]


def read(path: Path) -> list[int]:
    with path.open() as lines:
        return [parse(note).checkpoint.size for note in split_notes(lines)]


def test_only_larger_checkpoints_are_added(tmp_path: Path) -> None:
    copies, tree = CheckpointCopies(tmp_path / "deep" / "copies"), uuid4()
    assert copies.head(tree) is None
    assert copies.append(tree, NOTES[:2]) == 2
    assert copies.append(tree, NOTES[:4]) == 2
    assert copies.append(tree, NOTES[:4]) == 0
    head = copies.head(tree)
    assert head is not None
    assert (head.size, head.root) == (4, bytes([4] * 32))
    path = copy_of(copies.folder, tree)
    assert read(path) == [1, 2, 3, 4]
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_head_of_a_long_file_is_found_at_its_end(tmp_path: Path) -> None:
    copies, tree = CheckpointCopies(tmp_path), uuid4()
    copies.append(tree, NOTES)
    head = copies.head(tree)
    assert head is not None
    assert head.size == 59
    assert copies.append(tree, NOTES) == 0


@pytest.mark.parametrize("cut", [1, 2, 40, 150])
@pytest.mark.parametrize("kept", [1, 40])
def test_a_torn_note_is_taken_away_before_the_next(tmp_path: Path, cut: int, kept: int) -> None:
    copies, tree = CheckpointCopies(tmp_path), uuid4()
    copies.append(tree, NOTES[: kept + 1])
    path = copy_of(tmp_path, tree)
    path.write_bytes(path.read_bytes()[:-cut])
    head = copies.head(tree)
    assert head is not None
    assert head.size == kept
    copies.append(tree, NOTES[: kept + 3])
    assert read(path) == list(range(1, kept + 4))


def test_a_torn_first_note(tmp_path: Path) -> None:
    copies, tree = CheckpointCopies(tmp_path), uuid4()
    path = copy_of(tmp_path, tree)
    path.write_text(NOTES[0][:30])
    assert copies.head(tree) is None
    copies.append(tree, NOTES[:1])
    assert read(path) == [1]
