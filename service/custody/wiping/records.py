"""The SQL that takes away what still points to a patient whose keys are gone. Rows stay where they are acts."""

import os
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, select, update

from service.access.caller import CallerKind
from service.delivery.model import LinkState, MessageState
from service.store.tables.admission import care_plan_paragraph
from service.store.tables.delivery import message, packet_link
from service.store.tables.identity import account, sign_in_slot
from service.store.tables.people import patient_index
from service.store.tables.requests import idempotency

_TERMS = delete(patient_index).where(patient_index.c.patient_id == bindparam("b_patient_id"))
_MARKS = (
    update(care_plan_paragraph)
    .where(care_plan_paragraph.c.patient_id == bindparam("b_patient_id"))
    .where(care_plan_paragraph.c.mark.is_not(None))
    .values(mark=None, standing=False, entry_id=bindparam("b_entry"))
)
_LINKS = (
    update(packet_link)
    .where(packet_link.c.patient_id == bindparam("b_patient_id"))
    .where(packet_link.c.token_index.is_not(None))
    .values(token_index=None, index_key=None, state=LinkState.ENDED.value, entry_id=bindparam("b_entry"))
)
_UNSENT = (
    update(message)
    .where(message.c.patient_id == bindparam("b_patient_id"), message.c.state == MessageState.QUEUED.value)
    .values(
        state=MessageState.CANCELLED.value,
        next_attempt_at=None,
        settled_at=bindparam("b_now"),
        entry_id=bindparam("b_entry"),
    )
)
_ACCOUNTS = (
    select(account.c.id, account.c.version, account.c.username_index)
    .where(account.c.patient_id == bindparam("patient_id"), account.c.kind == CallerKind.PATIENT.value)
    .order_by(account.c.id)
    .with_for_update()
)
_RENAME = (
    update(account)
    .where(account.c.id == bindparam("b_id"))
    .values(username_index=bindparam("b_random"), index_key=None)
)
_SLOT = delete(sign_in_slot).where(sign_in_slot.c.username_index == bindparam("b_index"))
_KEYS = delete(idempotency).where(idempotency.c.account_id == bindparam("b_id"))
_RANDOM_BYTES: Final = 16


def take_search_values(db: Connection, patient_id: UUID, now: datetime, entry_id: UUID) -> dict[str, int]:
    """Blind indexes, marks of paragraphs, links and unsent messages of a patient; how many rows of each."""
    values = {"b_patient_id": patient_id, "b_now": now, "b_entry": entry_id}
    taken = {
        "patient_index": _TERMS,
        "care_plan_paragraph": _MARKS,
        "packet_link": _LINKS,
        "message": _UNSENT,
    }
    return {name: db.execute(statement, values).rowcount for name, statement in taken.items()}


def accounts_of(db: Connection, patient_id: UUID) -> list[tuple[UUID, int, bytes]]:
    """(id, version, index of the user name) of the patient's own accounts, locked."""
    found = db.execute(_ACCOUNTS, {"patient_id": patient_id})
    return [(row.id, row.version, bytes(row.username_index)) for row in found]


def take_user_name(db: Connection, account_id: UUID, index: bytes) -> None:
    """Make the user name of an account unfindable, with the attempts and repeated requests that were kept under it. The
    row was changed before, in this act.
    """
    db.execute(_SLOT, {"b_index": index})
    db.execute(_KEYS, {"b_id": account_id})
    db.execute(_RENAME, {"b_id": account_id, "b_random": os.urandom(_RANDOM_BYTES)})
