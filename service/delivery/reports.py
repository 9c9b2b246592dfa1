"""What a mail provider reports afterwards: messages that were taken and then came back.

A report names messages and no program, so every program is asked. What is unknown is passed over in silence.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from service.access.program import read_program
from service.delivery import records
from service.delivery.sending import Desk, bounced
from service.identity import records as identity
from service.identity.system import PURPOSE, system_caller
from service.ids import SERVICE_PROGRAM, ProgramId
from service.work import Mechanisms, Work, enter

_PAGE = 200


def came_back(
    mechanisms: Mechanisms, desk: Desk, db: Connection, sent: Collection[UUID], now: datetime, request_id: str
) -> None:
    """Note the bounces among `sent`, in whatever program they are."""
    after = UUID(int=0)
    enter(db, SERVICE_PROGRAM)
    while page := identity.programs(db, after, _PAGE):
        for stored in page:
            enter(db, stored.id)
            program = read_program(ProgramId(stored.id), stored.config)
            for message_id in sorted(sent):
                if records.message_by_id(db, message_id) is not None:
                    caller = system_caller(program.id)
                    work = Work(mechanisms, db, caller, program, now, purpose=PURPOSE, request_id=request_id)
                    bounced(work, desk, message_id)
        after = page[-1].id
