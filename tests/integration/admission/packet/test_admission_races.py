"""An admission and the end of a form it rests on, at the same time: whichever commits first decides, and the other one
waits for it. Nobody is admitted on a form that has gone.
"""

from collections.abc import Callable
from threading import Event, Thread
from typing import Any
from uuid import UUID

from service.admission.admit import admit
from service.admission.packet import deciding, forms
from service.admission.packet.model import Outcome
from service.admission.packet.signing import NewSignature, Reader
from service.errors import Conflict
from service.work import Denied, Work
from tests.house import Service
from tests.integration.admission.packet.desk import Desk

SKIPPED = ("identity", "F03", "suicide_screen", "withdrawal_check", "F20", "placement", "F27")
Act = Callable[[Work], Any]


class Door(Desk):
    """Somebody of whom only F02 and F04 were done and everything else was skipped: two forms hold the gate open."""

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self.signed("F04")
        self.signed("F02", outcome="given")
        for item in SKIPPED:
            skipped = self.decide(item, "emergency-skip", self.clinician, reason="Brought by ambulance")
            assert skipped.status_code == 200, skipped.text
        assert self.gate("ADMIT") == []

    def admission(self, work: Work) -> None:
        admit(work, self.service.house.state.packet, UUID(self.episode_id))

    def refusal(self, work: Work) -> None:
        library = self.service.house.state.packet
        text = library.books.texts.current("F04", "en", self.service.clock.now().date())
        assert text is not None
        no = NewSignature(
            outcome=Outcome.DECLINED,
            text_version=text.version,
            text_sha256=text.sha256,
            language="en",
            reader=Reader("self"),
            device="staff_device",
            reason="Changed their mind.",
        )
        forms.sign(work, library, UUID(self.patient_id), "F04", no)

    def return_(self, work: Work) -> None:
        library = self.service.house.state.packet
        deciding.decide(work, library, UUID(self.patient_id), "F02", deciding.Return("The wrong patient's"))


def one_then_other(desk: Desk, first: Act, second: Act) -> tuple[list[str], list[BaseException]]:
    """The second begins when the first has done everything but commit. In which order they ended, and what failed."""
    at_the_end, ended = Event(), Event()
    order: list[str] = []
    failed: list[BaseException] = []
    caller = desk.intake.who.caller

    def then(work: Work) -> None:
        second(work)

    def elsewhere() -> None:
        at_the_end.wait(5)
        try:
            desk.service.work(caller, then)
        except (Conflict, Denied) as refused:
            failed.append(refused)
        order.append("second")
        ended.set()

    def held(work: Work) -> None:
        first(work)
        at_the_end.set()
        assert not ended.wait(0.3), "the second did not wait for the first"
        order.append("first")

    other = Thread(target=elsewhere)
    other.start()
    desk.service.work(caller, held)
    other.join(10)
    return order, failed


def test_a_form_that_goes_first_shuts_the_gate(service: Service) -> None:
    declined, returned = Door(service), Door(service)
    for desk, going, code in (
        (declined, declined.refusal, "f04_declined"),
        (returned, returned.return_, "f02_needs_fix"),
    ):
        order, (refused,) = one_then_other(desk, going, desk.admission)
        assert order == ["first", "second"] and isinstance(refused, Denied)
        assert refused.denial.detail["missing"] == desk.gate("ADMIT") == [code]


def test_an_admission_that_goes_first_stands_and_the_form_goes_after_it(service: Service) -> None:
    desk = Door(service)
    order, failed = one_then_other(desk, desk.admission, desk.refusal)
    assert (order, failed) == (["first", "second"], [])
    acts = [one["action"] for one in service.entries(patient_id=UUID(desk.patient_id), outcome="permit")]
    assert acts.index("episode.admit") < len(acts) - 1 - acts[::-1].index("form.sign")
    state = desk.intake.get(f"/patients/{desk.patient_id}/episodes").json()["items"][0]["state"]
    assert (state, desk.task("F04")["status"]) == ("admitted", "declined")
