"""Facts for the gates of a step-down, read inside an act that is allowed already.

What this caller may not use is absent, that is, unknown. Scores count as long as the window of the gates lasts: an older
one says nothing about these two weeks.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

from service.admission.careplan import records
from service.admission.careplan.content import Content
from service.admission.careplan.gates import GateFacts
from service.admission.careplan.gathering import ITEM9, SCREENS, Books, answer, suicide_positive
from service.admission.careplan.kept import visits_of
from service.admission.careplan.parts import GoalState
from service.admission.careplan.plan import CarePlan, Kept, Taken
from service.admission.careplan.progress import TEST, USE_DAY, USE_DAYS
from service.admission.careplan.visit import Outcome
from service.intake.assessment import Assessment
from service.intake.latest import latest
from service.intake.medical.reading import medical_facts
from service.people.episodes.episode import Episode
from service.people.facts import program_day
from service.record.item import Kind
from service.work import Work


def gate_facts(work: Work, books: Books, episode: Episode, plan: CarePlan | None) -> GateFacts:
    """The last days of the window, and what stands now."""
    patient_id, today = episode.patient_id, program_day(work)
    since = today - timedelta(days=books.plans.gate_window - 1)
    newest = {
        key: one
        for key, one in latest(work, patient_id).items()
        if one.completed_at is not None and one.completed_at.astimezone(work.program.zone).date() >= since
    }
    screens = {key: one for key, one in newest.items() if key in SCREENS}
    housing = medical_facts(work, books.medical, patient_id).get("housing")
    visits = [one for one in visits_of(work, episode.id) if since <= one.held_on <= today]
    facts = GateFacts(
        suicide_positive=suicide_positive(screens),
        item9=answer(newest.get("phq-9"), ITEM9),
        risk=_subscore(newest.get("bam"), "risk"),
        protective=_subscore(newest.get("bam"), "protective"),
        housing=None if housing is None else str(housing.value),
        attended=sum(one.minutes for one in visits if one.outcome is Outcome.ATTENDED) if visits else None,
        expected=sum(one.minutes for one in visits if one.outcome is not Outcome.EXCUSED) if visits else None,
        crisis_plan_given=_crisis_plan_given(work, plan),
        notes={} if plan is None else plan.content.gate_notes,
    )
    return facts if plan is None else _with_plan(facts, plan.content, plan.kept, since)


def _with_plan(facts: GateFacts, content: Content, kept: Kept, since: date) -> GateFacts:
    recent = [one for one in sorted(kept.taken, key=lambda each: (each.on, each.at)) if one.on >= since]
    aftercare, goals = content.leaving.aftercare, _aimed(content)
    return replace(
        facts,
        use_days=_use(recent),
        tests=_tests(content, recent),
        goals=len(goals),
        goals_settled=sum(state in (GoalState.ACHIEVED, GoalState.REVISED) for state in goals),
        last_group_on=aftercare.last_group_on,
        first_appointment_on=aftercare.first_on,
        relapse_plan_given=True if aftercare.relapse_plan_given_on is not None else None,
    )


def _use(recent: Iterable[Taken]) -> int | float | None:
    """Days of use: those reported one by one, or counted over the window. That nobody told of one is not none."""
    taken = list(recent)
    days = sum(one.code == USE_DAY and one.value > 0 for one in taken)
    counts = [one.value for one in taken if one.code == USE_DAYS]
    return max(days, counts[-1]) if counts else (days or None)


def _tests(content: Content, recent: Iterable[Taken]) -> tuple[bool, ...] | None:
    """Results, True for negative. No results where tests are planned is unknown; where none are planned, it is none."""
    results = tuple(one.value == 0 for one in recent if one.code == TEST)
    planned = any(one.code == "UDS" for one in content.interventions)
    return results if results or not planned else None


def _aimed(content: Content) -> list[GoalState]:
    return [goal.state for goal in content.goals if goal.state is not GoalState.CANCELLED]


def _crisis_plan_given(work: Work, plan: CarePlan | None) -> bool | None:
    """A safety plan is given to the patient when it is made (F22): the link says that there is one."""
    if plan is None or plan.content.safety.safety_plan is None:
        return None
    plans = records.items_of_kind(work.db, plan.patient_id, Kind.SAFETY_PLAN.value, None, 50)
    return plan.content.safety.safety_plan in plans


def _subscore(one: Assessment | None, name: str) -> int | float | None:
    return None if one is None else one.content.result.get("subscores", {}).get(name)
