"""What no message may hold: the program, its people, and every word that says what kind of place it is.

That somebody is a patient here is itself protected (42 CFR 2.13(c)); a telephone on the kitchen table is read by others.
The templates are tested against this list, and so is every message before it leaves, because half of it is
configuration: the name of the front office, the sender's address, the host of the link.
"""

import re
import unicodedata
from typing import Final

from service.access.program import Program

#: Beginnings of words, folded and without accents, in English and Spanish.
_STEMS: Final = """
    abstinen addict adiccion adicto alcohol ambulator anxiet ansiedad behavioral bipolar buprenorph clinic cocain conduct
    consej counsel depres detox diagnos disorder doctor droga drug enferm estupefac fentan health heroin hiv hospital
    iop intox medic mental metadon methad meth naloxon naltrex narcot opioid opiace outpatient overdos paciente patient
    physician prescri psic psiq psych recaida recover recuperac rehab relapse salud sida sobredosis sober sobrie
    substanc sud suicid sustanci terapeut terapia therap trastorn tratami trauma treatm vih withdraw
"""
CONDITION_STEMS: Final = tuple(_STEMS.split())
#: Those that are found inside of a longer word: shorter ones are in ordinary words too (`archive`, `something`).
_JOINED: Final = ("drug", *(stem for stem in CONDITION_STEMS if len(stem) >= 5))
#: Words of a program's name that say nothing by themselves.
_SAYS_NOTHING: Final = """
    associates center centre community demonstration director family front general group house inc intensive llc office
    program programs service services synthetic test
"""
_ORDINARY: Final = frozenset(_SAYS_NOTHING.split())
_WORD: Final = re.compile(r"\w+")
_SHORTEST: Final = 4


def revealing(text: str, program: Program) -> tuple[str, ...]:
    """What in `text` would tell a reader who writes, or why: offending words and phrases, () when there are none."""
    words = _words(text)
    found = {word for word in words if word.startswith(CONDITION_STEMS)}
    found |= _names(program) & set(words)
    line = f" {' '.join(words)} "
    found |= {phrase for phrase in _phrases(program) if f" {phrase} " in line}
    return tuple(sorted(found))


def revealing_address(text: str, program: Program) -> tuple[str, ...]:
    """The same for an address or a host, where words are written together (`harborrecovery.example`): what it holds
    anywhere, whatever separates its letters.
    """
    joined = "".join(_words(text)).replace("_", "")
    found = {stem for stem in _JOINED if stem in joined}
    found |= {name for name in _names(program) if name in joined}
    return tuple(sorted(found | set(revealing(text, program))))


def _names(program: Program) -> set[str]:
    """The words of the program's name and its director's that point to them."""
    given = [*_words(program.name), *_words(program.key), *_words(program.director)]
    return {word for word in given if len(word) >= _SHORTEST and word not in _ORDINARY}


def _phrases(program: Program) -> set[str]:
    named = [program.name, program.key, program.director, *(unit.name for unit in program.units.values())]
    return {" ".join(_words(name)) for name in named} - {""}


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text)
    # nor do marks and signs nobody sees (a soft hyphen, a joiner) break a word in two
    bare = "".join(
        sign for sign in plain if not unicodedata.combining(sign) and unicodedata.category(sign) != "Cf"
    )
    return _WORD.findall(bare.casefold())
