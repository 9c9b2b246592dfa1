"""Sending what is queued: claim, send, settle, each by itself.

    claim   a transaction: rows that are due are locked, counted and leased, the address is checked again, the message
            put in words; committed
    send    no transaction: a carrier takes the message, or does not
    settle  a transaction: sent, failed, or due again

Commit point is the claim's. Killed before it, nothing happened. Killed between claim and sending, nobody was written to,
and the message is due again when its lease has run out. Killed between sending and settling, the message went out and
nobody noted it: it is sent once more after the lease, under the same Message-ID, so that it can be known as a copy. Each
such death costs one copy, never a message.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from service.access.actions import Action
from service.access.facts import Facts
from service.access.program import Program
from service.delivery import records
from service.delivery.carriers import NotNow, Outcome, Parcel, Refused, Sent
from service.delivery.discretion import revealing, revealing_address
from service.delivery.model import Channel, LinkState, MessageKind, MessageState, Template
from service.delivery.operations import OBJECT, demographics, is_deceased, opened, sealed
from service.delivery.reaching import Way, way_to
from service.delivery.records import StoredMessage
from service.delivery.retrying import BATCH, LEASE, MOST_ATTEMPTS, next_attempt
from service.delivery.wording import Composed, MessageBook, compose, language_for
from service.errors import IntegrityError
from service.people.records import StoredPatient, patient_by_id
from service.work import Json, Loaded, Work

#: Ends of a message after which nobody has to call instead.
_NOBODY_CALLS: Final = frozenset({"chart_merged", "deceased", "link_over"})
#: Told of a message that will not arrive, in the transaction that notes it: somebody has to call.
Undelivered = Callable[[Work, StoredMessage], None]


def tell_nobody(work: Work, stored: StoredMessage) -> None:
    """Where no work list is connected: the state of the message says it."""
    del work, stored


@dataclass(frozen=True, slots=True, repr=False)
class Desk:
    """What sending needs: words, the address in From, and whom to tell of failures."""

    book: MessageBook
    mail_from: str
    undelivered: Undelivered = tell_nobody


@dataclass(frozen=True, slots=True, repr=False)
class Claimed:
    """A message on its way: `attempt` is which of its attempts this is."""

    message_id: UUID
    channel: Channel
    attempt: int
    parcel: Parcel


def claim(work: Work, desk: Desk) -> Sequence[Claimed]:
    """Take what is due in this program; the caller commits before anything is sent."""
    if not records.any_due(work.db, work.now):
        return ()
    work.require(Action.MESSAGE_SEND, object_kind=OBJECT)
    due = records.due_messages(work.db, work.now, BATCH)
    taken = [claimed for stored in due if (claimed := _claim(work, desk, stored)) is not None]
    if not work.recorded:  # another worker had locked them all
        work.record(action=Action.MESSAGE_SEND, object_kind=OBJECT, object_id=None, detail={"claimed": 0})
    return taken


def settle(work: Work, desk: Desk, claimed: Claimed, outcome: Outcome, chance: float) -> MessageState:
    """Note what became of an attempt. One that came back after its lease changes nothing that was settled since."""
    stored = work.authorised(Action.MESSAGE_SEND, lambda work: _load(work, claimed.message_id))
    if stored.state is not MessageState.QUEUED or stored.attempts != claimed.attempt:
        _note(work, stored, "late")
        return stored.state
    match outcome:
        case Sent(provider_id):
            return _end(work, desk, stored, MessageState.SENT, "sent", provider_id)
        case Refused(why):
            return _end(work, desk, stored, MessageState.FAILED, why)
        case NotNow(why):
            again = next_attempt(stored.attempts, work.now, chance)
            if again is None:
                return _end(work, desk, stored, MessageState.FAILED, why)
            entry_id = _note(work, stored, why)
            records.replace_message(work.db, replace(stored, next_attempt_at=again), entry_id)
            return MessageState.QUEUED


def bounced(work: Work, desk: Desk, message_id: UUID) -> None:
    """A sent message came back; NotFound for one that is not of this program. Saying it twice changes nothing."""
    stored = work.authorised(Action.MESSAGE_SEND, lambda work: _load(work, message_id))
    if stored.state is MessageState.SENT:
        _end(work, desk, stored, MessageState.BOUNCED, "bounced")
    else:
        _note(work, stored, "late")


# -- inside ---------------------------------------------------------------------------------------------


def _load(work: Work, message_id: UUID) -> Loaded[StoredMessage] | None:
    stored = records.message_for_update(work.db, message_id)
    if stored is None:
        return None
    facts = Facts(program=stored.program_id)
    return Loaded(stored, facts, OBJECT, stored.id, patient_id=stored.patient_id)


def _claim(work: Work, desk: Desk, stored: StoredMessage) -> Claimed | None:
    """One row leased and in words; or ended, or put off to an hour that is safe."""
    if stored.attempts >= MOST_ATTEMPTS:  # every attempt ended with its process
        _end(work, desk, stored, MessageState.FAILED, "never_settled")
        return None
    patient = patient_by_id(work.db, stored.patient_id)
    if patient is None:
        raise IntegrityError  # a foreign key says there is one
    if why := _overtaken(work, stored, patient):
        _end(work, desk, stored, MessageState.CANCELLED, why)
        return None
    document, content = demographics(work, patient), opened(work, stored)
    way = way_to(document, work.now, work.program.zone, (stored.channel, str(content["to"])))
    if way is None:
        _end(work, desk, stored, MessageState.CANCELLED, "no_safe_channel")
        return None
    if way.at > work.now:
        entry_id = _note(work, stored, "not_at_this_hour")
        records.replace_message(work.db, replace(stored, next_attempt_at=way.at), entry_id)
        return None
    said = _composed(desk, work.program, document, content)
    if said is None:
        _end(work, desk, stored, MessageState.FAILED, "not_discreet")
        return None
    leased = replace(stored, attempts=stored.attempts + 1, next_attempt_at=work.now + LEASE)
    entry_id = work.record(
        action=Action.MESSAGE_SEND,
        object_kind=OBJECT,
        object_id=stored.id,
        object_version=stored.version,
        patient_id=stored.patient_id,
        detail={"state": "claimed", "attempt": leased.attempts, "channel": stored.channel.value},
    )
    records.replace_message(work.db, leased, entry_id)
    return Claimed(stored.id, stored.channel, leased.attempts, _parcel(stored.id, way, said, work.now))


def _overtaken(work: Work, stored: StoredMessage, patient: StoredPatient) -> str:
    """What happened since it was queued so that nobody is to be written to any more, or ""."""
    if patient.state == "merged":
        return "chart_merged"
    if is_deceased(work, patient.id):
        return "deceased"
    if stored.kind is not MessageKind.PACKET_LINK or stored.subject_id is None:
        return ""
    link = records.link_by_id(work.db, stored.subject_id)
    over = link is None or link.state is not LinkState.OPEN or work.now >= link.expires_at
    return "link_over" if over else ""


def _composed(
    desk: Desk, program: Program, document: Mapping[str, Any], content: Mapping[str, Any]
) -> Composed | None:
    """The message in the patient's language; None when anything around it says what kind of place this is."""
    if program.front_office is None:
        return None
    given = {str(name): str(value) for name, value in content["parameters"].items()}
    template, language = Template(str(content["template"])), language_for(document.get("language"))
    said = compose(desk.book, language, template, program.front_office, given)
    # a token is chance and may spell anything; the host in front of it is not
    link = given.get("link", "")
    leads_to = link.partition("#")[0]
    around = "\n".join((said.sender, said.subject, said.email, said.text))
    if link:
        around = around.replace(link, leads_to)
    addresses = [one for one in (desk.mail_from, leads_to, said.sender) if revealing_address(one, program)]
    return None if addresses or revealing(around, program) else said


def _parcel(message_id: UUID, way: Way, said: Composed, at: datetime) -> Parcel:
    body = said.email if way.channel is Channel.EMAIL else said.text
    return Parcel(str(message_id), way.address, said.sender, said.subject, body, at)


def _end(
    work: Work, desk: Desk, stored: StoredMessage, state: MessageState, why: str, provider_id: str = ""
) -> MessageState:
    """Settle a message for good. What it said is dropped: a link that was sent is nowhere any more."""
    content = opened(work, stored)
    ended = replace(
        stored, state=state, version=stored.version + 1, next_attempt_at=None, settled_at=work.now
    )
    kept: dict[str, Json] = {
        "to": content["to"],
        "template": content["template"],
        "parameters": {},
        "provider_id": provider_id,
    }
    entry_id = _note(work, ended, why)
    records.replace_message(work.db, sealed(work, ended, kept), entry_id)
    if state is not MessageState.SENT and why not in _NOBODY_CALLS:
        desk.undelivered(work, ended)
    return state


def _note(work: Work, stored: StoredMessage, why: str) -> UUID:
    return work.record(
        action=Action.MESSAGE_SETTLE,
        object_kind=OBJECT,
        object_id=stored.id,
        object_version=stored.version,
        patient_id=stored.patient_id,
        detail={"state": stored.state.value, "why": why, "attempt": stored.attempts},
    )
