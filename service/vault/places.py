"""Every place where something sealed is kept: what a rotation of keys has to go through.

One line for each table with sealed columns, and how a row says which key and place its values belong to. The list is
complete or a test is red (`tests/integration/vault/test_places.py` compares it with the tables): a column that is not
in here would stay under an old key for ever, and nobody would know.
"""

from dataclasses import dataclass
from typing import Final

from service.vault.envelope import SealedTable


@dataclass(frozen=True, slots=True)
class Place:
    """One table. `row`: the column that stands for the row in the associated data; `version`: the column of its
    version, None for what never changes (version 1); `patient`: the column that names whose key seals it, None for the
    program's.
    """

    table: SealedTable
    row: str = "id"
    version: str | None = "version"
    patient: str | None = "patient_id"


PLACES: Final[tuple[Place, ...]] = (
    Place(SealedTable("account", ("profile",)), patient=None),
    Place(SealedTable("accounting", ("particulars",)), version=None),
    Place(SealedTable("attachment", ("content", "description"))),
    Place(SealedTable("consent", ("terms", "document", "revocation"))),
    Place(SealedTable("consent_ruling", ("particulars",)), version=None),
    Place(SealedTable("consent_signature", ("signature",)), version=None),
    Place(SealedTable("content_pack", ("content",)), patient=None),
    Place(SealedTable("credential", ("particulars",)), patient=None),
    Place(SealedTable("disclosure", ("package", "decision")), version=None),
    Place(SealedTable("emergency_grant", ("particulars",)), version=None),
    Place(SealedTable("episode", ("particulars",))),
    Place(SealedTable("episode_step", ("particulars",)), version=None),
    Place(SealedTable("evidence", ("particulars",))),
    Place(SealedTable("finding", ("particulars",))),
    Place(SealedTable("finding_decision", ("reason",)), version=None),
    Place(SealedTable("form_signature", ("particulars", "document"))),
    Place(SealedTable("ledger_restore", ("reason",)), version=None, patient=None),
    Place(SealedTable("legal_hold", ("particulars",))),
    Place(SealedTable("message", ("content",))),
    Place(SealedTable("packet_item", ("particulars",))),
    Place(SealedTable("patient", ("demographics",)), patient="id"),
    Place(SealedTable("patient_merge", ("particulars",))),
    Place(SealedTable("patient_version", ("demographics",)), row="patient_id"),
    Place(SealedTable("patient_watch", ("particulars",))),
    Place(SealedTable("placement", ("basis",)), row="item_id"),
    Place(SealedTable("recipient", ("identity",)), patient=None),
    Place(SealedTable("record_item", ("labels", "content"))),
    Place(SealedTable("record_item_version", ("labels", "content")), row="item_id"),
    Place(SealedTable("record_request", ("asked",)), version=None, patient=None),
    Place(SealedTable("relationship", ("evidence",))),
    Place(SealedTable("restriction", ("terms",))),
    Place(SealedTable("review", ("finding",)), version=None),
    Place(SealedTable("safety_flag", ("finding", "acknowledgement"))),
    Place(SealedTable("shredding", ("request",)), patient=None),
    Place(SealedTable("staff_particulars", ("particulars",)), patient=None),
)
