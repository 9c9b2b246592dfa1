"""A patient admitted to an episode, and the clinicians who plan for them. Synthetic throughout."""

from copy import deepcopy
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from service.access.actions import Action
from service.people.episodes import operations as episodes
from service.people.episodes.episode import Episode, Step
from service.work import Work
from tests.house import Client, Service
from tests.integration.disclosure.office import Office
from tests.unit.admission.careplan.plans import PLAN


class Ward(Office):
    """Office with an episode."""

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self.today: date = service.clock.now().astimezone(service.program.zone).date()
        body = {"unit": "U1", "opened_on": self.today.isoformat(), "level": "2.1"}
        answer = self.clinician.post(f"/patients/{self.patient_id}/episodes", body)
        assert answer.status_code == 201, answer.text
        self.episode_id: str = answer.json()["id"]

    def admit(self) -> None:
        """Admitted today, whatever the packet still lacks."""

        def act(work: Work) -> Episode:
            one = episodes.authorised_episode(
                work, Action.EPISODE_ADMIT, UUID(self.episode_id), changing=True
            )
            moved = episodes.move(work, one, Step.ADMIT, self.today, {})
            work.record(
                action=Action.EPISODE_ADMIT,
                object_kind="episode",
                object_id=one.id,
                patient_id=one.patient_id,
            )
            return moved

        self.service.work(self.clinician.who.caller, act)

    @property
    def supervisor(self) -> Client:
        known = "supervisor" in self.service.accounts
        related = () if known else (self.patient_id,)
        return self.service.client(self.service.account("clinician", name="supervisor", related_to=related))

    def day(self, offset: int) -> str:
        return (self.today + timedelta(days=offset)).isoformat()

    def plan(self, **parts: Any) -> dict[str, Any]:
        """The plan nobody objects to, beginning today; problems have no codes, because nobody made a diagnosis."""
        plan = deepcopy(PLAN)
        for problem in plan["problems"]:
            problem.pop("code", None)
        plan["goals"][0]["objectives"][0]["due"] = self.day(60)
        plan["goals"][1]["objectives"][0] |= {
            "due": self.day(42),
            "milestones": [{"due": self.day(20), "target": 25}],
        }
        plan |= {"starts_on": self.day(0), "review_on": self.day(30)}
        plan["leaving"] = {"criteria": ["Two weeks without use"], "discussed_on": self.day(0)}
        return plan | parts

    def begin(self, **parts: Any) -> dict[str, Any]:
        answer = self.clinician.post(f"/patients/{self.patient_id}/care-plans", self.plan(**parts))
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def act(
        self, plan_id: str, what: str, body: dict[str, Any] | None = None, *, who: Client | None = None
    ) -> Any:
        return (who or self.clinician).post(f"/care-plans/{plan_id}/{what}", body or {})

    def sign(self, plan_id: str) -> None:
        agrees = {"kind": "patient", "name": "Pat Testperson", "decision": "agrees"}
        for body in ({"kind": "clinician"}, agrees):
            answer = self.act(plan_id, "signatures", body)
            assert answer.status_code == 201, answer.text

    def in_force(self, **parts: Any) -> dict[str, Any]:
        """A plan in force."""
        made = self.begin(**parts)
        self.sign(made["id"])
        answer = self.act(made["id"], "activation")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def visit(self, offset: int = 0, outcome: str = "attended", **more: Any) -> dict[str, Any]:
        body = {"held_on": self.day(offset), "minutes": 180, "outcome": outcome, "format": "group"} | more
        answer = self.clinician.post(f"/episodes/{self.episode_id}/visits", body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())
