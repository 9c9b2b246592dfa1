"""A program's description: all faults at once, nothing unknown accepted."""

from datetime import date
from pathlib import Path

import pytest

from service.access.program import Regime, read_program
from service.errors import Invalid
from service.ids import SERVICE_PROGRAM

POLICIES = Path(__file__).parents[3] / "policies"
GOOD = (POLICIES / "programs" / "harbor-light.yaml").read_text()


def test_the_demonstration_program() -> None:
    program = read_program(SERVICE_PROGRAM, GOOD)
    assert program.zone.key == "America/New_York"
    assert program.units["U1"].regime is Regime.PART2
    assert program.units["U1"].publicly_sud_only
    assert program.units["U2"].regime is Regime.HIPAA_ONLY
    assert not program.units["U2"].publicly_sud_only
    with pytest.raises(TypeError):
        program.units["U3"] = program.units["U1"]  # pyright: ignore[reportIndexIssue]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("America/New_York", "Mars/Olympus", "timezone"),
        ("state: NY", "state: New York", "state"),
        ("key: harbor-light", "key: Harbor Light", "key"),
        ("covered_entity: true", "covered_entity: perhaps", "covered_entity"),
        ("director: Dr. Ida Testperson", "director: ''", "director"),
        ("regime: part2", "regime: none", "units[0].regime"),
        ("key: U2", "key: U1", "units[1].key"),
        ("name: Mental Health", "nickname: x, name: Mental Health", "units[1]"),
        ("state: NY", "state: NY\nowner: somebody", ""),
        ("publicly_sud_only: true", "publicly_sud_only: 1", "units[0].publicly_sud_only"),
    ],
)
def test_a_fault_is_named_by_its_field(old: str, new: str, field: str) -> None:
    assert old in GOOD
    with pytest.raises(Invalid) as refused:
        read_program(SERVICE_PROGRAM, GOOD.replace(old, new, 1))
    assert field in {fault.field for fault in refused.value.errors}


@pytest.mark.parametrize("document", ["", "[]", "{", "units: []", "units: [1]", "3: x"])
def test_what_is_no_description_at_all(document: str) -> None:
    with pytest.raises(Invalid):
        read_program(SERVICE_PROGRAM, document)


def test_closed_days_are_days_each_once() -> None:
    program = read_program(SERVICE_PROGRAM, GOOD + '\nclosed_days: [2026-07-03, "2026-11-26"]\n')
    assert program.closed_days == {date(2026, 7, 3), date(2026, 11, 26)}
    for wrong in ("2026-07-03", "[2026-07-03, 2026-07-03]", "[July]", "[2026-07-03T10:00:00Z]", "[20260703]"):
        with pytest.raises(Invalid) as refused:
            read_program(SERVICE_PROGRAM, f"{GOOD}\nclosed_days: {wrong}\n")
        assert [fault.field for fault in refused.value.errors] == ["closed_days"], wrong


def test_all_faults_are_reported_together() -> None:
    with pytest.raises(Invalid) as refused:
        read_program(SERVICE_PROGRAM, "units: []")
    assert {fault.field for fault in refused.value.errors} >= {
        "key", "name", "timezone", "state", "director", "covered_entity", "units",
    }  # fmt: skip
