"""What goes with a patient's keys, in the transaction that takes them: search values, links, messages, the account."""

from dataclasses import dataclass
from uuid import UUID

from service.access.actions import Action
from service.custody.wiping import records
from service.identity.model import AccountState, EndReason
from service.identity.open_sessions import records as sessions
from service.identity.records import ACCOUNT_ROW, change_account
from service.vault.envelope import RowKey
from service.work import Work


@dataclass(frozen=True, slots=True)
class Taken:
    """Rows touched, by table, and the accounts that were closed, each with its new version."""

    rows: dict[str, int]
    accounts: tuple[tuple[UUID, int], ...]


def take_away(work: Work, patient_id: UUID) -> Taken:
    """Take it, inside an act that is allowed already. Nothing of it is read."""
    rows = records.take_search_values(work.db, patient_id, work.now, work.entry_id)
    closed: list[tuple[UUID, int]] = []
    ended = 0
    for account_id, version, index in records.accounts_of(work.db, patient_id):
        row = RowKey(work.caller.program_id, account_id, version + 1, None)
        nobody = {"username": str(account_id), "display_name": ""}
        change_account(
            work.db,
            account_id,
            state=AccountState.DISABLED,
            version=version + 1,
            profile=work.seal(ACCOUNT_ROW, row, {"profile": nobody})["profile"],
            entry_id=work.entry_id,
        )
        records.take_user_name(work.db, account_id, index)
        ended += len(
            sessions.end_sessions_of(work.db, account_id, EndReason.ACCOUNT_DISABLED, work.now, work.entry_id)
        )
        closed.append((account_id, version + 1))
    return Taken({**rows, "account": len(closed), "session": ended}, tuple(closed))


def record_closed(work: Work, taken: Taken, patient_id: UUID) -> None:
    """An entry for each account that was closed; after the act's own."""
    for account_id, version in taken.accounts:
        work.record(
            action=Action.USER_MANAGE,
            object_kind="account",
            object_id=account_id,
            object_version=version,
            patient_id=patient_id,
            detail={"change": "disabled", "because": "record_destroyed"},
        )
