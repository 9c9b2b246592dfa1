"""How hard a text is to read: Flesch-Kincaid grade (English), Fernandez-Huerta ease (Spanish).

English syllables are counted by syllapy's dictionary and rules. Textstat, the usual library for both, fetches a corpus
from the network when it runs, and its Spanish count rests on hyphenation, which misses syllables at the edges of
words; Spanish spelling says its syllables, so they are counted here by the rules of its orthography.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

import syllapy

_SENTENCE = re.compile(r"[.!?]+(?:\s|$)")
_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
#: Citations and counts in brackets are for looking up, not for reading; a word explained in brackets is read.
_CITED = re.compile(r"\s*\((?=[^()]*\d)[^()]*(?:\([^()]*\)[^()]*)*\)")

#: A vowel group is one syllable; two strong vowels, or a stressed weak one beside another vowel, are two.
_VOWELS = re.compile(r"[aeiouáéíóúü]+")
_STRONG = "aeoáéó"
_STRESSED_WEAK = "íú"


@dataclass(frozen=True, slots=True)
class Counted:
    sentences: int
    words: int
    syllables: int

    def grade(self) -> float:
        """Flesch-Kincaid grade level (Kincaid et al. 1975)."""
        return 0.39 * self.words / self.sentences + 11.8 * self.syllables / self.words - 15.59

    def ease(self) -> float:
        """Fernandez-Huerta (1959), in its corrected form: P syllables a word, F words a sentence. 60 to 70 is read
        after eight years of school, 50 to 60 after ten or more.
        """
        return 206.84 - 60 * self.syllables / self.words - 1.02 * self.words / self.sentences


def counted(text: str, language: str) -> Counted:
    plain = _CITED.sub("", text)
    words = _WORD.findall(plain.casefold())
    sentences = [part for part in _SENTENCE.split(plain) if _WORD.search(part)]
    syllables = sum(
        spanish_syllables(word) if language == "es" else max(1, syllapy.count(word)) for word in words
    )
    return Counted(max(1, len(sentences)), max(1, len(words)), syllables)


def spanish_syllables(word: str) -> int:
    """Syllables by spelling (RAE, Ortografia): the u of que, qui, gue, gui is silent; a final y is a vowel; between
    vowels h separates nothing.
    """
    spoken = re.sub(r"(?<=[qg])u(?=[eéií])", "", word.casefold())
    spoken = re.sub(r"y(?![aeiouáéíóúü])", "i", spoken).replace("h", "")
    return max(1, sum(_of_group(group) for group in _VOWELS.findall(spoken)))


def _of_group(vowels: str) -> int:
    total = 1
    for one, other in pairwise(vowels):
        both_strong = one in _STRONG and other in _STRONG
        hiatus = one in _STRESSED_WEAK or other in _STRESSED_WEAK
        total += both_strong or hiatus
    return total
