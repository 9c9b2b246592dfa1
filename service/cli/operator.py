"""The operator at the console: the first caller of a deployment, before anybody can sign in.

Whoever can run commands here can read the keyring, so no further proof is asked for. Everything the operator does
still goes through the operations, is decided by the policies, and stands in the ledger under this account id.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Connection

from service.access.caller import Caller, CallerKind, Role
from service.access.engine import Engine
from service.access.program import Program, read_program
from service.clock import Clock
from service.config import Settings
from service.errors import Code, NotFound
from service.identity.programs import SERVICE, list_programs
from service.identity.tenants import records
from service.ids import SERVICE_PROGRAM, AccountId, ProgramId
from service.ledger.anchors.records import StoredStanding, standing
from service.ledger.standing import LedgerState, Standing
from service.store.engine import plain_engine
from service.store.rowcodes import OPTION, RowCodes
from service.store.session import in_unit_sync
from service.vault.kms import open_kms
from service.vault.own import ServiceKeys
from service.vault.units import run_unit_sync
from service.vault.vault import Vault
from service.work import Denied, Mechanisms, Work, enter, record_denial

T = TypeVar("T")

#: Not an account: nobody signs in as it. It only names the console in the ledger.
OPERATOR = AccountId(UUID("00000000-0000-7000-8000-000000000001"))

#: What the jobs of the night are for: health care operations.
JOB_PURPOSE = "HOPERAT"


class Operator:
    """An administrator of any program, through the console of one deployment."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """Needs the database migrated and the keyring that belongs to it."""
        vault = Vault(open_kms(settings))
        self._engine = plain_engine(settings.database_url, settings)
        self._clock = clock

        def load(db: Connection) -> tuple[ServiceKeys, StoredStanding | None]:
            enter(db, SERVICE_PROGRAM)
            return vault.load_service_keys(db), standing(db)

        keys, stands = run_unit_sync(self._engine, vault, load)
        #: The ledger's keys, for a command that looks at what others have written.
        self.ledger_mac_keys = (keys.ledger_mac, *keys.ledger_mac_retired)
        self._engine = self._engine.execution_options(**{OPTION: RowCodes(keys.row_mac)})
        self._mechanisms = Mechanisms(
            Engine.load(settings.policies),
            vault,
            keys.ledger_mac,
            Standing(LedgerState(stands.state) if stands else LedgerState.OK, settings.anchors.policy),
        )

    def program(self, key: str) -> Program:
        """The program with this key; NotFound when it was never applied."""

        def find(db: Connection) -> Program:
            enter(db, SERVICE_PROGRAM)
            stored = records.program_by_key(db, key)
            if stored is None:
                raise NotFound(
                    Code.NOT_FOUND, f"There is no program {key!r} here: consentry programs apply FILE"
                )
            return read_program(ProgramId(stored.id), stored.config)

        return in_unit_sync(self._engine, find)

    def program_keys(self) -> Iterator[str]:
        """The keys of all programs there are."""
        after: UUID = SERVICE_PROGRAM
        while page := self.act(partial(list_programs, after=after, limit=200)):
            yield from (known.key for known in page)
            after = page[-1].id

    def act(self, unit: Callable[[Work], T], program: Program = SERVICE) -> T:
        """Run one unit in a program and commit it; a denial is recorded and raised."""
        return self._run(unit, program, CallerKind.STAFF, Role.ADMINISTRATOR, None)

    def job(self, unit: Callable[[Work], T], program: Program) -> T:
        """The same as the service itself: work that no person decides, such as what a date brings."""
        return self._run(unit, program, CallerKind.SYSTEM, Role.SYSTEM, JOB_PURPOSE)

    def _run(
        self, unit: Callable[[Work], T], program: Program, kind: CallerKind, role: Role, purpose: str | None
    ) -> T:
        vault = self._mechanisms.vault

        def begin(db: Connection) -> Work:
            enter(db, program.id)
            caller = Caller(
                kind=kind,
                account_id=OPERATOR,
                program_id=program.id,
                session_id=None,
                roles=frozenset({role}),
                assurance="console",
            )
            now = self._clock.now()
            return Work(self._mechanisms, db, caller, program, now, purpose=purpose, request_id="console")

        def attempt(db: Connection) -> T:
            work = begin(db)
            vault.hear(db)
            result = unit(work)
            work.close()
            return result

        try:
            return run_unit_sync(self._engine, vault, attempt)
        except Denied as denied:
            refusal = denied
            run_unit_sync(self._engine, vault, lambda db: record_denial(begin(db), refusal))
            raise
