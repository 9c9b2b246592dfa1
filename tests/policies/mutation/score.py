"""Ask the rows about each mutant: a mutant that no row notices is a condition nothing tests."""

import copy
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import cedarpy
import yaml

from service.access import engine as cedar
from service.access.actions import Action
from service.access.compile import GROUPS, SCHEMA_FILE
from service.access.decision import Decision
from service.access.engine import Engine, Evaluator, Question
from tests.policies.mutation.mutants import Mutant, Node, Source, hand_written, mutants_of

EQUIVALENT = Path(__file__).with_name("equivalent.yaml")
#: What Cedar calls the first policy of a text.
_ADDED = "policy0"
#: Share of mutants that must be noticed.
ENOUGH = 0.95


class Row(Protocol):
    """One question with its answer, as tests/policies/rows has them."""

    @property
    def id(self) -> str: ...
    @property
    def action(self) -> Action: ...
    @property
    def rules(self) -> Collection[str]:
        """Rules the row names: it is asked first about their mutants."""
        ...

    def holds(self, engine: Engine) -> bool:
        """Whether the engine gives the answer the row expects."""
        ...


@dataclass(frozen=True)
class Verdict:
    """What became of one mutant: the row that noticed it, or None."""

    mutant: Mutant
    killed_by: str | None
    reason: str = ""

    @property
    def equivalent(self) -> bool:
        return bool(self.reason)


@dataclass(frozen=True)
class Score:
    verdicts: Sequence[Verdict]

    @property
    def counted(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if not verdict.equivalent]

    @property
    def survivors(self) -> list[Verdict]:
        return [verdict for verdict in self.counted if verdict.killed_by is None]

    @property
    def share(self) -> float:
        return 1 - len(self.survivors) / len(self.counted) if self.counted else 0.0

    def by_policy(self) -> dict[str, tuple[int, int]]:
        """Policy -> (noticed, counted)."""
        tally: dict[str, tuple[int, int]] = {}
        for verdict in self.counted:
            killed, all_ = tally.get(verdict.mutant.policy, (0, 0))
            tally[verdict.mutant.policy] = (killed + (verdict.killed_by is not None), all_ + 1)
        return tally


class Laboratory:
    """The real engine on the real policies, and on the same with one policy changed."""

    def __init__(self, policies: Path) -> None:
        self.engine = Engine.load(policies)
        texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(policies.glob("*.cedar"))}
        rules, self._bodies = cedar._read_rules(texts)
        schema = cedar._read_schema(
            (policies / SCHEMA_FILE).read_text(encoding="utf-8"), "\n".join(texts.values())
        )
        self._evaluator = Evaluator(rules, schema, self._bodies)
        self._without = ""
        self._others = _Slices({})

    def engine_with(self, mutant: Mutant) -> Engine:
        """The engine with this one policy changed. The others are parsed once for all mutants of a policy."""
        if mutant.policy != self._without:
            self._without = mutant.policy
            self._others = _Slices(
                {name: body for name, body in self._bodies.items() if name != mutant.policy}
            )
        added = "" if mutant.body is None else _text(mutant.body)
        evaluator = copy.copy(self._evaluator)
        evaluator._rules = {**self.engine.rules, _ADDED: self.engine.rules[mutant.policy]}
        evaluator._policies = _WithOneMore(self._others, added, self.acts(mutant.policy))

        def evaluate(question: Question) -> Decision:
            return _renamed(evaluator.evaluate(question), mutant.policy)

        return replace(self.engine, _evaluate=evaluate)

    def acts(self, policy: str) -> frozenset[Action]:
        """The acts a policy can have a say in."""
        scope = self._bodies[policy]["action"]
        return frozenset(
            action
            for action in Action
            if not action.is_event
            and cedar._in_scope(
                scope, {action.value} | {group for group, members in GROUPS.items() if action in members}
            )
        )


class _Slices(dict[Action, Any]):
    """The policies for each act, parsed when the act is first asked about."""

    def __init__(self, bodies: Mapping[str, dict[str, Any]]) -> None:
        super().__init__()
        self._bodies = bodies

    def __missing__(self, action: Action) -> Any:
        self[action] = parsed = cedar._slice(action, self._bodies)
        return parsed


class _WithOneMore(dict[Action, Any]):
    """The same, and one policy more for the acts it is about."""

    def __init__(self, others: _Slices, added: str, acts: frozenset[Action]) -> None:
        super().__init__()
        self._others, self._added, self._acts = others, added, acts

    def __missing__(self, action: Action) -> Any:
        others = self._others[action]
        more = self._added and action in self._acts
        self[action] = whole = others.with_added_str(self._added) if more else others
        return whole


def _text(body: Node) -> str:
    whole = {"staticPolicies": {_ADDED: body}, "templates": {}, "templateLinks": []}
    return cedarpy.policies_from_json_str(json.dumps(whole))


def _renamed(decision: Decision, policy: str) -> Decision:
    """A policy added as text has Cedar's own id: give it the one it has in the file."""

    def names(ids: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted(policy if name == _ADDED else name for name in ids))

    return replace(decision, policies=names(decision.policies), refused_by=names(decision.refused_by))


def equivalents() -> dict[str, str]:
    """Name of each mutant that changes no answer, with the reason why it cannot."""
    return yaml.safe_load(EQUIVALENT.read_text(encoding="utf-8")) or {}


def try_out(
    laboratory: Laboratory,
    sources: Iterable[Source],
    rows: Sequence[Row],
    equal: Mapping[str, str],
    every: int = 1,
) -> Iterator[Verdict]:
    """The verdict on each mutant of each policy; with `every`, on that part of them and on all said to be equivalent."""
    place = 0
    for source in sources:
        acts = laboratory.acts(source.id)
        asked = [row for row in rows if row.action in acts]
        asked.sort(key=lambda row: source.id not in row.rules)
        for mutant in mutants_of(source):
            place += 1
            if place % every and mutant.body is not None and mutant.name not in equal:
                continue
            engine = laboratory.engine_with(mutant)
            noticed = next((row.id for row in asked if not row.holds(engine)), None)
            if noticed is None and mutant.policy in laboratory.engine.rules:
                yield Verdict(mutant, None, equal.get(mutant.name, ""))
            else:
                yield Verdict(mutant, noticed)


def score(policies: Path, rows: Sequence[Row], every: int = 1) -> Score:
    """The score of all hand-written policies under these rows, or of one mutant in `every`.

    A row that is wrong already, or an equivalent mutant that is none (any more), is an error: neither may hide a
    survivor.
    """
    laboratory = Laboratory(policies)
    if wrong := [row.id for row in rows if not row.holds(laboratory.engine)]:
        raise AssertionError(f"these rows do not hold as things are: {', '.join(wrong[:10])}")
    equal = equivalents()
    verdicts = list(try_out(laboratory, hand_written(policies), rows, equal, every))
    found = {verdict.mutant.name for verdict in verdicts if verdict.equivalent}
    if stale := set(equal) - found:
        raise AssertionError(f"listed as equivalent, but noticed or gone: {', '.join(sorted(stale))}")
    return Score(verdicts)
