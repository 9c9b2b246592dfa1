"""Checkpoint signatures against RFC 8032's own vector, and the form of token keys."""

import pytest

from service.vault import signing

# RFC 8032 section 7.1, TEST 2
SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


def test_signatures_are_ed25519() -> None:
    signer = signing.Signer(SEED)
    assert signer.public_key == PUBLIC
    assert signer.sign(b"\x72") == SIGNATURE
    assert signing.verify(PUBLIC, b"\x72", SIGNATURE)
    assert SEED.hex() not in f"{signer!r} {signer}"


def test_anything_else_does_not_verify() -> None:
    assert not signing.verify(PUBLIC, b"\x73", SIGNATURE)
    assert not signing.verify(SEED, b"\x72", SIGNATURE)
    assert not signing.verify(PUBLIC, b"\x72", SIGNATURE[:-1])
    assert not signing.verify(b"short", b"\x72", SIGNATURE)
    for bit in range(8 * len(SIGNATURE)):
        bent = bytearray(SIGNATURE)
        bent[bit // 8] ^= 1 << bit % 8
        assert not signing.verify(PUBLIC, b"\x72", bytes(bent))


def test_token_keys_are_p256_in_pem_and_new_each_time() -> None:
    first, second = signing.new_token_key(), signing.new_token_key()
    assert first != second
    assert first.startswith(b"-----BEGIN PRIVATE KEY-----")
    assert signing.public_pem(first).startswith(b"-----BEGIN PUBLIC KEY-----")
    assert signing.public_pem(first) != signing.public_pem(second)


def test_only_p256_keys_are_token_keys() -> None:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    other = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    with pytest.raises(ValueError, match="P-256"):
        signing.public_pem(other)
