"""Who signs, with what evidence, and when one signature is not enough (2.31(a)(8), 2.14, 2.15)."""

import base64
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.consent.acting import law_of_the_state
from tests.integration.consent.desk import SIGNATURE, SPECIFIC, TPO, Desk, codes
from tests.integration.consent.happenings import (
    PNG,
    happened,
    registered,
    related,
    revocation,
    revoke,
)


def test_the_words_that_are_signed_are_the_words_that_were_shown(desk: Desk) -> None:
    made = desk.drafted(SPECIFIC)
    path = f"/consents/{made['id']}/signatures"
    shown = made["document"]["sha256"]
    edited = desk.intake.put(f"/consents/{made['id']}", SPECIFIC | {"purposes": ["EMPLOYMENT"]}, version=1)
    assert edited.json()["document"]["sha256"] != shown
    stale = desk.patient.post(path, SIGNATURE | {"text_sha256": shown})
    assert stale.status_code == 409
    assert stale.json()["code"] == "consent_text_changed"
    signed = desk.patient.post(path, SIGNATURE | {"text_sha256": edited.json()["document"]["sha256"]})
    assert signed.status_code == 201
    assert signed.json()["document"] == edited.json()["document"]


def test_who_needs_an_interpreter_signs_with_one_who_is_named(desk: Desk) -> None:
    alone = desk.signed(TPO)
    assert [one["interpreter_id"] for one in alone["signatures"]] == [None]
    made = desk.drafted(SPECIFIC)
    asked = {"interpreter": {"needed": True, "language": "es"}}
    assert desk.intake.patch(f"/patients/{desk.patient_id}", asked, version=1).status_code == 200
    path = f"/consents/{made['id']}/signatures"
    family = {"interpreter_id": "MI-20417", "interpreter_relative": True}
    for given, field in (({}, "interpreter_id"), (family, "interpreter_relative")):
        refused = desk.patient.post(path, SIGNATURE | given)
        assert (refused.status_code, refused.json()["code"]) == (422, "interpreter_missing"), refused.text
        assert [one["field"] for one in refused.json()["errors"]] == [field]
    assert desk.patient.post(path, SIGNATURE | {"interpreter_id": " "}).status_code == 422
    signed = desk.patient.post(path, SIGNATURE | {"interpreter_id": "MI-20417"})
    assert (signed.status_code, signed.json()["state"]) == (201, "active"), signed.text
    assert [one["interpreter_id"] for one in signed.json()["signatures"]] == ["MI-20417"]
    copy = desk.patient.get(f"/consents/{made['id']}/document")
    assert "\nInterpreter: MI-20417\n" in copy.text


def test_a_patient_signs_alone_and_staff_witnesses_on_its_device(desk: Desk) -> None:
    alone = desk.signed(SPECIFIC)
    assert [s["witnessed"] for s in alone["signatures"]] == [False]
    made = desk.drafted(TPO)
    answer = desk.intake.post(
        f"/consents/{made['id']}/signatures", SIGNATURE | {"method": "drawn", "image": PNG}
    )
    assert answer.status_code == 201, answer.text
    assert [s["witnessed"] for s in answer.json()["signatures"]] == [True]
    intake = desk.service.account("intake")
    entry = desk.service.entries(action="consent.sign")[-1]
    assert entry["actor_id"] == intake.id
    assert entry["session_id"] == intake.session_id
    assert entry["payload_hash"] is not None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"signer": {"role": "parent", "name": "Bo Testperson"}}, "C-SIGNER"),
        ({"signed_on": "2026-06-02"}, "C-DATE-FUTURE"),
        ({"signed_on": "2026-05-31"}, "C-DATE-BACKDATED"),
        ({"method": "drawn"}, "C-ESIGN-EVIDENCE"),
        ({"attestation": " "}, "C-ESIGN-EVIDENCE"),
        ({"method": "paper_scan", "image": PNG}, "C-DATE"),
        ({"method": "paper_scan", "image": PNG, "signed_on": "2026-05-31"}, "C-DATE-BACKDATED"),
    ],
)
def test_a_signature_that_proves_nothing_changes_nothing(
    desk: Desk, change: dict[str, Any], code: str
) -> None:
    made = desk.drafted(SPECIFIC)
    answer = desk.intake.post(f"/consents/{made['id']}/signatures", SIGNATURE | change)
    assert answer.status_code == 422
    assert codes(answer.json()["errors"]) == {code}
    assert desk.read(made["id"]) == made | {"changed_at": desk.read(made["id"])["changed_at"]}


@pytest.mark.parametrize("image", ["not base64 !", base64.b64encode(b"GIF89a").decode(), ""])
def test_an_image_that_is_none_is_refused(desk: Desk, image: str) -> None:
    made = desk.drafted(SPECIFIC)
    signature = SIGNATURE | {"method": "drawn", "image": image}
    assert desk.intake.post(f"/consents/{made['id']}/signatures", signature).status_code == 422


def test_two_signatures_put_a_minors_consent_in_force_and_one_does_not(desk: Desk) -> None:
    """2.14(b): the law of the state asks for both; the text cannot change between the two."""
    young = registered(desk, "2012-06-02")
    related(desk, young, "parent", "Bo Testperson")
    made = desk.intake.post(f"/patients/{young}/consents", SPECIFIC).json()
    path = f"/consents/{made['id']}"
    minor = SIGNATURE | {"signer": {"role": "patient", "name": "Kim Testperson"}}
    parent = SIGNATURE | {"signer": {"role": "parent", "name": "BO TESTPERSON", "authority": "mother"}}
    with law_of_the_state(desk, {}):
        first = desk.intake.post(f"{path}/signatures", minor)
        assert first.status_code == 201, first.text
        assert first.json()["state"] == "draft"
        assert not first.json()["in_force"]
        assert codes(first.json()["missing_elements"]) == {"C-SIGNER-COSIGN"}
        version = first.json()["version"]
        edit = desk.intake.put(path, SPECIFIC | {"purposes": ["EMPLOYMENT"]}, version=version)
        assert edit.status_code == 409
        desk.wait(timedelta(days=1))
        second = desk.intake.post(f"{path}/signatures", parent)
        assert second.status_code == 201, second.text
        assert second.json()["state"] == "active"
        assert second.json()["in_force"]
        assert [s["role"] for s in second.json()["signatures"]] == ["patient", "parent"]


def test_what_was_signed_with_a_parent_stands_after_majority_and_the_patient_revokes_alone(
    desk: Desk,
) -> None:
    young = registered(desk, "2008-06-03")
    related(desk, young, "parent", "Bo Testperson")
    made = desk.intake.post(f"/patients/{young}/consents", SPECIFIC).json()
    path = f"/consents/{made['id']}"
    with law_of_the_state(desk, {}):
        for role, name in (("patient", "Kim Testperson"), ("parent", "Bo Testperson")):
            signer = {"role": role, "name": name, "authority": "mother"}
            assert desk.intake.post(f"{path}/signatures", SIGNATURE | {"signer": signer}).status_code == 201
        desk.wait(timedelta(days=3))
        assert desk.read(made["id"])["in_force"]
        grown = desk.service.account("patient", name="Kim", patient_id=young)
        answer = desk.service.client(grown, purpose="PATRQT").post(f"{path}/revocation", revocation(desk))
        assert answer.json()["state"] == "revoked"
        later = desk.intake.post(f"/patients/{young}/consents", SPECIFIC).json()
        signer = SIGNATURE | {"signer": {"role": "patient", "name": "Kim Testperson"}}
        answer = desk.intake.post(f"/consents/{later['id']}/signatures", signer)
        assert answer.json()["state"] == "active"


def test_nobody_but_the_patient_signs_in_the_patients_session(desk: Desk) -> None:
    made = desk.drafted(SPECIFIC)
    signature = SIGNATURE | {"signer": {"role": "personal_representative", "name": "Bo", "authority": "me"}}
    answer = desk.patient.post(f"/consents/{made['id']}/signatures", signature)
    assert answer.status_code == 422
    assert codes(answer.json()["errors"]) == {"C-SIGNER"}


def test_a_relationship_that_has_ended_gives_no_authority(desk: Desk) -> None:
    related(desk, desk.patient_id, "guardian", "Ann Testperson")
    happened(desk, "incapacity_adjudicated", "2026-05-01")
    signer = {"role": "guardian", "name": "Ann Testperson", "authority": "court order"}
    found = desk.intake.get(f"/patients/{desk.patient_id}/relationships").json()["items"]
    guardian = next(one for one in found if one["kind"] == "guardian")
    made, later = desk.drafted(SPECIFIC), desk.drafted(SPECIFIC)
    sign = desk.intake.post(f"/consents/{made['id']}/signatures", SIGNATURE | {"signer": signer})
    assert sign.json()["state"] == "active", sign.text
    ended = desk.intake.patch(
        f"/relationships/{guardian['id']}", {"ends_on": "2026-06-01"}, version=guardian["version"]
    )
    assert ended.status_code == 200, ended.text
    desk.wait(timedelta(days=1))
    answer = desk.intake.post(f"/consents/{later['id']}/signatures", SIGNATURE | {"signer": signer})
    assert codes(answer.json()["errors"]) == {"C-SIGNER-CAPACITY"}


def test_what_is_signed_is_never_edited_or_signed_again(desk: Desk) -> None:
    signed = desk.signed(SPECIFIC)
    edit = desk.intake.put(f"/consents/{signed['id']}", TPO, version=signed["version"])
    assert edit.status_code == 409
    assert edit.json()["code"] == "consent_not_draft"
    again = desk.patient.post(f"/consents/{signed['id']}/signatures", SIGNATURE)
    assert again.status_code == 409
    assert desk.read(signed["id"]) == signed


def test_the_copy_holds_the_words_and_who_signed_them(desk: Desk) -> None:
    signed = desk.signed(SPECIFIC)
    answer = desk.patient.get(f"/consents/{signed['id']}/document")
    assert answer.headers["content-type"].startswith("text/plain")
    text = answer.text
    assert text.startswith("Consent to share health information")
    for words in (
        "Lee Attorney",
        "a housing application",
        "Signed: Pat Testperson",
        signed["document"]["sha256"],
    ):
        assert words in text
    assert revoke(desk, signed["id"]).status_code == 200
    assert desk.patient.get(f"/consents/{signed['id']}/document").text.startswith("*** REVOKED ***")
