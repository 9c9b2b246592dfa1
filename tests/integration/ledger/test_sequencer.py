"""The sequencer against a real database: order, leadership, forgeries, contradictions, crashes between its two steps."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

from service.ids import SERVICE_PROGRAM
from service.ledger import records
from service.ledger.checkpoint import parse
from service.ledger.copies import CheckpointCopies, copy_of
from service.ledger.merkle import Frontier
from service.ledger.sequencer import Sequencer, sequence
from service.ledger.walk import Kind
from service.store.session import enter_program, in_unit_sync
from tests.fakes import FakeClock
from tests.ledger_database import DEPLOYMENT, LedgerDatabase


async def until(reached: Callable[[], bool]) -> None:
    """Wait for what another party brings about; there is no event to wait for."""
    while not await asyncio.to_thread(reached):  # noqa: ASYNC110
        await asyncio.sleep(0.02)


def positions(ledger: LedgerDatabase, tree: object) -> list[str]:
    rows = ledger.rows("select entry_id from audit_leaf where tree = :tree order by position", tree=tree)
    return [str(row.entry_id) for row in rows]


def test_entries_get_positions_in_the_order_they_were_recorded(ledger: LedgerDatabase) -> None:
    tree = ledger.new_tree()
    made = ledger.append(tree, 7)
    done = ledger.sequence()
    assert done.led
    assert tree in done.extended
    assert positions(ledger, tree) == [str(entry.id) for entry in made]
    more = ledger.append(tree, 2)
    ledger.sequence()
    assert positions(ledger, tree)[7:] == [str(entry.id) for entry in more]
    report = ledger.verify(tree)
    assert report.intact, report.findings
    assert (report.entries, report.checkpoints, report.copies) == (9, 2, 2)


def test_a_pass_with_nothing_to_do_writes_nothing(ledger: LedgerDatabase) -> None:
    tree = ledger.new_tree()
    ledger.grow(tree, 2)
    before = ledger.rows("select * from audit_tree order by tree")
    done = ledger.sequence()
    assert (done.led, done.positions, done.extended) == (True, 0, ())
    assert ledger.rows("select * from audit_tree order by tree") == before


def test_a_long_transaction_does_not_stop_the_others(ledger: LedgerDatabase) -> None:
    tree = ledger.new_tree()
    late = ledger.entries(tree, 1)[0]
    with ledger.app.connect() as db:
        ledger.append_in(db, late)
        others = ledger.append(tree, 3)
        ledger.sequence()
        assert positions(ledger, tree) == [str(entry.id) for entry in others]
        db.commit()
    ledger.sequence()
    assert positions(ledger, tree) == [str(entry.id) for entry in (*others, late)]
    assert ledger.verify(tree).intact


def test_acts_on_the_same_row_stand_in_commit_order(ledger: LedgerDatabase) -> None:
    """Two acts lock one row; the second waits for the first. Passes run all the while. No pair is ever turned round."""
    tree = ledger.new_tree()
    ledger.tamper("create table if not exists locked (id integer primary key, turn integer)")
    ledger.tamper("grant all on locked to consentry_app")
    ledger.tamper("delete from locked")
    ledger.tamper("insert into locked values (1, 0)")
    turns: list[tuple[int, str]] = []
    stop = threading.Event()

    def act(seed: int) -> None:
        for entry in [replace(one, id=uuid4()) for one in ledger.entries(tree, 25)]:

            def unit(db: Connection, entry=entry) -> int:  # type: ignore[no-untyped-def]
                enter_program(db, str(tree))
                statement = text("update locked set turn = turn + 1 where id = 1 returning turn")
                turn = int(db.execute(statement).scalar_one())
                ledger.append_in(db, entry)
                return turn

            turns.append((in_unit_sync(ledger.app, unit), str(entry.id)))

    def passes() -> None:
        while not stop.is_set():
            ledger.sequence(copy=False, batch=3)

    workers = [threading.Thread(target=act, args=(seed,)) for seed in range(4)]
    sequencing = threading.Thread(target=passes)
    for thread in (*workers, sequencing):
        thread.start()
    for worker in workers:
        worker.join()
    stop.set()
    sequencing.join()
    while ledger.sequence().more:
        pass
    assert positions(ledger, tree) == [entry_id for _, entry_id in sorted(turns)]
    assert len(turns) == 100
    assert ledger.verify(tree).intact


def test_only_one_leads(ledger: LedgerDatabase) -> None:
    tree = ledger.new_tree()
    ledger.append(tree, 1)
    with ledger.sequencer.connect() as other:
        assert records.try_lead(other)
        assert not ledger.sequence().led
        assert positions(ledger, tree) == []
    assert ledger.sequence().led


def test_a_second_sequencer_beside_the_lock_cannot_commit(ledger: LedgerDatabase) -> None:
    """The lock is a convenience; two writers of one tree are refused by the table itself."""
    tree = ledger.new_tree()
    ledger.grow(tree, 2)
    entry = ledger.append(tree, 1)[0]
    with ledger.sequencer.connect() as one, ledger.sequencer.connect() as two:
        records.add_leaves(one, tree, 2, [(str(entry.id), bytes(32))])
        one.commit()
        with pytest.raises(IntegrityError):
            records.add_leaves(two, tree, 2, [(str(uuid4()), bytes(32))])
    with ledger.sequencer.connect() as stale, pytest.raises(records.TreeMovedError):
        moved = Frontier().extended([bytes(32)] * 5)
        records.put_tree(stale, tree, moved, moved, low_water="3", now=ledger.now)
    ledger.tamper("delete from audit_leaf where tree = %s and position = 2", tree)


def test_a_forged_entry_gets_no_position_and_is_named(ledger: LedgerDatabase) -> None:
    tree = ledger.new_tree()
    ledger.grow(tree, 2)
    forged = ledger.entries(tree, 1)[0]

    def unit(db: Connection) -> None:
        enter_program(db, str(tree))
        records.insert_entry(db, {**forged.values(), "mac": bytes(32)})

    in_unit_sync(ledger.app, unit)
    honest = ledger.append(tree, 1)[0]
    done = ledger.sequence()
    assert (str(forged.id), str(tree)) in done.refused
    assert positions(ledger, tree)[2:] == [str(honest.id)]
    report = ledger.verify(tree)
    assert [(found.kind, found.entry_id) for found in report.findings] == [(Kind.INSERTED, str(forged.id))]
    ledger.tamper("delete from audit_entry where id = %s", forged.id)


def test_forgeries_do_not_keep_others_waiting(ledger: LedgerDatabase) -> None:
    """More forged entries than a pass takes: each is refused once, then the honest one behind them gets its place."""
    tree = ledger.new_tree()
    forged = ledger.entries(tree, 5)

    def unit(db: Connection) -> None:
        enter_program(db, str(tree))
        for entry in forged:
            records.insert_entry(db, {**entry.values(), "mac": bytes(32)})

    in_unit_sync(ledger.app, unit)
    honest = ledger.append(tree, 1)[0]
    known: set[UUID] = set()
    for _ in range(4):
        done = ledger.sequence(batch=2, known_refused=known)
        known |= {UUID(entry_id) for entry_id, _ in done.refused}
    assert known >= {entry.id for entry in forged}
    assert positions(ledger, tree) == [str(honest.id)]
    for entry in forged:
        ledger.tamper("delete from audit_entry where id = %s", entry.id)


def test_a_tree_that_contradicts_its_copy_is_not_signed_on(ledger: LedgerDatabase) -> None:
    """After a cut tail the log would sign a second history; it waits for an operator instead, others go on."""
    tree, other = ledger.new_tree(), ledger.new_tree()
    ledger.grow(tree, 3, 4)
    cut = "delete from {} where tree = %s and {} "
    ledger.tamper(cut.format("audit_leaf", "position >= 3"), tree)
    ledger.tamper(cut.format("audit_checkpoint", "size > 3"), tree)
    hashes = [bytes(row.leaf_hash) for row in ledger.rows(
        "select leaf_hash from audit_leaf where tree = :tree order by position", tree=tree)]  # fmt: skip
    frontier = Frontier().extended(hashes)
    ledger.tamper("update audit_tree set size = 3, frontier = %s where tree = %s", frontier.to_bytes(), tree)
    ledger.append(tree, 1)
    ledger.append(other, 1)
    done = ledger.sequence(known_head=ledger.copies.head)
    assert done.halted == (tree,)
    assert other in done.extended
    assert len(positions(ledger, tree)) == 3
    again = ledger.sequence(known_head=ledger.copies.head, skip=done.halted, batch=1)
    assert again.halted == ()
    first = ledger.verify(tree).first
    assert first is not None
    assert (first.kind, first.position) == (Kind.TRUNCATED, 3)
    ledger.tamper("delete from audit_entry where tree = %s", tree)


def test_batches_leave_nothing_behind(ledger: LedgerDatabase) -> None:
    tree = ledger.new_tree()
    made = ledger.append(tree, 10)
    passes = 1
    while ledger.sequence(batch=3).more:
        passes += 1
    assert passes >= 4
    assert positions(ledger, tree) == [str(entry.id) for entry in made]
    assert ledger.verify(tree).intact


def test_a_database_restored_into_a_younger_cluster_is_sequenced_on(ledger: LedgerDatabase) -> None:
    """Transaction ids begin anew there; a mark from the old cluster would hide every new entry."""
    tree = ledger.new_tree()
    ledger.grow(tree, 2)
    ledger.tamper("update audit_tree set low_water = '999999999999' where tree = %s", SERVICE_PROGRAM)
    made = ledger.append(tree, 2)
    ledger.sequence()
    assert positions(ledger, tree)[2:] == [str(entry.id) for entry in made]
    row = ledger.rows("select low_water::text from audit_tree where tree = :tree", tree=SERVICE_PROGRAM)[0]
    assert int(row.low_water) < 999999999999


def test_killed_between_commit_and_copy(ledger: LedgerDatabase) -> None:
    """Neither side of the commit point loses anything: the next leader copies what is missing, once."""
    tree = ledger.new_tree()
    ledger.grow(tree, 2)
    ledger.append(tree, 2)
    with ledger.sequencer.connect() as db:  # killed before the commit
        sequence(db, ledger.signer, ledger.mac_key, ledger.now, deployment=DEPLOYMENT)
        db.rollback()
    assert len(positions(ledger, tree)) == 2
    ledger.sequence(copy=False)  # killed after the commit, before the copy
    assert len(ledger.notes(tree)) == 1
    report = ledger.verify(tree)
    assert report.intact, report.findings  # a copy that lags behind contradicts nothing
    path = copy_of(ledger.folder, tree)
    torn = path.read_bytes()
    path.write_bytes(torn + torn[:75])  # killed while writing
    assert ledger.copies.head(tree) == parse(ledger.notes(tree)[0]).checkpoint
    assert ledger.copy(tree) == 1
    assert ledger.copy(tree) == 0
    assert [parse(note).checkpoint.size for note in ledger.notes(tree)] == [2, 4]
    assert ledger.verify(tree).copies == 2


def test_every_process_runs_passes_and_brings_the_copies_up(ledger: LedgerDatabase) -> None:
    tree = ledger.new_tree()
    ledger.grow(tree, 1)
    ledger.append(tree, 1)
    ledger.sequence(copy=False)

    async def serve() -> None:
        clock = FakeClock()
        pair = [
            Sequencer(
                engine=create_async_engine(ledger.settings.sequencer_database_url),
                signer=ledger.signer,
                mac_key=ledger.mac_key,
                copies=CheckpointCopies(ledger.folder),
                clock=clock,
                deployment=DEPLOYMENT,
                interval=0.02,
            )
            for _ in range(2)
        ]
        tasks = [asyncio.create_task(one.run_forever()) for one in pair]
        for expected in (3, 4, 5):
            await asyncio.to_thread(ledger.append, tree, 1)
            async with asyncio.timeout(20):
                await until(lambda: len(ledger.notes(tree)) >= expected)  # noqa: B023
        assert all(one.healthy and one.failures == 0 for one in pair)
        for task in tasks:
            task.cancel()
        await asyncio.to_thread(ledger.append, tree, 1)  # recorded last, sequenced by the last pass
        await asyncio.gather(*tasks, return_exceptions=True)
        for one in pair:
            await one.engine.dispose()

    asyncio.run(serve())
    ledger.sequence()
    report = ledger.verify(tree)
    assert report.intact, report.findings
    assert report.entries == 6


def test_a_pass_that_fails_is_tried_again(ledger: LedgerDatabase) -> None:
    tree = ledger.new_tree()
    ledger.append(tree, 1)

    async def serve() -> None:
        sequencer = Sequencer(
            engine=create_async_engine(ledger.settings.sequencer_database_url),
            signer=ledger.signer,
            mac_key=ledger.mac_key,
            copies=CheckpointCopies(ledger.folder),
            clock=FakeClock(),
            deployment=DEPLOYMENT,
            interval=0.02,
        )
        await asyncio.to_thread(ledger.tamper, "revoke insert on audit_leaf from consentry_sequencer")
        task = asyncio.create_task(sequencer.run_forever())
        try:
            async with asyncio.timeout(20):
                await until(lambda: sequencer.failures >= 2)
                await asyncio.to_thread(ledger.tamper, "grant insert on audit_leaf to consentry_sequencer")
                await until(lambda: bool(ledger.notes(tree)))
        finally:
            await asyncio.to_thread(ledger.tamper, "grant insert on audit_leaf to consentry_sequencer")
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await sequencer.engine.dispose()

    asyncio.run(serve())
    assert ledger.verify(tree).intact


def test_what_belongs_to_no_tree_is_found_with_the_service(ledger: LedgerDatabase) -> None:
    """An entry under a tree that does not exist, and acts without an entry, are looked for where nobody else would."""
    tree = ledger.new_tree()
    ledger.sequence()
    assert ledger.verify(SERVICE_PROGRAM, strays=True).intact
    stray = ledger.entries(tree, 1)[0]
    ledger.tamper("insert into audit_entry select * from audit_entry where false")
    columns = {**stray.values(), "mac": bytes(32), "tree": uuid4()}
    names = ", ".join(columns)
    ledger.tamper(
        f"insert into audit_entry ({names}) values ({', '.join(['%s'] * len(columns))})", *columns.values()
    )
    lost = uuid4()
    ledger.tamper("update program set entry_id = %s where id = %s", lost, tree)
    report = ledger.verify(SERVICE_PROGRAM, strays=True)
    found = {(finding.kind, finding.entry_id) for finding in report.findings}
    assert found == {(Kind.INSERTED, str(stray.id)), (Kind.UNRECORDED, str(lost))}
    ledger.tamper("delete from audit_entry where id = %s", stray.id)
    ledger.tamper("delete from program where id = %s", tree)


def test_an_entry_kept_from_its_position_is_named(ledger: LedgerDatabase) -> None:
    tree = ledger.new_tree()
    ledger.grow(tree, 1)
    entry = ledger.append(tree, 1)[0]
    assert ledger.verify(tree).intact
    ledger.tamper("update audit_entry set recorded_at = now() - interval '2 minutes' where id = %s", entry.id)
    report = ledger.verify(tree)
    assert [(found.kind, found.entry_id) for found in report.findings] == [(Kind.WAITING, str(entry.id))]
    ledger.sequence()
    assert ledger.verify(tree).intact
