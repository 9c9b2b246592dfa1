"""The queue of reviews: nothing closes itself, what is closed stays closed, nobody looks at their own act."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from service.access.caller import Role
from service.people.reviews import ReviewKind, open_review
from service.work import Work
from tests.house import Client, Service, open_program
from tests.integration.disclosure.office import Office

WHY = {"nature": "Unresponsive at the door", "why_no_consent": "Nobody can be reached"}
SAID = {"decision": "appropriate", "reason": "looked at the entries of that hour"}


@pytest.fixture
def review(office: Office, service: Service, compliance: Client) -> dict[str, Any]:
    """A clinician broke the glass."""
    stranger = service.client(service.account("clinician", name="stranger"), purpose="ETREAT")
    answer = stranger.post(f"/patients/{office.patient_id}/emergency-access", WHY)
    assert answer.status_code == 201, answer.text
    return dict(compliance.get("/audit/reviews").json()["items"][0])


@pytest.mark.parametrize("decision", ["appropriate", "inappropriate", "incident"])
def test_a_reviewer_says_what_came_of_it(
    service: Service, compliance: Client, review: dict[str, Any], decision: str
) -> None:
    answer = compliance.post(f"/audit/reviews/{review['id']}", SAID | {"decision": decision})
    assert answer.status_code == 200, answer.text
    closed = answer.json()
    assert (closed["state"], closed["decision"], closed["reason"]) == ("closed", decision, SAID["reason"])
    assert closed["closed_by"] == str(compliance.who.id)
    assert compliance.get(f"/audit/reviews/{review['id']}").json() == closed
    entry = service.entries(action="review.close")[-1]
    assert (entry["object_id"], entry["detail"]["decision"]) == (UUID(review["id"]), decision)


def test_closed_is_final(service: Service, compliance: Client, review: dict[str, Any]) -> None:
    path = f"/audit/reviews/{review['id']}"
    assert compliance.post(path, SAID).status_code == 200
    second = service.client(service.account("compliance", name="second officer"), purpose="HOPERAT")
    for who in (compliance, second):
        answer = who.post(path, SAID | {"decision": "incident"})
        assert (answer.status_code, answer.json()["code"]) == (409, "review_closed")
    assert compliance.get(path).json()["decision"] == "appropriate"


def test_the_same_key_decides_once(compliance: Client, review: dict[str, Any]) -> None:
    key = {"Idempotency-Key": "decided"}
    first, again = (compliance.post(f"/audit/reviews/{review['id']}", SAID, headers=key) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()


def test_nothing_closes_itself(service: Service, compliance: Client, review: dict[str, Any]) -> None:
    for _ in range(8):
        service.clock.advance(timedelta(minutes=10))
        open_ones = compliance.get("/audit/reviews", params={"state": "open"}).json()["items"]
        assert [one["id"] for one in open_ones] == [review["id"]]


def test_nobody_reviews_their_own_act(office: Office, service: Service, compliance: Client) -> None:
    review_id = opened_about(office, compliance.who.id)
    answer = compliance.post(f"/audit/reviews/{review_id}", SAID)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")
    denial = service.entries(action="review.close")[-1]
    assert (denial["outcome"], denial["detail"]["reason"]) == ("deny", "own_act")
    assert compliance.get(f"/audit/reviews/{review_id}").json()["state"] == "open"
    second = service.client(service.account("compliance", name="second officer"), purpose="HOPERAT")
    assert second.post(f"/audit/reviews/{review_id}", SAID).status_code == 200


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.COMPLIANCE, Role.SYSTEM)])
def test_only_compliance_sees_the_queue(
    office: Office, service: Service, review: dict[str, Any], role: Role
) -> None:
    who = {Role.PATIENT: office.patient.who, Role.REQUESTER: office.requester()}.get(role)
    client = service.client(who or service.account(role.value))
    hidden = role in (Role.PATIENT, Role.REQUESTER)
    for answer in (
        client.get("/audit/reviews"),
        client.get(f"/audit/reviews/{review['id']}"),
        client.post(f"/audit/reviews/{review['id']}", SAID),
    ):
        assert answer.status_code == (404 if hidden else 403)
    assert {entry["outcome"] for entry in service.entries(action="review.close")} == {"deny"}


def test_another_program_sees_nothing(service: Service, review: dict[str, Any]) -> None:
    elsewhere = open_program(service.house).client("compliance", purpose="HOPERAT")
    assert elsewhere.get("/audit/reviews").json() == {"items": [], "next_cursor": None}
    for answer in (
        elsewhere.get(f"/audit/reviews/{review['id']}"),
        elsewhere.post(f"/audit/reviews/{review['id']}", SAID),
        elsewhere.get(f"/audit/reviews/{uuid4()}"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "body",
    [{}, {"decision": "fine", "reason": "x"}, SAID | {"reason": ""}, SAID | {"state": "closed"}],
    ids=["empty", "unknown decision", "no reason", "unknown field"],
)
def test_the_body_is_strict(compliance: Client, review: dict[str, Any], body: dict[str, Any]) -> None:
    assert compliance.post(f"/audit/reviews/{review['id']}", body).status_code == 422
    assert compliance.get(f"/audit/reviews/{review['id']}").json()["state"] == "open"


def test_the_queue_is_paged_in_the_order_of_opening(
    office: Office, service: Service, compliance: Client
) -> None:
    made: list[str] = []
    for _ in range(3):
        service.clock.advance(timedelta(seconds=1))
        made.append(str(opened_about(office, uuid4())))
    first = compliance.get("/audit/reviews", params={"limit": 2}).json()
    rest = compliance.get("/audit/reviews", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [one["id"] for one in [*first["items"], *rest["items"]]] == made
    assert rest["next_cursor"] is None


TAMPERINGS = {
    "opened again": "update review set state = 'open' where id = %s",
    "another act": "update review set subject_id = gen_random_uuid() where id = %s",
    "another reviewer": "update review set closed_by = gen_random_uuid() where id = %s",
    "no finding": "update review set finding = null where id = %s",
}


@pytest.mark.parametrize("how", TAMPERINGS)
def test_a_closed_review_bent_by_hand_is_noticed(
    service: Service, compliance: Client, review: dict[str, Any], how: str
) -> None:
    assert compliance.post(f"/audit/reviews/{review['id']}", SAID).status_code == 200
    with service.house.superuser() as db:
        db.execute("set session_replication_role = replica")
        assert db.execute(TAMPERINGS[how], [review["id"]]).rowcount == 1  # type: ignore[arg-type]
    answer = compliance.get(f"/audit/reviews/{review['id']}")
    assert (answer.status_code, answer.json()["code"]) == (500, "integrity")


def opened_about(office: Office, account_id: UUID) -> UUID:
    """A review as an operation above opens one, inside its own act."""

    def act(work: Work) -> UUID:
        return open_review(
            work,
            kind=ReviewKind.CONSENT_DOUBT,
            patient_id=UUID(office.patient_id),
            subject_id=uuid4(),
            account_id=account_id,
        )

    return office.service.work(office.clinician.who.caller, act)
