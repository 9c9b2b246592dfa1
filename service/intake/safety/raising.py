"""Flags kept with the act that showed them, and those that wait for somebody. For operations above.

Every part of the intake raises its flags here, so that each becomes a task: an owner and a clock from safety.yaml. The
code of a flag is about the patient and therefore sealed; the ledger knows only that one was raised.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
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
    said: Mapping[str, Mapping[str, str]] | None = None,
) -> None:
    """Keep the flags that ask somebody to act, each once: not those the form already had (`known`), nor those that
    stand open for the same form (or section, or decision). Called after the act itself was recorded. `fresh`: the
    subject was made in this act, so nothing can stand open for it, and nobody else can be raising for it. `said`: the
    answers each code rests on; what a refused form raised with the same answers is joined, not raised again.
    """
    had = {flag.code for flag in known}
    new = [flag for flag in flags if flag.task is not None and flag.code not in had]
    if not new:
        return
    if any(work.access.safety.endangers(flag.task) for flag in new):
        mark_endangered(work, patient_id)
    answers = said or {}
    waiting: tuple[RaisedFlag, ...] = ()
    if not fresh or answers:
        records.take_turn(work.db, patient_id)
        waiting = tuple(one for one in open_flags(work, patient_id) if one.patient_id == patient_id)
    standing = {one.flag.code for one in waiting if _is_of(one, source, subject_id, instrument)}
    for flag in new:
        if flag.code in standing:
            continue
        standing.add(flag.code)
        because = answers.get(flag.code, {})
        same = next((one for one in waiting if one.says_the_same(flag, instrument, because)), None)
        if same is not None and subject_id is not None and source is FlagSource.ASSESSMENT:
            _join(work, same, subject_id)
            continue
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
            said=because,
        )
        entry_id = _record(work, raised, {"source": source.value, "owner": duty.owner.value})
        records.add_flag(work.db, sealed_flag(work, raised), entry_id)


def _is_of(one: RaisedFlag, source: FlagSource, subject_id: UUID | None, instrument: str) -> bool:
    """Whether a flag stands for the same form, section or decision; for a form also where it was joined to it."""
    joined = one.also is not None and one.also == subject_id
    return (one.source, one.instrument) == (source, instrument) and (joined or one.subject_id == subject_id)


def _join(work: Work, same: RaisedFlag, subject_id: UUID) -> None:
    """Note on a flag that a form which was kept says the same: its clock runs on from the first time it was said."""
    stored = records.flag_for_update(work.db, same.id)
    if stored is None:
        raise RuntimeError("a flag is never deleted")
    flag = opened_flag(work, stored)
    joined = replace(flag, also=subject_id, version=flag.version + 1)
    entry_id = _record(work, joined, {"source": joined.source.value, "joined": str(subject_id)})
    records.change_flag(work.db, sealed_flag(work, joined), entry_id)


def _record(work: Work, flag: RaisedFlag, detail: Mapping[str, str]) -> UUID:
    return work.record(
        action=Action.FLAG_RAISE,
        object_kind="safety_flag",
        object_id=flag.id,
        object_version=flag.version,
        patient_id=flag.patient_id,
        detail=detail,
    )


def open_flags(work: Work, patient_id: UUID) -> tuple[RaisedFlag, ...]:
    """The patient's flags that nobody has acknowledged, oldest first, those of charts merged into this one with them:
    a merge is no way to lose one. Inside an act already allowed.
    """
    charts = chart_ids(work, patient_id)
    return tuple(opened_flag(work, stored) for stored in records.open_flags(work.db, charts))
