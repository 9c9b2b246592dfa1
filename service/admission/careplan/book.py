"""What plans are made of and held to, as policies/careplan/*.yaml have it: limits, catalogue, templates, gates.

Read once at the start, strictly: an unknown field, a limit that could never hold, a template that names no area stop
the service, because a rule that is silently not applied is the worst kind.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from service.admission.careplan.parts import Area, Comparator, Format, Source
from service.errors import StartRefused
from service.intake.yamlfield import Field, read_fields

FOLDER: Final = "careplan"
_CONF: Final = ("law", "policy", "unsure")
#: Every number a rule may ask for, and nothing else.
VALUES: Final = frozenset(
    {
        *("transition_days", "objective_days", "group_capacity", "cosign_hours", "own_words_characters"),
        *("flag_days", "pcl5_positive", "problems_least", "problems_most"),
        *("step_up_missed_days", "step_up_use_days", "step_up_use_window"),
        *("cloned_characters", "cloned_patients", "cloned_days"),
    }
)
#: What each gate may be given; which gates there are is the rules' (gates.py), what they ask for is data.
GATE_NUMBERS: Final[Mapping[str, frozenset[str]]] = {
    "G1": frozenset({"least_percent"}),
    "G2": frozenset({"tests_in_a_row"}),
    "G3": frozenset(),
    "G4": frozenset({"risk_below", "protective_above"}),
    "G5": frozenset(),
    "G6": frozenset({"least_percent"}),
    "G7": frozenset({"within_days"}),
    "G8": frozenset(),
}


@dataclass(frozen=True, slots=True)
class HourLimit:
    """Minutes a week, for one level, below an age (None: any), in a state ("": any)."""

    level: str
    least: int
    most: int
    source: str
    state: str = ""
    age_below: int | None = None

    def fits(self, level: str, age: int | None, state: str) -> bool:
        """An age nobody knows fits no rule for the young: the stricter one for adults counts."""
        return (
            self.level == level
            and self.state in ("", state)
            and (self.age_below is None or (age is not None and age < self.age_below))
        )


@dataclass(frozen=True, slots=True)
class DayLimit:
    """Minutes a day of service may have, and so many days a week; None: says nothing."""

    binding: bool
    source: str
    state: str = ""
    least: int | None = None
    most: int | None = None
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """One entry of the catalogue."""

    code: str
    name: str
    formats: frozenset[Format]
    counts: bool
    dose: str
    areas: frozenset[Area]


@dataclass(frozen=True, slots=True)
class Template:
    key: str
    area: Area
    text: str
    source: Source
    code: str
    comparator: Comparator
    unit: str


@dataclass(frozen=True, slots=True)
class GateWords:
    name: str
    text: str
    numbers: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class CarePlanBook:
    hours: Sequence[HourLimit]
    days: Sequence[DayLimit]
    values: Mapping[str, int]
    offers: Mapping[str, Offer]
    templates: Mapping[str, Template]
    gates: Mapping[str, GateWords]
    gate_window: int

    def hour_limit(self, level: str, age: int | None, state: str) -> HourLimit | None:
        """The first row that fits; None for a level nobody plans here."""
        return next((row for row in self.hours if row.fits(level, age, state)), None)

    def day_limits(self, state: str, *, binding: bool) -> tuple[DayLimit, ...]:
        return tuple(row for row in self.days if row.binding is binding and row.state in ("", state))

    def counts(self, code: str | None) -> bool:
        """Whether time with this code is therapeutic. What nobody knows adds nothing."""
        offer = self.offers.get(code or "")
        return offer is not None and offer.counts


def load_care_plans(policies: Path) -> CarePlanBook:
    """The files of the folder; StartRefused names file, line and field of the first fault."""
    limits = _file(policies, "limits.yaml").members(("hours", "service_day", "values"))
    values = {name: one.integer() for name, one in limits["values"].mapping().items()}
    if values.keys() != VALUES:
        limits["values"].fault(f"has to name exactly: {', '.join(sorted(VALUES))}")
    offers = _file(policies, "interventions.yaml").members(("interventions",))["interventions"].mapping()
    templates = _file(policies, "objectives.yaml").members(("objectives",))["objectives"].mapping()
    gates = _file(policies, "gates.yaml").members(("window_days", "gates"))
    words = gates["gates"].mapping()
    if words.keys() != GATE_NUMBERS.keys():
        gates["gates"].fault(f"has to name exactly: {', '.join(sorted(GATE_NUMBERS))}")
    return CarePlanBook(
        hours=[_hour_limit(one) for one in limits["hours"].sequence()],
        days=[_day_limit(one) for one in limits["service_day"].sequence()],
        values=values,
        offers={code: _offer(code, one) for code, one in offers.items()},
        templates={key: _template(key, one) for key, one in templates.items()},
        gates={gate: _gate(gate, one) for gate, one in words.items()},
        gate_window=gates["window_days"].integer(),
    )


def _file(policies: Path, name: str) -> Field:
    try:
        text = (policies / FOLDER / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StartRefused(f"{FOLDER}/{name} cannot be read: {type(error).__name__}") from error
    return read_fields(f"{FOLDER}/{name}", text)


def _hour_limit(row: Field) -> HourLimit:
    one = row.members(("level", "least", "most", "conf", "source"), ("state", "age_below"))
    one["conf"].one_of(_CONF)
    least, most = _hours(one["least"]), _hours(one["most"])
    if least > most:
        one["most"].fault("is less than the least: no week could have it")
    return HourLimit(
        level=one["level"].text(),
        least=least,
        most=most,
        source=one["source"].text(),
        state=one["state"].text() if "state" in one else "",
        age_below=one["age_below"].integer() if "age_below" in one else None,
    )


def _day_limit(row: Field) -> DayLimit:
    one = row.members(("binding", "conf", "source"), ("state", "least", "most", "days"))
    one["conf"].one_of(_CONF)
    return DayLimit(
        binding=one["binding"].truth(),
        source=one["source"].text(),
        state=one["state"].text() if "state" in one else "",
        least=_hours(one["least"]) if "least" in one else None,
        most=_hours(one["most"]) if "most" in one else None,
        days=one["days"].integer() if "days" in one else None,
    )


def _hours(field: Field) -> int:
    """Hours in quarters, as minutes."""
    try:
        minutes = Decimal(field.text()) * 60
    except InvalidOperation:
        field.fault("must be hours, such as 9 or 8.75")
    if minutes % 15 or minutes < 0:
        field.fault("must be whole quarters of an hour")
    return int(minutes)


def _offer(code: str, row: Field) -> Offer:
    one = row.members(("name", "formats", "counts", "dose", "for"))
    formats = [Format(each.one_of([form.value for form in Format])) for each in one["formats"].sequence()]
    counts = one["counts"].truth()
    if not formats or (counts and Format.OUTSIDE in formats):
        one["formats"].fault("needs a format, and what is done outside adds no hours")
    return Offer(code, one["name"].text(), frozenset(formats), counts, one["dose"].text(), _areas(one["for"]))


def _areas(field: Field) -> frozenset[Area]:
    return frozenset(_area(one) for one in field.sequence())


def _area(field: Field) -> Area:
    return Area(field.one_of([area.value for area in Area]))


def _template(key: str, row: Field) -> Template:
    one = row.members(("area", "text", "measure", "conf", "source"))
    one["conf"].one_of(_CONF)
    measure = one["measure"].members(("source", "code", "comparator", "unit"))
    return Template(
        key=key,
        area=_area(one["area"]),
        text=one["text"].text(),
        source=Source(measure["source"].one_of([each.value for each in Source])),
        code=measure["code"].text(),
        comparator=Comparator(measure["comparator"].one_of([each.value for each in Comparator])),
        unit=measure["unit"].text(),
    )


def _gate(gate: str, row: Field) -> GateWords:
    numbers = GATE_NUMBERS[gate]
    one = row.members(("name", "text", *sorted(numbers)))
    return GateWords(
        one["name"].text(), one["text"].text(), {name: one[name].integer() for name in sorted(numbers)}
    )
