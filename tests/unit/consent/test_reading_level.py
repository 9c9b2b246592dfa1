"""Everything a patient is given to read is read after about eight years of school, in English and in Spanish."""

from collections.abc import Iterator
from dataclasses import replace
from statistics import median

import pytest

from service.access.decision import Obligation
from service.consent.by_kind import check_code
from service.consent.document import render
from service.consent.model import ConsentKind
from service.disclosure.decide import Basis, DisclosureDecision, Effect, Withheld
from service.disclosure.paragraph import paragraph
from service.disclosure.words import load_words
from tests.unit.consent.cases import NOW, POLICIES
from tests.unit.consent.reading import counted, spanish_syllables
from tests.unit.consent.test_consent_words import FULL, text_of

WORDS = load_words(POLICIES)

#: Texts that keep the words of the law, so that nobody can say that the consent lacks them; each with its paragraph.
#: They count toward the whole consents below, not by themselves. (v2026-02 is signed and stays as it is.)
VERBATIM = {
    "statements/hipaa_redisclosure": "42 CFR 2.31(a)(4)(iii)",
    "recipients/classes/tpo": "42 CFR 2.31(a)(4)(i)",
}
#: Fewer words than this are a label or a heading: no formula says anything about them.
FEWEST = 8
MEDIAN_GRADE, HIGHEST_GRADE = 8.0, 10.0
MEDIAN_EASE, LOWEST_EASE = 60.0, 50.0


def leaves_of(document: object, at: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(document, dict):
        for key, value in document.items():
            yield from leaves_of(value, f"{at}/{key}" if at else str(key))
    elif isinstance(document, list):
        for place, value in enumerate(document):
            yield from leaves_of(value, f"{at}/{place}")
    elif isinstance(document, str):
        yield at, document


def consent_texts(language: str) -> dict[str, str]:
    """Every text of the newest version that is long enough to be a sentence."""
    leaves = leaves_of(text_of(language).model_dump())
    return {key: text for key, text in leaves if counted(text, language).words >= FEWEST}


def whole_consents(language: str) -> dict[str, str]:
    """Each kind of consent as it is signed, without its check code, version and what people typed."""
    found: dict[str, str] = {}
    for kind in ConsentKind:
        terms = replace(FULL, kind=kind, language=language)
        lines = render(terms, text_of(language)).replace(check_code(terms), "").splitlines()
        found[f"whole/{kind.value}"] = "\n".join(
            line.removeprefix("- ").rstrip(".") + "." for line in lines if line and not line.startswith("(")
        )
    return found


def decision(effect: Effect, basis: str | None, stays: tuple[Withheld, ...]) -> DisclosureDecision:
    duties = (Obligation.NOTICE_2_32, Obligation.COPY_OR_EXPLANATION_OF_CONSENT) if basis else ()
    return DisclosureDecision(
        effect=effect,
        basis=None if basis is None else Basis(basis, "42 CFR 2.31", None),
        granted=(),
        withheld=stays,
        obligations=duties,
        reasons=(),
        rulings=(),
        accounting=None,
        evaluated_at=NOW,
        policy_version="0",
    )


def paragraphs(language: str) -> dict[str, str]:
    """The paragraph of a permission on each basis, and of a denial for each reason."""
    words = WORDS.of(language)
    found = {
        f"basis/{name}": paragraph(decision(Effect.PERMIT, name, ()), WORDS, language) for name in words.bases
    }
    for code in words.reasons:
        stays = (Withheld("attendance", 2, code, "42 CFR 2.31"),)
        found[f"reason/{code}"] = paragraph(decision(Effect.DENY, None, stays), WORDS, language)
    return found


def sentences(language: str) -> dict[str, str]:
    """What a preview says, and every clause that a paragraph is made of, each by itself."""
    words = WORDS.of(language)
    clauses = {"obligations": words.obligations, "ends": words.ends, "reasons": words.reasons}
    bases = {name: basis.why for name, basis in words.bases.items()}
    said = leaves_of({"preview": words.preview.model_dump(), "bases": bases, **clauses})
    return {key: text for key, text in said if counted(text, language).words >= FEWEST}


def everything(language: str) -> dict[str, str]:
    return {
        **{key: text for key, text in consent_texts(language).items() if key not in VERBATIM},
        **whole_consents(language),
        **paragraphs(language),
        **sentences(language),
    }


def test_english_is_read_after_eight_years_of_school() -> None:
    grades = {key: counted(text, "en").grade() for key, text in everything("en").items()}
    assert len(grades) > 150
    assert {key: round(grade, 1) for key, grade in grades.items() if grade > HIGHEST_GRADE} == {}
    assert median(grades.values()) <= MEDIAN_GRADE


def test_spanish_is_read_after_eight_years_of_school() -> None:
    eases = {key: counted(text, "es").ease() for key, text in everything("es").items()}
    assert len(eases) > 150
    assert {key: round(ease, 1) for key, ease in eases.items() if ease < LOWEST_EASE} == {}
    assert median(eases.values()) >= MEDIAN_EASE


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_exception_is_a_text_that_exists_and_needs_it(language: str) -> None:
    """An exception nobody needs any longer is taken off the list."""
    leaves = dict(leaves_of(text_of(language).model_dump()))
    assert set(VERBATIM) <= set(leaves)
    if language == "en":
        assert all(counted(leaves[key], "en").grade() > HIGHEST_GRADE for key in VERBATIM)


def test_the_formulas_agree_with_published_examples() -> None:
    """Flesch-Kincaid: the sentence of 1975's kind by hand. 6 words, 6 syllables: 0.39*6 + 11.8 - 15.59."""
    assert counted("The cat sat on the mat.", "en").grade() == pytest.approx(-1.45)
    hard = (
        "Notwithstanding confidentiality obligations, administrative authorization facilitates redisclosure."
    )
    assert counted(hard, "en").grade() > 20
    assert counted("El gato come pan.", "es").ease() == pytest.approx(206.84 - 60 * 6 / 4 - 1.02 * 4)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("permiso", 3),
        ("quien", 1),
        ("guerra", 2),
        ("agua", 2),
        ("leer", 2),
        ("país", 2),
        ("día", 2),
        ("estudio", 3),
        ("ley", 1),
        ("prohibir", 2),
        ("ahora", 3),
        ("información", 4),
        ("psicoterapia", 5),
        ("autoriza", 4),
        ("y", 1),
        ("pingüino", 3),
    ],
)
def test_spanish_syllables(word: str, expected: int) -> None:
    assert spanish_syllables(word) == expected
