"""A program whose patients have safe channels, and the service's own hands to send what is queued."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from service.access.actions import Action
from service.delivery.carriers import Carrier, NoCarrier, Outcome, Parcel, Sent
from service.delivery.model import Channel, MessageKind, Outgoing, Queued, Template, Unsendable
from service.delivery.operations import queue
from service.delivery.records import StoredMessage
from service.delivery.sending import Claimed, Desk, claim, settle
from service.identity.system import PURPOSE, system_caller
from service.ids import ProgramId
from service.jobs.post import Post
from service.jobs.runner import Service as Itself
from service.people.facts import load_patient
from service.work import Work
from tests.house import Client, Service

T = TypeVar("T")

EMAIL = {"channel": "email", "address": "ann.testperson@example.org", "safe": True}
TEXT = {"channel": "text", "address": "+1 555 0177", "safe": True}
VOICE = {"channel": "voice", "address": "+1 555 0178", "safe": True}


@dataclass
class Mailroom:
    """One program, its post, and what came of it."""

    service: Service
    patient_id: str = ""
    undelivered: list[StoredMessage] = field(default_factory=list[StoredMessage])

    def __post_init__(self) -> None:
        self.patient_id = self.register(EMAIL)

    # -- people -----------------------------------------------------------------------------------

    @property
    def intake(self) -> Client:
        """Somebody at the desk, signed in a moment ago."""
        shift = f"intake at {self.service.clock.now():%d %H}"
        return self.service.client(self.service.account("intake", name=shift))

    def register(self, *channels: Mapping[str, Any], **more: Any) -> str:
        body = {
            "given_name": "Ann",
            "family_name": "Testperson",
            "birth_date": "1990-02-03",
            "channels": list(channels),
            **more,
        }
        made = self.intake.post("/patients", body)
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    # -- queueing ---------------------------------------------------------------------------------

    def queue(
        self,
        template: Template = Template.REMINDER_1,
        patient_id: str = "",
        *,
        fail: bool = False,
        **parameters: str,
    ) -> Queued | Unsendable:
        """What an operation above does: allowed its own act, it queues a message and records."""
        patient, kind = patient_id or self.patient_id, _kind(template)

        def act(work: Work) -> Queued | Unsendable:
            stored = work.authorised(Action.MESSAGE_SEND, lambda work: load_patient(work, _id(patient)))
            queued = queue(work, Outgoing(stored.id, kind, template, parameters))
            if fail:
                raise RuntimeError("rolled back")
            work.record(
                action=Action.PACKET_WORK, object_kind="patient", object_id=stored.id, patient_id=stored.id
            )
            return queued

        return self.service.work(self.intake.who.caller, act)

    def messages(self, patient_id: str = "") -> list[dict[str, Any]]:
        answer = self.intake.get(f"/messages?patient={patient_id or self.patient_id}")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    def only(self, patient_id: str = "") -> dict[str, Any]:
        (one,) = self.messages(patient_id)
        return one

    # -- sending ----------------------------------------------------------------------------------

    @property
    def desk(self) -> Desk:
        def note(work: Work, stored: StoredMessage) -> None:
            del work
            self.undelivered.append(stored)

        return Desk(self.service.house.state.desk.book, "office@example.org", note)

    def itself(self, act: Callable[[Work], T]) -> T:
        """One unit of the service's own."""
        caller = system_caller(ProgramId(self.service.program_id))
        return self.service.work(caller, act, purpose=PURPOSE)

    def claim(self) -> list[Claimed]:
        return list(self.itself(lambda work: claim(work, self.desk)))

    def settle(self, claimed: Claimed, outcome: Outcome) -> str:
        return self.itself(lambda work: settle(work, self.desk, claimed, outcome, 0.5)).value

    def post(self, email: Carrier | None = None, text: Carrier | None = None, seconds: float = 20) -> Post:
        state = self.service.house.state
        carriers: dict[Channel, Carrier] = {
            Channel.EMAIL: email or NoCarrier(),
            Channel.TEXT: text or NoCarrier(),
        }
        itself = OneProgram(state.engine, state.mechanisms, state.clock, self.service)
        return Post(itself, self.desk, carriers, seconds)

    def send(self, email: Carrier | None = None, text: Carrier | None = None, seconds: float = 20) -> int:
        """One round of the job, as the task runs it."""
        portal = self.service.house.http.portal
        assert portal is not None
        return portal.call(self.post(email, text, seconds).run_once)

    def wait(self, **how_long: float) -> None:
        self.service.clock.advance(timedelta(**how_long))


@dataclass(slots=True)
class OneProgram(Itself):
    """The service, looking after this test's program only: others of the worker's database have messages too."""

    only: Service

    async def programs(self) -> list[Any]:
        return [self.only.program]


class Recorder:
    """A carrier that takes everything, or answers what it is told."""

    def __init__(self, *answers: Outcome | BaseException) -> None:
        self.answers = list(answers)
        self.taken: list[Parcel] = []

    async def carry(self, parcel: Parcel) -> Outcome:
        self.taken.append(parcel)
        answer = self.answers.pop(0) if self.answers else Sent()
        if isinstance(answer, BaseException):
            raise answer
        return answer


def _kind(template: Template) -> MessageKind:
    if template is Template.PACKET_LINK:
        return MessageKind.PACKET_LINK
    return MessageKind.NOTICE if template is Template.NOTICE else MessageKind.REMINDER


def _id(value: str) -> UUID:
    return UUID(value)
