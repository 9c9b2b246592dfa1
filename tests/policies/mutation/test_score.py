"""At least 95 % of the mutants are noticed by the rows of tests/policies: one in twelve, in the battery all of them."""

import os

import pytest

from service.config import ROOT
from tests.policies.mutation.score import ENOUGH, Score, equivalents, score
from tests.policies.rows_of_policies import read_rows

EVERY = 1 if os.environ.get("CONSENTRY_BATTERY") == "1" else 12

pytestmark = pytest.mark.battery


@pytest.fixture(scope="module")
def result() -> Score:
    return score(ROOT / "policies", read_rows(), EVERY)


def test_enough_mutants_are_noticed(result: Score) -> None:
    alive = [f"{verdict.mutant.place} {verdict.mutant.name}" for verdict in result.survivors]
    assert len(result.counted) > 1_500 / EVERY
    assert result.share >= ENOUGH, "\n".join(alive)


def test_no_policy_is_without_a_row_that_notices_when_it_is_gone(result: Score) -> None:
    assert [v.mutant.name for v in result.survivors if v.mutant.body is None] == []


def test_every_equivalent_mutant_has_a_reason(result: Score) -> None:
    """`score` refuses one that was noticed; here: none is listed in passing."""
    spared = [verdict for verdict in result.verdicts if verdict.equivalent]
    assert len(spared) == len(equivalents()) <= 0.02 * EVERY * len(result.verdicts)
    assert all(len(verdict.reason) > 40 for verdict in spared)
