"""What a mail provider reports afterwards: messages that were taken and then came back.

A report names messages and no program, so every program is asked first. Then each program's are noted in a transaction
of its own, because the guard of the ledger looks for an act's entry in the program it ends in. What is unknown is passed
over in silence.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from service.access.program import read_program
from service.delivery import records
from service.delivery.sending import Desk, bounced
from service.identity.system import PURPOSE, system_caller
from service.identity.tenants import records as tenants
from service.ids import SERVICE_PROGRAM, ProgramId
from service.work import Mechanisms, Work, enter


def whose(db: Connection, sent: Collection[UUID]) -> Mapping[UUID, list[UUID]]:
    """Program -> those of the messages that are its own. Nothing is written."""
    found: dict[UUID, list[UUID]] = {}
    enter(db, SERVICE_PROGRAM)
    for stored in tenants.every_program(db):
        enter(db, stored.id)
        own = [one for one in sorted(sent) if records.message_by_id(db, one) is not None]
        if own:
            found[stored.id] = own
    return found


def came_back(
    mechanisms: Mechanisms,
    desk: Desk,
    db: Connection,
    program_id: UUID,
    own: Collection[UUID],
    now: datetime,
    request_id: str,
) -> None:
    """Note the bounces of one program's messages."""
    enter(db, program_id)
    mechanisms.vault.hear(db)
    document = tenants.program_document(db, program_id)
    if document is None:
        return
    program = read_program(ProgramId(program_id), document[0])
    for message_id in own:
        caller = system_caller(program.id)
        work = Work(mechanisms, db, caller, program, now, purpose=PURPOSE, request_id=request_id)
        bounced(work, desk, message_id)
