"""Times as people of the program read them: its day, its clock."""

from datetime import datetime

from service.work import Work


def day_of(work: Work, instant: datetime) -> str:
    """`Mar 3`, with the year where it is another one."""
    there, today = instant.astimezone(work.program.zone), work.now.astimezone(work.program.zone)
    day = f"{there:%b} {there.day}"
    return day if there.year == today.year else f"{day}, {there:%Y}"


def clock_of(work: Work, instant: datetime) -> str:
    """`2:05:09 PM`."""
    there = instant.astimezone(work.program.zone)
    return f"{int(f'{there:%I}')}:{there:%M:%S %p}"


def due_of(work: Work, instant: datetime) -> str:
    """A deadline: today's by the clock, others by day and clock."""
    there, today = instant.astimezone(work.program.zone), work.now.astimezone(work.program.zone)
    clock = f"{int(f'{there:%I}')}:{there:%M %p}"
    return f"today, {clock}" if there.date() == today.date() else f"{day_of(work, instant)}, {clock}"
