"""The demo and the tour: from nothing to the main job over HTTP, interrupted on the way, and again on the same data."""

import json
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx2
import pytest

from service import setup
from service.cli import demo, tour_emergency, tour_scenes
from service.cli.database import served
from service.cli.demo_cases import caseload
from service.cli.demo_days import Act
from service.cli.demo_steps import Step
from service.cli.demo_story import Story
from service.cli.tour_stage import Stage
from service.clock import SystemClock
from service.store import embedded
from service.vault import keyring
from tests.serving import Serving, command

_STEPS_BEFORE_THE_INTERRUPTION = 30
_COUNTS = {
    "patient": "select count(*) from patient",
    "draft": "select count(*) from assessment where status = 'draft'",
    "flag": "select count(*) from safety_flag",
    "active": "select count(*) from consent where state = 'active'",
    "revoked": "select count(*) from consent where state = 'revoked'",
    "disclosure": "select count(*) from disclosure",
    "review": "select count(*) from review where state = 'open'",
    "attachment": "select count(*) from attachment",
    "adoption": "select count(*) from consent_text",
    "merge": "select count(*) from patient_merge where state = 'merged'",
    "waiting": "select count(*) from message where state = 'queued'",
    "visit": "select count(*) from visit",
    "licence": "select count(*) from credential where ends_on is not null",
}
_LISTED = {
    "kinds": "select distinct kind from consent where state <> 'draft'",
    "bases": "select distinct basis from disclosure",
    "papers": "select distinct kind || ' ' || state from evidence",
    "restrictions": "select state from restriction",
    "episodes": "select state from episode",
    "plans": "select status from care_plan",
    "decisions": "select state from placement",
    "forms": "select outcome from form_signature",
}


class _InterruptedError(Exception):
    """Ctrl-C in the middle of preparing."""


@pytest.fixture(scope="module")
def prepared() -> Iterator[Path]:
    """A data folder whose demo was interrupted after an act was done and before that was noted, then gone on with."""
    folder = Path(tempfile.mkdtemp(prefix="consentry-test-"))
    folder.chmod(0o711)
    data = folder / "data"
    data.mkdir(mode=0o711)
    keyring.init(keyring.keyring_path(data), SystemClock().now())
    with served(data, public_url="http://127.0.0.1:1", demo=True) as (settings, _):
        setup.prepare_database(settings, SystemClock())
        perform, done = Story.perform, 0

        async def interrupted(story: Story, act: Act, known: dict[str, str]) -> None:
            nonlocal done
            await perform(story, act, known)
            done += 1
            if done == _STEPS_BEFORE_THE_INTERRUPTION:
                raise _InterruptedError

        with patch.object(Story, "perform", interrupted), pytest.raises(_InterruptedError):
            demo.prepare(settings, "http://127.0.0.1:1")
        demo.prepare(settings, "http://127.0.0.1:1")
    yield data
    shutil.rmtree(folder, ignore_errors=True)


def test_the_caseload_is_large_and_visibly_synthetic() -> None:
    cases = caseload()
    assert len(cases) >= 40
    assert all(case.family_name.endswith("-Testperson") for case in cases)
    assert len({case.family_name for case in cases}) == len(cases)
    assert all(case.steps[0].act == "register" for case in cases)


def test_an_interrupted_demo_goes_on_and_does_nothing_twice(prepared: Path) -> None:
    counts = _counts(prepared)
    assert counts["patient"] == len(caseload()) + 1  # one was registered twice
    steps = [step for case in caseload() for step in case.steps]
    made = [step for step in steps if step.act in ("disclose", "request") or _discloses(step)]
    assert counts["disclosure"] == len(made)
    assert counts["revoked"] == 5
    assert counts["active"] >= 10
    assert counts["draft"] == 7
    assert counts["flag"] >= 6


def test_the_caseload_shows_what_the_law_knows(prepared: Path) -> None:
    found = _listed(prepared)
    assert found["kinds"] >= {
        "specific",
        "tpo",
        "intermediary",
        "counseling_notes",
        "legal_proceedings",
        "criminal_justice",
        "research",
        "payer",
    }
    assert found["bases"] >= {
        "B01",
        "B02",
        "B03",
        "B04",
        "B05",
        "B07",
        "B09",
        "B21",
        "B22",
        "B24",
        "B31",
        "B37",
        "B38",
    }
    assert found["papers"] >= {
        "qsoa signed_off",
        "qsoa ended",
        "emergency signed_off",
        "court_order signed_off",
    }
    assert found["restrictions"] == {"agreed", "declined"}
    counts = _counts(prepared)
    assert (counts["review"], counts["attachment"], counts["adoption"]) == (2, 1, 1)


def test_the_caseload_shows_intake_and_care_in_every_state(prepared: Path) -> None:
    found = _listed(prepared)
    assert found["episodes"] == {"referred", "admitted", "stepped_down", "discharged", "not_admitted"}
    assert found["decisions"] >= {"signed", "awaiting_second"}
    assert found["plans"] >= {"active"}
    assert found["forms"] == {"signed", "given", "declined"}
    counts = _counts(prepared)
    assert (counts["merge"], counts["waiting"], counts["licence"]) == (1, 2, 2)
    assert counts["visit"] >= 4 and counts["licence"] == 2


def test_a_minor_of_the_caseload_is_one_whenever_the_demo_is_made() -> None:
    (minor,) = (case for case in caseload() if case.years is not None)
    assert minor.years is not None and minor.years < 16  # in New York both sign below that


def test_the_accounts_are_written_for_their_owner_only(prepared: Path) -> None:
    path = prepared / demo.ACCOUNTS_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    accounts = json.loads(path.read_text())["accounts"]
    assert {
        "intake",
        "clinician",
        "clinician_without_relationship",
        "compliance",
        "director",
        "administrator",
        "patient",
        "requester",
        "other_program_intake",
    } == set(accounts)
    assert accounts["patient"]["patient_id"]
    assert accounts["requester"]["recipient"]["name"] == "Mercy Test Hospital"


def test_the_demo_is_served_toured_verified_and_served_again(prepared: Path, tmp_path: Path) -> None:
    before = json.loads((prepared / demo.ACCOUNTS_FILE).read_text())["accounts"]
    patients = _counts(prepared)["patient"]
    with Serving(prepared, tmp_path / "demo.log", "--demo") as serving:
        known = json.loads((prepared / demo.ACCOUNTS_FILE).read_text())
        assert known == {"base_url": serving.base_url, "accounts": before}
        for given in before.values():
            assert (given.get("password") or given["client_secret"]) in serving.log.read_text()
        toured = command("tour", "--base-url", serving.base_url, "--data", str(prepared))
        assert toured.returncode == 0, toured.stdout + toured.stderr
        assert "Every answer was right" in toured.stdout
        verified = command("ledger", "verify", "--data", str(prepared))
        assert verified.returncode == 0, verified.stdout + verified.stderr
        with patch.dict(tour_scenes.ANSWERS, {"phq9.2": 3}):
            wrong = command("tour", "--base-url", serving.base_url, "--data", str(prepared))
        assert wrong.returncode == 1
        assert "The PHQ-9 total is 13, not 12." in wrong.stderr
        assert "Every answer was right" not in wrong.stdout
        with patch.object(tour_emergency, "particulars", _of_somebody_alert):
            refused = command("tour", "--base-url", serving.base_url, "--data", str(prepared))
        assert refused.returncode == 1
        assert "was answered 403 (disclosure_denied" in refused.stderr
        _break_the_sign_in(known, tmp_path / "wrong.json")
        refused = command("tour", "--accounts", str(tmp_path / "wrong.json"))
        assert refused.returncode == 1
        assert "cannot sign in" in refused.stderr
        who = before["intake"]
        form = {"grant_type": "password", "username": who["username"], "password": who["password"]}
        assert httpx2.post(f"{serving.base_url}/api/v1/auth/token", data=form).status_code == 200
        assert serving.interrupt() == 0
        assert "Stopped." in serving.log.read_text()
    assert (
        _counts(prepared)["patient"] == patients + 10
    )  # a patient and a namesake each time; where the tour gets so far: a minor, a newcomer and their second chart, and
    # somebody whose record is destroyed


def test_a_tour_without_a_demo_says_what_to_start(tmp_path: Path) -> None:
    absent = command("tour", "--data", str(tmp_path))
    assert absent.returncode == 1
    assert "--demo" in absent.stderr


def test_a_tour_of_an_older_demo_says_what_is_lacking(prepared: Path, tmp_path: Path) -> None:
    known = json.loads((prepared / demo.ACCOUNTS_FILE).read_text())
    del known["accounts"]["director"]
    (tmp_path / "older.json").write_text(json.dumps(known))
    refused = command("tour", "--accounts", str(tmp_path / "older.json"))
    assert refused.returncode == 1
    assert "without director" in refused.stderr


def test_a_tour_of_nothing_fails(prepared: Path) -> None:
    unreachable = command("tour", "--base-url", "http://127.0.0.1:1", "--data", str(prepared))
    assert unreachable.returncode == 1
    assert "Every answer was right" not in unreachable.stdout


_DOCUMENTED = tour_emergency.particulars


def _of_somebody_alert(stage: Stage) -> dict[str, Any]:
    """Papers of an emergency in which the patient can be asked."""
    return _DOCUMENTED(stage) | {"patient_state": "alert"}


def _break_the_sign_in(known: dict[str, dict[str, dict[str, str]]], path: Path) -> None:
    known["accounts"]["clinician"]["password"] = "not the password of anybody"
    path.write_text(json.dumps(known))


def _discloses(step: Step) -> bool:
    asked = step.with_
    made = step.act == "call" and asked["path"].endswith("/disclosures")
    return made and asked["expect"] == 201


def _listed(data: Path) -> dict[str, set[str]]:
    with embedded.start(data) as server, server.admin("consentry") as admin:
        return {
            name: {row[0] for row in admin.execute(query.encode()).fetchall()}
            for name, query in _LISTED.items()
        }


def _counts(data: Path) -> dict[str, int]:
    counts: dict[str, int] = {}
    with embedded.start(data) as server, server.admin("consentry") as admin:
        for name, query in _COUNTS.items():
            row = admin.execute(query.encode()).fetchone()
            assert row is not None
            counts[name] = int(row[0])
    return counts
