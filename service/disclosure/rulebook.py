"""Everything of policies/ that disclosure rests on, loaded once at the start."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from service.access.bases import Bases
from service.access.decision import Decision
from service.access.engine import Engine
from service.consent.match import classes_of
from service.consent.rulebook import Rulebook
from service.disclosure.duties import Standards
from service.disclosure.notice import Notices, read_notices
from service.disclosure.reasons import Reason, Reasons, read_reasons
from service.disclosure.redisclosure import RedisclosureRules, read_redisclosure
from service.disclosure.words import Words, load_words
from service.errors import StartRefused
from service.evidence.rulebook import EvidenceBook, load_evidence


@dataclass(frozen=True, slots=True)
class DisclosureRules:
    """Reasons and notices, plain words, and the consents' own rulebook; `classes` maps a purpose code to its
    legal class.
    """

    book: Rulebook
    reasons: Reasons
    notices: Notices
    redisclosure: RedisclosureRules
    words: Words
    classes: Mapping[str, str]
    evidence: EvidenceBook
    #: SHA-256 of everything a decision rests on (Engine.policy_set_hash).
    policy_version: str
    bases: Bases

    @property
    def standards(self) -> Standards:
        """What the discharge of duties is measured by."""
        return Standards(self.notices, self.evidence)

    def basis_of(self, ruling: Decision) -> Reason | None:
        """The lawful basis among the rules that permit: the first in rank. None when none of them is one for leaving."""
        return min(self._bases(ruling), key=lambda basis: self.bases.by_id[basis.code].rank, default=None)

    def basis_ids(self, ruling: Decision) -> frozenset[str]:
        """Every lawful basis among the rules that permit."""
        return frozenset(basis.code for basis in self._bases(ruling))

    def _bases(self, ruling: Decision) -> list[Reason]:
        names = (citation.basis or citation.id for citation in ruling.citations)
        return [self.reasons.bases[name] for name in names if name in self.reasons.bases]


def load_rules(policies: Path, access: Engine, book: Rulebook) -> DisclosureRules:
    """The rules of the folder `policies`; StartRefused names what is missing or wrong."""
    try:
        reasons_text = (policies / "reasons.yaml").read_text(encoding="utf-8")
        redisclosure_text = (policies / "redisclosure.yaml").read_text(encoding="utf-8")
        notices = {
            path.stem: path.read_text(encoding="utf-8")
            for path in sorted((policies / "notices").glob("*.txt"))
        }
    except (OSError, UnicodeDecodeError) as error:
        raise StartRefused("policies/reasons.yaml, redisclosure.yaml or notices cannot be read") from error
    citations = {name: rule.citation for name, rule in access.rules.items()}
    return DisclosureRules(
        book=book,
        reasons=read_reasons(reasons_text, citations, book.reasons, access.bases.release),
        notices=read_notices(notices),
        redisclosure=read_redisclosure(redisclosure_text),
        words=load_words(policies),
        classes=classes_of(access.purposes),
        evidence=load_evidence(policies),
        policy_version=access.policy_set_hash,
        bases=access.bases,
    )
