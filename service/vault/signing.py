"""Signatures of the service itself: Ed25519 (RFC 8032) for ledger checkpoints, P-256 keys for access tokens.

The keys are made once at setup and kept wrapped like every other key. The ledger does not import this module;
it is handed something that signs.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)


class Signer:
    """An Ed25519 key that signs checkpoints."""

    def __init__(self, seed: bytes) -> None:
        """`seed` is the 32-byte private key of RFC 8032 section 5.1.5."""
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key: bytes = self._key.public_key().public_bytes_raw()

    def __repr__(self) -> str:
        return f"<Signer {self.public_key.hex()[:16]}>"

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature."""
        return self._key.sign(message)


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is that key's over `message`; False for anything malformed."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def new_token_key() -> bytes:
    """A fresh P-256 private key in PEM (PKCS #8), the form that `identity/tokens.py` takes."""
    key = generate_private_key(SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_pem(private_pem: bytes) -> bytes:
    """The public half of a P-256 private key, in PEM; ValueError for any other key."""
    key = load_pem_private_key(private_pem, None)
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise ValueError("not a P-256 private key")
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
