"""The reminders that are due, queued: the unit of a job, in one program, as the system caller.

It takes the patients to whom a link went and whose ladder has a rung to climb, a bounded number at a time, in the order
in which they were last written to; each is locked, worked out anew, and written to at most once.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from service.access.actions import Action
from service.admission.packet import records
from service.admission.packet.decisions import keep
from service.admission.packet.gathering import Gathered, gather
from service.admission.packet.intake import Library, intake_of
from service.admission.packet.model import Source, Status
from service.admission.packet.reminders import FIRST, Nudged, Rung, next_rung
from service.admission.packet.sealing import opened_decision
from service.admission.packet.traces import ITSELF, Decided
from service.admission.packet.whole import packet_from
from service.admission.waiting import records as waiting
from service.delivery.model import MessageKind, Outgoing, Template, Unsendable
from service.delivery.operations import queue
from service.people.episodes.operations import opened
from service.work import Work

#: The row that says how far a patient's ladder has been climbed.
LADDER: Final = waiting.LADDER
AT_ONCE: Final = 25
LOOK_AGAIN: Final = timedelta(hours=1)
_TEMPLATES: Final = {Rung.FIRST_REMINDER: Template.REMINDER_1, Rung.SECOND_REMINDER: Template.REMINDER_2}


def due_reminders(work: Work, library: Library) -> int:
    """Queue what is due; returns for how many patients something was done. Run again until it is none."""
    work.require(Action.MESSAGE_SEND, object_kind="message")
    stored = waiting.to_be_reminded(
        work.db, work.caller.program_id, now=work.now, sent_before=work.now - FIRST, at_most=AT_ONCE
    )
    intakes = [
        intake_of(work, row.patient_id, row.opened_on, row.created_at, opened(work, row)) for row in stored
    ]
    done = sum(_climb(work, library, one) for one in gather(work, library, intakes))
    work.record(
        action=Action.MESSAGE_SEND,
        object_kind="message",
        object_id=None,
        detail={"reminded": done, "looked_at": len(intakes)},
    )
    return done


def nudged_of(gathered: Gathered) -> Nudged:
    """How far the ladder of this patient has been climbed."""
    ladder = gathered.traces.decided.get((LADDER, ITSELF))
    return Nudged(
        sent_at=max(gathered.traces.sent_at, default=None),
        reminders=0 if ladder is None else ladder.nudges,
        last_at=None if ladder is None else ladder.last_nudge_at,
        called_at=None if ladder is None else ladder.called_at,
    )


def _climb(work: Work, library: Library, gathered: Gathered) -> bool:
    """One rung, if there is one; the row of the ladder is written either way, so that the next run looks at others."""
    episode = gathered.intake.episode
    if episode is None:
        return False
    items = packet_from(work, library, gathered).items
    waiting = any(
        one.source is Source.PATIENT
        and one.required
        and not one.settled
        and one.status is not Status.DECLINED
        for one in items
    )
    nudged = nudged_of(gathered)
    rung = next_rung(nudged, waiting, work.now)
    stored = records.decision(work.db, episode.id, LADDER, ITSELF)
    before = Decided(LADDER, ITSELF, 0, "intake") if stored is None else opened_decision(work, stored)
    now = _after(work, gathered, before, rung)
    keep(work, episode, stored, replace(now, due_at=_again_at(work, nudged, now)), state=LADDER)
    return rung is not Rung.WAIT


def _after(work: Work, gathered: Gathered, before: Decided, rung: Rung) -> Decided:
    if rung is Rung.WAIT:
        return before
    template = _TEMPLATES.get(rung)
    if template is None:
        return replace(before, called_at=work.now)
    wanted = Outgoing(gathered.intake.patient_id, MessageKind.REMINDER, template)
    if isinstance(queue(work, wanted), Unsendable):
        return replace(before, called_at=work.now)
    sent = max(gathered.traces.sent_at)
    anew = before.last_nudge_at is None or before.last_nudge_at < sent
    return replace(before, nudges=1 if anew else before.nudges + 1, last_nudge_at=work.now)


def _again_at(work: Work, nudged: Nudged, decided: Decided) -> datetime:
    """When the job looks at this patient again: after a day where a call is asked for or a message went, else soon."""
    asked = replace(nudged, called_at=decided.called_at).called or decided.last_nudge_at == work.now
    return work.now + (FIRST if asked else LOOK_AGAIN)
