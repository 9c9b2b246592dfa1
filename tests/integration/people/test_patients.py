"""Patients over the real API: duplicates, search, history, who may."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.house import Client, Service, open_program

BODY: dict[str, Any] = {
    "given_name": "Ana",
    "family_name": "Testperson",
    "birth_date": "1990-04-05",
    "sex": "female",
    "phone": "+1 555 0100",
    "email": "ana@example.org",
    "address": {"line1": "1 Example Street", "city": "Sampletown"},
    "identifiers": [{"system": "mrn", "value": "T-000 17"}],
    "language": "es-MX",
    "interpreter_needed": True,
    "contacts": [
        {"name": "Bo Testperson", "relationship": "brother", "phone": "555 0101", "emergency": True}
    ],
}


def intake(service: Service) -> Client:
    return service.client("intake")


def register(service: Service, **changes: Any) -> dict[str, Any]:
    answer = intake(service).post("/patients", {**BODY, **changes})
    assert answer.status_code == 201, answer.text
    return answer.json()


def search(service: Service, who: str = "intake", **body: Any) -> list[str]:
    answer = service.client(who).post("/patients/search", body)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


def test_a_patient_is_registered_read_and_recorded(service: Service) -> None:
    answer = intake(service).post("/patients", BODY)
    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["etag"] == '"1"'
    assert made["possible_duplicates"] == []
    assert {name: made[name] for name in BODY} == BODY
    read = intake(service).get(f"/patients/{made['id']}")
    assert read.status_code == 200
    shown = {name: value for name, value in made.items() if name != "possible_duplicates"}
    assert read.json() == shown | {"may_sign": {"required": ["patient"], "signatories": []}}
    assert [entry["action"] for entry in service.entries()][-2:] == ["patient.register", "patient.read"]
    assert answer.headers["audit-entry"] == str(service.entries()[-2]["id"])
    assert {entry["patient_id"] and str(entry["patient_id"]) for entry in service.entries()[-2:]} == {
        made["id"]
    }


def test_two_patients_have_two_keys(service: Service) -> None:
    first, second = register(service), register(service, given_name="Bea")
    with service.house.superuser() as db:
        rows = db.execute(
            "select patient_id, key_id from vault_key where purpose = 'patient' and program_id = %s",
            [service.program_id],
        ).fetchall()
    assert {str(row[0]) for row in rows} == {first["id"], second["id"]}
    assert len({bytes(row[1]) for row in rows}) == 2


NAME, GIVEN, SOUND = (
    "same_name_and_birth_date",
    "same_given_name_and_birth_date",
    "similar_family_name_and_birth_date",
)
SAME_NUMBER = [{"system": "MRN", "value": "t00017"}]


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"identifiers": SAME_NUMBER}, ["same_identifier", NAME, GIVEN, SOUND]),
        ({"given_name": " ána ", "family_name": "TESTPERSON"}, [NAME, GIVEN, SOUND]),
        ({"family_name": "test-person"}, [GIVEN, SOUND]),
        ({"given_name": "Bea", "family_name": "Testpersen"}, [SOUND]),
        ({"family_name": "Married"}, [GIVEN]),
        ({"given_name": "Testperson", "family_name": "Ana"}, ["names_exchanged_same_birth_date"]),
        (
            {"given_name": "C", "family_name": "D", "birth_date": "1950-01-01", "identifiers": SAME_NUMBER},
            ["same_identifier"],
        ),
        ({"birth_date": "1990-04-06"}, []),
        (
            {"given_name": "C", "family_name": "D", "birth_date": "1990-12-31", "phone": "(555) 0100"},
            [],
        ),
        (
            {"given_name": "C", "family_name": "D", "birth_date": "1990-12-31", "phone": "1-555-0100"},
            ["same_phone_and_birth_year", "same_phone"],
        ),
        (
            {"given_name": "C", "family_name": "D", "birth_date": "1950-12-31", "email": "ANA@example.org"},
            ["same_email"],
        ),
        (
            {"family_name": "Married", "aliases": [{"family_name": "Testperson", "kind": "former"}]},
            ["same_other_name_and_birth_date", GIVEN, SOUND],
        ),
        ({"given_name": "C", "family_name": "D", "identifiers": [{"system": "x", "value": "T00017"}]}, []),
    ],
)
def test_a_possible_duplicate_is_named_with_its_reasons(
    service: Service, changes: dict[str, Any], reasons: list[str]
) -> None:
    first = register(service)
    unreached: dict[str, Any] = {"identifiers": [], "phone": None, "email": None}
    found = register(service, **(unreached | changes))["possible_duplicates"]
    assert found == ([{"id": first["id"], "reasons": reasons}] if reasons else [])


def test_a_patient_of_another_program_is_no_duplicate(service: Service) -> None:
    register(service)
    other = open_program(service.house)
    assert register(other)["possible_duplicates"] == []


def test_a_repeated_registration_is_one_patient(service: Service) -> None:
    headers = {"Idempotency-Key": "once"}
    first = intake(service).post("/patients", BODY, headers=headers)
    second = intake(service).post("/patients", BODY, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert len(search(service, identifier="T00017")) == 1
    assert intake(service).post("/patients", {**BODY, "sex": "male"}, headers=headers).status_code == 409


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"family_name": "..."}, "family_name"),
        ({"given_name": " "}, "given_name"),
        ({"birth_date": "2026-06-02"}, "birth_date"),
        ({"birth_date": "1889-12-31"}, "birth_date"),
        ({"phone": "none"}, "phone"),
        ({"email": "nobody"}, "email"),
        ({"language": "in English"}, "language"),
        ({"identifiers": [{"system": "mrn", "value": "--"}]}, "identifiers[0].value"),
        (
            {"identifiers": [{"system": "mrn", "value": "1"}, {"system": "MRN", "value": " 1"}]},
            "identifiers[1]",
        ),
        ({"contacts": [{"name": "!"}]}, "contacts[0].name"),
        ({"contacts": [{"name": "A", "phone": "x"}]}, "contacts[0].phone"),
    ],
)
def test_what_cannot_be_is_refused_by_field(service: Service, changes: dict[str, Any], field: str) -> None:
    answer = intake(service).post("/patients", {**BODY, **changes})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "1"},
        {"version": 2},
        {"sex": "F"},
        {"birth_date": 19900405},
        {"interpreter_needed": "yes"},
        {"family_name": None},
    ],
)
def test_what_is_no_patient_is_refused(service: Service, changes: dict[str, Any]) -> None:
    answer = intake(service).post("/patients", {**BODY, **changes})
    assert answer.status_code == 422
    assert search(service, identifier="T00017") == []


def test_what_the_intake_asks_beyond_the_first_call_is_kept(service: Service) -> None:
    more: dict[str, Any] = {
        "name_used": "Annie",
        "pronouns": "she/her",
        "sdv": True,
        "aliases": [{"family_name": "Formerly", "given_name": None, "kind": "former"}],
        "interpreter": {"needed": True, "language": "es"},
        "channels": [
            {
                "channel": "voice",
                "address": "555 0102",
                "safe": True,
                "voicemail": None,
                "from": "22:00",
                "to": "06:00",
                "code_word": "tulip",
            }
        ],
        "representatives": [
            {
                "kind": "guardian",
                "name": "Gil Testperson",
                "phone": None,
                "email": None,
                "papers": "019e830e-1a00-7dc6-8c7a-09c9ada8b42c",
                "until": "2027-01-01",
            }
        ],
    }
    made = register(service)
    url = f"/patients/{made['id']}"
    changed = intake(service).patch(url, more, version=1)
    assert changed.status_code == 200, changed.text
    shown = intake(service).get(url).json()
    assert {name: shown[name] for name in more} == more
    assert search(service, family_name="Formerly", birth_date="1990-04-05") == [made["id"]]
    assert search(service, given_name="annie", birth_date="1990-04-05") == [made["id"]]
    assert intake(service).patch(url, {"channels": None, "sdv": None}, version=2).json()["channels"] == []
    for wrong in ("25:00", "9:00"):
        channel = more["channels"][0] | {"to": wrong}
        assert intake(service).patch(url, {"channels": [channel]}, version=3).status_code == 422
    again = intake(service).post(f"{url}/duplicates")
    assert again.json() == {"id": made["id"], "possible_duplicates": []}
    other = register(service, given_name="Bea", identifiers=[], email=None)
    reasons = ["same_phone_and_birth_year", SOUND, "same_phone"]
    assert intake(service).post(f"{url}/duplicates").json()["possible_duplicates"] == [
        {"id": other["id"], "reasons": reasons}
    ]
    own = service.client(service.account("patient", patient_id=made["id"]), purpose="PATRQT")
    assert own.post(f"{url}/duplicates").status_code == 404


def test_who_may_sign_stands_with_the_patient(service: Service) -> None:
    born = service.clock.now().date().replace(year=service.clock.now().year - 12).isoformat()
    made = register(service, birth_date=born)
    url = f"/patients/{made['id']}"
    parent = intake(service).post("/recipients", {"type": "person", "name": "Pat Testperson"}).json()["id"]
    known = {"kind": "parent", "recipient_id": parent, "starts_on": "2026-01-01", "evidence": "birth record"}
    related = intake(service).post(f"{url}/relationships", known).json()
    may_sign = intake(service).get(url).json()["may_sign"]
    assert may_sign["required"] == ["patient", "parent_or_guardian"]
    assert [(one["relationship_id"], one["kind"], one["name"]) for one in may_sign["signatories"]] == [
        (related["id"], "parent", "Pat Testperson")
    ]
    ended = intake(service).patch(f"/relationships/{related['id']}", {"ends_on": "2026-01-02"}, version=1)
    assert ended.status_code == 200
    assert intake(service).get(url).json()["may_sign"]["signatories"] == []


# -- search ------------------------------------------------------------------------------------------


def test_search_is_exact_after_normalisation(service: Service) -> None:
    made = register(service)
    assert search(service, family_name="testPERSON", birth_date="1990-04-05") == [made["id"]]
    assert search(service, given_name="Aña", birth_date="1990-04-05") == [made["id"]]
    assert search(service, family_name="Testperson", given_name="ANA", birth_date="1990-04-05") == [
        made["id"]
    ]
    assert search(service, identifier="t00017") == [made["id"]]
    assert search(service, identifier={"system": "MRN", "value": "T 000-17"}) == [made["id"]]
    assert search(service, identifier="t00017", family_name="Testperson", birth_date="1990-04-05") == [
        made["id"]
    ]
    for near in (
        {"family_name": "Testpersen", "birth_date": "1990-04-05"},
        {"family_name": "Testperson", "birth_date": "1990-04-06"},
        {"family_name": "Testperson", "given_name": "Bea", "birth_date": "1990-04-05"},
        {"family_name": "Ana", "birth_date": "1990-04-05"},
        {"identifier": {"system": "other", "value": "T00017"}},
        {"identifier": "T00018"},
        {"identifier": "t00017", "family_name": "Other", "birth_date": "1990-04-05"},
    ):
        assert search(service, **near) == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"birth_date": "1990-04-05"},
        {"family_name": "Testperson"},
        {"family_name": "Testperson", "given_name": "Ana"},
        {"family_name": "..", "birth_date": "1990-04-05"},
        {"identifier": "t00017", "family_name": "Testperson"},
        {"identifier": "t00017", "birth_date": "1990-04-05"},
        {"identifier": "--"},
    ],
)
def test_a_search_that_is_too_broad_is_refused(service: Service, body: dict[str, Any]) -> None:
    register(service)
    answer = intake(service).post("/patients/search", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "search_too_broad")


def test_being_found_is_recorded_for_each_patient(service: Service) -> None:
    first, second = register(service), register(service, given_name="Bea", identifiers=[])
    found = search(service, "clinician", family_name="Testperson", birth_date="1990-04-05")
    assert sorted(found) == sorted([first["id"], second["id"]])
    entries = [entry for entry in service.entries() if entry["action"] == "patient.search"]
    assert entries[0]["detail"] == {"by": ["family_birth"], "found": 2}
    assert entries[0]["patient_id"] is None
    assert entries[0]["payload_hash"] is not None
    assert {str(entry["patient_id"]) for entry in entries[1:]} == {first["id"], second["id"]}


# -- change ------------------------------------------------------------------------------------------


def test_a_change_merges_and_keeps_what_was_there(service: Service) -> None:
    made = register(service)
    url = f"/patients/{made['id']}"
    answer = intake(service).patch(
        url,
        {"family_name": "Renamed", "phone": None, "address": {"city": "Elsewhere", "line1": None}},
        version=1,
        headers={"Content-Type": "application/merge-patch+json"},
    )
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    assert answer.headers["etag"] == '"2"'
    assert (changed["family_name"], changed["phone"], changed["given_name"]) == ("Renamed", None, "Ana")
    assert changed["address"] == {"city": "Elsewhere"}
    assert intake(service).get(url).json().items() >= changed.items()
    history = intake(service).get(f"{url}/history").json()
    assert history["current_version"] == 2
    assert [(old["version"], old["family_name"], old["phone"]) for old in history["items"]] == [
        (1, "Testperson", "+1 555 0100")
    ]
    assert search(service, family_name="Renamed", birth_date="1990-04-05") == [made["id"]]
    assert search(service, family_name="Testperson", birth_date="1990-04-05") == []
    entry = next(entry for entry in service.entries() if entry["action"] == "patient.update")
    assert entry["detail"] == {"fields": ["address", "family_name", "phone"]}
    assert entry["object_version"] == 2


def test_a_change_says_which_version_it_changes(service: Service) -> None:
    made = register(service)
    url = f"/patients/{made['id']}"
    assert intake(service).patch(url, {"sex": "male"}).status_code == 428
    assert intake(service).patch(url, {"sex": "male"}, version=2).status_code == 412
    assert intake(service).patch(url, {"sex": "male"}, version=1).status_code == 200
    stale = intake(service).patch(url, {"sex": "other"}, version=1)
    assert (stale.status_code, stale.json()["code"]) == (412, "version_stale")
    assert intake(service).get(url).json()["sex"] == "male"


def test_a_change_that_changes_nothing_makes_no_version(service: Service) -> None:
    made = register(service)
    url = f"/patients/{made['id']}"
    answer = intake(service).patch(url, {"family_name": "Testperson", "sex": "female"}, version=1)
    assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
    assert intake(service).get(f"{url}/history").json()["items"] == []


@pytest.mark.parametrize(
    "patch", [{"family_name": None}, {"birth_date": None}, {"given_name": ","}, {"email": "x"}]
)
def test_a_change_is_judged_like_a_registration(service: Service, patch: dict[str, Any]) -> None:
    made = register(service)
    answer = intake(service).patch(f"/patients/{made['id']}", patch, version=1)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == list(patch)
    assert intake(service).get(f"/patients/{made['id']}").headers["etag"] == '"1"'


# -- who may -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "purpose"),
    [
        ("compliance", "TREAT"),
        ("administrator", "TREAT"),
        ("patient", "PATRQT"),
        ("requester", "TREAT"),
        ("clinician", "TREAT"),
        ("system", "HOPERAT"),
    ],
)
def test_who_may_not_read_is_refused_and_recorded(service: Service, role: str, purpose: str) -> None:
    made = register(service)
    account = service.account(role)
    answer = service.client(account, purpose=purpose).get(f"/patients/{made['id']}")
    hidden = role in ("patient", "requester")
    assert answer.status_code == (404 if hidden else 403)
    assert "Testperson" not in answer.text
    last = service.entries()[-1]
    assert (last["action"], last["outcome"], last["actor_id"]) == ("patient.read", "deny", account.id)


def test_a_related_clinician_and_the_patient_may_read(service: Service) -> None:
    made = register(service)
    service.account("clinician", related_to=[made["id"]])
    service.account("patient", patient_id=made["id"])
    assert service.client("clinician").get(f"/patients/{made['id']}").status_code == 200
    assert service.client("patient", purpose="PATRQT").get(f"/patients/{made['id']}").status_code == 200
    assert (
        service.client("clinician").patch(f"/patients/{made['id']}", {"sex": "male"}, version=1).status_code
        == 200
    )
    other = register(service, given_name="Bea")
    assert service.client("clinician").get(f"/patients/{other['id']}").status_code == 403
    assert service.client("patient", purpose="PATRQT").get(f"/patients/{other['id']}").status_code == 404


@pytest.mark.parametrize("role", ["clinician", "compliance", "administrator"])
def test_only_intake_registers(service: Service, role: str) -> None:
    answer = service.client(role).post("/patients", BODY)
    assert answer.status_code == 403
    assert answer.json()["code"] in ("not_permitted", "purpose_not_allowed")
    assert (service.entries()[-1]["action"], service.entries()[-1]["outcome"]) == ("patient.register", "deny")
    assert search(service, identifier="T00017") == []


def test_a_purpose_must_be_stated(service: Service) -> None:
    made = register(service)
    answer = service.client("intake", purpose=None).get(f"/patients/{made['id']}")
    assert (answer.status_code, answer.json()["code"]) == (400, "purpose_required")
    assert (
        service.client("intake", purpose="HMARKT").get(f"/patients/{made['id']}").json()["code"]
        == "purpose_not_allowed"
    )


def test_another_programs_patient_is_not_there(service: Service) -> None:
    made = register(service)
    other = open_program(service.house)
    for method, path, options in (
        ("GET", "", {}),
        ("GET", "/history", {}),
        ("GET", "/events", {}),
        ("GET", "/relationships", {}),
        ("PATCH", "", {"json": {"sex": "male"}, "version": 1}),
        ("POST", "/events", {"json": {"kind": "discharge", "occurred_on": "2026-05-01"}}),
    ):
        theirs = other.client("intake").request(method, f"/patients/{made['id']}{path}", **options)
        nowhere = other.client("intake").request(method, f"/patients/{other.program_id}{path}", **options)
        assert theirs.status_code == nowhere.status_code == 404
        volatile = {"request_id"}
        assert {k: v for k, v in theirs.json().items() if k not in volatile} == {
            k: v for k, v in nowhere.json().items() if k not in volatile
        }
        assert other.entries()[-1]["outcome"] == "deny"
    assert search(other, identifier="T00017") == []
    assert service.client("intake").get(f"/patients/{made['id']}").status_code == 200


# -- events ------------------------------------------------------------------------------------------


def test_events_are_recorded_by_the_programs_day(service: Service) -> None:
    made = register(service)
    url = f"/patients/{made['id']}/events"
    answer = intake(service).post(url, {"kind": "discharge", "occurred_on": "2026-05-20"})
    assert answer.status_code == 201, answer.text
    assert (
        intake(service).post(url, {"kind": "final_disposition", "occurred_on": "2026-06-01"}).status_code
        == 201
    )
    assert (
        intake(service).post(url, {"kind": "study_end", "occurred_on": "2026-06-02"}).json()["code"]
        == "event_invalid"
    )
    assert intake(service).post(url, {"kind": "party", "occurred_on": "2026-05-20"}).status_code == 422
    listed = intake(service).get(url).json()["items"]
    assert [(one["kind"], one["occurred_on"]) for one in listed] == [
        ("discharge", "2026-05-20"),
        ("final_disposition", "2026-06-01"),
    ]


def test_the_day_of_an_event_is_a_day_of_the_program(service: Service) -> None:
    service.clock.set(datetime(2026, 6, 2, 3, 30, tzinfo=UTC))  # still 1 June in New York
    made = register(service)
    url = f"/patients/{made['id']}/events"
    tomorrow = {"kind": "study_end", "occurred_on": "2026-06-02"}
    assert intake(service).post(url, tomorrow).json()["code"] == "event_invalid"
    service.clock.advance(timedelta(minutes=31))
    service.accounts.clear()
    assert intake(service).post(url, tomorrow).status_code == 201
