"""What can be done with disclosures inside the program: previewed, made, read; and the accounting of them.

The POST is the disclosure. Reading one shows the decision without its records; fetching the package (`fetching`) decides
again, now, and never counts a second time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any
from uuid import UUID

from service.access.actions import Action
from service.disclosure import records
from service.disclosure.accounting import Rule, window_start
from service.disclosure.asking import Ask, ask
from service.disclosure.damage import report_damage
from service.disclosure.decide import DisclosureDecision, Effect
from service.disclosure.fetching import loading
from service.disclosure.gathering import Gathered
from service.disclosure.records import StoredDisclosure
from service.disclosure.releasing import Made, release
from service.disclosure.rulebook import DisclosureRules
from service.disclosure.shown import decision_document, entry_detail, outcome_of, rules_of
from service.errors import Code, ConsentryError, Refused
from service.people.facts import patient_facts, program_day
from service.work import Denial, Loaded, Work


@dataclass(frozen=True, slots=True, repr=False)
class DisclosureView:
    """A disclosure without its records."""

    disclosure: StoredDisclosure
    decision: dict[str, Any]
    sha256: str
    notice_id: str | None
    notice_text: str | None
    explanation: str | None


@dataclass(frozen=True, slots=True, repr=False)
class DisclosurePage:
    """Newest first."""

    disclosures: tuple[StoredDisclosure, ...]
    more: bool


@dataclass(frozen=True, slots=True, repr=False)
class Account:
    """One accounting: what a request of `requested_on` reaches, oldest first."""

    rule: Rule
    since: date
    until: date
    lines: tuple[records.Listed, ...]
    zone: tzinfo

    def day_of(self, instant: datetime) -> date:
        """The day of a disclosure where the program is."""
        return instant.astimezone(self.zone).date()


def preview(work: Work, rules: DisclosureRules, patient_id: UUID, asked: Ask) -> DisclosureDecision:
    """What a disclosure would be, were it made now. Nothing is opened or released; the looking is recorded."""
    work.authorised(Action.DISCLOSURE_PREVIEW, _patient(patient_id))
    found = ask(work, rules, patient_id, asked, Action.DISCLOSURE_PREVIEW)
    basis = found.decision.basis
    work.record(
        action=Action.DISCLOSURE_PREVIEW,
        object_kind="disclosure",
        object_id=None,
        patient_id=patient_id,
        consent_id=basis.consent_id if basis else None,
        recipient_id=found.recipient.id,
        basis=basis.id if basis else None,
        policies=rules_of(found.decision),
        outcome=outcome_of(found.decision),
        detail=entry_detail(found, rules.words),
    )
    report_damage(work, rules, found)
    return found.decision


def make(work: Work, rules: DisclosureRules, patient_id: UUID, asked: Ask) -> Made:
    """Disclose now, or refuse with the decision that says why (recorded either way)."""
    work.authorised(Action.DISCLOSURE_MAKE, _patient(patient_id))
    found = ask(work, rules, patient_id, asked, Action.DISCLOSURE_MAKE)
    if not found.decision.permits_something:
        work.refuse(_refusal(rules, found), _denial(rules, Action.DISCLOSURE_MAKE, found))
    return release(work, rules, found)


def read(work: Work, rules: DisclosureRules, disclosure_id: UUID) -> DisclosureView:
    """A disclosure as it was made, without the records themselves."""
    stored = work.authorised(Action.DISCLOSURE_READ, loading(disclosure_id))
    kept = records.opened_decision(work, stored)
    work.record(
        action=Action.DISCLOSURE_READ,
        object_kind="disclosure",
        object_id=stored.id,
        patient_id=stored.patient_id,
        recipient_id=stored.recipient_id,
    )
    notice_id: str | None = kept["notice"]
    return DisclosureView(
        disclosure=stored,
        decision=kept["decision"],
        sha256=kept["sha256"],
        notice_id=notice_id,
        notice_text=None if notice_id is None else rules.notices.by_id[notice_id].text,
        explanation=kept["scope_explanation"],
    )


def list_of(work: Work, patient_id: UUID, *, before: UUID | None, at_most: int) -> DisclosurePage:
    """The patient's disclosures, newest first: to whom, when, what for, on which basis; no records, no decisions."""
    work.authorised(Action.DISCLOSURE_LIST, _patient(patient_id))
    found = records.page(work, patient_id, before=before, at_most=at_most + 1)
    shown = tuple(found[:at_most])
    work.record(
        action=Action.DISCLOSURE_LIST,
        object_kind="disclosure",
        object_id=None,
        patient_id=patient_id,
        detail={"listed": [str(one.id) for one in shown]},
    )
    return DisclosurePage(shown, more=len(found) > at_most)


def accounting(work: Work, patient_id: UUID, rule: Rule, *, since: date | None = None) -> Account:
    """One of the two accountings, as of today where the program is (42 CFR 2.25; 45 CFR 164.528)."""
    work.authorised(Action.ACCOUNTING_READ, _patient(patient_id))
    today, zone = program_day(work), work.program.zone
    start = window_start(today, rule)
    if since is not None and since > start:
        start = since
    begin = datetime.combine(start, time.min, zone)
    end = datetime.combine(today + timedelta(days=1), time.min, zone)
    lines = tuple(records.listed(work, patient_id, rule, begin, end))
    work.record(
        action=Action.ACCOUNTING_READ,
        object_kind="accounting",
        object_id=None,
        patient_id=patient_id,
        detail={"rule": rule.value, "disclosures": [str(line.disclosure_id) for line in lines]},
    )
    return Account(rule, start, today, lines, zone)


# -- inside ------------------------------------------------------------------------------------------


def _patient(patient_id: UUID) -> Callable[[Work], Loaded[None] | None]:
    def load(work: Work) -> Loaded[None] | None:
        facts = patient_facts(work, patient_id)
        return None if facts is None else Loaded(None, facts, "patient", patient_id, patient_id=patient_id)

    return load


def _refusal(rules: DisclosureRules, found: Gathered) -> ConsentryError:
    """Why nothing goes, with the decision; apart from a denial, what a person's ruling may still settle."""
    decision = decision_document(found.decision, rules.words)
    if found.decision.effect is Effect.NEEDS_REVIEW:
        return Refused(
            Code.DISCLOSURE_NEEDS_REVIEW,
            "A person has to settle this before anything goes.",
            decision=decision,
        )
    return Refused(Code.DISCLOSURE_DENIED, "No lawful basis covers this disclosure.", decision=decision)


def _denial(rules: DisclosureRules, action: Action, found: Gathered) -> Denial:
    return Denial(
        action=action,
        object_kind="disclosure",
        patient_id=found.patient_id,
        recipient_id=found.recipient.id,
        policies=tuple(rules_of(found.decision)),
        detail=entry_detail(found, rules.words),
        also=lambda work: report_damage(work, rules, found),
    )
