"""Every keyed hash in the database, and what a destroyed record means for it.

A keyed hash tells nothing without its key, but with the key it still answers "is this the one?". So where it is of
something about one patient it goes with the record; where it stays, the reason stands here. A test compares the two
lists with the tables: a column that is in neither is red.
"""

from collections.abc import Mapping
from typing import Final

#: (table, column) -> what is done with it.
TAKEN: Final[Mapping[tuple[str, str], str]] = {
    ("patient_index", "value"): "the rows go",
    ("care_plan_paragraph", "mark"): "nulled",
    ("packet_link", "token_index"): "nulled",
    ("packet_link", "index_key"): "nulled",
    ("patient_index", "index_key"): "the rows go",
    ("account", "username_index"): "of the patient's own account: replaced by random bytes",
    ("account", "index_key"): "of the patient's own account: nulled",
    ("sign_in_slot", "username_index"): "of the patient's own account: the row goes",
    ("sign_in_slot", "index_key"): "of the patient's own account: the row goes",
    ("idempotency", "key_hash"): "of the patient's own account: the rows go",
    ("idempotency", "body_hash"): "of the patient's own account: the rows go",
}

_LEDGER: Final = "the ledger is never changed; a hash in it proves what was done and finds nobody"
_CODE: Final = "code of a row over clear columns (ids, states, times)"

#: (table, column) -> why it stays.
STAYING: Final[Mapping[tuple[str, str], str]] = {
    ("audit_entry", "payload_hash"): _LEDGER,
    ("audit_entry", "mac"): _LEDGER,
    ("audit_leaf", "leaf_hash"): _LEDGER,
    ("audit_checkpoint", "root"): _LEDGER,
    ("audit_anchor", "root"): _LEDGER,
    ("audit_tree", "frontier"): _LEDGER,
    ("audit_tile_root", "root"): _LEDGER,
    ("audit_cosignature", "key_id"): _LEDGER,
    ("audit_cosignature", "signature"): _LEDGER,
    ("disclosure", "package_hash"): "evidence that a package somebody shows is the one that was disclosed",
    ("recipient", "name_index"): "of a recipient, not of a patient",
    ("recipient", "npi_index"): "of a recipient, not of a patient",
    ("recipient", "index_key"): "names a key",
    ("vault_key", "key_id"): "names a key: the tombstone",
    ("vault_key", "kek_id"): "names a key",
    ("vault_key", "wrapped"): "nulled with the key itself",
    **{
        (table, "mac"): _CODE
        for table in (
            "account",
            "consent",
            "consent_recipient",
            "consent_ruling",
            "consent_signature",
            "credential",
            "finding",
            "legal_hold",
            "program",
            "recipient",
            "relationship",
            "restriction",
            "session",
            "shredding",
        )
    },
}
