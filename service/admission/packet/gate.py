"""What stands before a step: every single thing, with whom it waits for (packet.md section 5). Pure.

What may never stand there is not in the packet's `blocks`: a notice the patient did not sign, a consent to share, a
paper about money for somebody who must not wait for money.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from service.admission.packet.catalogue import PacketBook
from service.admission.packet.model import Block, Gate, Missing, PacketItem, Status

#: The steps that are asked about as gates; SHARE is the law's to decide, item by item.
GATES = (Block.SCREEN, Block.LEAVE, Block.ADMIT, Block.GROUP, Block.MESSAGES, Block.BILL)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a gate asks beside the items."""

    admitted: bool = False
    #: Urgent flags nobody has dealt with, by the words of their next step.
    emergencies: tuple[str, ...] = ()
    tb_suspected: bool = False
    diagnosed: bool = False
    note_signed: bool = False


_SUFFIX = {
    Status.NOT_STARTED: ("missing", "has not been done"),
    Status.SENT: ("missing", "was sent and has not come back"),
    Status.IN_PROGRESS: ("incomplete", "is not complete"),
    Status.NEEDS_FIX: ("needs_fix", "has to be put right"),
    Status.DECLINED: ("declined", "was declined"),
    Status.EXPIRED: ("expired", "has to be done again: its time is over"),
}


def gate_of(block: Block, book: PacketBook, items: Sequence[PacketItem], standing: Standing) -> Gate:
    """Whether the step is open, and all that keeps it shut."""
    missing = [*_items(block, book, items)]
    match block:
        case Block.SCREEN if standing.emergencies:
            # whoever may be in danger is looked at first, and signs when they can
            missing = []
        case Block.ADMIT:
            missing += _emergencies(standing)
        case Block.GROUP:
            missing += _group(standing)
        case Block.BILL:
            missing += _bill(standing)
        case _:
            pass
    return Gate(block, tuple(missing))


def gates_of(book: PacketBook, items: Sequence[PacketItem], standing: Standing) -> tuple[Gate, ...]:
    """All gates, in the order of an intake."""
    return tuple(gate_of(block, book, items, standing) for block in GATES)


def _items(block: Block, book: PacketBook, items: Sequence[PacketItem]) -> Iterator[Missing]:
    """One line for each item that blocks; one for several of which one is enough."""
    told: set[str] = set()
    for item in items:
        if block not in item.blocks:
            continue
        group = book.items[item.key].either if block is Block.BILL else None
        if group is None:
            yield _missing(item)
        elif group not in told:
            told.add(group)
            yield from _either(block, book, items, group)


def _either(block: Block, book: PacketBook, items: Sequence[PacketItem], group: str) -> Iterator[Missing]:
    members = [one for one in items if book.items[one.key].either == group]
    if any(block not in one.blocks for one in members):
        return
    keys = " or ".join(one.key for one in members)
    titles = " or ".join(one.title for one in members)
    yield Missing(f"{group}_missing", f"{titles} ({keys}): one of them is needed.", members[0].owner, keys)


def _missing(item: PacketItem) -> Missing:
    suffix, words = _SUFFIX[item.status]
    why = f" {item.why}" if item.why else ""
    waits = f" Needed first: {', '.join(item.waiting_for)}." if item.waiting_for else ""
    name = item.title if item.title == item.key else f"{item.title} ({item.key})"
    return Missing(f"{item.key.lower()}_{suffix}", f"{name} {words}.{why}{waits}", item.owner, item.key)


def _emergencies(standing: Standing) -> Iterable[Missing]:
    return [
        Missing("open_emergency", f"An urgent flag is open: {step}", "clinician")
        for step in standing.emergencies
    ]


def _group(standing: Standing) -> Iterator[Missing]:
    if not standing.admitted:
        yield Missing("not_admitted", "The patient has not been admitted.", "intake")
    if standing.tb_suspected:
        yield Missing(
            "tb_not_cleared", "Cough and fever questions found something: medical review.", "clinician"
        )


def _bill(standing: Standing) -> Iterator[Missing]:
    if not standing.diagnosed:
        yield Missing("diagnosis_missing", "No diagnosis has been recorded.", "clinician")
    if not standing.note_signed:
        yield Missing("note_missing", "No progress note has been signed.", "clinician")
