"""Who works with whom: assigned with a role and evidence, handed over, listed by name; and who is nobody's."""

from datetime import date, timedelta
from typing import Any

import pytest

from tests.house import Client, Service, open_program
from tests.integration.people.test_patients import BODY


class Team:
    """An intake desk, clinicians, and patients registered by name."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.intake = service.client("intake")
        self.today = service.clock.now().date()

    def clinician(self, name: str) -> Client:
        return self.service.client(self.service.account("clinician", name=name))

    def patient(self, family: str, given: str = "Ana") -> str:
        body = {**BODY, "family_name": family, "given_name": given, "identifiers": []}
        return self.intake.post("/patients", body).json()["id"]

    def assign(self, patient: str, who: Client, role: str | None = "counselor", **more: Any) -> Any:
        body = {
            "kind": "staff",
            "account_id": str(who.who.id),
            "starts_on": "2026-05-01",
            "evidence": "team meeting",
            "role": role,
            **more,
        }
        return self.intake.post(f"/patients/{patient}/relationships", body)

    def hand_over(self, relationship: str, to: Client, on: date, **options: Any) -> Any:
        body = {"account_id": str(to.who.id), "on": on.isoformat(), "evidence": "leaves"}
        return self.intake.post(f"/relationships/{relationship}/handover", body, **options)

    def list(self, who: Client, path: str = "/caseload", **params: Any) -> list[dict[str, Any]]:
        answer = who.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]


@pytest.fixture
def team(service: Service) -> Team:
    return Team(service)


def test_a_caseload_is_ones_own_patients_by_name(team: Team) -> None:
    first, other = team.clinician("first"), team.clinician("other")
    zed, ada, abe = team.patient("Zed"), team.patient("Ada"), team.patient("Ada", "Abe")
    for one in (zed, ada, abe):
        assert team.assign(one, first).status_code == 201
    assert team.assign(ada, first, "nurse", starts_on="2026-04-01").status_code == 201
    assert team.assign(zed, other).status_code == 201
    yesterday = (team.today - timedelta(days=1)).isoformat()
    assert team.assign(team.patient("Gone"), first, ends_on=yesterday).status_code == 201
    team.intake.post(f"/patients/{zed}/episodes", {"unit": "U1", "opened_on": "2026-05-01"})
    before = len(team.service.entries())
    shown = team.list(first)
    assert [one["patient_id"] for one in shown] == [abe, ada, zed]
    assert (shown[1]["roles"], shown[1]["since"]) == (["counselor", "nurse"], "2026-04-01")
    assert [(one["unit"], one["state"]) for one in shown[2]["episodes"]] == [("U1", "referred")]
    assert "phone" not in shown[0]
    entries = team.service.entries()[before:]
    assert [entry["action"] for entry in entries] == ["caseload.read"] * 4
    assert {str(entry["patient_id"]) for entry in entries[1:]} == {abe, ada, zed}
    assert [one["patient_id"] for one in team.list(other)] == [zed]
    assert team.list(team.intake) == []
    pages, cursor = list[str](), None
    for _ in range(3):
        page = first.get("/caseload", params={"limit": 1} | ({"cursor": cursor} if cursor else {})).json()
        pages += [one["patient_id"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert (pages, cursor) == ([abe, ada, zed], None)
    gone = other.get("/caseload", params={"cursor": _cursor(first)})
    assert (gone.status_code, gone.json()["code"]) == (422, "cursor_invalid")
    for role, purpose in (("compliance", "HOPERAT"), ("administrator", "HOPERAT"), ("director", "HOPERAT")):
        assert team.service.client(role, purpose=purpose).get("/caseload").status_code == 403


def _cursor(client: Client) -> str:
    return client.get("/caseload", params={"limit": 1}).json()["next_cursor"]


def test_one_primary_clinician_at_a_time(team: Team) -> None:
    first, second = team.clinician("first"), team.clinician("second")
    patient = team.patient("Ada")
    primary = team.assign(patient, first, "primary_clinician")
    assert (primary.status_code, primary.json()["role"]) == (201, "primary_clinician")
    taken = team.assign(patient, second, "primary_clinician")
    assert [(error["field"], error["code"]) for error in taken.json()["errors"]] == [("role", "taken")]
    assert team.assign(patient, second, "covering").status_code == 201
    before = team.assign(patient, second, "primary_clinician", starts_on="2026-04-01", ends_on="2026-04-30")
    assert before.status_code == 201  # was it, before
    assert team.assign(patient, second, "chief").status_code == 422
    clinic = team.intake.post("/recipients", {"type": "person", "name": "Dr Elm Testperson"}).json()["id"]
    body = {"kind": "treating", "recipient_id": clinic, "starts_on": "2026-01-01", "evidence": "said so"}
    wrong = team.intake.post(f"/patients/{patient}/relationships", body | {"role": "nurse"})
    assert [error["code"] for error in wrong.json()["errors"]] == ["not_applicable"]
    pages, cursor = list[str | None](), None
    while cursor or not pages:
        options = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = team.intake.get(f"/patients/{patient}/relationships", params=options).json()
        pages += [one["role"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert sorted(str(role) for role in pages) == ["covering", "primary_clinician", "primary_clinician"]


def test_handing_over_leaves_the_patient_nobodys_on_no_day(team: Team) -> None:
    first, second, third = (team.clinician(name) for name in ("first", "second", "third"))
    patient = team.patient("Ada")
    primary = team.assign(patient, first, "primary_clinician").json()
    key = {"Idempotency-Key": "once"}
    made, again = (team.hand_over(primary["id"], second, team.today, headers=key) for _ in range(2))
    assert (made.status_code, again.json()) == (201, made.json())
    assert (made.json()["role"], made.json()["starts_on"]) == ("primary_clinician", team.today.isoformat())
    old = team.intake.get(f"/patients/{patient}/relationships").json()["items"]
    ended = next(one for one in old if one["id"] == primary["id"])
    assert ended["ends_on"] == (team.today - timedelta(days=1)).isoformat()
    assert first.get(f"/patients/{patient}").status_code == 403
    assert second.get(f"/patients/{patient}").status_code == 200
    # the same day again: the one who had the patient for hours keeps that day
    later = team.hand_over(made.json()["id"], third, team.today, headers={"If-Match": '"1"'})
    assert later.status_code == 201, later.text
    for relationship, to, on, field in (
        (primary["id"], third, team.today, "on"),
        (later.json()["id"], third, team.today, "account_id"),
        (later.json()["id"], first, team.today + timedelta(days=1), "starts_on"),
    ):
        refused = team.hand_over(relationship, to, on)
        assert [error["field"] for error in refused.json()["errors"]] == [field], refused.text
    stale = team.hand_over(later.json()["id"], first, team.today, headers={"If-Match": '"7"'})
    assert stale.status_code == 412
    elsewhere = open_program(team.service.house).client("intake")
    body = {"account_id": str(first.who.id), "on": team.today.isoformat(), "evidence": "x"}
    assert elsewhere.post(f"/relationships/{primary['id']}/handover", body).status_code == 404
    assert first.post(f"/relationships/{later.json()['id']}/handover", body).status_code == 403


def test_who_is_nobodys_is_seen_by_the_desk(team: Team) -> None:
    clinician = team.clinician("first")
    waiting, taken, idle = team.patient("Ada"), team.patient("Bea"), team.patient("Cee")
    for one in (waiting, taken):
        for unit in ("U1", "U2"):
            team.intake.post(f"/patients/{one}/episodes", {"unit": unit, "opened_on": "2026-05-01"})
    assert team.assign(taken, clinician).status_code == 201
    shown = team.list(team.intake, "/caseload/unassigned")
    assert {one["patient_id"] for one in shown} == {waiting}
    assert {care["unit"] for one in shown for care in one["episodes"]} == {"U1", "U2"}
    assert idle not in str(shown)
    page = team.intake.get("/caseload/unassigned", params={"limit": 1}).json()
    rest = team.list(team.intake, "/caseload/unassigned", limit=1, cursor=page["next_cursor"])
    assert {one["episodes"][0]["episode_id"] for one in (*page["items"], *rest)} == {
        one["episodes"][0]["episode_id"] for one in shown
    }
    assert clinician.get("/caseload/unassigned").status_code == 403
    assert team.assign(waiting, clinician).status_code == 201
    assert team.list(team.intake, "/caseload/unassigned") == []
