"""Limits, catalogue, templates and gates are read strictly: a fault stops the start and names file, line and field."""

import shutil
from pathlib import Path

import pytest

from service.admission.careplan.book import load_care_plans
from service.errors import StartRefused

POLICIES = Path(__file__).parents[4] / "policies"


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("limits.yaml", 'least: "9", most: "19"', 'least: "9", most: "8"', "no week could have it"),
        ("limits.yaml", 'least: "9", most: "19"', 'least: "9.1", most: "19"', "whole quarters"),
        ("limits.yaml", 'least: "9", most: "19"', 'least: "nine", most: "19"', "must be hours"),
        ("limits.yaml", "  flag_days: 14", "  days_of_flags: 14", "has to name exactly"),
        (
            "interventions.yaml",
            "formats: [outside], counts: false",
            "formats: [outside], counts: true",
            "adds no hours",
        ),
        ("interventions.yaml", "for: [self_harm]", "for: [something]", "must be one of"),
        ("objectives.yaml", "comparator: eq", "comparator: is", "must be one of"),
        ("gates.yaml", "within_days: 7", "within: 7", "unknown field"),
        ("gates.yaml", "  G8:", "  G9:", "has to name exactly"),
    ],
    ids=["ends", "quarters", "hours", "values", "outside", "area", "comparator", "number", "gate"],
)
def test_a_fault_in_a_file_stops_the_start(tmp_path: Path, file: str, old: str, new: str, said: str) -> None:
    shutil.copytree(POLICIES / "careplan", tmp_path / "careplan")
    path = tmp_path / "careplan" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(StartRefused, match=said) as refused:
        load_care_plans(tmp_path)
    assert file in str(refused.value)


def test_a_file_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match="cannot be read"):
        load_care_plans(tmp_path)
