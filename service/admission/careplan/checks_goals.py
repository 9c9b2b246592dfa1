"""Rules about what is aimed at and done: goals, interventions, words, diagnoses (CP-04 to 08, CP-13, 14 and 19)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from service.admission.careplan.book import CarePlanBook
from service.admission.careplan.content import Content, Objective, Problem
from service.admission.careplan.facts import PlanFacts
from service.admission.careplan.finding import Fault
from service.admission.careplan.hours import code_of, format_of, held_in
from service.admission.careplan.parts import Area, FamilyWord, Format, ProblemState, Weeks
from service.labels import Label

#: ICD-10-CM categories of substances, by the class the substance table uses (medical intake D7).
SUBSTANCE_OF: Final = {
    "F10": frozenset({"alcohol"}),
    "F11": frozenset({"opioid", "opioids"}),
    "F12": frozenset({"cannabis"}),
    "F13": frozenset({"sedative", "sedatives", "benzodiazepine", "benzodiazepines"}),
    "F14": frozenset({"cocaine"}),
    "F15": frozenset({"stimulant", "stimulants", "amphetamine", "amphetamines", "methamphetamine"}),
    "F16": frozenset({"hallucinogen", "hallucinogens"}),
    "F17": frozenset({"nicotine", "tobacco"}),
    "F18": frozenset({"inhalant", "inhalants"}),
}
_CATEGORY: Final = 3


def active(content: Content) -> tuple[Problem, ...]:
    return tuple(one for one in content.problems if one.state is ProblemState.ACTIVE)


def problems_counted(content: Content, _facts: PlanFacts, book: CarePlanBook) -> Iterator[Fault]:
    """CP-04: few enough to work on, each with what it rests on."""
    least, most = book.values["problems_least"], book.values["problems_most"]
    if not least <= len(active(content)) <= most:
        yield Fault("problems", f"{len(active(content))} active problems; {least} to {most} are usual.")
    for place, one in enumerate(content.problems):
        if one.state is ProblemState.ACTIVE and not one.evidence:
            yield Fault(f"problems[{place}].evidence", "Say what this problem rests on: a score or a fact.")


def goals(content: Content, _facts: PlanFacts, book: CarePlanBook) -> Iterator[Fault]:
    """CP-04: every problem has a goal, every goal an objective that can be measured in time."""
    if not active(content):
        yield Fault("problems", "A plan needs a problem.")
    aimed_at = {goal.problem for goal in content.goals}
    known = {one.key for one in content.problems}
    for place, one in enumerate(content.problems):
        if one.state is ProblemState.ACTIVE and one.key not in aimed_at:
            yield Fault(f"problems[{place}]", "No goal answers this problem.")
    for place, goal in enumerate(content.goals):
        if goal.problem not in known:
            yield Fault(f"goals[{place}].problem", "No problem of this plan has this key.")
        if not goal.objectives:
            yield Fault(f"goals[{place}].objectives", "A goal needs an objective.")
        for number, objective in enumerate(goal.objectives):
            for field, message in _unmeasurable(content, objective, book):
                yield Fault(f"goals[{place}].objectives[{number}].{field}", message)


def _unmeasurable(content: Content, objective: Objective, book: CarePlanBook) -> Iterator[tuple[str, str]]:
    """Measurable: a comparator, a target, a day, a source; and a baseline where the target is a change from one."""
    measure, days = objective.measure, book.values["objective_days"]
    if measure.comparator is None or measure.target is None:
        yield "measure", "Say what the value is to be compared with, and how."
    elif measure.comparator.value.startswith("down_by") and measure.baseline is None:
        yield "measure.baseline", "A fall is measured from a baseline."
    if measure.baseline is not None and measure.baseline_on is None:
        yield "measure.baseline_on", "Say when the baseline was measured."
    if objective.due is None:
        yield "due", "Say by when."
    elif not content.starts_on < objective.due <= content.starts_on + timedelta(days=days):
        yield "due", f"A day after the plan begins, and within {days} days."
    for number, milestone in enumerate(objective.milestones):
        if objective.due is not None and milestone.due > objective.due:
            yield f"milestones[{number}].due", "A milestone lies on the way."


def interventions(content: Content, _facts: PlanFacts, _book: CarePlanBook) -> Iterator[Fault]:
    """CP-05: every goal is worked on, by somebody, so often."""
    known = {one.key for one in content.interventions}
    for place, goal in enumerate(content.goals):
        if not goal.interventions:
            yield Fault(f"goals[{place}].interventions", "Nothing is done for this goal.")
        elif not known.issuperset(goal.interventions):
            yield Fault(f"goals[{place}].interventions", "Not all of these are interventions of this plan.")
    for place, one in enumerate(content.interventions):
        if one.role is None:
            yield Fault(f"interventions[{place}].role", "Say who is responsible.")
        if one.times is None or one.per_days is None:
            yield Fault(f"interventions[{place}].times", "Say how often.")


def sessions(content: Content, facts: PlanFacts, book: CarePlanBook) -> Iterator[Fault]:
    """CP-06: one conversation alone in any seven days, a group, and a word on the family."""
    held = [
        {format_of(content, slot) for slot in held_in(content, kind) if book.counts(code_of(content, slot))}
        for kind in (Weeks.ODD, Weeks.EVEN)
    ]
    if not all(Format.INDIVIDUAL in week for week in held):
        yield Fault("slots", "An individual session is needed every week.")
    if not all(Format.GROUP in week for week in held):
        yield Fault("slots", "A group session is needed every week.")
    if content.family is None:
        yield Fault("family", "Say whether family sessions are offered, declined or not safe.")
    violent = Label.SDV in facts.labels or any(one.area is Area.PARTNER_VIOLENCE for one in content.problems)
    family = any(one.format is Format.FAMILY for one in content.interventions)
    if violent and (content.family is FamilyWord.OFFERED or family) and content.family_note is None:
        yield Fault(
            "family", "Where there is violence at home, family sessions take a note of who asked for them."
        )


def own_words(content: Content, _facts: PlanFacts, book: CarePlanBook) -> Iterator[Fault]:
    """CP-07: what the person said, not what the form offers (Joint Commission CTS.03.01.03 EP 2)."""
    least = book.values["own_words_characters"]
    templates = {_folded(one.text) for one in book.templates.values()}
    for place, goal in enumerate(content.goals):
        said = _folded(goal.own_words)
        if len(said) < least:
            yield Fault(
                f"goals[{place}].own_words", f"In the person's own words, {least} characters or more."
            )
        elif said in templates or any(said == _folded(one.statement) for one in goal.objectives):
            yield Fault(f"goals[{place}].own_words", "This is the template's sentence, not the person's.")


def leaving(content: Content, facts: PlanFacts, _book: CarePlanBook) -> Iterator[Fault]:
    """CP-08: when it is over, and that it was talked about."""
    if not content.leaving.criteria:
        yield Fault("leaving.criteria", "Say what has to be true to move on or to leave.")
    discussed = content.leaving.discussed_on
    if discussed is None:
        yield Fault("leaving.discussed_on", "Say when this was talked over with the person.")
    elif discussed > facts.today:
        yield Fault("leaving.discussed_on", "A day that has been.")


def medicines(content: Content, facts: PlanFacts, _book: CarePlanBook) -> Iterator[Fault]:
    """CP-13: medicines that keep people alive are offered, and the offer is written down."""
    codes = {*facts.diagnoses, *(one.code for one in content.problems if one.code)}
    safety, given = content.safety, {one.purpose for one in content.medicines}
    if _has(codes, "F11") and safety.moud_offered_on is None and "moud" not in given:
        yield Fault("safety.moud_offered_on", "Opioid use disorder, and no offer of medication is recorded.")
    if _has(codes, "F10") and safety.maud_offered_on is None and "maud" not in given:
        yield Fault("safety.maud_offered_on", "Alcohol use disorder, and no offer of medication is recorded.")
    if any(_has(codes, code) for code in SUBSTANCE_OF if code != "F17") and safety.naloxone is None:
        yield Fault("safety.naloxone", "Say whether the person has naloxone.")


def answered_needs(content: Content, facts: PlanFacts, book: CarePlanBook) -> Iterator[Fault]:
    """CP-14: what the intake found has something in the plan."""
    used = {one.code for one in content.interventions}
    areas = {one.area for one in active(content)}
    if facts.pregnant and Area.PREGNANCY not in areas and "PRENATAL" not in used:
        yield Fault("interventions", "The patient is pregnant: arrange prenatal care.")
    if facts.pcl5 is not None and facts.pcl5 >= book.values["pcl5_positive"] and "TRAUMA" not in used:
        yield Fault("interventions", "PCL-5 is positive: plan trauma-informed therapy, or say why not.")
    if facts.social_need and "CASE" not in used:
        yield Fault("interventions", "A social need was found: plan case management.")


def diagnosed(content: Content, facts: PlanFacts, _book: CarePlanBook) -> Iterator[Fault]:
    """CP-19: a code in the plan is a diagnosis somebody made, of the substance it speaks of."""
    for place, one in enumerate(content.problems):
        if one.code is None:
            continue
        if one.code not in facts.diagnoses:
            yield Fault(f"problems[{place}].code", "There is no current diagnosis with this code.")
            continue
        substance = facts.diagnoses[one.code]
        fitting = SUBSTANCE_OF.get(one.code[:_CATEGORY])
        if substance is not None and fitting is not None and substance not in fitting:
            yield Fault(f"problems[{place}].code", "The diagnosis is of another substance.")


def _has(codes: set[str], category: str) -> bool:
    return any(code.startswith(category) for code in codes)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold().rstrip(".")
