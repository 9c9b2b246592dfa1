"""The words of a patient's pages: the same in both languages, plain, and true to their places."""

import re

import pytest
import syllapy

from service.web.words import EN, ES, LANGUAGES, words_in


def test_both_languages_say_the_same_things() -> None:
    assert EN.keys() == ES.keys()
    for key, words in EN.items():
        assert set(re.findall(r"{\w+}", words)) == set(re.findall(r"{\w+}", ES[key])), key
    assert words_in("fr") is EN


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_a_patient_is_told_whom_to_call(language: str) -> None:
    words = words_in(language)
    assert "988" in words["crisis_call"] and "911" in words["danger"]


def test_words_are_plain() -> None:
    """Flesch-Kincaid grade of all sentences a patient may read, at most the sixth."""
    said = " ".join(text for key, text in EN.items() if len(text.split()) > 5 and key != "protected")
    sentences = max(1, len(re.findall(r"[.!?:](\s|$)", said)))
    words = re.findall(r"[A-Za-z']+", said)
    syllables = sum(max(1, syllapy.count(word)) for word in words)
    assert 0.39 * len(words) / sentences + 11.8 * syllables / len(words) - 15.59 <= 6.0
