"""What must travel with records disclosed under a consent: the statement of 42 CFR 2.32(a), verbatim, and a
copy of the consent or a clear explanation of its scope (2.32(b)).

The words are the law's, so they are never translated, trimmed or filled in. Their hashes stand here, in
code: a file in policies/notices that someone has "improved" stops the start of the service instead of going
out with a record.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from service.errors import StartRefused

#: id -> SHA-256 of the text without its final newline. As amended by 89 FR 12472 (in force since 2024-04-16).
PINNED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "2.32-a-1.2024": "d1ca63c3db2fc7224b299c317e3bae1a5db4beb05e3d0a98e17f521111637f8b",
        "2.32-a-2.2024": "79fee3d6dff7e052183c61b66bfed589f0f45dcf330bb277e07b396bd12e9774",
    }
)

#: The full statement: what our packages carry.
FULL: Final = "2.32-a-1.2024"
#: The short statement, for a channel that has room for one line.
SHORT: Final = "2.32-a-2.2024"


@dataclass(frozen=True, slots=True)
class Notice:
    """One statement of 2.32(a), by version."""

    id: str
    text: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Notices:
    by_id: Mapping[str, Notice]

    @property
    def full(self) -> Notice:
        return self.by_id[FULL]

    def is_current(self, text: str | None) -> bool:
        """True when the text is exactly one of the two statements. Those of before 2024 are not."""
        return text is not None and text in {notice.text for notice in self.by_id.values()}


def read_notices(documents: Mapping[str, str]) -> Notices:
    """The notices from the texts of policies/notices, by file name without `.txt`; anything but the pinned
    texts is StartRefused.
    """
    if set(documents) != set(PINNED):
        raise StartRefused("policies/notices must hold exactly the two statements of 42 CFR 2.32(a)")
    notices: dict[str, Notice] = {}
    for notice_id, document in documents.items():
        text = document.removesuffix("\n")
        digest = hashlib.sha256(text.encode()).hexdigest()
        if digest != PINNED[notice_id]:
            raise StartRefused(f"policies/notices/{notice_id}.txt is not the text of 42 CFR 2.32(a)")
        notices[notice_id] = Notice(notice_id, text, digest)
    return Notices(MappingProxyType(notices))
