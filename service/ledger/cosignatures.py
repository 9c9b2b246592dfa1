"""Cosignatures: what a witness signs when it has seen a tree only ever grow (C2SP tlog-cosignature, Ed25519).

A witness keeps the last checkpoint it saw, demands a consistency proof for the next, and signs that one with the time.
Who has its signature knows that others are shown the same tree. Only keys that the deployment has configured count; the
signature of anybody else is refused rather than kept.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from service.ledger.checkpoint import (
    LARGEST_SIZE,
    CheckpointInvalid,
    NoteKey,
    SignatureCheck,
    SignedCheckpoint,
)

_TIME = 8
_LENGTH = _TIME + 64


class WitnessKey(NoteKey):
    """The key of a witness; as text a verifier key of signature type 0x04."""

    __slots__ = ()
    TYPE = b"\x04"


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A witness's signature as its line holds it: the time in 8 bytes and 64 bytes of Ed25519."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def time(self) -> int:
        """When the witness signed, in seconds since the epoch."""
        return int.from_bytes(self.signature[:_TIME], "big")

    @property
    def line(self) -> str:
        return f"— {self.name} {base64.b64encode(self.key_id + self.signature).decode('ascii')}\n"


def signed_message(time: int, text: str) -> bytes:
    """What an Ed25519 cosignature is over: two lines of its own and the whole text of the checkpoint."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def cosignatures(
    note: SignedCheckpoint,
    log: tuple[str, bytes],
    witnesses: Iterable[WitnessKey],
    check: SignatureCheck,
    now: int,
) -> list[Cosignature]:
    """Every signature of `note` but the log's (its name and key id), each verified under a known witness's key.

    Raises CheckpointInvalid when one is by somebody unknown, does not verify or is from later than `now`, and when there
    is none.
    """
    known = {(key.name, key.key_id): key for key in witnesses}
    found: dict[tuple[str, bytes], Cosignature] = {}
    for name, key_id, raw in note.signatures:
        if (name, key_id) == log:
            continue
        key = known.get((name, key_id))
        if key is None:
            raise CheckpointInvalid("a signature is by a key that is not configured as a witness here")
        given = Cosignature(name, key_id, raw)
        if len(raw) != _LENGTH or not 0 < given.time <= min(now, LARGEST_SIZE):
            raise CheckpointInvalid(
                "a cosignature is a time that has come, in 8 bytes, and 64 bytes of Ed25519"
            )
        if not check(key.public_key, signed_message(given.time, note.text), raw[_TIME:]):
            raise CheckpointInvalid("a witness's signature does not verify")
        if (name, key_id) in found:
            raise CheckpointInvalid("the same witness signed twice")
        found[name, key_id] = given
    if not found:
        raise CheckpointInvalid("there is no cosignature on this checkpoint")
    return list(found.values())


def with_cosignatures(note: str, signed: Iterable[Cosignature]) -> str:
    """The note with the witnesses' lines behind the log's own."""
    return note + "".join(one.line for one in signed)
