"""Tables by concept. Reached only through a concept's `records.py`.

Every row of a program carries `program_id` (row-level security) and, where the row is an act, `entry_id`: the ledger
entry written in the same transaction, which a deferred constraint trigger demands.
"""

from service.store.tables import (
    admission,
    consent,
    custody,
    delivery,
    disclosure,
    emergency,
    evidence,
    findings,
    identity,
    intake,
    ledger,
    ledger_outside,
    ledger_proofs,
    people,
    people_care,
    programs,
    record,
    requests,
    rights,
    vault,
)

__all__ = [
    "admission",
    "consent",
    "custody",
    "delivery",
    "disclosure",
    "emergency",
    "evidence",
    "findings",
    "identity",
    "intake",
    "ledger",
    "ledger_outside",
    "ledger_proofs",
    "people",
    "people_care",
    "programs",
    "record",
    "requests",
    "rights",
    "vault",
]
