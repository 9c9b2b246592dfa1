"""Every code a decision can hold has plain words in both languages, and the two files say the same things."""

import re
from collections.abc import Callable
from string import Formatter
from typing import Any, TypeAlias

import pytest
import yaml

from service.access.decision import Obligation
from service.disclosure.decide import Effect
from service.disclosure.words import LANGUAGES, load_words, read_words
from service.errors import StartRefused
from service.evidence.model import EvidenceKind
from tests.unit.consent.cases import POLICIES
from tests.unit.disclosure.rules import ENGINE

WORDS = load_words(POLICIES)
FILES = {path.stem: path.read_text(encoding="utf-8") for path in (POLICIES / "words").glob("*.yaml")}

Change: TypeAlias = Callable[[dict[str, Any]], object]


def policy(name: str) -> str:
    return (POLICIES / name).read_text(encoding="utf-8")


def codes_of_reasons() -> set[str]:
    """Reason codes of the policies: those of the rules, of reasons.yaml, and what can stand against a consent."""
    listed = re.findall(r"\bcode: ([A-Z][A-Z0-9_-]+)", policy("reasons.yaml"))
    ruled = [rule.citation.reason for rule in ENGINE.rules.values() if rule.citation.reason]
    against = [row["code"] for row in yaml.safe_load(policy("elements.yaml"))["reasons"]]
    return {*listed, *ruled, *against}


def bases() -> dict[str, dict[str, Any]]:
    return yaml.safe_load(policy("bases.yaml"))["bases"]


def ids_of_bases() -> set[str]:
    """Every rule that can be the basis of a disclosure or a use."""
    return set(bases())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_has_words(language: str) -> None:
    assert codes_of_reasons() - WORDS.of(language).reasons.keys() == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_basis_has_words(language: str) -> None:
    assert ids_of_bases() - WORDS.of(language).bases.keys() == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_evidence_has_words_and_every_basis_names_its_own(language: str) -> None:
    words = WORDS.of(language)
    assert set(words.papers) == {kind.value for kind in EvidenceKind}
    needed = {name: row.get("evidence_kind") for name, row in bases().items()}
    assert {name: basis.paper for name, basis in words.bases.items()} == needed


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_obligation_and_effect_has_words(language: str) -> None:
    words = WORDS.of(language)
    assert set(words.obligations) == {duty.value for duty in Obligation}
    assert {effect.value for effect in Effect} | {"needs_review"} == set(words.effects)


def test_no_words_for_a_basis_nobody_has() -> None:
    """Words of a rule that is gone mislead whoever reviews them. (The other tables are shared with consents.)"""
    assert set(WORDS.of("en").bases) - ids_of_bases() == set()


def _leaves(document: Any, at: str = "") -> dict[str, str]:
    if isinstance(document, dict):
        return {k: v for key, value in document.items() for k, v in _leaves(value, f"{at}/{key}").items()}
    return {at: str(document)}


def test_both_languages_have_the_same_places_to_fill() -> None:
    places = {
        language: {
            key: {name for _, name, _, _ in Formatter().parse(text) if name}
            for key, text in _leaves(yaml.safe_load(FILES[language])).items()
        }
        for language in LANGUAGES
    }
    assert places["en"] == places["es"]


def test_no_text_was_left_untranslated() -> None:
    """What a paragraph says is different in the two languages, but for the keys that are codes."""
    english, spanish = (_leaves(yaml.safe_load(FILES[language])) for language in LANGUAGES)
    codes = ("/ends", "/paper")
    same = {key for key in english if english[key] == spanish[key] and not key.endswith(codes)}
    assert same <= {"/sentences/reason", "/sentences/reason_alone", "/preview/kind"}


def test_an_unknown_language_is_answered_in_english() -> None:
    assert WORDS.of("xx") is WORDS.of("en")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda d: d["reasons"].pop("C-EXPIRED"), id="a reason missing in one language"),
        pytest.param(lambda d: d["bases"].update(B99={"why": "x", "ends": "once"}), id="a basis too many"),
        pytest.param(lambda d: d["bases"]["B01"].update(ends="never"), id="an end without words"),
        pytest.param(lambda d: d["bases"]["B24"].update(paper="nothing"), id="a paper without words"),
        pytest.param(lambda d: d["bases"]["B01"].pop("why"), id="a basis without its reason"),
        pytest.param(lambda d: d.update(comment="x"), id="unknown key"),
        pytest.param(lambda d: d.update(language="en"), id="another language"),
    ],
)
def test_words_that_are_not_right_stop_the_start(change: Change) -> None:
    document = yaml.safe_load(FILES["es"])
    change(document)
    with pytest.raises(StartRefused):
        read_words(FILES | {"es": yaml.safe_dump(document)})


def test_a_language_too_few_or_too_many_stops_the_start() -> None:
    with pytest.raises(StartRefused):
        read_words({"en": FILES["en"]})
    with pytest.raises(StartRefused):
        read_words(FILES | {"fr": FILES["en"]})
    assert read_words(FILES) == WORDS
