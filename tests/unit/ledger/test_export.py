"""An export read back: the entry's bytes are the leaf, and a broken line is a finding, not a crash."""

import json
from pathlib import Path
from uuid import UUID

import pytest

from service.ledger.entry import leaf_bytes
from service.ledger.export import ExportSource, header_line
from service.ledger.merkle import leaf_hash
from service.ledger.verify import Report, UnreadableError, verify
from service.ledger.walk import Kind
from tests.unit.ledger.test_verify import ORIGIN, SIGNER, trail

TREE = UUID(int=9)


def exported() -> list[bytes]:
    lines = [header_line(TREE, ORIGIN)]
    notes = {int(note.split("\n")[1]): note for note in trail().notes}
    for leaf in trail().held:
        assert leaf.row is not None
        text = leaf_bytes(leaf.row)
        tail = b',"leaf_hash":"%b","position":%d}\n' % (leaf.leaf_hash.hex().encode(), leaf.position)
        lines.append(b'{"entry":' + text + tail)
        if leaf.position + 1 in notes:
            lines.append(
                json.dumps({"checkpoint": notes[leaf.position + 1]}, separators=(",", ":")).encode() + b"\n"
            )
    return lines


def check(tmp_path: Path, lines: list[bytes]) -> Report:
    path = tmp_path / "trail.ndjson"
    path.write_bytes(b"".join(lines))
    source = ExportSource(path)
    origin, tree = source.header()
    assert tree == TREE
    return verify(source, origin, public_key=SIGNER.public_key)


def test_every_line_is_json_and_the_entry_is_the_leaf(tmp_path: Path) -> None:
    lines = exported()
    for line in lines:
        found = json.loads(line)
        if "entry" in found:
            again = json.dumps(
                found["entry"], sort_keys=True, separators=(",", ":"), ensure_ascii=False
            ).encode()
            assert leaf_hash(again).hex() == found["leaf_hash"]
    report = check(tmp_path, lines)
    assert report.intact, report.findings
    assert (report.entries, report.checkpoints) == (16, 5)


@pytest.mark.parametrize("byte", [0, 8, 60, 300, -2, -20, -90])
def test_one_flipped_bit_anywhere_in_a_line(tmp_path: Path, byte: int) -> None:
    lines = exported()
    line = bytearray(lines[3])
    line[byte] ^= 1
    lines[3] = bytes(line)
    report = check(tmp_path, lines)
    assert report.first is not None
    assert report.first.position == 2


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (b"not json\n", Kind.ALTERED),
        (b'{"entry":{}\n', Kind.ALTERED),
        (b'{"entry":{"id":"x"},"leaf_hash":"' + b"0" * 64 + b'","position":2}\n', Kind.MISSING),
        (b'{"entry":{"a":"\\ud800"},"leaf_hash":"' + b"0" * 64 + b'","position":2}\n', Kind.ALTERED),
        (b'{"entry":[[[[,"leaf_hash":"' + b"0" * 64 + b'","position":2}\n', Kind.ALTERED),
        (b'{"entry":[],"leaf_hash":"' + b"0" * 64 + b'","position":02}\n', Kind.ALTERED),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: bytes, kind: Kind) -> None:
    lines = exported()
    lines[3] = line
    report = check(tmp_path, lines)
    assert report.first is not None
    assert (report.first.kind, report.first.position) == (kind, 2)


def test_a_broken_checkpoint_line(tmp_path: Path) -> None:
    lines = exported()
    lines[4] = b'{"checkpoint":3\n'
    assert not check(tmp_path, lines).intact
    lines[4] = b'{"checkpoint":["\\u0000"]}\n'
    assert not check(tmp_path, lines).intact


@pytest.mark.parametrize("header", [b"", b"x\n", b"[]\n", b"{}\n", b'{"consentry_ledger_export":2,"origin":"a"}\n',
                                    b'{"consentry_ledger_export":1,"origin":"a","tree":"b"}\n'])  # fmt: skip
def test_what_is_no_export(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(header)
    with pytest.raises(UnreadableError):
        ExportSource(path).header()
