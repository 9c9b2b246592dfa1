"""Which ground permits most of what is asked, found without looking fully at every consent.

A patient may have hundreds of consents, and looking at one fully means rendering its words and comparing their hash.
So consents that are alike in purpose, and then in scope, are first judged together, with everything else about them
taken at its best. What the policies refuse even then they refuse of each of them: no rule permits *because* a fact
about a consent is unfavourable. Only what might still be the answer is looked at fully, most promising first. The
policies answer every one of these questions; nothing is permitted here.
"""

import heapq
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Final, TypeAlias

from service.access.facts import ReleaseFacts
from service.consent import match
from service.consent.model import ConsentRecord
from service.consent.standing import signer_of
from service.consent.validity import local_day
from service.disclosure import grounds
from service.disclosure.decide import Judge
from service.disclosure.grounds import Ground
from service.disclosure.rulebook import DisclosureRules
from service.disclosure.situation import Situation
from service.disclosure.verdicts import Bench, Table, Verdict
from service.evidence.establish import establish, is_about
from service.evidence.model import Evidence

#: What every fact about a consent is at its best.
AT_BEST: Final[dict[str, bool]] = {
    "consent_present": True,
    "consent_state_active": True,
    "consent_complete": True,
    "consent_text_intact": True,
    "consent_signed": True,
    "consent_date_ok": True,
    "consent_effective": True,
    "consent_expired": False,
    "consent_expiry_unknown": False,
    "consent_false": False,
    "consent_doubted": False,
    "consent_revoked": False,
    "discloser_covered": True,
    "recipient_named": True,
    "recipient_in_class": True,
    "intermediary_named": True,
    "participant_named": True,
    "participant_designated": True,
    "purpose_matches": True,
    "kind_in_scope": True,
    "label_in_scope": True,
    "date_in_scope": True,
    "scope_combines_notes": False,
    "purpose_combines_legal": False,
}

_FACTS: Final = tuple(field.name for field in fields(ReleaseFacts))

#: The facts that follow from the purposes alone, and those about an item that follow from the scope alone.
_PURPOSE: Final = ("purpose_matches",)
_SCOPE: Final = ("kind_in_scope", "label_in_scope", "date_in_scope")


#: What a ground permits at most and where it stands among its equals (Ground.order), what it consists of, and its
#: verdicts once they are known. Two with one rank are the same ground, never both in one heap.
_Candidate: TypeAlias = tuple[
    tuple[int, int, int, int, int], ConsentRecord | None, Evidence | None, Table | None
]


@dataclass(frozen=True, slots=True)
class _Alike:
    """Consents alike in all that `bound` rests on, each held beside `evidence` or none."""

    members: list[ConsentRecord]
    evidence: Evidence | None
    bound: Table

    def candidates(self) -> Iterator["_Candidate"]:
        """Each of them at its best. Alike in kind and scope, they differ in rank by their ids alone."""
        tier, width, *_ = Ground(self.members[0], self.evidence).order
        paper, permits = 0 if self.evidence is None else self.evidence.id.int, -_count(self.bound)
        for consent in self.members:
            yield (permits, tier, width, consent.consent_id.int, paper), consent, self.evidence, None


class Hearing:
    """One question before the policies. It remembers what was answered, for as long as the question lasts."""

    def __init__(self, situation: Situation, ask: Judge, rules: DisclosureRules) -> None:
        self.situation = situation
        self.rules = rules
        self._bench = Bench(ask, rules)
        self._known_fields: dict[int, dict[str, Any]] = {}
        self._bounds: dict[Hashable, Verdict] = {}
        self._standings: dict[int, match.Standing] = {}
        self._full: dict[tuple[int, int], Table] = {}
        self._request = grounds.request(situation)
        self._seen = tuple(grounds.seen_by_scope(item) for item in situation.items)
        bare = tuple(grounds.bare(situation, item) for item in situation.items)
        self._before: dict[int, tuple[ReleaseFacts, ...]] = {0: bare}
        day = local_day(situation.today.now, situation.today.timezone)
        # each once; what is about another patient is no ground at all
        patient_id = situation.patient.id
        about = {
            one.id: one for one in situation.evidence if is_about(rules.evidence, one, patient_id)
        }.values()
        # by the numbers of the ids: those of UUIDs themselves are compared and hashed in Python
        consents = {
            one.consent_id.int: one for one in situation.consents if one.patient_id.int == patient_id.int
        }.values()
        for one in about:
            self._before[one.id.int] = tuple(
                grounds.with_evidence(
                    facts, establish(rules.evidence, one, situation.recipient.id, item, day)
                )
                for facts, item in zip(bare, situation.items, strict=True)
            )
        self._fixed: list[tuple[Ground, Table]] = [
            (Ground(evidence=one), self._table(self._base(one))) for one in (None, *about)
        ]
        beside = (None, *(one for one in about if one.kind in grounds.BESIDE_CONSENT))
        self._alike = [alike for one in beside for alike in self._sorted_out(consents, one)]

    # -- the answer -----------------------------------------------------------------------------------

    def best(self) -> tuple[Ground, Table] | None:
        """The ground relied on: of those that permit most items, the first in `Ground.order`. None permits anything:
        None.

        A heap of what each ground can permit at most; a ground looked at fully that still comes first is the answer,
        because no other can come before it any more.
        """
        heap: list[_Candidate] = [
            ((-_count(table), *ground.order), None, ground.evidence, table)
            for ground, table in self._fixed
            if _count(table)
        ]
        for alike in self._alike:
            if self._adds(alike.bound, alike.evidence):
                heap += alike.candidates()
        heapq.heapify(heap)
        while heap:
            rank, consent, evidence, table = heapq.heappop(heap)
            if table is not None:
                return Ground(consent, evidence), table
            if consent is not None:
                table = self.looked_at(consent, evidence)
                if self._adds(table, evidence):
                    heapq.heappush(heap, ((-_count(table), *rank[1:]), consent, evidence, table))
        return None

    def reasons(self) -> Table:
        """Why nothing goes, item by item: for each the ground that came furthest; what a person may settle first."""
        return tuple(self._furthest(place) for place in range(len(self.situation.items)))

    def looked_at(self, consent: ConsentRecord, evidence: Evidence | None) -> Table:
        """A consent looked at fully, beside one piece of evidence or none."""
        key = consent.consent_id.int, 0 if evidence is None else evidence.id.int
        if key not in self._full:
            standing = self._standing(consent)
            reach = match.reach_of(standing, self._request)
            self._full[key] = tuple(
                self._in_full(facts, match.match_item(standing, reach, seen))
                for facts, seen in zip(self._base(evidence), self._seen, strict=True)
            )
        return self._full[key]

    # -- inside ---------------------------------------------------------------------------------------

    def _furthest(self, place: int) -> Verdict:
        known = [table[place] for _, table in self._fixed]
        known += [table[place] for table in self._full.values()]
        review = next((verdict for verdict in known if verdict.review), None)
        if review is not None:
            return review
        failed = next((verdict for verdict in known if verdict.ruling.failed), None)
        if failed is not None:
            return failed
        best = max(known, key=lambda verdict: verdict.stage)
        for alike in sorted(self._alike, key=lambda alike: -alike.bound[place].stage):
            for consent in alike.members:
                if best.stage >= alike.bound[place].stage:
                    break
                verdict = self.looked_at(consent, alike.evidence)[place]
                best = max(best, verdict, key=lambda verdict: verdict.stage)
        return best

    def _in_full(self, facts: ReleaseFacts, found: match.ConsentMatch) -> Verdict:
        """Words and elements are examined where all else speaks for the consent, and before anything rests on it."""
        facts = match.with_consent(facts, found)
        verdict, standing = self._bench.verdict(facts), found.standing
        if verdict.permitted and not (standing.lasts and found.reaches):
            seen = standing.examined
            facts = replace(
                facts,
                consent_complete=seen.complete,
                consent_text_intact=seen.text_intact,
                scope_combines_notes=seen.combines_notes,
                purpose_combines_legal=seen.combines_legal,
            )
            verdict = self._bench.verdict(facts)
        return verdict

    def _adds(self, table: Table, evidence: Evidence | None) -> bool:
        """Does the consent permit anything that is not permitted, by the same rules, without it? If not, nothing rests
        on it, and it must not be recorded as if something did.
        """
        without = next(known for ground, known in self._fixed if ground.evidence is evidence)
        return any(
            verdict.permitted
            and not (bare.permitted and set(verdict.ruling.policies) <= set(bare.ruling.policies))
            for verdict, bare in zip(table, without, strict=True)
        )

    def _sorted_out(self, consents: Iterable[ConsentRecord], evidence: Evidence | None) -> Iterator[_Alike]:
        for members in _grouped(consents, _purpose):
            bound = self._by_purpose(members[0], evidence)
            if not self._adds(bound, evidence):
                yield _Alike(members, evidence, bound)
                continue
            for narrower in _grouped(members, _scope):
                yield _Alike(narrower, evidence, self._by_scope(narrower[0], evidence))

    def _by_purpose(self, consent: ConsentRecord, evidence: Evidence | None) -> Table:
        """The verdicts on any consent of this one's kind, signer and purposes, were it otherwise at its best."""
        covered = match.purpose_covered(
            consent.terms.purposes, self.rules.classes, self.situation.purpose.code
        )
        return tuple(self._at_best(consent, facts, _PURPOSE, (covered,)) for facts in self._base(evidence))

    def _by_scope(self, consent: ConsentRecord, evidence: Evidence | None) -> Table:
        """The same, of any consent with this one's scope besides."""
        return tuple(
            self._at_best(consent, facts, _SCOPE, match.in_scope(consent.terms, seen))
            for facts, seen in zip(self._base(evidence), self._seen, strict=True)
        )

    def _at_best(
        self, consent: ConsentRecord, facts: ReleaseFacts, names: tuple[str, ...], said: tuple[bool, ...]
    ) -> Verdict:
        kind, signer = consent.terms.kind.value, signer_of(consent)
        key = id(facts), kind, signer, names, said
        known = self._bounds.get(key)
        if known is None:
            best: dict[str, Any] = (
                self._fields(facts)
                | AT_BEST
                | dict(zip(names, said, strict=True))
                | {"consent_kind": kind, "consent_signer": signer}
            )
            known = self._bounds[key] = self._bench.verdict(ReleaseFacts(**best))
        return known

    def _fields(self, facts: ReleaseFacts) -> dict[str, Any]:
        """The facts by name; `dataclasses.replace` works them out each time, and costs more than the policies."""
        if id(facts) not in self._known_fields:
            self._known_fields[id(facts)] = {name: getattr(facts, name) for name in _FACTS}
        return self._known_fields[id(facts)]

    def _standing(self, consent: ConsentRecord) -> match.Standing:
        key = consent.consent_id.int
        if key not in self._standings:
            rules = self.rules
            self._standings[key] = match.standing(rules.book, rules.classes, consent, self.situation.today)
        return self._standings[key]

    def _base(self, evidence: Evidence | None) -> tuple[ReleaseFacts, ...]:
        return self._before[0 if evidence is None else evidence.id.int]

    def _table(self, facts: Iterable[ReleaseFacts]) -> Table:
        return tuple(self._bench.verdict(one) for one in facts)


def _count(table: Table) -> int:
    return sum(verdict.permitted for verdict in table)


def _grouped(
    consents: Iterable[ConsentRecord], alike: Callable[[ConsentRecord], Hashable]
) -> Iterable[list[ConsentRecord]]:
    groups: dict[Hashable, list[ConsentRecord]] = {}
    for consent in consents:
        groups.setdefault(alike(consent), []).append(consent)
    return groups.values()


def _purpose(consent: ConsentRecord) -> Hashable:
    signed = consent.signatures
    roles = signed[0].role if len(signed) == 1 else tuple(signature.role for signature in signed)
    return consent.terms.kind, consent.terms.purposes, roles


def _scope(consent: ConsentRecord) -> Hashable:
    scope = consent.terms.scope
    return scope.kinds, scope.labels, scope.first_day, scope.last_day
