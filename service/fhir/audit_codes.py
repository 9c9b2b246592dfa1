"""What our acts are called by FHIR's audit vocabulary: restful-interaction, and the systems BALP uses.

The last word of an action says what it does; a test sees that none is missing.
"""

from enum import Enum
from typing import Final

DCM: Final = "http://dicom.nema.org/resources/ontology/DCM"
RESTFUL: Final = "http://hl7.org/fhir/restful-interaction"
ACTREASON: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
PROFILES: Final = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
ENTITY_TYPES: Final = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
AUTHZ_SUBTYPES: Final = "https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType"

#: Acts by which something leaves the program.
DISCLOSING: Final = frozenset({"disclosure.make", "disclosure.release", "package.fetch", "records.request"})

#: Codes of policies/purposes.yaml that HL7 does not have.
LOCAL_PURPOSES: Final = frozenset(
    {
        "ABUSERPT", "AUDIT", "CHARITY", "CJMON", "DEFENSE", "EMPLOYMENT", "FDASAFETY", "FUNDRAISE", "HOUSING",
        "INCIDENT", "INVESTPGM", "LEGALOTHER", "PDMP", "PROCEED", "PROSECUTE", "REGISTRY", "SECRETARY",
    }
)  # fmt: skip


class Interaction(Enum):
    """The kinds of act; the value is the code of restful-interaction, but for EXECUTE, which is none."""

    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    SEARCH = "search"
    #: An event of the service: a sign-in, a refusal, a state of the ledger.
    EXECUTE = "execute"

    @property
    def letter(self) -> str:
        """AuditEvent.action; a search is an execution (FHIR R4, audit-event-action)."""
        return "E" if self in (Interaction.SEARCH, Interaction.EXECUTE) else self.value[0].upper()

    @property
    def profile(self) -> str:
        """The part of BALP's profile name that says which act it is."""
        return "Query" if self is Interaction.SEARCH else self.value.capitalize()


_VERBS: Final = {
    Interaction.READ: "read read_self export fetch preview use",
    Interaction.SEARCH: "list search",
    Interaction.CREATE: "add draft make open place raise record register request send shred_ask watch write",
    Interaction.UPDATE: (
        "acknowledge acknowledge_urgent admit adopt amend answer assign attest close complete cosign decide end "
        "escalate expire find lift lower manage mark mark_error merge move recollect reindex release review revoke "
        "rotate rule save second settle sign sign_off supersede unmark unmerge update waive work"
    ),
    #: A patient's key is destroyed: what it sealed is no longer there for anybody.
    Interaction.DELETE: "shred_approve",
    Interaction.EXECUTE: "failed locked refused restore status succeeded throttled unauthenticated witness",
}
_BY_VERB: Final = {verb: interaction for interaction, verbs in _VERBS.items() for verb in verbs.split()}


def interaction_of(action: str) -> Interaction:
    """What kind of act this is; an action of a later version, in an old copy of this table, is an event."""
    return _BY_VERB.get(action.rpartition(".")[2], Interaction.EXECUTE)


def known(action: str) -> bool:
    """Whether the table says it by its own words."""
    return action.rpartition(".")[2] in _BY_VERB
