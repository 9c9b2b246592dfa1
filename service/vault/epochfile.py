"""Which epochs a remote key store wraps for us: `kms.json`, beside where a keyring would lie. It holds no key.

    {"format": "consentry-kms-1", "provider": "aws", "settings": {...}, "active": "<32 hex>",
     "epochs": [{"id": "<32 hex>", "reference": "<what the key store calls it>", "created": "<instant>"}]}

The rules of a keyring hold for it: made once, on purpose, never in place of another; refused when others may write it
(who can change it decides where new keys are wrapped). A lost one can be written again by hand from the key store,
whose keys carry the epoch's id.
"""

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, cast

from service.vault.epoch import EpochInfo, KmsUnavailable, VaultSealed
from service.vault.keyfile import KeyFile, Mark

FORMAT: Final = "consentry-kms-1"
_WHAT: Final = "key store file"
_HEX_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the file says: whom to ask, how, and for which epochs."""

    provider: str
    settings: Mapping[str, str]
    epochs: tuple[EpochInfo, ...]

    @property
    def active(self) -> EpochInfo:
        return next(epoch for epoch in self.epochs if epoch.active)

    def find(self, kek_id: bytes) -> EpochInfo | None:
        return next((epoch for epoch in self.epochs if epoch.id == kek_id), None)


class EpochFile:
    """The file as it is now. Other processes may change it: it is looked at before each use."""

    def __init__(self, path: Path) -> None:
        self._file = KeyFile(path, _WHAT)
        self._reading = threading.Lock()
        self._plan, self._mark = _read(self._file)

    @property
    def plan(self) -> Plan:
        """What it says now, or last said while it is away: what is wrapped can still be unwrapped."""
        try:
            return self.stored()
        except KmsUnavailable:
            return self._plan

    def stored(self) -> Plan:
        """What it says now; KmsUnavailable when it is gone or damaged: nothing new is wrapped meanwhile."""
        with self._reading:
            if self._file.mark() != self._mark:
                try:
                    self._plan, self._mark = _read(self._file)
                except VaultSealed:
                    raise KmsUnavailable from None
            return self._plan

    def add(self, made: EpochInfo) -> None:
        """One more epoch, active from now on."""
        with self._reading, self._file.changing():
            plan, _ = _read(self._file)
            former = tuple(EpochInfo(one.id, one.created, False, one.reference) for one in plan.epochs)
            self._write(Plan(plan.provider, plan.settings, (*former, made)))

    def remove(self, kek_id: bytes) -> None:
        """One epoch less; nothing if it is not there."""
        with self._reading, self._file.changing():
            plan, _ = _read(self._file)
            left = tuple(one for one in plan.epochs if one.id != kek_id)
            if len(left) != len(plan.epochs):
                self._write(Plan(plan.provider, plan.settings, left))

    def _write(self, plan: Plan) -> None:
        self._file.replace(_document(plan))
        self._plan, self._mark = _read(self._file)


def create(path: Path, plan: Plan) -> None:
    """Make the file of a new deployment; VaultSealed if anything is there already."""
    KeyFile(path, _WHAT).create(_document(plan))


def _document(plan: Plan) -> bytes:
    listed = [
        {"id": one.id.hex(), "reference": one.reference, "created": one.created.isoformat()}
        for one in plan.epochs
    ]
    document = {
        "format": FORMAT,
        "provider": plan.provider,
        "settings": dict(plan.settings),
        "active": plan.active.id.hex(),
        "epochs": listed,
    }
    return (json.dumps(document, indent=2) + "\n").encode()


def _read(file: KeyFile) -> tuple[Plan, Mark]:
    content, mark = file.read()
    try:
        loaded: object = json.loads(content)
    except (ValueError, RecursionError):
        raise _unusable(file, "is not JSON; it may be damaged") from None
    document = _fields(loaded, {"format", "provider", "settings", "active", "epochs"}, file)
    if document["format"] != FORMAT:
        raise _unusable(file, "has an unknown format")
    settings, listed = document["settings"], document["epochs"]
    if not isinstance(settings, dict) or not all(
        isinstance(value, str) for value in cast("dict[str, object]", settings).values()
    ):
        raise _unusable(file, "holds malformed settings")
    if not isinstance(listed, list) or not listed:
        raise _unusable(file, "lists no epochs")
    entries = [_fields(entry, {"id", "reference", "created"}, file) for entry in cast("list[object]", listed)]
    epochs = tuple(_epoch(entry, document["active"], file) for entry in entries)
    if len({epoch.id for epoch in epochs}) != len(epochs):
        raise _unusable(file, "lists one id twice")
    if len({epoch.reference for epoch in epochs}) != len(epochs):
        raise _unusable(file, "lists one key under two ids")
    if not any(epoch.active for epoch in epochs):
        raise _unusable(file, "does not list its active epoch")
    return Plan(str(document["provider"]), cast("dict[str, str]", settings), epochs), mark


def _fields(given: object, names: set[str], file: KeyFile) -> dict[str, object]:
    if not isinstance(given, dict) or set(cast("dict[object, object]", given)) != names:
        raise _unusable(file, "does not have the fields of its format")
    return cast("dict[str, object]", given)


def _epoch(fields: dict[str, object], active: object, file: KeyFile) -> EpochInfo:
    epoch_id, reference, created = fields["id"], fields["reference"], fields["created"]
    if not isinstance(epoch_id, str) or not _HEX_ID.fullmatch(epoch_id):
        raise _unusable(file, "holds a malformed epoch id")
    if not isinstance(reference, str) or not reference or not isinstance(created, str):
        raise _unusable(file, "holds a malformed epoch")
    try:
        instant = datetime.fromisoformat(created)
    except ValueError:
        raise _unusable(file, "holds a malformed epoch") from None
    return EpochInfo(bytes.fromhex(epoch_id), instant, epoch_id == active, reference)


def _unusable(file: KeyFile, why: str) -> VaultSealed:
    return VaultSealed(f"The {file.what} at {file.path} {why}.")
