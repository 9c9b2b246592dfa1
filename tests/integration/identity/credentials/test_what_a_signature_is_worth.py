"""Who may end an urgent flag, sign for somebody else or move an episode, by the licence they can show that day."""

from datetime import timedelta
from typing import Any

from tests.house import Account, Service
from tests.integration.admission.careplan.ward import Ward
from tests.integration.intake.asking import SEEN, patient, raise_one

_NUMBERED = {"number": "SYN-0001", "issuer": "Board of Testing", "verified_with": "the public register"}


def show_licence(service: Service, who: Account, kind: str, state: str | None = None) -> None:
    admin = service.client("administrator", purpose=None)
    service.clock.advance(timedelta(seconds=1))
    body = {**_NUMBERED, "kind": kind, "starts_on": "2025-01-01", "ends_on": None}
    made = admin.post(f"/users/{who.id}/credentials", body)
    assert made.status_code == 201, made.text
    if state is not None:
        assert (
            admin.patch(f"/credentials/{made.json()['id']}", {"state": state}, version=1).status_code == 200
        )


def rules(answer: Any) -> tuple[int, list[str]]:
    return answer.status_code, [one["rule"] for one in answer.json().get("reasons", ())]


def test_an_urgent_flag_ends_with_a_signature_that_needs_no_second_one(service: Service) -> None:
    subject = patient(service)
    flag = raise_one(service, subject)
    path, own = f"/flags/{flag['id']}", {"code": "screened", **SEEN}
    trainee = service.account("clinician", name="trainee", related_to=[subject])
    show_licence(service, trainee, "trainee")
    client = service.client(trainee)
    refused = client.post(f"{path}/acknowledgement", own)
    assert rules(refused) == (403, ["second_signature_independent"])
    assert "under supervision" in refused.json()["reasons"][0]["text"]
    denied = service.entries(action="flag.acknowledge_urgent", outcome="deny")[-1]
    assert [str(denied[name]) for name in ("object_id", "patient_id")] == [flag["id"], subject]
    assert denied["policies"] == ["guard-flag-ending-supervised"]
    assert service.client("intake").get(f"/patients/{subject}/flags").json()["items"][0]["state"] == "open"
    # they take it, and what is not urgent they end
    assert client.post(f"{path}/assignment", {"account_id": str(trainee.id)}).status_code == 200
    gad = {f"gad7.{number}": 3 for number in range(1, 8)}
    client.post(
        f"/patients/{subject}/assessments", {"instrument": "gad-7", "status": "completed", "answers": gad}
    )
    calm = client.get(f"/patients/{subject}/flags").json()["items"][0]
    assert calm["severity"] == "same_day"
    said = {"action": "Reviewed the answers with the patient"}
    assert client.post(f"/flags/{calm['id']}/acknowledgement", said).status_code == 200
    show_licence(service, trainee, "nurse")
    assert client.post(f"{path}/acknowledgement", own).status_code == 200


def test_without_a_licence_a_clinician_ends_no_flag_and_moves_no_episode_and_the_front_desk_hands_over(
    service: Service,
) -> None:
    subject = patient(service)
    flag = raise_one(service, subject)
    clinician = service.account("clinician", related_to=[subject])
    opened = service.client("intake").post(
        f"/patients/{subject}/episodes", {"unit": "U1", "opened_on": service.clock.now().date().isoformat()}
    )
    assert opened.status_code == 201, opened.text
    show_licence(service, clinician, "licensed_clinician", "suspended")
    client, path = service.client(clinician), f"/flags/{flag['id']}"
    assert rules(client.post(f"{path}/acknowledgement", SEEN)) == (403, ["credential_lapsed"])
    assert service.entries(action="flag.acknowledge", outcome="deny")[-1]["policies"] == ["guard-flag-ending"]
    step = {
        "kind": "step_down",
        "on": service.clock.now().date().isoformat(),
        "reason": "Better",
        "level": "1",
    }
    moved = client.post(f"/episodes/{opened.json()['id']}/steps", step, version=1)
    assert rules(moved) == (403, ["credential_lapsed"])
    # the alarm stays on their list; they may still give it back, and it is given to nobody whose licence ran out
    assert [one["id"] for one in client.get("/flags?state=open").json()["items"]] == [flag["id"]]
    assert client.post(f"{path}/assignment", {"account_id": str(clinician.id)}).status_code == 422
    assert client.post(f"{path}/assignment", {"account_id": None}).status_code == 200
    # nobody else who treats is left: the front desk ends it, with who saw the patient
    desk = service.account("intake")
    show_licence(service, desk, "peer")
    assert service.client(desk).post(f"{path}/acknowledgement", {"action": SEEN["action"]}).status_code == 422
    assert service.client(desk).post(f"{path}/acknowledgement", SEEN).status_code == 200


def test_a_trainees_plan_waits_for_somebody_who_signs_alone(service: Service) -> None:
    """Whether a signature is a trainee's, the licence says, not the signer; another trainee's is no second one."""
    ward = Ward(service)
    ward.admit()
    show_licence(service, service.accounts["clinician"], "trainee")
    made = ward.begin()["id"]
    signed = ward.act(made, "signatures", {"kind": "clinician"}).json()
    assert "CP-10" in {one["rule"] for one in signed["findings"] if one["severity"] == "W"}
    supervisor = ward.supervisor.who
    show_licence(service, supervisor, "trainee")
    refused = ward.act(made, "signatures", {"kind": "supervisor"}, who=ward.supervisor)
    assert rules(refused) == (403, ["second_signature_independent"])
    show_licence(service, supervisor, "licensed_clinician")
    assert ward.act(made, "signatures", {"kind": "supervisor"}, who=ward.supervisor).status_code == 201
