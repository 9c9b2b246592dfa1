"""One unit of work: a caller, a transaction, and the three mechanisms that do not know each other.

The way of every act: an operation gets what it touches from `authorised` (which loads and locks it, has the policies
decide, and returns it) or, for something new, asks `require`; then it may open, seal and write; then it calls `record`,
which puts the ledger entry into the same transaction. `close` refuses a unit that was allowed something and recorded
nothing. A denial is an exception that carries what to record; `record_denial` writes it in a transaction of its own,
the one exception to "one request, one transaction", so that rolling back the attempt cannot erase it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Generic, NoReturn, TypeVar
from uuid import UUID

import rfc8785
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from service.access.actions import ADDING_ACTIONS, AFTER_DESTRUCTION, Action
from service.access.caller import Caller
from service.access.decision import Decision
from service.access.engine import Engine
from service.access.facts import Facts, ReleaseFacts, UseFacts
from service.access.program import Program
from service.access.purposes import Purpose
from service.errors import Code, Conflict, ConsentryError, NotFound, Refused, Unavailable
from service.ids import SERVICE_PROGRAM, new_id
from service.ledger.append import append
from service.ledger.entry import Entry, Outcome
from service.ledger.standing import Standing
from service.store.session import enter_program
from service.store.types import Sealed
from service.vault.envelope import RowKey, SealedTable
from service.vault.indexing import IndexKeys
from service.vault.shredding import RecordDestroyed
from service.vault.vault import Vault

T = TypeVar("T")
Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]

#: Acts on the service rather than on a program's records stand in the service's own tree.
_SERVICE_RESOURCES: Final = frozenset(
    {"sign_in", "call", "user", "client", "program", "key", "session", "account", "ledger"}
)


@dataclass(frozen=True, slots=True)
class Loaded(Generic[T]):
    """What a loader found: the thing, the facts a policy may know about it, and how the ledger names it."""

    thing: T
    facts: Facts
    object_kind: str
    object_id: UUID | None
    patient_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """What the ledger keeps of a refused attempt. `detail` holds codes and ids, no patient information."""

    action: Action
    object_kind: str = ""
    object_id: UUID | None = None
    patient_id: UUID | None = None
    consent_id: UUID | None = None
    recipient_id: UUID | None = None
    basis: str | None = None
    policies: tuple[str, ...] = ()
    detail: Mapping[str, Json] = field(default_factory=dict[str, Json])
    payload: Json = None
    #: What else is kept with the denial, in its transaction (the refused unit itself is rolled back).
    also: "Callable[[Work], None] | None" = None


class Denied(Refused):
    """A refusal with the denial to record. For callers who may not learn of existence it says not found."""

    def __init__(self, error: ConsentryError, denial: Denial) -> None:
        super().__init__(error.code, error.detail, error.errors, **error.extra)
        self.denial = denial


@dataclass(frozen=True, slots=True)
class Mechanisms:
    """What a process has: policies, keys. Built once by the composition root."""

    access: Engine
    vault: Vault
    ledger_mac_key: bytes = field(repr=False)
    standing: Standing = field(default_factory=Standing)


class Work:
    """One caller's unit in one transaction. Instants are UTC; `purpose` is the stated purpose-of-use code."""

    def __init__(
        self,
        mechanisms: Mechanisms,
        db: Connection,
        caller: Caller,
        program: Program,
        now: datetime,
        *,
        purpose: str | None = None,
        request_id: str = "",
        entry_id: UUID | None = None,
    ) -> None:
        self.access = mechanisms.access
        self.vault = mechanisms.vault
        self._ledger_mac_key = mechanisms.ledger_mac_key
        self._standing = mechanisms.standing
        self.db = db
        self.caller = caller
        self.program = program
        self.now = now
        self.purpose = purpose
        self.request_id = request_id
        #: Id of the unit's first entry, known before anything is written: rows point to it.
        self.entry_id: UUID = entry_id or new_id(now)
        self.pending_error: ConsentryError | None = None
        self._decisions: list[Decision] = []
        self._allowed = False
        self._action: Action | None = None
        self._recorded = 0

    # -- deciding ---------------------------------------------------------------------------------------------

    def authorised(self, action: Action, loader: Callable[["Work"], Loaded[T] | None]) -> T:
        """The thing `loader` finds, if this caller may do `action` to it for the stated purpose.

        The loader also takes the locks the decision rests on. Raises Denied (to be recorded): with `not_found` when
        there is nothing or the caller may not know of it, with `not_permitted` for staff.
        """
        self._standing.check(action.value)
        self._check_purpose(action)
        loaded = loader(self)
        if loaded is None:
            raise Denied(_not_found(), Denial(action=action, detail={"reason": "not_found"}))
        decision = self.access.decide(action, self.caller, self.purpose, loaded.facts)
        if not decision.permitted:
            raise self._denied(action, decision, loaded.object_kind, loaded.object_id, loaded.patient_id)
        self._check_chart(action, loaded.facts, loaded.patient_id)
        self._note(action, decision)
        return loaded.thing

    def require(
        self,
        action: Action,
        facts: Facts | None = None,
        *,
        object_kind: str = "",
        object_id: UUID | None = None,
        patient_id: UUID | None = None,
    ) -> Decision:
        """Decide `action` where there is no existing thing yet (creating, searching); raises Denied."""
        self._standing.check(action.value)
        self._check_purpose(action)
        decision = self.access.decide(action, self.caller, self.purpose, facts or Facts())
        if not decision.permitted:
            raise self._denied(action, decision, object_kind, object_id, patient_id)
        self._check_chart(action, facts, patient_id)
        self._note(action, decision)
        return decision

    def permits(self, action: Action, facts: Facts | None = None) -> bool:
        """The same rule, asked by a page that wants to know what to offer. Nothing is recorded."""
        return self.access.decide(action, self.caller, self.purpose, facts or Facts()).permitted

    def decide(self, facts: ReleaseFacts | UseFacts) -> Decision:
        """What the law says about one item; only inside an authorised act. The act records the outcome."""
        if not self._allowed:
            raise RuntimeError("a legal decision belongs to an authorised act")
        action = Action.RECORD_USE if isinstance(facts, UseFacts) else Action.DISCLOSURE_RELEASE
        return self.access.decide(action, self.caller, self.purpose, facts)

    @property
    def purpose_of_use(self) -> Purpose | None:
        """The stated purpose as purposes.yaml reads it."""
        return self.access.purposes.find(self.purpose)

    def refuse(self, error: ConsentryError, denial: Denial) -> NoReturn:
        """Refuse after deciding in the operation (a disclosure that no basis covers): rolled back, recorded."""
        raise Denied(error, denial)

    def answer_with(self, error: ConsentryError) -> None:
        """Commit what this unit wrote and recorded, then answer with `error` (a rejected form keeps its flag)."""
        self.pending_error = error

    # -- sealing ----------------------------------------------------------------------------------------------

    def seal(self, table: SealedTable, row: RowKey, values: Mapping[str, Json]) -> dict[str, Sealed]:
        """Sealed columns for one row version; the row's key is the patient's, or the program's without a patient."""
        self._must_be_allowed()
        try:
            return self.vault.seal_row(self.db, table, row, values)
        except RecordDestroyed as gone:
            raise self._destroyed(self._action, row.patient_id) from gone

    def open(self, table: SealedTable, row: RowKey, sealed: Mapping[str, Sealed | None]) -> dict[str, Json]:
        """Opened columns of one row version. Raises IntegrityError, uniformly, when anything does not fit."""
        self._must_be_allowed()
        try:
            return self.vault.open_row(self.db, table, row, sealed)
        except RecordDestroyed as gone:
            raise self._destroyed(self._action, row.patient_id) from gone

    def open_if_kept(
        self, table: SealedTable, row: RowKey, sealed: Mapping[str, Sealed | None]
    ) -> dict[str, Json] | None:
        """The same for a list about many patients: None where the record of this one was destroyed."""
        self._must_be_allowed()
        try:
            return self.vault.open_row(self.db, table, row, sealed)
        except RecordDestroyed:
            return None

    def index(self, table: str, name: str, value: str) -> bytes:
        """16-byte blind index of an already normalised value, under the program's index key."""
        return self.index_keys().value(table, name, value)

    def index_keys(self) -> IndexKeys:
        """The program's index keys: the one to write under, and those to look under while it is being replaced."""
        return self.vault.index_keys(self.db, self.caller.program_id)

    def keyed_hash(self, value: Json) -> bytes:
        """HMAC-SHA256 over RFC 8785 JSON under the program's key: proves sameness, tells nothing without the key."""
        return self.vault.keyed_hash(self.db, self.caller.program_id, value)

    # -- recording --------------------------------------------------------------------------------------------

    def record(
        self,
        *,
        action: Action,
        object_kind: str,
        object_id: UUID | None,
        object_version: int | None = None,
        patient_id: UUID | None = None,
        outcome: Outcome = Outcome.PERMIT,
        consent_id: UUID | None = None,
        recipient_id: UUID | None = None,
        basis: str | None = None,
        policies: Sequence[str] = (),
        detail: Mapping[str, Json] | None = None,
        payload: Json = None,
        tree: UUID | None = None,
        beside: bool = False,
    ) -> UUID:
        """Insert the entry of this act; the first one has `entry_id`, further ones their own. Returns its id.

        `policies` adds legal rules to the ones that allowed the act. `tree`: where an act on that tree belongs in it,
        whatever its kind. `beside`: something done within the unit's own act
        and before it; it never stands for that act, which has yet to be recorded. Raises Unavailable when the entry
        cannot be written: then nothing of the unit happens.
        """
        entry_id = new_id(self.now) if beside or self._recorded else self.entry_id
        deciding = {name for decision in self._decisions for name in decision.policies} | set(policies)
        entry = Entry(
            id=entry_id,
            tree=tree or tree_of(action, self.caller.program_id),
            program_id=self.caller.program_id,
            occurred_at=self.now,
            actor_kind=self.caller.kind.value,
            actor_id=self.caller.account_id,
            session_id=self.caller.session_id,
            action=action.value,
            outcome=outcome.value,
            # only a code of the table: what else stood in the header is text somebody wrote, perhaps a name
            purpose=self.purpose if self.purpose_of_use else None,
            object_kind=object_kind,
            object_id=object_id,
            object_version=object_version,
            patient_id=patient_id,
            consent_id=consent_id,
            recipient_id=recipient_id,
            basis=basis,
            policy_set=self.access.policy_set_hash,
            policies=rfc8785.dumps(sorted(deciding)).decode(),
            detail=rfc8785.dumps(dict(detail or {})).decode(),
            payload_hash=None if payload is None else self.keyed_hash(payload),
            request_id=self.request_id,
        )
        write_entry(self.db, entry, self._ledger_mac_key)
        self._recorded += 0 if beside else 1
        return entry_id

    def record_incident(self, error: ConsentryError) -> None:
        """Record that something stored did not verify; the unit holds nothing else."""
        self.record(
            action=Action.INTEGRITY_FAILED,
            object_kind="service",
            object_id=None,
            outcome=Outcome.DENY,
            detail={"code": error.code.value},
        )

    @property
    def recorded(self) -> bool:
        """True once this unit has its entry."""
        return self._recorded > 0

    def close(self) -> None:
        """Called by the runner before the commit: an allowed act that recorded nothing does not happen."""
        if self._allowed and not self._recorded:
            raise Unavailable(Code.UNAVAILABLE, "The act could not be recorded, so it was not done.")

    # -- inside -----------------------------------------------------------------------------------------------

    def _note(self, action: Action, decision: Decision) -> None:
        self._allowed = True
        self._action = action
        self._decisions.append(decision)

    def _must_be_allowed(self) -> None:
        if not self._allowed:
            raise RuntimeError("nothing is opened or sealed before an act is authorised")

    def _check_purpose(self, action: Action) -> None:
        try:
            self.access.purposes.check(action, self.caller, self.purpose)
        except Refused as refusal:
            reason = {"reason": refusal.code.value}
            error = _not_found() if self.caller.is_outside else refusal
            raise Denied(error, Denial(action=action, detail=reason)) from None

    def _check_chart(self, action: Action, facts: Facts | None, patient_id: UUID | None) -> None:
        """Nothing new goes into a chart that was merged into another; staff learn which one (docs/decisions/0008). Of a
        record that was destroyed nothing is read any more.
        """
        if facts is not None and facts.destroyed is not None and action not in AFTER_DESTRUCTION:
            raise self._destroyed(action, patient_id)
        if facts is None or facts.surviving is None or action not in ADDING_ACTIONS:
            return
        error = self.chart_merged(facts.surviving)
        raise Denied(error, Denial(action=action, patient_id=patient_id, detail={"reason": "chart_merged"}))

    def _destroyed(self, action: Action | None, patient_id: UUID | None) -> Denied:
        """Staff are told that the record is gone; for everybody else there is nothing here, as ever."""
        staff = self.caller.kind.value not in ("patient", "requester")
        error = RecordDestroyed() if staff else _not_found()
        reason = {"reason": Code.RECORD_DESTROYED.value}
        return Denied(error, Denial(action=action or Action.RECORD_USE, patient_id=patient_id, detail=reason))

    def chart_merged(self, surviving: UUID) -> Conflict:
        """Why nothing new goes into a chart; which one it goes into is told to staff alone."""
        detail = "This chart was merged into another one: write there."
        if self.caller.kind.value != "staff":
            return Conflict(Code.PATIENT_MERGED, detail)
        return Conflict(Code.PATIENT_MERGED, detail, surviving_id=str(surviving))

    def _denied(
        self,
        action: Action,
        decision: Decision,
        object_kind: str,
        object_id: UUID | None,
        patient_id: UUID | None,
    ) -> Denied:
        hidden = self.caller.kind.value in ("patient", "requester")
        # rules with a code of their own are about the caller (a licence), and say what would help
        told = [
            {"rule": one.reason, "citation": one.cite, "text": one.text}
            for one in decision.citations
            if one.reason
        ]
        words = "Your role does not permit this here."
        along: dict[str, object] = {"reasons": told} if told else {}
        error = _not_found() if hidden else Refused(Code.NOT_PERMITTED, words, (), **along)
        detail: dict[str, Json] = {"reason": "policy_error" if decision.failed else "not_permitted"}
        if decision.refused_by:
            detail["refused_by"] = list(decision.refused_by)
        return Denied(
            error,
            Denial(
                action=action,
                object_kind=object_kind,
                object_id=object_id,
                patient_id=patient_id,
                policies=decision.policies,
                detail=detail,
            ),
        )


def record_denial(work: Work, denied: Denied) -> None:
    """Write a denial; `work` is a fresh unit whose transaction holds nothing else."""
    denial = denied.denial
    work.record(
        action=denial.action,
        object_kind=denial.object_kind,
        object_id=denial.object_id,
        patient_id=denial.patient_id,
        consent_id=denial.consent_id,
        recipient_id=denial.recipient_id,
        basis=denial.basis,
        policies=denial.policies,
        outcome=Outcome.DENY,
        detail={"code": denied.code.value, **denial.detail},
        payload=denial.payload,
    )
    if denial.also is not None:
        denial.also(work)


def write_entry(db: Connection, entry: Entry, mac_key: bytes) -> None:
    """Append one entry, or Unavailable: whatever the database's reason, an act without its entry does not happen."""
    try:
        append(db, entry, mac_key)
    except SQLAlchemyError as error:
        raise Unavailable(
            Code.UNAVAILABLE, "The act could not be recorded, so it was not done.", retry_after=1
        ) from error


def tree_of(action: Action, program_id: UUID) -> UUID:
    """The tree an act's entry belongs to: the program's, or the service's for sign-ins and administration."""
    return SERVICE_PROGRAM if action.value.partition(".")[0] in _SERVICE_RESOURCES else program_id


def enter(db: Connection, program_id: UUID) -> None:
    """Bind this transaction to one program."""
    enter_program(db, str(program_id))


def _not_found() -> ConsentryError:
    return NotFound(Code.NOT_FOUND, "There is nothing here for you.")
