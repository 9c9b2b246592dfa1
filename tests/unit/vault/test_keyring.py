"""The keyring file: made once, never replaced, and refused in every state in which it must not be used."""

import base64
import json
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service.errors import IntegrityError
from service.vault import keyring
from service.vault.keyring import VaultSealed

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = keyring.keyring_path(tmp_path)
    keyring.init(made, NOW)
    return made


def rewrite(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    document = json.loads(path.read_text())
    change(document)
    replace(path, json.dumps(document).encode())


def replace(path: Path, content: bytes, mode: int = 0o400) -> None:
    path.unlink()
    path.write_bytes(content)
    path.chmod(mode)


def second_epoch(document: dict[str, Any]) -> None:
    key = base64.b64encode(os.urandom(32)).decode()
    document["epochs"].append({"id": os.urandom(16).hex(), "key": key, "created": NOW.isoformat()})


def test_a_new_keyring_is_readable_by_its_owner_alone_and_loads(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [file.name for file in path.parent.iterdir()] == ["keyring.json"]
    loaded = keyring.load(path)
    kek_id, wrapped = loaded.wrap(b"s" * 32, b"place")
    assert kek_id == loaded.active_id
    assert keyring.load(path).unwrap(kek_id, wrapped, b"place") == b"s" * 32


def test_two_keyrings_have_nothing_in_common(path: Path, tmp_path: Path) -> None:
    other = keyring.keyring_path(tmp_path / "other")
    keyring.init(other, NOW)
    kek_id, wrapped = keyring.load(path).wrap(b"secret", b"")
    with pytest.raises(IntegrityError):
        keyring.load(other).unwrap(kek_id, wrapped, b"")


def test_the_mode_does_not_depend_on_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made = keyring.keyring_path(tmp_path / "data")
        keyring.init(made, NOW)
    finally:
        os.umask(before)
    assert stat.S_IMODE(made.stat().st_mode) == 0o400
    assert stat.S_IMODE(made.parent.stat().st_mode) == 0o700


def test_init_never_replaces_a_keyring(path: Path) -> None:
    content = path.read_bytes()
    with pytest.raises(VaultSealed, match="never replaced"):
        keyring.init(path, NOW)
    assert path.read_bytes() == content
    assert [file.name for file in path.parent.iterdir()] == ["keyring.json"]


def test_init_does_not_replace_a_broken_one_either(path: Path) -> None:
    replace(path, b"{")
    with pytest.raises(VaultSealed, match="never replaced"):
        keyring.init(path, NOW)
    assert path.read_bytes() == b"{"


def test_a_missing_keyring_is_said_and_not_made(tmp_path: Path) -> None:
    path = keyring.keyring_path(tmp_path)
    with pytest.raises(VaultSealed, match="consentry keys init"):
        keyring.load(path)
    path.parent.mkdir(mode=0o700)
    with pytest.raises(VaultSealed, match="consentry keys init"):
        keyring.load(path)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("mode", [0o440, 0o404, 0o420, 0o402, 0o410, 0o401, 0o644, 0o777])
def test_a_keyring_open_to_others_is_refused(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(VaultSealed, match="open to others"):
        keyring.load(path)


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_a_key_directory_that_others_can_change_is_refused(path: Path, mode: int) -> None:
    path.parent.chmod(mode)
    with pytest.raises(VaultSealed, match="changed by others"):
        keyring.load(path)


def test_what_is_not_a_regular_file_is_refused(path: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.json"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    with pytest.raises(VaultSealed, match="regular file"):
        keyring.load(path)
    path.unlink()
    path.mkdir(mode=0o700)
    with pytest.raises(VaultSealed, match="regular file"):
        keyring.load(path)
    path.rmdir()
    os.mkfifo(path, 0o400)
    with pytest.raises(VaultSealed, match="regular file"):  # and at once: a pipe must not hang the start
        keyring.load(path)


def test_the_directory_of_the_keyring_must_be_one(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("")
    with pytest.raises(VaultSealed):
        keyring.load(keyring.keyring_path(tmp_path))


def set_key(encoded: object) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        document["epochs"][0]["key"] = encoded

    return change


def set_field(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        document[name] = value

    return change


def set_epoch(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        document["epochs"][0][name] = value

    return change


def list_twice(document: dict[str, Any]) -> None:
    document["epochs"].append(dict(document["epochs"][0]))


FAULTS: list[tuple[str, Callable[[dict[str, Any]], None]]] = [
    ("32 bytes", set_key(base64.b64encode(os.urandom(16)).decode())),
    ("32 bytes", set_key(base64.b64encode(os.urandom(33)).decode())),
    ("32 bytes", set_key("")),
    ("malformed key", set_key("not base64!")),
    ("malformed key", set_key("käse")),
    ("malformed key", set_key(7)),
    ("placeholder", set_key(base64.b64encode(bytes(32)).decode())),
    ("placeholder", set_key(base64.b64encode(b"changeme" * 4).decode())),
    ("malformed key", set_epoch("created", "yesterday")),
    ("malformed key", set_epoch("created", None)),
    ("malformed key id", set_epoch("id", "00")),
    ("malformed key id", set_epoch("id", 7)),
    ("malformed key id", set_field("active", None)),
    ("active key", set_field("active", "00" * 16)),
    ("unknown format", set_field("format", "consentry-keyring-2")),
    ("fields", set_field("extra", 1)),
    ("fields", set_epoch("extra", 1)),
    ("lists no keys", set_field("epochs", [])),
    ("lists no keys", set_field("epochs", {})),
    ("fields", set_field("epochs", ["x"])),
    ("one id twice", list_twice),
]


@pytest.mark.parametrize(("message", "change"), FAULTS)
def test_a_faulty_keyring_is_refused(
    path: Path, message: str, change: Callable[[dict[str, Any]], None]
) -> None:
    rewrite(path, change)
    with pytest.raises(VaultSealed, match=message):
        keyring.load(path)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"null", b"[]", b"\xff\xfe", b"[" * 100_000, b"x" * (1 << 21)]
)
def test_a_damaged_keyring_is_refused(path: Path, content: bytes) -> None:
    replace(path, content)
    with pytest.raises(VaultSealed):
        keyring.load(path)


def test_refusals_do_not_show_the_key(path: Path) -> None:
    secret = base64.b64encode(os.urandom(16)).decode()
    rewrite(path, set_key(secret))
    with pytest.raises(VaultSealed) as refusal:
        keyring.load(path)
    assert secret not in str(refusal.value) + refusal.value.detail


def test_older_epochs_still_unwrap_and_the_active_one_wraps(path: Path) -> None:
    old = keyring.load(path)
    old_id, wrapped = old.wrap(b"secret", b"place")

    def rotate(document: dict[str, Any]) -> None:
        second_epoch(document)
        document["active"] = document["epochs"][1]["id"]

    rewrite(path, rotate)
    new = keyring.load(path)
    assert new.active_id != old_id
    assert new.knows(old_id)
    assert new.unwrap(old_id, wrapped, b"place") == b"secret"
    new_id, _ = new.wrap(b"secret", b"place")
    assert new_id == new.active_id
    # another process that has the file open since before goes along from its next call on
    assert old.knows(new_id)
    assert old.active_id == new_id
    assert old.wrap(b"secret", b"place")[0] == new_id


def test_what_a_killed_writer_left_goes_with_the_next_change(path: Path) -> None:
    """It holds every key of its time: one that ends later must not lie there for good."""
    left, other = path.with_name(f".{path.name}.0123456789abcdef"), path.with_name("notes.txt")
    for one in (left, other):
        one.write_bytes(path.read_bytes())
    ring = keyring.load(path)
    first = ring.active_id
    ring.begin_epoch(NOW)
    assert sorted(one.name for one in path.parent.iterdir()) == [path.name, other.name]
    left.write_bytes(path.read_bytes())
    ring.end_epoch(first)
    assert sorted(one.name for one in path.parent.iterdir()) == [path.name, other.name]


def test_a_wrapped_key_opens_only_as_what_it_is(path: Path) -> None:
    ring = keyring.load(path)
    kek_id, wrapped = ring.wrap(b"secret of 32 bytes..............", b"patient 1")
    with pytest.raises(IntegrityError):
        ring.unwrap(kek_id, wrapped, b"patient 2")
    for position in range(len(wrapped)):
        for bit in range(8):
            bent = bytearray(wrapped)
            bent[position] ^= 1 << bit
            with pytest.raises(IntegrityError):
                ring.unwrap(kek_id, bytes(bent), b"patient 1")
    for end in range(len(wrapped)):
        with pytest.raises(IntegrityError):
            ring.unwrap(kek_id, wrapped[:end], b"patient 1")


def test_nothing_of_a_keyring_prints(path: Path) -> None:
    ring = keyring.load(path)
    key = json.loads(path.read_text())["epochs"][0]["key"]
    shown = f"{ring!r} {ring} {ring.__dict__!r}"
    assert key not in shown
    assert repr(base64.b64decode(key)) not in shown
