"""Times as people of the program read them: its day, its clock."""

from datetime import datetime, timedelta

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


def due_of(work: Work, instant: datetime, language: str = "en") -> str:
    """A deadline: today's by the clock, others by day and clock; midnight is the end of the day before."""
    there, today = instant.astimezone(work.program.zone), work.now.astimezone(work.program.zone).date()
    whole_day = (there.hour, there.minute) == (0, 0)
    day = there.date() - timedelta(days=1) if whole_day else there.date()
    clock = "" if whole_day else f", {int(f'{there:%I}')}:{there:%M %p}"
    if language == "es":
        return f"{day:%d/%m/%Y}{clock}"
    if day == today:
        return f"today{clock}"
    year = "" if day.year == today.year else f", {day.year}"
    return f"{'end of ' if whole_day else ''}{day:%b} {day.day}{year}{clock}"
