"""Refusing a step for what the packet still lacks: everything is named at once, and the attempt is in the ledger."""

from collections.abc import Iterable
from typing import NoReturn

from service.access.actions import Action
from service.admission.packet.model import Block, Missing
from service.admission.packet.whole import Packet
from service.errors import Code, Conflict
from service.people.episodes.episode import Episode
from service.work import Denial, Work


def missing_for(packet: Packet, blocks: Iterable[Block]) -> tuple[Missing, ...]:
    """Everything that keeps any of these gates shut, each thing once."""
    wanted = tuple(blocks)
    shut = {gate.block: gate.missing for gate in packet.gates}
    return tuple(dict.fromkeys(one for block in wanted for one in shut[block]))


def refuse(
    work: Work, action: Action, code: Code, words: str, episode: Episode, missing: tuple[Missing, ...]
) -> NoReturn:
    """Conflict `code` with all of `missing`."""
    work.refuse(
        Conflict(
            code,
            words,
            missing=[
                {"code": one.code, "words": one.words, "who": one.who, "item": one.item} for one in missing
            ],
        ),
        Denial(
            action=action,
            object_kind="episode",
            object_id=episode.id,
            patient_id=episode.patient_id,
            detail={"missing": [one.code for one in missing]},
        ),
    )
