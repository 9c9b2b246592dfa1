"""What people decide about an item of a packet: waived, sent back, assigned, skipped in an emergency.

One decision, one row, one entry; the packet is worked out anew from it.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Final
from uuid import UUID

from service.access.actions import Action
from service.access.caller import CallerKind, Role
from service.access.facts import Facts
from service.admission.packet import records
from service.admission.packet.catalogue import ItemRule
from service.admission.packet.decisions import check_version, decided, keep, put_off
from service.admission.packet.intake import Library
from service.admission.packet.lifecycle import Act, after
from service.admission.packet.model import PacketItem
from service.admission.packet.shown import without_reason
from service.admission.packet.traces import AFTER_EMERGENCY, ITSELF, Decided
from service.admission.packet.whole import Packet, intake_now, packet_in
from service.errors import Code, Conflict, FieldError, Invalid, NotFound, Refused
from service.identity.records import account_by_id
from service.people.episodes.episode import Episode
from service.people.episodes.operations import current_episode
from service.people.facts import facts_of, load_patient
from service.work import Denial, Work

OBJECT: Final = "packet_item"


@dataclass(frozen=True, slots=True, repr=False)
class Done:
    """A decision that was kept: the id of its row, and the item as it is now."""

    row_id: UUID
    item: PacketItem


@dataclass(frozen=True, slots=True, repr=False)
class About:
    """What a decision is about, beside the item as it is."""

    patient_id: UUID
    rule: ItemRule
    facts: Facts


@dataclass(frozen=True, slots=True)
class Waiver:
    """Let an item go, with a reason, by somebody whose role may. Conflict `packet_item_not_waivable` for what nobody can
    waive: a notice, the consent to care, a safety plan, the suicide screen, the placement.
    """

    reason: str
    action: ClassVar[Action] = Action.PACKET_WAIVE
    named: ClassVar[str] = "waived"
    leaves: ClassVar[str | None] = None

    def on(self, work: Work, about: About, before: Decided, shown: PacketItem) -> Decided:
        del about
        if not shown.waivable:
            raise Conflict(Code.PACKET_ITEM_NOT_WAIVABLE, "Nobody can waive this item.", item=shown.key)
        after(shown.status, Act.WAIVE)
        return replace(
            before, waived_at=work.now, waived_by=_role(work), waiver=_line(self.reason), returned_at=None
        )


@dataclass(frozen=True, slots=True)
class Return:
    """Something is wrong with what was handed in: it needs fixing, for the reason given."""

    reason: str
    action: ClassVar[Action] = Action.PACKET_WORK
    named: ClassVar[str] = "needs_fix"
    leaves: ClassVar[str | None] = None

    def on(self, work: Work, about: About, before: Decided, shown: PacketItem) -> Decided:
        del about
        after(shown.status, Act.RETURN)
        return replace(before, returned_at=work.now, returned=_line(self.reason))


@dataclass(frozen=True, slots=True)
class Assignment:
    """Whose task it is: a role, or one member of staff who has it."""

    role: str
    account_id: UUID | None
    action: ClassVar[Action] = Action.PACKET_WORK
    named: ClassVar[str] = "assigned"
    leaves: ClassVar[str | None] = None

    def on(self, work: Work, about: About, before: Decided, shown: PacketItem) -> Decided:
        del about, shown
        if self.account_id is not None:
            account = account_by_id(work.db, self.account_id)
            if (
                account is None
                or account.kind is not CallerKind.STAFF
                or Role(self.role) not in account.roles
            ):
                fault = FieldError("account_id", "unknown", "Nobody of that role has this account.")
                raise Invalid(Code.PACKET_ITEM_INVALID, "It cannot be given to this account.", [fault])
        assignee = None if self.account_id is None else str(self.account_id)
        return replace(before, assignee_role=self.role, assignee_id=assignee)


@dataclass(frozen=True, slots=True)
class Skip:
    """The emergency path: this step waits, with one line of why, and a follow-up asks for it within a day (42 CFR 2.51).
    What is skipped blocks nothing; the follow-up is what is returned. That somebody is treated before they consent is a
    clinician's finding: of anybody else it is refused, and the refusal is in the ledger.
    """

    reason: str
    action: ClassVar[Action] = Action.PACKET_WORK
    named: ClassVar[str] = "skipped"
    leaves: ClassVar[str | None] = AFTER_EMERGENCY

    def on(self, work: Work, about: About, before: Decided, shown: PacketItem) -> Decided:
        if shown.settled:
            raise Conflict(Code.PACKET_ITEM_STATE, "There is nothing left to skip.", state=shown.status.value)
        if about.rule.clinician_skips and not work.permits(Action.MEDICAL_REVIEW, about.facts):
            work.refuse(
                Refused(
                    Code.NOT_PERMITTED,
                    "A clinician who sees the patient finds that consent cannot be waited for.",
                ),
                Denial(
                    action=Action.PACKET_WORK,
                    object_kind=OBJECT,
                    object_id=None,
                    patient_id=about.patient_id,
                    detail={"item": about.rule.key, "reason": "clinician_finds"},
                ),
            )
        return replace(before, skipped_at=work.now, skipped=_line(self.reason))


Decision = Waiver | Return | Assignment | Skip


def decide(
    work: Work,
    library: Library,
    patient_id: UUID,
    item: str,
    decision: Decision,
    version: int | None = None,
) -> Done:
    """One decision about one item; where it leaves a follow-up behind, that is what is answered."""
    stored = work.authorised(decision.action, lambda work: load_patient(work, patient_id, changing=True))
    key, instance = split(item)
    rule = library.books.packet.items.get(key)
    if rule is None:
        raise NotFound(Code.NOT_FOUND, "There is no such item in this packet.")
    episode = _episode(work, patient_id)
    intake = intake_now(work, stored)
    shown = _shown(packet_in(work, library, intake), key, instance)
    row, before = decided(work, episode, rule, instance)
    check_version(row, version)
    now = decision.on(work, About(patient_id, rule, facts_of(work, stored)), before, shown)
    kept = keep(work, episode, row, now, state=decision.named)
    if decision.leaves is not None:
        put_off(work, episode, rule, decision.leaves, f"Skipped in an emergency: {now.skipped}")
    work.record(
        action=decision.action,
        object_kind=OBJECT,
        object_id=kept.id,
        object_version=kept.version,
        patient_id=patient_id,
        detail={"item": key, "decided": decision.named},
    )
    after_it = packet_in(work, library, intake)
    return Done(kept.id, _shown(after_it, key, decision.leaves or instance))


def read_item(work: Work, library: Library, row_id: UUID) -> PacketItem:
    """The item of a decision that was made: the answer to a repeated request."""
    row = records.decision_by_id(work.db, row_id)
    if row is None:
        raise NotFound(Code.NOT_FOUND, "There is nothing here for you.")
    stored = work.authorised(Action.PACKET_READ, lambda work: load_patient(work, row.patient_id))
    packet = packet_in(work, library, intake_now(work, stored))
    work.record(
        action=Action.PACKET_READ,
        object_kind=OBJECT,
        object_id=row.id,
        patient_id=row.patient_id,
        detail={"item": row.item},
    )
    skipped = (row.item, ITSELF) not in {(one.key, one.instance) for one in packet.items}
    instance = AFTER_EMERGENCY if skipped and row.instance == ITSELF else row.instance
    item = _shown(packet, row.item, instance)
    return item if work.permits(Action.ASSESSMENT_LIST, facts_of(work, stored)) else without_reason(item)


def split(item: str) -> tuple[str, str]:
    """`F04`, or `F04:re_offer` for the follow-up of it."""
    key, _, instance = item.partition(":")
    return key, instance


# -- inside


def _episode(work: Work, patient_id: UUID) -> Episode:
    episode = current_episode(work, patient_id)
    if episode is None:
        raise Conflict(Code.PACKET_ITEM_STATE, "This patient has no open episode.")
    return episode


def _shown(packet: Packet, key: str, instance: str) -> PacketItem:
    for item in packet.items:
        if (item.key, item.instance) == (key, instance):
            return item
    raise NotFound(Code.NOT_FOUND, "There is no such item in this packet.")


def _role(work: Work) -> str:
    return ", ".join(sorted(role.value for role in work.caller.roles))


def _line(reason: str) -> str:
    """One line that says something. Invalid `packet_item_invalid` otherwise."""
    line = reason.strip()
    if not line or "\n" in line or "\r" in line:
        fault = FieldError("reason", "malformed", "Say why, in one line.")
        raise Invalid(Code.PACKET_ITEM_INVALID, "A reason is needed.", [fault])
    return line
