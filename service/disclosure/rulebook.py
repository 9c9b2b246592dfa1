"""Everything of policies/ that disclosure rests on, loaded once at the start."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from service.access.engine import Engine
from service.consent.match import classes_of
from service.consent.rulebook import Rulebook
from service.disclosure.notice import Notices, read_notices
from service.disclosure.reasons import Reasons, read_reasons
from service.disclosure.redisclosure import RedisclosureRules, read_redisclosure
from service.disclosure.words import Words, load_words
from service.errors import StartRefused


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
        reasons=read_reasons(reasons_text, citations, book.reasons),
        notices=read_notices(notices),
        redisclosure=read_redisclosure(redisclosure_text),
        words=load_words(policies),
        classes=classes_of(access.purposes),
    )
