"""A decision in one paragraph of plain words: what may go, why, what stays and why, what comes with it, how long.

It is built from codes, counts and paragraphs of law alone: no name, no kind of record, no subject, no date of care.
So it may stand in the audit entry beside the codes it was made of, and adds nothing to them that a reader of the
trail must not know. It is for staff and the patient; an outside requester never sees one (42 CFR 2.13(c)).
"""

from collections.abc import Iterator, Mapping
from typing import Final

from service.disclosure.decide import DisclosureDecision
from service.disclosure.words import Language, Words

#: The effects under which something leaves.
_SHARED: Final = frozenset({"permit", "partial"})
#: How the reasons of what stays are introduced.
_INTRODUCED_BY: Final[Mapping[str, str]] = {"partial": "withheld", "deny": "denied", "needs_review": "review"}


def paragraph(decision: DisclosureDecision, words: Words, language: str = "en") -> str:
    """The paragraph, one line, ending with a full stop."""
    return " ".join(_sentences(decision, words.of(language)))


def _sentences(decision: DisclosureDecision, words: Language) -> Iterator[str]:
    effect = decision.effect.value
    granted, withheld = len(decision.granted), sum(one.count for one in decision.withheld)
    yield words.effects[effect].format(
        records=words.records.of(granted),
        granted=words.records.of(granted),
        withheld=words.records.of(withheld),
    )
    if effect in _SHARED and decision.basis is not None:
        basis = words.bases.get(decision.basis.id)
        why = words.sentences.basis_unworded if basis is None else basis.why
        yield words.sentences.why.format(why=why, basis=decision.basis.id, citation=decision.basis.citation)
        if basis is not None and basis.paper is not None:
            yield words.sentences.paper.format(paper=words.papers[basis.paper])
    reasons = "; ".join(_reasons(decision, words))
    if effect in _INTRODUCED_BY and reasons:
        yield getattr(words.sentences, _INTRODUCED_BY[effect]).format(reasons=reasons)
    if effect not in _SHARED:
        yield words.sentences.after
        return
    if decision.obligations:
        duties = "; ".join(words.obligations.get(duty.value, duty.value) for duty in decision.obligations)
        yield words.sentences.duties.format(duties=duties)
    if decision.basis is not None and decision.basis.id in words.bases:
        yield words.sentences.ends.format(ends=words.ends[words.bases[decision.basis.id].ends])


def _reasons(decision: DisclosureDecision, words: Language) -> Iterator[str]:
    """Each reason once, with how many records it keeps here; kinds are left out, they would tell of the patient."""
    if not decision.withheld:
        for one in decision.reasons:
            if decision.effect.value not in _SHARED:
                why = clause(one.rule, words)
                yield words.sentences.reason_alone.format(why=why, citation=one.citation)
        return
    counts: dict[tuple[str, str], int] = {}
    for one in decision.withheld:
        counts[one.reason, one.citation] = counts.get((one.reason, one.citation), 0) + one.count
    for (code, citation), count in counts.items():
        yield words.sentences.reason.format(
            why=clause(code, words), records=words.records.of(count), citation=citation
        )


def clause(code: str, words: Language) -> str:
    """The words for a reason; one without words is named by its code, never left out."""
    return words.reasons.get(code, words.sentences.reason_unworded.format(code=code))
