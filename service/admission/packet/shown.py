"""What of a packet whom is shown: the patient their own list, compliance that something is asked for and why in law."""

from dataclasses import replace

from service.admission.packet.model import Missing, Source
from service.admission.packet.whole import Packet


def own_list(packet: Packet) -> Packet:
    """A patient's own list: what waits for them. Reasons written by staff for staff are not shown."""
    mine = tuple(
        replace(item, why="", assignee_id=None) for item in packet.items if item.source is Source.PATIENT
    )
    return Packet(packet.gathered, mine, ())


def without_findings(packet: Packet) -> Packet:
    """For somebody who looks after the packet and may not read what was answered: that an urgent flag keeps a step
    shut, not what it is about.
    """
    gates = tuple(replace(gate, missing=tuple(_unsaid(one) for one in gate.missing)) for gate in packet.gates)
    return replace(packet, gathered=replace(packet.gathered, flags=()), gates=gates)


def _unsaid(missing: Missing) -> Missing:
    return replace(missing, words="An urgent flag is open.") if missing.code == "open_emergency" else missing
