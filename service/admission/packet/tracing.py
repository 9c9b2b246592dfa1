"""From rows to traces: what was found about one intake, before anybody asks what it means.

`closely`, for one patient on whose packet something rests, signatures and consents are opened, so that a row changed
behind our back admits nobody. Inside an act already allowed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from service.admission.found import records as found
from service.admission.packet.intake import Intake
from service.admission.packet.model import Outcome
from service.admission.packet.sealing import opened_decision, opened_signature
from service.admission.packet.shelf import Shelf
from service.admission.packet.situation import birthday, day_of
from service.admission.packet.traces import (
    AssessmentTrace,
    ConsentTrace,
    SectionTrace,
    SignatureTrace,
    Timed,
    Traces,
)
from service.consent import records as consent_records
from service.consent.texts.adoption import needs_recollection
from service.intake.medical.reading import SectionState, sections_of
from service.intake.safety.flag import RaisedFlag
from service.people.contacts import unsaid

#: Tasks of flags that mean: a question about suicide was answered in a way that somebody must look into.
SUICIDE_TASKS = frozenset({"suicide_screen", "safety_evaluation", "safety_assessment"})
_NONE_OPENED: Mapping[UUID, tuple[frozenset[str], bool]] = {}
_NOT_ASKED: Mapping[str, SectionState] = {}


def traces_of(
    shelf: Shelf,
    intake: Intake,
    document: Mapping[str, Any],
    flags: Iterable[RaisedFlag],
    *,
    closely: bool,
) -> Traces:
    patient, episode = intake.patient_id, intake.episode
    episode_id = patient if episode is None else episode.id
    born = day_of(document.get("birth_date"))
    adult = None if born is None else shelf.instant(birthday(born))
    admitted = None if episode is None or episode.admitted_on is None else episode.admitted_on
    decided = [opened_decision(shelf.work, row) for row in shelf.decisions[episode_id]]
    return Traces(
        opened_at=intake.opened_at,
        started_at=intake.started_at,
        admitted_at=None if admitted is None else shelf.instant(admitted),
        birthday_18=adult,
        unsaid=unsaid(document),
        signatures=_signatures(shelf, patient, adult, closely=closely),
        consents=_consents(shelf, patient, adult, closely=closely),
        assessments=tuple(AssessmentTrace(row.kind, row.at, row.until) for row in shelf.assessments[patient]),
        sections=_sections(shelf, patient, closely=closely),
        records=_timed(shelf.items[patient]),
        attachments=_timed(shelf.attachments[patient]),
        placements=tuple(
            Timed("placement", one.state.value, one.second_at or one.decided_at, one.expires)
            for one in shelf.placements[episode_id]
        ),
        plans=_timed(shelf.plans[episode_id]),
        visits=tuple(shelf.visits[episode_id]),
        sent_at=tuple(row.at for row in shelf.sent[patient]),
        suicide_flags=tuple(
            one.raised_at
            for one in flags
            if one.flag.task in SUICIDE_TASKS and one.raised_at >= intake.opened_at
        ),
        level_changes=tuple(shelf.instant(day) for day in shelf.level_changes[episode_id]),
        decided={(one.item, one.instance): one for one in decided},
    )


def _signatures(
    shelf: Shelf, patient: UUID, adult: datetime | None, *, closely: bool
) -> tuple[SignatureTrace, ...]:
    traces: list[SignatureTrace] = []
    for row in shelf.signatures[patient]:
        one = SignatureTrace(row.form, Outcome(row.outcome), row.signed_at, row.text_version, row.expires_on)
        if closely or _grown_since(row.signed_at, adult, shelf.work.now):
            event = opened_signature(shelf.work, row)
            one = replace(one, by_parent=event.by_parent, reason=event.reason)
        traces.append(one)
    return tuple(traces)


def _consents(
    shelf: Shelf, patient: UUID, adult: datetime | None, *, closely: bool
) -> tuple[ConsentTrace, ...]:
    rows = shelf.consents[patient]
    grown = any(
        _grown_since(row.activated_at, adult, shelf.work.now) for row in rows if row.activated_at is not None
    )
    opened = _opened_consents(shelf, patient) if rows and (closely or grown) else _NONE_OPENED
    traces: list[ConsentTrace] = []
    for row in rows:
        known = opened.get(row.id)
        active = row.state == "active"
        traces.append(
            ConsentTrace(
                kind=row.kind,
                state=row.state,
                created_at=row.created_at,
                activated_at=row.activated_at,
                ended_at=row.ended_at,
                expires_on=row.expires_on,
                recipients=row.recipients,
                purposes=None if known is None else known[0],
                by_parent=None if known is None else known[1],
                recollect_by=needs_recollection(row.text_version, shelf.adoptions, shelf.today)
                if active
                else None,
            )
        )
    return tuple(traces)


def _opened_consents(shelf: Shelf, patient: UUID) -> Mapping[UUID, tuple[frozenset[str], bool]]:
    page = consent_records.page(shelf.work, patient, before=None, at_most=200)
    return {
        one.record.consent_id: (
            frozenset(one.record.terms.purposes),
            any(signature.role in ("parent", "guardian") for signature in one.record.signatures),
        )
        for one in consent_records.opened(shelf.work, page)
    }


def _sections(shelf: Shelf, patient: UUID, *, closely: bool) -> Mapping[str, SectionTrace]:
    """By clear columns. What a section lacks is read closely, or where only that tells whether it is asked at all;
    a caller who may not see it is told what its state says. Several entries make one section.
    """
    rows = shelf.sections[patient]
    there = {row.kind for row in rows}
    ask = rows and (closely or ("substances" in there and "withdrawal" not in there))
    states = sections_of(shelf.work, shelf.library.medical, patient) if ask else _NOT_ASKED
    traces: dict[str, SectionTrace] = {}
    for row in rows:
        known, state = traces.get(row.kind), states.get(row.kind)
        missing: tuple[str, ...] = () if row.state == "current" else ("not finished",)
        if state is not None and "withheld" not in state.missing:
            missing = state.missing
        changed = row.until or row.at
        traces[row.kind] = SectionTrace(
            started_at=row.at if known is None else min(row.at, known.started_at),
            changed_at=changed if known is None else max(changed, known.changed_at),
            missing=tuple(dict.fromkeys((*(known.missing if known else ()), *missing))),
        )
    last = max((one.changed_at for one in traces.values()), default=None)
    for key, state in states.items():
        if last is not None and key not in traces and not state.missing:
            traces[key] = SectionTrace(last, last)  # nothing is asked of this patient
    return traces


def _grown_since(signed_at: datetime, adult: datetime | None, now: datetime) -> bool:
    return adult is not None and signed_at < adult <= now


def _timed(rows: Iterable[found.Found]) -> tuple[Timed, ...]:
    return tuple(Timed(row.kind, row.state, row.at) for row in rows)
