"""What the placement rules say, beside the packet, for whoever may read it; a suggestion, never a decision."""

from service.access.actions import Action
from service.admission.packet.whole import Packet
from service.admission.placement.considering import PlacementRules
from service.admission.placement.operations import suggest
from service.admission.placement.rules import Suggestion
from service.people.facts import patient_facts
from service.work import Work


def suggested(work: Work, rules: PlacementRules, packet: Packet) -> Suggestion | None:
    """The suggestion for an open episode, inside an act already allowed; None for whom it is not meant."""
    if packet.episode is None:
        return None
    facts = patient_facts(work, packet.episode.patient_id)
    if facts is None or not work.permits(Action.PLACEMENT_READ, facts):
        return None
    return suggest(work, rules, packet.episode)
