"""What the policies say about one item on one ground, and why, when anybody asks why.

Most verdicts are only counted, so the words for a refusal are looked up when they are needed and not before.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from service.access.decision import Decision
from service.access.facts import ReleaseFacts
from service.disclosure.decide import Judge
from service.disclosure.duties import DISCHARGEABLE
from service.disclosure.reasons import Reason
from service.disclosure.rulebook import DisclosureRules

#: What a person's ruling can settle (2.31(c)(1), (4)): with it settled in favour, would the policies permit?
SETTLED: Final[Mapping[str, bool]] = {"consent_expiry_unknown": False, "consent_doubted": False}

#: Further than any refusal.
FAR: Final = 1_000_000


class Verdict:
    """One item on one ground: permitted on a basis, or withheld for a reason."""

    __slots__ = ("_bench", "_facts", "_why", "basis", "ruling")

    def __init__(self, bench: "Bench", facts: ReleaseFacts, ruling: Decision, basis: Reason | None) -> None:
        self._bench = bench
        self._facts = facts
        self._why: tuple[int, Reason] | None = None
        self.ruling = ruling
        #: The lawful basis; None when the item is withheld.
        self.basis = basis

    @property
    def permitted(self) -> bool:
        return self.basis is not None

    @property
    def restricted(self) -> bool:
        """An agreed restriction covers the item (2.26)."""
        return self._facts.restricted

    @property
    def stage(self) -> int:
        """How far towards a permission it came; of several grounds that refuse, the furthest gives the reason."""
        return FAR if self.basis is not None else self._explained()[0]

    @property
    def reason(self) -> Reason:
        """The basis, or why the item stays."""
        return self.basis if self.basis is not None else self._explained()[1]

    @property
    def review(self) -> bool:
        """Refused by nothing but what a person may settle."""
        return self.basis is None and self._bench.for_review(self._facts, self.ruling)

    def _explained(self) -> tuple[int, Reason]:
        if self._why is None:
            self._why = self._bench.why(self._facts, self.ruling)
        return self._why


#: The verdicts on one ground, in the order of the items asked for.
Table: TypeAlias = tuple[Verdict, ...]


class Bench:
    """The policies and the words for what they say; each set of facts is put to them once."""

    __slots__ = ("_ask", "_rules", "_verdicts")

    def __init__(self, ask: Judge, rules: DisclosureRules) -> None:
        self._ask = ask
        self._rules = rules
        self._verdicts: dict[ReleaseFacts, Verdict] = {}

    def verdict(self, facts: ReleaseFacts) -> Verdict:
        """Permitted only when a basis permits, nothing failed, and every duty is one that can be discharged."""
        known = self._verdicts.get(facts)
        if known is None:
            known = self._verdicts[facts] = self._heard(facts)
        return known

    def why(self, facts: ReleaseFacts, ruling: Decision) -> tuple[int, Reason]:
        """How far a refusal came, and its reason."""
        reasons = self._rules.reasons
        if ruling.permitted and not ruling.failed and not DISCHARGEABLE.issuperset(ruling.obligations):
            return len(reasons.consent), reasons.by_code["DUTY_CANNOT_BE_MET"]
        return reasons.why(facts, ruling)

    def for_review(self, facts: ReleaseFacts, ruling: Decision) -> bool:
        """Every rule that refuses asks for a person, and a person's ruling would open it."""
        refusing = [one.review for one in ruling.citations if one.id in ruling.refused_by]
        if ruling.permitted or ruling.failed or not refusing or not all(refusing):
            return False
        return "always" in refusing or self._ask(replace(facts, **SETTLED)).permitted

    def _heard(self, facts: ReleaseFacts) -> Verdict:
        ruling = self._ask(facts)
        clean = ruling.permitted and not ruling.failed and DISCHARGEABLE.issuperset(ruling.obligations)
        return Verdict(self, facts, ruling, self._rules.basis_of(ruling) if clean else None)
