"""The key-encryption keys in one file: the key store of a deployment that has no other.

Everything sealed is lost with this file, and readable with it. So the rules are about the file itself: a
missing, foreign, readable-by-others or malformed keyring keeps the service shut (`VaultSealed`), and a new
one is made only when somebody says so, never in place of an old one. 45 CFR 164.312(a)(2)(iv) asks for the
encryption; where the key lies is what makes it worth something.

An *epoch* is one key-encryption key (KEK). New keys are wrapped under the active epoch; older epochs stay
until nothing is wrapped under them. Every process of a deployment holds the epochs in memory and looks at the
file's directory entry before each use: a change by another process counts from the next call on.
"""

import base64
import binascii
import json
import os
import re
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.errors import IntegrityError
from service.vault.epoch import ID_BYTES, EpochInfo, KmsUnavailable, VaultSealed
from service.vault.keyfile import KeyFile, Mark

FORMAT: Final = "consentry-keyring-1"
KEY_BYTES: Final = 32

_NONCE_BYTES: Final = 12
_WRAP_VERSION: Final = b"\x01"
_TAG_BYTES: Final = 16
_HEX_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True, slots=True, repr=False)
class Epoch:
    """One key-encryption key, its bytes as the file holds them, and the cipher built from it."""

    id: bytes
    created: datetime
    encoded: str
    cipher: AESGCM

    def __repr__(self) -> str:
        return f"<Epoch {self.id.hex()}>"


@dataclass(frozen=True, slots=True)
class _Held:
    """One version of the file: taken and put as a whole, so that no reader sees half a change."""

    epochs: Mapping[bytes, Epoch]
    active: Epoch
    mark: Mark


class Keyring:
    """The epochs of one deployment. Wraps under the active one, unwraps under any. Safe between threads."""

    name = "file"
    remote = False

    def __init__(self, file: KeyFile) -> None:
        self._file = file
        self._reading = threading.Lock()
        self._held = _read(file)

    def __repr__(self) -> str:
        return f"<Keyring active={self._held.active.id.hex()} epochs={len(self._held.epochs)}>"

    @property
    def active_id(self) -> bytes:
        """Id of the epoch that wraps new keys, 16 bytes."""
        return self._newest().active.id

    def knows(self, kek_id: bytes) -> bool:
        """Whether keys wrapped under this epoch can be tried at all."""
        return kek_id in self._newest().epochs

    def wrap(self, secret: bytes, bound_to: bytes) -> tuple[bytes, bytes]:
        """(id of the epoch used, `01 | nonce | ciphertext and tag`); `bound_to` must be given again to
        unwrap.

        KmsUnavailable when the file is gone or damaged: what were sealed under a key that only this process's
        memory holds would be lost with it.
        """
        held = self._as_stored()
        nonce = os.urandom(_NONCE_BYTES)
        sealed = held.active.cipher.encrypt(nonce, secret, _wrap_context(held.active.id, bound_to))
        return held.active.id, _WRAP_VERSION + nonce + sealed

    def unwrap(self, kek_id: bytes, wrapped: bytes, bound_to: bytes) -> bytes:
        """The secret; IntegrityError when it was not wrapped by this keyring for exactly `bound_to`."""
        epoch = self._newest().epochs.get(kek_id)
        if epoch is None or len(wrapped) < 1 + _NONCE_BYTES + _TAG_BYTES or wrapped[:1] != _WRAP_VERSION:
            raise IntegrityError
        nonce, sealed = wrapped[1 : 1 + _NONCE_BYTES], wrapped[1 + _NONCE_BYTES :]
        try:
            return epoch.cipher.decrypt(nonce, sealed, _wrap_context(kek_id, bound_to))
        except InvalidTag:
            raise IntegrityError from None

    def check(self) -> None:
        """KmsUnavailable unless new keys could be wrapped now."""
        self._as_stored()

    def epochs(self) -> tuple[EpochInfo, ...]:
        """All epochs there are, oldest first."""
        held = self._newest()
        found = sorted(held.epochs.values(), key=lambda epoch: epoch.created)
        return tuple(EpochInfo(epoch.id, epoch.created, epoch.id == held.active.id) for epoch in found)

    def begin_epoch(self, now: datetime) -> bytes:
        """Add a key and make it the active one; its id. Durable before it is used for anything."""
        with self._reading, self._file.changing():
            held = _read(self._file)
            made = _new_epoch(now)
            self._file.replace(_document({**held.epochs, made.id: made}, made.id))
            self._held = _read(self._file)
        return made.id

    def end_epoch(self, kek_id: bytes) -> None:
        """Remove a key for good; nothing if it is gone already. ValueError for the active one.

        What is still wrapped under it is lost. A process wraps under what it sees when it wraps, and its transaction
        may end later: end an epoch only after every transaction older than its successor has ended. Copies of the
        file made before (backups, blocks of the disk) still hold the key.
        """
        with self._reading, self._file.changing():
            held = _read(self._file)
            if kek_id == held.active.id:
                raise ValueError("the active epoch cannot be ended")
            if kek_id in held.epochs:
                left = {epoch_id: epoch for epoch_id, epoch in held.epochs.items() if epoch_id != kek_id}
                self._file.replace(_document(left, held.active.id))
            self._held = _read(self._file)

    def _newest(self) -> _Held:
        """The file as it is now, or as it last was: what is open stays open while the file is away."""
        try:
            return self._as_stored()
        except KmsUnavailable:
            return self._held

    def _as_stored(self) -> _Held:
        held = self._held
        if self._file.mark() == held.mark:
            return held
        with self._reading:
            try:
                self._held = _read(self._file)
            except VaultSealed:
                raise KmsUnavailable from None
            return self._held


def _wrap_context(kek_id: bytes, bound_to: bytes) -> bytes:
    return b"consentry wrap" + _WRAP_VERSION + kek_id + bound_to


def keyring_path(data: Path) -> Path:
    """Where the keyring of a data directory lies."""
    return data / "keys" / "keyring.json"


def init(path: Path, now: datetime) -> None:
    """Make a keyring with one epoch at `path`; VaultSealed if anything is there already."""
    epoch = _new_epoch(now)
    KeyFile(path, "keyring").create(_document({epoch.id: epoch}, epoch.id))


def load(path: Path) -> Keyring:
    """The keyring at `path`; VaultSealed, naming what is wrong, when it must not be used."""
    return Keyring(KeyFile(path, "keyring"))


def _new_epoch(now: datetime) -> Epoch:
    key = secrets.token_bytes(KEY_BYTES)
    return Epoch(secrets.token_bytes(ID_BYTES), now, base64.b64encode(key).decode(), AESGCM(key))


def _document(epochs: Mapping[bytes, Epoch], active: bytes) -> bytes:
    listed = [
        {"id": epoch.id.hex(), "key": epoch.encoded, "created": epoch.created.isoformat()}
        for epoch in epochs.values()
    ]
    return (
        json.dumps({"format": FORMAT, "active": active.hex(), "epochs": listed}, indent=2) + "\n"
    ).encode()


def _read(file: KeyFile) -> _Held:
    content, mark = file.read()
    path = file.path
    try:
        loaded: object = json.loads(content)
    except (ValueError, RecursionError):
        raise VaultSealed(f"The keyring at {path} is not JSON; it may be damaged.") from None
    document = _fields(loaded, {"format", "active", "epochs"}, path)
    if document["format"] != FORMAT:
        raise VaultSealed(f"The keyring at {path} has an unknown format.")
    listed = document["epochs"]
    if not isinstance(listed, list) or not listed:
        raise VaultSealed(f"The keyring at {path} lists no keys.")
    epochs: dict[bytes, Epoch] = {}
    for entry in cast("list[object]", listed):
        epoch = _epoch(_fields(entry, {"id", "key", "created"}, path), path)
        if epoch.id in epochs:
            raise VaultSealed(f"The keyring at {path} lists one id twice.")
        epochs[epoch.id] = epoch
    active = _id(document["active"], path)
    if active not in epochs:
        raise VaultSealed(f"The active key of the keyring at {path} is not in it.")
    return _Held(epochs, epochs[active], mark)


def _fields(given: object, names: set[str], path: Path) -> dict[str, object]:
    if not isinstance(given, dict) or set(cast("dict[object, object]", given)) != names:
        raise VaultSealed(f"The keyring at {path} does not have the fields of its format.")
    return cast("dict[str, object]", given)


def _id(given: object, path: Path) -> bytes:
    if not isinstance(given, str) or not _HEX_ID.fullmatch(given):
        raise VaultSealed(f"The keyring at {path} holds a malformed key id.")
    return bytes.fromhex(given)


def _epoch(fields: dict[str, object], path: Path) -> Epoch:
    encoded, created = fields["key"], fields["created"]
    if not isinstance(encoded, str) or not isinstance(created, str):
        raise VaultSealed(f"The keyring at {path} holds a malformed key.")
    try:
        key = base64.b64decode(encoded.encode("ascii"), validate=True)
        instant = datetime.fromisoformat(created)
    except (ValueError, binascii.Error):
        raise VaultSealed(f"The keyring at {path} holds a malformed key.") from None
    if len(key) != KEY_BYTES:
        raise VaultSealed(f"A key in the keyring at {path} is not {KEY_BYTES} bytes long.")
    if len(set(key)) < KEY_BYTES // 4:
        # 32 random bytes with fewer than 8 different values do not happen; a placeholder does.
        raise VaultSealed(f"A key in the keyring at {path} is a placeholder, not a random key.")
    return Epoch(_id(fields["id"], path), instant, encoded, AESGCM(key))
