"""Packet links: a way for one patient into their own packet, and into nothing else.

The token is 32 random bytes that only the message holds; here it is a keyed index. It goes to a channel the patient
called safe, never to whoever asked for it: staff who had it and know a birth date could act as the patient. Holding it
is one proof, the birth date the other, because telephones are shared. Five wrong birth dates use a link up, a newer
link or staff end it and the sessions it opened, and after 72 hours it is over.

Refusals look alike from outside: the same answer, not before the same time (api/links.py). Why it was stands in the
ledger. An attempt with a token nobody gave takes less work; with 2^256 of them, that tells nothing worth knowing.
"""

import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from service.access.actions import Action
from service.access.caller import Caller
from service.access.program import read_program
from service.delivery import records
from service.delivery.model import LinkState, MessageKind, Outgoing, Queued, Template, Unsendable
from service.delivery.operations import demographics, is_deceased, queue
from service.delivery.records import PacketLink
from service.errors import Code, Conflict
from service.identity import records as identity
from service.identity.model import AccountState, Channel, EndReason, Session
from service.identity.open_sessions import records as sessions
from service.identity.operations import record_ended
from service.identity.patients import account_of_patient
from service.identity.records import StoredAccount
from service.identity.sessions import LINK_LIFETIME
from service.identity.signin import SignedIn, open_session, record_unattributed
from service.identity.tenants import records as tenants
from service.ids import SERVICE_PROGRAM, PatientId, ProgramId, SessionId, new_id
from service.people.facts import load_patient, patient_facts
from service.people.records import patient_by_id
from service.vault.indexing import IndexKeys
from service.vault.vault import Vault
from service.work import Denied, Loaded, Mechanisms, Work, enter

LIFETIME: Final = timedelta(hours=72)
MOST_FAILURES: Final = 5
OBJECT: Final = "packet_link"
#: What the key of the index of tokens is derived for.
_TOKEN: Final = (OBJECT, "token")
#: What a patient says they come for.
_PURPOSE: Final = "PATRQT"


@dataclass(frozen=True, slots=True)
class LinkView:
    """A link as staff see it; `over` is worked out."""

    id: UUID
    patient_id: UUID
    state: LinkState
    over: bool
    created_at: datetime
    expires_at: datetime
    opened_at: datetime | None


def make_link(work: Work, patient_id: UUID, page: str) -> LinkView:
    """A fresh link, sent to the patient; links made before are ended, and the sessions they opened with them: a new one
    is asked for because the old one came into other hands, or was lost. `page` is where links lead. Conflict
    `message_unsendable` where no safe channel is known: nothing is made, nothing ends, and somebody calls.
    """
    patient = work.authorised(Action.LINK_MAKE, lambda work: load_patient(work, patient_id, changing=True))
    former_links = records.open_links(work.db, patient_id)
    for former in former_links:
        records.replace_link(work.db, replace(former, state=LinkState.ENDED), work.entry_id)
    # after the links: who is being let in by one of them holds it locked, and has a session once it is ours
    account_id = account_of_patient(work, patient.id, work.entry_id)
    ended = [
        session_id
        for one in {account_id, *(link.account_id for link in former_links)}
        for session_id in sessions.end_link_sessions_of(work.db, one, work.now, work.entry_id)
    ]
    token = secrets.token_urlsafe(32)
    keys = _keys(work.vault, work.db)
    made = PacketLink(
        id=new_id(work.now),
        program_id=work.caller.program_id,
        patient_id=patient.id,
        account_id=account_id,
        token_index=keys.value(*_TOKEN, token),
        index_key=keys.id,
        state=LinkState.OPEN,
        failures=0,
        created_at=work.now,
        expires_at=work.now + LIFETIME,
        opened_at=None,
    )
    records.insert_link(work.db, made, work.entry_id)
    # after the #, a token stays in the reader's browser: it stands in no log of a server on the way
    wanted = Outgoing(
        patient.id, MessageKind.PACKET_LINK, Template.PACKET_LINK, {"link": f"{page}#{token}"}, made.id
    )
    match queue(work, wanted):
        case Unsendable(reason):
            raise Conflict(
                Code.MESSAGE_UNSENDABLE,
                "There is no safe way to send this patient a message: call them.",
                reason=reason.value,
            )
        case Queued(message_id):
            _note(work, made, Action.LINK_MAKE, {"message": str(message_id), "sessions": len(ended)})
            record_ended(work, ended, EndReason.LINK_ENDED)
    return _view(made, work.now)


def read_link(work: Work, link_id: UUID) -> LinkView:
    """One link; never its token."""
    link = work.authorised(Action.MESSAGE_READ, lambda work: _load(work, link_id, lock=False))
    _note(work, link, Action.MESSAGE_READ, {})
    return _view(link, work.now)


def end_link(work: Work, link_id: UUID) -> LinkView:
    """End a link and the sessions it opened. One that is over already stays as it was."""
    link = work.authorised(Action.LINK_END, lambda work: _load(work, link_id, lock=True))
    if link.state is LinkState.OPEN:
        link = replace(link, state=LinkState.ENDED)
        records.replace_link(work.db, link, work.entry_id)
    ended = sessions.end_link_sessions_of(work.db, link.account_id, work.now, work.entry_id)
    _note(work, link, Action.LINK_END, {"sessions": len(ended)})
    record_ended(work, ended, EndReason.LINK_ENDED)
    return _view(link, work.now)


def open_link(
    mechanisms: Mechanisms, db: Connection, token: str, birth_date: date, now: datetime, request_id: str
) -> SignedIn | None:
    """A session of the patient whose link this is, or None; either way it is in the ledger. To be committed whatever
    comes out: a failure must be counted.
    """
    indexes = _keys(mechanisms.vault, db).ever(*_TOKEN, token)
    program_id = ProgramId(records.program_of_link(db, indexes) or SERVICE_PROGRAM)
    enter(db, program_id)
    mechanisms.vault.hear(db)
    link = records.link_by_token(db, indexes)
    account = identity.account_for_share(db, link.account_id if link else SERVICE_PROGRAM)
    document = tenants.program_document(db, program_id)
    if link is None or account is None or document is None:
        _refused(mechanisms, db, program_id, None, "unknown_token", now, request_id)
        return None
    work = Work(
        mechanisms,
        db,
        _patient(account),
        read_program(program_id, document[0]),
        now,
        purpose=_PURPOSE,
        request_id=request_id,
    )
    matched = _is_born_on(work, link, birth_date)
    reason = _refusal(link, account, matched, now) or _gone(work, link)
    if reason:
        counted = link if reason != "wrong_birth_date" else _counted(link)
        entry_id = _refused(mechanisms, db, program_id, counted, reason, now, request_id)
        if counted is not link:
            records.replace_link(db, counted, entry_id)
        return None
    session = Session(
        id=SessionId(new_id(now)),
        account_id=account.id,
        program_id=program_id,
        channel=Channel.LINK,
        created_at=now,
        last_used_at=now,
        expires_at=now + LINK_LIFETIME,
    )
    signed_in = open_session(mechanisms, db, account, session, now, request_id, action=Action.LINK_OPEN)
    opened = replace(link, opened_at=link.opened_at or now)
    records.replace_link(db, opened, signed_in.entry_id)
    return signed_in


# -- inside ---------------------------------------------------------------------------------------------


def _refusal(link: PacketLink, account: StoredAccount, matched: bool, now: datetime) -> str:
    """Why an attempt is refused, or "": the first reason that applies."""
    if link.state is not LinkState.OPEN:
        return link.state.value
    if now >= link.expires_at:
        return "expired"
    if account.state is not AccountState.ACTIVE:
        return "account_disabled"
    return "" if matched else "wrong_birth_date"


def _gone(work: Work, link: PacketLink) -> str:
    """Why nobody can come through this link as the patient any more, or ""."""
    if is_deceased(work, link.patient_id):
        return "deceased"
    stored = patient_by_id(work.db, link.patient_id)
    return "chart_merged" if stored is None or stored.state == "merged" else ""


def _counted(link: PacketLink) -> PacketLink:
    failures = link.failures + 1
    used_up = failures >= MOST_FAILURES
    return replace(link, failures=failures, state=LinkState.USED_UP if used_up else link.state)


def _is_born_on(work: Work, link: PacketLink, birth_date: date) -> bool:
    """Whether this is the patient's birth date: read by the patient's own right, like everything after it."""
    try:
        stored = work.authorised(Action.PATIENT_READ, lambda work: load_patient(work, link.patient_id))
    except Denied:
        return False
    known = str(demographics(work, stored).get("birth_date", ""))
    return hmac.compare_digest(known.encode(), birth_date.isoformat().encode())


def _patient(account: StoredAccount) -> Caller:
    return Caller(
        kind=account.kind,
        account_id=account.id,
        program_id=account.program_id,
        session_id=None,
        roles=account.roles,
        units=account.units,
        patient_id=account.patient_id,
        assurance="link",
    )


def _refused(
    mechanisms: Mechanisms,
    db: Connection,
    program_id: ProgramId,
    link: PacketLink | None,
    reason: str,
    now: datetime,
    request_id: str,
) -> UUID:
    """The entry of a refused attempt. Nobody was let in, so it has no actor."""
    detail: dict[str, str | int] = {"reason": reason}
    if link is not None:
        detail |= {"link": str(link.id), "failures": link.failures}
    return record_unattributed(
        mechanisms,
        db,
        action=Action.LINK_REFUSED,
        program_id=program_id,
        now=now,
        request_id=request_id,
        patient_id=PatientId(link.patient_id) if link else None,
        detail=detail,
    )


def _keys(vault: Vault, db: Connection) -> IndexKeys:
    """Tokens are under the service's own key: when one comes back, no program is known yet. Nobody can compute them
    again, so when the key changes a link is looked for under the former ones until it is over.
    """
    return vault.index_keys(db, SERVICE_PROGRAM)


def _load(work: Work, link_id: UUID, *, lock: bool) -> Loaded[PacketLink] | None:
    link = (records.link_for_update if lock else records.link_by_id)(work.db, link_id)
    facts = None if link is None else patient_facts(work, link.patient_id)
    if link is None or facts is None:
        return None
    return Loaded(link, facts, OBJECT, link.id, patient_id=link.patient_id)


def _note(work: Work, link: PacketLink, action: Action, detail: dict[str, str | int]) -> None:
    work.record(
        action=action,
        object_kind=OBJECT,
        object_id=link.id,
        patient_id=link.patient_id,
        detail={"state": link.state.value, **detail},
    )


def _view(link: PacketLink, now: datetime) -> LinkView:
    over = link.state is not LinkState.OPEN or now >= link.expires_at
    return LinkView(
        id=link.id,
        patient_id=link.patient_id,
        state=link.state,
        over=over,
        created_at=link.created_at,
        expires_at=link.expires_at,
        opened_at=link.opened_at,
    )
