"""Every bit of a trail, flipped one by one: no verifier passes one by, and each names the entry.

A flip touches one entry, one leaf or one note, so it is what looks at that one that is asked, in process; how a whole
run names it is asked for a part of them here, and by SQL in `test_tamper.py`, which holds both ways against each other.
Which columns there are the tables say: a new one is flipped too, or these tests fail.
"""

import base64
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import Column

from service.ledger import walk
from service.ledger.checkpoint import Checkpoint, SignedCheckpoint, VerifierKey, sign
from service.ledger.entry import SET_BY_DATABASE, Row, leaf_bytes, text_of
from service.ledger.export import header_line
from service.ledger.merkle import RunningTree, leaf_hash
from service.ledger.offline.notes import Heads, Key
from service.ledger.offline.outcome import Outcome, Unreadable
from service.ledger.offline.source import Odd
from service.ledger.offline.trail import Trail
from service.ledger.offline.walk import Walk
from service.ledger.verify import signature_is_right
from service.ledger.walk import Findings, Kind, Leaf, what_is_wrong_with
from service.store.tables.ledger import audit_checkpoint, audit_entry, audit_leaf
from tests.crash.bits import flips
from tests.ledger_entries import TREE, some_entries, stored
from tests.ledger_entries import Key as Signer
from tests.showing import Counted

pytestmark = [pytest.mark.battery, pytest.mark.shows("O-23", "T4")]

BATTERY = os.environ.get("CONSENTRY_BATTERY") == "1"
SIZE = 1_000 if BATTERY else 40
#: One bit in so many; which ones changes with the entry, so that forty entries together miss none of a column's bits.
STEP = 1 if BATTERY else 29
ORIGIN = "consentry/test/harbour"
MAC_KEY = bytes(range(32))
SIGNER = Signer()
ROWS: list[Row] = [
    {name: text_of(value) for name, value in stored(entry, MAC_KEY, number).items()}
    for number, entry in enumerate(some_entries(SIZE, TREE))
]


def leaves() -> Iterator[Leaf]:
    for position, row in enumerate(ROWS):
        yield Leaf(position, leaf_hash(leaf_bytes(row)), str(row["id"]), None, row)


def some_flips(column: Column[Any], row: Row, number: int) -> Iterator[str | None]:
    """The flips of this value that this run makes."""
    for bit, text in flips(column, cast("str | None", row[column.name])):
        if not (bit + number) % STEP:
            yield text


def test_every_bit_of_every_column_of_every_entry(counted: Counted) -> None:
    many: dict[str, int] = {}
    for leaf in leaves():
        row = leaf.row or {}
        for column in audit_entry.columns:
            for text in some_flips(column, row, leaf.position):
                changed = Leaf(leaf.position, leaf.leaf_hash, leaf.entry_id, None, {**row, column.name: text})
                found = what_is_wrong_with(changed, (MAC_KEY,))
                assert found is not None, (column.name, leaf.position, text)
                assert (found.kind, found.position, found.entry_id) == (
                    Kind.ALTERED, leaf.position, leaf.entry_id,
                )  # fmt: skip
                many[column.name] = many.get(column.name, 0) + 1
    assert set(many) == set(audit_entry.columns.keys())
    counted("bits flipped", sum(many.values()))


def test_every_bit_with_its_leaf_made_to_fit_is_no_entry_of_the_service(counted: Counted) -> None:
    """Who has no key can give the changed entry its leaf, and not its code. What the database itself adds to an entry
    no code covers: only the root that was signed does.
    """
    many: dict[str, int] = {}
    for leaf in leaves():
        row = leaf.row or {}
        for column in audit_entry.columns:
            for text in list(some_flips(column, row, leaf.position))[:: 16 if BATTERY else 1]:
                changed = {**row, column.name: text}
                fitted = Leaf(leaf.position, leaf_hash(leaf_bytes(changed)), leaf.entry_id, None, changed)
                assert fitted.leaf_hash != leaf.leaf_hash
                found = what_is_wrong_with(fitted, (MAC_KEY,))
                told = found.kind if found else None
                assert told == (None if column.name in SET_BY_DATABASE else Kind.INSERTED), column.name
                many[column.name] = many.get(column.name, 0) + 1
    assert set(many) == set(audit_entry.columns.keys())
    counted("bits flipped", sum(many.values()))


def test_every_bit_of_a_leaf(counted: Counted) -> None:
    """Where a leaf's hash or the entry it names changes; its tree and position are where it stands (test_tamper.py)."""
    many = 0
    for leaf in leaves():
        row = {"leaf_hash": text_of(leaf.leaf_hash), "entry_id": leaf.entry_id}
        for text in some_flips(audit_leaf.c.leaf_hash, row, leaf.position):
            raw = base64.b64decode(text or "")
            found = what_is_wrong_with(Leaf(leaf.position, raw, leaf.entry_id, None, leaf.row), (MAC_KEY,))
            assert found is not None
            assert (found.kind, found.position) == (Kind.ALTERED, leaf.position)
            many += 1
        for text in some_flips(audit_leaf.c.entry_id, row, leaf.position):
            found = what_is_wrong_with(Leaf(leaf.position, leaf.leaf_hash, text), (MAC_KEY,))
            assert found is not None
            assert (found.kind, found.position, found.entry_id) == (Kind.MISSING, leaf.position, text)
            many += 1
    assert set(audit_leaf.columns.keys()) == {"tree", "position", "entry_id", "leaf_hash"}
    counted("bits flipped", many)


class Held:
    """A file that is only held: the verifier opens it like any other."""

    def __init__(self) -> None:
        self.content = header_line(TREE, ORIGIN)

    def open(self, *_: object, **__: object) -> io.BytesIO:
        return io.BytesIO(self.content)


def test_every_bit_of_every_line_of_an_export(counted: Counted) -> None:
    """Entry, leaf hash and all that stands around them; each line as the first of a trail."""
    held, many, walked = Held(), 0, 0
    header = held.content
    trail = Trail(cast("Path", held))
    for number, leaf in enumerate(leaves()):
        tail = b',"leaf_hash":"%b","position":0}\n' % leaf.leaf_hash.hex().encode()
        line = bytearray(header + b'{"entry":' + leaf_bytes(leaf.row or {}) + tail)
        for bit in range(len(header) * 8 + number % STEP, len(line) * 8, STEP):
            line[bit // 8] ^= 1 << bit % 8
            held.content = bytes(line)
            line[bit // 8] ^= 1 << bit % 8
            try:
                first = next(trail.steps(), None)
            except Unreadable:
                first = "said to be unreadable"
            assert not isinstance(first, list), (number, bit)
            assert first is not None, (number, bit)
            if isinstance(first, Odd) and not (bit + number) % (16 if BATTERY else 2):
                outcome = Outcome(origin=ORIGIN)
                nothing = Heads((), outcome, None, outside=True)
                Walk(outcome, nothing, nothing, trail.entries).step(first)
                assert outcome.findings, (number, bit)
                assert outcome.findings[0].position == 0
                walked += 1
            many += 1
        held.content = bytes(line)
        assert isinstance(next(trail.steps()), list)
    assert walked > many // 40
    counted("bits of exports flipped", many)


def test_every_bit_of_a_checkpoint(counted: Counted) -> None:
    """In the database, in an export, outside: a changed note is no checkpoint, or none of this log."""
    tree, notes = RunningTree(), list[str]()
    for leaf in leaves():
        tree.append(leaf.leaf_hash)
        if not tree.size % 20:
            notes.append(sign(Checkpoint(ORIGIN, tree.size, tree.root()), SIGNER))
    key = VerifierKey(ORIGIN, SIGNER.public_key)
    outside, many = Key(str(key)), 0

    def signed_by(note: SignedCheckpoint) -> bool:
        return note.signed_by(key, signature_is_right)

    for number, note in enumerate(notes):
        for text in some_flips(audit_checkpoint.c.note, {"note": note}, number):
            findings, outcome = Findings(), Outcome(origin=ORIGIN)
            for where in ("database", "copy"):
                heads = walk.Heads(where, [str(text)], ORIGIN, signed_by, findings)
                assert heads.count == 0
            assert Heads([str(text)], outcome, outside, outside=False).count == 0
            assert findings.count, text
            assert {found.kind for found in findings.ordered()} == {Kind.CHECKPOINT}
            assert [found.kind for found in outcome.findings] == ["checkpoint"]
            many += 1
    counted("bits flipped", many)
