"""The sentences of a preview: what one recipient would get for one purpose, in the words of a language.

They name recipients and kinds of records, because the patient is to see exactly that; they are shown and never kept.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from service.consent.model import Recipient as Named
from service.disclosure.decide import DisclosureDecision
from service.disclosure.paragraph import clause
from service.disclosure.rulebook import DisclosureRules
from service.disclosure.words import Language


@dataclass(frozen=True, slots=True)
class Foretold:
    """What codes are called in a preview: kinds, purposes and classes as the newest text of a consent calls them."""

    words: Language
    kinds: Mapping[str, str]
    purposes: Mapping[str, str]
    classes: Mapping[str, str]

    @staticmethod
    def of(rules: DisclosureRules, language: str) -> "Foretold":
        text = rules.book.text(rules.book.current, language) or rules.book.texts[rules.book.current]
        return Foretold(rules.words.of(language), text.kinds, text.purposes, text.recipients.classes)

    def purpose(self, code: str, display: str) -> str:
        return self.purposes.get(code, display)

    def named(self, recipient: Named) -> str:
        """A class by its words, everybody else by name."""
        if recipient.recipient_class is None:
            return recipient.name
        return self.classes.get(recipient.recipient_class.value, recipient.name)

    def nobody(self, recipient: Named) -> str:
        return self.words.preview.nobody.format(recipient=self.named(recipient))


def told(
    decision: DisclosureDecision, words: Foretold, recipient: str, purpose: str, through: str | None = None
) -> str:
    """One recipient, one purpose: what would go, what would stay. It counts records; it does not say what is in
    them.
    """
    return " ".join(_sentences(decision, words, recipient, purpose, through))


def _sentences(
    decision: DisclosureDecision, words: Foretold, recipient: str, purpose: str, through: str | None
) -> Iterator[str]:
    said = words.words.preview
    if through is not None:
        yield said.through.format(intermediary=through)
    stays = sum(one.count for one in decision.withheld)
    if not decision.granted:
        review = decision.effect.value == "needs_review"
        why = "; ".join(_reasons(decision, words.words))
        frame = said.review if review else said.nothing
        yield frame.format(recipient=recipient, purpose=purpose, why=why)
        return
    kinds = ", ".join(_counted(decision, words))
    yield said.reads.format(recipient=recipient, purpose=purpose, kinds=kinds)
    if stays:
        yield said.stays.format(records=words.words.records.of(stays))
    if decision.basis is not None and decision.basis.consent_id is None:
        yield said.without


def _counted(decision: DisclosureDecision, words: Foretold) -> list[str]:
    counts: dict[str, int] = {}
    for item in decision.granted:
        name = words.kinds.get(item.kind, item.kind)
        counts[name] = counts.get(name, 0) + 1
    return sorted(words.words.preview.kind.format(kind=kind, count=count) for kind, count in counts.items())


def _reasons(decision: DisclosureDecision, words: Language) -> Iterator[str]:
    """Each reason once."""
    codes = [one.reason for one in decision.withheld] or [one.rule for one in decision.reasons]
    yield from (clause(code, words) for code in dict.fromkeys(codes))
