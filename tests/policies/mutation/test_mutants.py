"""The mutants are the ones meant, each in one place; and one that changes an answer is noticed."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.access.actions import Action
from service.access.caller import Role
from service.access.engine import Engine
from service.access.facts import Facts
from service.config import ROOT
from tests.policies.callers import caller
from tests.policies.mutation.mutants import Mutant, Source, hand_written, mutants_of
from tests.policies.mutation.score import Laboratory, Score, Verdict, try_out

POLICIES = ROOT / "policies"
TEXT = """// a comment with consent_present
@id("T1")
@cite("42 CFR 2.13(a)")
@conf("law")
permit (
    principal,
    action in [Action::"consent.read", Action::"consent.list"],
    resource
)
when {
    // consent_present, but in a comment
    context.facts.relationship &&
    (context.facts.kind == "claim" || !context.facts.unit_assigned)
}
unless { ["draft", "final"].contains(context.facts.state) };
"""


@pytest.fixture
def sample(tmp_path: Path) -> Source:
    (tmp_path / "sample.cedar").write_text(TEXT, encoding="utf-8")
    [source] = hand_written(tmp_path)
    return source


def test_every_single_change_is_made_once_with_its_line(sample: Source) -> None:
    found = {(mutant.name.removeprefix("T1: "), mutant.place) for mutant in mutants_of(sample)}
    line = "sample.cedar:{}".format
    assert found == {
        ("gone", line(2)),
        ("act consent.read dropped", line(2)),
        ("act consent.list dropped", line(2)),
        ("the whole condition removed", line(12)),
        ("the whole condition negated", line(12)),
        ("relationship removed", line(12)),
        ("relationship negated", line(12)),
        ('(kind == "claim" || !unit_assigned) removed', line(13)),
        ('(kind == "claim" || !unit_assigned) negated', line(13)),
        ('kind == "claim" removed', line(13)),
        ('kind == "claim" negated', line(13)),
        ("!unit_assigned removed", line(13)),
        ("!unit_assigned negated", line(13)),
        ('["draft", "final"].contains(state) removed', line(15)),
        ('["draft", "final"].contains(state) negated', line(15)),
        ('"draft" dropped from ["draft", "final"].contains(state)', line(15)),
        ('"final" dropped from ["draft", "final"].contains(state)', line(15)),
    }


def test_each_mutant_has_a_name_of_its_own_in_every_policy() -> None:
    for source in hand_written(POLICIES):
        names = [mutant.name for mutant in mutants_of(source)]
        assert len(names) == len(set(names)) >= 2
        assert all(mutant.body != source.body for mutant in mutants_of(source))


def test_a_policy_is_found_where_it_stands() -> None:
    for source in hand_written(POLICIES):
        lines = (POLICIES / source.file).read_text(encoding="utf-8").splitlines()
        assert lines[source.first_line - 1] == f'@id("{source.id}")'


def test_every_hand_written_policy_is_taken() -> None:
    written = {n for n, rule in Engine.load(POLICIES).rules.items() if rule.file != "roles.cedar"}
    assert {source.id for source in hand_written(POLICIES)} == written


@dataclass(frozen=True)
class Asked:
    """A row about an administrator who would read a patient."""

    id: str = "administrator"
    action: Action = Action.PATIENT_READ
    rules: tuple[str, ...] = ("guard-administrator",)
    holds_if: Callable[[bool], bool] = lambda refused: refused

    def holds(self, engine: Engine) -> bool:
        facts = Facts(relationship=True, unit_assigned=True)
        ruling = engine.decide(self.action, caller(Role.CLINICIAN, Role.ADMINISTRATOR), "TREAT", facts)
        return self.holds_if("guard-administrator" in ruling.refused_by)


def test_a_mutant_that_changes_an_answer_is_noticed_and_the_others_survive() -> None:
    laboratory = Laboratory(POLICIES)
    sources = [source for source in hand_written(POLICIES) if source.id == "guard-administrator"]
    noticed = {
        verdict.mutant.name: verdict.killed_by for verdict in try_out(laboratory, sources, [Asked()], {})
    }
    assert noticed == {
        "guard-administrator: gone": "administrator",
        "guard-administrator: caller.administrator removed": None,
        "guard-administrator: caller.administrator negated": "administrator",
    }
    blind = list(try_out(laboratory, sources, [Asked(holds_if=lambda refused: True)], {}))
    assert [verdict.killed_by for verdict in blind] == [None, None, None]


def test_the_unchanged_policy_put_back_changes_nothing() -> None:
    laboratory = Laboratory(POLICIES)
    for source in hand_written(POLICIES):
        same = laboratory.engine_with(Mutant(source.id, "same", "", source.body))
        if source.id == "guard-administrator":
            assert Asked().holds(same)
            assert not Asked().holds(laboratory.engine_with(Mutant(source.id, "gone", "", None)))


def test_the_score_counts_survivors_and_leaves_out_equivalents() -> None:
    def verdict(policy: str, killed_by: str | None, reason: str = "") -> Verdict:
        return Verdict(Mutant(policy, "m", "f:1", None), killed_by, reason)

    result = Score([verdict("A", "r"), verdict("A", None), verdict("B", "r"), verdict("B", None, "cannot")])
    assert (len(result.counted), len(result.survivors)) == (3, 1)
    assert result.share == pytest.approx(2 / 3)
    assert result.by_policy() == {"A": (1, 2), "B": (1, 1)}
    assert Score([]).share == 0
