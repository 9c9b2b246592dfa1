"""`make mutate`: every mutant of every policy, the ones nobody noticed, and the score."""

import sys
import time

from service.config import ROOT
from tests.policies.mutation.score import ENOUGH, score
from tests.policies.rows_of_policies import read_rows


def main() -> int:
    """Exit status 1 when fewer than 95 % are noticed."""
    began = time.monotonic()
    result = score(ROOT / "policies", read_rows())
    detailed = "-v" in sys.argv[1:]
    for verdict in result.verdicts:
        if verdict.equivalent:
            print(f"equivalent  {verdict.mutant.place}  {verdict.mutant.name}: {verdict.reason}")
        elif verdict.killed_by is None:
            print(f"SURVIVED    {verdict.mutant.place}  {verdict.mutant.name}")
        elif detailed:
            print(f"noticed     {verdict.mutant.place}  {verdict.mutant.name} (by {verdict.killed_by})")
    for policy, (killed, counted) in result.by_policy().items():
        if killed < counted:
            print(f"{policy}: {killed} of {counted}")
    counted, alive = len(result.counted), len(result.survivors)
    spared = len(result.verdicts) - counted
    print(
        f"{counted - alive} of {counted} mutants noticed: {result.share:.1%} ({spared} equivalent not counted), "
        f"{time.monotonic() - began:.0f} s"
    )
    return 0 if result.share >= ENOUGH else 1


if __name__ == "__main__":
    sys.exit(main())
