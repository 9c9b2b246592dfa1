"""No flag that anything shipped can raise is nobody's: each task has its row in safety.yaml, and each row a flag."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from service.access.caller import Role
from service.access.safety import read_safety
from service.intake.definition import load_catalogue
from service.intake.medical.loading import load_book

ROOT = Path(__file__).parents[3]
POLICIES = ROOT / "policies"
BOOK = read_safety((POLICIES / "safety.yaml").read_text(encoding="utf-8"))


def of_instruments() -> set[tuple[str, str, str]]:
    """Every version that ships, superseded ones too: a draft may still be under one."""
    catalogue = load_catalogue(POLICIES / "instruments")
    found = list(catalogue.current())
    versions = [
        old
        for one in found
        for number in range(1, one.version)
        if (old := catalogue.find(one.key, number)) is not None
    ]
    return {
        (f"{one.key}: {flag.code}", flag.task, flag.severity.value)
        for one in (*found, *versions)
        for flag in one.flags
        if flag.task is not None
    }


def of_the_medical_intake() -> set[tuple[str, str, str]]:
    flags = load_book(POLICIES).urgent.values()
    return {(f"urgent: {flag.code}", flag.task, flag.severity.value) for flag in flags if flag.task}


def named_in(value: ast.expr) -> list[str]:
    """The texts an expression can be: itself, or either branch; what is read from a file is found in the file."""
    if isinstance(value, ast.IfExp):
        return [*named_in(value.body), *named_in(value.orelse)]
    return [value.value] if isinstance(value, ast.Constant) and isinstance(value.value, str) else []


def of_the_code() -> set[tuple[str, str, str]]:
    """What placement, care plans and the scorer itself raise: the tasks their `Flag(...)` name, in any branch, with
    every severity that stands in the same call.
    """
    found: set[tuple[str, str, str]] = set()
    for path in sorted((ROOT / "service").rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Flag":
                given = {one.arg: one.value for one in call.keywords}
                if "task" not in given:
                    continue
                tasks = named_in(given["task"])
                urgency = [one.attr for one in ast.walk(given["severity"]) if isinstance(one, ast.Attribute)]
                found |= {
                    (path.stem, task, severity.lower())
                    for task in tasks
                    for severity in urgency
                    if severity.isupper()
                }
    return found


EVERY = sorted(of_instruments() | of_the_medical_intake() | of_the_code())


@pytest.mark.parametrize(("flag", "task", "severity"), EVERY)
def test_every_task_is_somebodys_with_a_clock_and_actions(flag: str, task: str, severity: str) -> None:
    assert task in BOOK.tasks, f"{flag} reaches `otherwise`"
    duty = BOOK.duty(task, severity)  # type: ignore[arg-type]
    assert duty.owner in (Role.INTAKE, Role.CLINICIAN)
    assert duty.minutes > 0
    assert duty.actions
    if severity == "urgent":
        assert duty.asks == ("seen_by", "outcome")
        assert duty.minutes <= 60


def test_the_search_finds_what_is_known_to_be_there() -> None:
    tasks = {(flag.split(":")[0], task) for flag, task, _ in EVERY}
    assert {("considering", "page_clinician"), ("considering", "safety_evaluation")} <= tasks
    assert {("goals", "clinician_review"), ("flags", "resolve_answers"), ("urgent", "medical_check")} <= tasks
    assert {("phq-9", "page_clinician"), ("ahc-hrsn", "safe_contact")} <= tasks


def test_no_row_waits_for_a_flag_that_nothing_raises() -> None:
    assert set(BOOK.tasks) == {task for _, task, _ in EVERY}


def test_no_data_file_names_a_task_that_this_test_does_not_read() -> None:
    """A `task:` in a file of policies that is neither an instrument nor the urgent findings would be missed here."""
    named: dict[str, set[str]] = {}
    for path in sorted(POLICIES.rglob("*.yaml")):
        tasks = set(re.findall(r"\btask: ([a-z_]+)", path.read_text(encoding="utf-8")))
        if tasks:
            named[path.relative_to(POLICIES).as_posix()] = tasks
    assert {name for name in named if not name.startswith("instruments/")} == {"intake/urgent.yaml"}
    assert set().union(*named.values()) <= {task for _, task, _ in EVERY}


def test_every_flag_says_what_next() -> None:
    for instrument in load_catalogue(POLICIES / "instruments").current():
        for flag in instrument.flags:
            assert len(flag.next_step) > 10, (instrument.key, flag.code)
    for flag in load_book(POLICIES).urgent.values():
        assert len(flag.next_step) > 10, flag.code
    rules = yaml.safe_load((POLICIES / "placement" / "rules.yaml").read_text(encoding="utf-8"))["rules"]
    urgent = [one for one in rules if one["outcome"] == "EMERGENCY"]
    assert urgent
    assert all(len(one.get("step") or "") > 10 for one in urgent)
