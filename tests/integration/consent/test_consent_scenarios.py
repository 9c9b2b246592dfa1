"""The open scenarios about validity and the mutation matrix, acted out over HTTP: exactly the codes of each row.

The id of a test is the id of its row and how sure we are of it (law, policy, unsure).
"""

from typing import Any

import pytest

from tests.integration.consent.acting import ROWS, act_out
from tests.integration.consent.desk import Desk


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['id']} {row['conf']}" for row in ROWS])
def test_row(desk: Desk, row: dict[str, Any]) -> None:
    expected = row.get("http_codes", row["codes"])
    assert act_out(desk, row) == set(expected)


def test_nearly_every_row_is_acted_out() -> None:
    """What stays below HTTP is named in the file; a row cannot fall out unseen."""
    assert len(ROWS) >= 120
    ids = {row["id"] for row in ROWS}
    assert {f"O{number:02}" for number in range(1, 19)} <= ids
    assert {f"M{number:02}" for number in range(2, 18)} <= ids
