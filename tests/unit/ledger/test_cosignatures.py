"""C2SP tlog-cosignature: the published one is read, its message rebuilt; known witnesses count, others are refused."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from service.ledger.checkpoint import Checkpoint, CheckpointInvalid, VerifierKey, parse, sign
from service.ledger.cosignatures import (
    Cosignature,
    WitnessKey,
    cosignatures,
    signed_message,
    with_cosignatures,
)
from service.ledger.verify import signature_is_right
from tests.ledger_entries import Key

#: From c2sp.org/tlog-cosignature.
PUBLISHED = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)
PUBLISHED_MESSAGE = (
    b"cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n"
    b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
)
NOW = 1_771_228_800
HEAD = Checkpoint("consentry/test/cedar", 7, bytes(range(32)))
NOTE = sign(HEAD, Key())
LOG = (HEAD.origin, VerifierKey(HEAD.origin, Key().public_key).key_id)


class Witness:
    """A witness with a key of its own."""

    def __init__(self, name: str = "witness.example/w1", seed: int = 9) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.key = WitnessKey(name, self._private.public_key().public_bytes_raw())

    def signs(self, note: str = NOTE, time: int = NOW, signed_time: int | None = None) -> Cosignature:
        message = signed_message(time if signed_time is None else signed_time, parse(note).text)
        signature = time.to_bytes(8, "big") + self._private.sign(message)
        return Cosignature(self.key.name, self.key.key_id, signature)


def found(note: str, *witnesses: Witness, now: int = NOW) -> list[Cosignature]:
    return cosignatures(parse(note), LOG, [one.key for one in witnesses], signature_is_right, now)


def test_the_published_cosignature_is_read() -> None:
    name, key_id, raw = parse(PUBLISHED).signatures[1]
    read = Cosignature(name, key_id, raw)
    assert (read.name, read.time, len(raw)) == ("witness.example.com/w1", 1679315147, 72)
    assert signed_message(read.time, parse(PUBLISHED).text) == PUBLISHED_MESSAGE
    assert PUBLISHED.endswith("\n" + read.line)


def test_the_key_id_is_that_of_type_four() -> None:
    key = Witness().key
    assert key.key_id == hashlib.sha256(b"witness.example/w1\n\x04" + key.public_key).digest()[:4]
    assert key.key_id != VerifierKey(key.name, key.public_key).key_id
    assert WitnessKey.parse(str(key)) == key
    assert base64.b64decode(str(key).split("+", 2)[2])[:1] == b"\x04"


def test_what_known_witnesses_signed_is_taken_and_served_below_the_logs_own() -> None:
    one, two = Witness(), Witness("witness.example/w2", 10)
    note = with_cosignatures(NOTE, [one.signs(), two.signs(time=NOW - 5)])
    assert note.startswith(NOTE)
    assert found(note, one, two) == [one.signs(), two.signs(time=NOW - 5)]
    assert parse(note).signed_by(VerifierKey(HEAD.origin, Key().public_key), signature_is_right)
    assert parse(note).text == parse(NOTE).text


def test_everything_else_is_refused_whole() -> None:
    one, two = Witness(), Witness("witness.example/w2", 10)
    same_name = Witness(one.key.name, 11)
    good = one.signs()
    for lines, known in [
        ([], [one]),
        ([good], []),
        ([good], [two]),
        ([good], [same_name]),
        ([good, two.signs()], [one]),
        ([good, good], [one]),
        ([one.signs(signed_time=NOW - 1)], [one]),
        ([one.signs(time=NOW + 1)], [one]),
        ([one.signs(time=0)], [one]),
        ([one.signs(time=2**63)], [one]),
        ([one.signs(sign(Checkpoint(HEAD.origin, 8, HEAD.root), Key()))], [one]),
        ([Cosignature(good.name, good.key_id, good.signature[:-1])], [one]),
        ([Cosignature(good.name, good.key_id, good.signature + b"\0")], [one]),
        ([Cosignature(good.name, two.key.key_id, good.signature)], [one, two]),
    ]:
        with pytest.raises(CheckpointInvalid):
            found(with_cosignatures(NOTE, lines), *known, now=NOW)
    # the plain signature of a witness's key over the text is not a cosignature
    plain = sign(HEAD, Key()) + NOTE.partition("\n\n")[2].replace(HEAD.origin, one.key.name)
    with pytest.raises(CheckpointInvalid):
        found(plain, one)


@given(st.integers(0, 72 * 8 - 1))
def test_one_flipped_bit_is_refused(bit: int) -> None:
    one = Witness()
    raw = bytearray(one.signs().signature)
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CheckpointInvalid):
        changed = Cosignature(one.key.name, one.key.key_id, bytes(raw))
        found(with_cosignatures(NOTE, [changed]), one, now=2**63 - 1)


@pytest.mark.parametrize("broken", ["", "a", "a+b", "a+b+c", str(VerifierKey("a", bytes(32)))])
def test_what_is_no_witness_key_is_refused(broken: str) -> None:
    with pytest.raises(CheckpointInvalid):
        WitnessKey.parse(broken)


def test_a_witness_key_whose_parts_do_not_fit_is_refused() -> None:
    text = str(Witness().key)
    name, key_id, key = text.split("+", 2)
    for broken in (
        f"{name}x+{key_id}+{key}", f"{name}+00000000+{key}", f"{name}+{key_id}+{key[:-4]}",
        f"{name}+{key_id}0+{key}",
    ):  # fmt: skip
        with pytest.raises(CheckpointInvalid):
            WitnessKey.parse(broken)
    with pytest.raises(CheckpointInvalid):
        WitnessKey("a b", bytes(32))
    with pytest.raises(CheckpointInvalid):
        WitnessKey("a", bytes(31))
