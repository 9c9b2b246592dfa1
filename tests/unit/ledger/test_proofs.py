"""C2SP tlog-proof: what is written is read, what is read strictly holds or does not."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.ledger.checkpoint import Checkpoint, VerifierKey, sign
from service.ledger.merkle import Frontier, inclusion_proof, leaf_hash
from service.ledger.proofs import ProofInvalid, TlogProof
from service.ledger.verify import signature_is_right
from tests.ledger_entries import Key

ORIGIN = "consentry/test/proofs"
LEAVES = [f"leaf {number}".encode() for number in range(11)]
LOG = VerifierKey(ORIGIN, Key().public_key)


def root_of(first: int, last: int) -> bytes:
    return Frontier().extended(leaf_hash(leaf) for leaf in LEAVES[first:last]).root()


def proof(index: int = 4, size: int = 11) -> TlogProof:
    note = sign(Checkpoint(ORIGIN, size, root_of(0, size)), Key())
    return TlogProof(index, tuple(inclusion_proof(index, size, root_of)), note, LEAVES[index])


def test_the_text_has_the_lines_of_the_format() -> None:
    made = proof(2, 5)
    lines = str(made).split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert lines[1] == "extra " + base64.b64encode(LEAVES[2]).decode()
    assert lines[2] == "index 2"
    assert [base64.b64decode(line) for line in lines[3:6]] == list(made.hashes)
    assert lines[6] == ""
    assert "\n".join(lines[7:]) == made.checkpoint
    bare = TlogProof(made.index, made.hashes, made.checkpoint)
    assert str(bare).split("\n")[1] == "index 2"
    assert TlogProof.parse(str(bare)) == bare


@pytest.mark.parametrize("size", [1, 2, 8, 11])
def test_every_entry_is_proven_by_its_text_alone(size: int) -> None:
    for index in range(size):
        read = TlogProof.parse(str(proof(index, size)))
        assert read.extra is not None
        note = read.verify(read.extra, LOG, signature_is_right)
        assert note.checkpoint.size == size


@given(
    st.integers(0, 2**63 - 1),
    st.lists(st.binary(min_size=32, max_size=32), max_size=63),
    st.one_of(st.none(), st.binary(max_size=2000)),
)
def test_what_is_written_is_read(index: int, hashes: list[bytes], extra: bytes | None) -> None:
    made = TlogProof(index, tuple(hashes), proof().checkpoint, extra)
    assert TlogProof.parse(str(made)) == made


def test_what_does_not_hold_is_refused() -> None:
    made = proof()
    leaf = LEAVES[4]
    other = VerifierKey("consentry/test/other", Key().public_key)
    stranger = VerifierKey(ORIGIN, bytes(range(32)))
    for wrong, about, log in [
        (made, b"leaf 5", LOG),
        (TlogProof(5, made.hashes, made.checkpoint), leaf, LOG),
        (TlogProof(4, made.hashes[:-1], made.checkpoint), leaf, LOG),
        (TlogProof(4, (*made.hashes, bytes(32)), made.checkpoint), leaf, LOG),
        (TlogProof(4, made.hashes[::-1], made.checkpoint), leaf, LOG),
        (TlogProof(4, made.hashes, proof(4, 10).checkpoint), leaf, LOG),
        (TlogProof(11, made.hashes, made.checkpoint), leaf, LOG),
        (made, leaf, other),
        (made, leaf, stranger),
    ]:
        with pytest.raises(ProofInvalid):
            wrong.verify(about, log, signature_is_right)


def test_one_changed_character_is_refused_or_means_the_same() -> None:
    text = str(proof(2, 5))
    for at, was in enumerate(text):
        for character in ("A", "\n", "="):
            if character == was:
                continue
            changed = text[:at] + character + text[at + 1 :]
            try:
                read = TlogProof.parse(changed)
                read.verify(read.extra or b"", LOG, signature_is_right)
            except ProofInvalid:
                continue
            pytest.fail(f"accepted {changed!r}")


TEXT = str(proof(2, 5))


@pytest.mark.parametrize(
    "broken",
    [
        "",
        TEXT.replace("@v1", "@v2"),
        " " + TEXT,
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("\n\n", "\n", 1),
        TEXT.replace("index 2", "index 02"),
        TEXT.replace("index 2", "index -2"),
        TEXT.replace("index 2", "index +2"),
        TEXT.replace("index 2", "index  2"),
        TEXT.replace("index 2", "index \u0662"),
        TEXT.replace("index 2", "index 9223372036854775808"),
        TEXT.replace("index 2\n", ""),
        TEXT.replace("extra ", "extra  "),
        TEXT.replace("extra ", "more "),
        TEXT.replace("=\n", "\n", 1),
        TEXT.replace("index 2\n", "index 2\n" + base64.b64encode(bytes(31)).decode() + "\n"),
        TEXT.replace("index 2\n", "index 2\n" + (base64.b64encode(bytes(32)).decode() + "\n") * 64),
        TEXT[:-1],
        TEXT.partition("\n\n")[0] + "\n\n",
    ],
)
def test_what_is_no_proof_is_refused(broken: str) -> None:
    with pytest.raises(ProofInvalid):
        TlogProof.parse(broken)
