"""What stands in the trail about rows that decide: that they were taken over, that one was found to be wrong."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import rfc8785
from sqlalchemy import Connection

from service.access.actions import Action
from service.errors import Code
from service.ids import SERVICE_PROGRAM, new_id
from service.ledger.entry import Entry, Outcome
from service.store.sweep import BadRow
from service.work import Mechanisms, enter, write_entry

#: Bad rows named in one entry; the count says how many there were.
_NAMED = 20


def record_operator(
    mechanisms: Mechanisms,
    db: Connection,
    operator: UUID,
    now: datetime,
    action: Action,
    detail: Mapping[str, str | int],
    outcome: Outcome = Outcome.PERMIT,
) -> None:
    """An entry of what the operator did at the console, in the service's tree."""
    enter(db, SERVICE_PROGRAM)
    entry = Entry(
        id=new_id(now),
        tree=SERVICE_PROGRAM,
        program_id=SERVICE_PROGRAM,
        occurred_at=now,
        actor_kind="staff",
        actor_id=operator,
        session_id=None,
        action=action.value,
        outcome=outcome.value,
        purpose=None,
        object_kind="service",
        object_id=None,
        object_version=None,
        patient_id=None,
        consent_id=None,
        recipient_id=None,
        basis=None,
        policy_set=mechanisms.access.policy_set_hash,
        policies="[]",
        detail=rfc8785.dumps(dict(detail)).decode(),
        payload_hash=None,
        request_id="console",
    )
    write_entry(db, entry, mechanisms.ledger_mac_key)


def record_bad_rows(
    mechanisms: Mechanisms, db: Connection, operator: UUID, now: datetime, bad: Sequence[BadRow]
) -> None:
    """The incident of a look at all rows: tables and ids, no patient information."""
    named = "; ".join(f"{one.table} {one.key} {one.fault.name.lower()}" for one in bad[:_NAMED])
    detail = {"code": Code.INTEGRITY.value, "rows": len(bad), "first": named}
    record_operator(mechanisms, db, operator, now, Action.INTEGRITY_FAILED, detail, Outcome.DENY)
