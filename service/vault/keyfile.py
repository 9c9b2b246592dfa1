"""A file that decides over keys: who may have written it, and how it is made and replaced.

It is opened once and examined through the handle (what is checked is what is read), appears complete or not at all,
and is replaced in one step by a rename from a synced temporary file: whoever copies it for a backup at any moment gets
one whole version. Writers hold a lock of the directory meanwhile, so that two processes never lose each other's change;
what a writer left there that was killed goes first, because it may hold a key that is to be gone for good.
"""

import contextlib
import fcntl
import os
import secrets
import stat
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from service.vault.epoch import VaultSealed

_MAX_FILE_BYTES: Final = 1 << 20
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True)
class Mark:
    """Which version of a file this is, as far as its directory entry tells."""

    inode: int
    modified: int
    size: int


@dataclass(frozen=True, slots=True)
class KeyFile:
    """`what` names it in sentences for the operator ("keyring")."""

    path: Path
    what: str

    def read(self) -> tuple[bytes, Mark]:
        """Its bytes and which version they are; VaultSealed, naming what is wrong, when it must not be used."""
        self._check_directory()
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            handle = os.open(self.path, flags)
        except FileNotFoundError:
            raise VaultSealed(
                f"No {self.what} at {self.path}. "
                "Restore its backup; only for a new deployment: consentry keys init."
            ) from None
        except OSError:
            raise VaultSealed(f"The {self.what} at {self.path} cannot be opened as a regular file.") from None
        try:
            found = os.fstat(handle)
            self._check_file(found)
            return os.read(handle, _MAX_FILE_BYTES), _mark(found)
        finally:
            os.close(handle)

    def mark(self) -> Mark | None:
        """Which version lies there now; None when nothing does."""
        try:
            return _mark(os.lstat(self.path))
        except OSError:
            return None

    def create(self, content: bytes) -> None:
        """Make it where there is none; VaultSealed, and nothing changed, if anything is there already."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.changing():
            temporary = self._write_beside(content)
            try:
                os.link(temporary, self.path)  # fails where a rename would silently replace
            except FileExistsError:
                raise VaultSealed(
                    f"There is a {self.what} at {self.path} already. "
                    "It is never replaced: what it sealed would be lost."
                ) from None
            finally:
                temporary.unlink()
            self._sync_directory()

    def replace(self, content: bytes) -> None:
        """Put a new version in its place, durably, before this returns. Only inside `changing`."""
        try:
            temporary = self._write_beside(content)
        except OSError:
            raise VaultSealed(f"The {self.what} at {self.path} cannot be changed by this user.") from None
        try:
            temporary.replace(self.path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise VaultSealed(f"The {self.what} at {self.path} cannot be changed by this user.") from None
        self._sync_directory()

    @contextlib.contextmanager
    def changing(self) -> Generator[None]:
        """Alone among all processes that change this file, until the block ends; a dead one holds nothing."""
        self._check_directory()
        handle = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            self._clear()
            yield
        finally:
            os.close(handle)

    def _clear(self) -> None:
        """Remove what a killed writer left: whoever holds the lock is the only one who writes here."""
        for left in self.path.parent.glob(f".{self.path.name}.*"):
            with contextlib.suppress(OSError):  # of another user: then the change itself will say so
                left.unlink()

    def _write_beside(self, content: bytes) -> Path:
        temporary = self.path.parent / f".{self.path.name}.{secrets.token_hex(8)}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(temporary, flags, 0o400)
        try:
            with os.fdopen(handle, "wb") as file:
                os.fchmod(file.fileno(), 0o400)  # whatever the umask made of it
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        return temporary

    def _check_file(self, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode):
            raise VaultSealed(f"The {self.what} at {self.path} is not a regular file.")
        if found.st_uid not in {os.geteuid(), 0}:
            raise VaultSealed(f"The {self.what} at {self.path} belongs to another user.")
        if found.st_mode & _OTHERS:
            raise VaultSealed(f"The {self.what} at {self.path} is open to others; its mode must be 0400.")
        if found.st_size > _MAX_FILE_BYTES:
            raise VaultSealed(f"The {self.what} at {self.path} is too large to be one.")

    def _check_directory(self) -> None:
        directory = self.path.parent
        try:
            found = directory.stat()
        except OSError:
            raise VaultSealed(
                f"No key directory at {directory}. "
                "Restore it; only for a new deployment: consentry keys init."
            ) from None
        if not stat.S_ISDIR(found.st_mode):
            raise VaultSealed(f"{directory} is not a directory.")
        if found.st_mode & _OTHERS_WRITE:
            raise VaultSealed(
                f"The key directory {directory} can be changed by others; its mode must be 0700."
            )

    def _sync_directory(self) -> None:
        handle = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _mark(found: os.stat_result) -> Mark:
    return Mark(found.st_ino, found.st_mtime_ns, found.st_size)
