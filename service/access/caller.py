"""Who is calling: the facts about a person or a system that stay the same for the whole call."""

from dataclasses import dataclass
from enum import StrEnum

from service.ids import AccountId, PatientId, ProgramId, RecipientId, SessionId


class CallerKind(StrEnum):
    """The sort of account. A patient or a requester never becomes staff by being given a role."""

    STAFF = "staff"
    PATIENT = "patient"
    REQUESTER = "requester"
    SYSTEM = "system"


class Role(StrEnum):
    """What an account was appointed to do. The rights of each are policies/roles.yaml."""

    INTAKE = "intake"
    CLINICIAN = "clinician"
    COMPLIANCE = "compliance"
    ADMINISTRATOR = "administrator"
    #: The part 2 program director (2.11): findings under 2.14, 2.15 and 2.52 are theirs alone.
    DIRECTOR = "director"
    PATIENT = "patient"
    REQUESTER = "requester"
    SYSTEM = "system"


#: Which roles an account of each kind can hold. Anything else is refused when the account is made, and by a
#: guardrail.
ROLES_OF_KIND = {
    CallerKind.STAFF: frozenset(
        {Role.INTAKE, Role.CLINICIAN, Role.COMPLIANCE, Role.ADMINISTRATOR, Role.DIRECTOR}
    ),
    CallerKind.PATIENT: frozenset({Role.PATIENT}),
    CallerKind.REQUESTER: frozenset({Role.REQUESTER}),
    CallerKind.SYSTEM: frozenset({Role.SYSTEM}),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """One authenticated caller in one program. `units` are the keys of the units a member of staff works
    in; `credentials` the kinds of licence in force for them today, by the program's calendar.
    """

    kind: CallerKind
    account_id: AccountId
    program_id: ProgramId
    session_id: SessionId | None
    roles: frozenset[Role]
    units: frozenset[str] = frozenset()
    patient_id: PatientId | None = None
    recipient_id: RecipientId | None = None
    assurance: str = "password"
    credentials: frozenset[str] = frozenset()
    #: One of them stands for clinical acts.
    credential_in_force: bool = False
    #: Some were recorded, and none that stands for clinical acts is in force.
    credential_lapsed: bool = False
    #: The program lets nobody act clinically who shows none.
    credential_required: bool = False
    #: Some that stand for clinical acts are in force, and whoever holds only those needs a second signature.
    credential_supervised: bool = False

    @property
    def is_outside(self) -> bool:
        """True for a requester: absence and refusal must look the same to it (42 CFR 2.13(c))."""
        return self.kind is CallerKind.REQUESTER
