"""Which flags a form had already, when it is answered again. Pure.

A flag is raised once for what somebody answered, not once for a form: who goes from "several days" to "nearly every day"
after the first answer was dealt with has said something new.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from service.intake.answers import read_form
from service.intake.assessment import Content
from service.intake.conditions import ItemCondition, parts_of
from service.intake.flags import Flag
from service.intake.instrument import Instrument


def said_for(
    instrument: Instrument, answers: object, context: Mapping[str, Any] | None
) -> dict[str, dict[str, str]]:
    """For each flag of the instrument the answers its rule asks about, by item: by these the same answer is known again
    when a form is given a second time.
    """
    readings = read_form(instrument, answers, context).readings
    return {
        rule.code: {
            item: str(readings[item])
            for part in parts_of(rule.when)
            if isinstance(part, ItemCondition)
            for item in part.any_of
            if item in readings
        }
        for rule in instrument.flags
    }


def known_flags(
    instrument: Instrument,
    before: Content,
    answers: object,
    context: Mapping[str, Any],
    raised: Iterable[Flag],
) -> tuple[Flag, ...]:
    """The flags the form had, without those whose own items are answered differently now. Where the new answers raise a
    flag the form did not have and that is as urgent, that one says it: nobody gets two tasks for one answer.
    """
    had = {flag.code for flag in before.flags}
    new = {flag.severity for flag in raised if flag.task is not None and flag.code not in had}
    then = read_form(instrument, before.answers, before.context).readings
    now = read_form(instrument, answers, context).readings
    changed = {key for key, reading in now.items() if reading != then.get(key)}
    anew = {
        rule.code
        for rule in instrument.flags
        for part in parts_of(rule.when)
        if isinstance(part, ItemCondition) and changed.intersection(part.any_of)
    }
    return tuple(flag for flag in before.flags if flag.code not in anew or flag.severity in new)
