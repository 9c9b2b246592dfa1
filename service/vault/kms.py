"""Key stores behind one small protocol: what wraps data keys, and nothing else about it.

The file (`keyring`) is the default and answers within the process. The others leave it: their calls take
milliseconds or never come back, so none of them is made while a transaction is open (`units`). Their libraries are
optional, so a provider's module is loaded only where a deployment names it.
"""

import importlib
from collections.abc import Mapping
from typing import Final

from service.config import Settings
from service.vault import keyring
from service.vault.epoch import EpochInfo, Kms, KmsUnavailable, VaultSealed
from service.vault.epochfile import EpochFile
from service.vault.remote import Provider, RemoteKms
from service.vault.steady import Steady

__all__ = ["EpochInfo", "Kms", "KmsUnavailable", "VaultSealed", "open_kms", "open_provider"]

#: Loaded only where a deployment names them: their libraries are not part of the default installation.
PROVIDERS: Final[Mapping[str, str]] = {
    "aws": "service.vault.aws_kms",
    "pkcs11": "service.vault.pkcs11_kms",
    "transit": "service.vault.transit_kms",
}


def open_kms(settings: Settings) -> Kms:
    """The key store of this deployment; VaultSealed, with a sentence for the operator, when it cannot be used.

    `kms.json` beside the keyring names a remote one. CONSENTRY_KMS says which one is expected: with it set, a lost
    `kms.json` is a refusal and never a way back to a keyring that lies there still.
    """
    path = settings.keyring.with_name("kms.json")
    if not path.exists() and settings.kms in ("", keyring.Keyring.name):
        return keyring.load(settings.keyring)
    file = EpochFile(path)
    name = file.plan.provider
    if settings.kms and settings.kms != name:
        raise VaultSealed(f"CONSENTRY_KMS is {settings.kms}, but {path} is for {name}.")
    return Steady(RemoteKms(open_provider(name, file.plan.settings), file))


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
