"""Deciding on the level of care of somebody who has agreed to be screened: what is to come first, comes first.

The answers of a screen are kept whenever they are given, because what may be danger is not turned away for want of a
paper. What rests on them waits for the consent to care, except in an emergency (packet.md section 2, F04 and F25).
"""

from uuid import UUID

from service.access.actions import Action
from service.admission.gating import missing_for, refuse
from service.admission.packet.intake import Library
from service.admission.packet.model import Block
from service.admission.packet.whole import intake_of_episode, packet_in
from service.admission.placement import operations
from service.admission.placement.considering import PlacementRules
from service.admission.placement.decision import NewDecision
from service.admission.placement.kept import PlacementDecision
from service.errors import Code, Conflict
from service.people.episodes.episode import Episode
from service.people.episodes.operations import authorised_episode, current_episode
from service.people.facts import load_patient
from service.work import Work


def decide(
    work: Work, library: Library, rules: PlacementRules, episode_id: UUID, new: NewDecision
) -> PlacementDecision:
    """The decision on an episode. Conflict `screening_blocked` with everything that is to come before."""
    episode = authorised_episode(work, Action.PLACEMENT_DECIDE, episode_id, changing=True)
    _screened(work, library, episode)
    return operations.decide(work, rules, episode_id, new)


def decide_for_patient(
    work: Work, library: Library, rules: PlacementRules, patient_id: UUID, new: NewDecision
) -> PlacementDecision:
    """The same for the episode the patient is in."""
    work.authorised(Action.PLACEMENT_DECIDE, lambda work: load_patient(work, patient_id, changing=True))
    episode = current_episode(work, patient_id)
    if episode is None:
        raise Conflict(Code.PLACEMENT_STATE, "This patient is in no episode: a referral comes first.")
    _screened(work, library, episode)
    return operations.decide_for_patient(work, rules, patient_id, new)


def _screened(work: Work, library: Library, episode: Episode) -> None:
    if not episode.is_open:
        return  # what cannot be decided any more is refused for that
    packet = packet_in(work, library, intake_of_episode(work, episode))
    if missing := missing_for(packet, (Block.SCREEN,)):
        words = "The level of care is decided after the consent to care: everything that is missing is named."
        refuse(work, Action.PLACEMENT_DECIDE, Code.SCREENING_BLOCKED, words, episode, missing)
