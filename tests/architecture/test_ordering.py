"""The files that begin a run are there, and begin it."""

from typing import Any, cast

import pytest

from service.config import ROOT
from tests.ordering import LONG, pytest_collection_modifyitems


def test_every_file_named_is_there() -> None:
    assert [name for name in LONG if not (ROOT / name).is_file()] == []


class Item:
    """As much of a test as its place in a run is decided by."""

    def __init__(self, name: str) -> None:
        self.path = ROOT / name


def test_long_files_begin_and_then_those_with_most_tests() -> None:
    named = ["tests/a.py", "tests/b.py", LONG[1], "tests/b.py", LONG[0]]
    items = [Item(name) for name in named]
    pytest_collection_modifyitems(cast("list[pytest.Item]", items))
    order = [cast("Any", item).path.relative_to(ROOT).as_posix() for item in items]
    assert order == [LONG[0], LONG[1], "tests/b.py", "tests/b.py", "tests/a.py"]
