"""The decision about a disclosure: which items, on which one basis, with which duties, and why the others stay.

Facts in, decision with reasons out. The policies judge each item on each ground by itself (`hearing`); this module
puts what they said together. So a newer consent never cancels an older one, a consent that names somebody else adds
nothing, and two consents are never pieced together into something no patient signed.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace

from service.access.decision import Decision, Obligation
from service.access.facts import ReleaseFacts
from service.consent.model import ConsentRecord
from service.disclosure.accounting import Entered, accountings
from service.disclosure.decide import (
    Basis,
    DisclosureDecision,
    Effect,
    Explained,
    Item,
    ItemRuling,
    Judge,
    Withheld,
)
from service.disclosure.grounds import Ground
from service.disclosure.hearing import Hearing
from service.disclosure.reasons import Reason
from service.disclosure.rulebook import DisclosureRules
from service.disclosure.situation import Situation
from service.disclosure.verdicts import Table
from service.record.item import ItemForDecision


def judge(situation: Situation, ask: Judge, rules: DisclosureRules) -> DisclosureDecision:
    """Decide one disclosure. `ask` are the policies as this caller meets them.

    The ground that permits most of what was asked is relied on; of equals a consent for this before no consent, and
    that before the single TPO consent; then the narrowest. Items it does not reach are withheld even where another
    ground would reach them: one disclosure has one basis.
    """
    if not situation.items:
        return _nothing(situation, rules)
    hearing = Hearing(situation, ask, rules)
    relied = hearing.best()
    if relied is None:
        return _refused(situation, hearing.reasons(), rules)
    return _granted(situation, *relied, rules)


def only_on(ask: Judge, allowed: Collection[str]) -> Judge:
    """The same policies, asked about these bases alone: what another basis would permit is then not permitted."""

    def narrowed(facts: ReleaseFacts) -> Decision:
        ruling = ask(facts)
        if not ruling.permitted:
            return ruling
        kept = tuple(one for one in ruling.citations if (one.basis or one.id) in allowed)
        if not kept:
            return Decision(permitted=False)
        return replace(ruling, policies=tuple(one.id for one in kept), citations=kept)

    return narrowed


def shown(item: ItemForDecision) -> Item:
    """The item as a decision shows it."""
    return Item(item.id, item.kind.value, tuple(sorted(label.value for label in item.labels or ())))


def meets_authorization(consent: ConsentRecord) -> bool:
    """The consent also carries the statements of 45 CFR 164.508(c)(2): revocation, conditioning, redisclosure.

    Only the accounting asks: what an authorization covers is outside 164.528. Without one of the statements the
    disclosure is listed there as well.
    """
    says = consent.terms.statements
    return (
        says.revocation and says.revocation_how and says.redisclosure_potential and says.refusal_consequences
    )


def _granted(
    situation: Situation, ground: Ground, table: Table, rules: DisclosureRules
) -> DisclosureDecision:
    items = tuple(shown(item) for item in situation.items)
    permitted = [verdict for verdict in table if verdict.permitted]
    granted = tuple(item for item, verdict in zip(items, table, strict=True) if verdict.permitted)
    named = min((v.reason for v in permitted), key=lambda basis: rules.bases.by_id[basis.code].rank)
    restricted = any(verdict.restricted for verdict in permitted)
    consent, row = ground.consent, rules.bases.by_id[named.code]
    basis = Basis(
        named.code,
        named.citation,
        consent.consent_id if consent is not None and row.consent_kinds else None,
        ground.evidence.id if ground.evidence is not None and (row.evidence_kind or restricted) else None,
    )
    entered = accountings(
        row,
        situation.purpose.legal_class,
        situation.channel,
        authorization=consent is not None and meets_authorization(consent),
        covered_entity=situation.program.covered_entity,
    )
    duties = {duty for verdict in permitted for duty in verdict.ruling.obligations}
    duties |= set(_added(entered, restricted=restricted))
    return DisclosureDecision(
        effect=Effect.PERMIT if len(granted) == len(items) else Effect.PARTIAL,
        basis=basis,
        granted=granted,
        withheld=_withheld(items, table),
        obligations=tuple(duty for duty in Obligation if duty in duties),
        reasons=_explained(table),
        rulings=_rulings(items, table),
        accounting=entered,
        evaluated_at=situation.today.now,
        policy_version=rules.policy_version,
    )


def _added(entered: Entered, *, restricted: bool) -> Iterator[Obligation]:
    """Duties no rule brings by itself: they follow from the basis, the channel, and what stands in the way."""
    if entered.part2:
        yield Obligation.RECORD_ACCOUNTING_2_25
    if entered.hipaa:
        yield Obligation.RECORD_ACCOUNTING_528
    if restricted:
        yield Obligation.ASK_RECIPIENT_NO_FURTHER_USE_2_26


def _refused(situation: Situation, table: Table, rules: DisclosureRules) -> DisclosureDecision:
    items = tuple(shown(item) for item in situation.items)
    review = any(verdict.review for verdict in table)
    return DisclosureDecision(
        effect=Effect.NEEDS_REVIEW if review else Effect.DENY,
        basis=None,
        granted=(),
        withheld=_withheld(items, table),
        obligations=(),
        reasons=_explained(table),
        rulings=_rulings(items, table),
        accounting=None,
        evaluated_at=situation.today.now,
        policy_version=rules.policy_version,
    )


def _nothing(situation: Situation, rules: DisclosureRules) -> DisclosureDecision:
    reason = rules.reasons.by_code["NO_RECORDS"]
    return DisclosureDecision(
        effect=Effect.DENY,
        basis=None,
        granted=(),
        withheld=(),
        obligations=(),
        reasons=(_in_words(reason),),
        rulings=(),
        accounting=None,
        evaluated_at=situation.today.now,
        policy_version=rules.policy_version,
    )


def _withheld(items: tuple[Item, ...], table: Table) -> tuple[Withheld, ...]:
    groups: dict[tuple[str, Reason], int] = {}
    for item, verdict in zip(items, table, strict=True):
        if not verdict.permitted:
            key = (item.kind, verdict.reason)
            groups[key] = groups.get(key, 0) + 1
    return tuple(
        Withheld(kind, count, reason.code, reason.citation) for (kind, reason), count in groups.items()
    )


def _explained(table: Table) -> tuple[Explained, ...]:
    return tuple(_in_words(reason) for reason in dict.fromkeys(verdict.reason for verdict in table))


def _in_words(reason: Reason) -> Explained:
    return Explained(reason.code, reason.citation, reason.conf, reason.text)


def _rulings(items: tuple[Item, ...], table: Table) -> tuple[ItemRuling, ...]:
    return tuple(
        ItemRuling(item, v.permitted, v.ruling.policies or v.ruling.refused_by, v.reason.code, v.review)
        for item, v in zip(items, table, strict=True)
    )
