"""Transit of Vault or OpenBao (hvac): one AES-256-GCM key for each epoch, the place in `associated_data`.

Transit's `context` is for deriving keys and needs keys made for that; what authenticates a place is `associated_data`,
which encrypt and decrypt of AEAD keys take. Rewrap and datakey do not, so neither is used: rotation here is a new key
and our own re-wrap, never transit's versions. A server too old to know the field would ignore it in silence; `check`
(asked at start and by readyz) wraps something, unwraps it for another place, and refuses a server that allows it.

The token's policy must allow `update` and not `create` on encrypt/*: with `create`, transit answers a request to
encrypt under a key that was deleted by making a new one.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import hvac
import requests
from hvac.exceptions import InvalidPath, InvalidRequest, VaultError

from service.errors import IntegrityError
from service.vault.epoch import KmsUnavailable, VaultSealed
from service.vault.keyfile import KeyFile

_KNOWN: Final = frozenset({"url", "token_file", "mount", "namespace", "ca_file"})
_SECONDS: Final = 2
#: How transit says that a ciphertext is not this key's or not for this place.
_NEVER: Final = ("cipher: message authentication failed", "invalid ciphertext")


class TransitKeys:
    """The keys of one transit mount."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        if unknown := set(settings) - _KNOWN:
            raise VaultSealed(
                f"transit has no setting {min(unknown)!r}; there are {', '.join(sorted(_KNOWN))}."
            )
        if "url" not in settings or "token_file" not in settings:
            raise VaultSealed("transit needs the settings url and token_file.")
        self._token = KeyFile(Path(settings["token_file"]), "token file")
        self._token.read()
        self._mount = settings.get("mount", "transit")
        self._client: Any = hvac.Client(
            url=settings["url"],
            namespace=settings.get("namespace"),
            timeout=_SECONDS,
            verify=settings.get("ca_file", True),
        )

    def encrypt(self, reference: str, secret: bytes, context: bytes) -> bytes:
        answer = self._ask(
            lambda transit: transit.encrypt_data(
                reference, plaintext=_text(secret), associated_data=_text(context), mount_point=self._mount
            )
        )
        return str(answer["data"]["ciphertext"]).encode()

    def decrypt(self, reference: str, sealed: bytes, context: bytes) -> bytes:
        try:
            ciphertext = sealed.decode("ascii")
        except UnicodeDecodeError:
            raise IntegrityError from None
        answer = self._ask(
            lambda transit: transit.decrypt_data(
                reference, ciphertext=ciphertext, associated_data=_text(context), mount_point=self._mount
            )
        )
        try:
            return base64.b64decode(str(answer["data"]["plaintext"]), validate=True)
        except binascii.Error:
            raise IntegrityError from None

    def create_key(self, epoch_id: bytes) -> str:
        name = f"consentry-{epoch_id.hex()}"
        self._ask(
            lambda transit: transit.create_key(
                name,
                key_type="aes256-gcm96",
                derived=False,
                exportable=False,
                allow_plaintext_backup=False,
                mount_point=self._mount,
            )
        )
        return name

    def destroy_key(self, reference: str) -> None:
        try:
            self._ask(
                lambda transit: transit.update_key_configuration(
                    reference, deletion_allowed=True, mount_point=self._mount
                ),
                gone_is_done=True,
            )
            self._ask(
                lambda transit: transit.delete_key(reference, mount_point=self._mount), gone_is_done=True
            )
        except IntegrityError:
            raise KmsUnavailable from None

    def _ask(self, call: Callable[[Any], Any], *, gone_is_done: bool = False) -> Any:
        try:
            # read each time: what renews tokens writes a new one into the file
            self._client.token = self._token.read()[0].decode("ascii").strip()
            return call(self._client.secrets.transit)
        except InvalidPath:
            if gone_is_done:
                return None
            raise KmsUnavailable from None
        except InvalidRequest as error:
            if gone_is_done and "not found" in str(error):
                return None
            if any(words in str(error) for words in _NEVER):
                raise IntegrityError from None
            raise KmsUnavailable from None
        except (VaultError, VaultSealed, requests.RequestException, UnicodeDecodeError):
            raise KmsUnavailable from None


def open_provider(settings: Mapping[str, str]) -> TransitKeys:
    """The provider `transit`: url, token_file, and where needed mount, namespace, ca_file."""
    return TransitKeys(settings)


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
