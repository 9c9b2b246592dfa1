"""Flags kept with the act that showed them, and those that wait for somebody. For operations above.

Every part of the intake raises its flags here, so that each becomes a task: an owner and a clock from safety.yaml. The
code of a flag is about the patient and therefore sealed; the ledger knows only that one was raised.
"""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from service.access.actions import Action
from service.ids import new_id
from service.intake.flags import Flag
from service.intake.safety import records
from service.intake.safety.flag import FlagSource, FlagState, RaisedFlag
from service.intake.safety.kept import opened_flag, sealed_flag
from service.people.endangerment.operations import mark_endangered
from service.people.merging.charts import chart_ids
from service.work import Work


def raise_flags(
    work: Work,
    *,
    patient_id: UUID,
    source: FlagSource,
    subject_id: UUID | None,
    instrument: str,
    flags: Iterable[Flag],
    known: Iterable[Flag] = (),
    fresh: bool = False,
) -> None:
    """Keep the flags that ask somebody to act, each once: not those the form already had (`known`), nor those that
    stand open for the same form (or section, or decision). Called after the act itself was recorded. `fresh`: the
    subject was made in this act, so nothing can stand open for it, and nobody else can be raising for it.
    """
    had = {flag.code for flag in known}
    new = [flag for flag in flags if flag.task is not None and flag.code not in had]
    if not new:
        return
    if any(work.access.safety.endangers(flag.task) for flag in new):
        mark_endangered(work, patient_id)
    standing: set[str] = set()
    if not fresh:
        records.take_turn(work.db, patient_id)
        subject = (patient_id, source, subject_id, instrument)
        standing = {
            one.flag.code
            for one in open_flags(work, patient_id)
            if (one.patient_id, one.source, one.subject_id, one.instrument) == subject
        }
    for flag in new:
        if flag.code in standing:
            continue
        standing.add(flag.code)
        duty = work.access.safety.duty(flag.task, flag.severity.value)
        raised = RaisedFlag(
            id=new_id(work.now),
            patient_id=patient_id,
            source=source,
            subject_id=subject_id,
            instrument=instrument,
            flag=flag,
            state=FlagState.OPEN,
            version=1,
            raised_at=work.now,
            due_at=work.now + timedelta(minutes=duty.minutes),
            owner_role=duty.owner,
        )
        entry_id = work.record(
            action=Action.FLAG_RAISE,
            object_kind="safety_flag",
            object_id=raised.id,
            patient_id=patient_id,
            detail={"source": source.value, "owner": duty.owner.value},
        )
        records.add_flag(work.db, sealed_flag(work, raised), entry_id)


def open_flags(work: Work, patient_id: UUID) -> tuple[RaisedFlag, ...]:
    """The patient's flags that nobody has acknowledged, oldest first, those of charts merged into this one with them:
    a merge is no way to lose one. Inside an act already allowed.
    """
    charts = chart_ids(work, patient_id)
    return tuple(opened_flag(work, stored) for stored in records.open_flags(work.db, charts))
