"""The import contracts of pyproject.toml hold, and each turns red when something is planted against it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

_LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"

#: module -> a line planted into it, and the name (its beginning) of the contract it must break.
PLANTED = {
    "people/patient.py": ("from service.consent import model as planted", "Dependencies point down"),
    "consent/match.py": ("import sqlalchemy as planted", "Rules know no database"),
    "record/operations.py": ("from service.store.tables import record as planted", "Tables are reached only"),
    "work.py": ("import cedarpy as planted", "Cedar is asked in one place"),
    "edge/deps.py": ("from jose import jws as planted", "Tokens are read and made"),
    "ledger/append.py": ("import cryptography as planted", "Keys and ciphers stay"),
    "ledger/verify.py": ("from service.vault import signing as planted", "The verifier stands alone"),
}


def lint(folder: Path) -> str:
    """What import-linter says about a copy of the service; its exit status comes last."""
    done = subprocess.run(
        [sys.executable, "-c", _LINT], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    return " ".join(done.stdout.split()) + f" exit {done.returncode}"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "service", tmp_path / "service", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contracts_hold(copy: Path) -> None:
    said = lint(copy)
    assert "BROKEN" not in said
    assert said.endswith("0 broken. exit 0")


def test_every_contract_can_be_broken(copy: Path) -> None:
    for module, (line, _) in PLANTED.items():
        path = copy / "service" / module
        path.write_text(f"{path.read_text()}\n{line}\n")
    said = lint(copy)
    for _, contract in PLANTED.values():
        begins = said.index(contract)
        assert "BROKEN" in said[begins : begins + 120].split(" KEPT")[0], contract
    assert said.endswith("exit 1")


def test_a_module_outside_the_layers_is_refused(copy: Path) -> None:
    (copy / "service" / "stray.py").write_text('"""Belongs nowhere."""\n')
    said = lint(copy)
    assert "stray" in said
    assert said.endswith("exit 1")
