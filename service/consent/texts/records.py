"""The only SQL of adopted texts, and the search for consents in older words. Nothing here is sealed: a version, a
hash and days say nothing about a patient.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, or_, select
from sqlalchemy.dialects.postgresql import insert

from service.consent.model import ConsentState
from service.consent.texts.adoption import Adoption
from service.store.tables.consent import consent, consent_text
from service.work import Work

_ADOPT = insert(consent_text).on_conflict_do_nothing().returning(consent_text.c.id)
#: Locked against nothing: rows are never changed, and a new one begins to count when it is committed.
_ALL = (
    select(consent_text)
    .where(consent_text.c.program_id == bindparam("program_id"))
    .order_by(consent_text.c.id)
)
_OLDER = (
    select(consent.c.id, consent.c.patient_id, consent.c.text_version)
    .where(
        consent.c.program_id == bindparam("program_id"),
        consent.c.state == ConsentState.ACTIVE.value,
        consent.c.id > bindparam("after"),
        or_(
            consent.c.text_version.is_(None),
            consent.c.text_version.not_in(bindparam("newer", expanding=True)),
        ),
    )
    .order_by(consent.c.id)
    .limit(bindparam("at_most"))
)


def add(work: Work, adoption: Adoption) -> bool:
    """One adoption, for ever. False when the program has adopted the version already, a moment ago perhaps."""
    added = work.db.execute(
        _ADOPT,
        {
            "id": adoption.id,
            "program_id": adoption.program_id,
            "version": adoption.version,
            "text_hash": adoption.text_hash,
            "effective_from": adoption.effective_from,
            "recollect_by": adoption.recollect_by,
            "adopted_by": adoption.adopted_by,
            "adopted_at": adoption.adopted_at,
            "entry_id": work.entry_id,
        },
    )
    return added.one_or_none() is not None


def adoptions(work: Work) -> list[Adoption]:
    """Every adoption of this program, in the order decided."""
    return [_adoption(row) for row in work.db.execute(_ALL, {"program_id": work.caller.program_id}).all()]


def in_older_words(
    work: Work, newer: frozenset[str], *, after: UUID, at_most: int
) -> list[tuple[UUID, UUID, str | None]]:
    """Active consents written in none of these versions: id, patient, version; by id, after one."""
    parameters = {
        "program_id": work.caller.program_id,
        "newer": sorted(newer),
        "after": after,
        "at_most": at_most,
    }
    return [_older(row) for row in work.db.execute(_OLDER, parameters).all()]


def _older(row: Any) -> tuple[UUID, UUID, str | None]:
    return row.id, row.patient_id, row.text_version


def _adoption(row: Any) -> Adoption:
    return Adoption(
        id=row.id,
        program_id=row.program_id,
        version=row.version,
        text_hash=row.text_hash,
        effective_from=row.effective_from,
        recollect_by=row.recollect_by,
        adopted_by=row.adopted_by,
        adopted_at=row.adopted_at,
    )
