"""How typed words and codes are put into a text: on one line, between quotation marks, in a fixed order.

What somebody types can neither end a paragraph nor start one, and cannot fill a place it was not asked for.
"""

import unicodedata
from collections.abc import Iterable, Mapping


def one_line(typed: str) -> str:
    """What somebody typed, as one line: NFC, control and format characters out, white space folded."""
    kept = "".join(
        " " if unicodedata.category(c) in {"Zl", "Zp", "Zs"} or c in "\t\r\n\v\f\x85" else c
        for c in unicodedata.normalize("NFC", typed)
        if unicodedata.category(c) not in {"Cc", "Cf", "Co", "Cs", "Cn"} or c in "\t\r\n\v\f\x85"
    )
    return " ".join(kept.split())


def put(template: str, **values: str) -> str:
    """The template with its places filled; one pass, so that braces in a value stay what they are."""
    return template.format(**{name: one_line(value) for name, value in values.items()})


def quoted(typed: str) -> str:
    return f"\u201c{one_line(typed).replace(chr(0x201C), chr(34)).replace(chr(0x201D), chr(34))}\u201d"


def listed(codes: Iterable[str], words: Mapping[str, str]) -> str:
    """The words for the codes, in a fixed order; a code without words is shown as it is, never left out."""
    return ", ".join(sorted(words.get(code, one_line(code)) for code in set(codes)))
