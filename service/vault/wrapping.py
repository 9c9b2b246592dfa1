"""How a data key stands in its row, whichever key store wraps it.

    wrapped = 01 | ...        wrapped by the key store for exactly this owner and key id: the secret is the key
    wrapped = 02 | wrapping   wrapped ahead by a remote key store, before anybody knew for whom

A remote key store is never called while a transaction is open, so a new key has to be wrapped before the transaction
that needs it. What is wrapped ahead is bound to purpose, key id and (for patients) program; the key really used is
derived from it and the full owner. A row of `vault_key` moved to another patient therefore gives another key there, and
nothing opens with it: the same refusal as for a key wrapped directly, one step later.

Every provider's own output begins with 01.
"""

import hashlib
import hmac
from typing import Final

from service.errors import IntegrityError
from service.ids import SERVICE_PROGRAM
from service.vault.epoch import Kms
from service.vault.keys import Owner, Purpose, bound_to
from service.vault.records import WrappedKey

DIRECT: Final = b"\x01"
AHEAD: Final = b"\x02"

#: Keys of which any 32 bytes do, so that they can be made before their owner.
_DERIVED: Final = frozenset({Purpose.PATIENT, Purpose.PROGRAM, Purpose.INDEX})


def may_be_ahead(owner: Owner) -> bool:
    """Whether a key for this owner can be wrapped before the owner exists."""
    return owner.purpose in _DERIVED and owner.program_id != SERVICE_PROGRAM


def scope_of(owner: Owner) -> Owner:
    """Whose keys wrapped ahead this owner may take: those of its program, or of a program to be."""
    if owner.purpose is Purpose.PATIENT:
        return Owner(Purpose.PATIENT, owner.program_id)
    return Owner(owner.purpose, SERVICE_PROGRAM)


def wrap(kms: Kms, owner: Owner, key_id: bytes, secret: bytes) -> tuple[bytes, bytes]:
    """(KEK id, wrapped) of a key for an owner who is known."""
    return kms.wrap(secret, bound_to(owner, key_id))


def wrap_ahead(kms: Kms, scope: Owner, key_id: bytes, secret: bytes) -> tuple[bytes, bytes]:
    """(KEK id, wrapped) of a key that any owner within `scope` may take."""
    kek_id, wrapped = kms.wrap(secret, _ahead_context(scope, key_id))
    return kek_id, AHEAD + wrapped


def unwrap(kms: Kms, owner: Owner, key: WrappedKey) -> bytes:
    """The key of this owner; IntegrityError for a row that is not theirs or was not wrapped here."""
    if key.wrapped[:1] == AHEAD and may_be_ahead(owner):
        context = _ahead_context(scope_of(owner), key.key_id)
        return derived(kms.unwrap(key.kek_id, key.wrapped[1:], context), owner, key.key_id)
    if key.wrapped[:1] != DIRECT:
        raise IntegrityError
    return kms.unwrap(key.kek_id, key.wrapped, bound_to(owner, key.key_id))


def rewrap(kms: Kms, owner: Owner, key: WrappedKey) -> tuple[bytes, bytes]:
    """(KEK id, wrapped) of the same key under the active epoch, in the same form."""
    if key.wrapped[:1] == AHEAD and may_be_ahead(owner):
        context = _ahead_context(scope_of(owner), key.key_id)
        kek_id, wrapped = kms.wrap(kms.unwrap(key.kek_id, key.wrapped[1:], context), context)
        return kek_id, AHEAD + wrapped
    return kms.wrap(unwrap(kms, owner, key), bound_to(owner, key.key_id))


def derived(secret: bytes, owner: Owner, key_id: bytes) -> bytes:
    """The owner's key from one wrapped ahead: HKDF-Expand (RFC 5869 section 2.3) of a uniformly random secret."""
    info = b"consentry key wrapped ahead 1" + bound_to(owner, key_id)
    return hmac.digest(secret, info + b"\x01", hashlib.sha256)


def _ahead_context(scope: Owner, key_id: bytes) -> bytes:
    return b"consentry ahead 1" + bound_to(scope, key_id)
