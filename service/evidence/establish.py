"""What a paper lacks, and what it establishes about one item and one recipient on one day.

Pure. Fails closed: a kind we do not know, an answer of the wrong type, a required answer that is missing, and nothing
at all is established; the facts of access/facts.py then keep their unfavourable defaults.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, cast
from uuid import UUID

from service.errors import FieldError
from service.evidence.model import Evidence, EvidenceKind, EvidenceState
from service.evidence.rulebook import Check, Condition, EvidenceBook, KindRule, Question
from service.record.item import ItemForDecision

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
#: A paragraph; longer papers are attachments.
MOST_TEXT: Final = 4_000


@dataclass(frozen=True, slots=True)
class EvidenceFacts:
    """The evidence_* facts of ReleaseFacts, by the names they have there without the prefix."""

    present: bool = False
    kind: str = ""
    complete: bool = False
    signed_off: bool = False
    in_force: bool = False
    names_recipient: bool = False
    covers_item: bool = False
    says: frozenset[str] = frozenset()


def missing(
    book: EvidenceBook, kind: EvidenceKind | str, particulars: Mapping[str, Any]
) -> tuple[FieldError, ...]:
    """Everything that keeps these particulars from being complete, each with the paragraph that asks for it.

    In the order of the file; an answer that is there and cannot be one counts too. Fields are named as in
    the file; a field the file does not have is named "?", because a caller may have called it anything.
    """
    rule = book.find(kind)
    if rule is None:
        return (FieldError("kind", "unknown", "There is no such kind of evidence."),)
    faults = [
        fault
        for name, question in rule.fields.items()
        if (fault := _fault(rule, name, question, particulars)) is not None
    ]
    if set(particulars) - set(rule.fields):
        known = ", ".join(rule.fields)
        faults.append(FieldError("?", "unknown", f"This kind of evidence has these: {known}.", rule.cite))
    return tuple(faults)


def establish(
    book: EvidenceBook, evidence: Evidence, recipient_id: UUID, item: ItemForDecision, today: date
) -> EvidenceFacts:
    """The facts of one piece of evidence; `today` is the day it is in the program.

    What has ended, or nobody has signed off, is still told apart from what is incomplete: the refusal can then say
    which it was. What an incomplete paper says is nothing.
    """
    rule = book.find(evidence.kind)
    if rule is None:
        return EvidenceFacts(present=True)
    return EvidenceFacts(
        present=True,
        kind=evidence.kind.value,
        complete=not missing(book, evidence.kind, evidence.particulars),
        signed_off=_signed_off(rule, evidence),
        in_force=_in_force(evidence, today),
        names_recipient=recipient_id in evidence.recipients,
        covers_item=_covers(rule, evidence, item),
        says=said(book, evidence),
    )


def is_about(book: EvidenceBook, evidence: Evidence, patient_id: UUID) -> bool:
    """Whether it can say anything about this patient: it is about the patient, or an agreement about no single one.

    An order or an emergency that names no patient is no agreement: it would open everybody's records.
    """
    if evidence.patient_id is not None:
        return evidence.patient_id == patient_id
    rule = book.find(evidence.kind)
    return rule is not None and not rule.patient


def reach_faults(
    book: EvidenceBook, kind: EvidenceKind | str, items: frozenset[UUID], kinds: object
) -> tuple[FieldError, ...]:
    """What is wrong with the items and kinds a paper is said to speak of: none, or "all" where parts must be named."""
    rule = book.find(kind)
    if rule is None:
        return ()
    if kinds == "all" and rule.reach == "named":
        return (
            FieldError("kinds", "not_all", "Name the items or the kinds of item it speaks of.", rule.cite),
        )
    if not items and not kinds:
        return (FieldError("kinds", "missing", "Say of which items or kinds of item it speaks.", rule.cite),)
    return ()


def said(book: EvidenceBook, evidence: Evidence) -> frozenset[str]:
    """The words a paper establishes; an incomplete one says nothing."""
    rule = book.find(evidence.kind)
    if rule is None or missing(book, evidence.kind, evidence.particulars):
        return frozenset()
    return frozenset(
        word
        for word, conditions in rule.says.items()
        if all(_holds(rule, condition, evidence) for condition in conditions)
    )


def _signed_off(rule: KindRule, evidence: Evidence) -> bool:
    """Whoever signed held a role that may sign this kind; ending it afterwards does not unsign it."""
    signers = {role.value for role in rule.signed_off_by}
    return evidence.state is not EvidenceState.RECORDED and bool(evidence.signed_off_roles & signers)


def _in_force(evidence: Evidence, today: date) -> bool:
    begun = evidence.starts_on <= today
    ended = evidence.state is EvidenceState.ENDED or (
        evidence.ends_on is not None and evidence.ends_on < today
    )
    return begun and not ended


def _covers(rule: KindRule, evidence: Evidence, item: ItemForDecision) -> bool:
    if item.id in evidence.items:
        return True
    if isinstance(evidence.kinds, str):
        return evidence.kinds == "all" and rule.reach == "all"
    return item.kind.value in evidence.kinds


def _holds(rule: KindRule, condition: Condition, evidence: Evidence) -> bool:
    if condition.check is not None:
        return _CHECKS[condition.check](evidence)
    if condition.field is None:
        return False
    question = rule.fields[condition.field]
    answer = evidence.particulars.get(condition.field)
    if answer is None:
        answer = False if question.type == "flag" else question.default
    if condition.some is not None:
        return isinstance(answer, list | tuple) and len(cast("list[object]", answer)) > 0
    if condition.is_ is not None:
        return answer == condition.is_
    return answer is not None and answer != condition.is_not


def _term_at_most_12_months(evidence: Evidence) -> bool:
    """2.67(d): the placement ends within twelve months; one without an end does not."""
    if evidence.ends_on is None:
        return False
    first = evidence.starts_on
    if first.year == date.max.year:
        return True
    leap_day = (first.month, first.day) == (2, 29)
    latest = first.replace(year=first.year + 1, day=28 if leap_day else first.day)
    return evidence.ends_on <= latest


_CHECKS: Final[Mapping[Check, Callable[[Evidence], bool]]] = {
    "term_at_most_12_months": _term_at_most_12_months
}


def _fault(
    rule: KindRule, name: str, question: Question, particulars: Mapping[str, Any]
) -> FieldError | None:
    answer = particulars.get(name)
    cite = question.cite or rule.cite
    when = question.required_when
    needed = question.required or (when is not None and particulars.get(when.field) == when.value)
    if answer is None or (isinstance(answer, str) and not answer.strip()):
        return FieldError(name, "missing", "This has to be said.", cite) if needed else None
    if not _ACCEPTABLE[question.type](question, answer):
        expected = ", ".join(question.choices) or _EXPECTED[question.type]
        return FieldError(name, "not_acceptable", f"Expected: {expected}.", cite)
    return None


def _is_text(_: Question, answer: object) -> bool:
    return isinstance(answer, str) and len(answer) <= MOST_TEXT and any(one.isalnum() for one in answer)


def _is_date(_: Question, answer: object) -> bool:
    if not isinstance(answer, str) or not _DATE.fullmatch(answer):
        return False
    try:
        date.fromisoformat(answer)
    except ValueError:
        return False
    return True


def _is_time(_: Question, answer: object) -> bool:
    return isinstance(answer, str) and _TIME.fullmatch(answer) is not None


def _is_flag(_: Question, answer: object) -> bool:
    return isinstance(answer, bool)


def _is_choice(question: Question, answer: object) -> bool:
    return isinstance(answer, str) and answer in question.choices


def _are_choices(question: Question, answer: object) -> bool:
    if not isinstance(answer, list | tuple):
        return False
    chosen = list(cast("list[object]", answer))
    return all(_is_choice(question, one) for one in chosen) and len(set(chosen)) == len(chosen)


_ACCEPTABLE: Final[Mapping[str, Callable[[Question, object], bool]]] = {
    "text": _is_text,
    "date": _is_date,
    "time": _is_time,
    "flag": _is_flag,
    "choice": _is_choice,
    "choices": _are_choices,
}
_EXPECTED: Final[Mapping[str, str]] = {
    "text": f"a text of at most {MOST_TEXT} characters",
    "date": "YYYY-MM-DD",
    "time": "HH:MM, 24 hours",
    "flag": "true or false",
}
