"""The table as it ships, the person the vectors start from, and the vectors: those given and our own."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from service.admission.placement.conditions import Value
from service.admission.placement.evaluating import evaluate
from service.admission.placement.loading import load_placement
from service.admission.placement.rules import RuleSet, Suggestion

ROOT = Path(__file__).parents[4]
DATA = ROOT / "tests" / "data"
BOOK = load_placement(ROOT / "policies")
BASE: Mapping[str, Value | None] = json.loads((DATA / "placement-base.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Case:
    """One vector: what differs from the base person, what is old, what must come out."""

    id: str
    facts: Mapping[str, Value | None]
    stale: frozenset[str]
    outcome: str
    fired: tuple[str, ...]
    levels: str | None

    def run(self, rules: RuleSet = BOOK.core) -> Suggestion:
        return evaluate(rules, self.facts, self.stale)

    def met(self, rules: RuleSet) -> bool:
        """Whether the table says what the vector says."""
        said = self.run(rules)
        return (
            said.outcome.value == self.outcome
            and tuple(sorted(one.id for one in said.fired)) == self.fired
            and (self.levels is None or levels(said) == self.levels)
        )


def levels(said: Suggestion) -> str:
    return ";".join(one.level + (f"+{one.given}" if one.given else "") for one in said.levels)


def cases(name: str) -> list[Case]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return [_case(row) for row in csv.DictReader(file)]


def _case(row: dict[str, str]) -> Case:
    return Case(
        id=row["case_id"],
        facts={**BASE, **json.loads(row["facts_delta"])},
        stale=frozenset(row.get("stale", "").split(";")) - {""},
        outcome=row["expected_class"],
        fired=tuple(sorted(row["expected_rules"].split(";"))),
        levels=None if row.get("expected_levels", "any") == "any" else row["expected_levels"],
    )


GIVEN = cases("placement-cases.csv")
OWN = cases("placement-cases-own.csv")
