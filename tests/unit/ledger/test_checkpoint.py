"""Checkpoints against the examples printed in the C2SP texts, and against what must not pass."""

import base64
import io

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from service.ledger.checkpoint import (
    Checkpoint,
    CheckpointInvalid,
    VerifierKey,
    origin_of,
    parse,
    sign,
    split_notes,
)

#: From c2sp.org/tlog-checkpoint.
PUBLISHED = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)
#: Published with Go's x/mod/sumdb/note: a verifier key, and a note it verifies.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
GO_SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="


class Key:
    def __init__(self) -> None:
        self._private = Ed25519PrivateKey.generate()
        self.public_key = self._private.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)


def check(public_key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


HEAD = Checkpoint(origin_of("demo", "cedar"), 5, bytes(range(32)))
NAME_CHARACTERS = st.characters(min_codepoint=0x21, max_codepoint=0x2FF, exclude_characters="+\x7f\x85\xa0")
SIGNER = Key()
FIXED = sign(HEAD, SIGNER).encode()


def test_the_published_checkpoint_is_read() -> None:
    note = parse(PUBLISHED)
    assert note.checkpoint.origin == "example.com/behind-the-sofa"
    assert note.checkpoint.size == 20852163
    assert base64.b64encode(note.checkpoint.root) == b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
    assert [name for name, _, _ in note.signatures] == ["example.com/behind-the-sofa"]


def test_the_published_verifier_key_gives_its_own_hash_and_verifies_its_note() -> None:
    key = VerifierKey.parse(GO_KEY)
    assert str(key) == GO_KEY
    raw = base64.b64decode(GO_SIGNATURE)
    assert raw[:4] == key.key_id
    assert check(key.public_key, GO_TEXT.encode(), raw[4:])


def test_a_note_that_was_signed_is_read_back_and_verifies() -> None:
    signer = Key()
    note = sign(HEAD, signer)
    assert note.startswith("consentry/demo/cedar\n5\n")
    key = VerifierKey.parse(str(VerifierKey(HEAD.origin, signer.public_key)))
    assert parse(note).checkpoint == HEAD
    assert parse(note).signed_by(key, check)


def test_changed_text_unknown_keys_and_changed_signatures_do_not_verify() -> None:
    signer, stranger = Key(), Key()
    key = VerifierKey(HEAD.origin, signer.public_key)
    note = sign(HEAD, signer)
    assert not parse(note.replace("\n5\n", "\n6\n")).signed_by(key, check)
    assert not parse(note).signed_by(VerifierKey(HEAD.origin, stranger.public_key), check)
    assert not parse(note).signed_by(VerifierKey("consentry/demo/other", signer.public_key), check)
    forged = base64.b64encode(key.key_id + bytes(64)).decode()
    assert not parse(f"{note}— {key.name} {forged}\n").signed_by(key, check)


def test_lines_of_witnesses_we_do_not_know_are_left_alone() -> None:
    signer = Key()
    note = sign(HEAD, signer) + "— witness.example/w1 " + base64.b64encode(bytes(76)).decode() + "\n"
    assert parse(note).signed_by(VerifierKey(HEAD.origin, signer.public_key), check)


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "consentry/demo/cedar\n5\n",
        PUBLISHED[:-1],
        PUBLISHED.replace("20852163", "020852163"),
        PUBLISHED.replace("20852163", "-1"),
        PUBLISHED.replace("20852163", "\t20852163"),
        PUBLISHED.replace("CsUY", "Cs Y"),
        PUBLISHED.replace("q2I=", "q2J="),
        PUBLISHED.replace("jxq2I=", "jx"),
        PUBLISHED.replace("— example", "- example"),
        PUBLISHED.replace("YQ8=", "YQ8"),
        "a\n5\n" + base64.b64encode(bytes(31)).decode() + "\n\n— a AAAAAAA=\n",
        "a\n5\n" + base64.b64encode(bytes(32)).decode() + "\n\n— a AAAA\n",
        "\n5\n" + base64.b64encode(bytes(32)).decode() + "\n\n— a AAAAAAA=\n",
        PUBLISHED + "x" * 70_000,
        PUBLISHED.replace("20852163", "9223372036854775808"),
        PUBLISHED.replace("20852163", "99999999999999999999"),
        PUBLISHED.replace("20852163", "\u0661\u0662"),
        PUBLISHED.replace("20852163", ""),
        PUBLISHED.replace("20852163\n", "20852163\n\n"),
        PUBLISHED.replace("\n", "\r\n"),
        PUBLISHED.replace("\n\n", "\n"),
        PUBLISHED.replace("— example.com", "— exam+ple.com"),
        PUBLISHED.replace("— example.com", "— exam\u2003ple.com"),
        PUBLISHED.replace("— example.com", "—  example.com"),
        PUBLISHED.replace("— example.com/behind-the-sofa ", "— "),
        PUBLISHED.replace("YQ8=\n", "YQ8= \n"),
        PUBLISHED.replace("YQ8=", "YQ9="),
        PUBLISHED + "\n",
        PUBLISHED + "\n\n",
        PUBLISHED.replace("sofa\n", "sofa\x7f\x00\n", 1),
        PUBLISHED.replace("sofa\n", "so\tfa\n", 1),
    ],
)
def test_what_is_no_checkpoint_is_refused(broken: str) -> None:
    with pytest.raises(CheckpointInvalid):
        parse(broken)


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "a+b",
        GO_KEY.replace("c74f", "c74e"),
        GO_KEY[:-4],
        GO_KEY.replace("+AR", "+BR"),
        "a b" + GO_KEY[12:],
    ],
)
def test_what_is_no_verifier_key_is_refused(broken: str) -> None:
    with pytest.raises(CheckpointInvalid):
        VerifierKey.parse(broken)


def test_the_example_of_the_note_format_verifies() -> None:
    """From c2sp.org/signed-note; its text is no checkpoint, so only key and signature are looked at."""
    key = VerifierKey.parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    raw = base64.b64decode(
        "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
    )
    assert raw[:4] == key.key_id == bytes.fromhex("530d903a")
    assert check(key.public_key, b"This is an example message.\n", raw[4:])
    assert not check(key.public_key, b"This is an example message.", raw[4:])


def test_extension_lines_and_sixteen_signatures_are_read() -> None:
    """Both must be taken by a reader; neither is written here."""
    signer = Key()
    body = HEAD.body() + "extension one\n— looks like a signature\n"
    line = base64.b64encode(
        VerifierKey(HEAD.origin, signer.public_key).key_id + signer.sign(body.encode())
    ).decode()
    witnesses = "".join(
        f"— witness.example/w{number} {base64.b64encode(bytes([number]) * 2424).decode()}\n"
        for number in range(16)
    )
    note = parse(f"{body}\n— {HEAD.origin} {line}\n{witnesses}")
    assert note.checkpoint == HEAD
    assert len(note.signatures) == 17
    assert note.signed_by(VerifierKey(HEAD.origin, signer.public_key), check)


@given(
    st.text(
        st.characters(min_codepoint=0x21, max_codepoint=0x2FF, exclude_characters="+\x7f\x85\xa0"),
        min_size=1,
        max_size=40,
    ),
    st.integers(0, 2**63 - 1),
    st.binary(min_size=32, max_size=32),
)
def test_what_is_written_is_read(origin: str, size: int, root: bytes) -> None:
    head = Checkpoint(origin, size, root)
    read = parse(sign(head, SIGNER))
    assert read.checkpoint == head
    assert read.text == head.body()
    assert read.signed_by(VerifierKey(origin, SIGNER.public_key), check)


@given(st.integers(0, 10_000))
def test_one_flipped_bit_of_a_note_is_refused(at: int) -> None:
    raw = bytearray(FIXED)
    raw[at // 8 % len(raw)] ^= 1 << at % 8
    try:
        note = parse(raw.decode())
    except (CheckpointInvalid, UnicodeDecodeError):
        return
    assert not note.signed_by(VerifierKey(HEAD.origin, SIGNER.public_key), check)


@pytest.mark.parametrize("name", ["", "with space", "with+plus", "with\nline"])
def test_names_that_would_break_the_format_are_refused(name: str) -> None:
    with pytest.raises(CheckpointInvalid):
        VerifierKey(name, bytes(32))
    if name:
        with pytest.raises(CheckpointInvalid):
            origin_of("demo", name)


@given(st.integers(0, 6), st.integers(0, 400))
def test_a_file_of_notes_cut_anywhere_gives_whole_notes_only(count: int, cut: int) -> None:
    signer = Key()
    notes = [sign(Checkpoint(HEAD.origin, size, bytes(32)), signer) for size in range(count)]
    whole = "".join(note + "\n" for note in notes)
    assert list(split_notes(io.StringIO(whole))) == notes
    kept = list(split_notes(io.StringIO(whole[: max(0, len(whole) - cut)])))
    assert kept == notes[: len(kept)]
