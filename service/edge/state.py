"""What the composition root builds once per process and the edge uses for every request."""

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from service.access.program import Program, read_program
from service.admission.careplan.gathering import Books
from service.admission.packet.intake import Library
from service.admission.placement.considering import PlacementRules
from service.clock import Clock
from service.config import Settings
from service.consent.rulebook import Rulebook
from service.custody.shredding.retention import RetentionBook
from service.delivery.sending import Desk
from service.disclosure.rulebook import DisclosureRules
from service.edge.strangers import Strangers
from service.errors import Code, IntegrityError, Unavailable
from service.evidence.rulebook import EvidenceBook
from service.identity.credentials.model import CredentialBook
from service.identity.tenants import records
from service.identity.tokens import Tokens
from service.ids import ProgramId
from service.intake.instrument import Catalogue
from service.intake.medical.book import MedicalBook
from service.ledger.anchors.anchoring import Anchoring
from service.ledger.cosignatures import WitnessKey
from service.ledger.sequencer import Sequencer
from service.work import Mechanisms


class Programs:
    """Program configurations by version: a change is seen on the next call, because the call knows the version."""

    def __init__(self) -> None:
        self._known: dict[UUID, tuple[int, Program]] = {}

    def get(self, db: Connection, program_id: UUID, version: int) -> Program:
        """The program as it is now; Unavailable when it is not there at all."""
        known = self._known.get(program_id)
        if known and known[0] == version:
            return known[1]
        document = records.program_document(db, program_id)
        if document is None:
            raise Unavailable(Code.UNAVAILABLE, "This program is not configured.")
        if known and document[1] < known[0]:
            raise IntegrityError  # a description that was in force before was put back
        program = read_program(ProgramId(program_id), document[0])
        self._known[program_id] = (document[1], program)
        return program


@dataclass(slots=True)
class State:
    """One process."""

    settings: Settings
    clock: Clock
    engine: AsyncEngine
    mechanisms: Mechanisms
    rulebook: Rulebook
    disclosure: DisclosureRules
    evidence: EvidenceBook
    tokens: Tokens
    anchoring: Anchoring
    sequencer: Sequencer
    instruments: Catalogue
    medical: MedicalBook
    credentials: CredentialBook
    desk: Desk
    placement: PlacementRules
    packet: Library
    care_plans: Books
    retention: RetentionBook
    programs: Programs = field(default_factory=Programs)
    strangers: Strangers = field(default_factory=Strangers)
    witnesses: tuple[WitnessKey, ...] = ()
