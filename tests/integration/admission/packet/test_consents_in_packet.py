"""Consents to disclose, as the packet sees them: done while in force, asked again when they are taken back."""

from tests.house import Service
from tests.integration.disclosure.office import SPECIFIC, TPO, Office


def test_a_consent_in_force_makes_its_item_done_until_it_is_revoked(service: Service) -> None:
    office = Office(service)

    def tasks() -> dict[str, str]:
        packet = office.intake.get(f"/patients/{office.patient_id}/intake")
        assert packet.status_code == 200, packet.text
        return {task["key"]: task["status"] for task in packet.json()["tasks"]}

    assert (tasks()["F05"], tasks()["F09"]) == ("not_started", "not_started")
    consent = office.signed(TPO)["id"]
    found = tasks()
    assert (found["F05"], found["F06"], found["F09"], found["F26"]) == ("done", *["not_started"] * 3)
    office.revoke(consent)
    assert tasks()["F05"] == "declined"
    office.signed(SPECIFIC)
    found = tasks()
    assert (found["F07"], found["F09"]) == ("done", "not_started")
