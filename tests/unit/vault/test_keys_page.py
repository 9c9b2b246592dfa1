"""The example of docs/keys.md is a sealed value as the page says it is made; the reserved suite opens nothing."""

import re
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.errors import IntegrityError
from service.store.types import Sealed
from service.vault.envelope import SUITE_COMMITTING_RESERVED, RowKey, SealedTable, open_row
from service.vault.keys import DataKey

PAGE = (Path(__file__).parents[3] / "docs" / "keys.md").read_text()
KEY = DataKey(bytes.fromhex("00112233445566778899aabbccddeeff"), bytes(range(32)))
TABLE = SealedTable("patient", ("demographics",))
PROGRAM, ROW, PATIENT = (UUID(f"019e830e-1a00-7000-8000-00000000000{n}") for n in (1, 2, 3))


def example() -> bytes:
    found = re.search(r"```\n([0-9a-f]{60,})\n```", PAGE)
    assert found is not None
    return bytes.fromhex(found[1])


def opened(envelope: bytes) -> object:
    row = RowKey(PROGRAM, ROW, 1, PATIENT)
    return open_row({KEY.start: KEY}, TABLE, row, {"demographics": Sealed(envelope)})["demographics"]


def test_the_example_opens_here_and_by_the_words_of_the_page_alone() -> None:
    envelope = example()
    assert opened(envelope) == {"given_name": "Zelda"}
    parts = PROGRAM.bytes, b"patient", b"demographics", ROW.bytes, (1).to_bytes(8, "big"), PATIENT.bytes
    place = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    plain = AESGCM(bytes(range(32))).decrypt(envelope[18:30], envelope[30:], envelope[:30] + place)
    assert plain == b'{"given_name":"Zelda"}'


@pytest.mark.parametrize("suite", [0, SUITE_COMMITTING_RESERVED, 255])
def test_another_suite_is_refused(suite: int) -> None:
    envelope = bytearray(example())
    envelope[1] = suite
    with pytest.raises(IntegrityError):
        opened(bytes(envelope))
