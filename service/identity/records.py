"""The SQL of identity: accounts, sessions, sign-in slots, and who is calling."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, DateTime, Interval, Uuid, bindparam, column, func, select

from service.access.caller import Caller, CallerKind, Role
from service.ids import AccountId, PatientId, ProgramId, RecipientId, SessionId
from service.store.tables.programs import program

IDLE = timedelta(minutes=15)

_CALLER = select(
    func.session_caller(
        bindparam("session", type_=Uuid()),
        bindparam("now", type_=DateTime(timezone=True)),
        bindparam("idle", type_=Interval()),
    ).table_valued(
        column("account_id", Uuid()),
        column("program_id", Uuid()),
        column("program_version"),
        column("kind"),
        column("roles"),
        column("units"),
        column("patient_id", Uuid()),
        column("recipient_id", Uuid()),
        column("channel"),
    )
)
_PROGRAM = select(program.c.config, program.c.version).where(program.c.id == bindparam("id"))


def session_caller(db: Connection, session_id: UUID, now: datetime) -> tuple[Caller, int, str] | None:
    """The caller of a live session, its program's version and the session's channel; binds the transaction to the
    program. None when the session ended, idled out, or its account is disabled.
    """
    row = db.execute(_CALLER, {"session": session_id, "now": now, "idle": IDLE}).one_or_none()
    if row is None:
        return None
    caller = Caller(
        kind=CallerKind(row.kind),
        account_id=AccountId(row.account_id),
        program_id=ProgramId(row.program_id),
        session_id=SessionId(session_id),
        roles=frozenset(Role(role) for role in row.roles),
        units=frozenset(row.units),
        patient_id=PatientId(row.patient_id) if row.patient_id else None,
        recipient_id=RecipientId(row.recipient_id) if row.recipient_id else None,
    )
    return caller, row.program_version or 0, row.channel


def program_document(db: Connection, program_id: UUID) -> tuple[str, int] | None:
    """The program's description as applied (YAML or JSON text) and its version."""
    row = db.execute(_PROGRAM, {"id": program_id}).one_or_none()
    return None if row is None else (row.config, row.version)
