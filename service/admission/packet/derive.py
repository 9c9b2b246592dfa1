"""The packet of one patient as of now: items, statuses, dates, what each still blocks. Pure: nobody types any of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from service.admission.deadlines import Deadlines
from service.admission.packet.catalogue import ItemRule, PacketBook
from service.admission.packet.happened import happened_to
from service.admission.packet.lifecycle import Act, Happened, status_of
from service.admission.packet.model import DueBy, PacketItem, Status
from service.admission.packet.situation import Situation
from service.admission.packet.texts import TextBook
from service.admission.packet.traces import AFTER_EMERGENCY, ITSELF, RE_OFFER, Decided, Traces
from service.admission.profile import Profile

#: Where a follow-up's date comes from.
FOLLOW_UP_SOURCE = "design: within a day of when it could not be done"


@dataclass(frozen=True, slots=True)
class Books:
    """What a packet is worked out with: the same for every patient of the service."""

    packet: PacketBook
    texts: TextBook
    deadlines: Deadlines


def packet_of(
    books: Books, profile: Profile, zone: ZoneInfo, situation: Situation, traces: Traces, now: datetime
) -> tuple[PacketItem, ...]:
    """All items that apply, in the order of an intake; an item skipped in an emergency is there as its follow-up."""
    rules = [rule for rule in books.packet.items.values() if books.packet.applies(rule, situation)]
    happened = {rule.key: happened_to(rule, traces, books.texts, zone, now) for rule in rules}
    status = {key: status_of(acts) for key, acts in happened.items()}
    settled = {key for key, (one, _) in status.items() if one in (Status.DONE, Status.WAIVED)}
    settled |= {key for (key, _), decided in traces.decided.items() if decided.skipped_at is not None}
    items: list[PacketItem] = []
    for rule in rules:
        decided = traces.decided.get((rule.key, ITSELF))
        skipped = decided is not None and decided.skipped_at is not None
        if not skipped:
            waiting = tuple(key for key in rule.depends_on if key in status and key not in settled)
            now_is, why = status[rule.key]
            due = _due(books.deadlines, rule, profile, zone, traces)
            items.append(_item(books, rule, situation, traces, now_is, why, due, decided, waiting))
        items.extend(_follow_ups(rule, happened[rule.key], traces, skipped=skipped))
    return tuple(items)


def _item(
    books: Books,
    rule: ItemRule,
    situation: Situation,
    traces: Traces,
    status: Status,
    why: str,
    due: DueBy | None,
    decided: Decided | None,
    waiting: tuple[str, ...],
) -> PacketItem:
    lifted = status in (Status.DONE, Status.WAIVED) or (status is Status.DECLINED and rule.declining_lifts)
    return PacketItem(
        key=rule.key,
        instance=ITSELF,
        title=rule.title["en"],
        kind=rule.done_by.how,
        status=status,
        owner=rule.owner if decided is None else decided.assignee_role,
        assignee_id=_account(decided),
        due=due,
        blocks=() if lifted else books.packet.blocks_of(rule, situation),
        depends_on=rule.depends_on,
        source=rule.waits_for,
        why=why,
        hook=rule.hook,
        waivable=rule.waivable,
        last_nudge_at=None if decided is None else decided.last_nudge_at,
        expires_on=_expires(rule, status, traces),
        waiting_for=waiting,
        required=rule.required,
        version=0 if decided is None else decided.version,
    )


def _follow_ups(
    rule: ItemRule, happened: tuple[Happened, ...], traces: Traces, *, skipped: bool
) -> Iterator[PacketItem]:
    """What was put off, to be done when it can be: it blocks nothing, and is done by doing the item itself."""
    for instance in (AFTER_EMERGENCY, RE_OFFER):
        decided = traces.decided.get((rule.key, instance))
        if decided is None or decided.opened_at is None or (instance == AFTER_EMERGENCY) is not skipped:
            continue
        opened = decided.opened_at
        status, why = status_of(
            one for one in happened if one.at >= opened and one.act not in (Act.WAIVE, Act.RETURN)
        )
        due = decided.due_at
        yield PacketItem(
            key=rule.key,
            instance=instance,
            title=rule.title["en"],
            kind=rule.done_by.how,
            status=status,
            owner=decided.assignee_role,
            assignee_id=_account(decided),
            due=None if due is None else DueBy(due, "24 hours", FOLLOW_UP_SOURCE, "policy"),
            blocks=(),
            depends_on=(),
            source=rule.waits_for,
            why=why or decided.reason,
            hook=rule.hook,
            waivable=False,
            last_nudge_at=decided.last_nudge_at,
            version=decided.version,
        )


def _account(decided: Decided | None) -> UUID | None:
    return None if decided is None or decided.assignee_id is None else UUID(decided.assignee_id)


def _due(
    deadlines: Deadlines, rule: ItemRule, profile: Profile, zone: ZoneInfo, traces: Traces
) -> DueBy | None:
    if rule.within is None:
        return None
    strictest = deadlines.strictest(rule.within, profile)
    match rule.counted_from:
        case "opened":
            start = traces.started_at or traces.opened_at
        case "admitted":
            start = traces.admitted_at
        case "screened":
            start = max(traces.suicide_flags, default=None)
    if start is None:
        return DueBy(None, strictest.words, strictest.source, strictest.conf)
    first = deadlines.earliest(rule.within, profile, start, zone, traces.visits)
    return DueBy(first.at, first.deadline.words, first.deadline.source, first.deadline.conf)


def _expires(rule: ItemRule, status: Status, traces: Traces) -> date | None:
    """The last day on which what was done still holds, where it is for a time."""
    if status is not Status.DONE:
        return None
    if rule.is_form:
        signed = [one for one in traces.signatures if one.form == rule.key]
        return max(signed, key=lambda one: one.signed_at).expires_on if signed else None
    if rule.done_by.how == "consent":
        found = [
            one.expires_on
            for one in traces.consents
            if one.state == "active" and one.kind in rule.done_by.names and one.expires_on is not None
        ]
        return min(found, default=None)
    return None
