"""When the demo's story happens: its clock, and its steps in the order of their days."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from service.cli.demo_steps import Case, Step

#: As in policies/programs/riverbend.yaml.
PROGRAM_ZONE = ZoneInfo("America/New_York")


class StoryClock:
    """Stands where the story is."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    @property
    def day(self) -> date:
        """The day at the program."""
        return self.at.astimezone(PROGRAM_ZONE).date()


@dataclass(frozen=True, slots=True)
class Act:
    """A step at its moment. `key` makes repeating it harmless, should its outcome not have been noted."""

    at: datetime
    key: str
    case: Case
    step: Step


def in_order(cases: Iterable[Case], began: datetime) -> list[Act]:
    """All steps as they happened, 20 seconds or more apart."""
    steps = sorted(((case, step) for case in cases for step in case.steps), key=lambda pair: -pair[1].day)
    acts: list[Act] = []
    at = began - timedelta(days=1000)
    for number, (case, step) in enumerate(steps):
        at = max(at + timedelta(seconds=20), began - timedelta(days=step.day))
        acts.append(Act(at, f"demo-{began:%Y%m%d%H%M%S}-{number:04d}", case, step))
    return acts
