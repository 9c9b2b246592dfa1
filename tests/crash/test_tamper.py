"""An owner of the database changes the trail; the command finds it and names the first bad entry.

Tampers by SQL, as a superuser with every trigger switched off: changes, deletions, insertions, doublings, swaps, and
whole rewritings; by somebody who also holds the log's keys, cut tails and rewritings that only the copies outside can
show. Every bit of every column is flipped in `test_every_bit.py` and in tests/integration/ledger/test_every_column.py.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection
from typer.testing import CliRunner, Result

from service.cli.ledger import app
from service.ledger.append import append
from service.ledger.checkpoint import Checkpoint, Signer, sign
from service.ledger.copies import copy_of
from service.ledger.entry import MAC_COLUMNS, leaf_bytes, mac
from service.ledger.merkle import Frontier, leaf_hash
from service.ledger.reading.records import stored_leaves
from service.store.session import in_unit_sync
from tests.house import Cluster, House, Service, open_program
from tests.ledger_entries import Key, some_entries
from tests.showing import Counted

pytestmark = [pytest.mark.battery, pytest.mark.shows("O-23", "T4")]

#: In `make battery` a thousand entries more, which no test here touches but by reading them.
BATCHES = (4, 1, 6, 1, 8, *([1_000] if os.environ.get("CONSENTRY_BATTERY") == "1" else []))
SIZE = sum(BATCHES)


@pytest.fixture(scope="module")
def attacked(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house whose database is not used by other tests: nothing here verifies afterwards."""
    built = House(cluster, "consentry_tamper", tmp_path_factory.mktemp("attacked"))
    try:
        yield built
    finally:
        built.close()


@dataclass
class Trail:
    """A program whose tree has grown by BATCHES."""

    house: House
    service: Service

    @property
    def tree(self) -> UUID:
        return self.service.program_id

    def sql(self, statement: str, *values: object) -> int:
        with self.house.superuser() as db:
            db.execute("set session_replication_role = replica")
            return db.execute(statement, values).rowcount  # type: ignore[arg-type]

    def entry_at(self, position: int) -> str:
        with self.house.superuser() as db:
            row = db.execute(
                "select entry_id from audit_leaf where tree = %s and position = %s", [self.tree, position]
            ).fetchone()
        assert row is not None
        return str(row[0])

    def grow(self, count: int) -> None:
        """One more batch: `count` acts, then a pass of the sequencer."""
        key = self.house.state.mechanisms.ledger_mac_key

        def act(db: Connection) -> None:
            for entry in some_entries(count, self.tree, seed=uuid4().int):
                append(db, entry, key)

        self.service.unit(act)
        self.house.sequence()

    def verify(self, *more: str) -> Result:
        settings = self.house.settings
        arguments = ["verify", "--data", str(self.house.data), "--program", self.service.program.key, *more]
        return CliRunner().invoke(app, arguments, env=settings.to_environment())

    def assert_first(self, kind: str, position: int | None, entry_id: str | None = None, *more: str) -> None:
        """The command fails, and its first bad entry is this one."""
        result = self.verify(*more)
        assert result.exit_code == 1, result.output
        place = "no position" if position is None else f"position {position}"
        expected = f"first bad entry: {place}" + (f", entry {entry_id}" if entry_id else "")
        line = next(line for line in result.output.splitlines() if "first bad entry" in line)
        assert expected in line, result.output
        assert f": {kind}: " in line, result.output


@pytest.fixture
def trail(attacked: House) -> Trail:
    grown = Trail(attacked, open_program(attacked))
    for count in BATCHES:
        grown.grow(count)
    result = grown.verify()
    assert result.exit_code == 0, result.output
    assert f"{SIZE} entries, {len(BATCHES)} checkpoints, {len(BATCHES)} copies" in result.output
    return grown


@pytest.fixture(autouse=True)
def _one_more(counted: Counted) -> None:
    """Every test here makes one change, and has it found."""
    counted("changes by SQL", 1)


FLIPS = [
    ("occurred_at", "occurred_at + interval '1 microsecond'"),
    ("recorded_at", "recorded_at - interval '1 hour'"),
    ("recorded_at", "'infinity'"),
    ("xid", "(xid::text::bigint + 1)::text::xid8"),
    ("actor_kind", "actor_kind || ' '"),
    ("actor_id", "gen_random_uuid()"),
    ("action", "'patient.reae'"),
    ("outcome", "case outcome when 'deny' then 'permit' else 'deny' end"),
    ("object_version", "coalesce(object_version, 0) # 4"),
    ("patient_id", "gen_random_uuid()"),
    ("policies", "'[]' || policies"),
    (
        "payload_hash",
        "coalesce(set_bit(payload_hash, 77, 1 - get_bit(payload_hash, 77)), '\\x00')",
    ),
    ("mac", "set_bit(mac, 3, 1 - get_bit(mac, 3))"),
]


@pytest.mark.parametrize(
    ("column", "value"), FLIPS, ids=[f"{column}-{at}" for at, (column, _) in enumerate(FLIPS)]
)
def test_a_changed_column(trail: Trail, column: str, value: str) -> None:
    position = FLIPS.index((column, value)) % SIZE
    entry_id = trail.entry_at(position)
    assert trail.sql(f"update audit_entry set {column} = {value} where id = %s", UUID(entry_id)) == 1
    trail.assert_first("altered", position, entry_id)


@pytest.mark.parametrize("position", [0, 7, SIZE - 1])
def test_a_changed_entry_with_its_leaf_changed_to_fit(trail: Trail, position: int) -> None:
    entry_id = trail.entry_at(position)
    trail.sql("update audit_entry set outcome = 'forged' where id = %s", UUID(entry_id))
    _refit_leaf(trail, position)
    trail.assert_first("inserted", position, entry_id)


@pytest.mark.parametrize("position", [0, 4, 11, SIZE - 1])
def test_a_deleted_entry(trail: Trail, position: int) -> None:
    entry_id = trail.entry_at(position)
    assert trail.sql("delete from audit_entry where id = %s", UUID(entry_id)) == 1
    trail.assert_first("missing", position, entry_id)


@pytest.mark.parametrize("position", [0, 5, 12])
def test_a_deleted_entry_with_its_leaf(trail: Trail, position: int) -> None:
    entry_id = trail.entry_at(position)
    trail.sql("delete from audit_entry where id = %s", UUID(entry_id))
    trail.sql("delete from audit_leaf where tree = %s and position = %s", trail.tree, position)
    trail.assert_first("missing", position)


def test_a_deleted_entry_whose_successors_move_up(trail: Trail) -> None:
    """Nothing is missing any more; the first signed root that the leaves do not give says where it was."""
    entry_id = trail.entry_at(4)  # alone in its batch
    trail.sql("delete from audit_entry where id = %s", UUID(entry_id))
    trail.sql("delete from audit_leaf where tree = %s and position = 4", trail.tree)
    trail.sql(
        "update audit_leaf set position = position - 1 + 1000 where tree = %s and position > 4", trail.tree
    )
    trail.sql(
        "update audit_leaf set position = position - 1000 where tree = %s and position > 999", trail.tree
    )
    trail.assert_first("rewritten", 4)


@pytest.mark.parametrize("with_leaf", [False, True])
def test_an_entry_put_in_at_the_end(trail: Trail, with_leaf: bool) -> None:
    entry_id = _insert_copy(trail, trail.entry_at(3))
    if with_leaf:
        trail.sql("insert into audit_leaf values (%s, %s, %s, '\\x00')", trail.tree, SIZE, UUID(entry_id))
        _refit_leaf(trail, SIZE)
        trail.assert_first("inserted", SIZE)
    else:
        trail.assert_first("inserted", None, entry_id)


@pytest.mark.parametrize("position", [0, 4, 11])
def test_an_entry_put_in_between(trail: Trail, position: int) -> None:
    entry_id = _insert_copy(trail, trail.entry_at(position))
    trail.sql(
        "update audit_leaf set position = position + 1001 where tree = %s and position >= %s",
        trail.tree,
        position,
    )
    trail.sql(
        "update audit_leaf set position = position - 1000 where tree = %s and position > 1000", trail.tree
    )
    trail.sql("insert into audit_leaf values (%s, %s, %s, '\\x00')", trail.tree, position, UUID(entry_id))
    _refit_leaf(trail, position)
    trail.assert_first("inserted", position, entry_id)


@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 3), (4, 11), (5, 7), (12, SIZE - 1)])
def test_two_entries_that_change_places(trail: Trail, first: int, second: int) -> None:
    later = trail.entry_at(second)
    for source, target in ((first, 5000), (second, first), (5000, second)):
        statement = "update audit_leaf set position = %s where tree = %s and position = %s"
        assert trail.sql(statement, target, trail.tree, source) == 1
    trail.assert_first("reordered", first, later)


@pytest.mark.parametrize("batches_left", [0, 1, 3, 4])
def test_a_cut_tail_shows_only_through_the_copies(trail: Trail, tmp_path: Path, batches_left: int) -> None:
    left = sum(BATCHES[:batches_left])
    _cut(trail, left)
    alone = trail.verify("--checkpoints", str(tmp_path))
    assert alone.exit_code == 0, alone.output
    trail.assert_first("truncated", left)


def test_a_tail_cut_in_the_middle_of_a_batch(trail: Trail) -> None:
    for statement in (
        "delete from audit_entry where id in (select entry_id from audit_leaf where tree = %s and position >= 15)",
        "delete from audit_leaf where tree = %s and position >= 15",
    ):
        trail.sql(statement, trail.tree)
    trail.assert_first("truncated", 15)


@pytest.mark.parametrize("first", [0, 4, 6, 12])
def test_a_rewriting_with_all_keys_shows_only_through_the_copies(
    trail: Trail, tmp_path: Path, first: int
) -> None:
    """Whoever has the database, the MAC key and the log's key changes the entry at `first` and signs it all
    anew.
    """
    state = trail.house.state
    _rewrite(trail, first, state.mechanisms.ledger_mac_key, state.sequencer.signer)
    alone = trail.verify("--checkpoints", str(tmp_path))
    assert alone.exit_code == 0, alone.output
    start = max(sum(BATCHES[:count]) for count in range(len(BATCHES)) if sum(BATCHES[:count]) <= first)
    trail.assert_first("rewritten", start)


@pytest.mark.parametrize("refitted", [False, True])
def test_a_byte_moved_from_a_field_to_its_neighbour(trail: Trail, refitted: bool) -> None:
    """Every byte of the row is still there, and in its order."""
    entry_id = trail.entry_at(6)
    moved = "action = left(action, -1), outcome = right(action, 1) || outcome"
    assert trail.sql(f"update audit_entry set {moved} where id = %s", UUID(entry_id)) == 1
    if refitted:
        _refit_leaf(trail, 6)
    trail.assert_first("inserted" if refitted else "altered", 6, entry_id)


def test_an_entry_with_a_second_position(trail: Trail) -> None:
    """The index that forbids it is gone too."""
    entry_id = trail.entry_at(2)
    trail.sql("drop index uq_audit_leaf_entry_id")
    second = "insert into audit_leaf select tree, %s, entry_id, leaf_hash from audit_leaf where entry_id = %s"
    trail.sql(second, SIZE, UUID(entry_id))
    try:
        trail.assert_first("inserted", SIZE)
    finally:
        trail.sql("delete from audit_leaf where tree = %s and position = %s", trail.tree, SIZE)
        trail.sql("create unique index uq_audit_leaf_entry_id on audit_leaf (entry_id)")


@pytest.mark.parametrize("by", [1, 7])
def test_positions_counted_from_elsewhere(trail: Trail, by: int) -> None:
    for shift in (5_000, by - 5_000):
        trail.sql("update audit_leaf set position = position + %s where tree = %s", shift, trail.tree)
    trail.assert_first("missing", 0)


@pytest.mark.parametrize("first", [0, 4, 6, 12])
def test_a_rewriting_without_the_keys_is_not_the_services(trail: Trail, first: int) -> None:
    """Everything fits everything; only that neither the entry's code nor the log's signature can be made."""
    stranger = Key()
    _rewrite(trail, first, bytes(32), stranger)
    trail.assert_first("inserted", first, trail.entry_at(first))


def test_a_checkpoint_that_is_signed_by_another_key(trail: Trail) -> None:
    trail.sql(
        "update audit_checkpoint set note = replace(note, E'\\n4\\n', E'\\n3\\n') where tree = %s and size = 4",
        trail.tree,
    )
    trail.assert_first("checkpoint", 2)


def test_the_copies_are_kept_in_the_order_of_the_tree(trail: Trail) -> None:
    path = copy_of(trail.house.settings.checkpoints, trail.tree)
    notes = path.read_text()
    assert notes.count(trail.service.program.key) == 2 * len(BATCHES)
    first, rest = notes.split("\n\nconsentry/", 1)
    path.write_text(f"consentry/{rest.rstrip()}\n\n{first}\n\n")
    trail.assert_first("checkpoint", 4)


def _insert_copy(trail: Trail, entry_id: str) -> str:
    """An entry like that one, under an id of its own, with the MAC of the original."""
    made = uuid4()
    columns = ", ".join(column for column in (*MAC_COLUMNS, "mac") if column != "id")
    trail.sql(
        f"insert into audit_entry (id, {columns}) select %s, {columns} from audit_entry where id = %s",
        made,
        UUID(entry_id),
    )
    return str(made)


def _refit_leaf(trail: Trail, position: int) -> None:
    """Give the leaf at `position` the hash of what its entry says now."""
    rows = in_unit_sync(
        trail.house.sequencer_engine, lambda db: {at: row for at, _, _, row in stored_leaves(db, trail.tree)}
    )
    hashed = leaf_hash(leaf_bytes(rows[position] or {}))
    trail.sql(
        "update audit_leaf set leaf_hash = %s where tree = %s and position = %s", hashed, trail.tree, position
    )


def _cut(trail: Trail, left: int) -> None:
    """Take away everything behind the first `left` entries, and every trace of it in the database."""
    trail.sql(
        "delete from audit_entry where id in (select entry_id from audit_leaf where tree = %s and position >= %s)",
        trail.tree,
        left,
    )
    trail.sql("delete from audit_leaf where tree = %s and position >= %s", trail.tree, left)
    trail.sql("delete from audit_checkpoint where tree = %s and size > %s", trail.tree, left)
    _resign(trail, trail.house.state.sequencer.signer)


def _rewrite(trail: Trail, first: int, mac_key: bytes, signer: Signer) -> None:
    entry_id = trail.entry_at(first)
    trail.sql("update audit_entry set outcome = 'forged' where id = %s", UUID(entry_id))
    rows = in_unit_sync(
        trail.house.sequencer_engine, lambda db: {at: row for at, _, _, row in stored_leaves(db, trail.tree)}
    )
    row = rows[first]
    assert row is not None
    made = mac(row, mac_key)
    trail.sql("update audit_entry set mac = %s where id = %s", made, UUID(entry_id))
    _refit_leaf(trail, first)
    _resign(trail, signer, first)


def _resign(trail: Trail, signer: Signer, changed: int = 0) -> None:
    """Sign every checkpoint that covers position `changed` anew over what the leaves are now."""
    leaves = in_unit_sync(
        trail.house.sequencer_engine, lambda db: [hashed for _, hashed, _, _ in stored_leaves(db, trail.tree)]
    )
    origin = f"consentry/test/{trail.service.program.key}"
    sizes = {sum(BATCHES[:count]) for count in range(1, len(BATCHES) + 1)}
    for size in sorted(size for size in sizes if size > changed):
        frontier = Frontier().extended(leaves[:size])
        note = sign(Checkpoint(origin, size, frontier.root()), signer)
        statement = "update audit_checkpoint set root = %s, note = %s where tree = %s and size = %s"
        trail.sql(statement, frontier.root(), note, trail.tree, size)
    whole = Frontier().extended(leaves)
    trail.sql(
        "update audit_tree set size = %s, frontier = %s where tree = %s",
        whole.size,
        whole.to_bytes(),
        trail.tree,
    )
