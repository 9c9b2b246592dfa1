"""Every keyed hash of the database, and what happens to it when the key of the indexes is replaced.

`AGAIN` is computed again from what is sealed, by `vault/reindexing`; afterwards nothing of it is under the old key.
`FORMER` cannot be: the value behind it is nowhere, or is opened for nobody's sake but the patient's. It is looked for
under every key that was kept, and goes when it has run out. `PROOF` finds nobody: it is compared with what somebody
shows. A test compares the three, with what is no hash under these keys, with the tables.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from service.identity.records import ACCOUNT_ROW
from service.identity.signin import user_names
from service.people import finding
from service.people.duplicates import TABLE as PATIENT_INDEX
from service.people.recipients.operations import indexes_of
from service.people.recipients.records import RECIPIENT_ROW
from service.people.records import PATIENT_ROW
from service.vault.indexing import IndexKeys
from service.vault.reindexing import Again, IndexedTable

#: (table, column) -> what it is computed from.
AGAIN: Final[Mapping[tuple[str, str], str]] = {
    ("patient_index", "value"): "the demographics of the patient",
    ("recipient", "name_index"): "the identity of the recipient",
    ("recipient", "npi_index"): "the identity of the recipient",
    ("account", "username_index"): "the profile of the account",
}
#: (table, column) -> how it comes under the new key, or until when it is looked for under the old one.
FORMER: Final[Mapping[tuple[str, str], str]] = {
    (
        "sign_in_slot",
        "username_index",
    ): "at the next attempt with that name; else the row goes once its lock ran out",
    ("packet_link", "token_index"): "a link is open for 72 hours; once it is over, nulled",
    ("care_plan_paragraph", "mark"): "when the text of the plan is written again",
    ("idempotency", "body_hash"): "gone after 24 hours, with the caller's next key",
}
#: (table, column) -> what it proves.
PROOF: Final[Mapping[tuple[str, str], str]] = {
    (
        "disclosure",
        "package_hash",
    ): "that a package is the one that was disclosed; any key that is kept may say so",
    ("audit_entry", "payload_hash"): "what an act was given; the ledger is never changed",
}


def _terms(keys: IndexKeys, demographics: Mapping[str, Any]) -> Sequence[Again]:
    found: list[Again] = []
    for term in finding.terms(demographics):
        place = (PATIENT_INDEX, term.index.value, term.value)
        found.append(Again(term.index.value, tuple(keys.ever(*place)), keys.value(*place)))
    return found


def _user_name(keys: IndexKeys, profile: Mapping[str, Any]) -> Mapping[str, bytes | None]:
    return {"username_index": user_names(keys, str(profile["username"])).now}


TABLES: Final = (
    IndexedTable(PATIENT_ROW, of_patient=True, terms=_terms),
    IndexedTable(RECIPIENT_ROW, columns=indexes_of),
    IndexedTable(ACCOUNT_ROW, of_service=True, columns=_user_name),
)
