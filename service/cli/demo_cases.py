"""The demo's synthetic caseload as data: who, what happened to them, how many days ago, and who did it.

Every name ends in "Testperson" and is a tree; nobody here was ever a patient. The acts are performed by
`demo_story.py` through the API, each at its day.
"""

from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import Any

from service.cli.demo_intake import INTAKE_STORIES, opened
from service.cli.demo_law import LAW_STORIES
from service.cli.demo_steps import Case, Step, arrival, chart

_TREES = (
    "Alder", "Almond", "Apple", "Ash", "Aspen", "Bamboo", "Banyan", "Beech", "Birch", "Boxwood", "Buckeye",
    "Cedar", "Cherry", "Chestnut", "Cypress", "Dogwood", "Ebony", "Elder", "Elm", "Fig", "Fir", "Ginkgo",
    "Hawthorn", "Hazel", "Hemlock", "Hickory", "Holly", "Ironwood", "Jacaranda", "Juniper", "Larch",
    "Laurel", "Linden", "Locust", "Magnolia", "Mahogany", "Maple", "Mulberry", "Oak", "Olive", "Osage",
    "Palm", "Pecan", "Pine", "Plum", "Poplar", "Redwood", "Rowan", "Sequoia", "Spruce", "Sumac", "Sycamore",
    "Tamarack", "Teak", "Tupelo", "Walnut", "Wattle", "Willow", "Wisteria", "Yew", "Yucca",
    "Acacia", "Balsa", "Catalpa", "Cottonwood", "Hornbeam", "Kapok", "Katsura", "Medlar", "Quince", "Rosewood",
    "Sandalwood", "Zelkova",
)  # fmt: skip
_GIVEN = (
    "Sam", "Alex", "Robin", "Casey", "Jordan", "Morgan", "Taylor", "Riley", "Avery", "Quinn", "Jamie",
    "Rowan",
)  # fmt: skip

_MILD = (1, 1, 0, 1, 1, 0, 0, 0, 0)
_MODERATE = (2, 1, 2, 1, 1, 2, 1, 1, 0)
_SEVERE = (3, 3, 3, 2, 2, 3, 3, 2, 0)
_WITH_RISK = (2, 3, 2, 2, 1, 3, 2, 1, 2)
_RECOVERING = (1, 1, 1, 0, 1, 0, 0, 0, 0)
_ANXIOUS = (2, 2, 2, 1, 1, 2, 1)
_CALM = (1, 0, 1, 0, 0, 1, 0)


def caseload() -> tuple[Case, ...]:
    """All cases. The first is the patient who has an account of their own."""
    usual = (
        [_treated] * 7 + [_drafting] * 6 + [_screened] * 8 + [_at_risk] * 6 + [_unsigned] * 5
        + [_whole_care] * 5 + [_expired] * 5 + [_revoked] * 5
    )  # fmt: skip
    stories = [(partial(story, number), None) for number, story in enumerate(usual)]
    return tuple(
        Case(
            number=number,
            given_name=_GIVEN[number % len(_GIVEN)],
            family_name=f"{_TREES[number]}-Testperson",
            birth_date=date(1958 + number * 7 % 46, number * 5 % 12 + 1, number * 11 % 28 + 1),
            steps=tuple(story()),
            years=years,
        )
        for number, (story, years) in enumerate(
            [*stories, *LAW_STORIES, *((story, None) for story in INTAKE_STORIES)]
        )
    )


def _answers(prefix: str, values: tuple[int, ...]) -> dict[str, int]:
    return {f"{prefix}.{place}": value for place, value in enumerate(values, start=1)}


def _form(day: float, key: str, prefix: str, values: tuple[int, ...], *, status: str = "completed") -> Step:
    return Step(
        day, "intake", "assess", {"instrument": key, "status": status, "answers": _answers(prefix, values)}
    )


def _consent(day: float, kind: str, **terms: Any) -> Iterator[Step]:
    yield Step(day, "intake", "draft", {"kind": kind, **terms})
    yield Step(day, "intake", "sign")


def _drafting(number: int) -> Iterator[Step]:
    """Intake has begun: a form half filled in."""
    yield from arrival(3 - number % 3)
    yield opened(3 - number % 3)
    yield _form(3 - number % 3, "phq-9", "phq9", _MODERATE[: 3 + number % 4], status="draft")


def _screened(number: int) -> Iterator[Step]:
    """Screened, several times: there is a trend."""
    yield from arrival(40)
    yield _form(40, "phq-9", "phq9", _SEVERE if number % 2 else _MODERATE)
    yield _form(40, "gad-7", "gad7", _ANXIOUS)
    yield _form(20, "phq-9", "phq9", _MODERATE)
    if number % 2:
        yield _form(6, "phq-9", "phq9", _RECOVERING)
        yield _form(6, "gad-7", "gad7", _CALM)


def _at_risk(number: int) -> Iterator[Step]:
    """A safety flag was raised; for some, somebody has acted on it."""
    yield from arrival(9)
    yield opened(9)
    yield _form(9, "phq-9", "phq9", _WITH_RISK)
    yield _form(9, "asq", "asq", (1, 0, 1, 0, number % 2))
    if number % 3 == 0:
        yield Step(8.9, "clinician", "acknowledge")


def _unsigned(number: int) -> Iterator[Step]:
    """A consent was begun; what 42 CFR 2.31 asks for is not all there."""
    yield from arrival(5)
    yield _form(5, "phq-9", "phq9", _MILD)
    yield Step(5, "intake", "draft", {"kind": "specific", "purposes": [], "expires_in": 180})


def _treated(number: int) -> Iterator[Step]:
    """A specific consent is in force; the hospital has received what it covers."""
    yield from arrival(70)
    yield _form(70, "phq-9", "phq9", _MODERATE)
    yield _form(35, "phq-9", "phq9", _MILD)
    yield from chart(34)
    yield from _consent(
        30, "specific", purposes=["TREAT"], expires_in=365, kinds=["medication_list", "attendance"]
    )
    yield Step(20, "clinician", "disclose", {"purpose": "TREAT"})
    if number % 2 == 0:
        yield Step(10, "requester", "request", {"purpose": "TREAT"})


def _whole_care(number: int) -> Iterator[Step]:
    """One consent for treatment, payment and operations."""
    yield from arrival(60)
    yield _form(60, "phq-9", "phq9", _SEVERE)
    yield from chart(50)
    yield from _consent(45, "tpo", purposes=["TPO"], expires_in=None, kinds="all")
    yield Step(15 + number % 5, "clinician", "disclose", {"purpose": "TREAT"})


def _expired(number: int) -> Iterator[Step]:
    """The consent ended on its date; the requester then hears what a stranger would hear."""
    yield from arrival(90)
    yield from chart(88)
    yield from _consent(85, "specific", purposes=["TREAT"], expires_in=60, kinds=["medication_list"])
    yield Step(60, "clinician", "disclose", {"purpose": "TREAT"})
    yield Step(4, "requester", "ask_in_vain", {"purpose": "TREAT"})


def _revoked(number: int) -> Iterator[Step]:
    """Consented, disclosed, revoked; nothing goes out any more."""
    yield from arrival(75)
    yield from chart(70)
    yield from _consent(65, "specific", purposes=["COC"], expires_in=365, kinds=["attendance"])
    yield Step(50, "clinician", "disclose", {"purpose": "COC"})
    yield Step(25, "intake", "revoke")
    yield Step(2, "clinician", "disclose_in_vain", {"purpose": "COC"})
