"""From signature to the end: evidence, revocation, expiry, replacement, and what cannot be done any more."""

import base64
import threading
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from service.access.actions import Action
from service.consent import operations
from service.consent.commands import Revoking
from service.consent.sealing import CONSENT
from service.store.tables.consent import consent as consent_table
from service.vault.envelope import RowKey
from service.work import Work
from tests.integration.consent.desk import CLINIC, LAWYER, SIGNATURE, SPECIFIC, TPO, Desk, codes

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n and the rest of a drawing").decode()


def revocation(desk: Desk, **change: Any) -> dict[str, Any]:
    now = desk.service.clock.now()
    return {
        "received_at": now.isoformat().replace("+00:00", "Z"),
        "form": "written",
        "by": "patient",
    } | change


def revoke(desk: Desk, consent_id: str, **change: Any) -> Any:
    return desk.patient.post(f"/consents/{consent_id}/revocation", revocation(desk, **change))


# ---- signing


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


def test_a_minor_cannot_sign_while_the_law_of_the_state_is_not_known(desk: Desk) -> None:
    young = desk.intake.post(
        "/patients", {"given_name": "Kim", "family_name": "Testperson", "birth_date": "2008-06-02"}
    ).json()
    made = desk.intake.post(f"/patients/{young['id']}/consents", SPECIFIC).json()
    path = f"/consents/{made['id']}/signatures"
    signature = SIGNATURE | {"signer": {"role": "patient", "name": "Kim Testperson"}}
    answer = desk.intake.post(path, signature)
    assert codes(answer.json()["errors"]) == {"C-SIGNER-MINOR"}
    desk.wait(timedelta(days=1))
    assert desk.intake.post(path, signature).status_code == 201


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


# ---- who may


def test_who_may_do_what_with_a_consent(desk: Desk) -> None:
    signed = desk.signed(SPECIFIC)
    path = f"/consents/{signed['id']}"
    service = desk.service
    stranger = service.client(service.account("clinician", name="stranger"))
    assert stranger.get(path).status_code == 403
    assert service.client("administrator").get(path).status_code == 403
    assert desk.clinician.get(path).status_code == 200
    other = desk.intake.post(
        "/patients", {"given_name": "Ann", "family_name": "Other", "birth_date": "1980-01-01"}
    )
    somebody = service.account("patient", name="somebody else", patient_id=other.json()["id"])
    assert service.client(somebody, purpose="PATRQT").get(path).status_code == 404
    assert (
        service.client(somebody, purpose="PATRQT").post(f"{path}/revocation", revocation(desk)).status_code
        == 404
    )
    assert desk.read(signed["id"])["state"] == "active"


# ---- revoking


def test_a_revocation_acts_at_once_and_once(desk: Desk) -> None:
    signed = desk.signed(SPECIFIC)
    answer = revoke(desk, signed["id"])
    assert answer.status_code == 200, answer.text
    revoked = answer.json()
    assert revoked["state"] == "revoked"
    assert not revoked["in_force"]
    assert codes(revoked["not_in_force"]) == {"C-REVOKED"}
    again = revoke(desk, signed["id"])
    assert again.status_code == 409
    assert again.json()["code"] == "consent_not_active"
    assert desk.read(signed["id"]) == revoked


def test_a_spoken_revocation_stops_as_a_written_one_does(desk: Desk) -> None:
    signed = desk.signed(TPO)
    answer = desk.clinician.post(f"/consents/{signed['id']}/revocation", revocation(desk, form="oral"))
    assert answer.json()["state"] == "revoked"


def test_a_draft_cannot_be_revoked(desk: Desk) -> None:
    assert revoke(desk, desk.drafted(SPECIFIC)["id"]).status_code == 409


@pytest.mark.parametrize("minutes", [1, -60])
def test_a_revocation_is_received_between_signature_and_now(desk: Desk, minutes: int) -> None:
    signed = desk.signed(SPECIFIC)
    at = desk.service.clock.now() + timedelta(minutes=minutes)
    answer = revoke(desk, signed["id"], received_at=at.isoformat().replace("+00:00", "Z"))
    assert answer.status_code == 422
    assert desk.read(signed["id"])["state"] == "active"


def test_one_recipient_is_taken_out_and_the_other_stays(desk: Desk) -> None:
    signed = desk.signed(
        SPECIFIC | {"recipients": [LAWYER, {"type": "entity", "name": "Harbor Housing Office"}]}
    )
    ids = [r["recipient_id"] for r in signed["recipients"]]
    partly = revoke(desk, signed["id"], recipients=[ids[0]]).json()
    assert partly["state"] == "active"
    assert [r["revoked"] for r in partly["recipients"]] == [True, False]
    assert revoke(desk, signed["id"], recipients=[ids[0]]).status_code == 409
    whole = revoke(desk, signed["id"], recipients=[ids[1]]).json()
    assert whole["state"] == "revoked"
    stranger = revoke(desk, desk.signed(SPECIFIC)["id"], recipients=[ids[1]])
    assert stranger.status_code == 422


def test_the_same_key_revokes_once(desk: Desk) -> None:
    signed = desk.signed(SPECIFIC)
    body, headers = revocation(desk), {"Idempotency-Key": "stop-1"}
    path = f"/consents/{signed['id']}/revocation"
    assert desk.patient.post(path, body, headers=headers).json()["state"] == "revoked"
    assert desk.patient.post(path, body, headers=headers).json()["state"] == "revoked"
    assert len(desk.service.entries(action="consent.revoke")) == 1


# ---- ending by itself


def test_a_consent_ends_with_its_last_day_where_the_program_is(desk: Desk) -> None:
    signed = desk.signed(SPECIFIC | {"expiry": {"kind": "date", "date": "2026-06-01"}})
    desk.go_to(desk.service.clock.now().replace(day=2, hour=3, minute=59))
    assert desk.read(signed["id"])["in_force"]
    desk.wait(timedelta(minutes=1))
    ended = desk.read(signed["id"])
    assert ended["state"] == "expired"
    assert codes(ended["not_in_force"]) == {"C-EXPIRED"}


@pytest.mark.parametrize(
    "expiry",
    [{"kind": "event", "event": "Discharge"}, {"kind": "end_of_treatment"}],
    ids=["event", "end of treatment"],
)
def test_o09_a_consent_ends_with_its_event(desk: Desk, expiry: dict[str, Any]) -> None:
    signed = desk.signed(SPECIFIC | {"expiry": expiry})
    desk.wait(timedelta(days=2))
    assert desk.read(signed["id"])["in_force"]
    event = {"kind": "discharge", "occurred_on": "2026-06-02"}
    recorded = desk.intake.post(f"/patients/{desk.patient_id}/events", event)
    assert recorded.status_code == 201, recorded.text
    assert codes(desk.read(signed["id"])["not_in_force"]) == {"C-EXPIRED"}


def test_an_ended_consent_can_still_be_revoked(desk: Desk) -> None:
    signed = desk.signed(SPECIFIC | {"expiry": {"kind": "date", "date": "2026-06-01"}})
    desk.wait(timedelta(days=2))
    assert revoke(desk, signed["id"]).json()["state"] == "revoked"


# ---- replacing, errors


def test_a_consent_is_replaced_by_another_in_force(desk: Desk) -> None:
    old, new, draft = desk.signed(SPECIFIC), desk.signed(SPECIFIC), desk.drafted(SPECIFIC)
    path = f"/consents/{old['id']}/supersession"
    for not_active in (draft["id"], old["id"], "01890000-0000-7000-8000-000000000000"):
        assert desk.intake.post(path, {"replaced_by": not_active}).status_code == 422
    replaced = desk.intake.post(path, {"replaced_by": new["id"]}).json()
    assert replaced["state"] == "superseded"
    assert replaced["superseded_by"] == new["id"]
    assert desk.read(new["id"])["in_force"]
    assert desk.intake.post(path, {"replaced_by": new["id"]}).status_code == 409


def test_an_error_is_kept_and_used_for_nothing(desk: Desk) -> None:
    signed = desk.signed(SPECIFIC)
    path = f"/consents/{signed['id']}/error"
    assert desk.intake.post(path, {"reason": "wrong patient"}).status_code == 403
    marked = desk.clinician.post(path, {"reason": "wrong patient"}).json()
    assert marked["state"] == "entered_in_error"
    assert codes(marked["not_in_force"]) == {"C-ENTERED-IN-ERROR"}
    assert revoke(desk, signed["id"]).status_code == 409


# ---- tampering


def rewrite(desk: Desk, consent_id: str, column: str, change: dict[str, Any]) -> None:
    """What somebody with the keys and the database can do to a row."""
    service, table = desk.service, consent_table

    def tamper(db: Any) -> None:
        vault = service.house.state.mechanisms.vault
        row = db.execute(table.select().where(table.c.id == consent_id)).one()
        key = RowKey(service.program_id, row.id, row.version, row.patient_id)
        kept: Any = vault.open_row(db, CONSENT, key, {column: row._mapping[column]})[column]
        sealed = vault.seal_row(db, CONSENT, key, {column: kept | change})
        entry_id = service.entry(db, "test.tamper")
        db.execute(update(table).where(table.c.id == consent_id).values(**sealed, entry_id=entry_id))

    service.unit(tamper)


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("terms", {"purposes": ["EMPLOYMENT"]}),
        ("terms", {"recipients": []}),
        ("document", {"text": "Consent to share everything with everybody"}),
        ("document", {"version": "v1999-01"}),
    ],
)
def test_other_words_under_the_same_signature_are_not_in_force(
    desk: Desk, column: str, change: dict[str, Any]
) -> None:
    signed = desk.signed(SPECIFIC)
    rewrite(desk, signed["id"], column, change)
    read = desk.read(signed["id"])
    assert read["state"] == "active"
    assert not read["in_force"]
    assert "C-TEXT-CHANGED" in codes(read["not_in_force"])


def test_a_copied_ciphertext_does_not_open(desk: Desk) -> None:
    """The terms of a wide consent moved onto a narrow one, by somebody without the keys."""
    narrow, wide = desk.signed(SPECIFIC), desk.signed(TPO)
    with desk.service.house.superuser() as db:
        db.execute("alter table consent disable trigger all")
        db.execute(
            "update consent set terms = (select terms from consent where id = %s) where id = %s",
            [wide["id"], narrow["id"]],
        )
        db.execute("alter table consent enable trigger all")
    answer = desk.intake.get(f"/consents/{narrow['id']}")
    assert answer.status_code >= 500
    assert "Lee" not in answer.text
    assert desk.read(wide["id"])["in_force"]


# ---- for those who disclose


def test_consents_are_found_by_recipient_and_by_class(desk: Desk) -> None:
    named, classed = desk.signed(SPECIFIC), desk.signed(TPO)
    desk.signed(SPECIFIC | {"recipients": [CLINIC], "purposes": ["HOUSING"]})
    desk.drafted(SPECIFIC)
    gone = desk.signed(SPECIFIC)
    assert revoke(desk, gone["id"]).status_code == 200
    recipient_id = named["recipients"][0]["recipient_id"]

    def found(work: Work) -> list[str]:
        work.require(Action.CONSENT_DRAFT)
        consents = operations.consents_for_recipient(work, UUID(desk.patient_id), UUID(recipient_id))
        work.record(action=Action.CONSENT_LIST, object_kind="consent", object_id=None)
        return [str(consent.consent_id) for consent in consents]

    assert desk.service.work(desk.service.account("intake").caller, found) == sorted(
        [named["id"], classed["id"], gone["id"]]
    )


def test_a_revocation_waits_for_a_decision_that_rests_on_the_consent(desk: Desk) -> None:
    """Shared lock here, revocation there: it is done only when the deciding transaction has ended."""
    signed, service = desk.signed(SPECIFIC), desk.service
    recipient_id = UUID(signed["recipients"][0]["recipient_id"])
    patient, intake = desk.patient_account().caller, service.account("intake").caller
    given = Revoking(received_at=service.clock.now(), form="written", by="patient")
    decided, revoked = threading.Event(), threading.Event()
    order: list[str] = []

    def revoke_it(work: Work) -> None:
        operations.revoke(work, service.house.state.rulebook, UUID(signed["id"]), given)
        order.append("revoked")
        revoked.set()

    def elsewhere() -> None:
        decided.wait(5)
        service.work(patient, revoke_it, purpose="PATRQT")

    def decide(work: Work) -> None:
        work.require(Action.CONSENT_DRAFT)
        found = operations.consents_for_recipient(work, UUID(desk.patient_id), recipient_id)
        assert [one.state.value for one in found] == ["active"]
        decided.set()
        assert not revoked.wait(0.5)
        work.record(action=Action.CONSENT_LIST, object_kind="consent", object_id=None)
        order.append("decided")

    other = threading.Thread(target=elsewhere)
    other.start()
    service.work(intake, decide)
    other.join(10)
    assert order == ["decided", "revoked"]
    assert desk.read(signed["id"])["state"] == "revoked"
