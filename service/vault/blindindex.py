"""Blind indexes: equality search over what is sealed.

An index value is 16 bytes of HMAC-SHA256 under a key of its own for each program, table and index. Without
the key it says nothing; with it, only whether two normalised values are equal. It does show which rows share
a value, so low-entropy fields (a birth date alone) are indexed only together with others.

What counts as equal is decided by the pure functions here and must not drift: a change makes old values
unfindable.
"""

import hashlib
import hmac
import re
import unicodedata
from typing import Final
from uuid import UUID

from service.vault.keys import DataKey

INDEX_BYTES: Final = 16

#: Letters with a stroke or ligature that Unicode does not decompose, as commonly written without them.
_PLAIN: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t"}
)
_APOSTROPHES: Final = re.compile("['`\u00b4\u02b9-\u02bc\u02bf\u2018\u2019\u201b\u2032\uff07]")


def index_key(key: DataKey, program_id: UUID, table: str, name: str) -> bytes:
    """The key of one index; `name` is unique for each column and index of `table`."""
    return key.derive("consentry blind index 1", str(program_id), table, name)


def blind(derived: bytes, value: str) -> bytes:
    """The index value, 16 bytes. `value` must be normalised already."""
    return hmac.digest(derived, value.encode(), hashlib.sha256)[:INDEX_BYTES]


def normalise_name(text: str) -> str:
    """A name as it is compared: no case, accents, punctuation or extra spaces; "" when nothing is left.

    O'Brien = OBRIEN = O’Brién; Smith-Jones = smith jones. Scripts whose vowels are combining marks keep them:
    only marks with a combining class (accents) are dropped.
    """
    previous, current = None, text
    while previous != current:  # a fold can make new letters to fold; every step is a fixed point soon
        previous, current = current, _fold(current)
    return current


def _fold(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    decomposed = unicodedata.normalize("NFKD", _APOSTROPHES.sub("", folded)).casefold()
    plain = "".join(mark for mark in decomposed if not unicodedata.combining(mark)).translate(_PLAIN)
    spaced = "".join(mark if unicodedata.category(mark)[0] in "LNM" else " " for mark in plain)
    return unicodedata.normalize("NFC", " ".join(spaced.split()))


def normalise_identifier(text: str) -> str:
    """An identifier as it is compared: letters and digits only, no case ("MRN 00-12a" = "mrn0012A")."""
    return normalise_name(text).replace(" ", "")


def compound(*parts: str) -> str:
    """Several values as one; length-prefixed, so that ("ab", "c") and ("a", "bc") differ."""
    return "".join(f"{len(part)}:{part}" for part in parts)
