"""The jobs there are, and how they are put together from a process's state."""

from datetime import timedelta
from functools import partial

from service.admission.packet.nudging import due_reminders
from service.admission.reviews import due_reviews
from service.config import Settings
from service.consent.ending_by_event import expire_past
from service.custody.findings.raising import look_at_once, look_later
from service.custody.looking import look_at_rows
from service.custody.months import months_ahead
from service.custody.rotating import count_and_renew, forget_former
from service.delivery.carriers import Carrier, HttpTexts, NoCarrier
from service.delivery.model import Channel
from service.delivery.outbox import OUTBOX, Outbox
from service.delivery.smtp import LOCAL, Mail
from service.edge.metrics import count_bad_rows
from service.edge.state import State
from service.intake.safety.escalation import escalate_due
from service.jobs.job import Job
from service.jobs.keeping import Keeping
from service.jobs.post import Post
from service.jobs.runner import Jobs, Service
from service.work import Work


def all_jobs(state: State) -> tuple[Job, ...]:
    """Everything that a date or a clock brings, in one transaction each."""
    return (
        Job("flag_escalation", timedelta(seconds=30), escalate_due),
        Job("consent_expiry", timedelta(hours=6), _expired),
        Job("reviews", timedelta(hours=6), partial(due_reviews, book=state.placement.book)),
        Job("findings", timedelta(minutes=15), look_at_once),
        Job("findings_later", timedelta(minutes=15), look_later),
        Job("key_uses", timedelta(minutes=1), count_and_renew),
        Job("former_indexes", timedelta(hours=1), forget_former),
        Job("row_look", timedelta(minutes=1), _looked),
        Job("trail_months", timedelta(hours=12), months_ahead),
        Job("reminders", timedelta(minutes=10), partial(due_reminders, library=state.packet)),
    )


def jobs_of(state: State) -> Jobs:
    """The jobs of this process."""
    return Jobs(_service(state), all_jobs(state))


def keeping_of(state: State) -> Keeping:
    """The keeper of keys of this process."""
    return Keeping(_service(state), state.settings)


def post_of(state: State) -> Post:
    """The sender of this process."""
    return Post(_service(state), state.desk, carriers_of(state.settings))


def carriers_of(settings: Settings) -> dict[Channel, Carrier]:
    """Who carries what, as configured; a channel without a carrier refuses, and in a demo writes files."""
    nobody: Carrier = Outbox(settings.data / OUTBOX) if settings.demo else NoCarrier()
    carriers: dict[Channel, Carrier] = {Channel.EMAIL: nobody, Channel.TEXT: nobody}
    if settings.smtp_host:
        carriers[Channel.EMAIL] = Mail(
            host=settings.smtp_host,
            port=settings.smtp_port,
            sender=settings.mail_from,
            tls=settings.smtp_host not in LOCAL,
            username=settings.smtp_username,
            password=settings.smtp_password,
        )
    if settings.texts_url:
        carriers[Channel.TEXT] = HttpTexts(settings.texts_url, settings.texts_token)
    return carriers


def _service(state: State) -> Service:
    return Service(state.engine, state.mechanisms, state.clock)


def _looked(work: Work) -> int:
    bad = look_at_rows(work)
    count_bad_rows(bad)
    return bad


def _expired(work: Work) -> int:
    return len(expire_past(work))
