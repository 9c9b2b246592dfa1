"""What the oracle says of keys: what is sealed opens, what is searched for is found, what was destroyed stays so."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Connection

from service.errors import IntegrityError
from service.people import finding
from service.people.duplicates import TABLE
from service.store.engine import plain_engine
from service.store.session import in_unit_sync
from service.vault import keyring
from service.vault.envelope import RowKey, SealedTable
from service.vault.shredding import RecordDestroyed
from service.vault.vault import Vault
from service.work import enter
from tests.crash.matrix.asking import Root, number
from tests.crash.matrix.processes import told
from tests.crash.matrix.stage import Case
from tests.integration.sealed_columns import key_of, rows_of, sealed_columns


def epochs(case: Case, root: Root) -> Iterator[str]:
    """Nothing is wrapped under an epoch that is not in the keyring, and no file beside it holds one that has ended."""
    ring = case.settings.keyring
    known = {one.id for one in keyring.load(ring).epochs()}
    used = {bytes(row[0]) for row in root.execute("SELECT kek_id FROM vault_key WHERE wrapped IS NOT NULL")}
    if lost := used - known:
        yield f"keys under epochs that are gone: {sorted(one.hex() for one in lost)}"


def sealed(case: Case, root: Root) -> Iterator[str]:
    """Every sealed value opens with a vault that knows nothing yet; those of a destroyed patient do not, for good."""
    gone = number(root, "SELECT count(*) FROM patient WHERE id = %s AND state = 'destroyed'", case.doomed)
    vault = Vault(keyring.load(case.settings.keyring))
    seen = Counter[bool]()

    def look(db: Connection) -> Iterator[str]:
        enter(db, case.program_id)
        for table, columns in sealed_columns().items():
            for row in db.execute(rows_of(table, case.program_id)).all():
                key = key_of(table, row)
                opens = _opens(vault, db, key, SealedTable(table, columns), row)
                destroyed = bool(gone) and key.patient_id == case.doomed
                seen[destroyed] += 1
                if opens is destroyed:
                    yield f"{table} {key.row_id} {'opens' if opens else 'does not open'}"

    yield from in_unit_sync(plain_engine(case.settings.database_url), lambda db: list(look(db)))
    if not seen[False] or bool(gone) != bool(seen[True]):
        yield f"sealed rows of others and of the destroyed: {seen[False]}, {seen[True]}"


def _opens(vault: Vault, db: Connection, key: RowKey, table: SealedTable, row: Any) -> bool:
    try:
        vault.open_row(db, table, key, {name: getattr(row, name) for name in table.columns})
    except (IntegrityError, RecordDestroyed):
        return False
    return True


def found(case: Case) -> Iterator[str]:
    """Whoever is not destroyed is found by everything they can be searched by, with a vault that knows nothing yet."""
    vault = Vault(keyring.load(case.settings.keyring))
    table = SealedTable("patient", ("demographics",))

    def look(db: Connection) -> Iterator[str]:
        enter(db, case.program_id)
        index = vault.index_keys(db, case.program_id)
        for row in db.execute(rows_of("patient", case.program_id)).all():
            if row.state == "destroyed":
                continue
            document = vault.open_row(db, table, key_of("patient", row), {"demographics": row.demographics})
            stored = {
                (one.name, bytes(one.value))
                for one in db.execute(rows_of(TABLE, case.program_id)).all()
                if one.patient_id == row.id
            }
            for term in finding.terms(document["demographics"]):
                sought = index.sought(TABLE, term.index.value, term.value)
                if not stored & {(term.index.value, value) for value in sought}:
                    yield f"patient {row.id} is not found by {term.index.value}"

    yield from in_unit_sync(plain_engine(case.settings.database_url), lambda db: list(look(db)))


_DOOMED: Final = """
SELECT s.state, p.state, s.receipt IS NOT NULL, s.note IS NOT NULL,
       (SELECT count(*) FROM vault_key k WHERE k.patient_id = p.id AND k.wrapped IS NOT NULL),
       (SELECT count(*) FROM vault_key k WHERE k.patient_id = p.id AND k.state <> 'shredded'),
       (SELECT count(*) FROM patient_index i WHERE i.patient_id = p.id),
       (SELECT count(*) FROM audit_entry e WHERE e.action = 'key.shred_approve' AND e.outcome = 'permit'
        AND e.object_id = s.id AND e.detail::json->>'receipt_sha256' = encode(sha256(s.receipt::bytea), 'hex')),
       (SELECT count(*) FROM audit_entry e WHERE e.action = 'key.shred_approve' AND e.outcome = 'permit')
FROM shredding s JOIN patient p ON p.id = s.patient_id
"""


def shredding(case: Case, root: Root) -> Iterator[str]:
    """Destroyed in every respect or in none, with one receipt that one entry names; no destroyed key comes back."""
    found = root.execute(_DOOMED).fetchall()
    if len(found) != 1:
        yield f"{len(found)} requests"
        return
    state, patient, *counts = found[0]
    receipt, note, wrapped, standing_keys, terms, named, approved = counts
    if state == "asked":
        if patient == "destroyed" or receipt or note or approved or not (wrapped and standing_keys and terms):
            yield f"asked for, and half destroyed: {found[0]}"
    elif patient != "destroyed" or not (receipt and note) or wrapped or standing_keys or terms:
        yield f"destroyed by half: {found[0]}"
    elif (named, approved) != (1, 1):
        yield f"{named} entries name the receipt, {approved} say that it was approved"


def claims_one_epoch(case: Case, root: Root) -> Iterator[str]:
    """What `keys rotate kek` says when it is done: one epoch, everything under it, and no other on the disk."""
    ring = case.settings.keyring
    epochs = keyring.load(ring).epochs()
    used = {bytes(row[0]) for row in root.execute("SELECT kek_id FROM vault_key WHERE wrapped IS NOT NULL")}
    if [one.active for one in epochs] != [True] or used != {epochs[0].id}:
        yield f"{len(epochs)} epochs in the keyring, {len(used)} in use"
    beside = sorted(path.name for path in ring.parent.iterdir() if path != ring)
    if beside:
        yield f"beside the keyring lie {beside}: an ended key may be in one"
    yield from _no_rotation(root)


def claims_new_keys(case: Case, root: Root) -> Iterator[str]:
    """What `keys rotate data` says when it is done: nothing is sealed under a retired key, and all of them were used."""
    left = told(case, "keys", "status")
    if left.returncode:
        yield left.stdout
    where = "state = 'retired' AND purpose IN ('patient', 'program')"
    retired = number(root, f"SELECT count(*) FROM vault_key WHERE {where}")
    full = number(root, f"SELECT count(*) FROM vault_key WHERE {where} AND emptied_at IS NULL")
    if retired < 3 or full:
        yield f"{retired} retired keys, {full} not empty"
    old = {bytes(one[0]) for one in root.execute("SELECT key_id FROM vault_key WHERE state = 'retired'")}
    for table, columns in sealed_columns().items():
        for column in columns:
            query = f"SELECT substring({column} FROM 3 FOR 16) FROM {table} WHERE {column} IS NOT NULL"
            if under := sum(bytes(row[0]) in old for row in root.execute(query)):  # type: ignore[arg-type]
                yield f"{table}.{column}: {under} under old keys"
    yield from _no_rotation(root)


def claims_new_indexes(case: Case, root: Root) -> Iterator[str]:
    """What `keys rotate index` says when it is done: every index is under the one key of its program."""
    left = told(case, "keys", "status")
    if left.returncode:
        yield left.stdout
    query = "SELECT count(*) FROM vault_key WHERE purpose = 'index' AND "
    active = {
        bytes(one[0])
        for one in root.execute("SELECT key_id FROM vault_key WHERE purpose = 'index' AND state = 'active'")
    }
    counts = (
        number(root, f"{query} state = 'retired'"),
        number(root, f"{query} (state = 'next' OR state = 'retired' AND emptied_at IS NULL)"),
    )
    if counts[0] < 2 or counts[1]:
        yield f"{counts[0]} retired index keys, {counts[1]} next or not empty"
    for table in ("patient_index", "recipient"):
        under = {bytes(one[0]) for one in root.execute(f"SELECT index_key FROM {table}")}  # type: ignore[arg-type]
        if not under or under - active:
            yield f"{table}: {len(under - active)} old index keys in use"
    yield from _no_rotation(root)


def claims_destroyed(case: Case, root: Root) -> Iterator[str]:
    """What `keys finish` says when it is done: older copies of the database do not help either."""
    found = root.execute("SELECT state, epochs FROM shredding").fetchone()
    if found is None or found[0] != "finished" or not found[1]:
        yield f"not finished: {found}"
        return
    known = {one.id.hex() for one in keyring.load(case.settings.keyring).epochs()}
    if still := known & set(found[1].split()):
        yield f"epochs that had wrapped the destroyed still stand: {sorted(still)}"
    yield from claims_one_epoch(case, root)


def _no_rotation(root: Root) -> Iterator[str]:
    if many := number(root, "SELECT count(*) FROM vault_rotation WHERE ended_at IS NULL"):
        yield f"{many} rotations not ended"
