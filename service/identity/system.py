"""The service as a caller of its own operations: for what a clock or an outside machine brings, not a person."""

from typing import Final
from uuid import UUID

from service.access.caller import Caller, CallerKind, Role
from service.ids import AccountId, ProgramId

#: Not an account: nobody signs in as it. It names the service itself in the ledger.
ITSELF: Final = AccountId(UUID("00000000-0000-7000-8000-000000000002"))
#: What the service does by itself is for: health care operations.
PURPOSE: Final = "HOPERAT"


def system_caller(program_id: ProgramId) -> Caller:
    """The service itself, in one program."""
    return Caller(
        kind=CallerKind.SYSTEM,
        account_id=ITSELF,
        program_id=program_id,
        session_id=None,
        roles=frozenset({Role.SYSTEM}),
        assurance="service",
    )
