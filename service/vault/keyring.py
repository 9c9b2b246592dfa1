"""The key-encryption keys: one file, read once at start, never replaced behind anyone's back.

Everything sealed is lost with this file, and readable with it. So the rules are about the file itself: a
missing, foreign, readable-by-others or malformed keyring keeps the service shut (`VaultSealed`), and a new
one is made only when somebody says so, never in place of an old one. 45 CFR 164.312(a)(2)(iv) asks for the
encryption; where the key lies is what makes it worth something.

An *epoch* is one key-encryption key (KEK). New keys are wrapped under the active epoch; older epochs stay
until nothing is wrapped under them.
"""

import base64
import binascii
import json
import os
import re
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.errors import IntegrityError, StartRefused

FORMAT: Final = "consentry-keyring-1"
KEY_BYTES: Final = 32
ID_BYTES: Final = 16

_NONCE_BYTES: Final = 12
_WRAP_VERSION: Final = b"\x01"
_TAG_BYTES: Final = 16
_MAX_FILE_BYTES: Final = 1 << 20
_HEX_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


class VaultSealed(StartRefused):
    """The keys cannot be used as they are; the service must stay shut. `detail` is for the operator."""


@dataclass(frozen=True, slots=True, repr=False)
class Epoch:
    """One key-encryption key. Holds the cipher built from it, so that the bytes are not passed around."""

    id: bytes
    created: datetime
    cipher: AESGCM

    def __repr__(self) -> str:
        return f"<Epoch {self.id.hex()}>"


class Keyring:
    """The epochs of one deployment. Wraps under the active one, unwraps under any."""

    def __init__(self, epochs: Mapping[bytes, Epoch], active: bytes) -> None:
        self._epochs = dict(epochs)
        self._active = self._epochs[active]

    def __repr__(self) -> str:
        return f"<Keyring active={self._active.id.hex()} epochs={len(self._epochs)}>"

    @property
    def active_id(self) -> bytes:
        """Id of the epoch that wraps new keys, 16 bytes."""
        return self._active.id

    def knows(self, kek_id: bytes) -> bool:
        """Whether keys wrapped under this epoch can be tried at all."""
        return kek_id in self._epochs

    def wrap(self, secret: bytes, bound_to: bytes) -> tuple[bytes, bytes]:
        """(id of the epoch used, `01 | nonce | ciphertext and tag`); `bound_to` must be given again to
        unwrap.
        """
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._active.cipher.encrypt(nonce, secret, _wrap_context(self._active.id, bound_to))
        return self._active.id, _WRAP_VERSION + nonce + sealed

    def unwrap(self, kek_id: bytes, wrapped: bytes, bound_to: bytes) -> bytes:
        """The secret; IntegrityError when it was not wrapped by this keyring for exactly `bound_to`."""
        epoch = self._epochs.get(kek_id)
        if epoch is None or len(wrapped) < 1 + _NONCE_BYTES + _TAG_BYTES or wrapped[:1] != _WRAP_VERSION:
            raise IntegrityError
        nonce, sealed = wrapped[1 : 1 + _NONCE_BYTES], wrapped[1 + _NONCE_BYTES :]
        try:
            return epoch.cipher.decrypt(nonce, sealed, _wrap_context(kek_id, bound_to))
        except InvalidTag:
            raise IntegrityError from None


def _wrap_context(kek_id: bytes, bound_to: bytes) -> bytes:
    return b"consentry wrap" + _WRAP_VERSION + kek_id + bound_to


def keyring_path(data: Path) -> Path:
    """Where the keyring of a data directory lies."""
    return data / "keys" / "keyring.json"


def init(path: Path, now: datetime) -> None:
    """Make a keyring with one epoch at `path`; VaultSealed if anything is there already.

    The finished file appears in one step (a hard link from a synced temporary file, which fails where a
    rename would silently replace): a crash leaves either nothing or a complete keyring.
    """
    key_id = secrets.token_bytes(ID_BYTES).hex()
    epoch = {
        "id": key_id,
        "key": base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode(),
        "created": now.isoformat(),
    }
    document = json.dumps({"format": FORMAT, "active": key_id, "epochs": [epoch]}, indent=2) + "\n"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_directory(path.parent)
    temporary = path.parent / f".{path.name}.{secrets.token_hex(8)}"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o400)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), 0o400)  # whatever the umask made of it
            file.write(document.encode())
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
    except FileExistsError:
        raise VaultSealed(
            f"There is a keyring at {path} already. It is never replaced: what it sealed would be lost."
        ) from None
    finally:
        temporary.unlink()
    _sync_directory(path.parent)


def load(path: Path) -> Keyring:
    """The keyring at `path`; VaultSealed, naming what is wrong, when it must not be used."""
    _check_directory(path.parent)
    return _parse(_read(path), path)


def _read(path: Path) -> bytes:
    # Opened once and examined through the handle: what is checked is what is read.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        handle = os.open(path, flags)
    except FileNotFoundError:
        raise VaultSealed(
            f"No keyring at {path}. Restore its backup; only for a new deployment: consentry keys init."
        ) from None
    except OSError:
        raise VaultSealed(f"The keyring at {path} cannot be opened as a regular file.") from None
    try:
        _check_file(os.fstat(handle), path)
        return os.read(handle, _MAX_FILE_BYTES)
    finally:
        os.close(handle)


def _check_file(found: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise VaultSealed(f"The keyring at {path} is not a regular file.")
    if found.st_uid not in {os.geteuid(), 0}:
        raise VaultSealed(f"The keyring at {path} belongs to another user.")
    if found.st_mode & _OTHERS:
        raise VaultSealed(f"The keyring at {path} is open to others; its mode must be 0400.")
    if found.st_size > _MAX_FILE_BYTES:
        raise VaultSealed(f"The keyring at {path} is too large to be one.")


def _check_directory(directory: Path) -> None:
    try:
        found = directory.stat()
    except OSError:
        raise VaultSealed(
            f"No key directory at {directory}. Restore it; only for a new deployment: consentry keys init."
        ) from None
    if not stat.S_ISDIR(found.st_mode):
        raise VaultSealed(f"{directory} is not a directory.")
    if found.st_mode & _OTHERS_WRITE:
        raise VaultSealed(f"The key directory {directory} can be changed by others; its mode must be 0700.")


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _parse(content: bytes, path: Path) -> Keyring:
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
    return Keyring(epochs, active)


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
    return Epoch(_id(fields["id"], path), instant, AESGCM(key))
