"""What of a packet whom is shown: the patient their own list, compliance that something is asked for and why in law."""

from dataclasses import replace

from service.admission.packet.catalogue import PacketBook
from service.admission.packet.gate import gates_of
from service.admission.packet.model import Missing, PacketItem, Source
from service.admission.packet.whole import Packet


def own_list(packet: Packet) -> Packet:
    """A patient's own list: what waits for them. Reasons written by staff for staff are not shown."""
    mine = tuple(
        replace(item, why="", assignee_id=None) for item in packet.items if item.source is Source.PATIENT
    )
    return Packet(packet.gathered, mine, ())


def without_findings(book: PacketBook, packet: Packet) -> Packet:
    """For somebody who looks after the packet and may not read what was answered (45 CFR 164.502(b)): what is asked for,
    what it keeps shut and which rule says so; not why with this patient.
    """
    items = tuple(without_reason(item) for item in packet.items)
    hooks = {item.key: item.hook.citation for item in items}
    gates = tuple(
        replace(gate, missing=tuple(_unsaid(one, hooks.get(one.item or "")) for one in gate.missing))
        for gate in gates_of(book, items, packet.gathered.standing)
    )
    return replace(packet, gathered=replace(packet.gathered, flags=()), items=items, gates=gates)


def without_reason(item: PacketItem) -> PacketItem:
    """An item with its rule and without what was found, decided or written about the patient."""
    return replace(item, why="")


def _unsaid(missing: Missing, cited: str | None) -> Missing:
    """The words of an item tell of no answer once its reason is gone; those of what is no item are made general."""
    if cited is not None:
        return replace(missing, words=f"{missing.words} Asked for by: {cited}.")
    if missing.code == "open_emergency":
        return replace(missing, words="An urgent flag is open.")
    return missing
