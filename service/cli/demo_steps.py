"""What a synthetic patient and an act of the demo are, and how every story begins."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """One act on one patient, `day` days before the demo began, by somebody of the demo."""

    day: float
    actor: str
    act: str
    with_: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Case:
    """One synthetic patient and their story."""

    number: int
    given_name: str
    family_name: str
    birth_date: date
    steps: tuple[Step, ...]
    #: A minor stays one in whatever year the demo is prepared: born so many years before the registration.
    years: int | None = None


def arrival(day: float) -> Iterator[Step]:
    yield Step(day, "intake", "register")
    yield Step(day, "intake", "assign")


def chart(day: float) -> Iterator[Step]:
    """What there is to disclose, and what has to stay."""
    for kind, labels, text in (
        ("attendance", ["SUD"], "Synthetic: present in 3 of 3 group sessions this week."),
        ("medication_list", ["SUD"], "Synthetic: buprenorphine-naloxone 8-2 mg daily."),
        ("progress_note", ["SUD", "PSY"], "Synthetic: reports fewer cravings; sleep improving."),
        ("counseling_note", ["SUD"], "Synthetic counseling session note, kept apart from the record."),
    ):
        with_ = {"kind": kind, "unit": "IOP", "labels": labels, "content": text}
        yield Step(day, "clinician", "write", with_)
