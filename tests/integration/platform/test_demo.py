"""The demo and the tour: from nothing to the main job over HTTP, and again on the same data."""

import json
import stat
from pathlib import Path

import httpx2

from service.cli.demo_cases import caseload
from service.store import embedded
from tests.serving import Serving, command


def test_the_caseload_is_large_and_visibly_synthetic() -> None:
    cases = caseload()
    assert len(cases) >= 40
    assert all(case.family_name.endswith("-Testperson") for case in cases)
    assert len({case.family_name for case in cases}) == len(cases)
    assert all(case.steps[0].act == "register" for case in cases)


def test_the_demo_starts_is_toured_interrupted_and_goes_on(data_dir: Path, tmp_path: Path) -> None:
    starting = Serving(data_dir, tmp_path / "interrupted.log", "--demo")
    try:
        starting.until(lambda: _done(data_dir) >= 30, 90)
        starting.process.kill()
        starting.process.wait(10)
    finally:
        starting.close()
    with Serving(data_dir, tmp_path / "demo.log", "--demo") as serving:
        accounts_file = data_dir / "demo-accounts.json"
        assert stat.S_IMODE(accounts_file.stat().st_mode) == 0o600
        known = json.loads(accounts_file.read_text())
        assert known["base_url"] == serving.base_url
        assert {"intake", "clinician", "compliance", "patient", "requester"} <= set(known["accounts"])
        toured = command("tour", "--base-url", serving.base_url, "--data", str(data_dir))
        assert toured.returncode == 0, toured.stdout + toured.stderr
        verified = command("ledger", "verify", "--data", str(data_dir))
        assert verified.returncode == 0, verified.stdout + verified.stderr
        assert serving.interrupt() == 0
    assert _patients(data_dir) == len(caseload()) + 2  # the tour registers one, and a namesake
    passwords = json.loads(accounts_file.read_text())["accounts"]
    with Serving(data_dir, tmp_path / "again.log", "--demo") as again:
        assert json.loads(accounts_file.read_text())["accounts"] == passwords
        who = passwords["intake"]
        form = {"grant_type": "password", "username": who["username"], "password": who["password"]}
        assert httpx2.post(f"{again.base_url}/api/v1/auth/token", data=form).status_code == 200
        again.interrupt()
    assert _patients(data_dir) == len(caseload()) + 2


def test_the_tour_fails_loudly_when_an_answer_is_wrong(tmp_path: Path) -> None:
    absent = command("tour", "--data", str(tmp_path))
    assert absent.returncode == 1
    assert "--demo" in absent.stderr
    nobody = {name: {"username": "x", "password": "y"} for name in _PEOPLE}
    accounts = tmp_path / "accounts.json"
    accounts.write_text(json.dumps({"base_url": "http://127.0.0.1:1", "accounts": nobody}))
    unreachable = command("tour", "--accounts", str(accounts))
    assert unreachable.returncode == 1
    assert "Every answer was right" not in unreachable.stdout


_PEOPLE = ("intake", "clinician", "clinician_without_relationship", "compliance", "other_program_intake")


def _done(data_dir: Path) -> int:
    path = data_dir / "demo-progress.json"
    return int(json.loads(path.read_text()).get("done", 0)) if path.exists() else 0


def _patients(data_dir: Path) -> int:
    with embedded.start(data_dir) as server, server.admin("consentry") as admin:
        row = admin.execute("select count(*) from patient").fetchone()
    assert row is not None
    return int(row[0])
