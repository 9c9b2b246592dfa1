"""From signature to the end: expiry, replacement, tampering, and who may do what."""

import threading
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from service.access.actions import Action
from service.consent import operations, revoking
from service.consent.commands import Revoking
from service.consent.sealing import CONSENT
from service.store.tables.consent import consent as consent_table
from service.vault.envelope import RowKey
from service.work import Work
from tests.integration.consent.desk import CLINIC, SPECIFIC, TPO, Desk, codes
from tests.integration.consent.happenings import (
    happened,
    nightly,
    revocation,
    revoke,
    stored_state,
)

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


def test_an_ended_consent_is_not_revoked_any_more_whether_or_not_the_row_says_so(desk: Desk) -> None:
    signed = desk.signed(SPECIFIC | {"expiry": {"kind": "date", "date": "2026-06-01"}})
    desk.wait(timedelta(days=2))
    for _ in range(2):
        answer = revoke(desk, signed["id"])
        assert (answer.status_code, answer.json()["code"]) == (409, "consent_not_active")
        nightly(desk)


def test_the_night_writes_the_end_into_the_row_and_only_that(desk: Desk) -> None:
    over = desk.signed(SPECIFIC | {"expiry": {"kind": "date", "date": "2026-06-01"}})
    stays = desk.signed(SPECIFIC)
    assert nightly(desk) == 0
    desk.wait(timedelta(days=1))
    assert stored_state(desk, over["id"]) == "active"
    assert nightly(desk) == 1
    assert nightly(desk) == 0
    assert stored_state(desk, over["id"]) == "expired"
    assert stored_state(desk, stays["id"]) == "active"
    assert codes(desk.read(over["id"])["not_in_force"]) == {"C-EXPIRED"}
    written = [e for e in desk.service.entries(action="consent.expire") if e["consent_id"]]
    assert [str(e["consent_id"]) for e in written] == [over["id"]]


def test_readmission_revives_nothing(desk: Desk) -> None:
    signed = desk.signed(SPECIFIC | {"expiry": {"kind": "end_of_treatment"}})
    other = desk.signed(SPECIFIC)
    happened(desk, "discharge", "2026-06-01")
    assert stored_state(desk, signed["id"]) == "expired"
    assert stored_state(desk, other["id"]) == "active"
    desk.wait(timedelta(days=1))
    happened(desk, "admission", "2026-06-02")
    assert codes(desk.read(signed["id"])["not_in_force"]) == {"C-EXPIRED"}
    assert desk.read(other["id"])["in_force"]


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
    desk.read(signed["id"])
    reviews = desk.service.client("compliance").get("/audit/reviews").json()["items"]
    assert [(r["kind"], r["subject_id"]) for r in reviews] == [("integrity", signed["id"])]


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
        revoking.revoke(work, service.house.state.rulebook, UUID(signed["id"]), given)
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
