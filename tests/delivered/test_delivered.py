"""O-28: what is delivered is what is pinned, listed, looked at and scanned; what a scan skipped has failed.

The rules that semgrep would be given for this project (who may commit, read clocks, send statements, swallow errors) are
tests/architecture/rules.py, each with a planted fault; semgrep itself is not run.
"""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.markers import Marker
from packaging.version import Version

from service.config import ROOT
from tests.delivered import scan
from tests.delivered.lock import DEVELOPMENT, KEY_STORES, RUN, asked_for, locked, read
from tests.delivered.sbom import PATH, written
from tests.showing import Counted

pytestmark = pytest.mark.shows("O-28")

#: What the scan for secrets leaves out: hashes of packages, and what it was told before.
NO_SECRETS = {"requirements.txt", "requirements-kms.txt", "requirements-dev.txt", ".secrets.baseline"}
HASH = "    --hash=sha256:" + "0" * 64


def _make(*arguments: str) -> str:
    done = subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


# -- pinned ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [RUN, KEY_STORES, DEVELOPMENT], ids=lambda path: path.name)
def test_every_package_is_pinned_under_hashes(path: Path, counted: Counted) -> None:
    pins = locked(path)
    assert {name.replace(".", "-") for name in asked_for(path.with_suffix(".in"))} <= set(pins)
    assert all(pin.hashes for pin in pins.values())
    counted("packages pinned", len(pins))


def test_what_runs_is_pinned_alike_wherever_it_is_installed() -> None:
    run, stores, development = locked(RUN), locked(KEY_STORES), locked(DEVELOPMENT)
    for larger in (stores, development):
        assert {name: larger[name] for name in run} == run
    assert {name: development[name] for name in stores} == stores


@pytest.mark.parametrize(
    "text",
    [
        "rich==15.0.0\n",
        "rich==15.0.0 \\\n",
        f"rich>=15.0.0 \\\n{HASH}\n",
        f"rich @ https://example.test/rich.whl \\\n{HASH}\n",
        "--extra-index-url https://example.test\n",
        "-e .\n",
        f"rich==15.0.0 \\\n{HASH[:-1]}\n",
        "rich==15.0.0 \\\n    --hash=md5:00\n",
    ],
)
def test_what_is_not_pinned_is_no_lock(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a pin|no hash"):
        read(text)


def test_what_is_installed_here_is_what_is_pinned() -> None:
    here = {
        re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower(): found.version for found in distributions()
    }
    for name, pin in locked(DEVELOPMENT).items():
        if pin.marker is None or Marker(pin.marker).evaluate():
            assert here.get(name) == pin.version, name


def test_every_installation_asks_for_the_hashes() -> None:
    """What `make` runs on an empty environment: from a lock with its hashes, or this project without an index."""
    installs = [line for line in (ROOT / "Makefile").read_text().splitlines() if "pip install" in line]
    assert len(installs) == 3
    for line in installs:
        assert (
            "--require-hashes -r requirements" in line
            or "--no-deps --no-build-isolation --no-index -e ." in line
        )


# -- listed and looked at ----------------------------------------------------------------------------------------------


def test_the_list_is_the_lock() -> None:
    """`make sbom` writes it again."""
    assert PATH.read_text() == written()
    listed = {one["name"]: one["version"] for one in json.loads(PATH.read_text())["components"]}
    assert listed == {name: pin.version for name, pin in {**locked(KEY_STORES), **locked(RUN)}.items()}


def _advisories() -> dict[str, dict[str, Any]]:
    return yaml.safe_load((ROOT / "advisories.yaml").read_text())["packages"]


def test_every_package_was_looked_at_in_this_version(counted: Counted) -> None:
    looked = {name: one["looked_at"] for name, one in _advisories().items()}
    assert looked == {name: pin.version for name, pin in {**locked(KEY_STORES), **locked(RUN)}.items()}
    counted("packages looked at", len(looked))


def test_nothing_known_is_open() -> None:
    for name, one in _advisories().items():
        for advisory in one.get("fixed", []):
            assert Version(advisory["below"]) <= Version(one["looked_at"]), (name, advisory["id"])
        for advisory in one.get("standing", []):
            assert len(advisory["because"]) > 20, (name, advisory["id"])


def test_the_reason_for_what_stands_holds() -> None:
    """ecdsa is installed, and reading a token, which alone would need it, does not load it."""
    asked = "import sys, service.identity.tokens; print(*(name for name in sys.modules if name == 'ecdsa'))"
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


# -- scanned -----------------------------------------------------------------------------------------------------------


def test_a_scan_finds_what_is_planted_and_says_what_it_could_not_read(tmp_path: Path) -> None:
    (tmp_path / "service").mkdir()
    (tmp_path / "service" / "shell.py").write_text(
        "import subprocess\nsubprocess.call(input(), shell=True)\n"
    )
    (tmp_path / "service" / "torn.py").write_text("def f(:\n")
    found = list(scan.findings(tmp_path, ("service",)))
    assert len(found) == 2
    assert found[0].startswith("service/shell.py:2: B602")
    assert found[1].startswith("service/torn.py: not looked at")


def test_a_planted_secret_is_found(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text(f"key = '{'AK' + 'IA' + 'Q' * 4 + 'ZXCV' * 3}'\n")
    shutil.copy(ROOT / ".secrets.baseline", tmp_path / "baseline")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)  # it looks at nothing outside of one
    hook = Path(sys.executable).with_name("detect-secrets-hook")
    command = [str(hook), "--no-verify", "--baseline", "baseline", planted.name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "AWS Access Key" in done.stdout


def test_the_scan_for_secrets_is_given_every_file(counted: Counted) -> None:
    given = set(_make("-s", "--eval", "given: ; @$(ALL_FILES) | tr '\\0' '\\n'", "given").splitlines())
    there = {
        str(path.relative_to(ROOT)) for top in _kept() for path in (top, *top.rglob("*")) if path.is_file()
    }
    left_out = {name for name in there - given if "__pycache__" not in name}
    assert left_out == NO_SECRETS
    counted("files scanned for secrets", len(there & given))


def _kept() -> Iterator[Path]:
    """What stands at the top of the repository, without what building and measuring leave there."""
    for path in ROOT.iterdir():
        kept = path.name in (".ci", ".gitignore", ".secrets.baseline") or path.name[0] != "."
        if (
            kept
            and path.name not in ("build", "htmlcov")
            and not path.match("*.egg-info")
            and not path.match("bench-*")
        ):
            yield path


def test_the_gate_runs_every_scan_and_every_test() -> None:
    gate = (ROOT / ".ci" / "run").read_text().splitlines()
    assert "set -eu" in gate
    assert gate[-2:] == ["make check", "make test"]
    recipe = _make("-n", "check")
    for step in (
        "ruff check .", "ruff format --check .", "bin/pyright", "lint-imports", "policies check", "migrate --check",
        "-m tests.delivered.scan", "detect-secrets-hook --no-verify",
    ):  # fmt: skip
        assert step in recipe, step
    assert "|| true" not in recipe
    steps = (ROOT / "Makefile").read_text().partition("\ncheck:")[2].partition("\n\n")[0]
    assert "\n\t-" not in steps, "a step whose failure is ignored"


# -- delivered ---------------------------------------------------------------------------------------------------------


def test_no_test_and_no_key_is_in_the_wheel(tmp_path: Path, counted: Counted) -> None:
    """Built without a network from the files that are kept: all of it is the service, all of the service is in it."""
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("service", "tests", "migrations"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    build = f"from setuptools import build_meta; build_meta.build_wheel({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=source, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    assert {name.split("/")[0] for name in names} == {"service"}
    assert not [name for name in names if "test" in Path(name).stem.lower().split("_")]
    assert not [name for name in names if name.endswith((".pem", ".key", ".sqlite", ".log"))]
    shipped = {name for name in names if name.endswith(".py")}
    assert shipped == {str(path.relative_to(source)) for path in (source / "service").rglob("*.py")}
    counted("files in the wheel", len(names))
