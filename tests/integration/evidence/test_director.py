"""The program director: appointed by an administrator, and nobody else's hand for the director's findings."""

from tests.house import Client
from tests.integration.evidence.registry import Registry

#: The one every test account that signs in by itself has.
PASSWORD = "seven quiet herons over slate"


def test_an_appointed_director_signs_off_what_is_the_directors(registry: Registry) -> None:
    """42 CFR 2.11, 2.52: research papers stand on the director's finding."""
    paper = registry.recorded("research")
    body = {
        "username": f"dana.{registry.service.program_id}",
        "password": PASSWORD,
        "display_name": "Dana Testdirector",
        "roles": ["director"],
        "units": [],
    }
    made = registry.made(registry.service.client("administrator").post("/users", body))
    assert made["roles"] == ["director"]
    form = {"grant_type": "password", "username": body["username"], "password": PASSWORD}
    token = registry.service.house.http.post("/api/v1/auth/token", data=form).json()["access_token"]
    dana = Client(registry.service, registry.service.account("director"), "HRESCH")
    headers = {"Authorization": f"Bearer {token}"}
    signed = dana.request("POST", f"/agreements/{paper['id']}/sign-off", json={}, headers=headers)
    assert registry.made(signed, 200)["signed_off_by"] == made["id"]
    roles = registry.service.client("administrator").get("/roles").json()["items"]
    assert {"role": "director", "kind": "staff"} in roles


def test_the_directors_signature_is_given_for_a_purpose(registry: Registry) -> None:
    """A finding about research or a minor touches patients: the purpose is stated and recorded."""
    paper = registry.recorded("research")
    silent = registry.by("director", purpose=None).post(f"/agreements/{paper['id']}/sign-off")
    assert (silent.status_code, silent.json()["code"]) == (400, "purpose_required")


def test_compliance_can_record_research_papers_and_not_sign_them(registry: Registry) -> None:
    recorded = registry.made(registry.by("compliance").post("/agreements", registry.body("research")))
    refused = registry.by("compliance").post(f"/agreements/{recorded['id']}/sign-off")
    assert refused.status_code == 403


def test_the_director_cannot_sign_off_what_is_compliances(registry: Registry) -> None:
    """Recording an agreement is open to both; the signature under a QSOA is compliance's (policies/evidence.yaml)."""
    recorded = registry.made(registry.by("director").post("/agreements", registry.body("qsoa")))
    refused = registry.by("director").post(f"/agreements/{recorded['id']}/sign-off")
    assert refused.status_code == 403
    (denied,) = registry.service.entries(outcome="deny")
    assert denied["detail"]["reason"] == "not_this_kind"
    assert registry.by("compliance").post(f"/agreements/{recorded['id']}/sign-off").status_code == 200
