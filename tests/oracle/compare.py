"""The service's answer beside the oracle's: effect, basis, items, duties, accountings."""

from collections import Counter
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date
from enum import Enum
from typing import Any
from uuid import UUID

from service.disclosure.decide import DisclosureDecision
from service.disclosure.judging import judge
from service.disclosure.situation import Situation
from tests.oracle.law import Outcome, decide
from tests.unit.disclosure.rules import RULES
from tests.unit.disclosure.rules import judge as asking

ASK = asking()


@dataclass
class Tally:
    """What the cases were like. Cases in which everybody says no would show little."""

    cases: int = 0
    effects: Counter[str] = field(default_factory=Counter[str])
    bases: Counter[str] = field(default_factory=Counter[str])

    def count(self, outcome: Outcome) -> None:
        self.cases += 1
        self.effects[outcome.effect] += 1
        if outcome.basis is not None:
            self.bases[outcome.basis] += 1

    @property
    def granting(self) -> float:
        """Share of cases in which something may go."""
        return (self.effects["permit"] + self.effects["partial"]) / max(self.cases, 1)


def answered(situation: Situation) -> Outcome:
    """The service's decision, in the oracle's terms."""
    return outcome_of(judge(situation, ASK, RULES))


def outcome_of(decision: DisclosureDecision) -> Outcome:
    entered = decision.accounting
    return Outcome(
        effect=decision.effect.value,
        basis=None if decision.basis is None else decision.basis.id,
        granted=frozenset(item.id for item in decision.granted),
        obligations=frozenset(duty.value for duty in decision.obligations),
        acc25=entered is not None and entered.part2,
        acc528=entered is not None and entered.hipaa,
    )


def difference(situation: Situation, tally: Tally) -> str | None:
    """None when the two agree, else both answers and the question, for a person to read."""
    expected, actual = decide(situation), answered(situation)
    tally.count(actual)
    if actual in expected.outcomes:
        return None
    return "\n".join((f"service: {shown(actual)}", *(f"oracle:  {shown(one)}" for one in expected.outcomes)))


def shown(outcome: Outcome) -> str:
    """One line a person can compare with another."""
    granted = ",".join(sorted(str(item)[-2:] for item in outcome.granted))
    duties = " ".join(sorted(outcome.obligations))
    return f"{outcome.effect} {outcome.basis} [{granted}] {duties} 2.25={outcome.acc25} 528={outcome.acc528}"


def described(situation: Situation) -> str:
    """The whole question, without what is as usual. The dataclasses hide this from logs; these people are made up."""
    s = situation
    lines = [
        f"{s.purpose.code} by {s.channel.value} via {_short(s.via)} at {s.today.now}; {_short(set(s.today.events))}",
        f"patient {_parts(s.patient)}; covered entity: {s.program.covered_entity}",
        f"to {_parts(s.recipient)}",
    ]
    many = (
        ("item", s.items),
        ("consent", s.consents),
        ("paper", s.evidence),
        ("restriction", s.restrictions),
    )
    lines += [f"{name} {_parts(one)}" for name, each in many for one in each]
    return "\n".join(lines)


_USUAL = {
    "version",
    "author_id",
    "created_at",
    "text_sha256",
    "recorded_by",
    "recorded_at",
    "name",
    "account_id",
}
_USUAL |= {"patient_name", "program_name", "attestation", "method", "language", "address", "requested_at"}


def _parts(thing: Any) -> str:
    """A dataclass without its empty and usual fields, nested ones too."""
    shown = {f.name: getattr(thing, f.name) for f in fields(thing) if f.name not in _USUAL}
    return " ".join(f"{name}={_short(value)}" for name, value in shown.items() if value not in _NOTHING)


_NOTHING: tuple[Any, ...] = (None, False, (), frozenset(), "")


def _short(value: Any) -> str:
    match value:
        case UUID():
            return value.hex[-2:]
        case Enum():
            return str(value.value)
        case date() | str() | bool() | int() | None:
            return str(value)
        case tuple() | frozenset() | set() | list():
            return "[" + ", ".join(sorted(_short(each) for each in value)) + "]"
        case dict():
            return "{" + ", ".join(f"{key}: {_short(each)}" for key, each in value.items()) + "}"
        case _:
            return f"({_parts(value)})" if is_dataclass(value) else str(value)
