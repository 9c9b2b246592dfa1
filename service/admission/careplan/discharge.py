"""The end of an episode: how it ended, what comes next, and what follows from it at once.

One act, one transaction: the summary as a record item, the plan completed, the episode discharged, the events recorded,
and with them every consent ended that was to end with treatment (42 CFR 2.31(a)(7)). That treatment has ended is
recorded only when the patient is in no other episode; a discharge alone ends what was given "until the end of
treatment". Types follow the reasons of TEDS discharges (memory). Nobody outside is told by this: what a court or an
employer hears needs its own consent and its own disclosure.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from service.access.actions import Action
from service.access.caller import CallerKind
from service.admission.careplan import kept
from service.admission.careplan.content import Aftercare
from service.admission.careplan.gathering import Books, profile_of, visit_labels
from service.admission.careplan.operations import refuse_use
from service.admission.careplan.signing import complete_plans
from service.admission.deadlines import due
from service.consent import records as consents
from service.consent.ending_by_event import record_event
from service.consent.operations import today_for
from service.consent.validity import expired
from service.errors import Code, FieldError, Invalid, Stale
from service.ids import new_id
from service.labels import Label
from service.people.episodes import operations as episodes
from service.people.episodes.episode import Episode, Step
from service.people.events import events_of
from service.people.facts import patient_facts
from service.people.patient import Event
from service.record import items
from service.record.item import Item, ItemState, Kind, NewItem
from service.record.records import StoredItem
from service.work import Loaded, Work

KIND: Final = "discharge"


class DischargeType(StrEnum):
    COMPLETED = "completed"
    TRANSFERRED = "transferred"
    ADMINISTRATIVE = "administrative"
    AGAINST_ADVICE = "against_advice"
    LOST_CONTACT = "lost_contact"
    DECEASED = "deceased"
    INCARCERATED = "incarcerated"


#: What is recorded as having happened. That treatment has ended is worked out: it may go on in another episode.
EVENTS_OF: Final = {
    DischargeType.TRANSFERRED: (Event.TRANSFER, Event.DISCHARGE),
    DischargeType.DECEASED: (Event.DEATH, Event.DISCHARGE),
}


@dataclass(frozen=True, slots=True, repr=False)
class NewDischarge:
    """How the episode ended. `summary` None: it is written later, and is due by the profile's deadline."""

    type: DischargeType
    on: date
    reason: str
    aftercare: Aftercare
    summary: str | None = None
    risk: str | None = None
    naloxone_offered: bool | None = None
    reentry: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Discharge:
    """What was done. `id` is the summary's; not `finished`: its text is still to be written."""

    id: UUID
    patient_id: UUID
    episode_id: UUID
    version: int
    content: dict[str, Any]
    finished: bool


def discharge(work: Work, books: Books, episode_id: UUID, new: NewDischarge) -> tuple[UUID, Discharge]:
    """End the episode, with everything that follows from it."""
    episode = episodes.authorised_episode(work, Action.EPISODE_MOVE, episode_id, changing=True)
    _check(new)
    reached = new.type.value
    ended = episodes.move(
        work,
        episode,
        Step.DISCHARGE,
        new.on,
        {"reason": reached, "level": new.aftercare.level or episode.level},
    )
    plans = complete_plans(work, episode.id, f"Discharged: {reached}.")
    item_id = new_id(work.now)
    work.record(
        action=Action.EPISODE_MOVE,
        object_kind="episode",
        object_id=episode.id,
        object_version=ended.version,
        patient_id=episode.patient_id,
        detail={"state": ended.state.value, "type": reached, "plans": [str(one) for one in plans]},
    )
    events = _events(work, books, episode, new)
    item = items.add(
        work,
        NewItem(
            id=item_id,
            patient_id=episode.patient_id,
            kind=Kind.DISCHARGE_SUMMARY,
            unit=episode.unit,
            content=_content(work, books, episode, new, events),
            labels=_labels(work, episode),
            state=ItemState.DRAFT if new.summary is None else ItemState.FINAL,
        ),
    )
    return item.id, _view(item)


def write_summary(work: Work, item_id: UUID, summary: str, *, expected: int) -> Discharge:
    """The summary, written or amended."""
    stored = _loaded(work, Action.CARE_PLAN_WRITE, item_id, lock=True, expected=expected)
    now = items.opened(work, stored)
    content = {**now.content, "summary": summary, "written_at": work.now.isoformat()}
    state = ItemState.FINAL if now.state is ItemState.DRAFT else ItemState.AMENDED
    item = items.change(work, stored, content=content, state=state)
    work.record(
        action=Action.CARE_PLAN_WRITE,
        object_kind=KIND,
        object_id=item.id,
        object_version=item.version,
        patient_id=item.patient_id,
        detail={"late": work.now > datetime.fromisoformat(content["due_at"])},
        payload=content,
    )
    return _view(item)


def read(work: Work, item_id: UUID) -> Discharge:
    """One summary."""
    stored = _loaded(work, Action.CARE_PLAN_READ, item_id, lock=False)
    item = items.opened(work, stored)
    work.record(
        action=Action.CARE_PLAN_READ,
        object_kind=KIND,
        object_id=item.id,
        object_version=item.version,
        patient_id=item.patient_id,
    )
    return _view(item)


def _events(work: Work, books: Books, episode: Episode, new: NewDischarge) -> list[str]:
    """Recorded once a day: what stands for this day already, of another unit's discharge, stands."""
    kinds = list(EVENTS_OF.get(new.type, (Event.DISCHARGE,)))
    if not episodes.is_in_care(work, episode.patient_id):
        kinds.append(Event.END_OF_TREATMENT)
    known = {
        one.kind
        for one in events_of(work, episode.patient_id)
        if one.occurred_on == new.on or one.kind is Event.DEATH
    }
    for kind in kinds:
        if kind not in known:
            record_event(work, books.consents, episode.patient_id, kind, new.on)
    return [kind.value for kind in kinds]


def _content(
    work: Work, books: Books, episode: Episode, new: NewDischarge, events: list[str]
) -> dict[str, Any]:
    deadline = books.deadlines.strictest("discharge_summary", profile_of(work, episode))
    last = due(deadline, work.now, work.program.zone, closed_days=work.program.closed_days) or work.now
    return {
        "episode_id": str(episode.id),
        "type": new.type.value,
        "on": new.on.isoformat(),
        "recorded_at": work.now.isoformat(),
        "admitted_on": None if episode.admitted_on is None else episode.admitted_on.isoformat(),
        "level": episode.level,
        "reason": new.reason,
        "risk": new.risk,
        "naloxone_offered": new.naloxone_offered,
        "reentry": new.reentry,
        "aftercare": new.aftercare.model_dump(mode="json"),
        "events": events,
        "consents_in_force": _in_force(work, episode.patient_id),
        "summary": new.summary,
        "due_at": last.isoformat(),
        "due_source": deadline.source,
        "written_at": None if new.summary is None else work.now.isoformat(),
    }


def _in_force(work: Work, patient_id: UUID) -> list[dict[str, str | None]]:
    """Consents that stay in force after all this, and until when: the patient is told."""
    today = today_for(work, patient_id)
    found: list[dict[str, str | None]] = []
    for one in consents.opened(work, consents.active_of(work, patient_id)):
        if expired(one.record, today):
            continue
        ends = one.record.terms.expiry
        found.append(
            {
                "consent_id": str(one.record.consent_id),
                "kind": one.record.terms.kind.value,
                "until": None if ends is None or ends.on is None else ends.on.isoformat(),
            }
        )
    return found


def _labels(work: Work, episode: Episode) -> frozenset[Label]:
    """What the episode's plan bears, or what the episode is for."""
    plan = kept.plan_of(work, episode.id)
    return visit_labels(episode) if plan is None else plan.labels | visit_labels(episode)


def _check(new: NewDischarge) -> None:
    """The day is looked at by `episodes.move`."""
    faults: list[FieldError] = []
    if not new.reason.strip():
        faults.append(FieldError("reason", "missing", "Say why."))
    if new.type is DischargeType.AGAINST_ADVICE:
        for field, given in (("risk", new.risk), ("reentry", new.reentry)):
            if not (given or "").strip():
                faults.append(FieldError(field, "missing", "Needed when somebody leaves against advice."))
        if new.naloxone_offered is None:
            faults.append(FieldError("naloxone_offered", "missing", "Say whether naloxone was offered."))
    planned = new.type in (DischargeType.COMPLETED, DischargeType.TRANSFERRED)
    if planned and (new.aftercare.level is None or new.aftercare.provider is None):
        faults.append(FieldError("aftercare", "missing", "Say what level comes next, and with whom."))
    if new.type is DischargeType.DECEASED and (new.aftercare.follow_up_30 or new.aftercare.follow_up_90):
        faults.append(FieldError("aftercare", "not_applicable", "There is nobody to call."))
    if faults:
        raise Invalid(Code.DISCHARGE_INVALID, "The discharge cannot be recorded like this.", faults)


def _loaded(
    work: Work, action: Action, item_id: UUID, *, lock: bool, expected: int | None = None
) -> StoredItem:
    stored = work.authorised(action, _loader(item_id, lock=lock))
    if work.caller.kind is not CallerKind.PATIENT:
        use = kept.use_of(work, stored)
        if not use.permitted:
            refuse_use(work, action, stored, use)
    if expected is not None and stored.version != expected:
        raise Stale(Code.VERSION_STALE, "This summary has changed since you read it.")
    return stored


def _loader(item_id: UUID, *, lock: bool) -> Callable[[Work], Loaded[StoredItem] | None]:
    def load(work: Work) -> Loaded[StoredItem] | None:
        stored = items.find(work, item_id, lock=lock)
        about = None if stored is None else patient_facts(work, stored.patient_id)
        if stored is None or about is None or stored.kind != Kind.DISCHARGE_SUMMARY.value:
            return None
        if work.caller.kind is CallerKind.PATIENT and stored.state == ItemState.DRAFT.value:
            return None
        return Loaded(stored, about, KIND, item_id, stored.patient_id)

    return load


def _view(item: Item) -> Discharge:
    content: dict[str, Any] = dict(item.content)
    finished = item.state is not ItemState.DRAFT
    return Discharge(item.id, item.patient_id, UUID(content["episode_id"]), item.version, content, finished)
