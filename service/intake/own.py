"""A patient's own forms: which they fill in themselves, and what they see of them. Pure.

A patient has a right to what they said (42 CFR 2.23, 45 CFR 164.524), so whether they may is a row of roles.yaml; the
decision on use inside the program (2.12(c)(3)) is one about staff. What the answers amount to is told by a person, not
by a screen: a patient alone with the word "severe" is nobody's duty done.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from service.access.program import Contact, Program
from service.access.safety import SafetyBook
from service.intake.assessment import Own
from service.intake.flags import Flag
from service.intake.instrument import AnsweredBy, Instrument


def is_self_report(instrument: Instrument) -> bool:
    """True for an instrument that a patient can fill in alone."""
    return instrument.answered_by is not AnsweredBy.CLINICIAN


def seen_by_patient(
    book: SafetyBook, program: Program, flags: Iterable[Flag], context: Mapping[str, Any]
) -> Own:
    """What a patient sees besides their answers. `context` says the language of the form."""
    if all(flag.task is None for flag in flags):
        return Own()
    line = Contact(*book.crisis_line)
    contacts = (line,) if program.front_office is None else (line, program.front_office)
    return Own(book.words_for_patient(str(context.get("language", "en"))), contacts)


def own_to_json(own: Own) -> dict[str, Any]:
    """The same as it is answered: with a refused form too, because somebody waits for help in front of it."""
    return {
        "words": own.words,
        "contacts": [{"name": contact.name, "phone": contact.phone} for contact in own.contacts],
    }
