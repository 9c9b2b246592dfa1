"""Patients registered by an earlier version, made findable by what this one finds patients by: former names, telephone.

A patient's terms name their version (`finding.SCHEME`), so nobody is done twice, a run that was broken off goes on where
it stopped, and who is registered or changed meanwhile needs nothing. Each patient is one act with an entry of its own:
their demographics are opened for it.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from service.access.actions import Action
from service.errors import IntegrityError
from service.ids import PatientId
from service.ledger.entry import Outcome
from service.people import finding, records
from service.people.duplicates import indexed
from service.people.facts import load_patient
from service.people.operations import open_demographics
from service.people.reindexing.records import how_many_without, patients_without
from service.work import Work

#: Patients of one transaction: their rows stay locked until it is committed.
AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction did. `damaged`: charts that did not verify and stay as they are; `left`: patients still to be
    done, those among them; `last`: begin after this one, None when nobody is left.
    """

    written: int
    damaged: tuple[PatientId, ...]
    left: int
    last: PatientId | None


def write_missing_terms(work: Work, *, after: UUID | None = None, at_most: int = AT_ONCE) -> Batch:
    """Write the terms of the next patients who lack those of this version."""
    work.require(Action.PATIENT_REINDEX, object_kind="patient")
    program_id, (scheme,) = work.caller.program_id, indexed(work, [finding.SCHEME])
    found = patients_without(work.db, program_id, scheme, after=after, at_most=at_most)
    damaged = tuple(one for one in found if not _written(work, one))
    if not found:
        work.record(
            action=Action.PATIENT_REINDEX, object_kind="patient", object_id=None, detail={"written": 0}
        )
    return Batch(
        written=len(found) - len(damaged),
        damaged=damaged,
        left=how_many_without(work.db, program_id, scheme),
        last=found[-1] if found else None,
    )


def _written(work: Work, patient_id: PatientId) -> bool:
    """False for a chart that does not verify: an incident, which must not keep everybody after it from being found."""
    stored = work.authorised(
        Action.PATIENT_REINDEX, lambda work: load_patient(work, patient_id, changing=True)
    )
    try:
        document = open_demographics(work, stored)
    except IntegrityError as damage:
        work.record(
            action=Action.INTEGRITY_FAILED,
            object_kind="patient",
            object_id=stored.id,
            patient_id=stored.id,
            outcome=Outcome.DENY,
            detail={"code": damage.code.value},
        )
        return False
    terms = indexed(work, finding.terms(document))
    records.drop_terms(work.db, stored.id)
    records.store_terms(work.db, stored.program_id, stored.id, terms, work.now)
    work.record(
        action=Action.PATIENT_REINDEX,
        object_kind="patient",
        object_id=stored.id,
        object_version=stored.version,
        patient_id=stored.id,
        detail={"terms": len(terms)},
    )
    return True
