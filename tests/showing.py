"""Which promise of `promises.yaml` a test shows, and the numbers it counted on the way.

    @pytest.mark.shows("O-23", "T4")
    def test_every_bit(counted: Counted) -> None:
        counted("bits flipped", 3_840)

The end of a run prints one line for each promise: passed and failed tests, and the sums of what they counted.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import cast

import pytest
import yaml
from _pytest.terminal import TerminalReporter

PROMISES = cast("dict[str, str]", yaml.safe_load(Path(__file__).with_name("promises.yaml").read_text()))

Counted = Callable[[str, int], None]
_SHOWS, _COUNTED = "shows", "counted:"


def promises_of(item: pytest.Item) -> set[str]:
    """The promises an item carries; one that is not in the list is an error of the test."""
    named = {str(each) for mark in item.iter_markers(_SHOWS) for each in mark.args}
    if unknown := named - PROMISES.keys():
        raise pytest.UsageError(f"{item.nodeid} shows what nobody promised: {sorted(unknown)}")
    return named


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "shows(*promises): the promises of tests/promises.yaml a test shows")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Properties of an item travel from the workers of a run to where the end is printed; marks do not.
    for item in items:
        item.user_properties += [(_SHOWS, each) for each in sorted(promises_of(item))]


@pytest.fixture
def counted(request: pytest.FixtureRequest) -> Counted:
    """Adds a number to what the end of the run says about this test's promises."""

    def add(what: str, number: int) -> None:
        request.node.user_properties.append((_COUNTED + what, number))

    return add


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    lines = tuple(_lines(terminalreporter))
    if lines:
        terminalreporter.section("promises")
        for line in lines:
            terminalreporter.write_line(line)


def _lines(reporter: TerminalReporter) -> Iterable[str]:
    outcomes: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in cast("list[pytest.TestReport]", reporter.stats.get(outcome, [])):
            shown = [str(value) for key, value in report.user_properties if key == _SHOWS]
            for promise in shown:
                outcomes[promise][outcome] += 1
                for key, value in report.user_properties:
                    if key.startswith(_COUNTED):
                        sums[promise][key.removeprefix(_COUNTED)] += int(cast("int", value))
    for promise in PROMISES:
        if promise in outcomes:
            said = [f"{number} {outcome}" for outcome, number in outcomes[promise].items()]
            said += [f"{number:,} {what}" for what, number in sums[promise].items()]
            yield f"{promise:<5}{', '.join(said)}"
