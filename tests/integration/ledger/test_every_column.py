"""Every column of every table that the ledger is verified from, a bit of it changed by SQL, by the database's owner.

`tests/crash/test_every_bit.py` flips all the bits in process. Here some of each column go through the database, and what
is read back must be what was flipped there, and be found and named as it was there. Which columns there are the tables
say; one that nothing watches stands in NOT_WATCHED with its reason.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Column, Connection, DateTime, LargeBinary, Table, Text, Uuid, select
from sqlalchemy import cast as sql_cast

from service.ledger.reading import records
from service.ledger.reading.records import stored_leaves
from service.ledger.records import as_text
from service.ledger.verify import Report
from service.ledger.walk import Finding, Kind, Leaf, what_is_wrong_with
from service.store.base import metadata
from service.store.session import in_unit_sync
from service.store.tables.ledger import audit_checkpoint, audit_entry, audit_leaf, audit_tree
from service.store.tables.ledger_proofs import audit_tile_root
from service.store.types import Xid8
from tests.crash.bits import flips, instant_of, micros_of
from tests.house import Cluster
from tests.ledger_database import LedgerDatabase
from tests.showing import Counted

pytestmark = [pytest.mark.battery, pytest.mark.shows("O-23", "T4")]

BATTERY = os.environ.get("CONSENTRY_BATTERY") == "1"
BATCHES = (130,) * 8 if BATTERY else (7, 120, 1, 136)
SIZE = sum(BATCHES)
#: Flips of each column that go through the database.
FLIPS = 40 if BATTERY else 1

WATCHED = (audit_entry, audit_leaf, audit_checkpoint, audit_tree, audit_tile_root)
#: What no verification looks at. Where a whole table stands, the column is "*".
NOT_WATCHED = {
    ("audit_checkpoint", "signed_at"): "when it was signed is said to operators; no position rests on it",
    ("audit_tree", "changed_at"): "said to operators; what a tree is, its leaves say",
    ("audit_tree", "low_water"): "where the next pass begins; an entry it passes over is found waiting",
    ("audit_anchor", "*"): "how far anchors were seen to have come; they are asked again themselves",
    (
        "audit_cosignature",
        "*",
    ): "handed on as it came; who knows the witness refuses one that does not verify",
}
PLACES = [
    (table, column)
    for table in WATCHED
    for column in table.columns
    if (table.name, column.name) not in NOT_WATCHED
]


@dataclass
class Trail:
    """A tree that has grown, with copies outside."""

    ledger: LedgerDatabase
    tree: UUID
    hashes: list[bytes]
    ids: list[str]

    def verify(self, tree: UUID | None = None) -> Report:
        return self.ledger.verify(tree or self.tree)

    def row(self, position: int) -> Leaf:
        """What stands at this position, as verification reads it."""

        def read(db: Connection) -> Leaf:
            found = next(iter(stored_leaves(db, self.tree, position, position + 1)))
            return Leaf(position, found[1], found[2], None, found[3])

        return in_unit_sync(self.ledger.sequencer, read)


@pytest.fixture(scope="module")
def trail(cluster: Cluster, ledger_database: str, tmp_path_factory: pytest.TempPathFactory) -> Trail:
    ledger = LedgerDatabase(cluster, ledger_database, tmp_path_factory.mktemp("columns") / "checkpoints")
    ledger.sequence()
    tree = ledger.new_tree()
    for count in BATCHES:
        made = ledger.entries(tree, count)

        def unit(db: Connection, made: Any = made) -> None:
            for entry in made:
                ledger.append_in(db, entry)

        in_unit_sync(ledger.app, unit)
        ledger.sequence(batch=10_000)
    stored = in_unit_sync(ledger.sequencer, lambda db: list(stored_leaves(db, tree)))
    grown = Trail(ledger, tree, [one[1] for one in stored], [one[2] for one in stored])
    report = grown.verify()
    assert report.intact, report.findings
    assert (report.entries, report.copies) == (SIZE, len(BATCHES))
    return grown


def test_every_table_of_the_trail_is_watched_or_said_why_not() -> None:
    known = {table.name: table for table in metadata.tables.values() if table.name.startswith("audit_")}
    named = {table.name for table in WATCHED} | {table for table, column in NOT_WATCHED if column == "*"}
    assert named == set(known)
    for (table, column), reason in NOT_WATCHED.items():
        assert column == "*" or column in known[table].columns, (table, column)
        assert len(reason) > 30


@pytest.mark.parametrize(("table", "column"), PLACES, ids=[f"{t.name}-{c.name}" for t, c in PLACES])
def test_a_flipped_bit_is_found_and_named(
    trail: Trail, table: Table, column: Column[Any], counted: Counted
) -> None:
    many = 0
    for number, key in enumerate(keys(trail, table)):
        before = value(trail, column, key)
        choices = list(flips(column, before))
        _, text = choices[(number * 37 + 11) % len(choices)]
        if not put(trail, column, key, text):
            continue  # the database itself refuses: something stands there already
        moved = {**key, column.name: text} if column.name in key else key
        try:
            assert value(trail, column, moved) == text, "read back as it was flipped in process"
            expected(trail, table, column, number, text)
        finally:
            assert put(trail, column, moved, before)
        assert value(trail, column, key) == before
        many += 1
    assert many, "not one flip could be stored"
    counted("bits flipped by SQL", many)


def expected(trail: Trail, table: Table, column: Column[Any], number: int, text: str | None) -> None:
    """A run over the tree finds it, names the place, and says the same as was said in process."""
    report = trail.verify()
    first, position = report.first, at(number)
    entry_id = trail.ids[position]
    if table is audit_entry:
        same = what_is_wrong_with(trail.row(position), (trail.ledger.mac_key,))
        assert first == same
        kind = Kind.MISSING if column.name == "id" else Kind.ALTERED
        assert first is not None
        assert (first.kind, first.position, first.entry_id) == (kind, position, entry_id)
    elif table is audit_leaf:
        assert first is not None
        # the last one gone to another tree, this one ends before its heads
        gone = Kind.TRUNCATED if column.name == "tree" and position == SIZE - 1 else Kind.MISSING
        assert (first.kind, first.position) == (
            Kind.ALTERED if column.name == "leaf_hash" else gone,
            position,
        )
    elif table is audit_tile_root and column.name == "tree":
        # gone here, which is no fault: it is worked out; but it stands in a tree that has no such tile
        other = UUID(text)
        assert other in in_unit_sync(trail.ledger.sequencer, records.trees_anywhere)
        assert not trail.verify(other).intact
    else:
        assert first is not None, (table.name, column.name, text)
        assert first.kind is Kind.CHECKPOINT, first


def at(number: int) -> int:
    """Positions all over the tree; of more than one, the first and the last among them."""
    return (SIZE - 1) * number // (FLIPS - 1) if FLIPS > 1 else SIZE - 1 - BATCHES[-1]


def keys(trail: Trail, table: Table) -> Iterator[dict[str, Any]]:
    """Rows of the tree in this table, by their primary keys."""
    sizes = [sum(BATCHES[: count + 1]) for count in range(len(BATCHES))]
    for number in range(FLIPS):
        if table is audit_entry:
            yield {"id": trail.ids[at(number)]}
        elif table is audit_leaf:
            yield {"tree": str(trail.tree), "position": str(at(number))}
        elif table is audit_checkpoint:
            yield {"tree": str(trail.tree), "size": str(sizes[number % len(sizes)])}
        elif table is audit_tile_root:
            yield {"tree": str(trail.tree), "level": "1", "number": str(number % (SIZE // 256))}
        else:
            yield {"tree": str(trail.tree)}


def value(trail: Trail, column: Column[Any], key: dict[str, Any]) -> str | None:
    """The value as the verification's text."""
    table = column.table
    where = [sql_cast(table.c[name], Text) == told for name, told in key.items()]
    text = as_text(column) if not isinstance(column.type, Uuid | Xid8) else sql_cast(column, Text)
    found = in_unit_sync(
        trail.ledger.sequencer, lambda db: db.execute(select(text).where(*where)).scalar_one()
    )
    # the database breaks base64 into lines
    return found if found is None or not isinstance(column.type, LargeBinary) else found.replace("\n", "")


def put(trail: Trail, column: Column[Any], key: dict[str, Any], text: str | None) -> bool:
    """Store the value that has this text; False where the database refuses a second one like it."""
    form = "decode(%s, 'base64')" if isinstance(column.type, LargeBinary) else f"%s::{sql_type(column)}"
    where = " and ".join(f"{name}::text = %s" for name in key)
    try:
        changed = trail.ledger.tamper(
            f"update {column.table.name} set {column.name} = {form} where {where}", text, *key.values()
        )
    except psycopg.errors.UniqueViolation:
        return False
    assert changed == 1
    return True


def sql_type(column: Column[Any]) -> str:
    if isinstance(column.type, Xid8 | Uuid):
        return "xid8" if isinstance(column.type, Xid8) else "uuid"
    return "timestamptz" if isinstance(column.type, DateTime) else str(column.type).lower()


def test_times_in_any_year_have_texts_of_their_own(trail: Trail) -> None:
    """The same day of another era, a year of five digits, and what is no time at all: none is taken for the other."""
    position = 3
    key = {"id": trail.ids[position]}
    column = audit_entry.c.occurred_at
    before = value(trail, column, key)
    assert before is not None
    for text in (f"{before} BC", instant_of(micros_of(before) + (1 << 60)), "4713-01-01T00:00:00.000000Z BC"):
        assert put(trail, column, key, text)
        assert value(trail, column, key) == text
        assert finding(trail) == (Kind.ALTERED, position)
    for text in ("infinity", "-infinity"):
        assert put(trail, column, key, text)
        assert finding(trail) == (Kind.ALTERED, position)
    assert put(trail, column, key, before)
    assert trail.verify().intact


def test_text_that_is_no_text_is_refused_by_the_database_itself(trail: Trail) -> None:
    """The eighth bit of a letter: such a flip nobody can bring about by SQL."""
    with pytest.raises(psycopg.errors.CharacterNotInRepertoire), trail.ledger.superuser() as db:
        db.execute(
            "update audit_entry set action = convert_from(%s, 'UTF8') where id = %s",
            [b"patient.\xf2ead", UUID(trail.ids[0])],
        )


def test_an_entry_that_a_pass_was_made_to_miss_is_found_waiting(trail: Trail) -> None:
    """Why `low_water` need not be watched: what it hides shows."""
    ledger, other = trail.ledger, trail.ledger.new_tree()
    ledger.sequence()
    mark = ledger.rows("select max(low_water::text::bigint) from audit_tree")[0][0]
    ledger.tamper("update audit_tree set low_water = '9000000000000000000'::xid8")
    ledger.append(other, 1)
    ledger.tamper(
        "update audit_entry set recorded_at = recorded_at - interval '2 minutes' where tree = %s", other
    )
    found = ledger.verify(other).first
    ledger.tamper("update audit_tree set low_water = %s::text::xid8", str(mark))
    assert isinstance(found, Finding)
    assert found.kind is Kind.WAITING


def finding(trail: Trail) -> tuple[Kind, int | None]:
    first = trail.verify().first
    assert first is not None
    return first.kind, first.position


def test_an_entry_and_its_leaf_in_a_tree_that_does_not_exist(trail: Trail) -> None:
    """Its code is right, its leaf is there: only that nobody has such a tree gives it away."""
    ledger, nowhere = trail.ledger, UUID(int=77)
    made = ledger.entries(nowhere, 1)[0]
    in_unit_sync(ledger.app, lambda db: ledger.append_in(db, made))
    ledger.tamper(
        "insert into audit_leaf (tree, position, entry_id, leaf_hash) values (%s, 0, %s, %s)",
        nowhere, made.id, bytes(32),
    )  # fmt: skip
    others = in_unit_sync(ledger.sequencer, records.trees_anywhere)
    strange = in_unit_sync(ledger.sequencer, lambda db: list(records.foreign_leaves(db, others)))
    ledger.tamper("delete from audit_leaf where tree = %s", nowhere)
    ledger.tamper("delete from audit_entry where id = %s", made.id)
    assert strange == [str(made.id)]


def test_a_checkpoint_that_is_gone_shows_through_its_copy(trail: Trail) -> None:
    size = BATCHES[0]
    (kept,) = trail.ledger.rows(
        "select root, note, signed_at from audit_checkpoint where tree = :tree and size = :size",
        tree=trail.tree, size=size,
    )  # fmt: skip
    trail.ledger.tamper("delete from audit_checkpoint where tree = %s and size = %s", trail.tree, size)
    found = finding(trail)
    trail.ledger.tamper(
        "insert into audit_checkpoint (tree, size, root, note, signed_at) values (%s, %s, %s, %s, %s)",
        trail.tree, size, *kept,
    )  # fmt: skip
    assert found == (Kind.CHECKPOINT, size - 1)
    assert trail.verify().intact


def test_nothing_of_this_was_left_behind(trail: Trail) -> None:
    """Each change was taken back, so that none was found because of another."""
    assert trail.verify().intact
