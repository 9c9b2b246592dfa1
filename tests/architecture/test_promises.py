"""Every promise is shown by a test, and every test that says it shows one names a promise there is."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.showing import PROMISES

TESTS = Path(__file__).parents[1]


def _named(path: Path) -> Iterator[str]:
    """The arguments of every `pytest.mark.shows(...)` of a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.shows":
            yield from (str(each.value) for each in node.args if isinstance(each, ast.Constant))


def test_every_promise_is_shown() -> None:
    shown = {each for path in TESTS.rglob("test_*.py") for each in _named(path)}
    assert shown == PROMISES.keys()
