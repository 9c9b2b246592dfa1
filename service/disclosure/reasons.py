"""Why an item is withheld: the order of policies/reasons.yaml, the words of the rules and elements
themselves.

The policies decide; this table only finds words for a denial. A denial Cedar reached by default has no rule
to point at, so the reason is the first fact a permitting rule would have needed and did not get.
"""

from collections.abc import Mapping
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
    """What makes a reason apply: a rule that forbade, or facts none of which is true."""

    reason: Reason
    rule: str | None = None
    facts: tuple[str, ...] = ()
    only_kind: str | None = None

    def applies(self, facts: ReleaseFacts, ruling: Decision) -> bool:
        if self.rule is not None:
            return self.rule in ruling.refused_by
        if self.only_kind is not None and facts.consent_kind != self.only_kind:
            return False
        return not any(getattr(facts, name) for name in self.facts)


@dataclass(frozen=True, slots=True)
class Reasons:
    """`always` before any consent, `consent` from the first thing checked to the last, `bases` by rule id."""

    always: tuple[Cause, ...]
    consent: tuple[Cause, ...]
    bases: Mapping[str, Reason]
    by_code: Mapping[str, Reason]

    def why(self, facts: ReleaseFacts, ruling: Decision) -> tuple[int, Reason]:
        """The reason for one denial, and how far the consent came (higher is nearer to a permission).

        -1 marks a reason no consent could have changed: it outranks all others.
        """
        if ruling.failed:
            return -1, self.by_code["DECISION_FAILED"]
        for cause in self.always:
            if cause.applies(facts, ruling):
                return -1, cause.reason
        for stage, cause in enumerate(self.consent):
            if cause.applies(facts, ruling):
                return stage, cause.reason
        return len(self.consent), self.by_code["NO_BASIS"]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    code: str | None = None
    citation: str | None = None
    conf: Literal["law", "policy", "unsure"] = "policy"
    text: str | None = None
    rule: str | None = None
    fact: list[str] = []
    only_kind: str | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    always: list[_Row]
    consent: list[_Row]
    other: list[_Row]


#: The rules of policies/disclosure.cedar by which records leave; their words explain a permission.
RELEASE_BASES = ("B01", "B02")

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


def read_reasons(document: str, rules: Mapping[str, Citation], words: Mapping[str, ConsentReason]) -> Reasons:
    """The table from the text of reasons.yaml, the rules by id and the words of elements.yaml by code.

    A row without words, a code said twice, a rule or a fact that does not exist: StartRefused.
    """
    try:
        file = _File.model_validate(yaml.safe_load(document))
    except (yaml.YAMLError, ValidationError):
        raise StartRefused("policies/reasons.yaml does not have the shape it must have") from None
    always = tuple(_cause(row, rules, words) for row in file.always)
    consent = tuple(_cause(row, rules, words) for row in file.consent)
    found = [cause.reason for cause in (*always, *consent)]
    found += [_worded(row, words) for row in file.other]
    by_code = {reason.code: reason for reason in found}
    if len(by_code) != len(found):
        raise StartRefused("policies/reasons.yaml has a reason twice")
    if missing := NEEDED - by_code.keys():
        raise StartRefused(f"policies/reasons.yaml lacks {', '.join(sorted(missing))}")
    bases = {name: _of_rule(name, rules, code=name) for name in RELEASE_BASES}
    return Reasons(always, consent, MappingProxyType(bases), MappingProxyType(by_code))


def _cause(row: _Row, rules: Mapping[str, Citation], words: Mapping[str, ConsentReason]) -> Cause:
    if row.rule is not None:
        if row.fact or row.code or row.text or row.only_kind:
            raise StartRefused(
                f"policies/reasons.yaml: rule {row.rule} has its code and words in its own file"
            )
        return Cause(_of_rule(row.rule, rules, code=None), rule=row.rule)
    if not row.fact or not _FACTS.issuperset(row.fact):
        raise StartRefused(f"policies/reasons.yaml: {row.code} needs a rule, or facts that exist")
    return Cause(_worded(row, words), facts=tuple(row.fact), only_kind=row.only_kind)


def _of_rule(name: str, rules: Mapping[str, Citation], *, code: str | None) -> Reason:
    citation = rules.get(name)
    if citation is None or not citation.text or not (code or citation.reason):
        raise StartRefused(f"policies/reasons.yaml: rule {name} does not exist or lacks @reason and @text")
    return Reason(code or citation.reason, citation.cite, citation.conf, citation.text)


def _worded(row: _Row, words: Mapping[str, ConsentReason]) -> Reason:
    code = row.code or ""
    known = words.get(code)
    own = row.citation is not None and row.text is not None
    if not code or own == (known is not None):
        raise StartRefused(f"policies/reasons.yaml: {code or 'a row'} needs words in exactly one place")
    if known is not None:
        return Reason(code, known.citation, Confidence(known.conf), known.message)
    return Reason(code, row.citation or "", Confidence(row.conf), row.text or "")
