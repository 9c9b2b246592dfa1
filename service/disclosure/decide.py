"""The decision about a disclosure: which items, on which one basis, with which duties, and why the others
stay.

Facts in, decision with reasons out. The policies judge each item against each consent by itself; this
module only chooses among what they permitted and collects the words. So a newer consent never cancels an
older one, a consent that names somebody else adds nothing, and two consents are never pieced together into
something no patient signed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from service.access.decision import Confidence, Decision, Obligation
from service.access.facts import ReleaseFacts
from service.access.purposes import PurposeClass
from service.disclosure.accounting import Channel, Entered, accountings
from service.disclosure.reasons import Reason, Reasons

#: The policies' answer about one item, one recipient and one consent.
Judge: TypeAlias = Callable[[ReleaseFacts], Decision]

#: Duties this service can discharge. A permission that comes with any other is a denial (fail closed).
DISCHARGEABLE = frozenset(
    {
        Obligation.NOTICE_2_32,
        Obligation.COPY_OR_EXPLANATION_OF_CONSENT,
        Obligation.RECORD_ACCOUNTING_2_25,
        Obligation.RECORD_ACCOUNTING_528,
        Obligation.RECHECK_AT_RELEASE,
    }
)


class Effect(StrEnum):
    PERMIT = "permit"
    PARTIAL = "partial"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Item:
    """What a decision shows of one record item: never its content."""

    id: UUID
    kind: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One consent, or none (`consent_id` None), held against every item asked for.

    `breadth` orders consents from narrow to wide; a tie keeps the order given. `authorization`: the consent
    also meets 45 CFR 164.508 (decides the accounting only).
    """

    consent_id: UUID | None
    facts: Mapping[UUID, ReleaseFacts]
    breadth: int = 0
    authorization: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the items, what for, by which channel, and every consent that might answer."""

    items: Sequence[Item]
    cases: Sequence[Case]
    purpose_class: PurposeClass
    channel: Channel
    evaluated_at: datetime
    policy_version: str


@dataclass(frozen=True, slots=True)
class Basis:
    """The one lawful basis of a disclosure; its id picks the notice and the accounting (never relabelled
    later).
    """

    id: str
    citation: str
    consent_id: UUID | None


@dataclass(frozen=True, slots=True)
class Withheld:
    """Items of one kind that stay, and why."""

    category: str
    count: int
    reason: str
    citation: str


@dataclass(frozen=True, slots=True)
class Explained:
    """One rule that mattered, in words."""

    rule: str
    citation: str
    conf: Confidence
    text: str


@dataclass(frozen=True, slots=True)
class ItemRuling:
    """The answer about one item, for the ledger: ids and codes only."""

    item: Item
    permitted: bool
    rules: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class DisclosureDecision:
    """Permit (all that was asked), partial or deny; complete enough to explain itself years later."""

    effect: Effect
    basis: Basis | None
    granted: tuple[Item, ...]
    withheld: tuple[Withheld, ...]
    obligations: tuple[Obligation, ...]
    reasons: tuple[Explained, ...]
    rulings: tuple[ItemRuling, ...]
    accounting: Entered | None
    evaluated_at: datetime
    policy_version: str

    @property
    def permits_something(self) -> bool:
        return self.basis is not None and bool(self.granted)


@dataclass(frozen=True, slots=True)
class _Verdict:
    """One item under one consent: permitted on a basis, or withheld for a reason at a stage."""

    ruling: Decision
    permitted: bool
    stage: int
    reason: Reason


def decide(question: Question, judge: Judge, reasons: Reasons) -> DisclosureDecision:
    """Decide one disclosure.

    Of the consents that permit anything, the one that permits most of what was asked is the basis; of
    equals the narrowest (specific before the single TPO consent). Items it does not reach are withheld,
    even where another consent would reach them: one disclosure has one basis.
    """
    if not question.items:
        return _nothing(question, reasons.by_code["NO_RECORDS"])
    seen: dict[ReleaseFacts, Decision] = {}

    def ask(facts: ReleaseFacts) -> Decision:
        if facts not in seen:
            seen[facts] = judge(facts)
        return seen[facts]

    ordered = sorted(question.cases, key=lambda case: case.breadth)
    table = [
        (
            case,
            {
                item.id: _verdict(case.facts[item.id], ask(case.facts[item.id]), reasons)
                for item in question.items
            },
        )
        for case in ordered
    ]
    relied = _relied_on(table)
    if relied is None:
        return _denied(question, [verdicts for _, verdicts in table], reasons)
    case, verdicts = relied
    return _granted(question, case, verdicts, reasons)


def _verdict(facts: ReleaseFacts, ruling: Decision, reasons: Reasons) -> _Verdict:
    if ruling.permitted and ruling.basis is not None and not ruling.failed:
        if not DISCHARGEABLE.issuperset(ruling.obligations):
            return _Verdict(ruling, False, len(reasons.consent), reasons.by_code["DUTY_CANNOT_BE_MET"])
        basis = reasons.bases.get(ruling.basis)
        if basis is not None:
            return _Verdict(ruling, True, 0, basis)
    stage, reason = reasons.why(facts, ruling)
    return _Verdict(ruling, False, stage, reason)


_Verdicts: TypeAlias = dict[UUID, _Verdict]


def _relied_on(table: Sequence[tuple[Case, _Verdicts]]) -> tuple[Case, _Verdicts] | None:
    """The case that permits most; `max` keeps the first of equals, and the table runs from narrow to wide."""
    best = max(table, key=lambda row: sum(v.permitted for v in row[1].values()), default=None)
    if best is None or not any(verdict.permitted for verdict in best[1].values()):
        return None
    return best


def _granted(question: Question, case: Case, verdicts: _Verdicts, reasons: Reasons) -> DisclosureDecision:
    granted = tuple(item for item in question.items if verdicts[item.id].permitted)
    first = verdicts[granted[0].id]
    basis = Basis(first.reason.code, first.reason.citation, case.consent_id)
    entered = accountings(
        basis.id, question.purpose_class, question.channel, authorization=case.authorization
    )
    duties = {duty for item in granted for duty in verdicts[item.id].ruling.obligations}
    if entered.part2:
        duties.add(Obligation.RECORD_ACCOUNTING_2_25)
    if entered.hipaa:
        duties.add(Obligation.RECORD_ACCOUNTING_528)
    return DisclosureDecision(
        effect=Effect.PERMIT if len(granted) == len(question.items) else Effect.PARTIAL,
        basis=basis,
        granted=granted,
        withheld=_withheld(question.items, verdicts),
        obligations=tuple(duty for duty in Obligation if duty in duties),
        reasons=_explained(question.items, verdicts),
        rulings=_rulings(question.items, verdicts),
        accounting=entered,
        evaluated_at=question.evaluated_at,
        policy_version=question.policy_version,
    )


def _denied(question: Question, tables: Sequence[_Verdicts], reasons: Reasons) -> DisclosureDecision:
    """Nothing leaves. For each item the consent that came furthest gives the reason."""
    verdicts: _Verdicts = {}
    for item in question.items:
        found = [table[item.id] for table in tables]
        closed = next((verdict for verdict in found if verdict.stage < 0), None)
        if closed is not None:
            verdicts[item.id] = closed
        elif found:
            verdicts[item.id] = max(found, key=lambda verdict: verdict.stage)
        else:
            verdicts[item.id] = _Verdict(Decision(permitted=False), False, 0, reasons.by_code["NO_BASIS"])
    return DisclosureDecision(
        effect=Effect.DENY,
        basis=None,
        granted=(),
        withheld=_withheld(question.items, verdicts),
        obligations=(),
        reasons=_explained(question.items, verdicts),
        rulings=_rulings(question.items, verdicts),
        accounting=None,
        evaluated_at=question.evaluated_at,
        policy_version=question.policy_version,
    )


def _nothing(question: Question, reason: Reason) -> DisclosureDecision:
    return DisclosureDecision(
        effect=Effect.DENY,
        basis=None,
        granted=(),
        withheld=(),
        obligations=(),
        reasons=(Explained(reason.code, reason.citation, reason.conf, reason.text),),
        rulings=(),
        accounting=None,
        evaluated_at=question.evaluated_at,
        policy_version=question.policy_version,
    )


def _withheld(items: Sequence[Item], verdicts: _Verdicts) -> tuple[Withheld, ...]:
    groups: dict[tuple[str, Reason], int] = {}
    for item in items:
        verdict = verdicts[item.id]
        if not verdict.permitted:
            key = (item.kind, verdict.reason)
            groups[key] = groups.get(key, 0) + 1
    return tuple(
        Withheld(kind, count, reason.code, reason.citation) for (kind, reason), count in groups.items()
    )


def _explained(items: Sequence[Item], verdicts: _Verdicts) -> tuple[Explained, ...]:
    found = {verdicts[item.id].reason: None for item in items}
    return tuple(Explained(reason.code, reason.citation, reason.conf, reason.text) for reason in found)


def _rulings(items: Sequence[Item], verdicts: _Verdicts) -> tuple[ItemRuling, ...]:
    return tuple(
        ItemRuling(item, v.permitted, v.ruling.policies or v.ruling.refused_by, v.reason.code)
        for item in items
        for v in (verdicts[item.id],)
    )
