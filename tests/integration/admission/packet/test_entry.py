"""How we may reach you stays open until the patient's entry says what it asks."""

from tests.house import Service
from tests.integration.admission.packet.desk import Desk


def test_reaching_a_patient_is_settled_when_the_entry_says_it(service: Service) -> None:
    desk = Desk(service, phone="+1 555 0143")
    desk.signed("F16")
    task = desk.task("F16")
    assert (task["status"], task["why"]) == ("in_progress", "Not said yet: channels, interpreter.")
    path = f"/patients/{desk.patient_id}"
    channels = [
        {"channel": "email", "address": "pia@example.org", "safe": True},
        {"channel": "voice", "address": "+1 555 0143", "safe": False},
    ]
    answer = desk.intake.patch(path, {"channels": channels}, version=1)
    assert answer.status_code == 200, answer.text
    assert desk.task("F16")["why"] == "Not said yet: interpreter."
    desk.intake.patch(path, {"interpreter": {"needed": False}}, version=2)
    assert desk.task("F16")["status"] == "done"
