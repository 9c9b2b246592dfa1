"""A packet form over pages: read in the patient's language, signed by link or at the desk, or refused with a reason."""

import re
from typing import Any

import pytest

from service.identity.model import Account
from tests.house import Service
from tests.integration.admission.packet.desk import Desk
from tests.integration.admission.packet.test_forms import intoxicated
from tests.integration.delivery.test_links import BORN, Doorway
from tests.pages.test_flag_pages import hidden
from tests.pages.test_pages_over_http import browserless, sign_in

__all__ = ["browserless"]
KEPT = ("form_token", "once", "language", "text_version", "text_sha256")


def send(http: Any, path: str, page: str | None = None, **fields: str) -> Any:
    shown = http.get(path).text if page is None else page
    form = {name: hidden(shown, name) for name in KEPT}
    return http.post(path, data=form | fields, follow_redirects=False)


@pytest.fixture
def desk(service: Service) -> Desk:
    return Desk(service, language="es-MX")


AT_THE_DESK = {
    "outcome": "signed",
    "reader.how": "read_aloud",
    "device": "shared_tablet",
    "signer.role": "patient",
    "signer.name": "Pia Packetperson",
    "attestation": "yes",
    "witness": "Ina Testperson",
}


def test_at_the_desk_a_form_is_signed_once_in_the_patients_language(
    desk: Desk, browserless: Any, clerk: Account
) -> None:
    http, path = browserless, f"/patients/{desk.patient_id}/signing/F04"
    sign_in(http, clerk.username)
    assert path in http.get(f"/patients/{desk.patient_id}/intake").text
    page = http.get(path).text
    assert '<h1 lang="es">Consentimiento para la atención</h1>' in page
    assert not re.search(r"<(input|option)[^>]* (checked|selected)", page), "nothing is ticked beforehand"
    assert '<h1 lang="en">Consent to care</h1>' in http.get(f"{path}?lang=en").text
    text = desk.text("F04", "es")
    assert text["sha256"] in page and text["version"] in page
    empty = send(http, path, page, signer="")
    assert empty.status_code == 422
    for name in ("outcome", "reader.how", "device"):
        assert f'<a class="tap" href="#f-{name}">' in empty.text and f'id="f-{name}"' in empty.text
    part = send(http, path, page, **AT_THE_DESK | {"attestation": "", "signer.name": "Pía & <Pia>"})
    assert part.status_code == 422
    assert "#f-attestation" in part.text and 'value="Pía &amp; &lt;Pia&gt;"' in part.text
    assert re.search(r'name="outcome" value="signed" checked', part.text), "what was chosen is not lost"
    done = send(http, path, page, **AT_THE_DESK)
    assert done.status_code == 303
    assert send(http, path, page, **AT_THE_DESK).headers["location"] == done.headers["location"]
    [kept] = desk.intake.get(f"/patients/{desk.patient_id}/forms").json()["items"]
    assert (kept["language"], kept["witness"], kept["device"]) == ("es", "Ina Testperson", "shared_tablet")
    assert kept["attestation"] == "Leí este formulario. Esta es mi firma."
    shown = http.get(done.headers["location"]).text
    for said in (text["sha256"], text["version"], "Ina Testperson", "Puede decir que no a una parte."):
        assert said in shown
    assert desk.task("F04")["status"] == "done"
    old = hidden(page, "text_sha256")
    twice = send(http, path, page, **AT_THE_DESK | {"witness": "Somebody else"})
    assert twice.status_code == 409 and "This form was sent already." in twice.text
    stale = send(http, path, http.get(path).text.replace(old, "0" * 64), **AT_THE_DESK)
    assert stale.status_code == 409
    assert "These are not the words in force." in stale.text and old in stale.text


def test_at_the_desk_a_refusal_is_kept_with_its_reason(desk: Desk, browserless: Any, clerk: Account) -> None:
    http = browserless
    sign_in(http, clerk.username)
    path = f"/patients/{desk.patient_id}/signing/F01"
    said = {"outcome": "declined", "reader.how": "self", "device": "staff_device"}
    without = send(http, path, **said)
    assert without.status_code == 422 and 'href="#f-reason"' in without.text
    done = send(http, path, **said, reason="The patient wants to read it at home first.")
    assert done.status_code == 303
    page = http.get(done.headers["location"]).text
    assert "Declined" in page and "read it at home first" in page
    assert "Declined on" in http.get(path).text
    sharing = http.get(f"/patients/{desk.patient_id}/signing/F05")
    assert 'value="declined"' in sharing.text and 'value="signed"' not in sharing.text
    assert http.get(f"/patients/{desk.patient_id}/signing/F99").status_code == 404


def test_a_patient_with_a_link_signs_and_sees_what_was_signed(service: Service, browserless: Any) -> None:
    door, http = Doorway(service), browserless
    assert door.make().status_code == 201
    token, own = door.token(), door.room.patient_id
    form = http.get("/packet?lang=es").text
    entered = {"form_token": hidden(form, "form_token"), "token": token, "birth_date": BORN}
    assert http.post("/packet", data=entered, follow_redirects=False).status_code == 303
    path = f"/patients/{own}/signing/F04"
    assert path in http.get(f"/patients/{own}/intake").text
    page = http.get(path).text
    assert "Usted acepta recibir atención aquí." in page and 'name="device"' not in page
    nothing = send(http, path, page)
    assert nothing.status_code == 422
    assert '<a class="tap" href="#f-outcome">Elija qué quiere.</a>' in nothing.text
    unnamed = send(http, path, page, outcome="signed")
    for said in ("Escriba su nombre completo.", "Marque la casilla: es su firma."):
        assert said in unnamed.text
    signed = {"outcome": "signed", "signer.name": "Pia Packetperson", "attestation": "yes", "device": "paper"}
    done = send(http, path, page, **signed)
    assert done.status_code == 303
    shown = http.get(done.headers["location"]).text
    assert "Firmado" in shown and hidden(page, "text_sha256") in shown
    [kept] = door.room.intake.get(f"/patients/{own}/forms").json()["items"]
    assert (kept["device"], kept["signer"]["role"], kept["witness"]) == ("own_device", "patient", None)
    other = door.room.register()
    assert http.get(f"/patients/{other}/signing/F04").status_code == 404


def test_who_cannot_decide_now_is_asked_again_later(desk: Desk, browserless: Any, clerk: Account) -> None:
    sign_in(browserless, clerk.username)
    intoxicated(desk, True, 0)
    answer = send(browserless, f"/patients/{desk.patient_id}/signing/F04", **AT_THE_DESK)
    assert answer.status_code == 409
    assert "Offer it again when that has passed." in answer.text
    assert desk.intake.get(f"/patients/{desk.patient_id}/forms").json()["items"] == []
