"""A proof as a text that can be checked offline: C2SP tlog-proof.

It holds the position, the hashes from the leaf's sibling up to the child of the root, and the signed checkpoint with the
cosignatures of witnesses. Ours carries the entry itself as its extra data, so that nothing else is needed to check it
but the log's key. The extra data is not authenticated by anything but its hash, and is used for nothing else.
"""

import base64
import re
from dataclasses import dataclass

from service.ledger.checkpoint import (
    LARGEST_SIZE,
    CheckpointInvalid,
    SignatureCheck,
    SignedCheckpoint,
    VerifierKey,
    decode_base64,
    parse,
)
from service.ledger.merkle import HASH_SIZE, leaf_hash, verify_inclusion

HEADER = "c2sp.org/tlog-proof@v1"
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
#: No tree of fewer than 2^63 leaves is higher.
_MOST_HASHES = 63


class ProofInvalid(ValueError):
    """The text is not a proof in this format, or proves nothing."""


@dataclass(frozen=True, slots=True)
class TlogProof:
    """What the text says; `checkpoint` is the note as it stands there."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None

    def __str__(self) -> str:
        lines = [HEADER]
        if self.extra is not None:
            lines.append(f"extra {_base64(self.extra)}")
        lines += [f"index {self.index}", *(_base64(hashed) for hashed in self.hashes), "", self.checkpoint]
        return "\n".join(lines)

    @classmethod
    def parse(cls, text: str) -> "TlogProof":
        """Reads strictly; says nothing about whether the proof holds. Raises ProofInvalid."""
        head, separator, checkpoint = text.partition("\n\n")
        lines = head.split("\n")
        if not separator or lines.pop(0) != HEADER:
            raise ProofInvalid(f"a proof begins with {HEADER} and holds a checkpoint behind an empty line")
        try:
            extra = None
            if lines and lines[0].startswith("extra "):
                extra = decode_base64(lines.pop(0)[6:])
            index = _index(lines.pop(0) if lines else "")
            hashes = tuple(decode_base64(line) for line in lines)
            parse(checkpoint)
        except CheckpointInvalid as error:
            raise ProofInvalid(str(error)) from None
        if len(hashes) > _MOST_HASHES or any(len(hashed) != HASH_SIZE for hashed in hashes):
            raise ProofInvalid("a proof is at most 63 hashes of 32 bytes")
        return cls(index, hashes, checkpoint, extra)

    def verify(self, leaf: bytes, log: VerifierKey, check: SignatureCheck) -> SignedCheckpoint:
        """The checkpoint that is proven to hold `leaf` at `index`; raises ProofInvalid. Witnesses are the caller's."""
        note = parse(self.checkpoint)
        if note.checkpoint.origin != log.name or not note.signed_by(log, check):
            raise ProofInvalid("the checkpoint is not signed by this log's key")
        size, root = note.checkpoint.size, note.checkpoint.root
        if not verify_inclusion(leaf_hash(leaf), self.index, size, self.hashes, root):
            raise ProofInvalid("the hashes do not lead from this entry to the root that is signed")
        return note


def _index(line: str) -> int:
    digits = line.removeprefix("index ")
    if len(digits) == len(line) or not _NUMBER.fullmatch(digits) or int(digits) > LARGEST_SIZE:
        raise ProofInvalid("the position is a decimal without leading zeroes, behind the word index")
    return int(digits)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")
