"""A hardware module through PKCS#11: one AES-256 key in the token for each epoch, AES-GCM with the place as its AAD.

The key is made in the token, is sensitive, cannot be extracted and does nothing but encrypt and decrypt. The nonce is
ours (12 random bytes, in front of the ciphertext): wrapping is rare enough for random nonces by a wide margin.

Calls are made one after the other over one session, which is opened anew after a failure: a token that was pulled and
put back serves again without a restart. What a module says about a ciphertext that does not authenticate differs from
vendor to vendor (SoftHSM: "general error"), so after an error of that kind the key is tried on something of its own:
does that work, it was the ciphertext.
"""

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import pkcs11
from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, ObjectClass, Session
from pkcs11.exceptions import (
    DataInvalid,
    DataLenRange,
    EncryptedDataInvalid,
    EncryptedDataLenRange,
    FunctionFailed,
    GeneralError,
    NoSuchKey,
    PKCS11Error,
    UserAlreadyLoggedIn,
)

from service.errors import IntegrityError
from service.vault.epoch import KmsUnavailable, VaultSealed
from service.vault.keyfile import KeyFile

T = TypeVar("T")

_KNOWN: Final = frozenset({"module", "token", "pin_file"})
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_PERHAPS_NEVER: Final = (
    DataInvalid,
    DataLenRange,
    EncryptedDataInvalid,
    EncryptedDataLenRange,
    FunctionFailed,
    GeneralError,
)
#: Encrypts and decrypts inside the token, and nothing else.
_TEMPLATE: Final[dict[Attribute, object]] = {
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.ENCRYPT: True,
    Attribute.DECRYPT: True,
    Attribute.SIGN: False,
    Attribute.VERIFY: False,
    Attribute.WRAP: False,
    Attribute.UNWRAP: False,
    Attribute.DERIVE: False,
}


class TokenKeys:
    """The keys of one token."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        if set(settings) ^ _KNOWN:
            raise VaultSealed(f"pkcs11 has the settings {', '.join(sorted(_KNOWN))}, and needs all of them.")
        self._pin = KeyFile(Path(settings["pin_file"]), "PIN file")
        self._pin.read()
        try:
            self._library = pkcs11.lib(settings["module"])
        except (RuntimeError, OSError):
            raise VaultSealed(f"The PKCS#11 module {settings['module']} cannot be loaded.") from None
        self._token = settings["token"]
        self._session: Session | None = None
        self._turn = threading.Lock()

    def encrypt(self, reference: str, secret: bytes, context: bytes) -> bytes:
        return self._ask(lambda session: _encrypt(_key(session, reference), secret, context))

    def decrypt(self, reference: str, sealed: bytes, context: bytes) -> bytes:
        if len(sealed) < _NONCE_BYTES + _TAG_BYTES:
            raise IntegrityError

        def open_it(session: Session) -> bytes:
            key = _key(session, reference)
            try:
                return _decrypt(key, sealed, context)
            except _PERHAPS_NEVER:
                probe = os.urandom(32)
                if _decrypt(key, _encrypt(key, probe, context), context) == probe:
                    raise IntegrityError from None
                raise

        return self._ask(open_it)

    def create_key(self, epoch_id: bytes) -> str:
        label = f"consentry-{epoch_id.hex()}"

        def make(session: Session) -> str:
            session.generate_key(KeyType.AES, 256, label=label, id=epoch_id, store=True, template=_TEMPLATE)
            return label

        return self._ask(make)

    def destroy_key(self, reference: str) -> None:
        def destroy(session: Session) -> None:
            try:
                _key(session, reference).destroy()
            except NoSuchKey:
                return

        self._ask(destroy)

    def _ask(self, call: Callable[[Session], T]) -> T:
        with self._turn:
            try:
                if self._session is None:
                    self._session = self._open()
                return call(self._session)
            except IntegrityError:
                raise
            except NoSuchKey:
                raise KmsUnavailable from None
            except (PKCS11Error, VaultSealed, UnicodeDecodeError):
                self._session = None  # a new one next time, whatever this one still thinks
                raise KmsUnavailable from None

    def _open(self) -> Session:
        token = self._library.get_token(token_label=self._token)
        try:
            return token.open(user_pin=self._pin.read()[0].decode().strip(), rw=True)
        except UserAlreadyLoggedIn:  # a login counts for the whole process
            return token.open(rw=True)


def open_provider(settings: Mapping[str, str]) -> TokenKeys:
    """The provider `pkcs11`: the module's path, the token's label, a file with the user's PIN."""
    return TokenKeys(settings)


def _key(session: Session, reference: str) -> Any:
    """The key as the library gives it: what it can do is mixed in at run time."""
    return session.get_key(object_class=ObjectClass.SECRET_KEY, key_type=KeyType.AES, label=reference)


def _encrypt(key: Any, secret: bytes, context: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    sealed: bytes = key.encrypt(
        secret, mechanism=Mechanism.AES_GCM, mechanism_param=GCMParams(nonce, context, _TAG_BYTES * 8)
    )
    return nonce + sealed


def _decrypt(key: Any, sealed: bytes, context: bytes) -> bytes:
    nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    opened: bytes = key.decrypt(
        ciphertext, mechanism=Mechanism.AES_GCM, mechanism_param=GCMParams(nonce, context, _TAG_BYTES * 8)
    )
    return opened
