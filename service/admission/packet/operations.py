"""The packet of a patient: read, assigned, waived, sent back, skipped in an emergency.

Everything but those decisions is worked out when it is read. So a status cannot be forgotten, and nobody sets one.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from service.access.actions import Action
from service.access.caller import CallerKind, Role
from service.admission.found import records as found
from service.admission.packet import records
from service.admission.packet.catalogue import ItemRule
from service.admission.packet.decisions import check_version, decided, keep, put_off
from service.admission.packet.derive import packet_of
from service.admission.packet.gate import gates_of
from service.admission.packet.gathering import Gathered, Intake, Library, gather, intake_of
from service.admission.packet.lifecycle import Act, after
from service.admission.packet.model import Block, Gate, Missing, Outcome, PacketItem, Source
from service.admission.packet.prefill import Answered, Known, known_values
from service.admission.packet.records import StoredDecision
from service.admission.packet.sealing import opened_signature
from service.admission.packet.traces import AFTER_EMERGENCY, ITSELF, Decided
from service.errors import Code, Conflict, FieldError, Invalid, NotFound
from service.identity.records import account_by_id
from service.people.episodes.episode import Episode
from service.people.episodes.operations import current_episode
from service.people.facts import facts_of, load_patient
from service.people.operations import open_demographics
from service.people.records import StoredPatient, patient_by_id
from service.work import Json, Work

OBJECT: Final = "packet_item"


@dataclass(frozen=True, slots=True, repr=False)
class Packet:
    """A patient's packet as of now."""

    gathered: Gathered
    items: tuple[PacketItem, ...]
    gates: tuple[Gate, ...]

    @property
    def ready_for_admission(self) -> bool:
        return all(gate.open for gate in self.gates if gate.block is Block.ADMIT)

    @property
    def episode(self) -> Episode | None:
        return self.gathered.intake.episode


@dataclass(frozen=True, slots=True, repr=False)
class Done:
    """A decision that was kept: the id of its row, and the item as it is now."""

    row_id: UUID
    item: PacketItem


def read_packet(work: Work, library: Library, patient_id: UUID) -> Packet:
    """Everything there is to do, for staff; for the patient their own to-do list, and no word about anybody's work."""
    stored = work.authorised(Action.PACKET_READ, lambda work: load_patient(work, patient_id))
    packet = packet_in(work, library, _intake(work, stored))
    if work.caller.kind is CallerKind.PATIENT:
        packet = _own(packet)
    elif not work.permits(Action.ASSESSMENT_LIST, facts_of(work, stored)):
        packet = _without_findings(packet)
    _record(work, Action.PACKET_READ, patient_id, None, {"items": len(packet.items)})
    return packet


def known_of(work: Work, library: Library, patient_id: UUID) -> tuple[Known, ...]:
    """What is known of the patient already, to be confirmed rather than typed."""
    stored = work.authorised(Action.FORM_READ, lambda work: load_patient(work, patient_id))
    intake = _intake(work, stored)
    answered = [
        Answered(event.form, event.text_version, event.signed_at, event.answers)
        for row in records.signatures(work.db, [patient_id])
        if row.form in library.books.packet.items and row.outcome != Outcome.DECLINED
        for event in [opened_signature(work, row)]
    ]
    known = known_values(
        open_demographics(work, stored), stored.changed_at, answered, intake.opened_at, work.now
    )
    work.record(
        action=Action.FORM_READ,
        object_kind="prefill",
        object_id=None,
        patient_id=patient_id,
        detail={"fields": sorted({one.field for one in known})},
    )
    return known


def packet_in(work: Work, library: Library, intake: Intake) -> Packet:
    """A packet worked out closely, inside an act already allowed."""
    (gathered,) = gather(work, library, [intake], closely=True)
    return packet_from(work, library, gathered)


def packet_from(work: Work, library: Library, gathered: Gathered) -> Packet:
    """The packet that follows from what was gathered."""
    items = packet_of(
        library.books,
        gathered.profile,
        work.program.zone,
        gathered.situation,
        gathered.traces,
        work.now,
    )
    return Packet(gathered, items, gates_of(library.books.packet, items, gathered.standing))


def intake_of_episode(work: Work, episode: Episode) -> Intake:
    """An episode as something to be worked out, inside an act already allowed."""
    (row,) = found.episodes(work.db, [episode.id])
    return intake_of(work, episode.patient_id, episode.opened_on, row.created_at, episode)


def waive(
    work: Work, library: Library, patient_id: UUID, item: str, reason: str, version: int | None = None
) -> Done:
    """Let an item go, with a reason, by somebody whose role may. Conflict `packet_item_not_waivable` for what nobody can
    waive: a notice, the consent to care, a safety plan, the suicide screen, the placement.
    """

    def decide(rule: ItemRule, before: Decided, shown: PacketItem) -> Decided:
        if not shown.waivable:
            raise Conflict(Code.PACKET_ITEM_NOT_WAIVABLE, "Nobody can waive this item.", item=rule.key)
        after(shown.status, Act.WAIVE)
        return replace(
            before, waived_at=work.now, waived_by=_role(work), waiver=_line(reason), returned_at=None
        )

    return _change(work, library, Action.PACKET_WAIVE, patient_id, item, version, "waived", decide)


def send_back(
    work: Work, library: Library, patient_id: UUID, item: str, reason: str, version: int | None = None
) -> Done:
    """Something is wrong with what was handed in: it needs fixing, for the reason given."""

    def decide(rule: ItemRule, before: Decided, shown: PacketItem) -> Decided:
        del rule
        after(shown.status, Act.RETURN)
        return replace(before, returned_at=work.now, returned=_line(reason))

    return _change(work, library, Action.PACKET_WORK, patient_id, item, version, "needs_fix", decide)


def assign(
    work: Work,
    library: Library,
    patient_id: UUID,
    item: str,
    role: str,
    account_id: UUID | None,
    version: int | None = None,
) -> Done:
    """Whose task it is: a role, or one member of staff who has it."""

    def decide(rule: ItemRule, before: Decided, shown: PacketItem) -> Decided:
        del rule, shown
        if account_id is not None:
            account = account_by_id(work.db, account_id)
            if account is None or account.kind is not CallerKind.STAFF or Role(role) not in account.roles:
                fault = FieldError("account_id", "unknown", "Nobody of that role has this account.")
                raise Invalid(Code.PACKET_ITEM_INVALID, "It cannot be given to this account.", [fault])
        return replace(
            before, assignee_role=role, assignee_id=None if account_id is None else str(account_id)
        )

    return _change(work, library, Action.PACKET_WORK, patient_id, item, version, "assigned", decide)


def skip(
    work: Work, library: Library, patient_id: UUID, item: str, reason: str, version: int | None = None
) -> Done:
    """The emergency path: this step waits, with one line of why, and a follow-up asks for it within a day (42 CFR 2.51).
    What is skipped blocks nothing; the follow-up is what is returned.
    """

    def decide(rule: ItemRule, before: Decided, shown: PacketItem) -> Decided:
        if shown.settled:
            raise Conflict(Code.PACKET_ITEM_STATE, "There is nothing left to skip.", state=shown.status.value)
        del rule
        return replace(before, skipped_at=work.now, skipped=_line(reason))

    return _change(
        work,
        library,
        Action.PACKET_WORK,
        patient_id,
        item,
        version,
        "skipped",
        decide,
        shows=AFTER_EMERGENCY,
    )


def read_item(work: Work, library: Library, row_id: UUID) -> PacketItem:
    """The item of a decision that was made: the answer to a repeated request."""
    row = records.decision_by_id(work.db, row_id)
    if row is None:
        raise NotFound(Code.NOT_FOUND, "There is nothing here for you.")
    stored = work.authorised(Action.PACKET_READ, lambda work: load_patient(work, row.patient_id))
    packet = packet_in(work, library, _intake(work, stored))
    _record(work, Action.PACKET_READ, row.patient_id, row.id, {"item": row.item})
    skipped = (row.item, ITSELF) not in {(one.key, one.instance) for one in packet.items}
    instance = AFTER_EMERGENCY if skipped and row.instance == ITSELF else row.instance
    return _shown(packet, row.item, instance)


def split(item: str) -> tuple[str, str]:
    """`F04`, or `F04:re_offer` for the follow-up of it."""
    key, _, instance = item.partition(":")
    return key, instance


# -- inside

_Decide = Callable[[ItemRule, Decided, PacketItem], Decided]


def _change(
    work: Work,
    library: Library,
    action: Action,
    patient_id: UUID,
    item: str,
    version: int | None,
    what: str,
    decide: _Decide,
    *,
    shows: str | None = None,
) -> Done:
    """One decision about one item; `shows` is the follow-up it leaves behind, and what is answered."""
    stored = work.authorised(action, lambda work: load_patient(work, patient_id, changing=True))
    key, instance = split(item)
    rule = library.books.packet.items.get(key)
    if rule is None:
        raise NotFound(Code.NOT_FOUND, "There is no such item in this packet.")
    episode = _episode(work, patient_id)
    intake = _intake(work, stored)
    shown = _shown(packet_in(work, library, intake), key, instance)
    row, before = decided(work, episode, rule, instance)
    check_version(row, version)
    now = decide(rule, before, shown)
    kept: StoredDecision = keep(work, episode, row, now, state=what)
    if shows is not None:
        put_off(work, episode, rule, shows, f"Skipped in an emergency: {now.skipped}")
    _record(work, action, patient_id, kept.id, {"item": key, "decided": what}, version=kept.version)
    after_it = packet_in(work, library, intake)
    return Done(kept.id, _shown(after_it, key, instance if shows is None else shows))


def _episode(work: Work, patient_id: UUID) -> Episode:
    episode = current_episode(work, patient_id)
    if episode is None:
        raise Conflict(Code.PACKET_ITEM_STATE, "This patient has no open episode.")
    return episode


def _intake(work: Work, stored: StoredPatient) -> Intake:
    """The open episode, or, before anybody has opened one, the time since the patient was registered."""
    episode = current_episode(work, stored.id)
    if episode is not None:
        return intake_of_episode(work, episode)
    registered = stored.created_at
    return intake_of(work, stored.id, registered.astimezone(work.program.zone).date(), registered, None)


def intake_for(work: Work, patient_id: UUID) -> Intake:
    """The intake a patient is in, inside an act already allowed."""
    stored = patient_by_id(work.db, patient_id)
    if stored is None:
        raise NotFound(Code.NOT_FOUND, "There is nothing here for you.")
    return _intake(work, stored)


def _shown(packet: Packet, key: str, instance: str) -> PacketItem:
    for item in packet.items:
        if (item.key, item.instance) == (key, instance):
            return item
    raise NotFound(Code.NOT_FOUND, "There is no such item in this packet.")


def _own(packet: Packet) -> Packet:
    """A patient's own list: what waits for them. Reasons written by staff for staff are not shown."""
    mine = tuple(
        replace(item, why="", assignee_id=None) for item in packet.items if item.source is Source.PATIENT
    )
    return Packet(packet.gathered, mine, ())


def _without_findings(packet: Packet) -> Packet:
    """For somebody who looks after the packet and may not read what was answered: that an urgent flag keeps a step
    shut, not what it is about.
    """
    gates = tuple(replace(gate, missing=tuple(_unsaid(one) for one in gate.missing)) for gate in packet.gates)
    return replace(packet, gathered=replace(packet.gathered, flags=()), gates=gates)


def _unsaid(missing: Missing) -> Missing:
    return replace(missing, words="An urgent flag is open.") if missing.code == "open_emergency" else missing


def _role(work: Work) -> str:
    return ", ".join(sorted(role.value for role in work.caller.roles))


def _line(reason: str) -> str:
    """One line that says something. Invalid `packet_item_invalid` otherwise."""
    line = reason.strip()
    if not line or "\n" in line or "\r" in line:
        fault = FieldError("reason", "malformed", "Say why, in one line.")
        raise Invalid(Code.PACKET_ITEM_INVALID, "A reason is needed.", [fault])
    return line


def _record(
    work: Work,
    action: Action,
    patient_id: UUID,
    row_id: UUID | None,
    detail: dict[str, Json],
    version: int | None = None,
) -> None:
    work.record(
        action=action,
        object_kind=OBJECT,
        object_id=row_id,
        object_version=version,
        patient_id=patient_id,
        detail=detail,
    )
