"""The vault of one process: finds the right key, seals and opens rows, computes blind indexes.

Keys are unwrapped on demand and kept briefly (`KeyCache`). A key written by the transaction that is still
open is used but not kept: that transaction may roll back, and a value sealed later under a key that was never
committed would be lost for good.

The service's own keys (`own`) are loaded once at start and stay.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from service.clock import monotonic
from service.errors import IntegrityError
from service.ids import SERVICE_PROGRAM
from service.store.types import Sealed
from service.vault import envelope, indexing, records
from service.vault.counting import Uses
from service.vault.envelope import Json, RowKey, SealedTable
from service.vault.epoch import Kms
from service.vault.flights import Flights
from service.vault.indexing import IndexKeys
from service.vault.keys import (
    FORMAT,
    DataKey,
    KeyCache,
    KeySet,
    KeyState,
    Owner,
    Purpose,
    key_set,
    new_secret,
)
from service.vault.needed import Wanted
from service.vault.own import OwnKeys, ServiceKeys
from service.vault.rotating import records as rotating
from service.vault.shredding import RecordDestroyed
from service.vault.source import LocalSource, RemoteSource, Source

CACHE_SIZE: Final = 4096
CACHE_SECONDS: Final = 300.0


class Vault:
    """Seals and opens under the keys of one key store. One per process; safe to share between threads."""

    def __init__(
        self,
        kms: Kms,
        *,
        cache_size: int = CACHE_SIZE,
        cache_seconds: float = CACHE_SECONDS,
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        self.kms = kms
        self._source: Source = (
            RemoteSource(kms, size=cache_size, seconds=cache_seconds, ticks=ticks)
            if kms.remote
            else LocalSource(kms)
        )
        self._flights = Flights(self._source.fetch)
        self._service = OwnKeys(self._source)
        self._cache = KeyCache(size=cache_size, seconds=cache_seconds, ticks=ticks)
        #: The service's sealing and index keys: readable at start only, because tenancy hides them afterwards.
        self._own: dict[Owner, KeySet] = {}
        #: What this process sealed and nobody has counted yet.
        self.uses = Uses()
        #: How many patients' keys had been destroyed when this process last looked.
        self._mark = -1

    # -- rows --------------------------------------------------------------------------------------

    def seal_row(
        self, db: Connection, table: SealedTable, row: RowKey, values: Mapping[str, Json]
    ) -> dict[str, Sealed]:
        """The values sealed for their columns in this row, at this version."""
        key = self._active(db, _owner_of(row))
        self.uses.add(row.program_id, key.id, len(values))
        return envelope.seal_row(key, table, row, values)

    def open_row(
        self, db: Connection, table: SealedTable, row: RowKey, sealed: Mapping[str, Sealed | None]
    ) -> dict[str, Json]:
        """What was sealed for this row at this version; IntegrityError for every kind of failure."""
        owner = _owner_of(row)
        keys = self._keys(db, owner)
        if not envelope.starts(sealed) <= keys.by_start.keys():
            # Another worker may have rotated since this set was kept; the owner still decides what may be
            # tried.
            self._cache.evict(owner)
            keys = self._keys(db, owner)
        return envelope.open_row(keys.by_start, table, row, sealed)

    def seal_row_again(
        self, db: Connection, table: SealedTable, row: RowKey, sealed: Mapping[str, Sealed | None]
    ) -> dict[str, Sealed]:
        """Those columns that are under a retired key of the row's owner, under the active one."""
        owner = _owner_of(row)
        return envelope.seal_again(
            self._keys(db, owner).by_start, self._active(db, owner), table, row, sealed
        )

    # -- search and hashes -------------------------------------------------------------------------

    def index(self, db: Connection, program_id: UUID, table: str, name: str, value: str) -> bytes:
        """16-byte blind index of an already normalised value, under the active key; see `blindindex`."""
        return self.index_keys(db, program_id).value(table, name, value)

    def keyed_hash(self, db: Connection, program_id: UUID, value: Json) -> bytes:
        """HMAC-SHA256 over the canonical JSON (RFC 8785) of a payload: evidence of what it was, tells
        nothing.
        """
        return self.index_keys(db, program_id).hash(value)

    # -- keys --------------------------------------------------------------------------------------

    def patient_key(self, db: Connection, program_id: UUID, patient_id: UUID) -> DataKey:
        """The key that seals what is about this patient; IntegrityError when there is none (any more)."""
        return self._active(db, Owner(Purpose.PATIENT, program_id, patient_id))

    def program_key(self, db: Connection, program_id: UUID) -> DataKey:
        """The key that seals what is about no single patient."""
        return self._active(db, _program_owner(program_id))

    def index_key(self, db: Connection, program_id: UUID) -> DataKey:
        """The key from which the program's blind indexes and keyed hashes are derived."""
        return self.index_keys(db, program_id).active

    def index_keys(self, db: Connection, program_id: UUID) -> IndexKeys:
        """That key, and those besides it that something may still be under."""
        owner = Owner(Purpose.INDEX, program_id)
        if program_id != SERVICE_PROGRAM:
            return indexing.of(program_id, self._keys(db, owner))
        # Asked for where no program is known and so no mark was heard: which keys there are is always read. Unwrapped
        # they stay, like the service's other keys.
        kept = self._own.get(owner)
        keys = self._unwrapped(owner, records.service_index_keys(db), kept.by_start if kept else {})
        self._own[owner] = keys
        return indexing.of(program_id, keys)

    def create_next_index_key(self, db: Connection, program_id: UUID, now: datetime) -> bool:
        """The key that will take the active one's place; False when there is one already."""
        return self._create(db, Owner(Purpose.INDEX, program_id), new_secret(), now, KeyState.NEXT)

    def create_patient_key(self, db: Connection, program_id: UUID, patient_id: UUID, now: datetime) -> None:
        """The patient's first key, in the transaction that registers the patient."""
        if not self._create(db, Owner(Purpose.PATIENT, program_id, patient_id), new_secret(), now):
            raise IntegrityError

    def ensure_program_keys(self, db: Connection, program_id: UUID, now: datetime) -> None:
        """Sealing and index key of a program, made if missing. Called where a program is applied."""
        for purpose in (Purpose.PROGRAM, Purpose.INDEX):
            owner = Owner(purpose, program_id)
            if not records.keys_of(db, owner):
                self._create(db, owner, new_secret(), now)

    def renew(self, db: Connection, owner: Owner, now: datetime) -> bool:
        """Retire the owner's key and give it a new one, in this transaction; False when it has no active key."""
        if not rotating.retire_active(db, owner, now):
            return False
        self._cache.evict(owner)
        return self._create(db, owner, new_secret(), now)

    def evict(self, program_id: UUID, patient_id: UUID) -> None:
        """Forget a patient's unwrapped keys in this process."""
        self._cache.evict(Owner(Purpose.PATIENT, program_id, patient_id))
        self._source.forget()

    def forget(self) -> None:
        """Forget every unwrapped key of a patient or program."""
        self._cache.clear()

    def forget_before(self, mark: int) -> None:
        """Forget every unwrapped key of a patient or program if keys were destroyed since this process last looked.

        What another thread is reading at this moment is not kept either.
        """
        if mark > self._mark:
            self._mark = mark
            self._cache.clear()
            self._source.forget()

    def hear(self, db: Connection) -> None:
        """`forget_before` for a unit that no session begins: jobs, the console, links, reports of machines."""
        self.forget_before(records.mark(db))

    # -- what only a key store outside has -----------------------------------------------------------

    def lacks(self, owner: Owner, key: records.WrappedKey) -> bool:
        """Whether a unit that wants this key would have to be told that it is `KeyNeeded`."""
        return self._cache.get(owner) is None and self._source.lacks(owner, key)

    async def fetch(self, wanted: Sequence[Wanted]) -> None:
        """Get what a unit missed; KmsUnavailable when the key store does not answer. Never in a transaction."""
        await self._flights.fetch(wanted)

    def fetch_sync(self, wanted: Sequence[Wanted]) -> None:
        """The same for a command, which waits."""
        self._flights.fetch_sync(wanted)

    async def check(self) -> None:
        """KmsUnavailable unless the key store wraps and unwraps now. Never in a transaction."""
        await self._flights.check(self.kms.check)

    # -- the service's own keys --------------------------------------------------------------------

    def ensure_service_keys(self, db: Connection, now: datetime) -> ServiceKeys:
        """Make the service's own keys where missing, then load them. For setup; `db` in the service's tenancy.

        Keys that exist but do not unwrap are never replaced: VaultSealed.
        """
        self._service.ensure(db, now)
        return self.load_service_keys(db)

    def load_service_keys(self, db: Connection) -> ServiceKeys:
        """The service's own keys. For start-up; `db` in the service's tenancy. VaultSealed when one is
        missing or was wrapped by another keyring.
        """
        loaded = self._service.load(db)
        for purpose in (Purpose.SERVICE, Purpose.INDEX):
            owner = Owner(purpose, SERVICE_PROGRAM)
            self._own[owner] = self._unwrapped(owner, records.keys_of(db, owner))
        return loaded

    def make_row_key(self, db: Connection, now: datetime) -> bytes | None:
        """The key of the codes of rows for a database that is older than they are; None when it has one."""
        return self._service.make_row_key(db, now)

    # -- inside ------------------------------------------------------------------------------------

    def _active(self, db: Connection, owner: Owner) -> DataKey:
        key = self._keys(db, owner).active
        if key is None:
            raise IntegrityError
        return key

    def _keys(self, db: Connection, owner: Owner) -> KeySet:
        kept = self._own.get(owner) or self._cache.get(owner)
        if kept is not None:
            return kept
        generation = self._cache.generation
        stored = records.keys_of(db, owner)
        if not stored and owner.patient_id is not None and records.is_destroyed(db, owner):
            raise RecordDestroyed
        keys = self._unwrapped(owner, stored)
        if stored and not any(key.fresh for key in stored):
            self._cache.put(owner, keys, generation=generation)
        return keys

    def _unwrapped(
        self,
        owner: Owner,
        stored: Sequence[records.WrappedKey],
        known: Mapping[bytes, DataKey] = MappingProxyType({}),
    ) -> KeySet:
        by_id = {
            key.key_id: known.get(FORMAT + key.key_id) or DataKey(key.key_id, self._unwrap(owner, key))
            for key in stored
        }
        active = [key.key_id for key in stored if key.state is KeyState.ACTIVE]
        searched = tuple(by_id[key.key_id] for key in stored if _is_searched(key))
        return key_set(by_id.values(), by_id[active[-1]] if active else None, searched)

    def _unwrap(self, owner: Owner, key: records.WrappedKey) -> bytes:
        return self._source.unwrap(owner, key)

    def _create(
        self,
        db: Connection,
        owner: Owner,
        secret: bytes,
        now: datetime,
        state: KeyState = KeyState.ACTIVE,
    ) -> bool:
        made = self._source.make(owner, secret)
        return records.add_key(
            db, owner, key_id=made.key_id, kek_id=made.kek_id, wrapped=made.wrapped, now=now, state=state
        )


def _is_searched(key: records.WrappedKey) -> bool:
    return key.state is KeyState.NEXT or (key.state is KeyState.RETIRED and not key.emptied)


def _program_owner(program_id: UUID) -> Owner:
    purpose = Purpose.SERVICE if program_id == SERVICE_PROGRAM else Purpose.PROGRAM
    return Owner(purpose, program_id)


def _owner_of(row: RowKey) -> Owner:
    if row.patient_id is None:
        return _program_owner(row.program_id)
    return Owner(Purpose.PATIENT, row.program_id, row.patient_id)
