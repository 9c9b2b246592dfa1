"""How the ledger stands, and what follows: anchors that fail, forks after a restore, and the way back."""

import json
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from botocore.exceptions import ClientError
from starlette.testclient import TestClient
from typer.testing import CliRunner, Result

from service.app import Options, build
from service.cli.ledger import app
from service.config import AnchorSettings, read_anchors
from service.edge.metrics import exposition
from service.errors import StartRefused
from service.ledger.anchors.anchor import AnchorFailed, AnchorUnfit
from service.ledger.anchors.file import FileAnchor
from service.ledger.anchors.s3 import ObjectStoreAnchor
from service.ledger.anchors.syslog import SyslogAnchor
from service.ledger.checkpoint import Checkpoint, sign
from service.ledger.standing import LedgerState, Standing, judge
from tests.anchors import object_store
from tests.fakes import FakeClock
from tests.house import Cluster, House, Service, open_program
from tests.integration.ledger.cutting import cut_back
from tests.ledger_entries import TREE, Key

PERSON = {"given_name": "Tilda", "family_name": "Testperson", "birth_date": "1984-02-29", "sex": "female"}
SEARCH = {"family_name": "Testperson", "birth_date": "1984-02-29"}
SIGNER = Key()


def note(size: int, mark: int = 0) -> str:
    return sign(Checkpoint("consentry/test/harbour", size, bytes([size % 256, mark] * 16)), SIGNER)


@pytest.fixture(scope="module")
def apart(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house of its own: its ledger forks, and its anchors fail."""
    built = House(cluster, "consentry_standing", tmp_path_factory.mktemp("apart"))
    try:
        yield built
    finally:
        built.close()


@pytest.fixture
def own(apart: House) -> Service:
    apart.sequence()
    apart.sequence()  # the first brings the anchors up, the second sees it
    return open_program(apart)


def stands(house: House) -> str:
    return str(house.http.get("/readyz").json()["ledger"])


def changes(house: House) -> list[dict[str, Any]]:
    with house.superuser() as db:
        rows = db.execute(
            "select detail from audit_entry where action = 'ledger.status' order by recorded_at"
        )
        return [json.loads(row[0]) for row in rows.fetchall()]


def command(house: House, *arguments: str) -> Result:
    environment = house.settings.to_environment()
    return CliRunner().invoke(app, [*arguments, "--data", str(house.data)], env=environment)


# -- the rule


def test_one_required_anchor_that_keeps_up_is_enough() -> None:
    def of(
        required: dict[str, float], others: dict[str, float] | None = None, *, forked: bool = False
    ) -> str:
        return judge(forked=forked, required=required, others=others or {}, grace=300).value

    assert of({"file": 0, "s3": 10_000}) == "anchor_late"
    assert of({"file": 60}) == "ok"
    assert of({"file": 60.1}) == "anchor_late"
    assert of({"file": 0}, {"syslog": 61}) == "anchor_late"
    assert of({"file": 299.9}) == "anchor_late"
    assert of({"file": 300, "s3": 301}) == "overdue"
    assert of({"file": 0}, forked=True) == "forked"


@pytest.mark.parametrize("state", list(LedgerState))
def test_what_each_state_lets_through(state: LedgerState) -> None:
    standing = Standing(state)

    def code(action: str) -> str | None:
        try:
            standing.check(action)
        except Exception as error:
            return error.code.value  # type: ignore[attr-defined]
        return None

    for action in (
        "session.end",
        "audit.read",
        "audit.export",
        "ledger.restore",
        "account.read_self",
        "key.read",
    ):
        assert code(action) is None
    writes = {"overdue": "ledger_not_anchored", "forked": "ledger_forked"}.get(state.value)
    reads = {"overdue": "ledger_not_anchored"}.get(state.value)
    for action in ("patient.register", "disclosure.make", "consent.revoke", "program.manage", "key.rotate"):
        assert code(action) == writes
    for action in ("patient.read", "patient.search", "consent.list"):
        assert code(action) == reads
    assert Standing(state, "alert").fit is (state is not LedgerState.FORKED)


def test_a_look_that_is_too_long_ago_counts_as_overdue() -> None:
    standing = Standing(LedgerState.OK, grace=300, renewed=-1e9)
    assert not standing.fit


# -- settings: there is no word for off


@pytest.mark.shows("O-25")
@pytest.mark.parametrize(
    "wrong",
    [
        {"CONSENTRY_ANCHORS": "off"},
        {"CONSENTRY_ANCHORS": "none"},
        {"CONSENTRY_ANCHORS": "file,file"},
        {"CONSENTRY_ANCHORS": ","},
        {"CONSENTRY_ANCHORS": "s3"},
        {"CONSENTRY_ANCHORS_REQUIRED": "s3"},
        {"CONSENTRY_ANCHOR_POLICY": "off"},
        {"CONSENTRY_ANCHOR_GRACE": "0"},
        {"CONSENTRY_ANCHOR_GRACE": "61"},
        {"CONSENTRY_ANCHOR_GRACE": "many"},
    ],
    ids=str,
)
def test_a_setting_that_would_leave_no_anchor_refuses_the_start(wrong: dict[str, str]) -> None:
    with pytest.raises(StartRefused):
        read_anchors(wrong)


def test_anchors_are_read_as_they_are_written() -> None:
    assert read_anchors({}) == AnchorSettings()
    given = AnchorSettings(names=("file", "s3"), required=("s3",), s3_bucket="anchors", grace=7)
    assert read_anchors(given.to_environment()) == given


# -- anchors that fail


@pytest.mark.shows("O-22", "O-25")
def test_a_folder_that_takes_nothing_leads_to_503_and_back(own: Service, tmp_path: Path) -> None:
    """The file's place is taken by something that is no folder; nobody restarts anything."""
    house = own.house
    folder = house.settings.checkpoints
    intake = own.client("intake")
    before = len(changes(house))
    assert intake.post("/patients", PERSON).status_code == 201
    house.sequence()
    folder.rename(tmp_path / "aside")
    folder.write_text("in the way")
    try:
        with pytest.raises(AnchorUnfit):
            FileAnchor(folder).check()
        assert intake.post("/patients", PERSON).status_code == 201
        house.sequence()
        house.clock.advance(timedelta(seconds=61))
        house.sequence()
        assert stands(house) == "anchor_late"
        assert intake.post("/patients", PERSON).status_code == 201
        house.clock.advance(timedelta(seconds=300))
        house.sequence()
        refused = intake.post("/patients", PERSON)
        assert (refused.status_code, refused.json()["code"]) == (503, "ledger_not_anchored")
        assert refused.headers["retry-after"]
        assert intake.post("/patients/search", {"family_name": "Testperson"}).status_code == 503
        assert own.client("compliance").get("/audit/entries").status_code == 200
        assert house.http.get("/healthz").status_code == 200
        ready = house.http.get("/readyz")
        assert (ready.status_code, ready.json()["ledger"]) == (503, "overdue")
        assert b"consentry_ledger_standing 2.0" in exposition()[0]
    finally:
        folder.unlink()
        (tmp_path / "aside").rename(folder)
    house.sequence()
    house.sequence()
    assert stands(house) == "ok"
    assert intake.post("/patients", PERSON).status_code == 201
    told = [(one["from"], one["to"]) for one in changes(house)[before:]]
    assert told == [("ok", "anchor_late"), ("anchor_late", "overdue"), ("overdue", "ok")]


@pytest.mark.shows("O-25")
def test_a_start_without_a_place_for_checkpoints_is_refused(own: Service, tmp_path: Path) -> None:
    """A whole start, with the keys and the database in order: only the folder's place is taken."""
    house = own.house
    assert house.settings.anchors.names == ("file",)
    data = tmp_path / "data"
    shutil.copytree(house.data / "keys", data / "keys")
    settings = replace(house.settings, data=data)
    for taken in (True, False):
        if taken:
            settings.checkpoints.write_text("no folder")
            with pytest.raises(StartRefused), TestClient(build(settings, Options(sequence=False))):
                pass
            settings.checkpoints.unlink()
        else:
            with TestClient(build(settings, Options(clock=house.clock, sequence=False))) as http:
                assert http.get("/healthz").status_code == 200


# -- a restore


@pytest.mark.shows("O-32", "T4")
def test_a_restored_database_writes_nothing_until_somebody_answers_for_it(own: Service) -> None:
    """A backup of the trail is brought back: two entries fewer than the copies know."""
    house, tree = own.house, own.program_id
    intake = own.client("intake")
    for _ in range(3):
        assert intake.post("/patients/search", SEARCH).status_code == 200
        house.sequence()
    size = cut_back(house, tree, 2)
    house.sequence()
    assert stands(house) == "forked"
    refused = intake.post("/patients", PERSON)
    assert (refused.status_code, refused.json()["code"]) == (503, "ledger_forked")
    assert intake.post("/patients/search", SEARCH).status_code == 200
    early = command(house, "verify", "--program", own.program.key)
    assert early.exit_code == 1, early.output
    assert "truncated" in early.output
    assert _starts_forked(house)
    done = command(
        house, "restored", "--reason", "disk of the server lost", "--backup-time", "2020-01-01T00:00:00"
    )
    assert done.exit_code == 0, done.output
    assert f"continues at {size}" in done.output
    house.sequence()
    house.sequence()
    assert stands(house) == "ok"
    assert intake.post("/patients/search", SEARCH).status_code == 200
    house.sequence()
    result = command(house, "verify", "--program", own.program.key)
    assert result.exit_code == 0, result.output
    assert "1 recorded restore(s)" in result.output
    assert _entry_at(house, tree, size) == "ledger.restore"
    with house.superuser() as db:
        reasons = db.execute("select reason from ledger_restore where tree = %s", [tree]).fetchall()
    assert len(reasons) == 1
    assert b"disk of the server" not in bytes(reasons[0][0])
    again = command(house, "restored", "--reason", "again", "--backup-time", "2020-01-01T00:00:00")
    assert again.exit_code == 1, again.output
    # and no other fork is explained by it
    cut_back(house, tree, 1)
    house.sequence()
    assert stands(house) == "forked"
    assert command(house, "verify", "--program", own.program.key).exit_code == 1
    assert (
        command(house, "restored", "--reason", "again", "--backup-time", "2020-01-01T00:00:00").exit_code == 0
    )
    house.sequence()
    house.sequence()
    assert stands(house) == "ok"
    assert command(house, "verify", "--program", own.program.key).exit_code == 0


def _entry_at(house: House, tree: UUID, position: int) -> str:
    with house.superuser() as db:
        row = db.execute(
            "select e.action from audit_leaf l join audit_entry e on e.id = l.entry_id "
            "where l.tree = %s and l.position = %s",
            [tree, position],
        ).fetchone()
    assert row is not None
    return str(row[0])


def _starts_forked(house: House) -> bool:
    """A process that starts now knows it before it serves anybody."""
    with TestClient(build(house.settings, Options(clock=house.clock, sequence=False))) as http:
        return bool(http.get("/readyz").json()["ledger"] == "forked")


# -- the object store


@pytest.fixture(scope="module")
def store() -> Iterator[tuple[str, Any]]:
    with object_store() as found:
        yield found


def _store(endpoint: str, bucket: str = "anchors", prefix: str = "consentry/") -> ObjectStoreAnchor:
    settings = AnchorSettings(s3_bucket=bucket, s3_endpoint=endpoint, s3_prefix=prefix)
    return ObjectStoreAnchor(settings, FakeClock())


@pytest.mark.shows("T4")
def test_the_object_store_keeps_heads_locked(store: tuple[str, Any]) -> None:
    endpoint, client = store
    anchor = _store(endpoint)
    anchor.check()
    assert anchor.newest(TREE) is None
    anchor.publish(TREE, [note(3), note(9)])
    anchor.publish(TREE, [note(120)])
    anchor.publish(TREE, [note(50)])
    head = anchor.newest(TREE)
    assert head is not None
    assert head.size == 120
    assert list(anchor.trees()) == [TREE]
    listed = client.list_objects_v2(Bucket="anchors")["Contents"]
    kept = client.head_object(Bucket="anchors", Key=listed[0]["Key"])
    assert kept["ObjectLockMode"] == "COMPLIANCE"
    with pytest.raises(ClientError, match="AccessDenied"):
        client.delete_object(Bucket="anchors", Key=listed[0]["Key"], VersionId=kept["VersionId"])
    # deleting puts a marker in front, writing again a newer version; neither is believed
    client.delete_object(Bucket="anchors", Key=listed[0]["Key"])
    client.put_object(Bucket="anchors", Key=listed[0]["Key"], Body=note(121).encode())
    head = _store(endpoint).newest(TREE)
    assert head is not None
    assert head.size == 120


def test_a_recorded_restore_begins_a_branch_in_the_object_store(store: tuple[str, Any]) -> None:
    anchor = _store(store[0], prefix="branches/")
    anchor.publish(TREE, [note(10)])
    anchor.publish(TREE, [note(40)])
    abandoned = anchor.newest(TREE)
    anchor.publish(TREE, [note(12, 1)], over=abandoned)
    head = anchor.newest(TREE)
    assert head is not None
    assert head.size == 12
    assert len(list(anchor.notes(TREE))) == 3
    anchor.publish(TREE, [note(11, 1)], over=abandoned)
    assert anchor.newest(TREE) == head


def test_a_bucket_that_locks_nothing_is_unfit_and_one_that_is_gone_too(store: tuple[str, Any]) -> None:
    with pytest.raises(AnchorUnfit):
        _store(store[0], "unlocked").check()
    with pytest.raises(AnchorUnfit):
        _store(store[0], "not-there").check()
    with pytest.raises(AnchorFailed):
        _store("http://127.0.0.1:9").newest(TREE)


# -- the system log


@pytest.mark.parametrize("kind", ["udp", "tcp", "unix"])
def test_a_checkpoint_reaches_the_system_log(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "log"
    family = socket.AF_UNIX if kind == "unix" else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as receiver:
        receiver.settimeout(5)
        receiver.bind(str(path) if kind == "unix" else ("127.0.0.1", 0))
        if kind == "tcp":
            receiver.listen()
        received: list[bytes] = []

        def receive() -> None:
            if kind == "tcp":
                peer, _ = receiver.accept()
                with peer:
                    while part := peer.recv(65536):
                        received.append(part)
            else:
                received.append(receiver.recv(65536))

        thread = threading.Thread(target=receive)
        thread.start()
        address = f"unix://{path}" if kind == "unix" else f"{kind}://127.0.0.1:{receiver.getsockname()[1]}"
        SyslogAnchor(address, FakeClock()).publish(TREE, [note(1), note(7)])
        thread.join(5)
    message = b"".join(received)
    if kind == "tcp":
        length, _, message = message.partition(b" ")
        assert int(length) == len(message)
    header, _, text = message.decode().partition(" \ufeff")
    assert header.startswith("<109>1 2")
    assert f'[checkpoint@32473 tree="{TREE}" size="7" root="{bytes([7, 0] * 16).hex()}"]' in header
    assert text.replace("|", "\n") + "\n" == note(7)


def test_a_log_that_is_not_there_has_failed(tmp_path: Path) -> None:
    with pytest.raises(AnchorFailed):
        SyslogAnchor(f"unix://{tmp_path}/nothing", FakeClock()).publish(TREE, [note(1)])
    with pytest.raises(AnchorUnfit):
        SyslogAnchor("http://somewhere", FakeClock())
