"""Content packs through the whole service: who attests, what is shown where, what a lapsed licence ends, and that nobody
with the database prolongs one.
"""

import hashlib
from datetime import timedelta
from typing import Any

import rfc8785

from tests.house import Service, open_program, verify_ledger
from tests.integration.intake.asking import codes, form, patient

WORDS = "Worded on test: how often?"
PACK = {
    "instrument": "c-ssrs",
    "version": 1,
    "licence_id": "L-7 on test",
    "holder": "A holder on test",
    "instruction": "Ask as the licence on test says.",
    "wording": {"cssrs.1": {"text": WORDS, "options": {"1": "Yes, on test"}}},
    "attestation": "This program holds the licence, on test.",
}
BODY = {"pack": PACK, "starts_on": "2026-01-01", "expires_on": "2026-12-31"}
POSITIVE = {"cssrs.1": 1, "cssrs.2": 1, "cssrs.3": 0, "cssrs.4": 1, "cssrs.5": 0, "cssrs.6": 0}


def wording(service: Service, role: str = "clinician") -> tuple[str, str, str]:
    shown = service.client(role, purpose=None).get("/instruments/c-ssrs").json()
    return shown["wording"]["state"], shown["items"][0]["text"], shown["items"][0]["options"][1]["label"]


def attested(service: Service, **more: Any) -> dict[str, Any]:
    answer = service.client("compliance", purpose=None).post("/instruments/c-ssrs/packs", BODY | more)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_licence_switches_the_wording_on_for_one_program(service: Service) -> None:
    subject = patient(service)
    path = f"/patients/{subject}/assessments"
    intake = service.client("intake")
    assert wording(service) == ("paper_form", "Wish to be dead", "Yes")
    on_paper = intake.post(path, form("c-ssrs", POSITIVE, "draft"))
    assert on_paper.status_code == 201, "values of the paper form are entered without any pack"

    made = attested(service)
    assert made["sha256"] == hashlib.sha256(rfc8785.dumps(PACK)).hexdigest()
    assert (made["state"], made["items"], made["version"]) == ("active", ["cssrs.1"], 1)
    assert made["attested_by"] == str(service.account("compliance").id)
    assert WORDS not in str(made), "the wording is shown with the instrument"
    assert wording(service) == ("pack", WORDS, "Yes, on test")
    shown = service.client("clinician").get("/instruments/c-ssrs").json()
    assert shown["instruction"] == PACK["instruction"]
    assert (shown["wording"]["pack_id"], shown["wording"]["licensed_until"]) == (made["id"], "2026-12-31")
    listed = service.client("clinician").get("/instruments").json()["items"]
    assert shown in listed
    exported = service.client("clinician").get("/instruments/c-ssrs/questionnaire")
    assert WORDS in exported.text
    (row,) = service.client("clinician").get("/packs").json()["items"]
    assert row == made

    other = open_program(service.house)
    assert wording(other) == ("paper_form", "Wish to be dead", "Yes"), "another program has no licence by it"
    assert other.client("compliance").get("/packs").json()["items"] == []
    assert (
        other.client("compliance").post(f"/packs/{made['id']}/withdrawal", {"reason": "x"}).status_code == 404
    )
    verify_ledger(other)

    before = intake.post(path, form("c-ssrs", POSITIVE)).json()["result"]
    withdrawal = service.client("compliance").post(
        f"/packs/{made['id']}/withdrawal", {"reason": "given back"}
    )
    assert (withdrawal.status_code, withdrawal.json()["state"]) == (200, "withdrawn"), withdrawal.text
    again = service.client("compliance").post(f"/packs/{made['id']}/withdrawal", {"reason": "again"})
    assert (again.status_code, again.json()["code"]) == (409, "pack_state")
    assert wording(service) == ("expired", "Wish to be dead", "Yes")

    # no new form, and what a patient says in one is heard all the same
    refused = intake.post(path, form("c-ssrs", POSITIVE))
    assert (refused.status_code, refused.json()["code"]) == (409, "licence_expired")
    assert "urgent_high" in codes(refused.json()["flags"])
    assert "urgent_high" in {
        flag["code"] for flag in intake.get(f"/patients/{subject}/flags").json()["items"]
    }
    assert intake.post(path, form("asq", {}, "draft")).status_code == 201, "the free screen is always there"
    # a draft begun under the licence is finished, old forms stay readable
    one = f"/assessments/{on_paper.json()['id']}"
    done = intake.post(f"{one}/completion", version=1)
    assert (done.status_code, done.json()["result"]) == (200, before), done.text
    assert intake.get(one).status_code == 200

    attested(service, starts_on="2026-05-01")
    assert wording(service)[0] == "pack", "a new licence"
    assert len(service.client("compliance").get("/packs?limit=1").json()["items"]) == 1
    assert {entry["action"] for entry in service.entries(object_kind="content_pack")} == {
        "pack.attest",
        "pack.read",
    }


def test_a_licence_ends_by_itself_on_its_day(service: Service) -> None:
    intake, path = service.client("intake"), f"/patients/{patient(service)}/assessments"
    today = service.clock.now().date()
    attested(service, expires_on=today.isoformat())
    assert wording(service)[0] == "pack"
    service.clock.advance(timedelta(hours=36))
    fresh = service.account("clinician", name="signed in today")
    shown = service.client(fresh).get("/instruments/c-ssrs").json()
    assert shown["wording"]["state"] == "expired"
    again = service.client(service.account("intake", name="at the desk today"))
    assert again.post(path, form("c-ssrs", POSITIVE)).json()["code"] == "licence_expired"
    assert intake.get("/packs").status_code == 401


def test_who_attests_and_what(service: Service) -> None:
    for role in ("intake", "clinician", "administrator"):
        refused = service.client(role).post("/instruments/c-ssrs/packs", BODY)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted"), role
    compliance = service.client("compliance", purpose=None)
    outside = service.account("patient", patient_id=patient(service))
    assert service.client(outside, purpose="PATRQT").get("/packs").status_code == 404
    assert compliance.post("/instruments/nothing/packs", BODY).status_code == 404
    for change, field in (
        ({"pack": PACK | {"wording": {"cssrs.9": {"text": "More"}}}}, "pack.wording"),
        ({"pack": PACK | {"version": 2}}, "pack.version"),
        ({"pack": PACK | {"instrument": "audit"}}, "pack.instrument"),
        ({"expires_on": "2025-12-31"}, "expires_on"),
        ({"starts_on": "2027-01-01"}, "expires_on"),
    ):
        answer = compliance.post("/instruments/c-ssrs/packs", BODY | change)
        assert (answer.status_code, answer.json()["code"]) == (422, "pack_invalid"), answer.text
        assert [one["field"] for one in answer.json()["errors"]] == [field]
    scoring = BODY | {"pack": PACK | {"scoring": {"method": "sum"}}}
    assert compliance.post("/instruments/c-ssrs/packs", scoring).json()["code"] == "invalid_request"
    whole = BODY | {"pack": PACK | {"instrument": "asq", "wording": {}}}
    assert [one["code"] for one in compliance.post("/instruments/asq/packs", whole).json()["errors"]] == [
        "not_licensed"
    ]
    assert compliance.get("/packs").json()["items"] == []


def test_a_licence_changed_in_the_database_is_refused(service: Service) -> None:
    """Prolonged, revived, given another name or another text: the row does not open, and nothing is shown."""
    made = attested(service)
    service.client("compliance").post(f"/packs/{made['id']}/withdrawal", {"reason": "given back"})
    clinician = service.client("clinician")
    with service.house.superuser() as db:
        for column, value in (
            ("expires_on", "2036-12-31"),
            ("state", "active"),
            ("instrument", "audit"),
            ("sha256", "0" * 64),
            ("version", 1),
        ):
            (was,) = db.execute(
                f"SELECT {column} FROM content_pack WHERE id = %s",  # type: ignore[arg-type]
                [made["id"]],
            ).fetchone() or (None,)
            change = f"UPDATE content_pack SET {column} = %s WHERE id = %s"
            db.execute("SET session_replication_role = replica")
            db.execute(change, [value, made["id"]])  # type: ignore[call-overload]
            for place in ("/instruments/c-ssrs", "/packs"):
                answer = clinician.get(place)
                assert (answer.status_code, answer.json()["code"]) == (500, "integrity"), (column, place)
            db.execute(change, [was, made["id"]])  # type: ignore[call-overload]
    assert clinician.get("/packs").status_code == 200
    assert service.entries(action="integrity.failed")
