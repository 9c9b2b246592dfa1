"""Consents whose stored words are no longer the words that were signed: void for the decision, and an incident.

The decision withholds with C-TEXT-CHANGED; here somebody is told. A consent is examined only where it could otherwise
permit, so what is reported is what stood in the way of this question.
"""

from service.access.decision import Confidence
from service.consent.incidents import report_changed_text
from service.consent.model import ConsentRecord
from service.consent.model import Reason as Against
from service.consent.validity import intact
from service.disclosure.gathering import Gathered
from service.disclosure.rulebook import DisclosureRules
from service.work import Work

_CODE = "C-TEXT-CHANGED"
_AGAINST = Against(_CODE, "", "42 CFR 2.31(a)(8); 2.31(c)(2)", Confidence.POLICY.value)


def changed_consents(rules: DisclosureRules, found: Gathered) -> tuple[ConsentRecord, ...]:
    """The consents behind a refusal whose words have changed; nothing is rendered when no rule said so."""
    said = any(_CODE in (ruling.reason, *ruling.rules) for ruling in found.decision.rulings)
    if not said:
        return ()
    return tuple(one for one in found.situation.consents if one.signatures and not intact(rules.book, one))


def report_damage(work: Work, rules: DisclosureRules, found: Gathered) -> None:
    """Open an integrity review for each of them; inside an act, or beside a denial, that is recorded already."""
    for consent in changed_consents(rules, found):
        report_changed_text(work, consent, (_AGAINST,))
