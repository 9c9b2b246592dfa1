"""What a part of a care plan is made of on a page, as data: its fields, and what there is to choose from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from service.admission.careplan.book import CarePlanBook
from service.admission.careplan.content import Content
from service.admission.careplan.parts import (
    Area,
    Comparator,
    FamilyWord,
    Format,
    ProblemState,
    Source,
    Weeks,
)

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

Choices = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `name` is its path in the part; `kind` line, text, day, clock, number, whole, choice, check, keys (some
    of a list), lines (one a line) or rows (of `parts`). `blank`: what an empty field is.
    """

    name: str
    label: str
    kind: str = "line"
    hint: str = ""
    choices: str = ""
    parts: "tuple[Field, ...]" = ()
    blank: Any = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of part: its title, where in the plan it stands, the letter of its keys (None: there is one of it)."""

    title: str
    at: str
    letter: str | None
    fields: tuple[Field, ...]


_REMARK: Final = (
    Field("text", "What"),
    Field("third_party", "Somebody else said so: not in the patient’s copy", "check"),
)
_MILESTONES: Final = (
    Field("due", "By", "day"),
    Field("target", "Value to reach", "number"),
    Field("statement", "In words"),
)
_EVIDENCE: Final = (
    Field("statement", "What shows it"),
    Field("instrument", "Instrument"),
    Field("score", "Score", "number"),
    Field("dated_on", "Of", "day"),
    Field("third_party", "Somebody else said so: not in the patient’s copy", "check"),
)
_MEDICINE: Final = (
    Field("name", "Medicine"),
    Field("purpose", "For", "choice", choices="purpose"),
    Field("prescriber", "Who prescribes it"),
    Field("note", "Note"),
)
KINDS: Final[Mapping[str, Kind]] = {
    "problem": Kind(
        "A problem",
        "problems",
        "p",
        (
            Field("statement", "What is hard"),
            Field("area", "What it is about", "choice", choices="area"),
            Field("priority", "Priority (1 is the first)", "whole"),
            Field("state", "State", "choice", choices="problem_state"),
            Field("code", "ICD-10-CM code, when there is a diagnosis"),
            Field("evidence", "What it rests on", "rows", parts=_EVIDENCE),
            Field("flags", "Open flags it answers", "keys", choices="flag"),
        ),
    ),
    "goal": Kind(
        "A goal",
        "goals",
        "g",
        (
            Field(
                "own_words",
                "What the person wants, in their own words",
                "text",
                "At least a sentence.",
                blank="",
            ),
            Field("problem", "Problem it answers", "choice", choices="problem"),
            Field("interventions", "What is done for it", "keys", choices="intervention"),
            Field("template", "Template it was begun from", "choice", choices="template"),
        ),
    ),
    "objective": Kind(
        "An objective",
        "objectives",
        "o",
        (
            Field("statement", "What both will see", "text"),
            Field("measure.source", "Measured by", "choice", choices="source"),
            Field("measure.code", "Instrument, test or event", hint="Such as phq-9, uds, use_days."),
            Field("measure.comparator", "Reached when it is", "choice", choices="comparator"),
            Field("measure.target", "Value to reach", "number"),
            Field("measure.unit", "Unit"),
            Field("measure.window_days", "Within days", "whole"),
            Field("measure.baseline", "Value at the start", "number"),
            Field("measure.baseline_on", "Measured on", "day"),
            Field("due", "By", "day"),
            Field("responsible", "Who does it", "lines", "One a line."),
            Field("milestones", "Milestones", "rows", parts=_MILESTONES),
        ),
    ),
    "intervention": Kind(
        "An intervention",
        "interventions",
        "i",
        (
            Field("code", "What is done", "choice", choices="offer"),
            Field("format", "How", "choice", choices="format"),
            Field("role", "Who is responsible"),
            Field("times", "How many times", "whole"),
            Field("per_days", "in so many days", "whole"),
            Field("minutes", "Minutes each", "whole"),
            Field("weeks", "For weeks", "whole"),
        ),
    ),
    "slot": Kind(
        "An hour of the week",
        "slots",
        "s",
        (
            Field("weekday", "Day", "choice", choices="weekday"),
            Field("starts", "Begins", "clock"),
            Field("minutes", "Minutes", "whole"),
            Field("intervention", "What is held", "choice", choices="intervention"),
            Field("weeks", "Weeks", "choice", choices="weeks"),
            Field("group", "Group"),
            Field("enrolled", "People in it, this person too", "whole"),
            Field("capacity", "Places", "whole"),
            Field("site", "Where"),
            Field("remote", "By video", "check"),
        ),
    ),
    "frame": Kind(
        "Days, level, family",
        "",
        None,
        (
            Field("starts_on", "First day", "day"),
            Field("ends_on", "Last day", "day"),
            Field("review_on", "Next review", "day"),
            Field("reviewer", "Who reviews it"),
            Field("level", "Level of care"),
            Field("preliminary", "A preliminary plan, for the first days", "check"),
            Field("authorised_units", "Days of service a week the payer authorized", "whole"),
            Field("family", "Family sessions", "choice", choices="family"),
            Field("family_note", "Why not, or with whom"),
            Field("transition.starts_on", "Fewer hours on the way out, from", "day"),
            Field("transition.ends_on", "until", "day"),
            Field("transition.reason", "and why"),
            Field(
                "closures",
                "Days without service",
                "rows",
                parts=(Field("on", "Day", "day"), Field("reason", "Why")),
            ),
        ),
    ),
    "person": Kind(
        "The person",
        "",
        None,
        (
            Field("person.strengths", "Strengths", "rows", parts=_REMARK),
            Field("person.barriers", "What stands in the way", "rows", parts=_REMARK),
            Field("person.preferences", "What the person prefers", "rows", parts=_REMARK),
            Field("person.culture", "Culture, faith"),
            Field("person.language", "Language"),
            Field("person.interpreter_needed", "An interpreter is needed", "check"),
            Field("person.interpreter_arranged", "An interpreter is arranged", "check"),
            Field("person.unreachable_sites", "Places the person cannot reach", "lines", "One a line."),
        ),
    ),
    "safety": Kind(
        "Safety and medicines",
        "",
        None,
        (
            Field("safety.safety_plan", "Id of the safety plan"),
            Field("safety.overdose_plan", "What to do in an overdose", "text"),
            Field("safety.naloxone", "Naloxone", "choice", choices="naloxone"),
            Field("safety.emergency_contact", "Whom to call, and what may be said"),
            Field("safety.moud_offered_on", "Medicine for opioid use offered on", "day"),
            Field("safety.maud_offered_on", "Medicine for alcohol use offered on", "day"),
            Field("medicines", "Medicines", "rows", parts=_MEDICINE),
        ),
    ),
    "leaving": Kind(
        "Moving on, and after",
        "",
        None,
        (
            Field("leaving.criteria", "What has to be true to move on", "lines", "One a line."),
            Field("leaving.discussed_on", "Talked over with the person on", "day"),
            Field("leaving.aftercare.level", "Level of care next"),
            Field("leaving.aftercare.provider", "With whom"),
            Field("leaving.aftercare.first_on", "First appointment", "day"),
            Field("leaving.aftercare.last_group_on", "Last group here", "day"),
            Field("leaving.aftercare.meetings", "Meetings"),
            Field("leaving.aftercare.relapse_plan_given_on", "Relapse plan in the patient’s hands on", "day"),
            Field("copy_offered.on", "Copy of the plan offered on", "day"),
            Field("copy_offered.form", "as"),
        ),
    ),
}
_STATIC: Final[Mapping[str, Choices]] = {
    "area": [(one.value, one.value.replace("_", " ").capitalize()) for one in Area],
    "problem_state": [(one.value, one.value.capitalize()) for one in ProblemState],
    "source": [(one.value, one.value.capitalize()) for one in Source],
    "comparator": [
        (Comparator.LESS.value, "less than"),
        (Comparator.AT_MOST.value, "at most"),
        (Comparator.EQUAL.value, "exactly"),
        (Comparator.AT_LEAST.value, "at least"),
        (Comparator.MORE.value, "more than"),
        (Comparator.DOWN_BY.value, "lower than at the start by"),
        (Comparator.DOWN_BY_PERCENT.value, "lower than at the start by per cent"),
    ],
    "format": [(one.value, one.value.capitalize()) for one in Format],
    "weeks": [
        (one.value, f"{one.value.capitalize()} week{'s' if one is not Weeks.EVERY else ''}") for one in Weeks
    ],
    "weekday": [(str(number), day) for number, day in enumerate(DAYS)],
    "family": [(one.value, one.value.replace("_", " ").capitalize()) for one in FamilyWord],
    "naloxone": [
        ("given", "Given here"),
        ("has", "Has it"),
        ("declined", "Declined"),
        ("not_indicated", "Not indicated"),
    ],
    "purpose": [
        ("moud", "Opioid use"),
        ("maud", "Alcohol use"),
        ("psychotropic", "Mental health"),
        ("other", "Something else"),
    ],
}


def choices_for(content: Content, book: CarePlanBook, flags: Choices) -> Mapping[str, Choices]:
    """Everything there is to choose from, in this plan."""
    return {
        **_STATIC,
        "offer": [(offer.code, offer.name) for offer in book.offers.values()],
        "template": [(template.key, template.text) for template in book.templates.values()],
        "problem": [(one.key, one.statement) for one in content.problems],
        "intervention": [
            (one.key, f"{_name(book, one.code)} ({one.format.value})") for one in content.interventions
        ],
        "flag": flags,
    }


def _name(book: CarePlanBook, code: str) -> str:
    offer = book.offers.get(code)
    return code if offer is None else offer.name
