"""Two verifiers over the same tampered exports: the service's and the one that stands alone. Both see everything, and
name the same first bad entry.
"""

import ast
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from service.ledger import merkle, offline
from service.ledger.checkpoint import Checkpoint, VerifierKey, sign
from service.ledger.copies import copy_of
from service.ledger.entry import leaf_bytes
from service.ledger.export import ExportSource, header_line
from service.ledger.merkle import Frontier, leaf_hash
from service.ledger.offline.__main__ import main
from service.ledger.offline.outcome import Outcome, Unreadable
from service.ledger.offline.verifying import verify_export
from service.ledger.restores import Branch, explained
from service.ledger.verify import Report, verify
from tests.ledger_entries import Key, some_entries, stored
from tests.showing import Counted

pytestmark = [pytest.mark.battery, pytest.mark.shows("O-23", "T4")]

BATTERY = os.environ.get("CONSENTRY_BATTERY") == "1"
SIZE, STEP = (1000, 1) if BATTERY else (24, 31)
BATCH = 6
ORIGIN, TREE = "consentry/test/harbour", UUID(int=9)
SIGNER = Key()
VKEY = str(VerifierKey(ORIGIN, SIGNER.public_key))
_ROWS = list(some_entries(SIZE, TREE))
ENTRIES = [
    leaf_bytes(stored(replace(one, detail="{}"), bytes(32), number)) for number, one in enumerate(_ROWS)
]


def signed(entries: list[bytes], size: int) -> str:
    root = Frontier().extended(leaf_hash(one) for one in entries[:size]).root()
    return sign(Checkpoint(ORIGIN, size, root), SIGNER)


def line_of(entry: bytes, position: int) -> bytes:
    hashed = leaf_hash(entry).hex().encode()
    return b'{"entry":%b,"leaf_hash":"%b","position":%d}\n' % (entry, hashed, position)


def lines_of(entries: list[bytes]) -> list[bytes]:
    lines = [header_line(TREE, ORIGIN)]
    for position, entry in enumerate(entries):
        lines.append(line_of(entry, position))
        if not (position + 1) % BATCH or position + 1 == len(entries):
            lines.append(
                json.dumps({"checkpoint": signed(entries, position + 1)}).replace(": ", ":").encode() + b"\n"
            )
    return lines


LINES = lines_of(ENTRIES)
COPIES = [signed(ENTRIES, size) for size in range(BATCH, SIZE + 1, BATCH)]


def both(
    folder: Path, lines: list[bytes], copies: list[str] | None = None, branches: tuple[Branch, ...] = ()
) -> tuple[Report, Outcome]:
    path = folder / "trail.ndjson"
    path.write_bytes(b"".join(lines))
    kept = folder / f"{TREE}.notes"
    kept.write_text("".join(f"{one}\n" for one in (COPIES if copies is None else copies)))
    notes = explained(lambda: COPIES if copies is None else copies, branches)
    theirs = verify(ExportSource(path), ORIGIN, public_key=SIGNER.public_key, copies=notes)
    return theirs, verify_export(path, vkey=VKEY, copies=folder)


def agree(folder: Path, lines: list[bytes], copies: list[str] | None = None) -> tuple[int | None, str]:
    """Both flag it, at the same place; that place, and what the lone verifier calls it."""
    theirs, ours = both(folder, lines, copies)
    assert theirs.first is not None
    assert ours.wrong
    assert theirs.first.position == ours.findings[0].position, (theirs.first, ours.findings[0])
    return ours.findings[0].position, ours.findings[0].kind


def test_an_untouched_export_is_intact(tmp_path: Path) -> None:
    theirs, ours = both(tmp_path, LINES)
    assert theirs.intact, theirs.findings
    assert ours.wrong == 0, ours.findings
    assert (ours.entries, ours.copies) == (SIZE, len(COPIES))


def test_every_bit_of_every_column(tmp_path: Path, counted: Counted) -> None:
    """Of one entry: all of its bits (in an ordinary run one in 31, which no column escapes)."""
    position = SIZE // 2
    at = LINES.index(line_of(ENTRIES[position], position))
    begin, end = len(b'{"entry":'), len(b'{"entry":') + len(ENTRIES[position])
    seen = 0
    for bit in range(begin * 8, end * 8, STEP):
        line = bytearray(LINES[at])
        line[bit // 8] ^= 1 << (bit % 8)
        found, kind = agree(tmp_path, [*LINES[:at], bytes(line), *LINES[at + 1 :]])
        assert found == position, (bit, found, kind)
        seen += 1
    assert seen * STEP >= len(ENTRIES[position]) * 8
    counted("bits of exports flipped", seen)


Change = Callable[[list[bytes], int], list[bytes]]


def _renumbered(entries: list[bytes]) -> list[bytes]:
    """Positions and leaf hashes made to fit, checkpoints left as they were signed."""
    lines = [LINES[0]]
    for position, entry in enumerate(entries):
        lines.append(line_of(entry, position))
        if not (position + 1) % BATCH:
            lines.append(
                json.dumps({"checkpoint": signed(ENTRIES, position + 1)}).replace(": ", ":").encode() + b"\n"
            )
    return lines


def _at(position: int) -> int:
    return LINES.index(line_of(ENTRIES[position], position))


CHANGES: dict[str, tuple[str, Change]] = {
    "line deleted": ("missing", lambda lines, p: [*lines[: _at(p)], *lines[_at(p) + 1 :]]),
    "line twice": ("inserted", lambda lines, p: [*lines[: _at(p) + 1], lines[_at(p)], *lines[_at(p) + 1 :]]),
    "lines swapped": (
        "missing",
        lambda lines, p: [*lines[: _at(p)], lines[_at(p) + 1], lines[_at(p)], *lines[_at(p) + 2 :]],
    ),
    "entry gone": (
        "missing",
        lambda lines, p: [
            *lines[: _at(p)],
            b'{"entry":{"id":"x"},"leaf_hash":"%b","position":%d}\n'
            % (leaf_hash(ENTRIES[p]).hex().encode(), p),
            *lines[_at(p) + 1 :],
        ],
    ),
    "renumbered after deletion": ("altered", lambda _, p: _renumbered([*ENTRIES[:p], *ENTRIES[p + 1 :]])),
    "renumbered after insertion": (
        "altered",
        lambda _, p: _renumbered(
            [*ENTRIES[:p], ENTRIES[p].replace(b'"R-01"', b'"R-02"') + b" ", *ENTRIES[p:]]
        ),
    ),
    "order changed": (
        "reordered",
        lambda _, p: _renumbered([*ENTRIES[:p], ENTRIES[p + 1], ENTRIES[p], *ENTRIES[p + 2 :]]),
    ),
    "byte moved between fields": (
        "altered",
        lambda _, p: _renumbered(
            [
                *ENTRIES[:p],
                ENTRIES[p].replace(b'"detail":"{}"', b'"detail":"{"').replace(b'"mac":"', b'"mac":"}'),
                *ENTRIES[p + 1 :],
            ]
        ),
    ),
    "behind the last checkpoint": (
        "inserted",
        lambda lines, _: [*lines, line_of(ENTRIES[0], SIZE)],
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_done_to_lines_is_found_by_both_at_the_same_place(
    tmp_path: Path, change: str, counted: Counted
) -> None:
    kind, act = CHANGES[change]
    # not the last of a batch: behind it stands a checkpoint, which may be handed on anywhere
    places = [place for place in range(1, SIZE - 2, 101 if BATTERY else 5) if (place + 1) % BATCH]
    kinds = {agree(tmp_path, act(LINES, position))[1] for position in places}
    assert kinds <= {kind, "altered", "inserted", "truncated"}, kinds
    assert kind in kinds
    counted("structural changes", len(places))


@pytest.mark.parametrize("left", [0, 1, BATCH, SIZE - BATCH])
def test_a_cut_tail_shows_through_the_copies(tmp_path: Path, left: int) -> None:
    cut = lines_of(ENTRIES[:left])
    place, kind = agree(tmp_path, cut)
    assert (place, kind) == (left, "truncated")
    assert verify_export(tmp_path / "trail.ndjson", vkey=VKEY).wrong == 0


@pytest.mark.parametrize("position", [0, BATCH + 2, SIZE - 1])
def test_a_trail_written_anew_with_the_logs_key_is_forked(tmp_path: Path, position: int) -> None:
    forged = [*ENTRIES]
    forged[position] = forged[position].replace(b'"outcome":"', b'"outcome":"x')
    place, kind = agree(tmp_path, lines_of(forged))
    assert (place, kind) == (position // BATCH * BATCH, "forked")


def test_a_trail_written_anew_without_the_key_is_not_signed(tmp_path: Path) -> None:
    line = json.loads(LINES[BATCH + 1])
    note = line["checkpoint"]
    other = note[:-8] + ("A" if note[-8] != "A" else "B") + note[-7:]
    lines = [*LINES]
    lines[BATCH + 1] = json.dumps({"checkpoint": other}).replace(": ", ":").encode() + b"\n"
    assert agree(tmp_path, lines) == (BATCH - 1, "checkpoint")


def test_a_recorded_restore_explains_its_fork_and_no_other(tmp_path: Path) -> None:
    """The copies hold a branch that was given up; the trail's next entry names where it ended."""
    common, abandoned = 2 * BATCH, 3 * BATCH
    head = (abandoned, Frontier().extended(leaf_hash(one) for one in ENTRIES[:abandoned]).root())
    branch = Branch(
        (common, Frontier().extended(leaf_hash(one) for one in ENTRIES[:common]).root()), frozenset({head})
    )
    restore = replace(_ROWS[common], action="ledger.restore", detail=json.dumps(branch.detail()))
    onward = [*ENTRIES[:common], leaf_bytes(stored(restore, bytes(32), common)), *ENTRIES[common + 2 : SIZE]]
    old = COPIES[:3]
    new = [signed(onward, size) for size in range(common + BATCH, len(onward) + 1, BATCH)]
    theirs, ours = both(tmp_path, lines_of(onward), [*old, *new], (branch,))
    assert theirs.intact, theirs.findings
    assert ours.wrong == 0, ours.findings
    assert ours.restores == 1
    longer = signed(ENTRIES, abandoned + 1)
    theirs, ours = both(tmp_path, lines_of(onward), [*old, longer, *new], (branch,))
    assert not theirs.intact
    assert ours.wrong


def test_the_command_says_what_it_found(tmp_path: Path) -> None:
    both(tmp_path, LINES)
    path = str(tmp_path / "trail.ndjson")
    module = [sys.executable, "-m", "service.ledger.offline"]
    whole = subprocess.run(
        [*module, path, "--vkey", VKEY, "--checkpoints", str(tmp_path)], capture_output=True, check=False
    )
    assert whole.returncode == 0, whole.stderr
    assert b"intact" in whole.stdout
    Path(path).write_bytes(b"".join([*LINES[:4], *LINES[5:]]))
    assert main([path, "--vkey", VKEY]) == 1
    Path(path).write_text("nothing\n")
    assert main([path]) == 2
    assert main([str(tmp_path / "not-there")]) == 2


def test_a_key_of_another_log_is_refused(tmp_path: Path) -> None:
    both(tmp_path, LINES)
    path = tmp_path / "trail.ndjson"
    for key in (
        str(VerifierKey("consentry/test/other", SIGNER.public_key)),
        VKEY[:-4] + "AAAA",
        "no key",
        "",
    ):
        if key:
            with pytest.raises(Unreadable):
                verify_export(path, vkey=key)


def test_memory_does_not_grow_with_the_trail(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        path = tmp_path / f"{count}.ndjson"

        def written() -> Iterator[bytes]:
            yield header_line(TREE, ORIGIN)
            for position in range(count):
                yield line_of(ENTRIES[position % SIZE], position)

        with path.open("wb") as file:
            file.writelines(written())
        tracemalloc.start()
        verify_export(path)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(100)
    small, large = peak(500), peak(4000)
    assert large < small * 1.3 + 50_000, (small, large)


def test_it_imports_nothing_of_the_service_but_the_tree() -> None:
    package = Path(offline.__file__).parent
    trees = [ast.parse(path.read_text()) for path in package.glob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    named = {node.module or "." for node in nodes if isinstance(node, ast.ImportFrom)}
    named |= {one.name for node in nodes if isinstance(node, ast.Import) for one in node.names}
    outside = {name for name in named if not name.startswith(f"{offline.__name__}.")}
    assert {name for name in outside if name.startswith(("service", "."))} == {merkle.__name__}
    assert {name.partition(".")[0] for name in outside} - {
        "service",
        "cryptography",
    } <= sys.stdlib_module_names
    assert copy_of(Path("x"), TREE).suffix == ".notes"
