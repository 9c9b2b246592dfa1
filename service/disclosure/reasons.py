"""Why an item is withheld: the order of policies/reasons.yaml, the words of the rules and elements
themselves.

The policies decide; this table only finds words for a denial. A denial Cedar reached by default has no rule
to point at, so the reason is the first fact a permitting rule would have needed and did not get.

Of several grounds that refuse an item, the one that came furthest speaks for it: `why` says how far.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from service.access.decision import Citation, Confidence, Decision
from service.access.facts import ReleaseFacts
from service.consent.model import Reason as ConsentReason
from service.errors import StartRefused


@dataclass(frozen=True, slots=True)
class Reason:
    """A stable code, the paragraph it rests on, how sure we are, and words for staff (never for an outside
    caller).
    """

    code: str
    citation: str
    conf: Confidence
    text: str


@dataclass(frozen=True, slots=True)
class Cause:
    """What makes a reason apply: a rule that forbade, or that none of several alternatives is so.

    `needs`: fact -> values, one of which it must have (a set of words: contain). `only_kinds`, `only_evidence`: asked
    of grounds with these kinds of consent, these kinds of evidence; empty means any.
    """

    reason: Reason
    rule: str | None = None
    facts: tuple[str, ...] = ()
    needs: tuple[tuple[str, frozenset[str]], ...] = ()
    only_kinds: frozenset[str] = frozenset()
    only_evidence: frozenset[str] = frozenset()

    def applies(self, facts: ReleaseFacts, ruling: Decision) -> bool:
        if self.rule is not None:
            return self.rule in ruling.refused_by
        if self.only_kinds and facts.consent_kind not in self.only_kinds:
            return False
        if self.only_evidence and facts.evidence_kind not in self.only_evidence:
            return False
        return not (
            any(getattr(facts, name) for name in self.facts)
            or any(_is_one_of(getattr(facts, name), values) for name, values in self.needs)
        )


def _is_one_of(value: str | frozenset[str], values: frozenset[str]) -> bool:
    return value in values if isinstance(value, str) else bool(value & values)


@dataclass(frozen=True, slots=True)
class Reasons:
    """`paper`: what is wrong with a paper whatever else stands in the way; `always`: before any consent;
    `evidence`: one paper; `consent`: from the first thing checked to the last; `bases` by rule id, first in rank first.
    """

    paper: tuple[Cause, ...]
    always: tuple[Cause, ...]
    evidence: tuple[Cause, ...]
    consent: tuple[Cause, ...]
    bases: Mapping[str, Reason]
    by_code: Mapping[str, Reason]

    @property
    def paper_stage(self) -> int:
        """A paper that fails says more than a consent that was never meant for this, and less than one that was and
        has ended: it stands just before the first row about a consent's own validity.
        """
        rules = (place for place, cause in enumerate(self.consent) if (cause.rule or "").startswith("C-"))
        return next(rules, len(self.consent)) - 1

    def why(self, facts: ReleaseFacts, ruling: Decision) -> tuple[int, Reason]:
        """The reason for one denial, and how far the ground came (higher is nearer to a permission).

        -1 marks what no consent and no paper at hand could have changed.
        """
        if ruling.failed:
            return -1, self.by_code["DECISION_FAILED"]
        alone = facts.evidence_present and not facts.consent_present
        if alone and (cause := _first(self.paper, facts, ruling)):
            return self.paper_stage, cause.reason
        if cause := _first(self.always, facts, ruling):
            return -1, cause.reason
        if alone and (cause := _first(self.evidence, facts, ruling)):
            return self.paper_stage, cause.reason
        for stage, cause in enumerate(self.consent):
            if cause.applies(facts, ruling):
                return stage, cause.reason
        beside = _first(self.evidence, facts, ruling) if facts.evidence_present else None
        return len(self.consent), beside.reason if beside else self.by_code["NO_BASIS"]


def _first(causes: Iterable[Cause], facts: ReleaseFacts, ruling: Decision) -> Cause | None:
    return next((cause for cause in causes if cause.applies(facts, ruling)), None)


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    code: str | None = None
    citation: str | None = None
    conf: Literal["law", "policy", "unsure"] = "policy"
    text: str | None = None
    rule: str | None = None
    fact: list[str] = []
    needs: dict[str, list[str]] = {}
    only_kinds: list[str] = []
    only_evidence: list[str] = []


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    paper: list[_Row]
    always: list[_Row]
    evidence: list[_Row]
    consent: list[_Row]
    other: list[_Row]


#: Codes this package itself gives; the file must have words for each.
NEEDED = frozenset(
    {
        "NO_BASIS",
        "DECISION_FAILED",
        "DUTY_CANNOT_BE_MET",
        "NO_RECORDS",
        "NOTICE_TEXT_OUT_OF_DATE",
        "MISSING_COPY_OR_EXPLANATION",
    }
)

_FACTS = frozenset(ReleaseFacts.__dataclass_fields__)


def read_reasons(
    document: str, rules: Mapping[str, Citation], words: Mapping[str, ConsentReason], bases: Iterable[str]
) -> Reasons:
    """The table from the text of reasons.yaml, the rules by id, the words of elements.yaml by code, and the ids of
    the lawful bases by which records leave, in the order of rank.

    A row without words, words said twice, a rule or a fact that does not exist: StartRefused.
    """
    try:
        file = _File.model_validate(yaml.safe_load(document))
    except (yaml.YAMLError, ValidationError):
        raise StartRefused("policies/reasons.yaml does not have the shape it must have") from None
    said: dict[str, Reason] = {}
    found = {
        part: tuple(_cause(row, rules, words, said) for row in getattr(file, part))
        for part in ("paper", "always", "evidence", "consent")
    }
    for row in file.other:
        _worded(row, words, said)
    if missing := NEEDED - said.keys():
        raise StartRefused(f"policies/reasons.yaml lacks {', '.join(sorted(missing))}")
    by_basis = {name: _of_rule(name, rules, code=name) for name in bases}
    return Reasons(**found, bases=MappingProxyType(by_basis), by_code=MappingProxyType(said))


def _cause(
    row: _Row,
    rules: Mapping[str, Citation],
    words: Mapping[str, ConsentReason],
    said: dict[str, Reason],
) -> Cause:
    if row.rule is not None:
        if row.model_dump(exclude={"rule"}, exclude_defaults=True):
            raise StartRefused(
                f"policies/reasons.yaml: rule {row.rule} has its code and words in its own file"
            )
        reason = _of_rule(row.rule, rules, code=None)
        return Cause(said.setdefault(reason.code, reason), rule=row.rule)
    if not (row.fact or row.needs) or not _FACTS.issuperset((*row.fact, *row.needs)):
        raise StartRefused(f"policies/reasons.yaml: {row.code} needs a rule, or facts that exist")
    return Cause(
        _worded(row, words, said),
        facts=tuple(row.fact),
        needs=tuple((name, frozenset(values)) for name, values in row.needs.items()),
        only_kinds=frozenset(row.only_kinds),
        only_evidence=frozenset(row.only_evidence),
    )


def _of_rule(name: str, rules: Mapping[str, Citation], *, code: str | None) -> Reason:
    citation = rules.get(name)
    if citation is None or not citation.text or not (code or citation.reason):
        raise StartRefused(f"policies/reasons.yaml: rule {name} does not exist or lacks @reason and @text")
    return Reason(code or citation.reason, citation.cite, citation.conf, citation.text)


def _worded(row: _Row, words: Mapping[str, ConsentReason], said: dict[str, Reason]) -> Reason:
    """The reason of a row. Its words stand in this row, in an earlier one with the same code, or in elements.yaml."""
    code = row.code or ""
    own = row.citation is not None and row.text is not None
    places = [own, code in said, code in words and code not in said]
    if not code or places.count(True) != 1:
        raise StartRefused(f"policies/reasons.yaml: {code or 'a row'} needs words in exactly one place")
    if code not in said:
        said[code] = (
            Reason(code, row.citation or "", Confidence(row.conf), row.text or "")
            if own
            else Reason(code, words[code].citation, Confidence(words[code].conf), words[code].message)
        )
    return said[code]
