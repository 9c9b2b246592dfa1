"""The verification by itself, over a trail in memory: what is named, and that it stands alone."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.ledger import checkpoint, entry, merkle, verify, walk
from service.ledger.checkpoint import Checkpoint, sign
from service.ledger.entry import COLUMNS, Row, leaf_bytes
from service.ledger.merkle import Frontier, leaf_hash
from service.ledger.verify import Waiting
from service.ledger.walk import Finding, Kind, Leaf
from tests.ledger_entries import Key, some_entries, stored

ORIGIN = "consentry/test/harbour"
SIGNER = Key()
MAC_KEY = bytes(range(32))
BATCHES = (3, 1, 5, 1, 6)
SIZE = sum(BATCHES)
ROWS = [stored(one, MAC_KEY, number) for number, one in enumerate(some_entries(SIZE))]


@dataclass
class Trail:
    """A source in memory: leaves by position and signed notes."""

    held: list[Leaf] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left: list[Waiting] = field(default_factory=list)
    acts: list[tuple[str, str]] = field(default_factory=list)
    beside: list[Finding] = field(default_factory=list)

    def leaves(self) -> Iterator[Leaf]:
        return iter(self.held)

    def checkpoints(self) -> Iterator[str]:
        return iter(self.notes)

    def waiting(self) -> Iterator[Waiting]:
        return iter(self.left)

    def acts_without_entry(self) -> Iterator[tuple[str, str]]:
        return iter(self.acts)

    def contradictions(self, leaves: Frontier) -> Iterator[Finding]:
        return iter(self.beside)

    def sign(self) -> "Trail":
        hashes = [one.leaf_hash for one in self.held]
        sizes = [sum(BATCHES[:count]) for count in range(1, len(BATCHES) + 1)]
        self.notes = [
            sign(Checkpoint(ORIGIN, size, Frontier().extended(hashes[:size]).root()), SIGNER)
            for size in sizes
            if size <= len(hashes)
        ]
        return self


def leaf_of(position: int, row: Row) -> Leaf:
    return Leaf(position, leaf_hash(leaf_bytes(row)), str(row["id"]), None, row)


def trail() -> Trail:
    return Trail([leaf_of(at, row) for at, row in enumerate(ROWS)]).sign()


COPIES = tuple(trail().notes)


def report_on(source: Trail, copies: tuple[str, ...] = COPIES, mac: bool = True) -> verify.Report:
    return verify.verify(
        source,
        ORIGIN,
        public_key=SIGNER.public_key,
        mac_keys=(MAC_KEY,) if mac else (),
        copies=copies,
    )


def first(source: Trail, copies: tuple[str, ...] = COPIES, mac: bool = True) -> tuple[Kind, int | None]:
    found = report_on(source, copies, mac).first
    assert found is not None
    return found.kind, found.position


def test_an_untouched_trail_is_intact() -> None:
    seen: list[int] = []
    report = verify.verify(
        trail(),
        ORIGIN,
        public_key=SIGNER.public_key,
        copies=COPIES,
        mac_keys=(bytes(32), MAC_KEY),
        progress=seen.append,
    )
    assert report.intact
    assert report.first is None
    assert (report.entries, report.checkpoints, report.copies) == (SIZE, len(BATCHES), len(BATCHES))
    assert report.signatures_checked
    assert report.macs_checked
    assert seen == [SIZE]


def test_an_empty_tree_is_intact_and_a_copy_of_more_is_not() -> None:
    assert report_on(Trail(), ()).intact
    assert first(Trail()) == (Kind.TRUNCATED, 0)


@settings(max_examples=150)
@given(st.integers(0, SIZE - 1), st.sampled_from(COLUMNS), st.booleans())
def test_any_changed_column_is_named_with_its_position(position: int, column: str, refit: bool) -> None:
    changed = trail()
    row: Row = {**ROWS[position], column: "changed"}
    leaf = replace(changed.held[position], row=row)
    changed.held[position] = replace(leaf, leaf_hash=leaf_hash(leaf_bytes(row))) if refit else leaf
    kind, at = first(changed)
    if not refit:
        assert (kind, at) == (Kind.ALTERED, position)
    elif column in ("recorded_at", "xid"):  # no MAC covers these; the root that was signed does
        assert kind in (Kind.REORDERED, Kind.REWRITTEN)
        assert at is not None
        assert at <= position
    else:
        assert (kind, at) == (Kind.INSERTED, position)
    without_key, at = first(changed, mac=False)
    assert at is not None
    assert at <= position
    assert without_key in (Kind.ALTERED, Kind.REORDERED, Kind.REWRITTEN)


@settings(max_examples=150)
@given(st.data())
def test_no_structural_change_passes(data: st.DataObject) -> None:
    """Delete, repeat, swap or cut any leaf, renumbered or not, signed anew or not: never intact, never named late."""
    changed = trail()
    position = data.draw(st.integers(0, SIZE - 1))
    act = data.draw(st.sampled_from(["delete", "repeat", "swap", "cut"]))
    match act:
        case "delete":
            del changed.held[position]
        case "repeat":
            changed.held.insert(position, changed.held[position])
            position += 1  # the second of the two is the one too many
        case "swap":
            other = data.draw(st.integers(0, SIZE - 1).filter(lambda one: one != position))
            held = changed.held
            held[position], held[other] = held[other], held[position]
            position = min(position, other)
        case _:
            del changed.held[position:]
    if act == "swap" or data.draw(st.booleans()):
        changed.held = [replace(leaf, position=at) for at, leaf in enumerate(changed.held)]
    if data.draw(st.booleans()):
        changed.sign()
    report = report_on(changed)
    assert not report.intact
    assert report.first is not None
    assert report.first.position is not None
    # Behind the last checkpoint that fits, a deletion that moves the rest up cannot be told from a cut tail.
    assert report.first.position <= position or (report.first.kind is Kind.TRUNCATED and position >= 10)


def test_a_swap_is_told_from_a_rewriting() -> None:
    swapped = trail()
    held = swapped.held
    held[4], held[6] = replace(held[6], position=4), replace(held[4], position=6)
    assert first(swapped) == (Kind.REORDERED, 4)
    assert first(swapped.sign()) == (Kind.REWRITTEN, 4)
    # two batches of one entry each: only the entry behind shows that they changed places
    lone = trail()
    held = lone.held
    held[3], held[9] = replace(held[9], position=3), replace(held[3], position=9)
    assert first(lone) == (Kind.REORDERED, 3)


def test_what_is_gone_is_missing() -> None:
    gone = trail()
    gone.held[5] = replace(gone.held[5], row=None)
    report = report_on(gone)
    assert [(found.kind, found.position, found.entry_id) for found in report.findings] == [
        (Kind.MISSING, 5, gone.held[5].entry_id)
    ]


def test_entries_behind_the_last_checkpoint_and_without_any() -> None:
    longer = trail()
    extra = {**ROWS[0], "id": uuid4()}
    longer.held.append(leaf_of(SIZE, extra))
    assert first(longer, mac=False) == (Kind.INSERTED, SIZE)
    unsigned = trail()
    unsigned.notes = []
    assert first(unsigned, ()) == (Kind.INSERTED, 0)


def test_checkpoints_that_prove_nothing_are_said_to_be_wrong() -> None:
    stranger = replace_key()
    cases = {
        "nothing": "no note at all",
        "another tree": sign(Checkpoint("consentry/test/other", 3, bytes(32)), SIGNER),
        "another key": sign(Checkpoint(ORIGIN, 3, Frontier().extended(hashes(3)).root()), stranger),
    }
    for name, note in cases.items():
        changed = trail()
        changed.notes[0] = note
        kind, _ = first(changed)
        assert kind is Kind.CHECKPOINT, name
    foreign_in_copies = (cases["another tree"], *COPIES)
    assert report_on(trail(), foreign_in_copies).intact  # a folder may hold copies of many trees
    assert first(trail(), (cases["another key"], *COPIES))[0] is Kind.CHECKPOINT
    assert first(trail(), tuple(reversed(COPIES)))[0] is Kind.CHECKPOINT


def test_without_a_public_key_it_says_so() -> None:
    report = verify.verify(trail(), ORIGIN, public_key=None)
    assert report.intact
    assert not report.signatures_checked
    assert not report.macs_checked
    assert not verify.signature_is_right(b"short", b"", b"")


def test_what_waits_and_what_was_acted_without_an_entry() -> None:
    source = trail()
    forged = {**ROWS[1], "outcome": "deny"}
    source.left = [
        Waiting(ROWS[0], 5.0),
        Waiting(ROWS[2], 61.0),
        Waiting(ROWS[3], -61.0),
        Waiting(forged, 0.0),
    ]
    source.acts = [("consent", "lost")]
    kinds = [(found.kind, found.entry_id) for found in report_on(source).findings]
    assert kinds == [
        (Kind.WAITING, str(ROWS[2]["id"])),
        (Kind.WAITING, str(ROWS[3]["id"])),
        (Kind.INSERTED, str(forged["id"])),
        (Kind.UNRECORDED, "lost"),
    ]


def test_what_contradicts_the_leaves_is_said_where_they_are_right() -> None:
    source = trail()
    source.beside = [Finding(Kind.CHECKPOINT, "another root", 3)]
    assert first(source) == (Kind.CHECKPOINT, 3)
    source.held[7] = replace(source.held[7], row={**ROWS[7], "outcome": "deny", "purpose": "x"})
    assert first(source) == (Kind.ALTERED, 7)


def test_a_checkpoint_that_only_its_copy_remembers_is_said_to_be_gone() -> None:
    forgetful = trail()
    del forgetful.notes[1]
    assert first(forgetful) == (Kind.CHECKPOINT, BATCHES[0] + BATCHES[1] - 1)
    del forgetful.notes[1:]
    assert [one.kind for one in report_on(forgetful).findings] == [Kind.CHECKPOINT] * 4
    assert first(forgetful, ()) == (Kind.INSERTED, BATCHES[0])


def test_a_thousand_findings_are_counted_and_the_first_ones_kept() -> None:
    many = walk.Findings()
    for number in range(1000, 0, -1):
        many.add(Kind.ALTERED, "", number)
    assert many.count == 1000
    assert [found.position for found in many.ordered()] == list(range(1, 101))
    assert many.between(1, 2)
    assert not many.between(1001, 2000)


def test_it_stands_alone() -> None:
    """Verifying needs the tree, the entry's form, the checkpoint's form, Ed25519 and nothing of the service."""
    allowed = {
        "service.ledger.merkle",
        "service.ledger.entry",
        "service.ledger.checkpoint",
        "service.ledger.walk",
    }
    for module in (verify, walk, checkpoint, entry, merkle):
        tree = ast.parse(Path(str(module.__file__)).read_text())
        for node in ast.walk(tree):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [one.name for one in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                root = name.split(".")[0]
                known = root in sys.stdlib_module_names or name in allowed
                assert known or (module is verify and root == "cryptography"), (module.__name__, name)


def hashes(count: int) -> list[bytes]:
    return [one.leaf_hash for one in trail().held[:count]]


def replace_key() -> Key:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Key()
    key._private = Ed25519PrivateKey.generate()
    key.public_key = key._private.public_key().public_bytes_raw()
    return key


def test_findings_are_in_the_order_of_positions() -> None:
    changed = trail()
    for position in (9, 2):
        changed.held[position] = replace(changed.held[position], row={**ROWS[position], "action": "x"})
    changed.left = [Waiting({**ROWS[0], "mac": "x"}, 0.0)]
    found = report_on(changed).findings
    assert [one.position for one in found] == [2, 9, None]
    assert all(isinstance(one, Finding) for one in found)


@pytest.mark.parametrize("count", [1, 2])
def test_a_gap_is_said_with_its_length(count: int) -> None:
    gap = trail()
    del gap.held[4 : 4 + count]
    found = report_on(gap).first
    assert found is not None
    assert (found.kind, found.position) == (Kind.MISSING, 4)
    assert found.text == ("nothing stands here" if count == 1 else "nothing stands here up to position 5")
