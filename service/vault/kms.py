"""Key stores behind one small protocol: what wraps data keys, and nothing else about it.

The file (`keyring`) is the default and answers within the process. The others leave it: their calls take
milliseconds or never come back, so none of them is made while a transaction is open (`units`). Their libraries are
optional, so a provider's module is loaded only where a deployment names it.
"""

import importlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from service.config import Settings
from service.vault import epochfile, keyring
from service.vault.epoch import EpochInfo, Kms, KmsUnavailable, VaultSealed
from service.vault.epochfile import EpochFile
from service.vault.remote import Provider, RemoteKms, first_plan
from service.vault.steady import Steady

__all__ = [
    "EpochInfo",
    "Kms",
    "KmsUnavailable",
    "VaultSealed",
    "init_at",
    "open_at",
    "open_kms",
    "open_provider",
]

#: Loaded only where a deployment names them: their libraries are not part of the default installation.
PROVIDERS: Final[Mapping[str, str]] = {
    "aws": "service.vault.aws_kms",
    "pkcs11": "service.vault.pkcs11_kms",
    "transit": "service.vault.transit_kms",
}


def open_kms(settings: Settings) -> Kms:
    """The key store of this deployment; VaultSealed, with a sentence for the operator, when it cannot be used."""
    return open_at(settings.keyring, settings.kms)


def open_at(keyring_path: Path, expected: str = "") -> Kms:
    """The key store whose file lies here: `kms.json` beside the keyring names a remote one.

    `expected` (CONSENTRY_KMS) says which one it must be: with it set, a lost `kms.json` is a refusal and never a way
    back to a keyring that lies there still.
    """
    path = epochs_path(keyring_path)
    if not path.exists() and expected in ("", keyring.Keyring.name):
        return keyring.load(keyring_path)
    file = EpochFile(path)
    name = file.plan.provider
    if expected and expected != name:
        raise VaultSealed(f"CONSENTRY_KMS is {expected}, but {path} is for {name}.")
    return Steady(RemoteKms(open_provider(name, file.plan.settings), file))


def init_at(keyring_path: Path, name: str, settings: Mapping[str, str], now: datetime) -> Path:
    """Set up a remote key store for a new deployment: its first key, and the file that names it.

    VaultSealed where there is a key store already: what it sealed would be lost.
    """
    path = epochs_path(keyring_path)
    if keyring_path.exists() or path.exists():
        raise VaultSealed(f"There is a key store at {keyring_path.parent} already. It is never replaced.")
    provider = open_provider(name, settings)
    epochfile.create(path, first_plan(provider, name, settings, now))
    return path


def epochs_path(keyring_path: Path) -> Path:
    """Where the file of a remote key store lies."""
    return keyring_path.with_name("kms.json")


def open_provider(name: str, settings: Mapping[str, str]) -> Provider:
    """The provider of this name; VaultSealed when there is none, or its libraries are not installed."""
    if name not in PROVIDERS:
        raise VaultSealed(f"There is no key store {name!r}; there are {', '.join(sorted(PROVIDERS))}.")
    try:
        module = importlib.import_module(PROVIDERS[name])
    except ImportError:
        raise VaultSealed(
            f"The key store {name!r} needs packages that are not here: requirements-kms.txt."
        ) from None
    opened: Provider = module.open_provider(settings)
    return opened
