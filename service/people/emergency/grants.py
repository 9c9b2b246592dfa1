"""Sealing and opening break-glass grants inside an act that is already authorised.

The sealed texts repeat whose grant it is and until when: a row that was given to another account, or made to last
longer, does not open.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from service.errors import IntegrityError
from service.people.emergency.records import GRANT_ROW, StoredGrant
from service.vault.envelope import RowKey
from service.work import Json, Work


@dataclass(frozen=True, slots=True, repr=False)
class Grant:
    """One grant, opened. `ends_at` is the first instant at which it no longer holds."""

    id: UUID
    patient_id: UUID
    account_id: UUID
    starts_at: datetime
    ends_at: datetime
    nature: str
    why_no_consent: str


def sealed(work: Work, grant: Grant) -> StoredGrant:
    """The grant as a row."""
    program_id = work.caller.program_id
    particulars: Mapping[str, Json] = {
        "of": {"account": str(grant.account_id), "ends_at": grant.ends_at.timestamp()},
        "nature": grant.nature,
        "why_no_consent": grant.why_no_consent,
    }
    key = RowKey(program_id, grant.id, 1, grant.patient_id)
    return StoredGrant(
        id=grant.id,
        program_id=program_id,
        patient_id=grant.patient_id,
        account_id=grant.account_id,
        starts_at=grant.starts_at,
        ends_at=grant.ends_at,
        particulars=work.seal(GRANT_ROW, key, {"particulars": particulars})["particulars"],
    )


def opened(work: Work, stored: StoredGrant) -> Grant:
    """The grant in the clear; IntegrityError when it is not the one that was given."""
    values = work.open(GRANT_ROW, _key(stored), {"particulars": stored.particulars})
    particulars: Any = values["particulars"]
    given = particulars["of"]
    if given["account"] != str(stored.account_id) or given["ends_at"] < stored.ends_at.timestamp():
        raise IntegrityError
    return Grant(
        id=stored.id,
        patient_id=stored.patient_id,
        account_id=stored.account_id,
        starts_at=stored.starts_at,
        ends_at=stored.ends_at,
        nature=str(particulars["nature"]),
        why_no_consent=str(particulars["why_no_consent"]),
    )


def _key(stored: StoredGrant) -> RowKey:
    return RowKey(stored.program_id, stored.id, 1, stored.patient_id)
