"""What a packet, and a link to it, must not show."""

from tests.house import Service
from tests.integration.admission.packet.desk import Desk
from tests.integration.delivery.mailroom import Mailroom, Recorder
from tests.integration.intake.asking import form


def test_compliance_learns_that_a_flag_is_open_and_not_what_it_is_about(service: Service) -> None:
    desk = Desk(service)
    desk.intake.post(f"/patients/{desk.patient_id}/assessments", form("phq-9", {"phq9.9": 1}, "draft"))
    assert [one["code"] for one in desk.packet()["flags"]] == ["suicide_item_positive"]
    seen = desk.packet(desk.compliance)
    assert seen["flags"] == []
    (shut,) = [
        one
        for gate in seen["gates"]
        if gate["block"] == "ADMIT"
        for one in gate["missing"]
        if one["code"] == "open_emergency"
    ]
    assert shut["words"] == "An urgent flag is open."
    assert "Item 9" not in str(seen) and "ASQ" not in str(seen)


def test_a_link_opens_the_packet_and_nothing_else_of_the_chart(service: Service) -> None:
    room, carrier = Mailroom(service), Recorder()
    subject = room.patient_id
    assert room.intake.post(f"/patients/{subject}/packet-links", {}).status_code == 201
    room.send(email=carrier)
    token = carrier.taken[0].body.partition("#")[2].split()[0]
    http = service.house.http
    opened = http.post("/api/v1/auth/packet-link", json={"token": token, "birth_date": "1990-02-03"})
    headers = {"Authorization": f"Bearer {opened.json()['access_token']}", "Purpose-Of-Use": "PATRQT"}

    def status(path: str) -> int:
        return http.get(f"/api/v1/patients/{subject}/{path}", headers=headers).status_code

    assert {status(path) for path in ("intake", "forms", "medical")} == {200}
    closed = ("safety-plans", "care-plans", "accounting", "disclosures", "restrictions")
    assert {path: status(path) for path in closed} == dict.fromkeys(closed, 404)
    own = service.client(service.account("patient", patient_id=subject), purpose="PATRQT")
    assert own.get(f"/patients/{subject}/safety-plans").status_code == 200
