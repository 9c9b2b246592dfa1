"""Choices a generated situation is made of. One draw each, so that a failing case shrinks to a readable one."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


class Choose:
    """Draws with words for what is meant."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self._draw = draw
        #: Every choice made, in order: the same choices make the same situation.
        self.made: list[int] = []

    def number(self, least: int, most: int) -> int:
        """A whole number, both ends included; the least is the simplest."""
        made = int(self._draw(st.integers(least, most)))
        self.made.append(made)
        return made

    def one(self, options: Iterable[T]) -> T:
        """One of the options; the first is the simplest."""
        listed: Sequence[T] = list(options)
        return listed[self.number(0, len(listed) - 1)]

    def chance(self, percent: int) -> bool:
        """True in about so many of a hundred cases; False is the simpler."""
        return self.number(0, 99) >= 100 - percent
