"""Record items through the whole service: kept, read, listed, refused; and what the ledger says of it."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, update

from service.errors import Stale
from service.record import items, operations
from service.record.item import ItemState, Kind, NewItem
from service.record.records import ITEM_ROW
from service.store.tables.record import record_item
from service.vault.envelope import RowKey
from service.work import Work
from tests.house import House, Service, open_program

PATIENT = {"given_name": "Rowan", "family_name": "Testperson", "birth_date": "1988-04-12"}
SECRET = "Zephyr-canary attended both sessions"


@pytest.fixture
def patient(service: Service) -> str:
    answer = service.client("intake").post("/patients", PATIENT)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@pytest.fixture
def clinician(service: Service, patient: str) -> Any:
    return service.client(service.account("clinician", related_to=[patient]))


def note(**given: object) -> dict[str, object]:
    return {"kind": "progress_note", "unit": "U1", "labels": ["SUD"], "content": SECRET} | given


def test_an_item_is_kept_and_read(service: Service, patient: str, clinician: Any) -> None:
    made = clinician.post(f"/patients/{patient}/items", note(labels=["ETH", "HIV"], content={"text": SECRET}))
    assert made.status_code == 201, made.text
    body = made.json()
    assert made.headers["ETag"] == '"1"'
    assert body["categories"] == ["HIV", "SUD"]
    assert body["note_class"] == "ordinary"
    assert body["regime"] == "part2"
    read = clinician.get(f"/items/{body['id']}")
    assert read.status_code == 200
    assert read.json() == body
    written, seen = service.entries(object_id=UUID(body["id"]))
    assert written["action"] == "item.write"
    assert written["payload_hash"] is not None
    assert seen["action"] == "item.read"
    assert seen["basis"] == "B20"
    assert "B20" in seen["policies"] and "clinician-reading" in seen["policies"]
    assert seen["purpose"] == "TREAT"
    assert seen["id"] == UUID(read.headers["Audit-Entry"])


def test_nothing_of_an_item_is_clear_in_the_database(service: Service, patient: str, clinician: Any) -> None:
    made = clinician.post(f"/patients/{patient}/items", note(labels=["HIV"])).json()
    with service.house.superuser() as db:
        row = db.execute("SELECT record_item::text FROM record_item WHERE id = %s", [made["id"]]).fetchone()
        entry = db.execute(
            "SELECT string_agg(audit_entry::text, '') FROM audit_entry WHERE object_id = %s", [made["id"]]
        ).fetchone()
    assert row is not None and entry is not None
    for text in (row[0], entry[0]):
        assert "Zephyr" not in text
        assert SECRET.encode().hex() not in text
        assert "HIV" not in text


def test_the_unit_gives_the_regime(service: Service, patient: str, clinician: Any) -> None:
    made = clinician.post(f"/patients/{patient}/items", note(unit="U2", labels=["PSY"]))
    assert made.json()["regime"] == "hipaa_only"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"unit": "U1", "kind": "progress_note", "note_class": "sud_counseling_note"}, "note_class"),
        ({"kind": "counseling_note", "note_class": "ordinary"}, "note_class"),
        ({"kind": "psychotherapy_note", "note_class": "sud_counseling_note"}, "note_class"),
        ({"kind": "counseling_note", "unit": "U2"}, "unit"),
        ({"labels": ["SECRET"]}, "labels"),
        ({"dated_on": "2999-01-01"}, "dated_on"),
    ],
)
def test_what_does_not_fit_is_refused_by_field(
    service: Service, patient: str, clinician: Any, given: dict[str, object], field: str
) -> None:
    answer = clinician.post(f"/patients/{patient}/items", note(**given))
    assert answer.status_code == 422
    assert answer.json()["code"] == "item_invalid"
    assert field in {fault["field"] for fault in answer.json()["errors"]}
    assert "SECRET" not in answer.text


@pytest.mark.parametrize(
    "given",
    [{"kind": "rumour"}, {"content": ""}, {"content": 7}, {"colour": "red"}, {"unit": 1}, {"labels": "SUD"}],
)
def test_the_body_is_strict(patient: str, clinician: Any, given: dict[str, object]) -> None:
    assert clinician.post(f"/patients/{patient}/items", note(**given)).status_code == 422


def test_a_session_note_takes_its_class_from_its_kind(service: Service, patient: str, clinician: Any) -> None:
    made = clinician.post(f"/patients/{patient}/items", note(kind="counseling_note")).json()
    assert made["note_class"] == "sud_counseling_note"
    made = clinician.post(f"/patients/{patient}/items", note(kind="psychotherapy_note", unit="U2")).json()
    assert made["note_class"] == "psychotherapy_note"


def test_where_a_note_is_kept_decides_what_it_is(service: Service, patient: str, clinician: Any) -> None:
    path = f"/patients/{patient}/items"
    made = clinician.post(path, note(kind="counseling_note", kept_separately=True)).json()
    assert (made["note_class"], made["kept_separately"]) == ("sud_counseling_note", True)
    for given, word in (
        ({"kind": "counseling_note", "kept_separately": False}, "progress_note"),
        ({"kind": "psychotherapy_note", "unit": "U2", "kept_separately": False}, "progress_note"),
        ({"kind": "progress_note", "kept_separately": True}, "counseling_note"),
        ({"kind": "lab_result", "kept_separately": True}, "counseling_note"),
    ):
        refused = clinician.post(path, note(**given))
        assert (refused.status_code, refused.json()["code"]) == (422, "item_invalid")
        (fault,) = refused.json()["errors"]
        assert fault["field"] == "kept_separately"
        assert word in fault["message"]


def test_what_is_said_of_an_item_is_kept_and_shown(service: Service, patient: str, clinician: Any) -> None:
    plain = clinician.post(f"/patients/{patient}/items", note()).json()
    assert (plain["confidential_communication"], plain["provenance"], plain["kept_separately"]) == (
        True,
        "own",
        False,
    )
    given = {"unit": "U2", "provenance": "received_part2", "confidential_communication": False}
    made = clinician.post(f"/patients/{patient}/items", note(**given)).json()
    assert (made["regime"], made["provenance"], made["confidential_communication"]) == (
        "part2",
        "received_part2",
        False,
    )
    assert clinician.get(f"/items/{made['id']}").json() == made
    chart = {one["id"]: one for one in clinician.get(f"/patients/{patient}/record").json()["items"]}
    assert chart[made["id"]]["regime"] == "part2"
    assert chart[made["id"]]["provenance"] == "received_part2"
    assert chart[made["id"]]["confidential_communication"] is False
    with service.house.superuser() as db:
        row = db.execute("SELECT record_item::text FROM record_item WHERE id = %s", [made["id"]]).fetchone()
    assert row is not None
    assert b"received_part2".hex() not in row[0]


def test_words_of_a_part_2_unit_stay_under_part_2_when_quoted(
    service: Service, patient: str, clinician: Any
) -> None:
    path = f"/patients/{patient}/items"
    sud = clinician.post(path, note(unit="U1")).json()["id"]
    mental = clinician.post(path, note(unit="U2", labels=["PSY"])).json()["id"]
    quoting = clinician.post(path, note(unit="U2", quotes=[mental, sud])).json()
    assert (quoting["provenance"], quoting["regime"]) == ("quotes_part2", "part2")
    assert quoting["quotes"] == sorted([mental, sud])
    harmless = clinician.post(path, note(unit="U2", quotes=[mental])).json()
    assert (harmless["provenance"], harmless["regime"]) == ("own", "hipaa_only")
    again = clinician.post(path, note(unit="U2", quotes=[quoting["id"]])).json()
    assert (again["provenance"], again["regime"]) == ("quotes_part2", "part2")


def test_nobody_quotes_what_they_may_not_read(service: Service, patient: str, clinician: Any) -> None:
    path = f"/patients/{patient}/items"
    session = clinician.post(path, note(kind="counseling_note")).json()["id"]
    other = service.client("intake").post("/patients", PATIENT | {"given_name": "Sasha"}).json()["id"]
    theirs = service.client("intake").post(f"/patients/{other}/items", note()).json()["id"]
    colleague = service.client(service.account("clinician", name="colleague", related_to=[patient]))
    for quoted in (session, theirs, "01890000-0000-7000-8000-000000000000"):
        refused = colleague.post(path, note(quotes=[quoted]))
        assert refused.status_code == 422
        assert [fault["field"] for fault in refused.json()["errors"]] == ["quotes"]


EXTRACTS = [
    "name", "address", "last_whereabouts", "patient_status", "incident_facts", "threat_facts", "abuse_report",
    "cause_of_death", "registry_facts", "dispensing_record", "specimen_order", "claim", "deidentified_report",
]  # fmt: skip


@pytest.mark.parametrize("kind", EXTRACTS)
def test_extracts_are_written_like_any_item(patient: str, clinician: Any, kind: str) -> None:
    made = clinician.post(f"/patients/{patient}/items", note(kind=kind))
    assert (made.status_code, made.json()["kind"]) == (201, kind)


OLDER: dict[str, Any] = {
    "labels and columns": lambda stored: {"labels": ["SUD"], "of": stored},
    "a plain list": lambda stored: ["SUD"],
}


@pytest.mark.parametrize("shape", OLDER)
@pytest.mark.parametrize(
    ("kind", "separate"), [("progress_note", False), ("counseling_note", True)], ids=["ordinary", "session"]
)
def test_rows_of_before_there_was_more_than_labels(
    service: Service, patient: str, clinician: Any, shape: str, kind: str, separate: bool
) -> None:
    made = clinician.post(f"/patients/{patient}/items", note(kind=kind)).json()
    row_id, vault = UUID(made["id"]), service.house.state.mechanisms.vault
    columns = [kind, made["note_class"], "U1", "final", made["dated_on"], made["author"]]

    def write(db: Connection) -> None:
        row = RowKey(service.program_id, row_id, 1, UUID(patient))
        sealed = vault.seal_row(db, ITEM_ROW, row, {"labels": OLDER[shape](columns)})["labels"]
        values = {"labels": sealed, "entry_id": service.entry(db, "item.write")}
        db.execute(update(record_item).where(record_item.c.id == row_id).values(values))

    service.unit(write)
    read = clinician.get(f"/items/{made['id']}")
    assert read.status_code == 200, read.text
    body = read.json()
    assert body["categories"] == ["SUD"]
    assert (body["confidential_communication"], body["provenance"]) == (True, "own")
    assert body["kept_separately"] is separate


def test_only_its_author_reads_a_session_note(service: Service, patient: str, clinician: Any) -> None:
    made = clinician.post(f"/patients/{patient}/items", note(kind="counseling_note")).json()
    assert clinician.get(f"/items/{made['id']}").status_code == 200
    colleague = service.client(service.account("clinician", name="colleague", related_to=[patient]))
    refused = colleague.get(f"/items/{made['id']}")
    assert refused.status_code == 403
    assert refused.json()["reasons"] == [
        {"rule": "NOTE_OF_ITS_AUTHOR", "citation": "42 CFR 2.31(b)(1)(i)(A); 45 CFR 164.508(a)(2)(i)(A)"}
    ]
    assert SECRET not in refused.text
    denial = service.entries(action="item.read", outcome="deny")[-1]
    assert denial["detail"]["reason"] == "NOTE_OF_ITS_AUTHOR"
    assert denial["policies"] == ["G4-USE"]


def test_intake_does_not_reach_a_session_note(service: Service, patient: str, clinician: Any) -> None:
    made = clinician.post(f"/patients/{patient}/items", note(kind="counseling_note")).json()
    refused = service.client("intake").get(f"/items/{made['id']}")
    assert refused.status_code == 403
    assert (
        service.client("intake").post(f"/patients/{patient}/items", note(kind="counseling_note")).status_code
        == 403
    )


def test_a_clinician_without_a_relationship_reads_nothing(
    service: Service, patient: str, clinician: Any
) -> None:
    made = clinician.post(f"/patients/{patient}/items", note()).json()
    stranger = service.client(service.account("clinician", name="stranger"))
    for answer in (
        stranger.get(f"/items/{made['id']}"),
        stranger.get(f"/patients/{patient}/record"),
        stranger.post(f"/patients/{patient}/items", note()),
    ):
        assert answer.status_code == 403
    assert {entry["outcome"] for entry in service.entries(actor_id=stranger.who.id)} == {"deny"}


def test_a_relationship_that_ended_opens_nothing(service: Service, patient: str, clinician: Any) -> None:
    made = clinician.post(f"/patients/{patient}/items", note()).json()
    former = service.account("clinician", name="former")
    service.relate(former, patient, ends_on=date(2021, 1, 1))
    assert service.client(former).get(f"/items/{made['id']}").status_code == 403


def test_someone_of_another_unit_does_not_read_part_2_items(
    service: Service, patient: str, clinician: Any
) -> None:
    """O23: no need to know, not in the unit."""
    made = clinician.post(f"/patients/{patient}/items", note()).json()
    desk = service.client(service.account("intake", name="desk", units=["U2"]))
    refused = desk.get(f"/items/{made['id']}")
    assert refused.status_code == 403
    assert refused.json()["reasons"][0] == {"rule": "NOT_IN_PART2_UNIT_NEED", "citation": "42 CFR 2.12(c)(3)"}


def test_an_item_is_written_only_in_a_unit_its_author_works_in(service: Service, patient: str) -> None:
    outside = service.client(service.account("clinician", name="u2", units=["U2"], related_to=[patient]))
    assert outside.post(f"/patients/{patient}/items", note(unit="U1")).status_code == 403
    assert outside.post(f"/patients/{patient}/items", note(unit="U2")).status_code == 201


def test_a_purpose_that_cannot_need_the_kind_opens_nothing(
    service: Service, patient: str, clinician: Any
) -> None:
    made = clinician.post(f"/patients/{patient}/items", note(kind="lab_result")).json()
    assert clinician.get(f"/items/{made['id']}").status_code == 200
    billing = service.client(clinician.who, purpose="HPAYMT")
    refused = billing.get(f"/items/{made['id']}")
    assert refused.status_code == 403
    assert refused.json()["reasons"][0]["rule"] == "NOT_NEEDED_FOR_PURPOSE"


@pytest.mark.parametrize("purpose", [None, "HLEGAL", "NOBODY"])
def test_a_purpose_is_needed(service: Service, patient: str, clinician: Any, purpose: str | None) -> None:
    made = clinician.post(f"/patients/{patient}/items", note()).json()
    answer = service.client(clinician.who, purpose=purpose).get(f"/items/{made['id']}")
    assert answer.status_code == (400 if purpose is None else 403)
    assert answer.json()["code"] == ("purpose_required" if purpose is None else "purpose_not_allowed")


def test_the_chart_shows_what_may_be_used_and_counts_the_rest(
    service: Service, patient: str, clinician: Any
) -> None:
    for kind in ("progress_note", "attendance", "counseling_note", "counseling_note", "lab_result"):
        assert clinician.post(f"/patients/{patient}/items", note(kind=kind)).status_code == 201
    colleague = service.client(service.account("clinician", name="colleague", related_to=[patient]))
    chart = colleague.get(f"/patients/{patient}/record").json()
    assert sorted(item["kind"] for item in chart["items"]) == ["attendance", "lab_result", "progress_note"]
    assert chart["withheld"] == [
        {
            "category": "counseling_note",
            "count": 2,
            "reason": "NOTE_OF_ITS_AUTHOR",
            "citation": "42 CFR 2.31(b)(1)(i)(A); 45 CFR 164.508(a)(2)(i)(A)",
        }
    ]
    assert SECRET not in str(chart)
    entry = service.entries(action="record.read")[-1]
    assert entry["detail"]["withheld"] == {"counseling_note:NOTE_OF_ITS_AUTHOR": 2}
    assert sorted(entry["detail"]["items"]) == sorted(item["id"] for item in chart["items"])

    desk = service.client("intake").get(f"/patients/{patient}/record").json()
    assert [item["kind"] for item in desk["items"]] == ["lab_result", "attendance"]
    assert sum(one["count"] for one in desk["withheld"]) == 3


def test_the_chart_is_paged_newest_first(service: Service, patient: str, clinician: Any) -> None:
    made = []
    for _ in range(5):
        service.clock.advance(timedelta(seconds=1))
        made.append(clinician.post(f"/patients/{patient}/items", note()).json()["id"])
    seen: list[str] = []
    cursor = ""
    while True:
        page = clinician.get(f"/patients/{patient}/record?limit=2{cursor}").json()
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert sorted(seen) == sorted(made)
    assert seen == sorted(made, reverse=True)


def test_an_item_of_another_program_is_not_there(
    service: Service, patient: str, clinician: Any, house: House
) -> None:
    made = clinician.post(f"/patients/{patient}/items", note()).json()
    other = open_program(house)
    answer = other.client("intake").get(f"/items/{made['id']}")
    unknown = other.client("intake").get("/items/01890000-0000-7000-8000-000000000000")
    assert answer.status_code == unknown.status_code == 404
    assert {**answer.json(), "request_id": ""} == {**unknown.json(), "request_id": ""}


def test_a_repeated_request_makes_one_item(service: Service, patient: str, clinician: Any) -> None:
    key = {"Idempotency-Key": "same-note"}
    first = clinician.post(f"/patients/{patient}/items", note(), headers=key)
    again = clinician.post(f"/patients/{patient}/items", note(), headers=key)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert len(service.entries(action="item.write")) == 1


# -- for operations above ----------------------------------------------------------------------------


def make(work: Work, patient: str, **given: Any) -> UUID:
    new = NewItem(patient_id=UUID(patient), kind=Kind.PROGRESS_NOTE, unit="U1", content={"text": SECRET})
    return operations.write_item(work, replace(new, **given))[0]


def test_a_change_keeps_the_version_before(service: Service, patient: str, clinician: Any) -> None:
    item_id = service.work(clinician.who.caller, lambda work: make(work, patient))

    def correct(work: Work) -> None:
        operations.read_item(work, item_id)
        stored = items.find(work, item_id, lock=True)
        assert stored is not None
        now = items.change(work, stored, content={"text": "corrected"})
        assert now.version == 2

    service.work(clinician.who.caller, correct)

    def look(work: Work) -> None:
        current = operations.read_item(work, item_id)
        stored = items.find(work, item_id, lock=False)
        assert stored is not None
        assert current.content == {"text": "corrected"}
        former = items.version_of(work, stored, 1)
        assert former is not None
        assert former.content == {"text": SECRET}
        assert former.version == 1
        assert items.version_of(work, stored, 7) is None

    service.work(clinician.who.caller, look)


def test_an_old_value_put_back_does_not_open(service: Service, patient: str, clinician: Any) -> None:
    item_id = service.work(clinician.who.caller, lambda work: make(work, patient))
    with service.house.superuser() as db:
        old = db.execute("SELECT content FROM record_item WHERE id = %s", [item_id]).fetchone()

    def correct(work: Work) -> None:
        operations.read_item(work, item_id)
        stored = items.find(work, item_id, lock=True)
        assert stored is not None
        items.change(work, stored, content="corrected")

    service.work(clinician.who.caller, correct)
    with service.house.superuser() as db:
        assert old is not None
        db.execute("SET session_replication_role = replica")
        db.execute("UPDATE record_item SET content = %s WHERE id = %s", [old[0], item_id])
    answer = clinician.get(f"/items/{item_id}")
    assert answer.status_code == 500
    assert answer.json()["code"] == "integrity"


def test_labels_that_do_not_open_close_the_item(service: Service, patient: str, clinician: Any) -> None:
    item_id = service.work(clinician.who.caller, lambda work: make(work, patient))
    with service.house.superuser() as db:
        db.execute("SET session_replication_role = replica")
        db.execute("UPDATE record_item SET labels = content WHERE id = %s", [item_id])
    refused = clinician.get(f"/items/{item_id}")
    assert refused.status_code == 403
    assert refused.json()["reasons"][0]["rule"] == "ITEM_NOT_CLASSIFIED"
    chart = clinician.get(f"/patients/{patient}/record").json()
    assert chart["items"] == []
    assert chart["withheld"][0]["reason"] == "ITEM_NOT_CLASSIFIED"


def test_decisions_see_settled_items_of_one_patient_only(
    service: Service, patient: str, clinician: Any
) -> None:
    other = service.client("intake").post("/patients", PATIENT | {"given_name": "Sasha"}).json()["id"]
    service.relate(clinician.who, other)

    def act(work: Work) -> None:
        mine = make(work, patient)
        draft = make(work, patient, state=ItemState.DRAFT)
        wrong = make(work, patient, state=ItemState.ENTERED_IN_ERROR)
        theirs = make(work, str(other))
        every = operations.items_for_decision(work, UUID(patient))
        assert [item.id for item in every] == [mine]
        assert every[0].labels == frozenset()
        assert every[0].regime is not None
        named = operations.items_for_decision(work, UUID(patient), [mine, draft, wrong, theirs])
        assert [item.id for item in named] == [mine]
        assert operations.items_for_decision(work, UUID(patient), []) == ()
        opened = operations.items_opened(work, UUID(patient), [mine, theirs])
        assert [item.content for item in opened] == [{"text": SECRET}]

    service.work(clinician.who.caller, act)


def test_a_change_of_a_row_that_moved_on_is_stale(service: Service, patient: str, clinician: Any) -> None:
    item_id = service.work(clinician.who.caller, lambda work: make(work, patient))

    def act(work: Work) -> None:
        operations.read_item(work, item_id)
        stored = items.find(work, item_id, lock=True)
        assert stored is not None
        items.change(work, stored, content="one")
        with pytest.raises(Stale):
            items.change(work, stored, content="two")

    service.work(clinician.who.caller, act)
    assert clinician.get(f"/items/{item_id}").json()["content"] == "one"


def test_nothing_opens_before_the_act_is_authorised(service: Service, patient: str, clinician: Any) -> None:
    item_id = service.work(clinician.who.caller, lambda work: make(work, patient))
    with pytest.raises(RuntimeError, match="authorised"):
        service.work(
            clinician.who.caller, lambda work: operations.items_opened(work, UUID(patient), [item_id])
        )
