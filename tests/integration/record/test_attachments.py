"""Attachments over HTTP: kept as they came, sealed, refused when they are anything else, never shown in place."""

import hashlib
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from service.record.attachments.content import MOST_BYTES
from tests.house import Account, Client, Service, open_program
from tests.integration.canary_watch import Canaries
from tests.integration.evidence.registry import Registry
from tests.unit.record.scans import JPEG, PDF, PNG, SCANS, png_with

TITLE = "Order of 2 June, Señora Testperson"


class Filing(Registry):
    """A registry whose clinician files papers."""

    def add(
        self,
        content: bytes = PDF,
        claimed: str = "application/pdf",
        *,
        by: Client | None = None,
        **asked: Any,
    ) -> Any:
        self.service.clock.advance(timedelta(seconds=1))
        title = asked.pop("title", TITLE)
        who = by or self.by("clinician", "TREAT")
        key = {"Idempotency-Key": asked.pop("key")} if "key" in asked else {}
        return who.request(
            "POST",
            f"/patients/{self.patient_id}/attachments",
            params={"kind": "court_order"} | asked,
            content=content,
            headers={"Content-Type": claimed, "Attachment-Title": quote(title)} | key,
        )

    def added(self, **options: Any) -> dict[str, Any]:
        return self.made(self.add(**options))


@pytest.fixture
def filing(service: Service) -> Filing:
    return Filing(service)


@pytest.mark.parametrize("name", sorted(SCANS))
def test_a_file_comes_back_as_it_came_and_only_to_be_saved(filing: Filing, name: str) -> None:
    claimed, content = SCANS[name]
    added = filing.added(content=content, claimed=claimed)
    assert (added["media_type"], added["size"], added["state"]) == (claimed, len(content), "kept")
    assert (added["title"], added["sha256"]) == (TITLE, hashlib.sha256(content).hexdigest())
    answer = filing.by("clinician", "TREAT").get(f"/attachments/{added['id']}/content")
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["content-type"] == claimed
    assert answer.headers["content-disposition"].startswith(
        f'attachment; filename="attachment-{added["id"]}.'
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"].split("; ")
    assert {"sandbox", "default-src 'none'"} <= set(policy)
    assert answer.headers["cache-control"] == "no-store"
    assert TITLE not in str(answer.headers)


def test_what_is_not_what_it_says_is_refused_and_leaves_nothing(filing: Filing) -> None:
    for content, claimed in (
        (PDF, "image/png"),
        (b"<html></html>", "text/html"),
        (b"<svg/>", "image/svg+xml"),
        (PNG + b"PK\x05\x06" + b"\x00" * 18, "image/png"),
        (b"", "application/pdf"),
        (PDF, ""),
    ):
        answer = filing.add(content, claimed)
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type"), claimed
    assert (
        filing.by("clinician", "TREAT").get(f"/patients/{filing.patient_id}/attachments").json()["items"]
        == []
    )
    assert filing.service.entries(action="attachment.add") == []


def test_ten_mebibytes_here_and_one_elsewhere(filing: Filing) -> None:
    most = png_with(b"x" * (MOST_BYTES - len(png_with(b""))))
    added = filing.added(content=most, claimed="image/png")
    answer = filing.by("clinician", "TREAT").get(f"/attachments/{added['id']}/content")
    assert hashlib.sha256(answer.content).hexdigest() == added["sha256"]
    too_much = filing.add(most + b"x", "image/png")
    assert (too_much.status_code, too_much.json()["code"]) == (413, "body_too_large")
    elsewhere = filing.by("clinician").request("POST", filing.papers, content=b"x" * (1024 * 1024 + 1))
    assert elsewhere.status_code == 413


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"kind": "photograph"}, 422),
        ({"subject_kind": "consent"}, 422),
        ({"subject_id": "00000000-0000-0000-0000-000000000001"}, 422),
        ({"subject_kind": "evidence", "subject_id": "00000000-0000-0000-0000-000000000001"}, 422),
        ({"subject_kind": "item", "subject_id": "00000000-0000-0000-0000-000000000001"}, 422),
        ({"title": "x" * 201}, 422),
        ({"title": "two\nlines"}, 422),
    ],
    ids=["kind", "no-id", "no-kind", "nobody's", "no-subject", "long-title", "lines"],
)
def test_what_is_said_beside_has_to_fit(filing: Filing, asked: dict[str, Any], status: int) -> None:
    assert filing.add(**asked).status_code == status


def test_it_belongs_to_a_consent_or_evidence_of_the_same_patient(filing: Filing) -> None:
    order = filing.recorded("court_order")
    added = filing.added(subject_kind="evidence", subject_id=order["id"])
    assert (added["subject_kind"], added["subject_id"]) == ("evidence", order["id"])
    other = Filing(filing.service)
    assert other.patient_id != filing.patient_id
    assert other.add(subject_kind="evidence", subject_id=order["id"]).status_code == 422
    agreement = filing.recorded("qsoa")
    assert filing.add(subject_kind="evidence", subject_id=agreement["id"]).status_code == 422


def test_papers_are_listed_newest_first_without_their_content(filing: Filing) -> None:
    ids = [filing.added(title=f"paper {number}")["id"] for number in range(3)]
    client, path = filing.by("intake", "TREAT"), f"/patients/{filing.patient_id}/attachments"
    page = client.get(path, params={"limit": 2}).json()
    assert [one["id"] for one in page["items"]] == [ids[2], ids[1]]
    assert "content" not in page["items"][0]
    rest = client.get(path, params={"cursor": page["next_cursor"]}).json()
    assert ([one["title"] for one in rest["items"]], rest["next_cursor"]) == (["paper 0"], None)


def test_an_error_is_marked_once_and_nothing_is_lost(filing: Filing) -> None:
    added = filing.added(content=JPEG, claimed="image/jpeg")
    path, clinician = f"/attachments/{added['id']}", filing.by("clinician", "TREAT")
    marked = filing.made(clinician.post(f"{path}/error", {"reason": "another patient's"}), 200)
    assert (marked["state"], marked["version"], marked["error_reason"]) == (
        "entered_in_error",
        2,
        "another patient's",
    )
    assert clinician.get(path).json() == marked
    assert clinician.get(f"{path}/content").content == JPEG
    again = clinician.post(f"{path}/error", {"reason": "again"})
    assert (again.status_code, again.json()["code"]) == (409, "transition_refused")


def test_a_repeated_upload_is_one_paper(filing: Filing) -> None:
    first, second = (filing.add(key="once") for _ in range(2))
    assert first.json() == second.json()
    assert filing.add(key="once", kind="other").status_code == 409
    assert filing.add(PNG, "image/png", key="once").status_code == 409
    assert len(filing.by("intake").get(f"/patients/{filing.patient_id}/attachments").json()["items"]) == 1


#: role -> may add, list, read the content.
MAY = {
    "clinician": (True, True, True),
    "intake": (True, True, False),
    "compliance": (True, True, False),
    "director": (False, False, False),
    "administrator": (False, False, False),
    "patient": (False, False, False),
    "requester": (False, False, False),
}


@pytest.mark.parametrize("role", sorted(MAY))
def test_who_may(filing: Filing, role: str) -> None:
    """Content is for who works with the patient; compliance reads none (policies/roles.yaml)."""
    added = filing.added()
    who = filing.by(role, "TREAT")
    may_add, may_list, may_read = MAY[role]
    refused = 404 if role in ("patient", "requester") else 403
    assert filing.add(by=who).status_code == (201 if may_add else refused)
    for path in (f"/patients/{filing.patient_id}/attachments", f"/attachments/{added['id']}"):
        assert who.get(path).status_code == (200 if may_list else refused)
    assert who.get(f"/attachments/{added['id']}/content").status_code == (200 if may_read else refused)
    marked = who.post(f"/attachments/{added['id']}/error", {"reason": "x"})
    assert marked.status_code == (200 if may_add else refused)


def test_strangers_to_the_patient_and_other_programs(filing: Filing) -> None:
    added = filing.added()
    unrelated: Account = filing.service.account("clinician", name="works elsewhere")
    client = filing.service.client(unrelated)
    assert client.get(f"/attachments/{added['id']}/content").status_code == 403
    assert filing.add(by=client).status_code == 403
    foreign = open_program(filing.service.house).client("intake")
    assert filing.add(by=foreign).status_code == 404
    for path in ("", "/content"):
        assert foreign.get(f"/attachments/{added['id']}{path}").status_code == 404
    assert foreign.get(f"/patients/{filing.patient_id}/attachments").status_code == 404


def test_nothing_is_stored_in_the_clear(filing: Filing) -> None:
    """Logs, addresses and files of the database are searched in tests/integration/test_canaries.py."""
    canaries = Canaries()
    content = png_with(canaries.word("scan").encode())
    added = filing.added(content=content, claimed="image/png", title=canaries.word("title"))
    clinician = filing.by("clinician", "TREAT")
    assert clinician.get(f"/attachments/{added['id']}/content").content == content
    reason = canaries.word("reason")
    filing.made(clinician.post(f"/attachments/{added['id']}/error", {"reason": reason}), 200)
    refused = filing.add(content + b"x", "image/png", title=canaries.word("refused"))
    assert refused.status_code == 415 and not canaries.seen_in(refused.text)
    entries = filing.service.entries(object_kind="attachment")
    assert {entry["action"] for entry in entries} == {"attachment.add", "attachment.read"}
    assert all(entry["payload_hash"] for entry in entries)
    assert not canaries.seen_in(str(entries)) and added["sha256"] not in str(entries)
    with filing.service.house.superuser() as db:
        rows = db.execute("SELECT a::text FROM attachment a WHERE id = %s", [added["id"]]).fetchall()
    assert len(rows) == 1 and not canaries.seen_in(str(rows)) and added["sha256"] not in str(rows)


TAMPERS = {
    "content moved": (
        "UPDATE attachment SET content = (SELECT content FROM attachment WHERE id = %(other)s) WHERE id = %(id)s"
    ),
    "description moved": (
        "UPDATE attachment SET description = (SELECT description FROM attachment WHERE id = %(other)s) WHERE id = %(id)s"
    ),
    "another kind": "UPDATE attachment SET kind = 'identity_paper' WHERE id = %(id)s",
    "another type": "UPDATE attachment SET media_type = 'image/png' WHERE id = %(id)s",
    "another subject": "UPDATE attachment SET subject_kind = 'consent', subject_id = id WHERE id = %(id)s",
    "another version": "UPDATE attachment SET version = version + 1 WHERE id = %(id)s",
    "marked by hand": "UPDATE attachment SET state = 'entered_in_error' WHERE id = %(id)s",
    "a byte": "UPDATE attachment SET content = set_byte(content, 60, get_byte(content, 60) # 1) WHERE id = %(id)s",
}


@pytest.mark.parametrize("how", sorted(TAMPERS))
def test_a_row_changed_by_hand_does_not_open(filing: Filing, how: str) -> None:
    added, other = filing.added(), filing.added()
    with filing.service.house.superuser() as db:
        db.execute("SET session_replication_role = replica")
        db.execute(TAMPERS[how], {"id": added["id"], "other": other["id"]})
    answer = filing.by("clinician", "TREAT").get(f"/attachments/{added['id']}/content")
    assert (answer.status_code, answer.json()["code"]) == (500, "integrity")
    assert filing.service.entries(action="integrity.failed")


def test_an_older_content_put_back_does_not_open(filing: Filing) -> None:
    added = filing.added()
    parameters = {"id": added["id"]}
    with filing.service.house.superuser() as db:
        old = db.execute(
            "SELECT content, description FROM attachment WHERE id = %(id)s", parameters
        ).fetchone()
    assert old is not None
    clinician = filing.by("clinician", "TREAT")
    filing.made(clinician.post(f"/attachments/{added['id']}/error", {"reason": "wrong"}), 200)
    with filing.service.house.superuser() as db:
        db.execute("SET session_replication_role = replica")
        change = (
            "UPDATE attachment SET content = %(c)s, description = %(d)s, state = 'kept' WHERE id = %(id)s"
        )
        db.execute(change, parameters | {"c": old[0], "d": old[1]})
    assert clinician.get(f"/attachments/{added['id']}").status_code == 500
