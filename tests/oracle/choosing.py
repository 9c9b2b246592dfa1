"""Choices a generated situation is made of. One draw each, so that a failing case shrinks to a readable one."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


class Choose:
    """Draws with words for what is meant."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self._draw = draw

    def one(self, options: Iterable[T]) -> T:
        """One of the options; the first is the simplest."""
        listed: Sequence[T] = list(options)
        return listed[self._draw(st.integers(0, len(listed) - 1))]

    def chance(self, percent: int) -> bool:
        """True in about so many of a hundred cases; False is the simpler."""
        return bool(self._draw(st.integers(0, 99)) >= 100 - percent)

    def some(self, options: Iterable[T], most: int) -> list[T]:
        """One or more, in the order given; at most `most`."""
        listed = list(options)
        count = self._draw(st.integers(1, min(most, len(listed))))
        start = self._draw(st.integers(0, len(listed) - 1))
        return [listed[(start + 5 * step) % len(listed)] for step in range(count)]

    def number(self, least: int, most: int) -> int:
        return int(self._draw(st.integers(least, most)))
