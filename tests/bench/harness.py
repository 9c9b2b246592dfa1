"""What every bench shares: a server, interleaved rounds, medians, a table and a JSON file.

Absolute figures of a small shared machine mean little. Every claim is a ratio of variants measured in the same run,
alternating (A B C A B C ...), medians of the rounds quoted.
"""

import asyncio
import json
import os
import platform
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

Act = Callable[[int], Awaitable[None]]


@dataclass(frozen=True)
class Variant:
    """What is measured, and what goes on around each round of it (starting and ending outside the clock)."""

    act: Act
    around: Callable[[], AbstractAsyncContextManager[None]] = nullcontext


@dataclass
class Outcome:
    """One bench: rows of a table, and whether each bar was met."""

    name: str
    what: str
    columns: Sequence[str]
    rows: list[list[str]] = field(default_factory=list[list[str]])
    figures: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    missed: list[str] = field(default_factory=list[str])

    def print(self, console: Console) -> None:
        table = Table(title=f"{self.name}: {self.what}")
        for column in self.columns:
            table.add_column(column, justify="right")
        for row in self.rows:
            table.add_row(*row)
        console.print(table)
        for bar in self.missed:
            console.print(f"bar not met: {bar}")


async def per_second(act: Act, writers: int, seconds: float) -> float:
    """Acts completed a second by so many concurrent writers."""
    done = 0
    started = time.perf_counter()
    end = started + seconds

    async def write(number: int) -> None:
        nonlocal done
        while time.perf_counter() < end:
            await act(number)
            done += 1

    await asyncio.gather(*(write(number) for number in range(writers)))
    return done / (time.perf_counter() - started)


async def interleaved(
    variants: Mapping[str, Variant], writers: int, *, rounds: int, seconds: float
) -> dict[str, list[float]]:
    """Acts a second of each variant, round by round; the first, unmeasured round warms everything up."""
    measured: dict[str, list[float]] = {name: [] for name in variants}
    for number in range(rounds + 1):
        for name, variant in variants.items():
            async with variant.around():
                rate = await per_second(variant.act, writers, seconds if number else min(seconds, 0.5))
            if number:
                measured[name].append(rate)
    return measured


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def paired(over: Sequence[float], under: Sequence[float]) -> float:
    """The median of the ratios within each round: what slows a machine for a while slows both sides of a round."""
    return statistics.median(one / other for one, other in zip(over, under, strict=True))


def write_json(outcomes: Sequence[Outcome], path: Path) -> None:
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
    document = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine,
        "benches": [
            {"name": one.name, "what": one.what, "figures": one.figures, "missed": one.missed}
            for one in outcomes
        ],
    }
    path.write_text(json.dumps(document, indent=2) + "\n")
