"""The lock by which one process leads a job in a program."""

from hashlib import sha256
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, Connection, bindparam, func, select

_TRY_LEAD: Final = select(func.pg_try_advisory_xact_lock(bindparam("lock", type_=BigInteger())))


def try_lead(db: Connection, job: str, program_id: UUID) -> bool:
    """Take the lead until this transaction ends; False when another process has it. Whoever dies loses it at once."""
    digest = sha256(b"consentry job " + job.encode() + program_id.bytes).digest()
    return bool(db.execute(_TRY_LEAD, {"lock": int.from_bytes(digest[:8], "big", signed=True)}).scalar())
