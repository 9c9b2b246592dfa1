"""Checkpoints: the signed head of a tree in C2SP tlog-checkpoint form, inside a C2SP signed note.

A checkpoint says "the tree called `origin` has `size` leaves and this root". It is text, so that a file, a
mail or somebody else's witness can keep it, and any tool that knows the format (Go's sumdb note package,
sigstore, witnesses) can check it. Only Ed25519 (signature type 0x01) is written and read here; lines by
keys we do not know, such as a witness's cosignature, are left alone, as the note format demands.

Nothing here holds a key: `Signer` is passed in, and whoever verifies brings the verifier key.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

_SIGNATURE_LINE = re.compile(r"— (?P<name>[^\s+]+) (?P<signature>[A-Za-z0-9+/]+={0,2})")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
#: What every reader of the format can hold, and the database.
LARGEST_SIZE = 2**63 - 1
#: A note of ours is under 300 bytes; more than this is not a checkpoint (the format asks for a limit).
_LONGEST_NOTE = 64 * 1024


class CheckpointInvalid(ValueError):
    """The text is not a checkpoint, or not signed by the key expected."""


class Signer(Protocol):
    """Signs with the log's Ed25519 key (RFC 8032)."""

    @property
    def public_key(self) -> bytes: ...

    def sign(self, message: bytes) -> bytes: ...


class SignatureCheck(Protocol):
    """Whether `signature` over `message` verifies under the 32-byte Ed25519 `public_key`."""

    def __call__(self, public_key: bytes, message: bytes, signature: bytes) -> bool: ...


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of the tree `origin`: its size and root."""

    origin: str
    size: int
    root: bytes

    def body(self) -> str:
        """The note text: three lines.

        Extension lines are never written (tlog-checkpoint advises against them).
        """
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode('ascii')}\n"


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A key name and an Ed25519 public key, in the `name+hash+key` text form of the signed-note format."""

    name: str
    public_key: bytes

    #: The signature type, one byte: what a line by such a key is.
    TYPE: ClassVar[bytes]

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.public_key) != 32:
            raise CheckpointInvalid("an Ed25519 public key is 32 bytes")

    @property
    def key_id(self) -> bytes:
        """First four bytes of SHA-256(name || 0x0A || type || public key)."""
        return hashlib.sha256(self.name.encode() + b"\n" + self.TYPE + self.public_key).digest()[:4]

    def __str__(self) -> str:
        encoded = base64.b64encode(self.TYPE + self.public_key).decode("ascii")
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises CheckpointInvalid; the hash inside must be that of the name and key inside."""
        name, key_id, encoded = split_key(text)
        raw = decode_base64(encoded)
        if raw[:1] != cls.TYPE:
            raise CheckpointInvalid(f"only keys of signature type 0x{cls.TYPE.hex()} are meant here")
        key = cls(name, raw[1:])
        if key.key_id.hex() != key_id:
            raise CheckpointInvalid("the verifier key's hash does not fit its name and key")
        return key


class VerifierKey(NoteKey):
    """The key of a log: plain Ed25519."""

    __slots__ = ()
    TYPE = b"\x01"


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A note that has been read.

    What it says, its exact text, and the signatures found (name, key id, signature).
    """

    checkpoint: Checkpoint
    text: str
    signatures: tuple[tuple[str, bytes, bytes], ...]

    def signed_by(self, key: VerifierKey, check: SignatureCheck) -> bool:
        """Whether `key` signed this text.

        A wrong signature under a known name and id is a refusal, never ignored.
        """
        own = [found for name, key_id, found in self.signatures if name == key.name and key_id == key.key_id]
        return bool(own) and all(check(key.public_key, self.text.encode(), found) for found in own)


def origin_of(deployment: str, program_key: str) -> str:
    """`consentry/<deployment>/<program key>`: the tree's name, and the name of the key that signs it."""
    origin = f"consentry/{deployment}/{program_key}"
    check_name(origin)
    return origin


def sign(checkpoint: Checkpoint, signer: Signer) -> str:
    """The signed note. The key name is the origin, as tlog-checkpoint recommends."""
    key = VerifierKey(checkpoint.origin, signer.public_key)
    signature = signer.sign(checkpoint.body().encode())
    encoded = base64.b64encode(key.key_id + signature).decode("ascii")
    return f"{checkpoint.body()}\n— {key.name} {encoded}\n"


def parse(note: str) -> SignedCheckpoint:
    """Reads a note strictly; says nothing about whether a signature is right. Raises CheckpointInvalid."""
    if len(note) > _LONGEST_NOTE:
        raise CheckpointInvalid("too long for a checkpoint")
    if any(character < " " and character != "\n" for character in note):
        raise CheckpointInvalid("a note holds no control characters")
    text, separator, signed = note.rpartition("\n\n")
    if not separator or not signed.endswith("\n"):
        raise CheckpointInvalid("a note is a text, an empty line and signature lines")
    text += "\n"
    return SignedCheckpoint(_parse_body(text), text, tuple(_signatures(signed[:-1].split("\n"))))


def split_notes(lines: Iterable[str]) -> Iterator[str]:
    """Notes out of a file that holds many, separated by an empty line. What does not end is left out.

    The writer may have been killed in the middle of its last line; a note that was never finished proves
    nothing.
    """
    held: list[str] = []
    signed = False
    for line in lines:
        if line == "\n" and signed:
            yield "".join(held)
            held, signed = [], False
            continue
        signed = line.startswith("— ") and line.endswith("\n")
        held.append(line)
    if signed:
        yield "".join(held)


def _parse_body(text: str) -> Checkpoint:
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise CheckpointInvalid("a checkpoint is at least three lines, none of them empty")
    if not _SIZE.fullmatch(lines[1]) or int(lines[1]) > LARGEST_SIZE:
        raise CheckpointInvalid("the size is a decimal without leading zeroes, below 2^63")
    root = decode_base64(lines[2])
    if len(root) != 32:
        raise CheckpointInvalid("the root is 32 bytes")
    return Checkpoint(lines[0], int(lines[1]), root)


def _signatures(lines: list[str]) -> Iterator[tuple[str, bytes, bytes]]:
    for line in lines:
        found = _SIGNATURE_LINE.fullmatch(line)
        if found is None:
            raise CheckpointInvalid("a line after the empty line is not a signature line")
        raw = decode_base64(found["signature"])
        if len(raw) < 5:
            raise CheckpointInvalid("a signature holds a key id and a signature")
        yield found["name"], raw[:4], raw[4:]


def split_key(text: str) -> tuple[str, str, str]:
    """Name, key id and key of a verifier key, still as texts."""
    parts = text.strip().split("+", 2)
    if len(parts) != 3:
        raise CheckpointInvalid("a verifier key is name+hash+key")
    return parts[0], parts[1], parts[2]


def decode_base64(text: str) -> bytes:
    """Standard base64 with padding, and nothing that decodes to the same bytes (RFC 4648 section 3.5)."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise CheckpointInvalid("not base64") from None
    if base64.b64encode(raw).decode("ascii") != text:
        raise CheckpointInvalid("not canonical base64")
    return raw


def check_name(name: str) -> None:
    """Raises CheckpointInvalid for a name that no note can carry."""
    if not name or "+" in name or any(character.isspace() or character < " " for character in name):
        raise CheckpointInvalid("a key name is not empty and has no spaces, control characters or plus")
