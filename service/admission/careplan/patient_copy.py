"""The plan as the patient takes it home: plain sentences, nothing anybody else said (CP-21; 45 CFR 164.524(a)(3)).

What is left out: evidence and remarks marked as said by a third party, notes on flags and gates, codes, and what was
said to justify the plan to others. Built by naming what goes in: a part added later stays out until somebody decides.
"""

from typing import Any, Final

from service.admission.careplan.book import CarePlanBook
from service.admission.careplan.content import Content, Goal, Intervention, Remark
from service.admission.careplan.plan import CarePlan

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def copy_for(plan: CarePlan, book: CarePlanBook) -> dict[str, Any]:
    """What the patient reads."""
    content = plan.content
    return {
        "id": plan.id,
        "patient_id": plan.patient_id,
        "episode_id": plan.episode_id,
        "status": plan.status.value,
        "version": plan.version,
        "starts_on": content.starts_on,
        "review_on": content.review_on,
        "problems": [
            {
                "what": one.statement,
                "seen_in": [each.statement for each in one.evidence if not each.third_party],
            }
            for one in sorted(content.problems, key=lambda each: each.priority)
        ],
        "goals": [_goal(content, goal, book) for goal in content.goals],
        "week": _week(content, book),
        "medicines": [f"{one.name}, from {one.prescriber}" for one in content.medicines],
        "strengths": _said(content.person.strengths),
        "preferences": _said(content.person.preferences),
        "team": [{"name": one.name, "role": one.role} for one in content.team],
        "safety_plan_id": content.safety.safety_plan,
        "overdose_plan": content.safety.overdose_plan,
        "done_when": list(content.leaving.criteria),
        "next": {
            "provider": content.leaving.aftercare.provider,
            "first_on": content.leaving.aftercare.first_on,
        },
    }


def _goal(content: Content, goal: Goal, book: CarePlanBook) -> dict[str, Any]:
    used = [one for one in content.interventions if one.key in goal.interventions]
    return {
        "in_your_words": goal.own_words,
        "state": goal.state.value,
        "steps": [{"what": one.statement, "by": one.due} for one in goal.objectives],
        "helped_by": [_help(one, book) for one in used],
    }


def _help(one: Intervention, book: CarePlanBook) -> str:
    offer = book.offers.get(one.code)
    name = one.code if offer is None else offer.name
    often = "" if one.times is None or one.per_days is None else f", {one.times} in {one.per_days} days"
    return f"{name}{often}"


def _week(content: Content, book: CarePlanBook) -> list[str]:
    names = {one.key: _help(one, book).partition(",")[0] for one in content.interventions}
    return [
        f"{_DAYS[slot.weekday]} {slot.starts:%H:%M}, {slot.minutes} minutes: "
        + names.get(slot.intervention or "", "Break")
        for slot in sorted(content.slots, key=lambda each: (each.weekday, each.starts))
    ]


def _said(remarks: tuple[Remark, ...]) -> list[str]:
    return [one.text for one in remarks if not one.third_party]
