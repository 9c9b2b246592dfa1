"""O-31: a service that has not exactly its keys does not start, makes none of its own, and leaves everything as it was.

`tests/unit/vault/test_keyring.py` has every way in which the file can be wrong; here is what a start makes of them.
"""

import base64
import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from service.app import open_state
from service.cli.main import app
from service.errors import StartRefused
from service.vault import keyring
from service.vault.epochfile import EpochFile
from tests.house import House
from tests.keystores import AwsStub

pytestmark = pytest.mark.shows("O-31")
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def rewrite(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.unlink()
    path.write_text(json.dumps(document))
    path.chmod(0o400)


def set_key(key: bytes) -> Callable[[Path], None]:
    encoded = base64.b64encode(key).decode()
    return lambda path: rewrite(path, lambda document: document["epochs"][0].update(key=encoded))


def foreign(path: Path) -> None:
    path.unlink()
    keyring.init(path, NOW)


def duplicate(path: Path) -> None:
    rewrite(path, lambda document: document["epochs"].append(dict(document["epochs"][0])))


FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "missing": (Path.unlink, "No keyring"),
    "short": (set_key(os.urandom(16)), "32 bytes"),
    "wrong": (foreign, "another deployment"),
    "other-key": (set_key(os.urandom(32)), "another deployment"),
    "world-readable": (lambda path: path.chmod(0o444), "open to others"),
    "placeholder": (set_key(b"changeme" * 4), "placeholder"),
    "duplicate": (duplicate, "one id twice"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_without_exactly_its_keys_a_service_does_not_start(house: House, tmp_path: Path, fault: str) -> None:
    spoil, message = FAULTS[fault]
    path = keyring.keyring_path(tmp_path)
    path.parent.mkdir(mode=0o700)
    path.write_bytes(house.settings.keyring.read_bytes())
    path.chmod(0o400)
    spoil(path)
    left = path.read_bytes() if path.exists() else None
    with house.superuser() as db:
        keys = db.execute("SELECT count(*), max(created_at) FROM vault_key").fetchone()
        portal = house.http.portal
        assert portal is not None
        with pytest.raises(StartRefused, match=message) as refusal:
            portal.call(open_state, replace(house.settings, data=tmp_path), house.clock)
        assert refusal.value.code.value == "sealed"
        assert db.execute("SELECT count(*), max(created_at) FROM vault_key").fetchone() == keys
    assert (path.read_bytes() if path.exists() else None) == left
    assert [file.name for file in path.parent.iterdir()] == ([] if left is None else ["keyring.json"])


def test_a_remote_key_store_is_set_up_by_a_command_and_never_in_place_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    stub = AwsStub()
    try:
        command = ["keys", "init", "--data", str(tmp_path), "--store", "aws"]
        command += ["--set", "region=us-east-1", "--set", f"endpoint={stub.url}"]
        made = CliRunner().invoke(app, command)
        assert made.exit_code == 0, made.output
        plan = EpochFile(tmp_path / "keys" / "kms.json").plan
        assert (plan.provider, plan.active.reference in stub.keys, len(stub.keys)) == ("aws", True, 1)
        again = CliRunner().invoke(app, command)
        assert isinstance(again.exception, StartRefused)
        assert len(stub.keys) == 1
    finally:
        stub.stop()
