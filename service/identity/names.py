"""User names: one spelling for look-up, whatever was typed."""

import re
import unicodedata

_ACCEPTABLE = re.compile(r"[a-z0-9][a-z0-9._@+-]{2,63}", re.ASCII)


def normal_name(typed: str) -> str:
    """The spelling that is indexed. Any text has one, so that an impossible name is merely unknown."""
    folded = unicodedata.normalize("NFKC", typed).strip().casefold()
    return folded.encode("utf-8", "replace").decode("utf-8")[:200]


def is_acceptable(name: str) -> bool:
    """Whether a new account may have this name: 3 to 64 of a-z, 0-9 and `. _ @ + -`."""
    return _ACCEPTABLE.fullmatch(name) is not None
