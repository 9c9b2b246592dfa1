"""Placement over one episode: the rules suggest, a clinician decides, a second one signs where it takes two.

The record item of a decision (kind level_of_care) holds the decision alone: it leaves the program as any item does, and
what the rules said stays behind in the sealed row beside it. What was decided is never changed: a later decision
supersedes it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn
from uuid import UUID

from service.access.actions import Action
from service.access.facts import Facts
from service.admission.placement import kept, records
from service.admission.placement.again import look_again
from service.admission.placement.considering import Considered, PlacementRules, consider, raise_emergency
from service.admission.placement.decision import NewDecision, judged
from service.admission.placement.kept import PlacementDecision
from service.admission.placement.lifecycle import Act, DecisionState, after
from service.admission.placement.making import circumstances_of, content_of, made_of
from service.admission.placement.records import StoredPlacement
from service.admission.placement.reevaluation import Trigger
from service.admission.placement.rules import Suggestion
from service.admission.placement.shown import suggestion_view
from service.errors import Code, Conflict, Invalid, Refused
from service.intake.subject import decide_use, refuse_use
from service.labels import Label
from service.people.episodes.episode import Episode, Track
from service.people.episodes.operations import authorised_episode, current_episode, episode_loader
from service.people.facts import load_patient, patient_facts
from service.people.records import patient_for_update
from service.record import items
from service.record.item import ItemState, Kind, NewItem
from service.work import Denial, Loaded, Work

KIND: Final = "placement"
_LABELS: Final = {
    Track.SUD: frozenset({Label.SUD}),
    Track.MH: frozenset({Label.PSY}),
    Track.CO_OCCURRING: frozenset({Label.SUD, Label.PSY}),
}


@dataclass(frozen=True, slots=True, repr=False)
class Page:
    """Decisions of an episode, newest first."""

    decisions: tuple[PlacementDecision, ...]
    last: UUID | None
    more: bool


def read_suggestion(
    work: Work, rules: PlacementRules, episode_id: UUID
) -> tuple[Considered, tuple[Trigger, ...]]:
    """What the rules say now, with every reason, and why a decision in force is looked at again. An EMERGENCY raises its
    flag, whoever looks.
    """
    episode = authorised_episode(work, Action.PLACEMENT_READ, episode_id)
    found = consider(work, rules, episode)
    sources = {str(one.item_id) for one in found.readings.values() if one.item_id is not None}
    work.record(
        action=Action.PLACEMENT_READ,
        object_kind="episode",
        object_id=episode.id,
        patient_id=episode.patient_id,
        detail={"rule_set": found.suggestion.rule_set_version, "items": sorted(sources)},
    )
    raise_emergency(work, episode, found)
    return found, look_again(work, rules.book, episode, frozenset(one.id for one in found.suggestion.fired))


def note_missed(work: Work, rules: PlacementRules, episode_id: UUID) -> None:
    """After a visit of the episode was recorded, in the same act: whether the placement is to be looked at again."""
    episode = authorised_episode(work, Action.VISIT_RECORD, episode_id)
    look_again(work, rules.book, episode)


def decide(work: Work, rules: PlacementRules, episode_id: UUID, new: NewDecision) -> PlacementDecision:
    """The clinician's decision on an episode. Invalid `placement_invalid` with every fault; Conflict
    `suggestion_stale` with the suggestion of now when the one that was seen no longer holds.
    """
    episode = authorised_episode(work, Action.PLACEMENT_DECIDE, episode_id, changing=True)
    return _decide(work, rules, episode, new)


def decide_for_patient(
    work: Work, rules: PlacementRules, patient_id: UUID, new: NewDecision
) -> PlacementDecision:
    """The same for the episode the patient is in."""
    work.authorised(Action.PLACEMENT_DECIDE, lambda work: load_patient(work, patient_id, changing=True))
    episode = current_episode(work, patient_id)
    if episode is None:
        raise Conflict(Code.PLACEMENT_STATE, "This patient is in no episode: a referral comes first.")
    return _decide(work, rules, episode, new)


def sign_second(work: Work, decision_id: UUID, note: str) -> PlacementDecision:
    """A second clinician signs for an override downwards: from now on the decision is in force."""
    stored, _ = work.authorised(Action.PLACEMENT_SECOND, _loader(decision_id, changing=True))
    before = kept.opened(work, stored)
    if before.decided_by == work.caller.account_id:
        _refuse_own(work, before)
    state = after(before.state, Act.SECOND)
    safeguard = before.basis.given.safeguard
    if safeguard is not None and safeguard.follow_up_at < work.now:
        raise Conflict(
            Code.PLACEMENT_STATE,
            "The time at which the patient was to be seen has passed: decide again.",
            state=before.state.value,
        )
    _supersede_others(work, before.episode_id, but=before.id)
    signed = replace(
        before,
        state=state,
        version=before.version + 1,
        second_at=work.now,
        second_by=work.caller.account_id,
        basis=replace(before.basis, second_note=note),
    )
    item = items.find(work, before.id, lock=True)
    if item is None:
        raise RuntimeError("a decision stands beside its item")
    items.change(work, item, content=content_of(signed), state=ItemState.FINAL)
    records.replace_placement(work.db, kept.sealed(work, signed), work.entry_id)
    _record(work, Action.PLACEMENT_SECOND, signed, payload=note)
    return signed


def read_decision(work: Work, decision_id: UUID) -> PlacementDecision:
    """One decision with what it rested on."""
    stored, about = work.authorised(Action.PLACEMENT_READ, _loader(decision_id))
    item = items.find(work, stored.item_id, lock=False)
    if item is not None and not (allowed := decide_use(work, item, about)).permitted:
        refuse_use(work, Action.PLACEMENT_READ, item, allowed)
    found = kept.opened(work, stored)
    _record(work, Action.PLACEMENT_READ, found)
    return found


def list_decisions(work: Work, episode_id: UUID, *, before: UUID | None, at_most: int) -> Page:
    """Decisions of an episode, superseded ones too, those this caller may use."""
    _, about = work.authorised(Action.PLACEMENT_READ, episode_loader(episode_id))
    page = records.placements_page(work.db, episode_id, before, at_most + 1)
    found: list[PlacementDecision] = []
    for stored in page[:at_most]:
        item = items.find(work, stored.item_id, lock=False)
        if item is not None and decide_use(work, item, about).permitted:
            found.append(kept.opened(work, stored))
    work.record(
        action=Action.PLACEMENT_READ,
        object_kind="episode",
        object_id=episode_id,
        patient_id=page[0].patient_id if page else None,
        detail={"listed": [str(one.id) for one in found]},
    )
    last = page[at_most - 1].item_id if len(page) > at_most else None
    return Page(tuple(found), last, more=len(page) > at_most)


# -- for operations above: inside an act that is allowed already ------------------------------------------


def suggest(work: Work, rules: PlacementRules, episode: Episode) -> Suggestion:
    """What the rules say now."""
    return consider(work, rules, episode).suggestion


def decision_of(work: Work, episode_id: UUID) -> PlacementDecision | None:
    """The decision in force, else the one that awaits its second signature, else the last; None when there is none."""
    found = [kept.opened(work, stored) for stored in records.placements_of(work.db, episode_id)]
    order = (DecisionState.SIGNED, DecisionState.AWAITING_SECOND, DecisionState.SUPERSEDED)
    return min(found, key=lambda one: order.index(one.state), default=None)


# -- inside -----------------------------------------------------------------------------------------------


def _decide(work: Work, rules: PlacementRules, episode: Episode, new: NewDecision) -> PlacementDecision:
    if not episode.is_open:
        raise Conflict(Code.PLACEMENT_STATE, "This episode has ended.", state=episode.state.value)
    found = _as_seen(work, rules, episode, new)
    verdict = judged(rules.book, found.suggestion, new, circumstances_of(work, episode, new))
    if verdict.faults:
        raise Invalid(Code.PLACEMENT_INVALID, "This decision cannot stand as it is.", verdict.faults)
    made = made_of(work, rules, episode, found, new, verdict)
    _supersede_others(work, episode.id, but=made.id, signed=made.state is DecisionState.SIGNED)
    items.add(
        work,
        NewItem(
            id=made.id,
            patient_id=episode.patient_id,
            kind=Kind.LEVEL_OF_CARE,
            unit=episode.unit,
            content=content_of(made),
            labels=_LABELS[episode.track],
            state=ItemState.FINAL if made.state is DecisionState.SIGNED else ItemState.DRAFT,
        ),
    )
    records.insert_placement(work.db, kept.sealed(work, made), work.entry_id)
    _record(work, Action.PLACEMENT_DECIDE, made, payload=content_of(made))
    raise_emergency(work, episode, found)
    return made


def _as_seen(work: Work, rules: PlacementRules, episode: Episode, new: NewDecision) -> Considered:
    """The suggestion the clinician saw, if it still is what the rules say and is not too old."""
    found = consider(work, rules, episode, computed_at=new.seen.computed_at)
    if new.seen.hash not in found.names or not found.computed_at <= work.now <= found.expires_at:
        _refuse_stale(work, rules, episode)
    return found


def _refuse_stale(work: Work, rules: PlacementRules, episode: Episode) -> NoReturn:
    now = consider(work, rules, episode)
    work.refuse(
        Conflict(
            Code.SUGGESTION_STALE,
            "The suggestion is no longer the one you saw. Look at this one and decide again.",
            suggestion=suggestion_view(rules.book, now),
        ),
        Denial(
            action=Action.PLACEMENT_DECIDE,
            object_kind="episode",
            object_id=episode.id,
            patient_id=episode.patient_id,
            detail={"reason": "suggestion_stale"},
        ),
    )


def _supersede_others(work: Work, episode_id: UUID, *, but: UUID, signed: bool = True) -> None:
    """A decision in force ends the one before it; one that awaits its second only ends others that do."""
    for stored in records.placements_of(work.db, episode_id, changing=True):
        state = DecisionState(stored.state)
        if stored.item_id == but or state is DecisionState.SUPERSEDED:
            continue
        if not signed and state is DecisionState.SIGNED:
            continue
        before = kept.opened(work, stored)
        ended = replace(before, state=after(state, Act.SUPERSEDE), version=before.version + 1)
        records.replace_placement(work.db, kept.sealed(work, ended), work.entry_id)


def _loader(
    decision_id: UUID, *, changing: bool = False
) -> Callable[[Work], Loaded[tuple[StoredPlacement, Facts]] | None]:
    """The patient is locked before the decision, as every act about a patient does."""

    def load(work: Work) -> Loaded[tuple[StoredPlacement, Facts]] | None:
        stored = records.placement_by_id(work.db, decision_id)
        if stored is not None and changing:
            patient_for_update(work.db, stored.patient_id)
            stored = records.placement_by_id(work.db, decision_id, changing=True)
        facts = None if stored is None else patient_facts(work, stored.patient_id)
        if stored is None or facts is None:
            return None
        return Loaded((stored, facts), facts, KIND, stored.item_id, patient_id=stored.patient_id)

    return load


def _refuse_own(work: Work, one: PlacementDecision) -> NoReturn:
    work.refuse(
        Refused(Code.NOT_PERMITTED, "Another clinician signs as the second."),
        Denial(
            action=Action.PLACEMENT_SECOND,
            object_kind=KIND,
            object_id=one.id,
            patient_id=one.patient_id,
            detail={"reason": "own_decision"},
        ),
    )


def _record(work: Work, action: Action, one: PlacementDecision, payload: Any = None) -> None:
    work.record(
        action=action,
        object_kind=KIND,
        object_id=one.id,
        object_version=one.version,
        patient_id=one.patient_id,
        detail={"state": one.state.value, "rule_set": one.rule_set, "overridden": one.overridden},
        payload=payload,
    )
