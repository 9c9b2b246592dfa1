"""Goals and values of a plan in force: measured, judged (CP-18), and looked at for signs that more care is needed."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Final
from uuid import UUID

from service.access.actions import Action
from service.admission.careplan import kept, lifecycle
from service.admission.careplan.content import Goal
from service.admission.careplan.gathering import Books
from service.admission.careplan.kept import visits_of
from service.admission.careplan.lifecycle import Act
from service.admission.careplan.operations import Shown, changing, judged, record
from service.admission.careplan.parts import GoalState, Number
from service.admission.careplan.plan import CarePlan, GoalStep, Taken
from service.admission.careplan.progress import step_faults, step_up_signs
from service.admission.careplan.visit import Visit
from service.errors import Code, FieldError, Invalid
from service.intake.flags import Flag, Severity
from service.intake.safety.flag import FlagSource
from service.intake.safety.raising import raise_flags
from service.people.facts import program_day
from service.work import Work

_SOURCE: Final = "design"
#: What the signs ask for; the words name no value.
STEP_UP: Final = {
    "step_up_missed_days": Flag(
        code="step_up_missed_days",
        severity=Severity.SAME_DAY,
        message="Three days of service in a row were missed.",
        next_step="Call today, on a safe channel; a clinician looks at the level of care again.",
        task="clinician_review",
    ),
    "step_up_use_days": Flag(
        code="step_up_use_days",
        severity=Severity.SAME_DAY,
        message="Use on three or more days of a week was reported.",
        next_step="See the patient today; a clinician looks at the level of care again.",
        task="clinician_review",
    ),
}


@dataclass(frozen=True, slots=True, repr=False)
class NewValue:
    """A value measured on a day. `objective` None: it belongs to whatever is measured with this code."""

    code: str
    value: Number
    on: date
    goal: str | None = None
    objective: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class NewStep:
    """A goal's new state, on the ground of a value or of a note."""

    state: GoalState
    note: str | None = None
    value: NewValue | None = None


def step(
    work: Work, books: Books, plan_id: UUID, key: str, new: NewStep, *, expected: int | None = None
) -> Shown:
    """Change a goal's state. Invalid with every fault of CP-18."""
    found = changing(work, Action.CARE_PLAN_WRITE, plan_id, expected)
    plan, today = found.plan, program_day(work)
    lifecycle.after(plan.status, Act.MEASURE)
    goal = _goal(plan, key)
    taken = () if new.value is None else (_taken(work, plan, replace(new.value, goal=key)),)
    everything = (*plan.kept.taken, *taken)
    faults = [
        FieldError(one.field, "CP-18", one.message, _SOURCE)
        for one in step_faults(plan.content, goal, new.state, everything, new.note, today)
    ]
    if faults:
        raise Invalid(Code.CARE_PLAN_INVALID, "The goal cannot be changed like this.", faults)
    made = GoalStep(
        goal=key,
        before=goal.state,
        after=new.state,
        at=work.now.isoformat(),
        account_id=work.caller.account_id,
        note=new.note,
        taken=taken,
    )
    goals = tuple(
        one.model_copy(update={"state": new.state}) if one.key == key else one for one in plan.content.goals
    )
    changed = plan.kept.model_copy(
        update={
            "content": plan.content.model_copy(update={"goals": goals}),
            "taken": everything,
            "steps": (*plan.kept.steps, made),
        }
    )
    after = kept.change_plan(work, plan, changed)
    shown = judged(work, books, replace(found, plan=after))
    record(work, after, Action.CARE_PLAN_WRITE, use=found.use, written=True, goal=key, state=new.state.value)
    _look(work, books, after)
    return shown


def measure(work: Work, books: Books, plan_id: UUID, new: NewValue, *, expected: int | None = None) -> Shown:
    """Keep a value; a row of days of use raises a flag."""
    found = changing(work, Action.CARE_PLAN_WRITE, plan_id, expected)
    lifecycle.after(found.plan.status, Act.MEASURE)
    taken = _taken(work, found.plan, new)
    changed = found.plan.kept.model_copy(update={"taken": (*found.plan.kept.taken, taken)})
    after = kept.change_plan(work, found.plan, changed)
    shown = judged(work, books, replace(found, plan=after))
    record(work, after, Action.CARE_PLAN_WRITE, use=found.use, written=True, measured=True)
    _look(work, books, after)
    return shown


def raise_step_up(
    work: Work,
    books: Books,
    patient_id: UUID,
    episode_id: UUID,
    visits: Iterable[Visit],
    taken: Iterable[Taken],
) -> None:
    """Raise the signs there are, each once while it is open. Called after the act itself was recorded."""
    signs = step_up_signs(tuple(visits), tuple(taken), books.plans)
    raise_flags(
        work,
        patient_id=patient_id,
        source=FlagSource.PLACEMENT,
        subject_id=episode_id,
        instrument="care_plan",
        flags=[STEP_UP[sign] for sign in signs],
    )


def _look(work: Work, books: Books, plan: CarePlan) -> None:
    raise_step_up(
        work, books, plan.patient_id, plan.episode_id, visits_of(work, plan.episode_id), plan.kept.taken
    )


def _taken(work: Work, plan: CarePlan, new: NewValue) -> Taken:
    if new.on > program_day(work):
        _unacceptable("on", "A value is measured on a day that has been.")
    if new.goal is not None and new.objective is not None:
        goal = _goal(plan, new.goal)
        objective = next((one for one in goal.objectives if one.key == new.objective), None)
        if objective is None:
            _unacceptable("objective", "This goal has no such objective.")
        elif objective.measure.code != new.code:
            _unacceptable("code", "This objective is measured with another code.")
    return Taken(
        code=new.code,
        value=new.value,
        on=new.on,
        at=work.now.isoformat(),
        account_id=work.caller.account_id,
        goal=new.goal,
        objective=new.objective,
        note=new.note,
    )


def _goal(plan: CarePlan, key: str) -> Goal:
    goal = next((one for one in plan.content.goals if one.key == key), None)
    if goal is None:
        raise Invalid(
            Code.CARE_PLAN_INVALID,
            "This plan has no such goal.",
            [FieldError("goal", "unknown", "Not a goal of this plan.")],
        )
    return goal


def _unacceptable(field: str, message: str) -> None:
    raise Invalid(
        Code.CARE_PLAN_INVALID,
        "The value cannot be kept like this.",
        [FieldError(field, "CP-18", message, _SOURCE)],
    )
