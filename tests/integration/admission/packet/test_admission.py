"""The gate of admission over HTTP: refused with everything that is missing, until nothing is; then one transaction."""

from datetime import timedelta
from uuid import UUID

from service.admission.packet import forms
from service.admission.packet.model import FormOutcome
from service.admission.packet.nudging import due_reminders
from service.identity.system import PURPOSE, system_caller
from service.people.patient import Event
from service.work import Work
from tests.house import Service
from tests.integration.admission.packet.desk import Desk


class Intake(Desk):
    """Somebody of whom everything is asked that admission needs."""

    def screened(self) -> None:
        answers = {f"asq.{number}": 0 for number in range(1, 5)}
        body = {"instrument": "asq", "status": "completed", "answers": answers}
        answer = self.intake.post(f"/patients/{self.patient_id}/assessments", body)
        assert answer.status_code == 201 and answer.json()["flags"] == [], answer.text


def test_refused_until_the_gate_is_met_each_refusal_naming_what_is_missing(service: Service) -> None:
    desk = Intake(service)
    missing = desk.gate("ADMIT")
    assert len(missing) == 9
    refused = desk.admit()
    assert (refused.status_code, refused.json()["code"]) == (409, "admission_blocked")
    assert [one["code"] for one in refused.json()["missing"]] == missing
    assert all(one["words"] and one["who"] for one in refused.json()["missing"])
    denied = service.entries(action="episode.admit")[-1]
    assert (denied["outcome"], denied["detail"]["missing"]) == ("deny", missing)
    desk.signed("F02", "F03", "identity", outcome="given")
    desk.signed("F04", "F27")
    assert desk.gate("ADMIT") == [
        "suicide_screen_missing", "withdrawal_check_missing", "f20_missing", "placement_missing",
    ]  # fmt: skip
    desk.screened()
    assert desk.gate("ADMIT") == ["withdrawal_check_missing", "f20_missing", "placement_missing"]
    for item in ("withdrawal_check", "F20"):
        waived = desk.decide(item, "waiver", desk.clinician, reason="Cleared by Dr Testperson")
        assert waived.status_code == 200, waived.text
    assert desk.gate("ADMIT") == ["placement_missing"]
    skipped = desk.decide("placement", "emergency-skip", reason="Decided on the telephone")
    assert skipped.status_code == 200
    assert desk.packet()["ready_for_admission"] is True
    key = {"Idempotency-Key": "admit-once"}
    path = f"/episodes/{desk.episode_id}/admission"
    admitted, again = (desk.intake.post(path, {}, headers=key) for _ in range(2))
    assert admitted.status_code == 200, admitted.text
    made = admitted.json()
    assert (made["state"], made["admitted_on"], made["put_off"]) == ("admitted", desk.today, ["placement"])
    assert again.json() == made
    assert desk.admit().json()["code"] == "episode_state"
    events = desk.intake.get(f"/patients/{desk.patient_id}/events").json()["items"]
    assert [(one["kind"], one["occurred_on"]) for one in events] == [("admission", desk.today)]
    assert desk.task("placement:after_emergency")["status"] == "not_started"
    assert "not_admitted" not in desk.gate("GROUP") and "f14_missing" in desk.gate("GROUP")


def test_an_admission_ends_the_consents_that_end_with_it_and_is_recorded_once(service: Service) -> None:
    desk = Intake(service)
    for item in (
        "identity",
        "F02",
        "F03",
        "F04",
        "suicide_screen",
        "withdrawal_check",
        "F20",
        "placement",
        "F27",
    ):
        assert (
            desk.decide(item, "emergency-skip", desk.clinician, reason="Brought by ambulance").status_code
            == 200
        ), item
    recorded = desk.clinician.post(
        f"/patients/{desk.patient_id}/events", {"kind": "admission", "occurred_on": desk.today}
    )
    assert recorded.status_code == 201, recorded.text
    admitted = desk.admit(desk.clinician)
    assert admitted.status_code == 200, admitted.text
    assert len(admitted.json()["put_off"]) == 9
    kinds = [one["kind"] for one in desk.intake.get(f"/patients/{desk.patient_id}/events").json()["items"]]
    assert kinds == [Event.ADMISSION.value]


def test_an_open_emergency_and_another_days_admission_are_refused(service: Service) -> None:
    desk = Intake(service)
    for item in ("identity", "F02", "F03", "F04", "withdrawal_check", "F20", "placement", "F27"):
        assert (
            desk.decide(item, "emergency-skip", desk.clinician, reason="Brought by ambulance").status_code
            == 200
        ), item
    body = {"instrument": "asq", "status": "completed",
            "answers": {f"asq.{number}": 0 for number in range(1, 5)} | {"asq.4": 1, "asq.5": 1}}  # fmt: skip
    desk.intake.post(f"/patients/{desk.patient_id}/assessments", body)
    assert desk.gate("ADMIT") == ["open_emergency"] * len(desk.packet()["flags"])
    assert desk.admit().json()["missing"][0]["who"] == "clinician"
    assert desk.patient.post(f"/episodes/{desk.episode_id}/admission", {}).status_code == 404
    assert desk.compliance.post(f"/episodes/{desk.episode_id}/admission", {}).status_code == 403


def test_what_others_read_of_a_form(service: Service) -> None:
    desk = Desk(service)
    library = service.house.state.packet

    def outcome(form: str) -> FormOutcome | None:
        def act(work: Work) -> FormOutcome | None:
            forms.list_signatures(work, UUID(desk.patient_id), form=None, before=None, at_most=1)
            return forms.outcome_of(work, library, UUID(desk.patient_id), form)

        return service.work(desk.intake.who.caller, act)

    assert outcome("F16") is None
    desk.signed("F16", "F13")
    found = outcome("F16")
    assert found is not None and (found.outcome.value, found.current) == ("signed", True)
    assert found.answers["video"] is True
    service.clock.advance(timedelta(days=91))
    lapsed, lasting = outcome("F13"), outcome("F16")
    assert lapsed is not None and lasting is not None
    assert (lapsed.current, lasting.current) == (False, True)


# -- reminders


def reminded(service: Service) -> int:
    library = service.house.state.packet
    caller = system_caller(service.program.id)
    return service.work(caller, lambda work: due_reminders(work, library), purpose=PURPOSE)


def written(desk: Desk) -> list[str]:
    later = desk.service.client(desk.service.account("intake", name=f"reader-{desk.service.clock.now()}"))
    answer = later.get(f"/messages?patient={desk.patient_id}")
    assert answer.status_code == 200, answer.text
    return [one["template"] for one in reversed(answer.json()["items"])]


def test_reminders_climb_the_ladder_and_end_with_a_call(service: Service) -> None:
    desk = Desk(service)
    assert reminded(service) == 0
    link = desk.intake.post(f"/patients/{desk.patient_id}/packet-links")
    assert link.status_code == 201, link.text
    assert desk.task("F16")["status"] == "sent" and reminded(service) == 0
    clock, seen = service.clock, list[int]()
    for hours in (24, 1, 23, 24, 24, 48):
        clock.advance(timedelta(hours=hours))
        seen.append(reminded(service))
    # a day: first; an hour more: nothing; three days: second; four: a call; then silence
    assert seen == [1, 0, 0, 1, 1, 0], seen
    assert written(desk) == ["packet_link", "reminder_1", "reminder_2"]
    later = service.client(service.account("intake", name="later"))
    assert later.get(f"/patients/{desk.patient_id}/intake").json()["call_patient"] is True
    assert later.get("/work-list?view=waiting_patient").json()["items"][0]["call_patient"] is True


def test_who_has_no_safe_channel_is_called_and_not_written_to(service: Service) -> None:
    desk = Desk(service)
    assert desk.intake.post(f"/patients/{desk.patient_id}/packet-links").status_code == 201
    unsafe = {"channels": [{"channel": "email", "address": "pia@example.org", "safe": False}]}
    version = desk.intake.get(f"/patients/{desk.patient_id}").json()["version"]
    assert desk.intake.patch(f"/patients/{desk.patient_id}", unsafe, version=version).status_code == 200
    service.clock.advance(timedelta(hours=24))
    assert reminded(service) == 1
    assert written(desk) == ["packet_link"]
    later = service.client(service.account("intake", name="later"))
    assert later.get(f"/patients/{desk.patient_id}/intake").json()["call_patient"] is True


def test_nobody_is_reminded_of_what_is_done_or_ended(service: Service) -> None:
    desk = Desk(service)
    assert desk.intake.post(f"/patients/{desk.patient_id}/packet-links").status_code == 201
    refused = desk.clinician.post(
        f"/episodes/{desk.episode_id}/steps", {"kind": "not_admit", "on": desk.today, "reason": "Elsewhere"}
    )
    assert refused.status_code in (200, 201), refused.text
    service.clock.advance(timedelta(hours=24))
    assert reminded(service) == 0 and written(desk) == ["packet_link"]
