"""The service and the oracle agree. `make oracle` asks the same about many more."""

from tests.oracle.law import ORDER
from tests.oracle.running import run

CASES, SEED = 2_000, 20260216


def test_service_and_oracle_agree() -> None:
    tally, found = run(CASES, SEED)
    assert tally.cases == CASES
    assert not found, f"{len(found)} of {CASES}, the shortest:\n{min(found, key=len)}"
    # and the cases were such as can disagree
    assert tally.granting > 0.25
    assert [basis for basis in ORDER if not tally.bases[basis]] == []
    assert tally.effects["needs_review"] > 0
