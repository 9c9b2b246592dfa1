"""What the law says about one situation, in plain Python: which basis, which items, which duties.

Written from the rules and not from the policies, so that the two can disagree. A situation may have several equally
good grounds; the rules then leave open which one is taken, and every one of them is right.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from service.disclosure.accounting import Channel
from service.disclosure.situation import Situation
from service.record.item import ItemForDecision
from tests.oracle.consents import TPO, is_authorization
from tests.oracle.grounds import (
    FOR_A_PERSON,
    Ground,
    by_consent,
    gate,
    part2,
    restricted,
)
from tests.oracle.without import without_consent

#: In this order a disclosure that several bases carry takes its one name: Part 2 before HIPAA.
ORDER: Final = (
    *("B03", "B04", "B05", "B06", "B07", "B08", "B10", "B11", "B01", "B09", "B39", "B12", "B02", "B29"),
    *("B24", "B25", "B21", "B22", "B23", "B26", "B27", "B28", "B30", "B31", "B32", "B33", "B34"),
    *("B36", "B37", "B38", "B38-APPLICATION", "B40", "B41"),
    *("164.508(a)(2)", "164.508", "164.510", "164.512", "164.514(e)", "164.506"),
)
#: With the patient's written consent: 2.32 and 2.25 speak of these.
WITH_CONSENT: Final = frozenset(ORDER[:14])
_DOCUMENTED: Final = {"B24", "B25"}
_DIRECTORS: Final = {"B26", "B38", "B38-APPLICATION", "B39"}
#: 164.528(a)(1): treatment, payment, operations, to the individual, with authorization, 164.510, limited data set; and
#: what is no information about a person any more (B30), or no disclosure of records at all (B34). Audits are listed: a
#: regulator's is health oversight, and from a funder's it is not told apart (policy).
_NEVER_528: Final = frozenset(
    {"B21", "B24", "B30", "B34", "B36", "B41"}  # B27, B28: an audit may be oversight, which is listed
    | {"164.506", "164.508", "164.508(a)(2)", "164.510", "164.514(e)"}
)


@dataclass(frozen=True)
class Outcome:
    """One right answer."""

    effect: str
    basis: str | None = None
    granted: frozenset[UUID] = frozenset()
    obligations: frozenset[str] = frozenset()
    acc25: bool = False
    acc528: bool = False


@dataclass(frozen=True)
class Expected:
    """Every right answer, and for the reader the grounds that were best."""

    outcomes: tuple[Outcome, ...]

    @property
    def effect(self) -> str:
        return self.outcomes[0].effect


def decide(situation: Situation) -> Expected:
    """The law's answer to this question."""
    grounds = list(grounds_of(situation))
    carried = [(ground, carries(ground)) for ground in grounds]
    most = max(len(found) for _, found in carried)
    if most:
        best = [(ground, found) for ground, found in carried if len(found) == most]
        first = min(_tier(ground) for ground, _ in best)
        return Expected(
            tuple(dict.fromkeys(_granted(ground, found) for ground, found in best if _tier(ground) == first))
        )
    review = any(for_a_person(ground, item) for ground in grounds for item in situation.items)
    return Expected((Outcome("needs_review" if review else "deny"),))


def grounds_of(situation: Situation) -> Iterator[Ground]:
    """Nothing; each consent; each consent with each paper that serves one; each paper."""
    yield Ground(situation)
    beside = [p for p in situation.evidence if p.kind.value in {"registry_event", "pdmp_law", "emergency"}]
    for consent in situation.consents:
        yield Ground(situation, consent)
        for paper in beside:
            yield Ground(situation, consent, paper)
    for paper in situation.evidence:
        yield Ground(situation, None, paper)


def carries(ground: Ground) -> dict[UUID, tuple[str, ...]]:
    """What may go on this ground, each item with the bases that carry it."""
    found = {item.id: tuple(bases(ground, item)) for item in ground.situation.items}
    return {item: names for item, names in found.items() if names}


def bases(ground: Ground, item: ItemForDecision, *, doubts: bool = True) -> list[str]:
    """Every basis that carries this item on this ground, gates included; with `doubts=False` nobody doubts anything."""
    if doubts and ground.consent is not None and ground.standing.doubtful:
        return []
    named = [*by_consent(ground, item), *without_consent(ground, item)]
    return [basis for basis in named if not gate(ground, item, basis) and not _for_a_person(ground, item)]


def for_a_person(ground: Ground, item: ItemForDecision) -> bool:
    """Nothing stands in the way but what only a person can settle: V1 unevaluable, V4 doubted, L7, L8."""
    if ground.consent is not None and ground.standing.doubtful and bases(ground, item, doubts=False):
        return True
    return _for_a_person(ground, item) and not gate(ground, item, None)


def _for_a_person(ground: Ground, item: ItemForDecision) -> bool:
    """L7, L8, whatever is shown for it (policy): even under a stand-alone consent somebody reads the papers first."""
    return bool(part2(item)) and ground.code in FOR_A_PERSON


def _tier(ground: Ground) -> int:
    """3.6: the narrowest consent, then a basis without consent, then the single consent for all TPO."""
    if ground.consent is None:
        return 1
    return 2 if ground.consent.terms.kind.value == "tpo" else 0


def _granted(ground: Ground, found: dict[UUID, tuple[str, ...]]) -> Outcome:
    s = ground.situation
    names = {name for each in found.values() for name in each}
    basis = min(names, key=ORDER.index)
    acc25, acc528 = accountings(ground, basis)
    duties = {duty for name in names for duty in _duties(name)}
    if any(restricted(s, item) for item in s.items if item.id in found):
        duties.add("ASK_RECIPIENT_NO_FURTHER_USE_2_26")  # R42
    if acc25:
        duties.add("RECORD_ACCOUNTING_2_25")
    if acc528:
        duties.add("RECORD_ACCOUNTING_528")
    return Outcome(
        effect="permit" if len(found) == len(s.items) else "partial",
        basis=basis,
        granted=frozenset(found),
        obligations=frozenset(duties),
        acc25=acc25,
        acc528=acc528,
    )


def _duties(basis: str) -> set[str]:
    """The columns "document" and "notice" of 3.1 and 3.2."""
    duties: set[str] = set()
    if basis in WITH_CONSENT:
        duties |= {"NOTICE_2_32", "COPY_OR_EXPLANATION_OF_CONSENT"}
    if basis in _DOCUMENTED:
        duties.add("DOCUMENT_EMERGENCY_2_51C")
    if basis in _DIRECTORS:
        duties.add("DIRECTOR_FINDING")
    without = basis not in WITH_CONSENT and not basis.startswith(("164.506", "164.508"))
    if without and basis not in _DOCUMENTED | _DIRECTORS:
        duties.add("CITE_EVIDENCE")
    return duties


def accountings(ground: Ground, basis: str) -> tuple[bool, bool]:
    """R20-R23: 2.25 for what went with consent (T, P, O only by EHR); 164.528 for the rest of a covered entity's."""
    tpo = ground.legal_class in TPO
    if basis in WITH_CONSENT:
        assert ground.consent is not None
        acc25 = not tpo or ground.situation.channel is Channel.EHR
        acc528 = not tpo and not is_authorization(ground.consent.terms)
    else:
        acc25, acc528 = False, basis not in _NEVER_528
    return acc25, acc528 and ground.situation.program.covered_entity
