"""Passwords: what is acceptable (NIST SP 800-63B-4 section 3.1.1.2) and how they are kept (argon2id).

Fifteen characters or more, because a password alone signs in today; up to 1,024, every one significant. No
rules of composition and no expiry. Refused are passwords that a guesser tries first: those made of common
words, this service's name, the user's name, runs and repetitions, with fewer than eight characters besides.

Hashing costs about 50 ms and 19 MiB: callers run it in a worker thread, never inside a transaction.
"""

import re
import secrets
import threading
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from service.errors import FieldError

MIN_CHARS: Final = 15
MAX_CHARS: Final = 1024
#: What has to remain of a password that contains guessable parts.
MIN_RESIDUE: Final = 8
#: Words a guesser takes from the context of the service (section 3.1.1.2: "context-specific words").
SERVICE_WORDS: Final = ("consentry", "consent", "intake", "clinic", "patient", "part2")

_CITATION: Final = "NIST SP 800-63B-4 section 3.1.1.2"
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)
_MAKING: Final = threading.Lock()
_RUNS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "0123456789",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1qaz2wsx3edc",
)
_LOOKALIKES: Final = str.maketrans("@4301$5!7", "aaeoissit")


def normalise(password: str) -> str:
    """The one spelling that is hashed: NFC, so that the same keys on two keyboards are the same password."""
    return unicodedata.normalize("NFC", password)


def faults(password: str, context: Iterable[str] = ()) -> tuple[FieldError, ...]:
    """Everything that makes a new password unacceptable; `context` are words such as the user's name."""
    found: list[FieldError] = []
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in password):
        found.append(_fault("password_not_typeable", "It contains characters that cannot be typed."))
    normal = normalise(password)
    if len(normal) < MIN_CHARS:
        found.append(_fault("password_too_short", f"At least {MIN_CHARS} characters are needed."))
    elif len(normal) > MAX_CHARS:
        found.append(_fault("password_too_long", f"At most {MAX_CHARS} characters are possible."))
    elif len(_residue(normal, context)) < MIN_RESIDUE:
        found.append(_fault("password_guessable", "It is among the first that somebody would guess."))
    return tuple(found)


def hash_password(password: str) -> str:
    """An argon2id hash in PHC form, with its own salt. Blocks for about 50 ms."""
    return _HASHER.hash(normalise(password))


def matches(password_hash: str, password: str) -> bool:
    """Whether the password is the one hashed. Blocks; a hash that cannot be read matches nothing."""
    try:
        return _HASHER.verify(password_hash, normalise(password))
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


def nobodys_hash() -> str:
    """A hash that no password matches, for names nobody has: checking it takes as long as a real one."""
    with _MAKING:  # first asked for by many at once, it would be made for each of them, at 56 ms apiece
        return _nobodys_hash()


@cache
def _nobodys_hash() -> str:
    return _HASHER.hash(secrets.token_urlsafe(32))


def new_secret() -> str:
    """A secret for a client: 256 random bits, shown once."""
    return secrets.token_urlsafe(32)


def _fault(code: str, message: str) -> FieldError:
    return FieldError("password", code, message, _CITATION)


def _residue(password: str, context: Iterable[str]) -> str:
    """What a guesser still has to guess: the distinct rest without known words, runs and repetitions."""
    folded = unicodedata.normalize("NFKC", password).casefold()
    words = {*SERVICE_WORDS, *_common(), *(part for word in context for part in _parts(word))}
    rest = min((_without(text, words) for text in (folded, folded.translate(_LOOKALIKES))), key=len)
    for run in _RUNS:
        rest = _without_runs(_without_runs(rest, run), run[::-1])
    return re.sub(r"(.+?)\1+", r"\1", re.sub(r"[\s._-]", "", rest))


def _parts(word: str) -> list[str]:
    """The pieces of a name that could be woven into a password: jane.testperson -> jane, testperson."""
    return [part for part in re.split(r"[^\w]+|_", word.casefold()) if len(part) >= 4]


def _without(text: str, words: Iterable[str]) -> str:
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, "")
    return text


def _without_runs(text: str, run: str) -> str:
    """Cuts pieces of four or more consecutive characters of a run (wrapping around its end)."""
    circle = run + run
    position = 0
    kept: list[str] = []
    while position < len(text):
        length = 0
        while position + length < len(text) and text[position : position + length + 1] in circle:
            length += 1
        if length < 4:
            kept.append(text[position])
            length = 1
        position += length
    return "".join(kept)


@cache
def _common() -> frozenset[str]:
    lines = (
        files("service.identity").joinpath("common_passwords.txt").read_text(encoding="utf-8").splitlines()
    )
    return frozenset(line.strip().casefold() for line in lines if line.strip() and not line.startswith("#"))
