"""A patient's own account, made when the program first lets them in. It has no password: a packet link opens it."""

from uuid import UUID

from service.access.caller import CallerKind, Role
from service.errors import IntegrityError
from service.identity import records
from service.identity.model import AccountState
from service.identity.passwords import nobodys_hash
from service.identity.records import ACCOUNT_ROW
from service.identity.signin import user_names
from service.ids import SERVICE_PROGRAM, AccountId, new_id
from service.vault.envelope import RowKey
from service.work import Work


def account_of_patient(work: Work, patient_id: UUID, entry_id: UUID) -> AccountId:
    """The patient's account, made now if there is none; inside an act about the patient that is allowed already, whose
    row is locked. `entry_id` is that act's entry.
    """
    known = records.account_of_patient(work.db, patient_id)
    if known is not None:
        return known.id
    account_id = AccountId(new_id(work.now))
    row = RowKey(work.caller.program_id, account_id, 1, None)
    profile = {"username": str(account_id), "display_name": ""}
    names = user_names(work.vault.index_keys(work.db, SERVICE_PROGRAM), str(account_id))
    made = records.insert_account(
        work.db,
        {
            "id": account_id,
            "program_id": work.caller.program_id,
            "kind": CallerKind.PATIENT.value,
            "username_index": names.now,
            "index_key": names.key,
            **work.seal(ACCOUNT_ROW, row, {"profile": profile}),
            "roles": [Role.PATIENT.value],
            "units": [],
            "patient_id": patient_id,
            "recipient_id": None,
            "password_hash": nobodys_hash(),
            "state": AccountState.ACTIVE.value,
            "version": 1,
            "created_at": work.now,
            "entry_id": entry_id,
        },
    )
    if not made:
        raise IntegrityError  # a fresh id that somebody else has as a name
    return account_id
