"""How the ledger stands, as acts: a change of its state, and a restore that an operator answers for."""

from datetime import datetime
from typing import Final
from uuid import UUID

from service.access.actions import Action
from service.errors import Code, FieldError, Invalid
from service.ids import new_id
from service.ledger.anchors import records
from service.ledger.restores import Branch
from service.ledger.standing import LedgerState
from service.vault.envelope import RowKey, SealedTable
from service.work import Work

_RESTORE: Final = SealedTable("ledger_restore", ("reason",))


def note_standing(work: Work, state: LedgerState) -> bool:
    """Write that the ledger now stands like this; False when that is what was written last."""
    former = records.change_standing(work.db, state.value, work.now, work.entry_id)
    if former is None:
        return False
    work.record(
        action=Action.LEDGER_STATUS,
        object_kind="ledger",
        object_id=None,
        detail={"from": former, "to": state.value},
    )
    return True


def record_restore(work: Work, tree: UUID, branch: Branch, *, backup_time: datetime, reason: str) -> UUID:
    """Say that this tree was brought back from a backup: what it shares with the copies outside, what it leaves.

    The entry stands in the tree itself, at the beginning of its new branch.
    """
    work.require(Action.LEDGER_RESTORE, object_kind="tree", object_id=tree)
    if not reason.strip() or len(reason) > 2000:
        fault = FieldError("reason", "reason_missing", "Say in some words why the database was restored.")
        raise Invalid(Code.INVALID_REQUEST, fault.message, [fault])
    if backup_time > work.now:
        fault = FieldError("backup_time", "in_the_future", "The backup was made before now.")
        raise Invalid(Code.INVALID_REQUEST, fault.message, [fault])
    row_id = new_id(work.now)
    sealed = work.seal(_RESTORE, RowKey(work.caller.program_id, row_id, 1, None), {"reason": reason})
    entry_id = work.record(
        action=Action.LEDGER_RESTORE,
        object_kind="tree",
        object_id=tree,
        detail={**branch.detail(), "backup_time": backup_time.isoformat()},
        tree=tree,
    )
    records.add_restore(
        work.db,
        row_id=row_id,
        program_id=work.caller.program_id,
        tree=tree,
        backup_time=backup_time,
        now=work.now,
        reason=sealed["reason"],
        entry_id=entry_id,
    )
    return entry_id
