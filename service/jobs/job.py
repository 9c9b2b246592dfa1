"""What a job is: something the service does by itself, in one program, again and again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from service.work import Work


@dataclass(frozen=True, slots=True)
class Job:
    """`unit` runs as the system caller in one transaction of one program and returns how much it did.

    It takes a bounded batch and is authorised like any operation; it is run again soon while it did something, and else
    after `every`. `name` is what the log, the metric and the leader's lock call it.
    """

    name: str
    every: timedelta
    unit: Callable[[Work], int]
