"""One caller of every sort, for the tables of the policy tests."""

from uuid import UUID

from service.access.caller import Caller, CallerKind, Role
from service.ids import AccountId, ProgramId

HOME = ProgramId(UUID("00000000-0000-7000-8000-00000000a001"))
ELSEWHERE = ProgramId(UUID("00000000-0000-7000-8000-00000000a002"))
_ACCOUNT = AccountId(UUID("00000000-0000-7000-8000-00000000b001"))

_KIND_OF = {
    Role.PATIENT: CallerKind.PATIENT,
    Role.REQUESTER: CallerKind.REQUESTER,
    Role.SYSTEM: CallerKind.SYSTEM,
}

#: A purpose each role may state.
PURPOSE_OF = {
    Role.INTAKE: "TREAT",
    Role.CLINICIAN: "TREAT",
    Role.COMPLIANCE: "HOPERAT",
    Role.ADMINISTRATOR: None,
    Role.DIRECTOR: "HOPERAT",
    Role.PATIENT: "PATRQT",
    Role.REQUESTER: "TREAT",
    Role.SYSTEM: "HOPERAT",
}


def caller(*roles: Role, kind: CallerKind | None = None) -> Caller:
    """A caller with these roles, of the kind that goes with the first unless another is given."""
    return Caller(
        kind=kind or _KIND_OF.get(roles[0], CallerKind.STAFF),
        account_id=_ACCOUNT,
        program_id=HOME,
        session_id=None,
        roles=frozenset(roles),
    )
