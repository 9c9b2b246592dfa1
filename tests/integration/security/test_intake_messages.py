"""What may not leave although it was queued: words written together, the dead, links that are over."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from service.delivery.discretion import revealing, revealing_address
from service.delivery.model import Reason, Template, Unsendable
from service.delivery.sending import claim
from tests.house import Service
from tests.integration.delivery.mailroom import EMAIL, Mailroom, Recorder


@pytest.fixture
def room(service: Service) -> Mailroom:
    return Mailroom(service)


@pytest.mark.parametrize(
    "address",
    [
        "https://sunriserecovery.example/packet",
        "noreply@my-detox-center.example",
        "office@harboursteps.example",
        "https://the-rapy.therapyhouse.example",
        "office@harbour.drugfree.example",
    ],
)
def test_an_address_tells_in_words_written_together(service: Service, address: str) -> None:
    assert revealing_address(address, service.program)


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:8000/packet", "office@example.org", "https://archive.something.example/packet"],
)
def test_an_ordinary_address_tells_nothing(service: Service, address: str) -> None:
    assert revealing_address(address, service.program) == ()


@pytest.mark.parametrize(
    "name", ["Reco\u00advery Desk", "De\u200btox Line", "\uff32\uff25\uff28\uff21\uff22"]
)
def test_signs_nobody_sees_hide_no_word(service: Service, name: str) -> None:
    assert revealing(name, service.program)


def test_a_message_from_or_to_a_telling_address_stays(room: Mailroom) -> None:
    room.queue()
    room.queue(Template.PACKET_LINK, link="https://sunriserecovery.example/packet#token")
    told = replace(room.desk, mail_from="noreply@harborrecovery.example")
    assert room.itself(lambda work: list(claim(work, told))) == []
    assert {one["state"] for one in room.messages()} == {"failed"}
    room.queue(Template.PACKET_LINK, link="https://sunriserecovery.example/packet#token")
    assert room.claim() == []


def test_nobody_writes_to_the_dead_or_sends_a_link_that_is_over(room: Mailroom) -> None:
    service, carrier = room.service, Recorder()
    other = room.register(EMAIL)
    made = room.intake.post(f"/patients/{other}/packet-links", {}).json()
    assert room.intake.post(f"/packet-links/{made['id']}/ending", {}).status_code == 200
    room.queue()
    death: Mapping[str, str] = {"kind": "death", "occurred_on": str(service.clock.now().date())}
    compliance = service.client("compliance", purpose="HOPERAT")
    died = compliance.post(f"/patients/{room.patient_id}/events", dict(death))
    assert died.status_code == 201, died.text
    room.send(email=carrier)
    assert carrier.taken == []
    assert [one["state"] for one in room.messages() + room.messages(other)] == ["cancelled", "cancelled"]
    whys = {entry["detail"]["why"] for entry in service.entries(action="message.settle")}
    assert whys == {"deceased", "link_over"}
    # nobody is asked to call them either
    assert room.undelivered == []
    assert room.queue() == Unsendable(Reason.DECEASED)


def test_a_link_of_somebody_who_has_died_opens_nothing(room: Mailroom) -> None:
    service, carrier = room.service, Recorder()
    assert room.intake.post(f"/patients/{room.patient_id}/packet-links", {}).status_code == 201
    room.send(email=carrier)
    (parcel,) = carrier.taken
    token = parcel.body.partition("#")[2].split()[0]
    opening = {"token": token, "birth_date": "1990-02-03"}
    assert room.service.house.http.post("/api/v1/auth/packet-link", json=opening).status_code == 200
    death = {"kind": "death", "occurred_on": str(service.clock.now().date())}
    compliance = service.client("compliance", purpose="HOPERAT")
    assert compliance.post(f"/patients/{room.patient_id}/events", death).status_code == 201
    assert room.service.house.http.post("/api/v1/auth/packet-link", json=opening).status_code == 401
    refused = service.entries(action="link.refused")[-1]
    assert refused["detail"]["reason"] == "deceased"


def test_a_link_of_a_chart_that_was_merged_opens_nothing(room: Mailroom) -> None:
    carrier, kept = Recorder(), room.register(EMAIL)
    assert room.intake.post(f"/patients/{room.patient_id}/packet-links", {}).status_code == 201
    room.send(email=carrier)
    token = carrier.taken[0].body.partition("#")[2].split()[0]
    merged = {"merged_id": room.patient_id, "reason": "Registered twice", "evidence": "Seen with both papers"}
    made = room.intake.post(f"/patients/{kept}/merges", merged)
    assert made.status_code == 201, made.text
    opening = {"token": token, "birth_date": "1990-02-03"}
    assert room.service.house.http.post("/api/v1/auth/packet-link", json=opening).status_code == 401
