"""The register of recipients and the relationships around a patient, over the real API."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from service.access.actions import Action
from service.errors import Invalid, NotFound
from service.people.duplicates import find_exact
from service.people.events import events_of
from service.people.operations import open_patient_name
from service.people.recipient import (
    Party,
    Recipient,
    RecipientClass,
    RecipientRole,
    RecipientType,
    RelationshipKind,
)
from service.people.recipients.operations import recipient_facts, resolve_recipient
from service.people.recipients.records import RECIPIENT_ROW
from service.people.relationships.standing import recipient_in_class, relationship_kinds
from service.store.tables.people import recipient as recipient_table
from service.vault.envelope import RowKey
from service.work import Work
from tests.house import Service, open_program

NPI = "1234567893"
OTHER_NPI = "1245319599"
CLINIC = {"type": "entity", "name": "Elm Family Clinic (synthetic)", "npi": NPI, "covered_entity": True}


def add(service: Service, body: dict[str, Any], who: str = "intake") -> dict[str, Any]:
    answer = service.client(who, purpose=None).post("/recipients", body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def patient(service: Service, given_name: str = "Ana") -> str:
    body = {"given_name": given_name, "family_name": "Testperson", "birth_date": "1990-04-05"}
    answer = service.client("intake").post("/patients", body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def names(service: Service, query: str = "") -> list[str]:
    answer = service.client("compliance", purpose=None).get(f"/recipients{query}")
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.json()["items"]]


def allowed(work: Work) -> None:
    """What an operation above did before it asks about people."""
    work.require(Action.CONSENT_DRAFT)
    work.record(action=Action.CONSENT_DRAFT, object_kind="consent", object_id=None)


# -- the register ------------------------------------------------------------------------------------


def test_a_recipient_is_registered_listed_and_found(service: Service) -> None:
    made = add(service, CLINIC)
    assert made["class"] is None
    assert made["business_associate"] is False
    add(service, {"type": "person", "name": "Lee Attorney"})
    assert sorted(names(service)) == [CLINIC["name"], "Lee Attorney"]
    assert names(service, "?name=LEE%20attorney") == ["Lee Attorney"]
    assert names(service, f"?npi={NPI}") == [CLINIC["name"]]
    assert names(service, f"?npi={NPI}&name=Lee%20Attorney") == []
    assert names(service, "?name=Lee") == []
    read = service.client("clinician", purpose=None).get(f"/recipients/{made['id']}")
    assert (read.status_code, read.json()) == (200, made)
    assert str(service.entries()[-1]["recipient_id"]) == made["id"]


def test_a_list_goes_on_with_its_cursor_and_ends(service: Service) -> None:
    for number in range(5):
        add(service, {"type": "entity", "name": f"Clinic {number}"})
    client = service.client("intake", purpose=None)
    seen: list[str] = []
    cursor: str | None = None
    pages = 0
    while pages == 0 or cursor:
        suffix = f"&cursor={cursor}" if cursor else ""
        page = client.get(f"/recipients?limit=2{suffix}").json()
        seen += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
        pages += 1
    assert sorted(seen) == [f"Clinic {number}" for number in range(5)]
    assert pages == 3
    assert client.get("/recipients?cursor=nonsense").json()["code"] == "cursor_invalid"


def test_a_class_stands_in_the_register_once(service: Service) -> None:
    first = add(service, {"type": "class", "class": "tpo"})
    assert first["name"].startswith("Treating providers, health plans")
    assert add(service, {"type": "class", "class": "tpo"})["id"] == first["id"]
    assert add(service, {"type": "class", "class": "health_plans"})["id"] != first["id"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "entity"}, "name"),
        ({"type": "person", "name": "!"}, "name"),
        ({"type": "entity", "name": "A", "npi": "1234567890"}, "npi"),
        ({"type": "entity", "name": "A", "npi": "123"}, "npi"),
        ({"type": "class"}, "class"),
        ({"type": "class", "class": "tpo", "npi": NPI}, "npi"),
        ({"type": "entity", "name": "A", "class": "tpo"}, "class"),
        ({"type": "class", "class": "tpo", "roles": ["court"]}, "roles"),
        ({"type": "entity", "name": "A", "roles": ["health_plan", "third_party_payer"]}, "roles"),
    ],
)
def test_what_is_no_recipient_is_refused_by_field(service: Service, body: dict[str, Any], field: str) -> None:
    answer = service.client("intake", purpose=None).post("/recipients", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "recipient_invalid")
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_roles_are_kept_shown_and_resolved(service: Service) -> None:
    made = add(service, {"type": "entity", "name": "City Police (synthetic)", "roles": ["law_enforcement"]})
    assert made["roles"] == ["law_enforcement"]
    plan = add(service, {"type": "entity", "name": "Acme Plan (synthetic)", "roles": ["health_plan", "qso"]})
    assert (plan["roles"], plan["covered_entity"]) == (["health_plan", "qso"], True)
    read = service.client("compliance", purpose=None).get(f"/recipients/{made['id']}").json()
    assert read["roles"] == ["law_enforcement"]
    assert add(service, CLINIC)["roles"] == []

    def resolve(work: Work, *roles: RecipientRole) -> Recipient:
        allowed(work)
        party = Party(RecipientType.ENTITY, "Acme Plan (synthetic)", roles=frozenset(roles) or None)
        return resolve_recipient(work, party)

    caller = service.account("intake").caller
    for said in ((), (RecipientRole.QSO,), (RecipientRole.QSO, RecipientRole.HEALTH_PLAN)):
        known = service.work(caller, lambda work, said=said: resolve(work, *said))
        assert str(known.id) == plan["id"]
        assert known.roles == {RecipientRole.HEALTH_PLAN, RecipientRole.QSO}
    with pytest.raises(Invalid) as refusal:
        service.work(caller, lambda work: resolve(work, RecipientRole.LAW_ENFORCEMENT))
    assert [error.field for error in refusal.value.errors] == ["roles"]


def test_a_role_nobody_knows_is_refused(service: Service) -> None:
    body = {"type": "entity", "name": "A", "roles": ["sheriff"]}
    assert service.client("intake", purpose=None).post("/recipients", body).status_code == 422


def test_a_recipient_of_before_there_were_roles_has_none(service: Service) -> None:
    """The sealed identity of an older row has no such member."""
    made = add(service, {"type": "entity", "name": "Old Clinic (synthetic)", "roles": ["auditor"]})
    vault, row_id = service.house.state.mechanisms.vault, UUID(made["id"])
    older = {"name": "Old Clinic (synthetic)", "npi": None, "address": None, "phone": None}

    row = RowKey(service.program_id, row_id, 1, None)
    sealed = service.unit(lambda db: vault.seal_row(db, RECIPIENT_ROW, row, {"identity": older}))
    service.rewrite(recipient_table, row_id, identity=sealed["identity"])
    read = service.client("intake", purpose=None).get(f"/recipients/{made['id']}")
    assert (read.status_code, read.json()["roles"]) == (200, [])


PEOPLE = [
    ("self", "person", 201),
    ("parent", "person", 201),
    ("guardian", "person", 201),
    ("guardian", "entity", 201),
    ("personal_representative", "entity", 201),
    ("self", "entity", 422),
    ("parent", "entity", 422),
    ("personal_representative", "intermediary", 422),
]


@pytest.mark.parametrize(("kind", "who", "status"), PEOPLE, ids=[f"{k}-{w}" for k, w, _ in PEOPLE])
def test_people_around_a_patient(service: Service, kind: str, who: str, status: int) -> None:
    party = add(service, {"type": who, "name": "Kim Testrelative"})
    body = {
        "kind": kind,
        "recipient_id": party["id"],
        "starts_on": "2026-01-01",
        "ends_on": "2026-12-31",
        "evidence": "order of the probate court of 2026-01-01, copy seen",
    }
    path = f"/patients/{patient(service)}/relationships"
    answer = service.client("intake").post(path, body)
    assert answer.status_code == status, answer.text
    if status == 201:
        assert (answer.json()["kind"], answer.json()["ends_on"]) == (kind, "2026-12-31")
        bare = service.client("intake").post(path, body | {"evidence": "  "})
        assert (bare.status_code, bare.json()["errors"][0]["field"]) == (422, "evidence")


def test_an_npi_belongs_to_one_recipient(service: Service) -> None:
    add(service, CLINIC)
    answer = service.client("intake", purpose=None).post("/recipients", CLINIC | {"name": "Other"})
    assert answer.json()["errors"][0]["field"] == "npi"
    assert names(service) == [CLINIC["name"]]


def test_recipients_of_another_program_are_not_there(service: Service) -> None:
    made = add(service, CLINIC)
    other = open_program(service.house)
    assert names(other) == names(other, f"?npi={NPI}") == []
    assert other.client("intake", purpose=None).get(f"/recipients/{made['id']}").status_code == 404
    assert add(other, CLINIC)["id"] != made["id"]


@pytest.mark.parametrize("role", ["administrator", "patient", "requester"])
def test_who_may_not_register_recipients(service: Service, role: str) -> None:
    answer = service.client(role, purpose=None).post("/recipients", CLINIC)
    assert answer.status_code in (403, 404)
    last = service.entries()[-1]
    assert (last["action"], last["outcome"]) == ("recipient.register", "deny")
    assert names(service) == []


# -- for operations above ----------------------------------------------------------------------------


def resolved(service: Service, party: Party) -> Any:
    def act(work: Work) -> Any:
        allowed(work)
        return resolve_recipient(work, party, "recipients[0].")

    return service.work(service.account("intake").caller, act)


def test_a_described_recipient_is_the_registered_one(service: Service) -> None:
    made = add(service, CLINIC)
    by_name = resolved(service, Party(RecipientType.ENTITY, "elm family clinic, SYNTHETIC"))
    by_npi = resolved(service, Party(RecipientType.ENTITY, "Elm Family Clinic synthetic", npi=NPI))
    assert {str(by_name.id), str(by_npi.id)} == {made["id"]}
    new = resolved(service, Party(RecipientType.PERSON, "Lee Attorney"))
    assert str(new.id) != made["id"]
    assert resolved(service, Party(RecipientType.PERSON, "LEE ATTORNEY")).id == new.id
    tpo = resolved(service, Party(RecipientType.CLASS, recipient_class=RecipientClass.TPO))
    assert (
        resolved(service, Party(RecipientType.CLASS, "anything", recipient_class=RecipientClass.TPO)) == tpo
    )
    assert len(names(service)) == 3


@pytest.mark.parametrize(
    ("party", "field"),
    [
        (Party(RecipientType.ENTITY, CLINIC["name"], covered_entity=False), "covered_entity"),
        (Party(RecipientType.ENTITY, CLINIC["name"], business_associate=True), "business_associate"),
        (Party(RecipientType.ENTITY, "Other Clinic", npi=NPI), "name"),
        (Party(RecipientType.ENTITY, "Twice"), "name"),
        (Party(RecipientType.ENTITY), "name"),
    ],
)
def test_a_description_that_contradicts_the_register_is_refused(
    service: Service, party: Party, field: str
) -> None:
    add(service, CLINIC)
    add(service, {"type": "entity", "name": "Twice"})
    add(service, {"type": "entity", "name": "Twice", "npi": OTHER_NPI})
    with pytest.raises(Invalid) as refusal:
        resolved(service, party)
    assert [error.field for error in refusal.value.errors] == [f"recipients[0].{field}"]


def test_facts_of_a_recipient_and_of_nobody(service: Service) -> None:
    made = add(service, CLINIC)

    def act(work: Work) -> None:
        allowed(work)
        known = recipient_facts(work, made["id"])
        assert known is not None
        assert (known.name, known.npi, known.covered_entity) == (CLINIC["name"], NPI, True)
        assert recipient_facts(work, work.entry_id) is None

    service.work(service.account("intake").caller, act)


def test_exact_matches_for_outside_requesters(service: Service) -> None:
    first, second = patient(service), patient(service)
    third = patient(service, "Bea")

    def act(work: Work) -> None:
        allowed(work)
        born = date(1990, 4, 5)
        assert {str(one) for one in find_exact(work, "TESTPERSON", "ana", born)} == {first, second}
        assert [str(one) for one in find_exact(work, "Testperson", "Bea", born)] == [third]
        assert find_exact(work, "Testpersen", "Ana", born) == []
        assert find_exact(work, "Testperson", "Ana", date(1990, 4, 6)) == []
        assert find_exact(work, "Testperson", "Ana", born, "T00017") == []
        assert open_patient_name(work, third) == {
            "family_name": "Testperson",
            "given_name": "Bea",
            "birth_date": "1990-04-05",
        }
        assert events_of(work, third) == []
        with pytest.raises(NotFound):
            open_patient_name(work, work.entry_id)

    service.work(service.account("intake").caller, act)


# -- relationships -----------------------------------------------------------------------------------


def relate(service: Service, patient_id: str, **body: Any) -> Any:
    given = {"starts_on": "2026-01-01", "evidence": "Referral letter on file"} | body
    return service.client("intake").post(f"/patients/{patient_id}/relationships", given)


def kinds(service: Service, patient_id: str, recipient_id: str, on: date) -> frozenset[RelationshipKind]:
    def act(work: Work) -> frozenset[RelationshipKind]:
        allowed(work)
        found = relationship_kinds(work, patient_id, recipient_id, on)
        for of_class in RecipientClass:
            expected = bool(found) and of_class in (RecipientClass.TREATING_PROVIDERS, RecipientClass.TPO)
            assert recipient_in_class(work, patient_id, recipient_id, of_class, on) is expected
        return found

    return service.work(service.account("intake").caller, act)


def test_a_treating_relationship_makes_a_member_of_a_class_while_it_lasts(service: Service) -> None:
    ana, bea, clinic = patient(service), patient(service, "Bea"), add(service, CLINIC)["id"]
    made = relate(service, ana, kind="treating", recipient_id=clinic)
    assert made.status_code == 201, made.text
    assert (made.json()["evidence"], made.json()["version"]) == ("Referral letter on file", 1)
    treating = frozenset({RelationshipKind.TREATING})
    assert kinds(service, ana, clinic, date(2026, 1, 1)) == treating
    assert kinds(service, ana, clinic, date(2025, 12, 31)) == frozenset()
    assert kinds(service, bea, clinic, date(2026, 1, 1)) == frozenset()
    url = f"/relationships/{made.json()['id']}"
    assert service.client("intake").patch(url, {"ends_on": "2026-05-31"}).status_code == 428
    assert service.client("intake").patch(url, {"ends_on": "2026-05-31"}, version=2).status_code == 412
    assert service.client("intake").patch(url, {"ends_on": "2025-05-31"}, version=1).status_code == 422
    ended = service.client("intake").patch(url, {"ends_on": "2026-05-31"}, version=1)
    assert (ended.status_code, ended.json()["evidence"]) == (200, "Referral letter on file")
    assert kinds(service, ana, clinic, date(2026, 5, 31)) == treating
    assert kinds(service, ana, clinic, date(2026, 6, 1)) == frozenset()
    listed = service.client("intake").get(f"/patients/{ana}/relationships").json()["items"]
    assert listed == [ended.json()]
    details = [e["detail"]["change"] for e in service.entries(action="relationship.record")]
    assert details == ["recorded", "ended"]


def test_a_staff_relationship_opens_the_chart_until_its_last_day(service: Service) -> None:
    ana = patient(service)
    clinician = service.account("clinician")
    assert service.client("clinician").get(f"/patients/{ana}").status_code == 403
    made = relate(service, ana, kind="staff", account_id=str(clinician.id))
    assert made.status_code == 201, made.text
    assert service.client("clinician").get(f"/patients/{ana}").status_code == 200
    url = f"/relationships/{made.json()['id']}"
    assert service.client("intake").patch(url, {"ends_on": "2026-06-01"}, version=1).status_code == 200
    assert service.client("clinician").get(f"/patients/{ana}").status_code == 200
    assert service.client("intake").patch(url, {"ends_on": "2026-05-31"}, version=2).status_code == 200
    assert service.client("clinician").get(f"/patients/{ana}").status_code == 403


def test_a_staff_relationship_of_the_future_or_past_opens_nothing(service: Service) -> None:
    ana = patient(service)
    clinician = service.account("clinician")
    relate(service, ana, kind="staff", account_id=str(clinician.id), ends_on="2026-05-31")
    assert service.client("clinician").get(f"/patients/{ana}").status_code == 403


def test_a_repeated_relationship_is_one(service: Service) -> None:
    ana, clinic = patient(service), add(service, CLINIC)["id"]
    body = {"kind": "treating", "recipient_id": clinic, "starts_on": "2026-01-01", "evidence": "card"}
    for _ in range(2):
        answer = service.client("intake").post(
            f"/patients/{ana}/relationships", body, headers={"Idempotency-Key": "r"}
        )
        assert answer.status_code == 201
    assert len(service.client("intake").get(f"/patients/{ana}/relationships").json()["items"]) == 1


def test_what_is_no_relationship_is_refused_by_field(service: Service) -> None:
    ana = patient(service)
    clinic, tpo = add(service, CLINIC)["id"], add(service, {"type": "class", "class": "tpo"})["id"]
    clinician, patients_account = service.account("clinician"), service.account("patient", patient_id=ana)
    other = open_program(service.house)
    stranger = other.account("clinician")
    for body, field in (
        ({"kind": "staff"}, "account_id"),
        ({"kind": "staff", "account_id": str(clinician.id), "recipient_id": clinic}, "account_id"),
        ({"kind": "staff", "account_id": str(stranger.id)}, "account_id"),
        ({"kind": "staff", "account_id": str(patients_account.id)}, "account_id"),
        ({"kind": "treating"}, "recipient_id"),
        ({"kind": "treating", "recipient_id": clinic, "account_id": str(clinician.id)}, "recipient_id"),
        ({"kind": "treating", "recipient_id": ana}, "recipient_id"),
        ({"kind": "treating", "recipient_id": tpo}, "recipient_id"),
        ({"kind": "treating", "recipient_id": clinic, "ends_on": "2025-12-31"}, "ends_on"),
        ({"kind": "treating", "recipient_id": clinic, "starts_on": "2026-06-02"}, "starts_on"),
    ):
        answer = relate(service, ana, **body)
        assert (answer.status_code, answer.json()["code"]) == (422, "relationship_invalid"), body
        assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("role", ["clinician", "compliance", "administrator"])
def test_only_intake_records_relationships(service: Service, role: str) -> None:
    ana, clinic = patient(service), add(service, CLINIC)["id"]
    service.account(role, related_to=[ana] if role == "clinician" else [])
    body = {"kind": "treating", "recipient_id": clinic, "starts_on": "2026-01-01", "evidence": "x"}
    answer = service.client(role).post(f"/patients/{ana}/relationships", body)
    assert answer.status_code == 403
    assert service.entries()[-1]["outcome"] == "deny"
